"""The way back: from the derivatives of an atom's energy by its functions to those by positions.

Two programs take it. `vjp` is given dE/dG and turns it into dE/dr without ever holding the
Jacobian. `forces` computes the functions first and asks the networks for the energy and dE/dG. Both
keep, for one atom at a time, what they found on the way there: neighbours, triplets, and the
product of cutoff functions and exponential of every triplet and group.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_agl.compiled._atom_networks import Networks, evaluate_network
from sklearn_agl.compiled._jit import inlined
from sklearn_agl.compiled._pair_terms import PairTerms
from sklearn_agl.compiled._vector_math import cos, exp_of_negative, sin
from sklearn_agl.descriptors.kernels._differentiation_modes import is_idle_values, radial_values
from sklearn_agl.descriptors.kernels._loops import (
    BY_COSINE,
    BY_DISTANCE,
    BY_SQUARE,
    CHUNK,
    IS_NARROW,
    LENGTH,
    OF_COSINE,
    OF_DISTANCE,
    OF_SLOPE,
    OF_SQUARE,
    OF_TOTAL,
    OF_VECTOR,
    ONE,
    PAIR,
    RADIAL_SLOPE,
    SLOPE,
    SLOPES,
    STREAM_LENGTH,
    SUM_COLUMNS,
    TOTAL,
    TWO,
    n_elements_of,
    padded,
    seen_by,
)
from sklearn_agl.descriptors.kernels._neighbors import TOO_CLOSE
from sklearn_agl.descriptors.kernels._packing import LANES
from sklearn_agl.descriptors.kernels._pair_forces import add_pairs_of_atom
from sklearn_agl.descriptors.kernels._simd_transpose import hand_out, transpose
from sklearn_agl.descriptors.kernels._triplets import (
    COSINE,
    DISTANCE,
    FIRST,
    INVERSE,
    INVERSES,
    OPPOSITE,
    PADDING,
    SECOND,
    SQUARES,
    WEIGHT,
    WEIGHTS,
    X,
    Y,
    Z,
)


class Vjp(NamedTuple):
    """Data of the vector-Jacobian product.

    `table` (n_atoms, n_functions + 1) holds dE/dG; `gradient` (n_atoms, 3) gets dE/dr and `strain`
    (n_structures, 3, 3) the derivative with respect to a homogeneous deformation.
    """

    table: np.ndarray
    gradient: np.ndarray
    strain: np.ndarray


class Forces(NamedTuple):
    """Data of the program that computes values, energies and their derivatives.

    `table` (n_atoms, n_functions + 1) is where values are added up, and then holds dE/dG; `values`
    (n_atoms, n_functions + 1) and `energies` (n_atoms,) get what they say; `gradient` and `strain`
    are those of `Vjp`. Of `pairs` comes what pair terms add to all of these but the values.
    """

    table: np.ndarray
    values: np.ndarray
    energies: np.ndarray
    gradient: np.ndarray
    strain: np.ndarray
    networks: Networks
    pairs: PairTerms


@inlined
def is_idle_vjp(row):
    """Whether no derivative of this atom is asked for."""
    for value in row:
        if value != 0.0:
            return False
    return True


is_idle_forces = is_idle_values


@inlined
def radial_vjp(work, e, plan, first, last, row):
    """On the way there: nobody asks for the values."""


radial_forces = radial_values


@inlined
def respond_vjp(data, i, e):
    """Derivatives of an atom's energy by its functions: they are in the table already."""


@inlined
def respond_forces(data, i, e):
    """Ask the network of the atom's element for its energy; dE/dG takes the place of the values."""
    row, values = data.table[i], data.values[i]
    for column in range(len(row)):
        values[column] = row[column]
        row[column] = 0.0
    data.energies[i] = evaluate_network(data.networks, e, values, row)


@inlined
def repel_vjp(data, structure, i, n_around, batch, cells, work):
    """Pair terms: those are no functions."""


@inlined
def repel_forces(data, structure, i, n_around, batch, cells, work):
    """Add the pair terms of an atom."""
    data.energies[i] += add_pairs_of_atom(
        i, n_around, work.around, batch.species, cells.order, data.pairs, data.gradient,
        data.strain[structure],
    )  # fmt: skip


@inlined
def has_streams(n_around, element, plan, work):
    """Whether there are enough streams for the triplets of an atom with so many neighbours.

    All pairs of neighbours count, narrow and wide. A stream is closed when it is nearly full, or
    when the elements change.
    """
    n_shells = plan.shell_starts[element + 1] - plan.shell_starts[element]
    n_elements, full = n_elements_of(plan), n_around * n_around // (STREAM_LENGTH - CHUNK)
    return n_shells * (full + n_elements * (n_elements + 1)) <= len(work.streams)


@inlined
def keep_chunk(work, chunk, pair, one, two, narrow, n):
    """Note what the stream holds; the stream to fill next."""
    noted = work.chunks[chunk]
    noted[PAIR], noted[ONE], noted[TWO], noted[LENGTH] = pair, one, two, n
    noted[IS_NARROW] = np.int64(narrow)
    return chunk + 1


