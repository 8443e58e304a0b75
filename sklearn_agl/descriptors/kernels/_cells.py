"""Structures in the form that compiled code takes, and their atoms sorted into cells.

Cells are half a cutoff radius wide, so that those around an atom hold few atoms that are too far
away. A periodic direction shorter than that is one cell, whose images are visited one after the
other: nothing is copied, whatever the ratio of cell and cutoff radius.
"""

import math
from typing import NamedTuple

import numpy as np
from ase.geometry import complete_cell

from sklearn_agl.compiled._jit import LOOPS, inlined
from sklearn_agl.compiled._machine_code import kept
from sklearn_agl.descriptors.kernels._packing import LANES

CELLS_PER_CUTOFF = 2
CELLS_PER_ATOM = 4
"""Cells beyond this number are empty for the most part, and visiting them costs time."""

FAR = 1e300
"""In place of infinity, which fastmath does not know."""

NARROW = 1e-100
"""Atoms in such a span are in one plane; one over a smaller number may be infinite."""


class Batch(NamedTuple):
    """Some structures, in the form that compiled code takes.

    Attributes
    ----------
    starts : ndarray of int of shape (n_structures + 1,)
        Where the atoms of each structure start.
    positions : ndarray of shape (n_atoms, 3)
    species : ndarray of int of shape (n_atoms,)
        Index of each atom's element.
    cells, inverses : ndarray of shape (n_structures, 3, 3)
        Cell vectors in rows, and the matrices that turn positions into fractions of them. Open
        directions have a unit vector orthogonal to the periodic ones.
    heights : ndarray of shape (n_structures, 3)
        Distance of opposite faces of the cell.
    periodic : ndarray of bool of shape (n_structures, 3)
    """

    starts: np.ndarray
    positions: np.ndarray
    species: np.ndarray
    cells: np.ndarray
    inverses: np.ndarray
    heights: np.ndarray
    periodic: np.ndarray


class Cells(NamedTuple):
    """The atoms of every structure of a batch, sorted into cells.

    Attributes
    ----------
    lengths : ndarray of shape (n_structures, 3)
        What is divided into cells, along each direction.
    n_cells, reach : ndarray of int of shape (n_structures, 3)
        Cells along each direction, and how many of them the cutoff radius spans.
    starts : ndarray of int
        Where the atoms of each cell start; for the cells of a structure see `first_cell`.
    order : ndarray of int of shape (n_atoms,)
        Atoms by structure and cell; a *slot* is a place in this order.
    places : ndarray of shape (3, n_atoms + LANES)
        Positions within the periodic cell, by slot; whatever is behind the last one is no atom.
    own_cell : ndarray of int of shape (n_atoms, 3)
        Cell along each direction, by slot.
    capacity : ndarray of int of shape (n_structures,)
        No atom has more neighbours than this, itself included.
    """

    lengths: np.ndarray
    n_cells: np.ndarray
    reach: np.ndarray
    starts: np.ndarray
    order: np.ndarray
    places: np.ndarray
    own_cell: np.ndarray
    capacity: np.ndarray


def make_batch(structures, elements):
    """Gather checked structures.

    Parameters
    ----------
    structures : sequence of ase.Atoms
        As `check_structures` returns them.
    elements : ndarray of int
        Known atomic numbers, ascending.

    Returns
    -------
    Batch
    """
    periodic = np.array([atoms.pbc for atoms in structures])
    cells = np.array([_complete(atoms) for atoms in structures])
    inverses = np.linalg.inv(cells)
    return Batch(
        starts=np.cumsum([0] + [len(atoms) for atoms in structures]),
        positions=np.concatenate([atoms.positions for atoms in structures]),
        species=np.searchsorted(elements, np.concatenate([a.numbers for a in structures])),
        cells=cells,
        inverses=inverses,
        heights=1.0 / np.linalg.norm(inverses, axis=1),
        periodic=periodic,
    )


def _complete(atoms):
    if atoms.pbc.all():
        return atoms.cell.array
    return complete_cell(np.where(atoms.pbc[:, None], atoms.cell.array, 0.0))


def make_cells(batch, r_cut):
    """Sort the atoms of a batch into cells for neighbours within `r_cut`.

    Parameters
    ----------
    batch : Batch
    r_cut : float
        Cutoff radius.

    Returns
    -------
    Cells
    """
    n_structures, n_atoms = len(batch.cells), len(batch.positions)
    cells = Cells(
        lengths=np.empty((n_structures, 3)),
        n_cells=np.empty((n_structures, 3), np.int64),
        reach=np.empty((n_structures, 3), np.int64),
        starts=np.zeros(CELLS_PER_ATOM * n_atoms + 3 * n_structures, np.int64),
        order=np.empty(n_atoms, np.int64),
        places=np.zeros((3, n_atoms + LANES)),
        own_cell=np.empty((n_atoms, 3), np.int64),
        capacity=np.empty(n_structures, np.int64),
    )
    fractions, wrapped = np.empty((n_atoms, 3)), np.empty((n_atoms, 3))
    _sort(batch, r_cut, fractions, wrapped, np.empty(n_atoms, np.int64), cells)
    return cells


