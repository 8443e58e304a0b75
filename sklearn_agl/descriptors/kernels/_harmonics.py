"""LLVM code that goes over the harmonics of a few neighbours at a time; see `_moments`.

Sums stay in registers, where compilers would write them to memory after each degree. Rows are as
long as a multiple of `PADDING`. All arrays are contiguous float64.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sklearn_agl.compiled._numba import alloca_once_value, for_range_slice
from sklearn_agl.descriptors.kernels._packing import (
    DOUBLE,
    INT32,
    INT64,
    LANES,
    load,
    product,
    splat,
    store,
    total,
)
from sklearn_agl.descriptors.kernels._simd_transpose import data_of
from sklearn_agl.descriptors.kernels._triplets import PADDING

PARTS = range(0, PADDING, LANES)
"""A step takes several registers, so that sums need not wait for each other."""


@intrinsic
def multiply_rows(typingctx, own, re, im, end):
    """Scalar products of `own` with `re` and with `im`, up to `end`."""
    return types.UniTuple(types.float64, 2)(own, re, im, types.int64), _multiply_code


def _multiply_code(context, builder, signature, args):
    own, re, im, end = [data_of(context, builder, signature, args, i) for i in range(4)]
    sums = [_clear(builder), _clear(builder)]
    with for_range_slice(builder, INT64(0), end, INT64(PADDING)) as (k, _):
        for part, start in enumerate(PARTS):
            one = load(builder, own, k, INT64(start))
            for row, mine in zip((re, im), sums, strict=True):
                _add(
                    builder, mine[part], product(builder, one, load(builder, row, k, INT64(start)))
                )
    return context.make_tuple(
        builder, signature.return_type, [_sum_lanes(builder, mine) for mine in sums]
    )


@intrinsic
def fold_degrees(
    typingctx, directions, first, turned, count, factors, stride, n_degrees, m, out, width, end
):  # fmt: skip
    """Sum up over the degrees of one m, and turn that into derivatives by weights and directions.

    With c and s the m-th powers' parts, the rows m and ``n_degrees + m`` of `directions`, c' and s'
    those of m - 1, and Q the rows from `first` and from `turned` on, of which `count` are taken,
    adds to the rows of `out`

    - re c + im s,
    - m (re c' + im s') and m (im c' - re s'),
    - re' c + im' s,

    where re, im, re' and im' are the sums of the four rows of `factors`, of length `stride`, times
    Q: the former of those from `first` on, the latter of those from `turned` on.
    """
    index = types.int64
    signature = types.void(
        directions, index, index, index, factors, index, index, index, out, index, index
    )  # fmt: skip
    return signature, _fold_code


def _fold_code(context, builder, signature, args):
    directions, first, turned, count, factors, stride, n_degrees, m, out, width, end = [
        data_of(context, builder, signature, args, i) for i in range(11)
    ]
    lower = builder.select(builder.icmp_signed(">", m, INT64(0)), builder.sub(m, INT64(1)), m)
    times = splat(builder, builder.sitofp(m, DOUBLE))
    with for_range_slice(builder, INT64(0), end, INT64(PADDING)) as (k, _):

        def row(number, start, k=k):
            return load(builder, directions, builder.mul(number, width), k, INT64(start))

        sums = [_clear(builder) for _ in range(4)]
        with for_range_slice(builder, INT64(0), count, INT64(1)) as (ell, _):
            for number, mine in enumerate(sums):
                place = builder.add(builder.mul(stride, INT64(number)), ell)
                factor = splat(builder, builder.load(builder.gep(factors, [place])))
                own = builder.add(ell, first if number < 2 else turned)
                for part, start in enumerate(PARTS):
                    _add(builder, mine[part], product(builder, factor, row(own, start)))
        for part, start in enumerate(PARTS):
            re, im, turned_re, turned_im = [builder.load(mine[part]) for mine in sums]
            c, s, low_c, low_s = [
                row(builder.add(number, offset), start)
                for number in (m, lower)
                for offset in (INT64(0), n_degrees)
            ]
            results = (
                _dot(builder, re, c, im, s),
                product(builder, times, _dot(builder, re, low_c, im, low_s)),
                product(builder, times, _cross(builder, im, low_c, re, low_s)),
                _dot(builder, turned_re, c, turned_im, s),
            )
            for number, result in enumerate(results):
                place = builder.mul(width, INT64(number))
                before = load(builder, out, place, k, INT64(start))
                store(builder, total(builder, before, result), out, place, k, INT64(start))
    return context.get_dummy_value()


def _clear(builder):
    """Registers that hold zero."""
    zero = splat(builder, ir.Constant(DOUBLE, 0.0))
    return [alloca_once_value(builder, zero) for _ in PARTS]


def _add(builder, register, value):
    builder.store(total(builder, builder.load(register), value), register)


def _dot(builder, a, b, c, d):
    """a b + c d."""
    return total(builder, product(builder, a, b), product(builder, c, d))


def _cross(builder, a, b, c, d):
    """a b - c d."""
    return builder.fsub(product(builder, a, b), product(builder, c, d), flags=("fast",))


def _sum_lanes(builder, registers):
    """The sum of all lanes of some registers."""
    whole, *others = [builder.load(register) for register in registers]
    for other in others:
        whole = total(builder, whole, other)
    lanes = [builder.extract_element(whole, INT32(lane)) for lane in range(LANES)]
    while len(lanes) > 1:
        lanes = [total(builder, a, b) for a, b in zip(lanes[::2], lanes[1::2], strict=True)]
    return lanes[0]
