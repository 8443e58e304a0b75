"""Selects the triplets that lie within the cutoff radius, several at a time.

Of the pairs (j, k) of an atom's neighbours about half are nearer to each other than the cutoff
radius, in no regular order. A branch would be mispredicted every other time, and a loop that writes
every candidate and advances only past the good ones handles one candidate at a time. With AVX2, one
shuffle packs the good ones of four candidates to the front of a register; compilers do not find
that by themselves, so it is written as LLVM code here. Other processors take the plain loop, which
gives the same numbers.
"""

import platform
from functools import partial

import llvmlite.binding
from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

from .._jit import helper, inlined

LANES = 4
PADDING = 2 * LANES
"""Loops over neighbours or triplets run to a multiple of this: compilers handle two vectors at a
time, and what is left over one by one."""

STREAM_WIDTH = 1024 + PADDING
"""Length of a row of the stream, known to the compiler. A full stream still fits the L1 cache."""

DOUBLE, INT32, INT64 = ir.DoubleType(), ir.IntType(32), ir.IntType(64)
VECTOR = ir.VectorType(DOUBLE, LANES)

# Rows of `near`, the neighbours of one element around the atom at hand; `blocks` has these too.
X, Y, Z, DISTANCE, SQUARE, INVERSE, WEIGHT, PLACE = range(8)
BLOCK_ROWS = 8
# Rows of `stream`, the triplets of one pair of elements.
COSINE, SQUARES, OPPOSITE, WEIGHTS, PERIMETER, FIRST, SECOND = range(7)


def has_avx2():
    """Whether numba compiles for a processor with AVX2."""
    if platform.machine().lower() not in ("x86_64", "amd64") or config.CPU_NAME:
        return False
    return bool(llvmlite.binding.get_host_cpu_features().get("avx2"))


def one_by_one(shifted, indexed):
    """Make a function that appends one triplet at a time.

    Parameters
    ----------
    shifted : bool
        Whether the stream needs its row of perimeters, which only functions with a shift r_s use.
    indexed : bool
        Whether it needs its rows of places, which only derivatives use.

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
          f_c(r_ij) f_c(r_ik), r_ij + r_ik, j and k; what lies behind the new length is undefined;
        - n: length so far.
    """

    @helper
    def append(near, j, blocks, first, last, limit, narrow, stream, n):
        x, y, z, distance, square, weight, place = _of_one(near, j)
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

    @helper
    def append(near, j, blocks, first, last, limit, narrow, stream, n):
        one = _of_one(near, j)
        whole = last - last % LANES
        for k in range(first, whole, LANES):
            n = append_block(one, blocks, k, 2**LANES - 1, limit, narrow, stream, n)
        if whole < last:
            valid = (1 << (last - whole)) - 1
            n = append_block(one, blocks, whole, valid, limit, narrow, stream, n)
        return n

    return append


@inlined
def _of_one(near, j):
    """Direction, distance, its square, weight and place of neighbour j."""
    inverse = near[INVERSE, j]
    x, y, z = near[X, j] * inverse, near[Y, j] * inverse, near[Z, j] * inverse
    return x, y, z, near[DISTANCE, j], near[SQUARE, j], near[WEIGHT, j], near[PLACE, j]


def _block_code(shifted, indexed, context, builder, signature, args):
    one, blocks, k, valid, limit, narrow, stream, n = args
    blocks = context.make_array(signature.args[1])(context, builder, blocks).data
    stream = context.make_array(signature.args[6])(context, builder, stream).data
    # The rows of a block follow each other, four entries each.
    block = builder.mul(k, INT64(BLOCK_ROWS))
    x, y, z, distance, square, weight, place = [
        _splat(builder, builder.extract_value(one, i)) for i in range(7)
    ]

    def other(row):
        return builder.load(_vector_pointer(builder, blocks, block, row * LANES), align=8)

    def product(first, second):
        return builder.fmul(first, second, flags=("fast",))

    def total(first, second):
        return builder.fadd(first, second, flags=("fast",))

    along = total(product(x, other(X)), product(y, other(Y)))
    along = total(along, product(z, other(Z)))
    squares = total(square, other(SQUARE))
    opposite = builder.fsub(squares, product(total(distance, distance), along), flags=("fast",))
    near = builder.fcmp_ordered("<", opposite, _splat(builder, limit))
    mask = builder.zext(builder.bitcast(near, ir.IntType(LANES)), INT64)
    good = builder.and_(mask, valid)
    order = _packing_order(builder, good)
    rows = {
        COSINE: product(along, other(INVERSE)),
        SQUARES: total(squares, product(_splat(builder, narrow), opposite)),
        OPPOSITE: opposite,
        WEIGHTS: product(weight, other(WEIGHT)),
    }
    if shifted:
        rows[PERIMETER] = total(distance, other(DISTANCE))
    if indexed:
        rows |= {FIRST: place, SECOND: other(PLACE)}
    for row, values in rows.items():
        pointer = _vector_pointer(builder, stream, n, row * STREAM_WIDTH)
        builder.store(_pack(builder, values, order), pointer, align=8)
    return builder.add(n, builder.ctpop(good))


def _vector_pointer(builder, data, start, offset):
    pointer = builder.gep(builder.gep(data, [start]), [INT64(offset)])
    return builder.bitcast(pointer, VECTOR.as_pointer())


def _splat(builder, value):
    kind = ir.VectorType(value.type, LANES)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, INT32(0))
    zeros = ir.Constant(ir.VectorType(INT32, LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)


def _packing_order(builder, good):
    """For each of the 16 possible masks, the shuffle that moves its lanes to the front.

    A lane is two 32-bit words, because AVX2 shuffles across a whole register in such words only.
    """
    kind = ir.VectorType(INT32, 2 * LANES)
    orders = []
    for mask in range(2**LANES):
        lanes = [lane for lane in range(LANES) if mask >> lane & 1]
        lanes += [0] * (LANES - len(lanes))
        orders.append(ir.Constant(kind, [2 * lane + half for lane in lanes for half in (0, 1)]))
    table_type = ir.ArrayType(kind, 2**LANES)
    name = "sklearn_agl_packing_orders"
    table = builder.module.globals.get(name)
    if table is None:
        table = ir.GlobalVariable(builder.module, table_type, name)
        table.linkage, table.global_constant = "internal", True
        table.initializer = ir.Constant(table_type, orders)
    return builder.load(builder.gep(table, [INT32(0), good]))


def _pack(builder, values, order):
    words = ir.VectorType(INT32, 2 * LANES)
    shuffle = builder.module.declare_intrinsic(
        "llvm.x86.avx2.permd", fnty=ir.FunctionType(words, [words, words])
    )
    return builder.bitcast(builder.call(shuffle, [builder.bitcast(values, words), order]), VECTOR)


_make_append = four_at_once if has_avx2() else one_by_one
append_triplets = _make_append(shifted=False, indexed=False)
append_shifted_triplets = _make_append(shifted=True, indexed=False)
append_indexed_triplets = _make_append(shifted=True, indexed=True)
