"""Compiled energies of a network potential and their gradients with respect to its weights.

Layout of every array here: nodes first, atoms last, so that the innermost loops run over atoms.
The networks of one structure are evaluated element by element; see `NetworkLayout` for the order of
the weights and `FeatureBlocks` for the features. All energies are per atom, as the solvers want
them.
"""

import numpy as np
from numba import njit

from sklearn_agl._networks import activate_row

ACTIVATIONS = {"identity": 0, "tanh": 1, "softplus": 2, "silu": 3, "relu": 4, "logistic": 5}

compiled = njit(cache=True, fastmath=True, error_model="numpy", nogil=True)


@compiled
def activate(kind, values, slopes):
    """Apply an activation to `values` in place and write its derivatives to `slopes`."""
    for h in range(values.shape[0]):
        activate_row(kind, values[h], slopes[h])


@compiled
def affine(weights, bias, inputs, outputs):
    """outputs = weights @ inputs + bias; the inputs that the group lasso took out cost nothing."""
    for h in range(weights.shape[0]):
        row = outputs[h]
        for a in range(row.size):
            row[a] = bias[h]
        for f in range(weights.shape[1]):
            weight = weights[h, f]
            if weight != 0.0:
                column = inputs[f]
                for a in range(row.size):
                    row[a] += weight * column[a]


@compiled
def forward(theta, sizes, starts, activation, inputs, values, slopes):
    """Sum of one element's atomic energies; `values`, `slopes` keep what the way back needs."""
    n_layers = starts.size
    n_atoms = inputs.shape[1]
    first = 0
    for layer in range(n_layers):
        n_in, n_out = sizes[layer], sizes[layer + 1]
        start = starts[layer]
        weights = theta[start : start + n_in * n_out].reshape(n_out, n_in)
        bias = theta[start + n_in * n_out : start + (n_in + 1) * n_out]
        outputs = values[first : first + n_out * n_atoms].reshape(n_out, n_atoms)
        affine(weights, bias, inputs, outputs)
        if layer < n_layers - 1:
            slope = slopes[first : first + n_out * n_atoms].reshape(n_out, n_atoms)
            activate(activation, outputs, slope)
        inputs = outputs
        first += n_out * n_atoms
    return values[first - n_atoms : first].sum()


@compiled
def backward(theta, sizes, starts, scale, inputs, values, slopes, gradient):
    """Add `scale` times the gradient of `forward`'s result; overwrites `slopes` with the deltas."""
    n_layers = starts.size
    n_atoms = inputs.shape[1]
    first = (sizes[1:].sum() - 1) * n_atoms
    slopes[first : first + n_atoms] = scale
    for layer in range(n_layers - 1, -1, -1):
        n_in, n_out = sizes[layer], sizes[layer + 1]
        start = starts[layer]
        delta = slopes[first : first + n_out * n_atoms].reshape(n_out, n_atoms)
        weight_gradient = gradient[start : start + n_in * n_out].reshape(n_out, n_in)
        bias_gradient = gradient[start + n_in * n_out : start + (n_in + 1) * n_out]
        if layer == 0:
            outer_product(delta, inputs, weight_gradient, bias_gradient)
        else:
            first -= n_in * n_atoms
            below = values[first : first + n_in * n_atoms].reshape(n_in, n_atoms)
            outer_product(delta, below, weight_gradient, bias_gradient)
            weights = theta[start : start + n_in * n_out].reshape(n_out, n_in)
            pull_back(weights, delta, slopes[first : first + n_in * n_atoms].reshape(n_in, n_atoms))


@compiled
def outer_product(delta, inputs, weight_gradient, bias_gradient):
    """Add delta @ inputs.T and the row sums of delta."""
    n_in, n_atoms = inputs.shape
    for h in range(delta.shape[0]):
        row = delta[h]
        total = 0.0
        for a in range(n_atoms):
            total += row[a]
        bias_gradient[h] += total
        for f in range(n_in):
            column = inputs[f]
            total = 0.0
            for a in range(n_atoms):
                total += row[a] * column[a]
            weight_gradient[h, f] += total


@compiled
def pull_back(weights, delta, slope):
    """slope *= weights.T @ delta, node by node."""
    n_out, n_in = weights.shape
    n_atoms = delta.shape[1]
    pulled = np.empty(n_atoms)
    for k in range(n_in):
        pulled[:] = 0.0
        for h in range(n_out):
            weight = weights[h, k]
            row = delta[h]
            for a in range(n_atoms):
                pulled[a] += weight * row[a]
        for a in range(n_atoms):
            slope[k, a] *= pulled[a]


@compiled
def energies(theta, sizes, starts, activation, data, block_starts, counts, rows):
    """Energy per atom of the structures `rows`."""
    most = int(counts.sum(axis=1).max())
    values = np.empty(sizes[0, 1:].sum() * most)
    slopes = np.empty_like(values)
    result = np.zeros(rows.size)
    for i in range(rows.size):
        s = rows[i]
        for e in range(counts.shape[1]):
            n_atoms, n_in = counts[s, e], sizes[e, 0]
            if n_atoms > 0:
                start = block_starts[s, e]
                inputs = data[start : start + n_in * n_atoms].reshape(n_in, n_atoms)
                result[i] += forward(theta, sizes[e], starts[e], activation, inputs, values, slopes)
        result[i] /= counts[s].sum()
    return result


@compiled
def energies_and_gradients(theta, sizes, starts, activation, data, block_starts, counts, rows):
    """Energies per atom of the structures `rows` and their gradients (n_rows, n_weights)."""
    most = int(counts.sum(axis=1).max())
    values = np.empty(sizes[0, 1:].sum() * most)
    slopes = np.empty_like(values)
    result = np.zeros(rows.size)
    gradients = np.zeros((rows.size, theta.size))
    for i in range(rows.size):
        s = rows[i]
        scale = 1.0 / counts[s].sum()
        for e in range(counts.shape[1]):
            n_atoms, n_in = counts[s, e], sizes[e, 0]
            if n_atoms > 0:
                start = block_starts[s, e]
                inputs = data[start : start + n_in * n_atoms].reshape(n_in, n_atoms)
                total = forward(theta, sizes[e], starts[e], activation, inputs, values, slopes)
                result[i] += scale * total
                backward(theta, sizes[e], starts[e], scale, inputs, values, slopes, gradients[i])
    return result, gradients
