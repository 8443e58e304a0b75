"""The neighbours of an atom, from the cells around it."""

from functools import partial

import numpy as np
from numba import types
from numba.extending import intrinsic

from sklearn_agl.compiled._jit import LOOPS, helper, inlined
from sklearn_agl.compiled._machine_code import kept
from sklearn_agl.descriptors.kernels._cells import first_cell, make_cells
from sklearn_agl.descriptors.kernels._packing import (
    ALL_LANES,
    LANES,
    count_up,
    has_avx2,
    lanes_below,
    load,
    product,
    splat,
    store_packed,
    total,
)

TOO_CLOSE = 1e-6
"""Two atoms nearer than this count as one point."""

MOST_NEIGHBORS = 5_000
"""An atom with more of them is in a structure that has collapsed, or of the wrong unit: the densest
crystals have some hundred, and triplets take time and memory with their square."""

# Rows of `around`: vector from the atom, its squared length, and the neighbour's slot.
X, Y, Z, SQUARE, SLOT = range(5)
AROUND_ROWS = 5


def make_around(cells):
    """Room for the neighbours of any atom: array of shape (AROUND_ROWS, capacity)."""
    return np.zeros((AROUND_ROWS, cells.capacity.max() + LANES))


@helper
def collect(slot, structure, batch, cells, r_cut, around):
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
    around : ndarray of shape (AROUND_ROWS, capacity)
        From `make_around`; gets the neighbours.

    Returns
    -------
    int
        Number of neighbours.
    """
    cell, periodic, places = batch.cells[structure], batch.periodic[structure], cells.places
    n, own, reach = cells.n_cells[structure], cells.own_cell[slot], cells.reach[structure]
    own_first = first_cell(structure, batch.starts[structure])
    found = np.int64(0)  # a bare 0 would have a type of its own, and `append_run` compiled twice
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
                images = (float(image_a), float(image_b), float(image_c))
                x = _shift(images, cell, 0) - places[0, slot]
                y = _shift(images, cell, 1) - places[1, slot]
                z = _shift(images, cell, 2) - places[2, slot]
                found = append_run((x, y, z), places, first, last, r_cut * r_cut, around, found)
    return found


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
def _shift(images, cell, axis):
    return images[0] * cell[0, axis] + images[1] * cell[1, axis] + images[2] * cell[2, axis]


def one_by_one():
    """Make a function that appends the neighbours among a run of atoms.

    Returns
    -------
    callable
        ``append(shift, places, first, last, limit, around, n)``, which returns the new number of
        neighbours:

        - shift: x, y and z that are added to the places;
        - places (3, n_atoms + LANES): of the atoms; first, last: slots of the run;
        - limit: squared lengths must be below it;
        - around (AROUND_ROWS, capacity): gets the neighbours; n: number so far.
    """

    @helper
    def append(shift, places, first, last, limit, around, n):
        for slot in range(first, last):
            x, y, z = (
                places[0, slot] + shift[0],
                places[1, slot] + shift[1],
                places[2, slot] + shift[2],
            )
            square = x * x + y * y + z * z
            around[X, n], around[Y, n], around[Z, n] = x, y, z
            around[SQUARE, n], around[SLOT, n] = square, slot
            # Whatever is not a neighbour is overwritten by the next one.
            n += square < limit
        return n

    return append


def four_at_once():
    """Make a function that does the same as that of `one_by_one`, in blocks of four, with AVX2."""

    @intrinsic
    def append_block(typingctx, shift, places, slot, valid, limit, around, n):
        signature = types.int64(
            shift, places, types.int64, types.int64, types.float64, around, types.int64
        )
        return signature, _block_code

    @helper
    def append(shift, places, first, last, limit, around, n):
        for slot in range(first, last, LANES):
            valid = ALL_LANES if last - slot >= LANES else (1 << (last - slot)) - 1
            n = append_block(shift, places, slot, valid, limit, around, n)
        return n

    return append


def _block_code(context, builder, signature, args):
    shift, places, slot, valid, limit, around, n = args
    places = context.make_array(signature.args[1])(context, builder, places)
    around = context.make_array(signature.args[5])(context, builder, around)
    times, plus = partial(product, builder), partial(total, builder)
    width, wide = [builder.extract_value(array.shape, 1) for array in (places, around)]
    x, y, z = [
        plus(
            load(builder, places.data, slot, builder.mul(width, width.type(axis))),
            splat(builder, builder.extract_value(shift, axis)),
        )
        for axis in range(3)
    ]
    square = plus(plus(times(x, x), times(y, y)), times(z, z))
    rows = {X: x, Y: y, Z: z, SQUARE: square, SLOT: count_up(builder, slot)}
    stores = [
        (rows[row], around.data, n, builder.mul(wide, wide.type(row))) for row in range(AROUND_ROWS)
    ]
    good = lanes_below(builder, square, limit, valid)
    return builder.add(n, store_packed(builder, stores, good))


append_run = four_at_once() if has_avx2() else one_by_one()


@inlined
def overlaps(around, n):
    """Whether an atom shares its place with another one, among its n neighbours and itself."""
    squares, n_here = around[SQUARE], 0
    for p in range(n):
        n_here += squares[p] < TOO_CLOSE * TOO_CLOSE
    return n_here > 1


def find_clash(batch):
    """First structure and atom that shares its place with another atom, or (-1, -1)."""
    cells = make_cells(batch, TOO_CLOSE)
    slot = _find_clash(batch, cells, make_around(cells))
    if slot < 0:
        return -1, -1
    structure = int(np.searchsorted(batch.starts, slot, side="right")) - 1
    return structure, int(cells.order[slot] - batch.starts[structure])


@kept(**LOOPS, no_cfunc_wrapper=True)
def _find_clash(batch, cells, around):
    for structure in range(len(batch.cells)):
        for slot in range(batch.starts[structure], batch.starts[structure + 1]):
            if collect(slot, structure, batch, cells, TOO_CLOSE, around) > 1:
                return slot
    return -1