@inlined
def chunk_of(work, chunk):
    """What the stream holds."""
    noted = work.chunks[chunk]
    return noted[PAIR], noted[ONE], noted[TWO], float(noted[IS_NARROW]), noted[LENGTH]


@inlined
def return_radial(work, e, plan, first, last, row):
    """Begin the sums with dE/dr_ij of the radial functions; lay out the vectors beside them."""
    near, n, sums, vectors = work.near[e], work.counts[e], work.sums[e], work.vectors[e]
    gathered = near[RADIAL_SLOPE]
    start, stop = np.int64(0), n
    for k in range(padded(n)):
        gathered[k] = 0.0
    for m in range(first, last):
        f = plan.radial[m]
        eta, r_s, factor = f.eta, f.r_s, f.factor * row[f.column]
        if factor == 0.0:
            continue
        start, stop = seen_by(f, plan, near, n, start, stop)
        a, b = start & -PADDING, padded(stop)
        distance, weight = near[DISTANCE, a:b], near[WEIGHT, a:b]
        slope, total = near[SLOPE, a:b], near[RADIAL_SLOPE, a:b]
        if f.wave:
            for k in range(len(distance)):
                angle = eta * distance[k]
                turn = slope[k] * distance[k] * cos(angle) - eta * sin(angle)
                total[k] += factor * weight[k] * turn
        else:
            for k in range(len(distance)):
                shifted = distance[k] - r_s
                value = weight[k] * exp_of_negative(-eta * shifted * shifted)
                total[k] += factor * value * (slope[k] * distance[k] - 2.0 * eta * shifted)
    for k in range(n):
        for column in range(SUM_COLUMNS):
            sums[k, column] = 0.0
        sums[k, OF_SLOPE] = gathered[k]
        vectors[k, 0], vectors[k, 1], vectors[k, 2] = near[X, k], near[Y, k], near[Z, k]


@inlined
def clear_totals(totals, n):
    """Clear the sums over groups."""
    for row in range(len(totals)):
        for t in range(padded(n)):
            totals[row, t] = 0.0


@inlined
def hand_back(work, stream, e, e2, n, narrow, shifted):
    """Hand the derivatives of the triplets to their neighbours j and k.

    With T a triplet's energy, the gradients are a_j r_j + b r_k and a_k r_k + b r_j, where

        c   = (dT/dr_jk) / r_jk,   b = (dT/dcos) / (r_ij r_ik) - c,
        a_j = (dT/dr_ij) / r_ij - (dT/dcos) cos / r_ij² + c.

    What depends on j alone multiplies the sums in `hand_to_atoms`.
    """
    totals, quads = work.totals, work.quads
    total, by_square, by_distance = totals[TOTAL], totals[BY_SQUARE], totals[BY_DISTANCE]
    by_cosine, cosine, slopes = totals[BY_COSINE], stream[COSINE], stream[SLOPES]
    inverses, opposite = stream[INVERSES], stream[OPPOSITE]
    # Rows whose contents are used up.
    third, along, across = stream[SQUARES], stream[WEIGHTS], stream[INVERSES]
    for t in range(padded(n)):
        third[t] = narrow * (total[t] * slopes[t] + by_square[t])
        if shifted:
            length = math.sqrt(max(opposite[t], TOO_CLOSE * TOO_CLOSE))
            third[t] += narrow * by_distance[t] / length
        by_square[t] += third[t]
        along[t] = by_cosine[t] * cosine[t]
        across[t] = by_cosine[t] * inverses[t] - third[t]
    for t in range(0, n, LANES):
        transpose(total, by_distance, along, by_square, t, quads)
    first, second, start = stream[FIRST], stream[SECOND], np.int64(0)
    while start < n:
        j, stop = int(first[start]), start + 1
        while stop < n and first[stop] == first[start]:
            stop += 1
        own, vector = work.sums[e, j], work.vectors[e, j]
        hand_out(second, across, quads, start, stop, own, vector, work.sums[e2], work.vectors[e2])
        start = stop


@inlined
def hand_to_atoms(data, structure, i, work, e):
    """Gradients of the neighbours, and their sum with the other sign for the atom itself."""
    near, sums, gradient = work.near[e], work.sums[e], data.gradient
    for k in range(work.counts[e]):
        inverse = near[INVERSE, k]
        along = sums[k, OF_DISTANCE] + sums[k, OF_SLOPE] - sums[k, OF_COSINE] * inverse
        along = along * inverse + sums[k, OF_TOTAL] * near[SLOPE, k] + sums[k, OF_SQUARE]
        j = work.atoms[e, k]
        for axis in range(3):
            force = along * near[X + axis, k] + sums[k, OF_VECTOR + axis]
            gradient[j, axis] += force
            gradient[i, axis] -= force
            for other in range(3):
                data.strain[structure, other, axis] += near[X + other, k] * force
