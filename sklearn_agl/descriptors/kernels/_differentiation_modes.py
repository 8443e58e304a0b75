"""Where the programs differ: values, vector-Jacobian and Jacobian-vector products.

All of them walk over the same neighbours and triplets. `values` adds up symmetry functions; `jvp`
turns displacements of the atoms into changes of the functions. `jvps` does so for many
displacements at once: it gathers the gradients of one atom's functions, and multiplies them by all
of them. `vjp` and `forces` go all the way back; what they do there is in `_backpropagation`. There
is one function for each program and each station of the way, named after both.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_agl.compiled._jit import helper, inlined
from sklearn_agl.compiled._vector_math import cos, exp_of_negative, sin
from sklearn_agl.descriptors.kernels._gradients import (
    AXES,
    ROWS_PER_QUAD,
    TILE,
    begin_quad,
    contract,
    first_quad_of_group,
    hand_gradients,
)
from sklearn_agl.descriptors.kernels._loops import (
    D_COSINE,
    D_DISTANCE,
    D_HALF_SQUARE,
    D_PERIMETER,
    D_SQUARES,
    D_WEIGHT,
    D_WEIGHTS,
    DX,
    DY,
    DZ,
    RADIAL_SLOPE,
    SLOPE,
    SLOPES,
    STREAM_ROWS,
    end_of_group,
    padded,
    seen_by,
)
from sklearn_agl.descriptors.kernels._neighbors import TOO_CLOSE
from sklearn_agl.descriptors.kernels._packing import LANES
from sklearn_agl.descriptors.kernels._simd_transpose import transpose
from sklearn_agl.descriptors.kernels._triplets import (
    COSINE,
    DISTANCE,
    FIRST,
    INVERSE,
    INVERSES,
    OPPOSITE,
    PADDING,
    SECOND,
    WEIGHT,
    X,
    Y,
    Z,
)


class Values(NamedTuple):
    """Data of the program that computes values: `table` (n_atoms, n_functions + 1) gets them."""

    table: np.ndarray


class Jvp(NamedTuple):
    """Data of the Jacobian-vector product.

    `displacements` (n_atoms, 3) and `strains` (n_structures, 3, 3) say how the atoms and the space
    move; `table` (n_atoms, n_functions + 1) gets the change of the values.
    """

    table: np.ndarray
    displacements: np.ndarray
    strains: np.ndarray


class Jvps(NamedTuple):
    """Data of the Jacobian-vector products for many displacements.

    `displacements` (n_tiles, n_atoms, AXES * TILE) say how the atoms move, `TILE` directions side
    by side; `table` (n_atoms, n_tiles * TILE, n_functions + 1) gets the changes of the values.
    """

    table: np.ndarray
    displacements: np.ndarray


@inlined
def is_idle_values(row):
    """Whether an atom has nothing to contribute."""
    return False


is_idle_jvp = is_idle_jvps = is_idle_values


@inlined
def has_room(n_around, element, plan, work):
    """Whether there are enough streams for the triplets of an atom: one is."""
    return True


@inlined
def next_chunk(work, chunk, pair, one, two, narrow, n):
    """The stream to fill next: the same one again."""
    return chunk


@inlined
def begin_values(data, structure, i, work, e):
    """Prepare what a program needs of the neighbours of one element."""


@inlined
def begin_jvps(data, structure, i, work, e):
    """Forget the gradients of the last atom."""
    work.gradients.filled[:, e] = False


@inlined
def begin_jvp(data, structure, i, work, e):
    """Changes of the vectors and distances: du = u_j - u_i + r strain."""
    near, strain, u = work.near[e], data.strains[structure], data.displacements
    for k in range(work.counts[e]):
        j, half_square = work.atoms[e, k], 0.0
        for axis in range(3):
            change = u[j, axis] - u[i, axis]
            for other in range(3):
                change += near[X + other, k] * strain[other, axis]
            near[DX + axis, k] = change
            half_square += near[X + axis, k] * change
        near[D_HALF_SQUARE, k] = half_square
        near[D_DISTANCE, k] = half_square * near[INVERSE, k]
        near[D_WEIGHT, k] = half_square * near[SLOPE, k]


@inlined
def radial_values(work, e, plan, first, last, row):
    """G1 to G3: sums over j of exp(-eta (r_ij - r_s)²) f_c(r_ij) or cos(kappa r_ij) f_c(r_ij)."""
    near, n = work.near[e], work.counts[e]
    start, stop = np.int64(0), n
    for m in range(first, last):
        f = plan.radial[m]
        start, stop = seen_by(f, plan, near, n, start, stop)
        a, b = start & -PADDING, padded(stop)
        distance, weight = near[DISTANCE, a:b], near[WEIGHT, a:b]
        eta, r_s, total = f.eta, f.r_s, 0.0
        if f.wave:
            for k in range(len(distance)):
                total += weight[k] * cos(eta * distance[k])
        else:
            for k in range(len(distance)):
                shifted = distance[k] - r_s
                total += weight[k] * exp_of_negative(-eta * shifted * shifted)
        row[f.column] += f.factor * total


@inlined
def radial_jvp(work, e, plan, first, last, row):
    """Changes of the radial functions."""
    near, n = work.near[e], work.counts[e]
    start, stop = np.int64(0), n
    for m in range(first, last):
        f = plan.radial[m]
        start, stop = seen_by(f, plan, near, n, start, stop)
        a, b = start & -PADDING, padded(stop)
        distance, weight = near[DISTANCE, a:b], near[WEIGHT, a:b]
        change, by_weight = near[D_DISTANCE, a:b], near[D_WEIGHT, a:b]
        eta, r_s, total = f.eta, f.r_s, 0.0
        if f.wave:
            for k in range(len(distance)):
                angle = eta * distance[k]
                total += weight[k] * (by_weight[k] * cos(angle) - eta * change[k] * sin(angle))
        else:
            for k in range(len(distance)):
                shifted = distance[k] - r_s
                value = weight[k] * exp_of_negative(-eta * shifted * shifted)
                total += value * (by_weight[k] - 2.0 * eta * shifted * change[k])
        row[f.column] += f.factor * total


@inlined
def radial_jvps(work, e, plan, first, last, row):
    """Gradients of the radial functions."""
    near, n = work.near[e], work.counts[e]
    start, stop, along = np.int64(0), n, near[RADIAL_SLOPE]
    first_quad = first_quad_of_group(len(plan.columns), len(plan.groups))
    for m in range(first, last):
        f = plan.radial[m]
        start, stop = seen_by(f, plan, near, n, start, stop)
        a, b = start & -PADDING, padded(stop)
        distance, weight, inverse = near[DISTANCE, a:b], near[WEIGHT, a:b], near[INVERSE, a:b]
        slope, result = near[SLOPE, a:b], along[a:b]
        eta, r_s, factor = f.eta, f.r_s, f.factor
        if f.wave:
            for k in range(len(distance)):
                angle = eta * distance[k]
                turn = slope[k] * distance[k] * cos(angle) - eta * sin(angle)
                result[k] = factor * weight[k] * turn * inverse[k]
        else:
            for k in range(len(distance)):
                shifted = distance[k] - r_s
                value = factor * weight[k] * exp_of_negative(-eta * shifted * shifted)
                result[k] = value * (slope[k] - 2.0 * eta * shifted * inverse[k])
        quad, lane = first_quad + m // LANES, m % LANES
        begin_quad(work.gradients, quad, e, n)
        rows = work.gradients.rows[quad, e]
        for k in range(start, stop):
            for axis in range(AXES):
                rows[k, axis * LANES + lane] += along[k] * near[X + axis, k]


@inlined
def before_groups_values(work, e, e2, n, narrow):
    """Prepare what a program needs of the triplets, before the angular groups are evaluated."""


before_groups_jvps = before_groups_values


@inlined
def before_groups_jvp(work, e, e2, n, narrow):
    """Changes of cosines, of the sums of squares and distances, and of the weights' logarithms."""
    stream, one, two = work.streams[0], work.near[e], work.near[e2]
    for t in range(n):
        j, k = int(stream[FIRST, t]), int(stream[SECOND, t])
        dot = one[X, j] * two[DX, k] + one[DX, j] * two[X, k]
        dot += one[Y, j] * two[DY, k] + one[DY, j] * two[Y, k]
        dot += one[Z, j] * two[DZ, k] + one[DZ, j] * two[Z, k]
        turn = one[D_DISTANCE, j] * one[INVERSE, j] + two[D_DISTANCE, k] * two[INVERSE, k]
        half_squares = one[D_HALF_SQUARE, j] + two[D_HALF_SQUARE, k]
        half_opposite = narrow * (half_squares - dot)
        opposite = half_opposite / math.sqrt(stream[OPPOSITE, t]) if narrow else 0.0
        stream[D_COSINE, t] = dot * stream[INVERSES, t] - stream[COSINE, t] * turn
        stream[D_SQUARES, t] = 2.0 * (half_squares + half_opposite)
        stream[D_WEIGHTS, t] = (
            one[D_WEIGHT, j] + two[D_WEIGHT, k] + stream[SLOPES, t] * half_opposite
        )
        stream[D_PERIMETER, t] = one[D_DISTANCE, j] + two[D_DISTANCE, k] + opposite
    for row in range(D_COSINE, D_PERIMETER + 1):
        for t in range(n, padded(n)):
            stream[row, t] = 0.0


