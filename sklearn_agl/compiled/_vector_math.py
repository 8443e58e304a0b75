"""Elementary functions that LLVM can vectorise inside compiled loops.

numba's wheels ship no vector math library, so ``math.exp`` in a loop stays scalar. The versions
here are straight-line arithmetic (range reduction, a polynomial, exponent bits) and are inlined
into the loop that calls them.
"""

import math

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from sklearn_agl.compiled._jit import HELPERS, inlined

LOG2_E = 1.4426950408889634
# ln 2 in two parts: the high one is short enough that its product with an exponent is exact.
LN2_HIGH = 0.693145751953125
LN2_LOW = 1.42860682030941723212e-6
SMALLEST_ARGUMENT = -708.0
LARGEST_ARGUMENT = 709.0
# pi in two parts: the high one is short enough that its product with a quotient is exact.
PI_HIGH = 3.1415926534682512
PI_LOW = 1.2154201013012384e-10


@intrinsic
def _round(typingctx, x):
    """Nearest whole number, as a float.

    One vector instruction, where ``math.floor`` returns an integer.
    """

    def codegen(context, builder, signature, args):
        function = builder.module.declare_intrinsic("llvm.rint", [ir.DoubleType()])
        return builder.call(function, args)

    return types.float64(types.float64), codegen


@intrinsic
def _power_of_two(typingctx, n):
    """2**n for a whole number n, written straight into the exponent bits.

    The detour by int32 is deliberate: AVX2 converts float64 to int32 in one instruction, to int64
    only with AVX-512.
    """

    def codegen(context, builder, signature, args):
        exponent = builder.sext(builder.fptosi(args[0], ir.IntType(32)), ir.IntType(64))
        biased = builder.add(exponent, ir.IntType(64)(1023))
        return builder.bitcast(builder.shl(biased, ir.IntType(64)(52)), ir.DoubleType())

    return types.float64(types.float64), codegen


@inlined
def exp(x):
    """exp(x) to 1e-15 relative; arguments outside [-708, 709] are clamped."""
    return exp_of_negative(min(x, LARGEST_ARGUMENT))


@inlined
def exp_of_negative(x):
    """exp(x) to 1e-15 relative, for x below 709 only; arguments below -708 are clamped."""
    x = max(x, SMALLEST_ARGUMENT)
    n = _round(x * LOG2_E)
    r = x - n * LN2_HIGH
    r = r - n * LN2_LOW
    # Interpolates (exp(r) - 1 - r) / r² at the Chebyshev points of |r| <= ln(2) / 2: two terms
    # shorter than the Taylor series, and 2e-17 from the truth.
    p = 2.510038549551032e-08
    p = p * r + 2.7620088445409746e-07
    p = p * r + 2.7557268459997064e-06
    p = p * r + 2.4801521295954376e-05
    p = p * r + 0.00019841269863053618
    p = p * r + 0.0013888888917213717
    p = p * r + 0.008333333333330062
    p = p * r + 0.04166666666662413
    p = p * r + 0.16666666666666669
    p = p * r + 0.5000000000000001
    p = p * r + 1.0
    p = p * r + 1.0
    return p * _power_of_two(n)


@inlined
def tanh(x):
    """tanh(x) to 3e-16 absolute."""
    growth = exp(2.0 * x)
    return (growth - 1.0) / (growth + 1.0)


@inlined
def tanh_unit(x):
    """tanh(x) to 3e-16 relative, for x between 0 and 1 only (Taylor series of exp(x) - 1)."""
    p = 1.5619206968586225e-16
    p = p * x + 2.8114572543455206e-15
    p = p * x + 4.779477332387385e-14
    p = p * x + 7.647163731819816e-13
    p = p * x + 1.1470745597729725e-11
    p = p * x + 1.6059043836821613e-10
    p = p * x + 2.08767569878681e-09
    p = p * x + 2.505210838544172e-08
    p = p * x + 2.755731922398589e-07
    p = p * x + 2.7557319223985893e-06
    p = p * x + 2.48015873015873e-05
    p = p * x + 0.0001984126984126984
    p = p * x + 0.001388888888888889
    p = p * x + 0.008333333333333333
    p = p * x + 0.041666666666666664
    p = p * x + 0.16666666666666666
    p = p * x + 0.5
    p = p * x + 1.0
    growth = p * x
    growth = growth * (growth + 2.0)
    return growth / (growth + 2.0)


@inlined
def sin_quarter(x):
    """sin(x) to 2e-16 relative, for x between -pi/2 and pi/2 only (Taylor series)."""
    y = x * x
    p = -3.868170170630684e-23
    p = p * y + 1.9572941063391263e-20
    p = p * y - 8.22063524662433e-18
    p = p * y + 2.8114572543455206e-15
    p = p * y - 7.647163731819816e-13
    p = p * y + 1.6059043836821613e-10
    p = p * y - 2.505210838544172e-08
    p = p * y + 2.7557319223985893e-06
    p = p * y - 0.0001984126984126984
    p = p * y + 0.008333333333333333
    p = p * y - 0.16666666666666666
    p = p * y + 1.0
    return p * x


@inlined
def cos_quarter(x):
    """cos(x) to 2e-16 absolute, for x between -pi/2 and pi/2 only (Taylor series)."""
    y = x * x
    p = -2.4795962632247976e-27
    p = p * y + 1.6117375710961184e-24
    p = p * y + -8.896791392450574e-22
    p = p * y + 4.110317623312165e-19
    p = p * y + -1.5619206968586225e-16
    p = p * y + 4.779477332387385e-14
    p = p * y + -1.1470745597729725e-11
    p = p * y + 2.08767569878681e-09
    p = p * y + -2.755731922398589e-07
    p = p * y + 2.48015873015873e-05
    p = p * y + -0.001388888888888889
    p = p * y + 0.041666666666666664
    p = p * y + -0.5
    p = p * y + 1.0
    return p


@inlined
def cos(x):
    """cos(x) to 1e-15 absolute, for x below 1e5."""
    n = _round(x * (1.0 / math.pi))
    return _alternating_sign(n) * cos_quarter(_minus_multiple_of_pi(x, n))


@inlined
def sin(x):
    """sin(x) to 1e-15 absolute, for x below 1e5."""
    n = _round(x * (1.0 / math.pi))
    return _alternating_sign(n) * sin_quarter(_minus_multiple_of_pi(x, n))


@inlined
def _alternating_sign(n):
    half = 0.5 * n
    return 1.0 - 4.0 * abs(half - _round(half))


@njit(**HELPERS | {"fastmath": False}, forceinline=True)  # which would merge the parts of pi
def _minus_multiple_of_pi(x, n):
    r = x - n * PI_HIGH
    return r - n * PI_LOW
