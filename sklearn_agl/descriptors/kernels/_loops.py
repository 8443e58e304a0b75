"""Compiled loops that do not depend on the set of symmetry functions.

They bring the geometry of one atom into a form that is cheap to evaluate: neighbours sorted by
element, and for each pair of neighbour elements a *stream* of those triplets (i, j, k) whose three
distances are all below the cutoff radius. About half of the pairs of neighbours are not, and they
are dropped before anything costly is computed. `_codegen` adds the loops over the stream.

Rows are stored with weights of zero behind their end, so that loops may run to a multiple of
`PADDING`.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_agl.compiled._jit import inlined
from sklearn_agl.descriptors.kernels import _neighbors as neighbors
from sklearn_agl.descriptors.kernels._gradients import ROWS_PER_QUAD, Gradients, allocate_gradients
from sklearn_agl.descriptors.kernels._moments import Moments, allocate_moments
from sklearn_agl.descriptors.kernels._neighbors import TOO_CLOSE
from sklearn_agl.descriptors.kernels._packing import LANES
from sklearn_agl.descriptors.kernels._triplets import (
    BLOCK_ROWS,
    DISTANCE,
    INVERSE,
    OPPOSITE,
    PADDING,
    PERIMETER,
    PLACE,
    SQUARE,
    SQUARES,
    STREAM_WIDTH,
    WEIGHT,
    X,
    Y,
    Z,
)

STREAM_LENGTH = STREAM_WIDTH - PADDING
"""Largest number of triplets that are evaluated together."""

CHUNK = STREAM_LENGTH // (4 * LANES) * LANES
"""Neighbours k that are appended at a time; a multiple of the vector width."""

# More rows of `near`: the slope f_c' / (f_c r), and for jvp the changes of r² / 2, of r, of ln f_c
# and of the vector.
SLOPE, D_HALF_SQUARE, D_DISTANCE, D_WEIGHT, DX, DY, DZ = range(BLOCK_ROWS, BLOCK_ROWS + 7)
RADIAL_SLOPE = D_HALF_SQUARE  # in vjp
NEAR_ROWS = BLOCK_ROWS + 7
# More rows of a stream: the slope of r_jk, changes for jvp, one group's weights for jvps.
APPENDED_ROWS = 8
SLOPES, D_COSINE, D_SQUARES, D_WEIGHTS, D_PERIMETER = range(APPENDED_ROWS, 13)
STREAM_ROWS = 13
GROUP_WEIGHTS = D_COSINE
# Where those of all groups begin, which the way back needs.
KEPT = D_COSINE
# Rows of `totals`: sums over the groups.
TOTAL, BY_COSINE, BY_SQUARE, BY_DISTANCE = range(4)
# Columns of `chunks`: what a stream holds.
PAIR, ONE, TWO, IS_NARROW, LENGTH = range(5)
# Columns of `sums`, what vjp gathers for each neighbour; the first four also are those of `quads`,
# what each triplet adds. A vector of three follows, and the radial functions' slope.
OF_TOTAL, OF_DISTANCE, OF_COSINE, OF_SQUARE, OF_VECTOR = range(5)
OF_SLOPE = 7
SUM_COLUMNS = 8


# Why a kernel stops: at its end, or at an atom that it has no streams for, that shares its place
# with another one, or that has too many neighbours.
DONE, SHORT_OF_STREAMS, OVERLAPPING, CROWDED = range(4)

RETURNING = ("vjp", "forces")
"""Programs that go over an atom's triplets, and then over what they kept of them."""


STREAMS = 16
"""Enough for a hundred neighbours of one element; there will be more if that is too few."""


