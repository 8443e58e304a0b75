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

CELLS_PER_CUTOFF = 2
CELLS_PER_ATOM = 4
"""Cells beyond this number are empty for the most part, and visiting them costs time."""

TOO_CLOSE = 1e-6
"""Two atoms nearer than this count as one point."""

# Rows of `around`, the neighbours of one element.
X, Y, Z, SQUARE = range(4)

compiled = njit(fastmath=True, nogil=True, error_model="numpy", cache=True)


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


class Grid(NamedTuple):
    """One structure sorted into cells.

    Attributes
    ----------
    n_cells, reach : ndarray of int of shape (3,)
        Cells along each direction, and how many of them the cutoff radius spans.
    starts : ndarray of int of shape (n_cells[0] * n_cells[1] * n_cells[2] + 1,)
        Where the atoms of each cell start.
    order : ndarray of int of shape (n_atoms,)
        Atoms by cell.
    places : ndarray of shape (n_atoms, 3)
        Positions within the periodic cell, in this order.
    own_cell : ndarray of int of shape (n_atoms, 3)
        Cell along each direction, in this order.
    capacity : int
        No atom has more neighbours than this, itself included.
    """

    n_cells: np.ndarray
    reach: np.ndarray
    starts: np.ndarray
    order: np.ndarray
    places: np.ndarray
    own_cell: np.ndarray
    capacity: int


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


@compiled
def make_grid(batch, structure, r_cut):
    """Sort the atoms of one structure into cells for neighbours within `r_cut`."""
    first, last = batch.starts[structure], batch.starts[structure + 1]
    periodic, n_atoms = batch.periodic[structure], last - first
    fractions, places = np.empty((n_atoms, 3)), np.empty((n_atoms, 3))
    _wrap(batch, structure, fractions, places)
    n_cells, reach = np.ones(3, dtype=np.int64), np.zeros(3, dtype=np.int64)
    lengths = batch.heights[structure].copy()
    for axis in range(3):
        if not periodic[axis]:
            lowest = fractions[:, axis].min()
            span = fractions[:, axis].max() - lowest
            lengths[axis] *= span
            for i in range(n_atoms):
                fractions[i, axis] = (fractions[i, axis] - lowest) / span if span > 0.0 else 0.0
        wanted = min(lengths[axis] / r_cut * CELLS_PER_CUTOFF, float(n_atoms))
        n_cells[axis] = max(int(wanted), 1)
    while n_cells[0] * n_cells[1] * n_cells[2] > CELLS_PER_ATOM * n_atoms + 1:
        longest = np.argmax(n_cells)
        n_cells[longest] = (n_cells[longest] + 1) // 2
    for axis in range(3):
        if periodic[axis]:
            reach[axis] = math.ceil(r_cut * n_cells[axis] / lengths[axis])
        else:
            reach[axis] = n_cells[axis] - 1
            if lengths[axis] > r_cut:
                widest = math.ceil(r_cut * n_cells[axis] / lengths[axis])
                reach[axis] = min(reach[axis], widest)
    return _fill(fractions, places, n_cells, reach)


@compiled
def _wrap(batch, structure, fractions, places):
    first = batch.starts[structure]
    cell, inverse = batch.cells[structure], batch.inverses[structure]
    for i in range(len(places)):
        x, y, z = batch.positions[first + i]
        for axis in range(3):
            fraction = x * inverse[0, axis] + y * inverse[1, axis] + z * inverse[2, axis]
            if batch.periodic[structure, axis]:
                whole = math.floor(fraction)
                fraction -= whole
                x -= whole * cell[axis, 0]
                y -= whole * cell[axis, 1]
                z -= whole * cell[axis, 2]
            fractions[i, axis] = fraction
        places[i, 0], places[i, 1], places[i, 2] = x, y, z


