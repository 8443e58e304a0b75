r"""Cutoff functions :math:`f_c(x)` of the relative distance :math:`x = r / r_c`.

Each one comes twice: as scalar code that is inlined into the compiled loops (for :math:`0 \le x \le
1`; the caller clamps x, so that no branch is needed), and in `CUTOFFS` by name.
"""

import math

from numba import njit

from .._vector_math import sin_quarter

HALF_PI = 0.5 * math.pi


@njit(fastmath=True, inline="always")
def cosine(x):
    """(1 + cos(pi x)) / 2, written as a square: precise where the function goes to zero."""
    root = sin_quarter(HALF_PI * (1.0 - x))
    return root * root


@njit(fastmath=True, inline="always")
def poly2(x):
    """1 - 10 x³ + 15 x⁴ - 6 x⁵; its first and second derivatives vanish at both ends.

    In powers of 1 - x, which stays precise where the function goes to zero.
    """
    y = 1.0 - x
    return ((6.0 * y - 15.0) * y + 10.0) * y * y * y


CUTOFFS = {"cosine": cosine, "poly2": poly2}
"""Cutoff functions by name."""
