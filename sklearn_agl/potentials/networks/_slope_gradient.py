"""Compiled slopes of network energies along directions, and their gradients by the weights.

A direction moves the atoms of one structure and with them their features, by the *tangents*; the
slope of the energy along it is the negative force in that direction. It takes a tangent pass
through the networks (forward mode), and its gradient a pass back through both.

The layout is that of `_gradient`: nodes first, atoms last, and for tangents all directions of a
structure side by side, atom after atom within each.
"""

import numpy as np

from sklearn_agl.compiled._activations import activate_twice
from sklearn_agl.potentials.networks._feature_gradients import backward_to_features
from sklearn_agl.potentials.networks._gradient import (
    add_row_sums,
    affine,
    compiled,
    forward as sum_energies,
)
from sklearn_agl.potentials.networks._matrix_products import (
    add_outer_product,
    multiply,
    multiply_transposed,
)


@compiled
def forward(theta, sizes, starts, activation, inputs, values, slopes, curvatures):
    """The hidden layers of one element, each behind the one before it in flat arrays."""
    n_atoms, first = inputs.shape[1], 0
    for layer in range(starts.size - 1):
        n_in, n_out, start = sizes[layer], sizes[layer + 1], starts[layer]
        weights = theta[start : start + n_in * n_out].reshape(n_out, n_in)
        bias = theta[start + n_in * n_out : start + (n_in + 1) * n_out]
        last = first + n_out * n_atoms
        outputs = values[first:last].reshape(n_out, n_atoms)
        affine(weights, bias, inputs, outputs)
        activate_twice(activation, values[first:last], slopes[first:last], curvatures[first:last])
        inputs, first = outputs, last


@compiled
def push_forward(theta, sizes, starts, n_atoms, n_directions, slopes, tangents, rates, outputs):
    """Tangents through the hidden layers: `rates` before the activation, `outputs` behind it."""
    width, first, inputs = n_atoms * n_directions, 0, tangents
    for layer in range(starts.size - 1):
        n_in, n_out = sizes[layer], sizes[layer + 1]
        rate, output = rates[first * width :], outputs[first * width :]
        multiply(theta[starts[layer] :], inputs, rate, n_out, n_in, width)
        for h in range(n_out):
            slope = slopes[(first + h) * n_atoms : (first + h + 1) * n_atoms]
            for d in range(n_directions):
                start = h * width + d * n_atoms
                for a in range(n_atoms):
                    output[start + a] = slope[a] * rate[start + a]
        inputs, first = output, first + n_out


@compiled
def last_layer(weights, n_atoms, inputs, results, gradients):
    """Add the slopes, and their gradients by the weights of the last layer."""
    n_directions = results.size
    for h in range(weights.size):
        for d in range(n_directions):
            start, total = (h * n_directions + d) * n_atoms, 0.0
            for a in range(n_atoms):
                total += inputs[start + a]
            results[d] += weights[h] * total
            gradients[d, h] += total


@compiled
def through_activation(n_out, n_atoms, n_directions, slopes, curvatures, rates, of_value, of_rate):
    """From derivatives by the values and tangents behind an activation to those before it."""
    for h in range(n_out):
        slope = slopes[h * n_atoms : (h + 1) * n_atoms]
        curvature = curvatures[h * n_atoms : (h + 1) * n_atoms]
        for d in range(n_directions):
            start = (h * n_directions + d) * n_atoms
            for a in range(n_atoms):
                i = start + a
                of_value[i] = slope[a] * of_value[i] + curvature[a] * rates[i] * of_rate[i]
                of_rate[i] = slope[a] * of_rate[i]


@compiled
def add_layer_gradients(n_in, n_out, n_atoms, values, tangents, of_value, of_rate, gradients):
    """Add the gradients by a hidden layer's weights and biases, a row for each direction."""
    n_directions = len(gradients)
    width = n_atoms * n_directions
    for d in range(n_directions):
        start, gradient = d * n_atoms, gradients[d]
        add_outer_product(
            of_rate[start:], tangents[start:], gradient, n_out, n_atoms, n_in, width, width
        )
        add_outer_product(of_value[start:], values, gradient, n_out, n_atoms, n_in, width, n_atoms)
        add_row_sums(of_value[start:], gradient[n_in * n_out :], n_out, n_atoms, width)


