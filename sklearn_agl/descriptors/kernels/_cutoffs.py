r"""Cutoff functions :math:`f_c(x)` and their logarithmic derivatives :math:`f_c'(x) / f_c(x)`.

The argument is :math:`x = (r - r_\mathrm{inner}) / (r_c - r_\mathrm{inner})`. The functions are
scalar code that is inlined into the compiled loops; the caller keeps x between 0 and `LARGEST`, so
that no branch is needed and no logarithmic derivative is infinite. They are written in powers of
1 - x or 1 - x² where that keeps them precise at the cutoff radius.

Formulas: J. Behler, J. Chem. Phys. 134, 074106 (2011), equation 4 (cosine); n2p2's manual (others).
"""

import math

from numba import njit

from sklearn_agl.compiled._jit import LOOPS
from sklearn_agl.compiled._vector_math import exp_of_negative, tanh_unit

inlined = njit(**LOOPS, forceinline=True)  # figures call them from Python, too

TANH_1 = math.tanh(1.0)
LARGEST = 1.0 - 2.0**-53
"""The last number below 1: there f_c is next to nothing, and its logarithm still finite."""


@inlined
def _cosine_root(z):
    """cos(pi sqrt(1 - z) / 2), precise where it vanishes.

    It is z times a function whose interpolation at eight Chebyshev points is 4e-17 from the truth.
    """
    p = 6.30616956165683e-11
    p = p * z + 5.876687801306853e-09
    p = p * z + 4.28178758519601e-07
    p = p * z + 2.2506023772162215e-05
    p = p * z + 0.0008000973745489444
    p = p * z + 0.017429258236358502
    p = p * z + 0.19634954084936407
    p = p * z + 0.7853981633974483
    return p * z


@inlined
def cosine_of_square(y):
    """(1 + cos(pi sqrt(y))) / 2 = cos²(pi sqrt(y) / 2)."""
    root = _cosine_root(1.0 - y)
    return root * root


@inlined
def cosine_of_square_slope(y):
    """-pi tan(pi sqrt(y) / 2) / sqrt(y): -4 times the derivative of the root over the root."""
    z = 1.0 - y
    p = 4.612624363643642e-12
    p = p * z + 4.880918754031268e-10
    p = p * z + 4.116013835435981e-08
    p = p * z + 2.569055632156721e-06
    p = p * z + 0.00011253012547152933
    p = p * z + 0.0032003894968489956
    p = p * z + 0.052287774709201866
    p = p * z + 0.39269908169872414
    p = p * z + 0.7853981633974483
    return -4.0 * p / _cosine_root(z)


@inlined
def cosine(x):
    """(1 + cos(pi x)) / 2."""
    return cosine_of_square(x * x)


@inlined
def cosine_slope(x):
    """-pi tan(pi x / 2)."""
    return x * cosine_of_square_slope(x * x)


@inlined
def tanh_cubed(x):
    """tanh³(y) / tanh³(1)."""
    root = tanh_unit(1.0 - x) / TANH_1
    return root * root * root


@inlined
def tanh_unscaled(x):
    """tanh³(y)."""
    root = tanh_unit(1.0 - x)
    return root * root * root


@inlined
def tanh_slope(x):
    """-3 (1 - tanh²(y)) / tanh(y), for both of them."""
    root = tanh_unit(1.0 - x)
    return -3.0 * (1.0 - root * root) / root


@inlined
def exponential_of_square(y):
    """exp(1 - 1 / (1 - y))."""
    return exp_of_negative(1.0 - 1.0 / (1.0 - y))


@inlined
def exponential_of_square_slope(y):
    """-2 / (1 - y)²."""
    return -2.0 / ((1.0 - y) * (1.0 - y))


@inlined
def exponential(x):
    """exp(1 - 1 / (1 - x²))."""
    return exponential_of_square(x * x)


@inlined
def exponential_slope(x):
    """-2 x / (1 - x²)²."""
    return x * exponential_of_square_slope(x * x)


@inlined
def poly1(x):
    """1 - 3 x² + 2 x³ = y² (3 - 2 y)."""
    y = 1.0 - x
    return y * y * (3.0 - 2.0 * y)


@inlined
def poly1_slope(x):
    """-6 x y / f_c."""
    y = 1.0 - x
    return -6.0 * x / (y * (3.0 - 2.0 * y))


@inlined
def poly2(x):
    """1 - 10 x³ + 15 x⁴ - 6 x⁵ = y³ (10 - 15 y + 6 y²)."""
    y = 1.0 - x
    return y * y * y * ((6.0 * y - 15.0) * y + 10.0)


@inlined
def poly2_slope(x):
    """-30 x² y² / f_c."""
    y = 1.0 - x
    return -30.0 * x * x / (y * ((6.0 * y - 15.0) * y + 10.0))


@inlined
def poly3(x):
    """1 - 35 x⁴ + 84 x⁵ - 70 x⁶ + 20 x⁷ = y⁴ (35 - 84 y + 70 y² - 20 y³)."""
    y = 1.0 - x
    return y**4 * (((-20.0 * y + 70.0) * y - 84.0) * y + 35.0)


@inlined
def poly3_slope(x):
    """-140 x³ y³ / f_c."""
    y = 1.0 - x
    return -140.0 * x**3 / (y * (((-20.0 * y + 70.0) * y - 84.0) * y + 35.0))


@inlined
def poly4(x):
    """1 - 126 x⁵ + 420 x⁶ - 540 x⁷ + 315 x⁸ - 70 x⁹, y⁵ (126 - 420 y + 540 y² - 315 y³ + 70 y⁴)."""
    y = 1.0 - x
    return y**5 * ((((70.0 * y - 315.0) * y + 540.0) * y - 420.0) * y + 126.0)


@inlined
def poly4_slope(x):
    """-630 x⁴ y⁴ / f_c."""
    y = 1.0 - x
    return -630.0 * x**4 / (y * ((((70.0 * y - 315.0) * y + 540.0) * y - 420.0) * y + 126.0))


@inlined
def hard(x):
    """1 up to the cutoff radius."""
    return 1.0


@inlined
def hard_slope(x):
    """0: the jump at the cutoff radius has no derivative."""
    return 0.0


CUTOFFS = {
    "cosine": (cosine, cosine_slope),
    "tanh": (tanh_cubed, tanh_slope),
    "tanhu": (tanh_unscaled, tanh_slope),
    "exp": (exponential, exponential_slope),
    "poly1": (poly1, poly1_slope),
    "poly2": (poly2, poly2_slope),
    "poly3": (poly3, poly3_slope),
    "poly4": (poly4, poly4_slope),
    "hard": (hard, hard_slope),
}
"""Each cutoff function and its logarithmic derivative by name."""

EVEN_CUTOFFS = {
    "cosine": (cosine_of_square, cosine_of_square_slope),
    "exp": (exponential_of_square, exponential_of_square_slope),
}
"""Those that are functions of y = x², which needs no root, with f_c'(x) / (f_c(x) x)."""

WITHOUT_INNER_RADIUS = ("tanh", "tanhu", "hard")
"""Functions that an inner radius would give a kink, or mean nothing to."""
