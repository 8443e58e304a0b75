r"""Cutoff functions :math:`f_c(x)` and their logarithmic derivatives :math:`f_c'(x) / f_c(x)`.

The argument is :math:`x = (r - r_\mathrm{inner}) / (r_c - r_\mathrm{inner})`. The functions are
scalar code that is inlined into the compiled loops; the caller keeps x between 0 and `LARGEST`, so
that no branch is needed and no logarithmic derivative is infinite. With y = 1 - x they are written
in powers of y where that keeps them precise at the cutoff radius.

Formulas: J. Behler, J. Chem. Phys. 134, 074106 (2011), equation 4 (cosine); n2p2's manual (others).
"""

import math

from numba import njit

from .._vector_math import cos_quarter, exp_of_negative, sin_quarter, tanh_unit

HALF_PI = 0.5 * math.pi
TANH_1 = math.tanh(1.0)
LARGEST = 1.0 - 2.0**-53
"""The last number below 1: there f_c is next to nothing, and its logarithm still finite."""

inline = njit(fastmath=True, inline="always")


@inline
def cosine(x):
    """(1 + cos(pi x)) / 2 = sin²(pi y / 2)."""
    root = sin_quarter(HALF_PI * (1.0 - x))
    return root * root


@inline
def cosine_slope(x):
    """-pi cot(pi y / 2)."""
    angle = HALF_PI * (1.0 - x)
    return -2.0 * HALF_PI * cos_quarter(angle) / sin_quarter(angle)


@inline
def tanh_cubed(x):
    """tanh³(y) / tanh³(1)."""
    root = tanh_unit(1.0 - x) / TANH_1
    return root * root * root


@inline
def tanh_unscaled(x):
    """tanh³(y)."""
    root = tanh_unit(1.0 - x)
    return root * root * root


@inline
def tanh_slope(x):
    """-3 (1 - tanh²(y)) / tanh(y), for both of them."""
    root = tanh_unit(1.0 - x)
    return -3.0 * (1.0 - root * root) / root


@inline
def exponential(x):
    """exp(1 - 1 / (1 - x²))."""
    return exp_of_negative(1.0 - 1.0 / ((1.0 - x) * (1.0 + x)))


@inline
def exponential_slope(x):
    """-2 x / (1 - x²)²."""
    gap = (1.0 - x) * (1.0 + x)
    return -2.0 * x / (gap * gap)


@inline
def poly1(x):
    """1 - 3 x² + 2 x³ = y² (3 - 2 y)."""
    y = 1.0 - x
    return y * y * (3.0 - 2.0 * y)


@inline
def poly1_slope(x):
    """-6 x y / f_c."""
    y = 1.0 - x
    return -6.0 * x / (y * (3.0 - 2.0 * y))


@inline
def poly2(x):
    """1 - 10 x³ + 15 x⁴ - 6 x⁵ = y³ (10 - 15 y + 6 y²)."""
    y = 1.0 - x
    return y * y * y * ((6.0 * y - 15.0) * y + 10.0)


@inline
def poly2_slope(x):
    """-30 x² y² / f_c."""
    y = 1.0 - x
    return -30.0 * x * x / (y * ((6.0 * y - 15.0) * y + 10.0))


@inline
def poly3(x):
    """1 - 35 x⁴ + 84 x⁵ - 70 x⁶ + 20 x⁷ = y⁴ (35 - 84 y + 70 y² - 20 y³)."""
    y = 1.0 - x
    return y**4 * (((-20.0 * y + 70.0) * y - 84.0) * y + 35.0)


@inline
def poly3_slope(x):
    """-140 x³ y³ / f_c."""
    y = 1.0 - x
    return -140.0 * x**3 / (y * (((-20.0 * y + 70.0) * y - 84.0) * y + 35.0))


@inline
def poly4(x):
    """1 - 126 x⁵ + 420 x⁶ - 540 x⁷ + 315 x⁸ - 70 x⁹, y⁵ (126 - 420 y + 540 y² - 315 y³ + 70 y⁴)."""
    y = 1.0 - x
    return y**5 * ((((70.0 * y - 315.0) * y + 540.0) * y - 420.0) * y + 126.0)


@inline
def poly4_slope(x):
    """-630 x⁴ y⁴ / f_c."""
    y = 1.0 - x
    return -630.0 * x**4 / (y * ((((70.0 * y - 315.0) * y + 540.0) * y - 420.0) * y + 126.0))


@inline
def hard(x):
    """1 up to the cutoff radius."""
    return 1.0


@inline
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

WITHOUT_INNER_RADIUS = ("tanh", "tanhu", "hard")
"""Functions that an inner radius would give a kink, or mean nothing to."""
