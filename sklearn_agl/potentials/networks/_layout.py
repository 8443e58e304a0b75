"""Where each weight of each element's network lies in one flat vector."""

from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral

import numpy as np


@dataclass(frozen=True)
class NetworkLayout:
    """Shapes of the networks of all elements and the order of their parameters.

    The flat vector holds, element by element and layer by layer, the weights (output index slow)
    and then the biases: the order of ``torch.nn.utils.parameters_to_vector``.

    Parameters
    ----------
    elements : tuple of int
        Atomic numbers.
    columns : tuple of ndarray of int
        Feature columns that each element's network sees.
    n_features : int
        Number of columns overall.
    hidden_layer_sizes : tuple of int
        Nodes of the hidden layers, the same for every element.
    """

    elements: tuple
    columns: tuple
    n_features: int
    hidden_layer_sizes: tuple

    @cached_property
    def sizes(self):
        """Nodes per layer, inputs first: (n_elements, n_layers + 1)."""
        return np.array(
            [(len(columns), *self.hidden_layer_sizes, 1) for columns in self.columns],
            dtype=np.int64,
        )

    @cached_property
    def starts(self):
        """First index of the weights of each layer: (n_elements, n_layers)."""
        lengths = self.sizes[:, :-1] * self.sizes[:, 1:] + self.sizes[:, 1:]
        return (np.cumsum(lengths.ravel()) - lengths.ravel()).reshape(lengths.shape)

    @cached_property
    def n_weights(self):
        """Length of the flat vector."""
        return int((self.sizes[:, :-1] * self.sizes[:, 1:] + self.sizes[:, 1:]).sum())

    @cached_property
    def groups(self):
        """Indices of the first-layer weights that leave each feature: n_features arrays."""
        found = [[] for _ in range(self.n_features)]
        for columns, sizes, starts in zip(self.columns, self.sizes, self.starts, strict=True):
            n_inputs, n_outputs = sizes[:2]
            for position, column in enumerate(columns):
                found[column].append(starts[0] + position + n_inputs * np.arange(n_outputs))
        return [np.concatenate(parts) if parts else np.empty(0, np.int64) for parts in found]

    @cached_property
    def inner_weights(self):
        """Indices of all weights behind the first layer, biases left out: what decays."""
        found = [
            np.arange(start, start + n_inputs * n_outputs)
            for sizes, starts in zip(self.sizes, self.starts, strict=True)
            for start, n_inputs, n_outputs in zip(starts[1:], sizes[1:-1], sizes[2:], strict=True)
        ]
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def output_layer(self, e):
        """Where the last weights and the last bias of element number `e` are, as a slice."""
        first = self.starts[e, -1]
        return slice(first, first + self.sizes[e, -2] + 1)

    def without(self, columns):
        """The layout that is left without some columns.

        Parameters
        ----------
        columns : collection of int
            Columns of the feature array.

        Returns
        -------
        layout : NetworkLayout
            Its columns keep their numbers.
        kept_weights : ndarray of int
            Which of today's weights the new layout has, in its order.
        positions : list of ndarray of int
            For each element, which of its columns stay.
        """
        positions = [np.flatnonzero(~np.isin(own, list(columns))) for own in self.columns]
        kept = tuple(own[p] for own, p in zip(self.columns, positions, strict=True))
        stays = np.ones(self.n_weights, dtype=bool)
        for column in columns:
            stays[self.groups[column]] = False
        layout = NetworkLayout(self.elements, kept, self.n_features, self.hidden_layer_sizes)
        return layout, np.flatnonzero(stays), positions

    def take(self, columns):
        """The layout of some columns, which are then counted from zero.

        Parameters
        ----------
        columns : ndarray of int
            Ascending.

        Returns
        -------
        layout : NetworkLayout
        kept_weights : ndarray of int
            Which of today's weights the new layout has, in its order.
        """
        left_out = np.setdiff1d(np.arange(self.n_features), columns)
        layout, kept_weights, _ = self.without(left_out)
        numbers = tuple(np.searchsorted(columns, own) for own in layout.columns)
        return replace(layout, columns=numbers, n_features=len(columns)), kept_weights

    def split(self, weights):
        """Cut the flat vector into weight matrices (n_out, n_in) and biases (n_out,), copies."""
        parts = []
        for sizes, starts in zip(self.sizes, self.starts, strict=True):
            for start, n_in, n_out in zip(starts, sizes[:-1], sizes[1:], strict=True):
                middle, end = start + n_in * n_out, start + (n_in + 1) * n_out
                matrix = weights[start:middle].reshape(n_out, n_in)
                parts += [matrix.copy(), weights[middle:end].copy()]
        return parts

    def group_norms(self, theta):
        """Euclidean norm of each feature's group in `theta`: (n_features,)."""
        return np.array([np.linalg.norm(theta[group]) for group in self.groups])

    def random_weights(self, rng):
        """Draw initial weights as torch's Linear does: uniform within 1/sqrt(inputs).

        The output biases start at zero, since the energies are centred.
        """
        theta = np.empty(self.n_weights)
        for sizes, starts in zip(self.sizes, self.starts, strict=True):
            for start, n_inputs, n_outputs in zip(starts, sizes[:-1], sizes[1:], strict=True):
                n = (n_inputs + 1) * n_outputs
                theta[start : start + n] = rng.uniform(-1, 1, n) / np.sqrt(max(n_inputs, 1))
            theta[start + n - 1] = 0.0
        return theta


def check_hidden_layer_sizes(sizes):
    """The sizes as a tuple of int; an error if one of them is not a number of nodes."""
    if any(isinstance(n, bool) or not isinstance(n, Integral) or n < 1 for n in sizes):
        raise ValueError(
            f"hidden_layer_sizes={sizes!r} must hold whole numbers above 0; leave it empty, (), "
            "for a linear model."
        )
    return tuple(int(size) for size in sizes)
