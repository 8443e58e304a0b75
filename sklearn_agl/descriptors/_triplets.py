"""Selects the triplets that lie within the cutoff radius, several at a time.

Of the pairs (j, k) of an atom's neighbours about half are nearer to each other than the cutoff
radius, in no regular order. A branch would be mispredicted every other time, and a loop that writes
every candidate and advances only past the good ones handles one candidate at a time. With AVX2, one
shuffle packs the good ones of four candidates to the front of a register; compilers do not find
that by themselves, so it is written as LLVM code here. Other processors take the plain loop, which
gives the same numbers.
"""

import platform

import llvmlite.binding
from llvmlite import ir
from numba import config, njit, types
from numba.extending import intrinsic

LANES = 4
DOUBLE, INT32, INT64 = ir.DoubleType(), ir.IntType(32), ir.IntType(64)
VECTOR = ir.VectorType(DOUBLE, LANES)

# Rows of `near`, the neighbours of one element around the atom at hand.
X, Y, Z, DISTANCE, SQUARE, INVERSE, WEIGHT = range(7)
# Rows of `stream`, the triplets of one pair of elements.
COSINE, SQUARES, OPPOSITE, WEIGHTS, PERIMETER = range(5)


def has_avx2():
    """Whether numba compiles for a processor with AVX2."""
    if platform.machine().lower() not in ("x86_64", "amd64") or config.CPU_NAME:
        return False
    return bool(llvmlite.binding.get_host_cpu_features().get("avx2"))


@njit(fastmath=True, nogil=True, error_model="numpy")
def append_one_by_one(first, j, second, n_second, limit, stream, n):
    """Append the triplets of one neighbour j and `n_second` neighbours k; returns the new length.

    Parameters
    ----------
    first, second : ndarray of shape (7, n)
        Neighbours of the element of j and of k; rows as named above.
    j : int
        Column of `first`.
    n_second : int
        How many columns of `second` to take.
    limit : float
        Squared cutoff radius; a triplet with r_jk² below it is appended.
    stream : ndarray of shape (5, n_max)
        Gets cos(theta), the sum of the three squared distances, r_jk², f_c(r_ij) f_c(r_ik), and
        r_ij + r_ik. What lies behind the new length is undefined.
    n : int
        Length so far.
    """
    for k in range(n_second):
        dot = first[X, j] * second[X, k] + first[Y, j] * second[Y, k] + first[Z, j] * second[Z, k]
        squares = first[SQUARE, j] + second[SQUARE, k]
        opposite = squares - 2.0 * dot
        stream[COSINE, n] = dot * (first[INVERSE, j] * second[INVERSE, k])
        stream[SQUARES, n] = squares + opposite
        stream[OPPOSITE, n] = opposite
        stream[WEIGHTS, n] = first[WEIGHT, j] * second[WEIGHT, k]
        stream[PERIMETER, n] = first[DISTANCE, j] + second[DISTANCE, k]
        n += opposite < limit
    return n


@njit(fastmath=True, nogil=True, error_model="numpy")
def append_four_at_once(first, j, second, n_second, limit, stream, n):
    """The same as `append_one_by_one`, in blocks of four."""
    for k in range(0, n_second, LANES):
        n = _append_block(first, j, second, k, n_second, limit, stream, n)
    return n


@intrinsic
def _append_block(typingctx, first, j, second, k, n_second, limit, stream, n):
    signature = types.int64(
        first, types.int64, second, types.int64, types.int64, types.float64, stream, types.int64
    )
    return signature, _block_code


def _block_code(context, builder, signature, args):
    first, second, stream = (_Rows(context, builder, signature.args[i], args[i]) for i in (0, 2, 6))
    j, k, n_second, limit, n = (args[i] for i in (1, 3, 4, 5, 7))

    def of_j(row):
        return _splat(builder, builder.load(first.pointer(row, j)))

    def of_k(row):
        return second.load(row, k)

    def product(row):
        return builder.fmul(of_j(row), of_k(row))

    def total(*terms):
        result = terms[0]
        for term in terms[1:]:
            result = builder.fadd(result, term, flags=("fast",))
        return result

    dot = total(*(builder.fmul(of_j(row), of_k(row), flags=("fast",)) for row in (X, Y, Z)))
    squares = total(of_j(SQUARE), of_k(SQUARE))
    opposite = builder.fsub(squares, total(dot, dot), flags=("fast",))
    near = builder.fcmp_ordered("<", opposite, _splat(builder, limit))
    lanes = builder.add(
        _splat(builder, k), ir.Constant(ir.VectorType(INT64, LANES), list(range(LANES)))
    )
    exists = builder.icmp_signed("<", lanes, _splat(builder, n_second))
    good = builder.bitcast(builder.and_(near, exists), ir.IntType(LANES))
    order = _packing_order(builder, good)
    for row, values in (
        (COSINE, builder.fmul(dot, product(INVERSE))),
        (SQUARES, total(squares, opposite)),
        (OPPOSITE, opposite),
        (WEIGHTS, product(WEIGHT)),
        (PERIMETER, total(of_j(DISTANCE), of_k(DISTANCE))),
    ):
        stream.store(row, n, _pack(builder, values, order))
    return builder.add(n, builder.zext(builder.ctpop(good), INT64))


class _Rows:
    """Vector access to the rows of a two-dimensional C-contiguous array."""

    def __init__(self, context, builder, kind, value):
        array = context.make_array(kind)(context, builder, value)
        self._builder, self._data = builder, array.data
        self._width = builder.extract_value(array.shape, 1)

    def pointer(self, row, column):
        offset = self._builder.add(self._builder.mul(INT64(row), self._width), column)
        return self._builder.gep(self._data, [offset])

    def _vector_pointer(self, row, column):
        return self._builder.bitcast(self.pointer(row, column), VECTOR.as_pointer())

    def load(self, row, column):
        return self._builder.load(self._vector_pointer(row, column), align=8)

    def store(self, row, column, vector):
        self._builder.store(vector, self._vector_pointer(row, column), align=8)


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
    return builder.load(builder.gep(table, [INT32(0), builder.zext(good, INT32)]))


def _pack(builder, values, order):
    words = ir.VectorType(INT32, 2 * LANES)
    shuffle = builder.module.declare_intrinsic(
        "llvm.x86.avx2.permd", fnty=ir.FunctionType(words, [words, words])
    )
    return builder.bitcast(builder.call(shuffle, [builder.bitcast(values, words), order]), VECTOR)


append_triplets = append_four_at_once if has_avx2() else append_one_by_one
