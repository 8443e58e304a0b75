"""Training data as the compiled loops want it: one dense block per structure and element."""

from dataclasses import dataclass

import numpy as np

from sklearn_agl._ragged import cut

ATOMS_AT_ONCE = 4096
"""Atoms scaled together: bounds the memory beside the blocks."""


@dataclass(frozen=True)
class FeatureBlocks:
    """Scaled features of many structures, atoms last, so that loops over atoms vectorise.

    Block (s, e) starts at ``starts[s, e]`` in `data` and holds an array of shape
    (``widths[e]``, ``counts[s, e]``): columns of element e, its atoms in structure s.
    """

    data: np.ndarray
    starts: np.ndarray
    counts: np.ndarray
    widths: np.ndarray

    def __len__(self):
        return len(self.counts)

    def __deepcopy__(self, memo):
        # Nothing changes them once they are filled, and they are most of a training's memory.
        return self

    def block(self, s, e):
        """Features (n_columns, n_atoms) of element number `e` in structure `s`, a view."""
        start, n_atoms = self.starts[s, e], self.counts[s, e]
        n_columns = self.widths[e]
        return self.data[start : start + n_columns * n_atoms].reshape(n_columns, n_atoms)

    def take(self, positions):
        """Keep some columns.

        Parameters
        ----------
        positions : sequence of ndarray of int
            For each element, which of its columns.

        Returns
        -------
        FeatureBlocks
            A copy without the other columns.
        """
        widths = np.array([len(kept) for kept in positions])
        result = empty_blocks(self.counts, widths)
        for s in range(len(self)):
            for e, kept in enumerate(positions):
                if self.counts[s, e]:
                    result.block(s, e)[:] = self.block(s, e)[kept]
        return result


def empty_blocks(counts, widths):
    """Blocks of undefined content for atom counts (n_structures, n_elements) and column numbers."""
    lengths = counts * widths
    ends = np.cumsum(lengths.ravel()).reshape(lengths.shape)
    return FeatureBlocks(np.empty(int(lengths.sum())), ends - lengths, counts, widths)


def make_blocks(X, layout, scaler):
    """Sort the atoms of `X` by structure and element and scale their features.

    Parameters
    ----------
    X : AtomicFeatures
        Features, checked.
    layout : NetworkLayout
        Says which elements there are and which columns each of them sees.
    scaler : FeatureScaler
        Fitted scaler.

    Returns
    -------
    FeatureBlocks
        One block per structure and element.
    """
    counts = X.composition(layout.elements)
    blocks = empty_blocks(counts, np.array([len(columns) for columns in layout.columns]))
    for piece in cut(X.offsets, ATOMS_AT_ONCE):
        atoms = slice(X.offsets[piece.start], X.offsets[piece.stop])
        values, numbers = X.atom_values[atoms], X.atom_numbers[atoms]
        for e, (element, columns) in enumerate(zip(layout.elements, layout.columns, strict=True)):
            scaled = scaler.scale(values[numbers == element][:, columns], columns)
            ends = np.cumsum(counts[piece, e])
            for s, end in enumerate(ends, start=piece.start):
                if counts[s, e]:
                    blocks.block(s, e)[:] = scaled[end - counts[s, e] : end].T
    return blocks