class Work(NamedTuple):
    """Working memory for one atom at a time.

    Attributes
    ----------
    around : ndarray of shape (AROUND_ROWS, capacity)
        Neighbours as `collect` finds them.
    near : ndarray of shape (n_places, NEAR_ROWS, capacity)
        Neighbours of each element within the radius at hand. There is one place per element, or
        one per shell and element if the program goes back over them.
    atoms : ndarray of int of shape (n_places, capacity)
        Which atoms they are.
    blocks : ndarray of shape (n_places, capacity / LANES, BLOCK_ROWS, LANES)
        The first rows of `near` in the order in which appending triplets reads them.
    counts : ndarray of int of shape (n_places,)
        Number of neighbours.
    streams : ndarray of shape (n_streams, n_rows, STREAM_WIDTH)
        Triplets; a program that does not go back over them needs one stream only.
    chunks : ndarray of int of shape (n_streams, 5)
        What each stream holds: the number of its groups' pair, the places of j and k, whether the
        groups are narrow, and its length.
    totals : ndarray of shape (4, STREAM_WIDTH)
        Sums over the groups of a stream.
    sums, vectors : ndarray of shape (n_places, capacity, SUM_COLUMNS) and \
            (n_places, capacity, 4)
    quads : ndarray of shape (STREAM_WIDTH, 4)
        What the way back gathers and hands out; see `_differentiation_modes`.
    gradients : Gradients
        What jvps gathers; see `_gradients`.
    moments : Moments
        For the functions that go by moments; see `_moments`.
    """

    around: np.ndarray
    near: np.ndarray
    atoms: np.ndarray
    blocks: np.ndarray
    counts: np.ndarray
    streams: np.ndarray
    chunks: np.ndarray
    totals: np.ndarray
    sums: np.ndarray
    vectors: np.ndarray
    quads: np.ndarray
    gradients: Gradients
    moments: Moments