@compiled
def _fill(fractions, places, n_cells, reach):
    n_atoms = len(places)
    order, numbers = np.empty(n_atoms, dtype=np.int64), np.empty(n_atoms, dtype=np.int64)
    # Counted two places ahead, the sums first give where each cell starts, one place ahead; filling
    # the cells then moves these to where they end, which is where the next cell starts.
    starts = np.zeros(n_cells[0] * n_cells[1] * n_cells[2] + 2, dtype=np.int64)
    for i in range(n_atoms):
        a, b, c = _cell_of(fractions[i], n_cells)
        numbers[i] = (a * n_cells[1] + b) * n_cells[2] + c
        starts[numbers[i] + 2] += 1
    capacity = starts.max()
    for axis in range(3):
        capacity *= 2 * reach[axis] + 1
    for number in range(1, len(starts)):
        starts[number] += starts[number - 1]
    sorted_places, own_cell = np.empty((n_atoms, 3)), np.empty((n_atoms, 3), dtype=np.int64)
    for i in range(n_atoms):
        slot = starts[numbers[i] + 1]
        starts[numbers[i] + 1] += 1
        order[slot] = i
        sorted_places[slot] = places[i]
        own_cell[slot] = _cell_of(fractions[i], n_cells)
    return Grid(n_cells, reach, starts, order, sorted_places, own_cell, capacity)


@njit(inline="always")
def _cell_of(fraction, n_cells):
    a = min(int(fraction[0] * n_cells[0]), n_cells[0] - 1)
    b = min(int(fraction[1] * n_cells[1]), n_cells[1] - 1)
    c = min(int(fraction[2] * n_cells[2]), n_cells[2] - 1)
    return a, b, c


@compiled
def collect(slot, grid, cell, periodic, r_cut, around, slots):
    """Find the neighbours of an atom, itself among them.

    Parameters
    ----------
    slot : int
        Place of the atom in the order of the grid.
    grid : Grid
        From `make_grid`, for this radius or a larger one.
    cell : ndarray of shape (3, 3)
    periodic : ndarray of bool of shape (3,)
    r_cut : float
        Cutoff radius.
    around : ndarray of shape (4, capacity + 1)
        Gets vectors from the atom and their squared lengths.
    slots : ndarray of int of shape (capacity + 1,)
        Gets the places of the neighbours in the order of the grid.

    Returns
    -------
    int
        Number of neighbours.
    """
    n, own, reach, m = grid.n_cells, grid.own_cell[slot], grid.reach, 0
    here_x, here_y, here_z = grid.places[slot]
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
                row = (cell_a * n[1] + cell_b) * n[2]
                first = grid.starts[row + max(low - image_c * n[2], 0)]
                last = grid.starts[row + min(high - image_c * n[2], n[2] - 1) + 1]
                shift_x = _shift(image_a, image_b, image_c, cell, 0) - here_x
                shift_y = _shift(image_a, image_b, image_c, cell, 1) - here_y
                shift_z = _shift(image_a, image_b, image_c, cell, 2) - here_z
                for p in range(first, last):
                    x = grid.places[p, 0] + shift_x
                    y = grid.places[p, 1] + shift_y
                    z = grid.places[p, 2] + shift_z
                    square = x * x + y * y + z * z
                    around[X, m], around[Y, m], around[Z, m] = x, y, z
                    around[SQUARE, m] = square
                    slots[m] = p
                    # Whatever is not a neighbour is overwritten by the next one.
                    m += square < r_cut * r_cut
    return m


@njit(inline="always")
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


@njit(inline="always")
def _shift(image_a, image_b, image_c, cell, axis):
    return image_a * cell[0, axis] + image_b * cell[1, axis] + image_c * cell[2, axis]


@compiled
def find_clash(batch):
    """First structure and atom that shares its place with another atom, or (-1, -1)."""
    for structure in range(len(batch.cells)):
        cell, periodic = batch.cells[structure], batch.periodic[structure]
        grid = make_grid(batch, structure, TOO_CLOSE)
        around, slots = np.empty((4, grid.capacity + 1)), np.empty(grid.capacity + 1, np.int64)
        for slot in range(len(grid.order)):
            if collect(slot, grid, cell, periodic, TOO_CLOSE, around, slots) > 1:
                return structure, grid.order[slot]
    return -1, -1
