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

from .._vector_math import exp

LANES = 4
"""Loops run to a multiple of this many entries."""

STREAM_LENGTH = 1024
"""A stream is evaluated when it has grown to this length: it then still fits the fastest cache."""

TOO_CLOSE = 1e-6
"""Two atoms nearer than this count as one point."""

JIT_OPTIONS = {"fastmath": True, "nogil": True, "error_model": "numpy"}
inline_loop = njit(**JIT_OPTIONS)


@inline_loop
def sort_neighbors(pairs, vectors, species, n_species, starts, sorted_vectors):
    """Counting sort of the pairs by central atom, then by the neighbour's element.

    Returns the number of an atom that shares its place with another one, or -1.
    """
    for p in range(len(pairs)):
        starts[pairs[p, 0] * n_species + species[pairs[p, 1]] + 1] += 1
    for row in range(len(starts) - 1):
        starts[row + 1] += starts[row]
    filled = starts.copy()
    for p in range(len(pairs)):
        row = pairs[p, 0] * n_species + species[pairs[p, 1]]
        square = 0.0
        for axis in range(3):
            sorted_vectors[filled[row], axis] = vectors[p, axis]
            square += vectors[p, axis] ** 2
        filled[row] += 1
        if square < TOO_CLOSE**2:
            return pairs[p, 0]
    return -1


@inline_loop
def load_neighbors(vectors, r_cut, near):
    """Neighbours within `r_cut`, one row per quantity; returns their number.

    Rows of `near`: x, y, z, distance, its square, its inverse, and room for the cutoff function.
    """
    n = 0
    for p in range(len(vectors)):
        x, y, z = vectors[p]
        square = x * x + y * y + z * z
        if square < r_cut * r_cut:
            near[0, n] = x
            near[1, n] = y
            near[2, n] = z
            near[4, n] = square
            n += 1
    distance, inverse = near[3], near[5]
    for k in range(n):
        distance[k] = math.sqrt(near[4, k])
        inverse[k] = 1.0 / distance[k]
    for k in range(n, n + LANES):
        distance[k] = 0.0
    return n


@inline_loop
def add_radial(distance, weight, n, eta, r_s, columns, out):
    """G2: sum over j of exp(-eta (r_ij - r_s)²) f_c(r_ij)."""
    padded = (n + LANES - 1) // LANES * LANES
    for m in range(len(eta)):
        eta_m, r_s_m, total = eta[m], r_s[m], 0.0
        for k in range(padded):
            shifted = distance[k] - r_s_m
            total += weight[k] * exp(-eta_m * shifted * shifted)
        out[columns[m]] += total


@inline_loop
def append_triplets(first, j, second, n_second, r_cut, stream, n):
    """Append the triplets of one neighbour j and `n_second` neighbours k; returns the new length.

    Rows of `stream`: cos(theta), sum of the squared distances, r_jk², f_c(r_ij) f_c(r_ik), sum of
    the distances without r_jk.
    """
    limit = r_cut * r_cut
    x, y, z, r = first[0, j], first[1, j], first[2, j], first[3, j]
    square, inverse, weight = first[4, j], first[5, j], first[6, j]
    for k in range(n_second):
        dot = x * second[0, k] + y * second[1, k] + z * second[2, k]
        squares = square + second[4, k]
        opposite = squares - 2.0 * dot
        stream[0, n] = dot * (inverse * second[5, k])
        stream[1, n] = squares + opposite
        stream[2, n] = opposite
        stream[3, n] = weight * second[6, k]
        stream[4, n] = r + second[3, k]
        # Without a branch: an entry that fails the test is overwritten by the next one.
        n += opposite < limit
    return n


@inline_loop
def finish_stream(stream, n, r_cut):
    """Complete the sum of distances, put r_jk / r_cut in place of r_jk², and pad with zeros."""
    for row in range(5):
        for t in range(n, n + LANES):
            stream[row, t] = 0.0
    opposite, perimeter = stream[2], stream[4]
    inverse = 1.0 / r_cut
    for t in range(n):
        distance = math.sqrt(opposite[t])
        perimeter[t] += distance
        opposite[t] = distance * inverse


@inline_loop
def allocate(n_species, longest_row):
    """Scratch memory for one thread: neighbour rows per element, and the triplet stream."""
    near = np.zeros((n_species, 7, longest_row + LANES))
    stream = np.zeros((5, STREAM_LENGTH + longest_row + LANES))
    return near, stream