@inlined
def after_group_values(work, e, e2, n, narrow, plan, g):
    """Use what one group has left in the stream."""


after_group_jvp = after_group_values


@helper
def after_group_jvps(work, e, e2, n, narrow, plan, g):
    """Hand the gradients of the functions of a group to the neighbours j and k."""
    group, stream, gradients = plan.groups[g], work.streams[0], work.gradients
    end = end_of_group(plan, g)
    quad, row = first_quad_of_group(group.first_column, g), STREAM_ROWS
    find_factors(work, e, e2, n, narrow, group.eta, group.r_s)
    for _ in range(group.first_column, end, LANES):
        begin_quad(gradients, quad, e, work.counts[e])
        begin_quad(gradients, quad, e2, work.counts[e2])
        for t in range(0, n, LANES):
            transpose(
                stream[row], stream[row + 1], stream[row + 2], stream[row + 3], t, gradients.values
            )
            transpose(
                stream[row + 4], stream[row + 5], stream[row + 6], stream[row + 7], t,
                gradients.turns,
            )  # fmt: skip
        hand_quad(work, gradients.rows[quad, e], gradients.rows[quad, e2], n)
        quad, row = quad + 1, row + ROWS_PER_QUAD


@inlined
def hand_quad(work, rows_j, rows_k, n):
    """Hand the gradients of four functions to the neighbours, one j after the other."""
    first, second, gradients = work.streams[0, FIRST], work.streams[0, SECOND], work.gradients
    start = np.int64(0)
    while start < n:
        stop = start + 1
        while stop < n and first[stop] == first[start]:
            stop += 1
        own = rows_j[int(first[start])]
        hand_gradients(
            second, gradients.factors, gradients.values, gradients.turns, start, stop, own, rows_k
        )
        start = stop


