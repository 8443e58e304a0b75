"""Selects the triplets that lie within the cutoff radius.

Of the pairs (j, k) of an atom's neighbours about half are nearer to each other than the cutoff
radius; the others are dropped before anything costly is computed.
"""

from functools import partial

from numba import types
from numba.extending import intrinsic

from sklearn_agl.compiled._jit import inlined
from sklearn_agl.descriptors.kernels._packing import (
    ALL_LANES,
    INT64,
    LANES,
    has_avx2,
    lanes_below,
    load,
    product,
    splat,
    store_packed,
    total,
)

PADDING = 2 * LANES
"""Loops over neighbours or triplets run to a multiple of this: compilers handle two vectors at a
time, and what is left over one by one."""

STREAM_WIDTH = 1024 + PADDING
"""Length of a row of the stream, known to the compiler. A full stream still fits the L1 cache."""

# Rows of `near`, the neighbours of one element around the atom at hand; `blocks` has these too.
X, Y, Z, DISTANCE, SQUARE, INVERSE, WEIGHT, PLACE = range(8)
BLOCK_ROWS = 8
# Rows of `stream`, the triplets of one pair of elements.
COSINE, SQUARES, OPPOSITE, WEIGHTS, PERIMETER, FIRST, SECOND, INVERSES = range(8)


def one_by_one(shifted, indexed):
    """Make a function that appends one triplet at a time.

    Parameters
    ----------
    shifted : bool
        Whether the stream needs its row of perimeters, which only functions with a shift r_s use.
    indexed : bool
        Whether it needs its rows of places and inverses, which only derivatives use.

    Returns
    -------
    callable
        ``append(near, j, blocks, first, last, limit, narrow, stream, n)``, which appends the
        triplets of one neighbour j and the neighbours k from `first` to `last`, and returns the new
        length:

        - near (n_rows, n_near): neighbours of the element of j, rows as named above; j: one column;
        - blocks (n_blocks, 8, 4): neighbours of the element of k, four to a block;
        - first: a multiple of four;
        - limit: r_jk² must be below it;
        - narrow: 1 or 0, whether r_jk² counts among the squared distances;
        - stream (n_rows, STREAM_WIDTH): gets cos(theta), the sum of the squared distances, r_jk²,
          f_c(r_ij) f_c(r_ik), r_ij + r_ik, j, k and 1 / (r_ij r_ik); what lies behind the new
          length is undefined;
        - n: length so far.
    """

    @inlined
    def append(near, j, blocks, first, last, limit, narrow, stream, n):
        x, y, z, distance, square, weight, place, inverse = _of_one(near, j)
        for k in range(first, last):
            other, lane = blocks[k // LANES], k % LANES
            # cos(theta) r_ik
            along = x * other[X, lane] + y * other[Y, lane] + z * other[Z, lane]
            squares = square + other[SQUARE, lane]
            opposite = squares - 2.0 * distance * along
            stream[COSINE, n] = along * other[INVERSE, lane]
            stream[SQUARES, n] = squares + narrow * opposite
            stream[OPPOSITE, n] = opposite
            stream[WEIGHTS, n] = weight * other[WEIGHT, lane]
            if shifted:
                stream[PERIMETER, n] = distance + other[DISTANCE, lane]
            if indexed:
                stream[FIRST, n], stream[SECOND, n] = place, other[PLACE, lane]
                stream[INVERSES, n] = inverse * other[INVERSE, lane]
            # An entry that fails the test is overwritten by the next one.
            n += opposite < limit
        return n

    return append


def four_at_once(shifted, indexed):
    """Make a function that does the same as that of `one_by_one`, in blocks of four, with AVX2."""

    @intrinsic
    def append_block(typingctx, one, blocks, k, valid, limit, narrow, stream, n):
        signature = types.int64(
            one, blocks, types.int64, types.int64, types.float64, types.float64, stream, types.int64
        )
        return signature, partial(_block_code, shifted, indexed)

    @inlined
    def append(near, j, blocks, first, last, limit, narrow, stream, n):
        one = _of_one(near, j)
        whole = last - last % LANES
        for k in range(first, whole, LANES):
            n = append_block(one, blocks, k, ALL_LANES, limit, narrow, stream, n)
        if whole < last:
            valid = (1 << (last - whole)) - 1
            n = append_block(one, blocks, whole, valid, limit, narrow, stream, n)
        return n

    return append


@inlined
def _of_one(near, j):
    """Direction, distance, its square, weight, place and inverse distance of neighbour j."""
    inverse = near[INVERSE, j]
    x, y, z = near[X, j] * inverse, near[Y, j] * inverse, near[Z, j] * inverse
    return x, y, z, near[DISTANCE, j], near[SQUARE, j], near[WEIGHT, j], near[PLACE, j], inverse


def _block_code(shifted, indexed, context, builder, signature, args):
    one, blocks, k, valid, limit, narrow, stream, n = args
    blocks = context.make_array(signature.args[1])(context, builder, blocks).data
    stream = context.make_array(signature.args[6])(context, builder, stream).data
    # The rows of a block follow each other, four entries each.
    block = builder.mul(k, INT64(BLOCK_ROWS))
    x, y, z, distance, square, weight, place, inverse = [
        splat(builder, builder.extract_value(one, i)) for i in range(8)
    ]
    of = [load(builder, blocks, block, INT64(row * LANES)) for row in range(BLOCK_ROWS)]
    times, plus = partial(product, builder), partial(total, builder)
    along = plus(plus(times(x, of[X]), times(y, of[Y])), times(z, of[Z]))
    squares = plus(square, of[SQUARE])
    opposite = builder.fsub(squares, times(plus(distance, distance), along), flags=("fast",))
    rows = {
        COSINE: times(along, of[INVERSE]),
        SQUARES: plus(squares, times(splat(builder, narrow), opposite)),
        OPPOSITE: opposite,
        WEIGHTS: times(weight, of[WEIGHT]),
    }
    if shifted:
        rows[PERIMETER] = plus(distance, of[DISTANCE])
    if indexed:
        rows |= {FIRST: place, SECOND: of[PLACE], INVERSES: times(inverse, of[INVERSE])}
    places = [(rows[row], stream, n, INT64(row * STREAM_WIDTH)) for row in rows]
    good = lanes_below(builder, opposite, limit, valid)
    return builder.add(n, store_packed(builder, places, good))


_make_append = four_at_once if has_avx2() else one_by_one
append_triplets = _make_append(shifted=False, indexed=False)
append_shifted_triplets = _make_append(shifted=True, indexed=False)
append_indexed_triplets = _make_append(shifted=False, indexed=True)
append_shifted_indexed_triplets = _make_append(shifted=True, indexed=True)
