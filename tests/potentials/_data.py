import numpy as np

from sklearn_agl import AtomicFeatures, HDNNPRegressor
from sklearn_agl.potentials.data._blocks import empty_blocks
from sklearn_agl.potentials.networks._layout import NetworkLayout

SOLVERS = ("kalman", "lm", "adamw")
COLUMNS = {1: (0, 2, 3), 8: (1, 3, 4, 5)}
"""Columns of each element in `mixed_features`: three, and four, one of them (3) in both."""


def mixed_features(rng, n_structures=12):
    """Ragged structures of hydrogen and oxygen: six columns, every third has hydrogen only."""
    numbers = np.zeros((n_structures, 7), dtype=int)
    values = np.full((n_structures, 7, 6), np.nan)
    for s in range(n_structures):
        counts = {1: rng.integers(1, 5), 8: 0 if s % 3 == 2 else rng.integers(1, 4)}
        elements = rng.permutation([z for z, n in counts.items() for _ in range(n)])
        numbers[s, : len(elements)] = elements
        for slot, z in enumerate(elements):
            values[s, slot, list(COLUMNS[z])] = rng.normal(size=len(COLUMNS[z]))
    return AtomicFeatures(values, numbers)


def random_problem(rng, hidden=(), columns=((0, 1, 2), (1, 3)), counts=((2, 3), (1, 0), (0, 4))):
    """A layout of two elements, blocks of ragged structures, and weights."""
    columns = tuple(np.array(own, dtype=int) for own in columns)
    layout = NetworkLayout((1, 8), columns, 1 + max(map(max, filter(len, columns))), hidden)
    blocks = empty_blocks(np.array(counts), np.array([len(own) for own in columns]))
    blocks.data[:] = rng.normal(size=blocks.data.size)
    return layout, blocks, rng.normal(size=layout.n_weights)


def random_covariance(rng, n):
    """Positive definite, with correlations and variances that differ."""
    factor = rng.normal(size=(n, n + 2)) * np.exp(rng.normal(size=n))[:, None]
    return factor @ factor.T / n


def short(solver="kalman", **params):
    """Settings of a fit that takes some milliseconds and leads nowhere near the minimum."""
    settings = {"max_epochs": 4, "hidden_layer_sizes": (4,), "random_state": 0}
    return HDNNPRegressor(solver=solver, **(settings | params))
