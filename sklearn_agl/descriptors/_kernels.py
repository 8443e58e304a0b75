"""Compiled loops that do not depend on the set of symmetry functions.

They bring the geometry of one atom into a form that is cheap to evaluate: neighbours sorted by
element, and for each pair of neighbour elements a *stream* of those triplets (i, j, k) whose three
distances are all below the cutoff radius. About half of the pairs of neighbours are not, and they
are dropped before anything costly is computed. `_codegen` adds the loops over the stream.

Streams and rows are stored with zeros behind their end, so that loops may run to a multiple of the
vector width.
"""

import math

import numpy as np
from numba import njit

from .._vector_math import exp_of_negative
from ._triplets import (
    DISTANCE,
    INVERSE,
    LANES,
    OPPOSITE,
    PERIMETER,
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

TOO_CLOSE = 1e-6
"""Two atoms nearer than this count as one point."""

JIT_OPTIONS = {"fastmath": True, "nogil": True, "error_model": "numpy"}
inline_loop = njit(**JIT_OPTIONS)


@inline_loop
def sort_neighbors(neighbors, species, n_species, starts, vectors):
    """Counting sort of the pairs by central atom, then by the neighbour's element.

    Fills `starts` (n_atoms * n_species + 2 zeros at first), of which entry ``i * n_species + e``
    tells where the neighbours of atom i of element e start, and `vectors`. Returns the number of an
    atom that shares its place with another one, or -1.
    """
    pairs = neighbors.pairs
    # Counted two places ahead, the sums first give where each row starts, one place ahead; filling
    # the rows then moves these to where they end, which is where the next row starts.
    for p in range(len(pairs)):
        starts[pairs[p, 0] * n_species + species[pairs[p, 1]] + 2] += 1
    for row in range(1, len(starts)):
        starts[row] += starts[row - 1]
    for p in range(len(pairs)):
        row = pairs[p, 0] * n_species + species[pairs[p, 1]] + 1
        square = 0.0
        for axis in range(3):
            component = neighbors.vectors[p, axis]
            vectors[starts[row], axis] = component
            square += component * component
        starts[row] += 1
        if square < TOO_CLOSE * TOO_CLOSE:
            return pairs[p, 0]
    return -1


@inline_loop
def load_neighbors(vectors, start, end, r_cut, near):
    """Neighbours within `r_cut`, one row of `near` per quantity; returns their number.

    The weight is 1 for each, and 0 behind the end.
    """
    n = 0
    for p in range(start, end):
        x, y, z = vectors[p, 0], vectors[p, 1], vectors[p, 2]
        square = x * x + y * y + z * z
        near[X, n], near[Y, n], near[Z, n], near[SQUARE, n] = x, y, z, square
        n += square < r_cut * r_cut
    squares, distances, inverses = near[SQUARE], near[DISTANCE], near[INVERSE]
    for k in range(n):
        distances[k] = math.sqrt(squares[k])
        inverses[k] = 1.0 / distances[k]
    for k in range(n):
        near[WEIGHT, k] = 1.0
    for k in range(n, n + LANES):
        near[WEIGHT, k] = near[DISTANCE, k] = 0.0
    return n


@inline_loop
def fill_blocks(near, n, blocks):
    """Copy the neighbour rows four columns at a time: the order that appending triplets reads."""
    for block in range((n + LANES - 1) // LANES):
        for row in range(7):
            for lane in range(LANES):
                blocks[block, row, lane] = near[row, block * LANES + lane]


@inline_loop
def add_radial(near, n, plan, row, out):
    """G2: sum over j of exp(-eta (r_ij - r_s)²) f_c(r_ij)."""
    distance, weight = near[DISTANCE], near[WEIGHT]
    padded = (n + LANES - 1) // LANES * LANES
    for m in range(plan.radial_starts[row], plan.radial_starts[row + 1]):
        eta, r_s, total = plan.radial_eta[m], plan.radial_r_s[m], 0.0
        for k in range(padded):
            shifted = distance[k] - r_s
            total += weight[k] * exp_of_negative(-eta * shifted * shifted)
        out[plan.radial_column[m]] += total


@inline_loop
def add_perimeter(stream, n):
    """Complete the sum of distances by r_jk."""
    opposite, perimeter = stream[OPPOSITE], stream[PERIMETER]
    for t in range(n):
        perimeter[t] += math.sqrt(opposite[t])


def allocate_scratch(pairs, n_atoms, n_species):
    """Working memory of the kernel for one structure.

    Parameters
    ----------
    pairs : ndarray of int of shape (n_pairs, 2)
        Central atoms and neighbours.
    n_atoms, n_species : int
        Numbers of atoms and of elements.

    Returns
    -------
    tuple of ndarray
        Row starts and vectors of the sorted pairs; per element the neighbour rows, the same in
        blocks, and the neighbour count; the triplet stream.
    """
    longest = int(np.bincount(pairs[:, 0], minlength=1).max())
    return (
        np.zeros(n_atoms * n_species + 2, dtype=np.int64),
        np.empty((len(pairs), 3)),
        np.zeros((n_species, 7, longest + LANES)),
        np.zeros((n_species, longest // LANES + 1, 7, LANES)),
        np.zeros(n_species, dtype=np.int64),
        np.zeros((5, STREAM_WIDTH)),
    )