@compiled
def backward(
    theta, sizes, starts, inputs, values, slopes, curvatures, tangents, rates, outputs, gradients,
):  # fmt: skip
    """Add the gradients by all layers but the last."""
    depth, n_directions = starts.size, len(gradients)
    n_atoms = inputs.size // sizes[0]
    width, widest = n_atoms * n_directions, sizes[1:].max()
    of_rate, of_value = np.empty(widest * width), np.zeros(widest * width)
    below_rate, below_value = np.empty(widest * width), np.empty(widest * width)
    first = sizes[1:depth].sum()
    last_weights = theta[starts[depth - 1] :]
    for h in range(sizes[depth - 1]):
        of_rate[h * width : (h + 1) * width] = last_weights[h]
    for layer in range(depth - 2, -1, -1):
        n_in, n_out = sizes[layer], sizes[layer + 1]
        first -= n_out
        through_activation(
            n_out, n_atoms, n_directions, slopes[first * n_atoms :], curvatures[first * n_atoms :],
            rates[first * width :], of_value, of_rate,
        )  # fmt: skip
        lower = first - n_in
        values_in = inputs if layer == 0 else values[lower * n_atoms :]
        tangents_in = tangents if layer == 0 else outputs[lower * width :]
        add_layer_gradients(
            n_in, n_out, n_atoms, values_in, tangents_in, of_value, of_rate,
            gradients[:, starts[layer] :],
        )  # fmt: skip
        if layer > 0:
            weights = theta[starts[layer] :]
            multiply_transposed(weights, of_rate, below_rate, n_in, n_out, width)
            multiply_transposed(weights, of_value, below_value, n_in, n_out, width)
            of_rate, below_rate = below_rate, of_rate
            of_value, below_value = below_value, of_value


@compiled
def differentiate(theta, sizes, starts, activation, inputs, tangents, results, gradients):
    """Add one element's part of the slopes of a structure's directions, and of their gradients."""
    n_atoms, n_directions, n_hidden = inputs.size // sizes[0], results.size, sizes[1:-1].sum()
    hidden = np.empty((3, n_hidden * n_atoms))
    values, slopes, curvatures = hidden[0], hidden[1], hidden[2]
    moving = np.empty((2, n_hidden * n_atoms * n_directions))
    rates, outputs = moving[0], moving[1]
    block = inputs.reshape(sizes[0], n_atoms)
    forward(theta, sizes, starts, activation, block, values, slopes, curvatures)
    push_forward(theta, sizes, starts, n_atoms, n_directions, slopes, tangents, rates, outputs)
    start, n_last = starts[-1], sizes[-2]
    last = tangents if starts.size == 1 else outputs[-n_last * n_atoms * n_directions :]
    last_layer(theta[start : start + n_last], n_atoms, last, results, gradients[:, start:])
    if starts.size > 1:
        backward(
            theta, sizes, starts, inputs, values, slopes, curvatures, tangents, rates, outputs,
            gradients,
        )  # fmt: skip


@compiled
def slopes(
    theta, sizes, starts, activation, data, block_starts, counts, tangent_data, tangent_starts,
    n_directions, rows,
):  # fmt: skip
    """Slopes of the summed energies of the structures `rows` along all their directions.

    The energies are not divided by the number of atoms: forces do not depend on it.
    """
    results, first = np.zeros(n_directions[rows].sum()), 0
    most = int(counts.max())
    values = np.empty(sizes[0, 1:].sum() * most)
    deltas = np.empty_like(values)
    for s in rows:
        last = first + n_directions[s]
        for e in range(counts.shape[1]):
            n_atoms, n_in = counts[s, e], sizes[e, 0]
            if n_atoms > 0 and last > first:
                start, size = block_starts[s, e], n_in * n_atoms
                inputs = data[start : start + size].reshape(n_in, n_atoms)
                slope = np.ones((n_in, n_atoms))
                sum_energies(theta, sizes[e], starts[e], activation, inputs, values, deltas)
                backward_to_features(theta, sizes[e], starts[e], deltas, slope)
                tangents = tangent_data[tangent_starts[s, e] :]
                add_products(slope, tangents, results[first:last])
        first = last
    return results


@compiled
def add_products(slope, tangents, results):
    """Add the product of the features' derivatives with the tangents of each direction."""
    n_in, n_atoms = slope.shape
    for f in range(n_in):
        for d in range(results.size):
            start, total = (f * results.size + d) * n_atoms, 0.0
            for a in range(n_atoms):
                total += slope[f, a] * tangents[start + a]
            results[d] += total


@compiled
def slopes_and_gradients(
    theta, sizes, starts, activation, data, block_starts, counts, tangent_data, tangent_starts,
    n_directions, rows,
):  # fmt: skip
    """What `slopes` gives, and the gradients of it, a row for each direction."""
    total = n_directions[rows].sum()
    results, gradients, first = np.zeros(total), np.zeros((total, theta.size)), 0
    for s in rows:
        last = first + n_directions[s]
        for e in range(counts.shape[1]):
            n_atoms, n_in = counts[s, e], sizes[e, 0]
            if n_atoms > 0 and last > first:
                start, tangent_start = block_starts[s, e], tangent_starts[s, e]
                size = n_in * n_atoms
                differentiate(
                    theta, sizes[e], starts[e], activation,
                    data[start : start + size],
                    tangent_data[tangent_start : tangent_start + size * n_directions[s]],
                    results[first:last], gradients[first:last],
                )  # fmt: skip
        first = last
    return results, gradients