@inlined
def find_factors(work, e, e2, n, narrow, eta, r_s):
    """What gradients of triplets are multiples of, for the functions with eta and r_s.

    With T a function of a triplet and T' its derivative by the cosine alone, the gradient by r_j is

        T (a_j r_j - c r_k) + T' (r_k / (r_ij r_ik) - cos r_j / r_ij²),
        c   = d ln T / dr_jk / r_jk,
        a_j = d ln T / dr_ij / r_ij + c.
    """
    one, two, stream, factors = work.near[e], work.near[e2], work.streams[0], work.gradients.factors
    for t in range(n):
        j, k = int(stream[FIRST, t]), int(stream[SECOND, t])
        inverse_j, inverse_k, inverses = one[INVERSE, j], two[INVERSE, k], stream[INVERSES, t]
        third = 0.0
        if narrow:
            length = math.sqrt(max(stream[OPPOSITE, t], TOO_CLOSE * TOO_CLOSE))
            third = stream[SLOPES, t] - 2.0 * eta * (1.0 - r_s / length)
        value_j = one[SLOPE, j] - 2.0 * eta * (1.0 - r_s * inverse_j) + third
        value_k = two[SLOPE, k] - 2.0 * eta * (1.0 - r_s * inverse_k) + third
        turn_j = stream[COSINE, t] * inverse_j * inverse_j
        turn_k = stream[COSINE, t] * inverse_k * inverse_k
        for axis in range(AXES):
            x_j, x_k = one[X + axis, j], two[X + axis, k]
            factors[t, axis] = value_j * x_j - third * x_k
            factors[t, AXES + axis] = inverses * x_k - turn_j * x_j
            factors[t, 2 * AXES + axis] = value_k * x_k - third * x_j
            factors[t, 3 * AXES + axis] = inverses * x_j - turn_k * x_k


@inlined
def finish_values(data, structure, i, work, e):
    """Use what has been gathered for the neighbours of one element."""


finish_jvp = finish_values


@helper
def finish_jvps(data, structure, i, work, e):
    """Multiply the gradients of all functions by the displacements, seen from the atom itself."""
    gradients, n = work.gradients, work.counts[e]
    columns, filled, moves = gradients.columns, gradients.filled, gradients.moves
    for tile in range(len(data.displacements)):
        given = data.displacements[tile]
        for k in range(n):
            j = work.atoms[e, k]
            for column in range(AXES * TILE):
                moves[k, column] = given[j, column] - given[i, column]
        for quad in range(len(filled)):
            if not filled[quad, e]:
                continue
            contract(gradients.rows[quad, e], moves, n, gradients.changes)
            for d in range(TILE):
                row = data.table[i, tile * TILE + d]
                for lane in range(LANES):
                    row[columns[quad, lane]] += gradients.changes[d, lane]
