"""LLVM code that packs what passes a test to the front of a vector register, with AVX2.

Of the candidates for a neighbour or a triplet a part is near enough, in no regular order. A branch
would be mispredicted again and again, and a loop that writes every candidate and advances only past
the good ones handles one candidate at a time. With AVX2, one shuffle packs the good ones of four
candidates to the front of a register; compilers do not find that by themselves, so it is written as
LLVM code here. Other processors take plain loops, which give the same numbers.
"""

import platform

import llvmlite.binding
from llvmlite import ir
from numba import config

LANES = 4
"""Numbers in a vector register."""

ALL_LANES = 2**LANES - 1
"""The mask of four good candidates."""

DOUBLE, INT32, INT64 = ir.DoubleType(), ir.IntType(32), ir.IntType(64)
VECTOR, WORDS = ir.VectorType(DOUBLE, LANES), ir.VectorType(INT32, 2 * LANES)


def has_avx2():
    """Whether numba compiles for a processor with AVX2."""
    if platform.machine().lower() not in ("x86_64", "amd64") or config.CPU_NAME:
        return False
    return bool(llvmlite.binding.get_host_cpu_features().get("avx2"))


def load(builder, data, *offsets):
    """Four numbers from a pointer to float64 and offsets that are added to it."""
    return builder.load(_pointer(builder, data, offsets), align=8)


def store(builder, values, data, *offsets):
    """Write four numbers to a pointer to float64 and offsets that are added to it."""
    builder.store(values, _pointer(builder, data, offsets), align=8)


def product(builder, first, second):
    """Product of vectors, free to be fused with a sum."""
    return builder.fmul(first, second, flags=("fast",))


def total(builder, first, second):
    """Sum of vectors, free to be fused with a product."""
    return builder.fadd(first, second, flags=("fast",))


def splat(builder, value):
    """A vector of four times the same number."""
    one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, INT32(0))
    zeros = ir.Constant(ir.VectorType(INT32, LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(VECTOR, ir.Undefined), zeros)


def count_up(builder, start):
    """The whole number `start` and the three after it, as a vector."""
    steps = ir.Constant(VECTOR, [float(lane) for lane in range(LANES)])
    return total(builder, splat(builder, builder.sitofp(start, DOUBLE)), steps)


def lanes_below(builder, values, limit, valid):
    """Mask of the lanes that are below a limit, of those in the mask `valid`."""
    below = builder.fcmp_ordered("<", values, splat(builder, limit))
    mask = builder.zext(builder.bitcast(below, ir.IntType(LANES)), INT64)
    return builder.and_(mask, valid)


def store_packed(builder, rows, good):
    """Write the good lanes of some vectors next to each other.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
    rows : list of tuple
        A vector, and the pointer and offsets of the place that gets it; what follows the good lanes
        there is overwritten with anything.
    good : llvmlite.ir.Value
        Mask of the good lanes.

    Returns
    -------
    llvmlite.ir.Value
        Number of good lanes.
    """
    order = builder.load(builder.gep(_orders(builder.module), [INT32(0), good]))
    shuffle = builder.module.declare_intrinsic(
        "llvm.x86.avx2.permd", fnty=ir.FunctionType(WORDS, [WORDS, WORDS])
    )
    for values, data, *offsets in rows:
        packed = builder.call(shuffle, [builder.bitcast(values, WORDS), order])
        store(builder, builder.bitcast(packed, VECTOR), data, *offsets)
    return builder.ctpop(good)


def _pointer(builder, data, offsets):
    for offset in offsets:
        data = builder.gep(data, [offset])
    return builder.bitcast(data, VECTOR.as_pointer())


def _orders(module):
    """For each of the 16 possible masks, the shuffle that moves its lanes to the front.

    A lane is two 32-bit words, because AVX2 shuffles across a whole register in such words only.
    """
    name = "sklearn_agl_packing_orders"
    table = module.globals.get(name)
    if table is None:
        orders = []
        for mask in range(2**LANES):
            lanes = [lane for lane in range(LANES) if mask >> lane & 1]
            lanes += [0] * (LANES - len(lanes))
            orders.append(
                ir.Constant(WORDS, [2 * lane + half for lane in lanes for half in (0, 1)])
            )
        kind = ir.ArrayType(WORDS, 2**LANES)
        table = ir.GlobalVariable(module, kind, name)
        table.linkage, table.global_constant = "internal", True
        table.initializer = ir.Constant(kind, orders)
    return table