@kept(**LOOPS, no_cfunc_wrapper=True)
def _sort(batch, r_cut, fractions, wrapped, numbers, cells):
    for structure in range(len(batch.cells)):
        first, last = batch.starts[structure], batch.starts[structure + 1]
        _wrap(batch, structure, first, last, fractions, wrapped)
        for axis in range(3):
            length = batch.heights[structure, axis]
            if not batch.periodic[structure, axis]:
                length *= _spread(fractions, first, last, axis)
            cells.lengths[structure, axis] = length
        _divide(batch, structure, last - first, r_cut, cells)
        _fill(structure, first, last, fractions, wrapped, numbers, cells)


@inlined
def first_cell(structure, first_atom):
    """First cell of a structure among those of all: there is room for as many as it may have."""
    return CELLS_PER_ATOM * first_atom + 3 * structure


@inlined
def _wrap(batch, structure, first, last, fractions, wrapped):
    """Fractions of the cell, and positions within it along its periodic directions."""
    cell, inverse = batch.cells[structure], batch.inverses[structure]
    for i in range(first, last):
        for axis in range(3):
            wrapped[i, axis] = batch.positions[i, axis]
        for axis in range(3):
            fraction = 0.0
            for other in range(3):
                fraction += batch.positions[i, other] * inverse[other, axis]
            whole = math.floor(fraction) if batch.periodic[structure, axis] else 0.0
            fractions[i, axis] = fraction - whole
            for other in range(3):
                wrapped[i, other] -= whole * cell[axis, other]


@inlined
def _spread(fractions, first, last, axis):
    """Stretch the fractions along one axis to [0, 1]; returns the length they spanned."""
    lowest, highest = FAR, -FAR
    for i in range(first, last):
        lowest = min(lowest, fractions[i, axis])
        highest = max(highest, fractions[i, axis])
    span = highest - lowest
    if span < NARROW:
        span = 0.0
    for i in range(first, last):
        fractions[i, axis] = (fractions[i, axis] - lowest) / span if span > 0.0 else 0.0
    return span


@inlined
def _divide(batch, structure, n_atoms, r_cut, cells):
    """Choose the number of cells along each direction, and how many of them the radius spans."""
    lengths, n_cells = cells.lengths[structure], cells.n_cells[structure]
    for axis in range(3):
        wanted = min(lengths[axis] / r_cut * CELLS_PER_CUTOFF, float(n_atoms))
        n_cells[axis] = max(int(wanted), 1)
    while n_cells[0] * n_cells[1] * n_cells[2] > CELLS_PER_ATOM * n_atoms + 1:
        for axis in range(3):
            n_cells[axis] = (n_cells[axis] + 1) // 2
    for axis in range(3):
        farthest = FAR if batch.periodic[structure, axis] else n_cells[axis] - 1.0
        spanned = r_cut * n_cells[axis] / lengths[axis] if farthest > 0.0 else 0.0
        cells.reach[structure, axis] = int(min(math.ceil(spanned), farthest))


@inlined
def _fill(structure, first, last, fractions, wrapped, numbers, cells):
    """Sort the atoms by cell."""
    n_cells, starts, own = cells.n_cells[structure], cells.starts, first_cell(structure, first)
    # Counted two places ahead, the sums first give where each cell starts, one place ahead; filling
    # the cells then moves these to where they end, which is where the next cell starts.
    fullest = 0
    for i in range(first, last):
        number = 0
        for axis in range(3):
            number = number * n_cells[axis] + _cell_of(fractions[i, axis], n_cells[axis])
        numbers[i] = own + number
        starts[numbers[i] + 2] += 1
        fullest = max(fullest, starts[numbers[i] + 2])
    starts[own], starts[own + 1] = first, first
    for number in range(own + 2, own + n_cells[0] * n_cells[1] * n_cells[2] + 2):
        starts[number] += starts[number - 1]
    for i in range(first, last):
        slot = starts[numbers[i] + 1]
        starts[numbers[i] + 1] += 1
        cells.order[slot] = i
        for axis in range(3):
            cells.places[axis, slot] = wrapped[i, axis]
            cells.own_cell[slot, axis] = _cell_of(fractions[i, axis], n_cells[axis])
    for axis in range(3):
        fullest *= 2 * cells.reach[structure, axis] + 1
    cells.capacity[structure] = fullest


@inlined
def _cell_of(fraction, n_cells):
    return min(int(fraction * n_cells), n_cells - 1)
