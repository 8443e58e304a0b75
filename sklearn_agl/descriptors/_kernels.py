"""Compiled loops that do not depend on the set of symmetry functions.

They bring the geometry of one atom into a form that is cheap to evaluate: neighbours sorted by
element, and for each pair of neighbour elements a *stream* of those triplets (i, j, k) whose three
distances are all below the cutoff radius. About half of the pairs of neighbours are not, and they
are dropped before anything costly is computed. `_codegen` adds the loops over the stream.

Streams and rows are stored with zeros behind their end, so that loops may run to a multiple of the
vector width.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from ._cells import SQUARE as AROUND_SQUARE
from ._cells import TOO_CLOSE
from ._triplets import (
    BLOCK_ROWS,
    DISTANCE,
    INVERSE,
    LANES,
    OPPOSITE,
    PERIMETER,
    PLACE,
    SQUARE,
    STREAM_WIDTH,
    WEIGHT,
    X,
    Y,
    Z,
)

STREAM_LENGTH = STREAM_WIDTH - LANES
"""Largest number of triplets that are evaluated together."""

CHUNK = STREAM_LENGTH // (4 * LANES) * LANES
"""Neighbours k that are appended at a time; a multiple of the vector width."""

# More rows of `near`: the slope f_c' / (f_c r), and for jvp the changes of r² / 2, of r, of ln f_c
# and of the vector.
SLOPE, D_HALF_SQUARE, D_DISTANCE, D_WEIGHT, DX, DY, DZ = range(BLOCK_ROWS, BLOCK_ROWS + 7)
RADIAL_SLOPE = D_HALF_SQUARE  # in vjp
NEAR_ROWS = BLOCK_ROWS + 7
# More rows of `stream`: the slope of r_jk; sums over the groups for vjp, changes for jvp.
SLOPES, TOTAL, BY_COSINE, BY_SQUARE, BY_DISTANCE = range(7, 12)
D_COSINE, D_SQUARES, D_WEIGHTS, D_PERIMETER = range(8, 12)
STREAM_ROWS = 12
# Columns of `sums`, what vjp gathers for each neighbour; the first four also are those of `quads`,
# what each triplet adds. A vector of three follows, and the radial functions' slope.
OF_TOTAL, OF_DISTANCE, OF_COSINE, OF_SQUARE, OF_VECTOR = range(5)
OF_SLOPE = 7
SUM_COLUMNS = 8

JIT_OPTIONS = {"fastmath": True, "nogil": True, "error_model": "numpy"}
inline_loop = njit(**JIT_OPTIONS)


class Work(NamedTuple):
    """Working memory for one structure."""

    around: np.ndarray
    slots: np.ndarray
    near: np.ndarray
    atoms: np.ndarray
    blocks: np.ndarray
    counts: np.ndarray
    stream: np.ndarray
    sums: np.ndarray
    vectors: np.ndarray
    quads: np.ndarray


@inline_loop
def allocate(capacity, n_elements):
    """Working memory for atoms of at most `capacity` neighbours."""
    return Work(
        around=np.empty((4, capacity + 1)),
        slots=np.empty(capacity + 1, np.int64),
        near=np.zeros((n_elements, NEAR_ROWS, capacity + LANES)),
        atoms=np.zeros((n_elements, capacity + LANES), np.int64),
        blocks=np.zeros((n_elements, capacity // LANES + 2, BLOCK_ROWS, LANES)),
        counts=np.zeros(n_elements, np.int64),
        stream=np.zeros((STREAM_ROWS, STREAM_WIDTH)),
        sums=np.zeros((n_elements, capacity + LANES, SUM_COLUMNS)),
        vectors=np.zeros((n_elements, capacity + LANES, 4)),
        quads=np.zeros((STREAM_WIDTH, 4)),
    )


@inline_loop
def load_neighbors(work, n_around, species, order, e, r_cut):
    """Neighbours of element e within `r_cut`, one row of `near` per quantity; counts them.

    The weight is 1 for each, and 0 behind the end. `species` is by atom and `order` by slot.
    """
    around, near, atoms, n = work.around, work.near[e], work.atoms[e], 0
    for p in range(n_around):
        square, atom = around[AROUND_SQUARE, p], order[work.slots[p]]
        near[X, n], near[Y, n], near[Z, n] = around[0, p], around[1, p], around[2, p]
        near[SQUARE, n], atoms[n] = square, atom
        itself = square < TOO_CLOSE * TOO_CLOSE
        n += (square < r_cut * r_cut) & (not itself) & (species[atom] == e)
    squares, distances, inverses = near[SQUARE], near[DISTANCE], near[INVERSE]
    for k in range(n):
        distances[k] = math.sqrt(squares[k])
        inverses[k] = 1.0 / distances[k]
    for k in range(n):
        near[WEIGHT, k], near[PLACE, k] = 1.0, k
    for k in range(n, n + LANES):
        for row in range(NEAR_ROWS):
            near[row, k] = 0.0
    work.counts[e] = n


@inline_loop
def fill_blocks(near, n, blocks):
    """Copy the neighbour rows four columns at a time: the order that appending triplets reads."""
    for block in range((n + LANES - 1) // LANES):
        for row in range(BLOCK_ROWS):
            for lane in range(LANES):
                blocks[block, row, lane] = near[row, block * LANES + lane]


@inline_loop
def add_perimeter(stream, n):
    """Complete the sum of distances by r_jk."""
    opposite, perimeter = stream[OPPOSITE], stream[PERIMETER]
    for t in range(n):
        perimeter[t] += math.sqrt(opposite[t])