def allocate(around, plan, program, n_streams=STREAMS):
    """Working memory for the neighbours of one atom.

    Parameters
    ----------
    around : ndarray of shape (AROUND_ROWS, capacity)
        From `make_around`.
    plan : KernelPlan
    program : str
        As in `compile_kernel`; only jvps needs room for gradients.
    n_streams : int, default=STREAMS
        Room for triplets, in a program that goes back over them.

    Returns
    -------
    Work
    """
    n_places, stream_rows = len(plan.defined), STREAM_ROWS
    capacity = (around.shape[1] // PADDING + 2) * PADDING
    gradients = allocate_gradients(plan, capacity if program == "jvps" else 0)
    if program == "jvps":
        n_powers = max((len(shape.powers) for shape in plan.shapes), default=0)
        stream_rows += -(-n_powers // LANES) * ROWS_PER_QUAD
    if program in RETURNING:
        n_places *= max(np.diff(plan.arrays.shell_starts).max(), 1)
        stream_rows = KEPT + np.diff(plan.arrays.group_starts).max(initial=0)
    else:
        n_streams = 1
    return Work(
        around=around,
        near=np.zeros((n_places, NEAR_ROWS, capacity)),
        atoms=np.zeros((n_places, capacity), np.int64),
        blocks=np.zeros((n_places, capacity // LANES, BLOCK_ROWS, LANES)),
        counts=np.zeros(n_places, np.int64),
        streams=np.zeros((n_streams, stream_rows, STREAM_WIDTH)),
        chunks=np.zeros((n_streams, 5), np.int64),
        totals=np.zeros((4, STREAM_WIDTH)),
        sums=np.zeros((n_places, capacity, SUM_COLUMNS)),
        vectors=np.zeros((n_places, capacity, 4)),
        quads=np.zeros((STREAM_WIDTH, 4)),
        gradients=gradients,
        moments=allocate_moments(plan.arrays, n_places, capacity, program),
    )


def with_more_streams(work):
    """The same memory with twice as many streams, for an atom with more neighbours."""
    n_streams, *shape = work.streams.shape
    return work._replace(
        streams=np.zeros((2 * n_streams, *shape)), chunks=np.zeros((2 * n_streams, 5), np.int64)
    )


@inlined
def n_elements_of(plan):
    """Number of elements."""
    return len(plan.shell_starts) - 1


@inlined
def pair_number(plan, shell, narrow, e, e2):
    """Number of a pair of neighbour elements, for narrow or wide functions of a shell."""
    kind = 0 if narrow else 1
    n_elements = n_elements_of(plan)
    return ((2 * shell + kind) * n_elements + e) * n_elements + e2


@inlined
def end_of_group(plan, g):
    """Where the columns of an angular group end."""
    return plan.groups[g + 1].first_column if g + 1 < len(plan.groups) else len(plan.columns)


@inlined
def is_left(plan, g, work, place):
    """Whether a group goes by pairs, not by moments, at the atom at hand."""
    return plan.groups[g].set >= work.moments.n_sets[place]


@inlined
def any_left(plan, pair, work, place):
    """Whether any group of a pair of elements goes by pairs."""
    for g in range(plan.group_starts[pair], plan.group_starts[pair + 1]):
        if is_left(plan, g, work, place):
            return True
    return False


@inlined
def padded(n):
    """The next multiple of `PADDING`."""
    return (n + PADDING - 1) & -PADDING


@inlined
def sort_neighbors(around, n):
    """Sort neighbours by distance (comb sort: compares far apart first, then nearer and nearer)."""
    gap, swapped = n, True
    while gap > 1 or swapped:
        gap, swapped = max(gap * 10 // 13, 1), False
        for p in range(n - gap):
            if around[neighbors.SQUARE, p] > around[neighbors.SQUARE, p + gap]:
                swapped = True
                for row in range(neighbors.AROUND_ROWS):
                    held = around[row, p]
                    around[row, p] = around[row, p + gap]
                    around[row, p + gap] = held


@inlined
def move_window(distances, n, low, high, start, stop):
    """Move the range of neighbours, sorted by distance, to those between `low` and `high`."""
    while start < n and distances[start] < low:
        start += 1
    while start > 0 and distances[start - 1] >= low:
        start -= 1
    stop = max(stop, start)
    while stop < n and distances[stop] <= high:
        stop += 1
    while stop > start and distances[stop - 1] > high:
        stop -= 1
    return start, stop


@inlined
def seen_by(function, plan, near, n, start, stop):
    """Range of the neighbours that a radial function sees, from that of another one."""
    if not plan.sorts_neighbors:
        return start, stop
    low, high = function.r_s - function.reach, function.r_s + function.reach
    return move_window(near[DISTANCE], n, low, high, start, stop)


@inlined
def load_neighbors(around, n_around, species, order, e, r_cut, near, atoms):
    """Neighbours of element e within `r_cut`, one row of `near` per quantity; counts them.

    The weight is 1 for each, and 0 behind the end, where the distance is 1.
    """
    xs, ys, zs = around[neighbors.X], around[neighbors.Y], around[neighbors.Z]
    squares, slots, n = around[neighbors.SQUARE], around[neighbors.SLOT], 0
    for p in range(n_around):
        square, atom = squares[p], order[int(slots[p])]
        near[X, n], near[Y, n], near[Z, n], near[SQUARE, n] = xs[p], ys[p], zs[p], square
        atoms[n] = atom
        itself = square < TOO_CLOSE * TOO_CLOSE
        n += (square < r_cut * r_cut) & (not itself) & (species[atom] == e)
    end = padded(n)
    for row in range(NEAR_ROWS):
        for k in range(n, end):
            near[row, k] = 0.0
    squares, distances, inverses = near[SQUARE], near[DISTANCE], near[INVERSE]
    weights, places = near[WEIGHT], near[PLACE]
    for k in range(n, end):
        squares[k] = 1.0
    for k in range(end):
        distances[k] = math.sqrt(squares[k])
        inverses[k] = 1.0 / distances[k]
        weights[k] = 1.0 if k < n else 0.0
        places[k] = k
    return n


@inlined
def fill_blocks(near, n, blocks):
    """Copy the neighbour rows four columns at a time: the order that appending triplets reads."""
    for row in range(BLOCK_ROWS):
        line = near[row]
        for block in range(padded(n) // LANES):
            for lane in range(LANES):
                blocks[block, row, lane] = line[block * LANES + lane]


@inlined
def end_stream(stream, n):
    """Store triplets without weight, of side 1, behind the end."""
    for row in range(APPENDED_ROWS):
        value = 1.0 if row == SQUARES or row == OPPOSITE else 0.0
        for t in range(n, padded(n)):
            stream[row, t] = value


@inlined
def add_perimeter(stream, n):
    """Complete the sum of the distances by r_jk."""
    opposite, perimeter = stream[OPPOSITE], stream[PERIMETER]
    for t in range(padded(n)):
        perimeter[t] += math.sqrt(opposite[t])
