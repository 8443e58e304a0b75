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

FAR = 1e300
"""In place of infinity, which fastmath does not know."""

TOO_CLOSE = 1e-6
"""Two atoms nearer than this count as one point."""

# Rows of `around`, the neighbours of one element.
X, Y, Z, SQUARE = range(4)

compiled = njit(fastmath=True, nogil=True, error_model="numpy", cache=True)
inlined = njit(inline="always")


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


# Arrays are filled entry by entry here: numba takes seconds to compile numpy's own min, max,
# argmax and assignments of rows.
@compiled
def make_grid(batch, structure, r_cut):
    """Sort the atoms of one structure into cells for neighbours within `r_cut`."""
    n_atoms = batch.starts[structure + 1] - batch.starts[structure]
    fractions, places = np.empty((n_atoms, 3)), np.empty((n_atoms, 3))
    _wrap(batch, structure, fractions, places)
    n_cells, reach = np.empty(3, dtype=np.int64), np.empty(3, dtype=np.int64)
    lengths = np.empty(3)
    for axis in range(3):
        lengths[axis] = batch.heights[structure, axis]
        if not batch.periodic[structure, axis]:
            lengths[axis] *= _spread(fractions, axis)
        wanted = min(lengths[axis] / r_cut * CELLS_PER_CUTOFF, float(n_atoms))
        n_cells[axis] = max(int(wanted), 1)
    while n_cells[0] * n_cells[1] * n_cells[2] > CELLS_PER_ATOM * n_atoms + 1:
        for axis in range(3):
            n_cells[axis] = (n_cells[axis] + 1) // 2
    for axis in range(3):
        farthest = FAR if batch.periodic[structure, axis] else n_cells[axis] - 1.0
        spanned = r_cut * n_cells[axis] / lengths[axis] if farthest > 0.0 else 0.0
        reach[axis] = int(min(math.ceil(spanned), farthest))
    return _fill(fractions, places, n_cells, reach)


@inlined
def _wrap(batch, structure, fractions, places):
    """Move atoms into the cell along its periodic directions."""
    first = batch.starts[structure]
    cell, inverse = batch.cells[structure], batch.inverses[structure]
    for i in range(len(places)):
        for axis in range(3):
            places[i, axis] = batch.positions[first + i, axis]
        for axis in range(3):
            fraction = 0.0
            for other in range(3):
                fraction += batch.positions[first + i, other] * inverse[other, axis]
            whole = math.floor(fraction) if batch.periodic[structure, axis] else 0.0
            fractions[i, axis] = fraction - whole
            for other in range(3):
                places[i, other] -= whole * cell[axis, other]


@inlined
def _spread(fractions, axis):
    """Stretch the fractions along one axis to [0, 1]; returns the length they spanned."""
    lowest, highest = FAR, -FAR
    for i in range(len(fractions)):
        lowest = min(lowest, fractions[i, axis])
        highest = max(highest, fractions[i, axis])
    span = highest - lowest
    for i in range(len(fractions)):
        fractions[i, axis] = (fractions[i, axis] - lowest) / span if span > 0.0 else 0.0
    return span


@inlined
def _fill(fractions, places, n_cells, reach):
    n_atoms = len(places)
    order, numbers = np.empty(n_atoms, dtype=np.int64), np.empty(n_atoms, dtype=np.int64)
    # Counted two places ahead, the sums first give where each cell starts, one place ahead; filling
    # the cells then moves these to where they end, which is where the next cell starts.
    starts = np.zeros(n_cells[0] * n_cells[1] * n_cells[2] + 2, dtype=np.int64)
    fullest = 0
    for i in range(n_atoms):
        numbers[i] = 0
        for axis in range(3):
            numbers[i] = numbers[i] * n_cells[axis] + _cell_of(fractions[i, axis], n_cells[axis])
        starts[numbers[i] + 2] += 1
        fullest = max(fullest, starts[numbers[i] + 2])
    for number in range(1, len(starts)):
        starts[number] += starts[number - 1]
    sorted_places, own_cell = np.empty((n_atoms, 3)), np.empty((n_atoms, 3), dtype=np.int64)
    for i in range(n_atoms):
        slot = starts[numbers[i] + 1]
        starts[numbers[i] + 1] += 1
        order[slot] = i
        for axis in range(3):
            sorted_places[slot, axis] = places[i, axis]
            own_cell[slot, axis] = _cell_of(fractions[i, axis], n_cells[axis])
    capacity = fullest * (2 * reach[0] + 1) * (2 * reach[1] + 1) * (2 * reach[2] + 1)
    return Grid(n_cells, reach, starts, order, sorted_places, own_cell, capacity)


@inlined
def _cell_of(fraction, n_cells):
    return min(int(fraction * n_cells), n_cells - 1)


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
    here_x, here_y, here_z = grid.places[slot, 0], grid.places[slot, 1], grid.places[slot, 2]
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
