"""Training data in chunks: the atoms of some structures side by side, as matrix products want."""

from dataclasses import dataclass, replace

import numpy as np

from sklearn_agl._ragged import rows_of

ATOMS_PER_CHUNK = 256
"""Atoms whose features and activations stay in the processor's cache together."""


@dataclass(frozen=True)
class AtomChunks:
    """Scaled features of structures in a fixed order.

    The structures ``bounds[c]`` to ``bounds[c + 1]`` make up chunk c. Block (c, e) starts at
    ``starts[c, e]`` in `data`; it holds an array of shape (``widths[e]``, number of atoms): the
    columns of element e, the chunk's atoms of this element, structure by structure.

    Attributes
    ----------
    data : ndarray
        All blocks.
    starts : ndarray of int of shape (n_chunks, n_elements)
        Where each block starts.
    bounds : ndarray of int of shape (n_chunks + 1,)
        First structure of each chunk, and the number of structures.
    batches : ndarray of int of shape (n_batches + 1,)
        First chunk of each batch, and the number of chunks.
    widths : ndarray of int of shape (n_elements,)
        Columns of each element.
    counts : ndarray of int of shape (n_structures, n_elements)
        Atoms of each element.
    sums : ndarray of shape (n_structures, widths.sum())
        Columns of all elements, summed over the atoms of a structure and divided by their number.
    targets : ndarray of shape (n_structures,)
        Scaled energies per atom.
    """

    data: np.ndarray
    starts: np.ndarray
    bounds: np.ndarray
    batches: np.ndarray
    widths: np.ndarray
    counts: np.ndarray
    sums: np.ndarray
    targets: np.ndarray

    def __len__(self):
        return len(self.counts)

    def atoms(self, c):
        """Atoms of each element in chunk `c`, (n_elements,)."""
        return self.counts[self.bounds[c] : self.bounds[c + 1]].sum(axis=0)

    def block(self, c, e):
        """Features (n_columns, n_atoms) of element number `e` in chunk `c`, a view."""
        n_columns, n_atoms = self.widths[e], self.atoms(c)[e]
        start = self.starts[c, e]
        return self.data[start : start + n_columns * n_atoms].reshape(n_columns, n_atoms)

    def take(self, positions):
        """Keep some columns: for each element, `positions` says which of its own."""
        ends = np.cumsum(self.widths)
        kept = np.concatenate(
            [first + own for first, own in zip(ends - self.widths, positions, strict=True)]
        )
        widths = np.array([len(own) for own in positions])
        atoms = np.add.reduceat(self.counts, self.bounds[:-1], axis=0)
        result = replace(self, **_room(atoms, widths), widths=widths, sums=self.sums[:, kept])
        for c in range(len(self.bounds) - 1):
            for e, own in enumerate(positions):
                result.block(c, e)[:] = self.block(c, e)[own]
        return result


def _room(atoms, widths):
    """Space for blocks of some atoms (n_chunks, n_elements): `data` and `starts`."""
    lengths = atoms * widths
    ends = np.cumsum(lengths.ravel()).reshape(lengths.shape)
    return {"data": np.empty(int(lengths.sum())), "starts": ends - lengths}


def _cut(n_atoms, batch_size):
    """Cut structures of so many atoms into chunks, and chunks into batches: `bounds`, `batches`."""
    bounds, batches, in_chunk = [0], [0], 0
    for s, n in enumerate(n_atoms):
        new_batch = s > 0 and s % batch_size == 0
        if s > bounds[-1] and (new_batch or in_chunk + n > ATOMS_PER_CHUNK):
            bounds.append(s)
            in_chunk = 0
        if new_batch:
            batches.append(len(bounds) - 1)
        in_chunk += n
    return np.array([*bounds, len(n_atoms)]), np.array([*batches, len(bounds)])


def make_chunks(X, rows, layout, scaler, targets, batch_size):
    """Sort the atoms of some structures by chunk and element, and scale their features.

    Parameters
    ----------
    X : AtomicFeatures
        Features, checked.
    rows : ndarray of int
        The structures, in the order in which they shall lie.
    layout : NetworkLayout
        Says which elements there are and which columns each of them sees.
    scaler : FeatureScaler
        Fitted scaler.
    targets : ndarray of shape (n_structures,)
        Scaled energies per atom of all structures of `X`.
    batch_size : int
        Structures per batch.

    Returns
    -------
    AtomChunks
        Those structures.
    """
    counts = X.composition(layout.elements)[rows]
    n_atoms = counts.sum(axis=1)
    bounds, batches = _cut(n_atoms, batch_size)
    widths = np.array([len(columns) for columns in layout.columns])
    atoms = np.add.reduceat(counts, bounds[:-1], axis=0)
    chunks = AtomChunks(
        **_room(atoms, widths),
        bounds=bounds,
        batches=batches,
        widths=widths,
        counts=counts,
        sums=np.zeros((len(rows), widths.sum())),
        targets=targets[rows],
    )
    ends = np.cumsum(widths)
    for c, (first, last) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
        here = rows_of(X.offsets, rows[first:last])
        values, numbers = X.atom_values[here], X.atom_numbers[here]
        for e, (element, columns) in enumerate(zip(layout.elements, layout.columns, strict=True)):
            atoms = scaler.scale(values[numbers == element][:, columns], columns)
            chunks.block(c, e)[:] = atoms.T
            owners = np.repeat(np.arange(first, last), counts[first:last, e])
            np.add.at(chunks.sums[:, ends[e] - widths[e] : ends[e]], owners, atoms)
    chunks.sums[:] /= n_atoms[:, None]
    return chunks
