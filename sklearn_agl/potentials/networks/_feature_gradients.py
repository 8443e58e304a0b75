"""Outputs of the networks for single atoms, and their derivatives by the atoms' features."""

import numpy as np

from sklearn_agl.compiled._activations import NUMBERS
from sklearn_agl.potentials.data._blocks import FeatureBlocks
from sklearn_agl.potentials.networks._gradient import compiled, forward, pull_back


def outputs_and_slopes(weights, layout, activation, blocks):
    """Outputs of the networks for every atom, and their derivatives by the scaled features.

    Parameters
    ----------
    weights : ndarray of shape (n_weights,)
    layout : NetworkLayout
    activation : str
    blocks : FeatureBlocks
        Scaled features.

    Returns
    -------
    outputs : FeatureBlocks
        A row for each structure and element.
    slopes : FeatureBlocks
        As the features.
    """
    counts = blocks.counts
    ends = np.cumsum(counts.ravel()).reshape(counts.shape)
    outputs = FeatureBlocks(
        np.empty(counts.sum()), ends - counts, counts, np.ones(len(ends[0]), int)
    )
    slopes = FeatureBlocks(np.ones_like(blocks.data), blocks.starts, counts, blocks.widths)
    _fill(
        weights, layout.sizes, layout.starts, NUMBERS[activation], counts, blocks.starts,
        outputs.starts, blocks.data, outputs.data, slopes.data,
    )  # fmt: skip
    return outputs, slopes


@compiled
def _fill(theta, sizes, starts, activation, counts, block_starts, firsts, data, outputs, slopes):
    """Fill `outputs`, and multiply `slopes` by the derivatives."""
    values = np.empty(sizes[0, 1:].sum() * int(counts.max()))
    deltas = np.empty_like(values)
    for s in range(counts.shape[0]):
        for e in range(counts.shape[1]):
            n_atoms, n_in = counts[s, e], sizes[e, 0]
            if n_atoms > 0:
                start, first = block_starts[s, e], firsts[s, e]
                inputs = data[start : start + n_in * n_atoms].reshape(n_in, n_atoms)
                slope = slopes[start : start + n_in * n_atoms].reshape(n_in, n_atoms)
                forward(theta, sizes[e], starts[e], activation, inputs, values, deltas)
                last = (sizes[e, 1:].sum() - 1) * n_atoms
                outputs[first : first + n_atoms] = values[last : last + n_atoms]
                backward_to_features(theta, sizes[e], starts[e], deltas, slope)


@compiled
def backward_to_features(theta, sizes, starts, deltas, slope):
    """Multiply `slope` by the derivatives of `forward`'s result; overwrites the slopes inside."""
    n_atoms = slope.shape[1]
    first = (sizes[1:].sum() - 1) * n_atoms
    deltas[first : first + n_atoms] = 1.0
    for layer in range(starts.size - 1, -1, -1):
        n_in, n_out = sizes[layer], sizes[layer + 1]
        weights, delta = theta[starts[layer] :], deltas[first : first + n_out * n_atoms]
        below = slope.ravel()
        if layer > 0:
            first -= n_in * n_atoms
            below = deltas[first:]
        pull_back(weights, delta, below, n_out, n_in, n_atoms)
