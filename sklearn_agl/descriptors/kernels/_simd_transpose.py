"""LLVM code that hands four numbers per triplet to the neighbours that the triplet consists of.

Compilers do not find these vector instructions by themselves. They need no special processor.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sklearn_agl.compiled._numba import alloca_once_value, for_range_slice
from sklearn_agl.descriptors.kernels._packing import (
    INT32,
    INT64,
    LANES,
    load,
    product,
    splat,
    store,
    total,
)


@intrinsic
def transpose(typingctx, a, b, c, d, t, quads):
    """Write a, b, c and d, from t to t + 3 each, to the columns of quads[t : t + 4].

    All are contiguous float64, `quads` has four columns.
    """
    return types.void(a, b, c, d, types.int64, quads), _transpose_code


def _transpose_code(context, builder, signature, args):
    *rows, t, quads = [data_of(context, builder, signature, args, i) for i in range(6)]
    a, b, c, d = [load(builder, row, t) for row in rows]

    def shuffle(first, second, order):
        lanes = ir.Constant(ir.VectorType(INT32, LANES), order)
        return builder.shuffle_vector(first, second, lanes)

    even = [shuffle(first, second, [0, 4, 2, 6]) for first, second in ((a, b), (c, d))]
    odd = [shuffle(first, second, [1, 5, 3, 7]) for first, second in ((a, b), (c, d))]
    start = builder.mul(t, INT64(LANES))
    for lane, pair in enumerate((even, odd, even, odd)):
        order = [0, 1, 4, 5] if lane < 2 else [2, 3, 6, 7]
        store(builder, shuffle(*pair, order), quads, start, INT64(lane * LANES))
    return context.get_dummy_value()


@intrinsic
def hand_out(typingctx, second, across, quads, start, stop, own, own_vector, sums, vectors):
    """Hand what triplets from `start` to `stop`, which share their neighbour j, add to j and k.

    Adds, with v the vector of j and v_k that of k, over all t from `start` to `stop`

    - quads[t] to own[:4] and across[t] v_k to own[4:],
    - quads[t] to sums[k, :4] and across[t] v to sums[k, 4:], where k = second[t].

    All are contiguous float64; `own` and the rows of `sums` have eight entries, those of `vectors`
    and `quads` have four, as `own_vector` has.
    """
    index = types.int64
    signature = types.void(
        second, across, quads, index, index, own, own_vector, sums, vectors
    )  # fmt: skip
    return signature, _hand_out_code


def _hand_out_code(context, builder, signature, args):
    second, across, quads, start, stop, own, own_vector, sums, vectors = [
        data_of(context, builder, signature, args, i) for i in range(9)
    ]
    halves = (INT64(0), INT64(LANES))
    gathered = [alloca_once_value(builder, load(builder, own, half)) for half in halves]
    v = load(builder, own_vector)
    with for_range_slice(builder, start, stop, INT64(1)) as (t, _):
        k = builder.fptosi(builder.load(builder.gep(second, [t])), INT64)
        factor = splat(builder, builder.load(builder.gep(across, [t])))
        change = load(builder, quads, builder.mul(t, INT64(LANES)))
        v_k = load(builder, vectors, builder.mul(k, INT64(LANES)))
        row = builder.mul(k, INT64(2 * LANES))
        for half, mine, to_j, to_k in zip(
            halves,
            gathered,
            (change, product(builder, factor, v_k)),
            (change, product(builder, factor, v)),
            strict=True,
        ):
            builder.store(total(builder, builder.load(mine), to_j), mine)
            before = load(builder, sums, row, half)
            store(builder, total(builder, before, to_k), sums, row, half)
    for half, mine in zip(halves, gathered, strict=True):
        store(builder, builder.load(mine), own, half)
    return context.get_dummy_value()


def data_of(context, builder, signature, args, i):
    """Pointer to the contents of an array; anything else as it is."""
    kind = signature.args[i]
    if isinstance(kind, types.Array):
        return context.make_array(kind)(context, builder, args[i]).data
    return args[i]
