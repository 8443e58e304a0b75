"""Compiled energies of a network potential and their gradients with respect to its weights.

Layout of every array here: nodes first, atoms last, so that the innermost loops run over atoms.
The networks of one structure are evaluated element by element; see `NetworkLayout` for the order of
the weights and `FeatureBlocks` for the features. All energies are per atom, as the solvers want
them.
"""

import numpy as np

from sklearn_agl.compiled._activations import activate
from sklearn_agl.compiled._machine_code import kept
from sklearn_agl.potentials.networks._matrix_products import (
    add_outer_product,
    multiply,
    multiply_transposed,
)

compiled = kept(fastmath=True, error_model="numpy", nogil=True)


@compiled
def affine(weights, bias, inputs, outputs):
    """outputs = weights @ inputs + bias."""
    n_out, n_in = weights.shape
    n_atoms = outputs.shape[1]
    multiply(weights.ravel(), inputs.ravel(), outputs.ravel(), n_out, n_in, n_atoms)
    for h in range(n_out):
        row = outputs[h]
        for a in range(n_atoms):
            row[a] += bias[h]


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
            own = slice(first, first + n_out * n_atoms)
            activate(activation, values[own], slopes[own])
        inputs = outputs
        first += n_out * n_atoms
    return values[first - n_atoms : first].sum()


@compiled
def backward(theta, sizes, starts, scale, inputs, values, slopes, gradient):
    """Add `scale` times the gradient of `forward`'s result; overwrites `slopes` with the deltas."""
    n_atoms = inputs.shape[1]
    first = (sizes[1:].sum() - 1) * n_atoms
    slopes[first : first + n_atoms] = scale
    backward_from_atoms(theta, sizes, starts, inputs, values, slopes, gradient)


@compiled
def backward_from_atoms(theta, sizes, starts, inputs, values, slopes, gradient):
    """Add the gradient of a weighted sum of atomic energies; overwrites `slopes` with the deltas.

    The atoms' weights lie in `slopes` where `forward` puts the energies in `values`.
    """
    n_atoms = inputs.shape[1]
    first = (sizes[1:].sum() - 1) * n_atoms
    for layer in range(starts.size - 1, -1, -1):
        n_in, n_out = sizes[layer], sizes[layer + 1]
        start = starts[layer]
        delta = slopes[first : first + n_out * n_atoms]
        below = inputs.ravel()
        if layer > 0:
            first -= n_in * n_atoms
            below = values[first : first + n_in * n_atoms]
        own = gradient[start:]
        add_outer_product(delta, below, own, n_out, n_atoms, n_in, n_atoms, n_atoms)
        add_row_sums(delta, own[n_in * n_out :], n_out, n_atoms, n_atoms)
        if layer > 0:
            pull_back(theta[start:], delta, slopes[first:], n_out, n_in, n_atoms)


@compiled
def add_row_sums(matrix, sums, n_rows, n_columns, distance):
    """Add the sums of the rows of a flat matrix, whose rows begin `distance` from each other."""
    for h in range(n_rows):
        total = 0.0
        for a in range(n_columns):
            total += matrix[h * distance + a]
        sums[h] += total


@compiled
def pull_back(weights, delta, slope, n_out, n_in, n_atoms):
    """slope *= weights.T @ delta, with flat matrices."""
    size = n_in * n_atoms
    pulled = np.empty(size)
    multiply_transposed(weights, delta, pulled, n_in, n_out, n_atoms)
    for k in range(size):
        slope[k] *= pulled[k]


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
