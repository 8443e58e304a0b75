"""Atoms of structures, one row each, structure after structure: how to cut, pick, sum and pad them.

The rows of structure s are ``offsets[s]`` to ``offsets[s + 1]``.
"""

import math

import numpy as np
from scipy.sparse import csr_array

from sklearn_agl._memory import in_units, refuse_too_large


def offsets_of(n_atoms):
    """First row of each structure, and behind them the number of rows."""
    return np.concatenate([[0], np.cumsum(n_atoms)])


def slots_side_by_side(n_atoms):
    """Of every atom, which one of its structure it is."""
    return np.arange(np.sum(n_atoms)) - np.repeat(offsets_of(n_atoms)[:-1], n_atoms)


def rows_of(offsets, structures):
    """Row numbers of the atoms of some structures, one after the other.

    Parameters
    ----------
    offsets : ndarray of int of shape (n_structures + 1,)
        See the module.
    structures : ndarray of int
        In any order, also more than once.

    Returns
    -------
    ndarray of int
    """
    lengths = np.diff(offsets)[structures]
    ends = np.cumsum(lengths)
    shifts = offsets[structures] - (ends - lengths)
    return np.repeat(shifts, lengths) + np.arange(lengths.sum())


def cut(offsets, most_atoms):
    """Cut structures into pieces of at most so many atoms, or of one structure that has more.

    Parameters
    ----------
    offsets : ndarray of int of shape (n_structures + 1,)
        See the module.
    most_atoms : int
        Atoms of a piece.

    Yields
    ------
    slice
        Structures of a piece.
    """
    first, n_structures = 0, len(offsets) - 1
    while first < n_structures:
        fitting = int(np.searchsorted(offsets, offsets[first] + most_atoms, side="right")) - 1
        last = max(fitting, first + 1)
        yield slice(first, last)
        first = last


def summing_matrix(offsets, dtype):
    """What sums rows of atoms to rows of structures, atom after atom, when it multiplies them.

    Parameters
    ----------
    offsets : ndarray of int of shape (n_structures + 1,)
        See the module.
    dtype : dtype
        Of the rows.

    Returns
    -------
    scipy.sparse.csr_array of shape (n_structures, n_atoms_total)
    """
    n_atoms = offsets[-1]
    parts = np.ones(n_atoms, dtype=dtype), np.arange(n_atoms), offsets
    return csr_array(parts, shape=(len(offsets) - 1, n_atoms))


def pad(values, n_atoms, width, *, slots=None, fill=np.nan, cure):
    """Rows of atoms as a rectangular tensor, structure by structure.

    Parameters
    ----------
    values : ndarray of shape (n_atoms_total, ...)
        Rows.
    n_atoms : ndarray of int of shape (n_structures,)
        Atoms of each structure.
    width : int
        Slots of each structure, at least as many as the largest one has atoms.
    slots : ndarray of int of shape (n_atoms_total,), default=None
        Where the atoms of a structure lie; by default side by side from the first slot on.
    fill : float, default=NaN
        Of the slots without an atom.
    cure : str
        What to do where the tensor does not fit into memory.

    Returns
    -------
    ndarray of shape (n_structures, width, ...)
        A view where no slot is without an atom.

    Raises
    ------
    MemoryError
        If it does not fit into memory.
    """
    shape = (len(n_atoms), width, *values.shape[1:])
    if len(values) == len(n_atoms) * width:
        return values.reshape(shape)
    refuse_too_large(
        math.prod(shape) * values.dtype.itemsize,
        f"The padded tensor of shape {shape}",
        f"Without padding it is {in_units(values.nbytes)}: {cure}",
    )
    owners = np.repeat(np.arange(len(n_atoms)), n_atoms)
    if slots is None:
        slots = slots_side_by_side(n_atoms)
    padded = np.full(shape, fill, dtype=values.dtype)
    padded[owners, slots] = values
    return padded


def pack(tensor, is_atom):
    """Rows of the atoms of a rectangular tensor, the way back from `pad`.

    Parameters
    ----------
    tensor : ndarray of shape (n_structures, width, ...)
        Padded.
    is_atom : ndarray of bool of shape (n_structures, width)
        Which slots hold an atom.

    Returns
    -------
    ndarray of shape (n_atoms_total, ...)
        A view where no slot is without an atom, as far as the tensor's layout allows it.
    """
    if is_atom.all():
        return tensor.reshape(is_atom.size, *tensor.shape[2:])
    return tensor[is_atom]
