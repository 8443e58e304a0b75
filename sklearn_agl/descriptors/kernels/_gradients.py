"""Gradients of the functions around one atom, four side by side, and their products.

`jvps` gathers the gradients of every function by the position of every neighbour before it
multiplies them by displacements. Four functions are a *quad*, whose numbers fill a vector register;
it belongs to one angular group, or to four radial functions that follow each other. As in
`_simd_transpose`, compilers do not find these vector instructions by themselves.
"""

from typing import NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic

from sklearn_agl.compiled._jit import inlined
from sklearn_agl.compiled._numba import alloca_once_value, for_range_slice
from sklearn_agl.descriptors.kernels._packing import (
    INT64,
    LANES,
    load,
    product,
    splat,
    store,
    total,
)
from sklearn_agl.descriptors.kernels._simd_transpose import data_of
from sklearn_agl.descriptors.kernels._triplets import STREAM_WIDTH

TILE = 8
"""Directions that are multiplied at a time: their sums fit the registers."""

AXES = 3
ROWS_PER_QUAD = 2 * LANES
"""Rows of the stream: values and slopes by the cosine of the triplets of four functions."""


class Gradients(NamedTuple):
    """Working memory for the gradients around one atom.

    Attributes
    ----------
    columns : ndarray of int of shape (n_quads, LANES)
        The column of each function; the one behind the last if there is none.
    filled : ndarray of bool of shape (n_quads, n_elements)
        Whether a quad has been begun for the neighbours of an element.
    rows : ndarray of shape (n_quads, n_elements, capacity, AXES * LANES)
        Gradients by the position of each neighbour.
    factors : ndarray of shape (STREAM_WIDTH, 4 * AXES)
        Gradients of a triplet's value by its neighbours j and k are those vectors times its value
        and its slope by the cosine: j by value and slope, k by value and slope.
    values, turns : ndarray of shape (STREAM_WIDTH, LANES)
        Values and slopes of a quad.
    moves : ndarray of shape (capacity, AXES * TILE)
        Displacements of the neighbours, seen from the atom.
    changes : ndarray of shape (TILE, LANES)
        Products.
    """

    columns: np.ndarray
    filled: np.ndarray
    rows: np.ndarray
    factors: np.ndarray
    values: np.ndarray
    turns: np.ndarray
    moves: np.ndarray
    changes: np.ndarray


def allocate_gradients(plan, capacity):
    """Working memory for the functions of a plan, and neighbours up to `capacity`."""
    arrays, (n_elements, n_functions) = plan.arrays, plan.defined.shape
    n_angular = first_quad(len(arrays.columns), len(arrays.groups))
    columns = np.full((n_angular + len(arrays.radial) // LANES + 1, LANES), n_functions)
    bounds = np.append(arrays.groups["first_column"], len(arrays.columns))
    for group, first in enumerate(bounds[:-1]):
        own = arrays.columns[first : bounds[group + 1]]
        columns[first_quad(first, group) :].flat[: len(own)] = own
    columns[n_angular:].flat[: len(arrays.radial)] = arrays.radial["column"]
    return Gradients(
        columns=columns,
        filled=np.zeros((len(columns), n_elements), np.bool_),
        rows=np.zeros((len(columns), n_elements, capacity, AXES * LANES)),
        factors=np.zeros((STREAM_WIDTH, 4 * AXES)),
        values=np.zeros((STREAM_WIDTH, LANES)),
        turns=np.zeros((STREAM_WIDTH, LANES)),
        moves=np.zeros((capacity, AXES * TILE)),
        changes=np.zeros((TILE, LANES)),
    )


def first_quad(first_column, group):
    """A number for the first quad of a group that leaves room for all quads of those before it."""
    return first_column // LANES + group


first_quad_of_group = inlined(first_quad)


@inlined
def begin_quad(gradients, quad, e, n):
    """Clear a quad's gradients by the neighbours of one element before their first use."""
    if not gradients.filled[quad, e]:
        gradients.filled[quad, e] = True
        rows = gradients.rows[quad, e]
        for k in range(n):
            for column in range(AXES * LANES):
                rows[k, column] = 0.0


@intrinsic
def hand_gradients(typingctx, second, factors, values, turns, start, stop, own, rows):
    """Add the gradients of triplets from `start` to `stop`, which share their neighbour j.

    With f the factors of triplet t in four vectors, v and w its values and turns, adds

    - the outer product of f[0] and v, and that of f[1] and w, to `own`, the row of j,
    - the outer product of f[2] and v, and that of f[3] and w, to rows[k], where k = second[t].

    All are contiguous float64.
    """
    index = types.int64
    signature = types.void(second, factors, values, turns, index, index, own, rows)
    return signature, _hand_code


def _hand_code(context, builder, signature, args):
    second, factors, values, turns, start, stop, own, rows = [
        data_of(context, builder, signature, args, i) for i in range(8)
    ]
    places = [INT64(axis * LANES) for axis in range(AXES)]
    gathered = [alloca_once_value(builder, load(builder, own, place)) for place in places]
    with for_range_slice(builder, start, stop, INT64(1)) as (t, _):
        k = builder.fptosi(builder.load(builder.gep(second, [t])), INT64)
        quad = builder.mul(t, INT64(LANES))
        value, turn = load(builder, values, quad), load(builder, turns, quad)
        first_factor = builder.mul(t, INT64(4 * AXES))
        row = builder.mul(k, INT64(AXES * LANES))

        def gradient(by_value, axis, first_factor=first_factor, value=value, turn=turn):
            one, two = [
                _spread(builder, factors, first_factor, (by_value + other) * AXES + axis)
                for other in (0, 1)
            ]
            return total(builder, product(builder, one, value), product(builder, two, turn))

        for axis, (mine, place) in enumerate(zip(gathered, places, strict=True)):
            builder.store(total(builder, builder.load(mine), gradient(0, axis)), mine)
            before = load(builder, rows, row, place)
            store(builder, total(builder, before, gradient(2, axis)), rows, row, place)
    for mine, place in zip(gathered, places, strict=True):
        store(builder, builder.load(mine), own, place)
    return context.get_dummy_value()


@intrinsic
def contract(typingctx, rows, moves, n, changes):
    """Products of the gradients of a quad by n neighbours with a tile of their displacements.

    All are contiguous float64; `changes` (TILE, LANES) is written over.
    """
    return types.void(rows, moves, types.int64, changes), _contract_code


def _contract_code(context, builder, signature, args):
    rows, moves, n, changes = [data_of(context, builder, signature, args, i) for i in range(4)]
    zero = splat(builder, context.get_constant(types.float64, 0.0))
    sums = [alloca_once_value(builder, zero) for _ in range(TILE)]
    with for_range_slice(builder, INT64(0), n, INT64(1)) as (k, _):
        row, move = builder.mul(k, INT64(AXES * LANES)), builder.mul(k, INT64(AXES * TILE))
        for axis in range(AXES):
            gradient = load(builder, rows, row, INT64(axis * LANES))
            for d, own in enumerate(sums):
                step = product(builder, gradient, _spread(builder, moves, move, axis * TILE + d))
                builder.store(total(builder, builder.load(own), step), own)
    for d, own in enumerate(sums):
        store(builder, builder.load(own), changes, INT64(d * LANES))
    return context.get_dummy_value()


def _spread(builder, data, start, offset):
    """One number of an array in all lanes."""
    place = builder.add(start, INT64(offset))
    return splat(builder, builder.load(builder.gep(data, [place])))
