"""The neighbours of an atom, from a grid of cells, compiled.

Atoms are sorted into cells half a cutoff radius wide, so that the cells around an atom hold few
atoms that are too far away. A periodic direction shorter than that is one cell, whose images are
visited one after the other: nothing is copied, whatever the ratio of cell and cutoff radius.
"""

import math
from typing import NamedTuple

import numpy as np
from ase.geometry import complete_cell
from numba import njit

from .._jit import LOOPS, helper, inlined

CELLS_PER_CUTOFF = 2
CELLS_PER_ATOM = 4
"""Cells beyond this number are empty for the most part, and visiting them costs time."""

FAR = 1e300
"""In place of infinity, which fastmath does not know."""

TOO_CLOSE = 1e-6
"""Two atoms nearer than this count as one point."""

# Rows of `around`, the neighbours of one atom.
X, Y, Z, SQUARE = range(4)


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
    places : ndarray of shape (n_atoms, 3)
        Positions within the periodic cell, by slot.
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
        places=np.empty((n_atoms, 3)),
        own_cell=np.empty((n_atoms, 3), np.int64),
        capacity=np.empty(n_structures, np.int64),
    )
    fractions, wrapped = np.empty((n_atoms, 3)), np.empty((n_atoms, 3))
    _sort(batch, r_cut, fractions, wrapped, np.empty(n_atoms, np.int64), cells)
    return cells


@njit(**LOOPS, no_cfunc_wrapper=True, cache=True)
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
            cells.places[slot, axis] = wrapped[i, axis]
            cells.own_cell[slot, axis] = _cell_of(fractions[i, axis], n_cells[axis])
    for axis in range(3):
        fullest *= 2 * cells.reach[structure, axis] + 1
    cells.capacity[structure] = fullest


@inlined
def _cell_of(fraction, n_cells):
    return min(int(fraction * n_cells), n_cells - 1)


@helper
def collect(slot, structure, batch, cells, r_cut, around, slots):
    """Find the neighbours of an atom, itself among them.

    Parameters
    ----------
    slot : int
        Place of the atom in the order of the cells.
    structure : int
        The structure it belongs to.
    batch : Batch
    cells : Cells
        From `make_cells`, for this radius or a larger one.
    r_cut : float
        Cutoff radius.
    around : ndarray of shape (4, capacity + 1)
        Gets vectors from the atom and their squared lengths.
    slots : ndarray of int of shape (capacity + 1,)
        Gets the slots of the neighbours.

    Returns
    -------
    int
        Number of neighbours.
    """
    cell, periodic = batch.cells[structure], batch.periodic[structure]
    n, reach = cells.n_cells[structure], cells.reach[structure]
    places, own, m = cells.places, cells.own_cell[slot], 0
    own_first = first_cell(structure, batch.starts[structure])
    here_x, here_y, here_z = places[slot, 0], places[slot, 1], places[slot, 2]
    for a in range(own[0] - reach[0], own[0] + reach[0] + 1):
        cell_a, image_a = _image(a, n[0])
        if image_a != 0 and not periodic[0]:
            continue
        for b in range(own[1] - reach[1], own[1] + reach[1] + 1):
            cell_b, image_b = _image(b, n[1])
            if image_b != 0 and not periodic[1]:
                continue
            # Cells that follow each other along the last direction hold one run of atoms.
            low, high = own[2] - reach[2], own[2] + reach[2]
            for image_c in range(_image(low, n[2])[1], _image(high, n[2])[1] + 1):
                if image_c != 0 and not periodic[2]:
                    continue
                row = own_first + (cell_a * n[1] + cell_b) * n[2]
                first = cells.starts[row + max(low - image_c * n[2], 0)]
                last = cells.starts[row + min(high - image_c * n[2], n[2] - 1) + 1]
                shift_x = _shift(image_a, image_b, image_c, cell, 0) - here_x
                shift_y = _shift(image_a, image_b, image_c, cell, 1) - here_y
                shift_z = _shift(image_a, image_b, image_c, cell, 2) - here_z
                for p in range(first, last):
                    x = places[p, 0] + shift_x
                    y = places[p, 1] + shift_y
                    z = places[p, 2] + shift_z
                    square = x * x + y * y + z * z
                    around[X, m], around[Y, m], around[Z, m] = x, y, z
                    around[SQUARE, m] = square
                    slots[m] = p
                    # Whatever is not a neighbour is overwritten by the next one.
                    m += square < r_cut * r_cut
    return m


@inlined
def _image(place, n):
    """Cell and periodic image of a cell that may lie outside."""
    image = 0
    while place < 0:
        place += n
        image -= 1
    while place >= n:
        place -= n
        image += 1
    return place, image


@inlined
def _shift(image_a, image_b, image_c, cell, axis):
    return image_a * cell[0, axis] + image_b * cell[1, axis] + image_c * cell[2, axis]


def find_clash(batch):
    """First structure and atom that shares its place with another atom, or (-1, -1)."""
    cells = make_cells(batch, TOO_CLOSE)
    capacity = cells.capacity.max() + 1
    slot = _find_clash(batch, cells, np.empty((4, capacity)), np.empty(capacity, np.int64))
    if slot < 0:
        return -1, -1
    structure = int(np.searchsorted(batch.starts, slot, side="right")) - 1
    return structure, int(cells.order[slot] - batch.starts[structure])


@njit(**LOOPS, no_cfunc_wrapper=True, cache=True)
def _find_clash(batch, cells, around, slots):
    for structure in range(len(batch.cells)):
        for slot in range(batch.starts[structure], batch.starts[structure + 1]):
            if collect(slot, structure, batch, cells, TOO_CLOSE, around, slots) > 1:
                return slot
    return -1
