r"""Wide angular functions (G5) of whole zeta, without visiting pairs of neighbours.

A polynomial of :math:`\cos\theta_{jk} = u_j \cdot u_k` is a sum of Legendre polynomials, each of
which is a sum of products of real spherical harmonics of the two directions (the addition theorem).
With :math:`g_j = e^{-\eta (r_j - r_s)^2} f_c(r_j)`,

.. math::

    2^{1-\zeta} (1 + \lambda x)^\zeta &= \sum_{l=0}^\zeta c_l P_l(x), \qquad
    P_l(u_j \cdot u_k) = \sum_m Y_{lm}(u_j) Y_{lm}(u_k),

    G^5 &= \frac12 \Bigl[ \sum_l c_l \sum_m A_{lm}^2 - 2^{1-\zeta} (1 + \lambda)^\zeta
    \sum_j g_j^2 \Bigr], \qquad A_{lm} = \sum_j g_j Y_{lm}(u_j),

where the last term takes out j = k. Two elements have :math:`\sum_l c_l \sum_m A_{lm} A'_{lm}`. All
zeta and lambda of one eta and r_s, a *set*, share the moments :math:`A_{lm}` of each element, and
all sets share the harmonics. What is summed up is of the size of :math:`(\sum_j g_j)^2`, whose
rounding error the result inherits.

The harmonics are :math:`Q_{lm}(z)` times the real and the imaginary part of
:math:`(x + i y)^m`, for m from 0 to l; their recurrences need no root and no angle.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_agl.descriptors.kernels._gradients import AXES

HIGHEST_DEGREE = 32
"""The largest zeta that goes by moments: harmonics number its square, and pairs take over."""

NO_SET = 2**31
"""The number of the set of a group that always goes by pairs."""


def expand(zeta, lambda_):
    r"""Coefficients of Legendre polynomials of :math:`2^{1-\zeta} (1 + \lambda x)^\zeta`.

    They are :math:`2 \lambda^l (2l + 1) \zeta!^2 / ((\zeta - l)! (\zeta + l + 1)!)`.

    Returns
    -------
    ndarray of shape (zeta + 1,)
    """
    whole, factorial = int(zeta), math.factorial
    return np.array(
        [
            2 * lambda_**ell * (2 * ell + 1) * factorial(whole) ** 2
            / (factorial(whole - ell) * factorial(whole + ell + 1))
            for ell in range(whole + 1)
        ]
    )  # fmt: skip


def _recurrences():
    """Q_mm, and a and b of Q_lm = a z Q_(l-1)m - b Q_(l-2)m, and Q_lm' / Q_l(m+1)."""
    ell, m = np.ogrid[: HIGHEST_DEGREE + 1, : HIGHEST_DEGREE + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        norm = np.sqrt(1.0 * (ell - m) * (ell + m))
        a = (2 * ell - 1) / norm
        b = np.sqrt(1.0 * (ell - 1 - m) * (ell - 1 + m)) / norm
        turn = np.sqrt((ell - m) * (ell + m + 1) * np.where(m == 0, 0.5, 1.0))
    ratios = [(2 * k - 1) / (2 * k) for k in range(2, HIGHEST_DEGREE + 1)]
    own = np.sqrt(np.cumprod([1.0, 1.0, *ratios]))
    return own, *(np.where(ell > m, part, 0.0) for part in (a, b, turn))


OWN, ALONG, BEFORE, TURN = _recurrences()

N_ROWS = 8
"""Of working memory that every program may use as it likes."""


class Moments(NamedTuple):
    """Working memory for the moments around one atom.

    Attributes
    ----------
    n_sets : ndarray of int of shape (n_places,)
        How many sets of the shell go by moments at the atom at hand.
    directions : ndarray of shape (n_places, n_rows, capacity)
        Real parts, imaginary parts, and Q_lm, for each neighbour.
    weights : ndarray of shape (n_places, n_sets, capacity)
        g of each neighbour.
    sums, slopes : ndarray of shape (n_places, n_sets, 2, n_harmonics)
        Moments, of real and imaginary parts, and derivatives by them or changes of them.
    squares : ndarray of shape (n_places, n_sets)
        Sums of g².
    spectrum : ndarray of shape (n_degrees,)
        One number for each degree.
    factors : ndarray of shape (4, n_degrees)
        For `fold_degrees`.
    rows : ndarray of shape (n_rows, capacity)
        One number or several for each neighbour.
    """

    n_sets: np.ndarray
    directions: np.ndarray
    weights: np.ndarray
    sums: np.ndarray
    slopes: np.ndarray
    squares: np.ndarray
    spectrum: np.ndarray
    factors: np.ndarray
    rows: np.ndarray


def allocate_moments(arrays, n_places, capacity, program):
    """Working memory for the sets of a plan."""
    n_degrees, n_sets = len(arrays.expansions), np.diff(arrays.set_starts).max(initial=0)
    n_harmonics = n_degrees * (n_degrees + 1) // 2
    width = capacity if n_sets else 0
    return Moments(
        n_sets=np.zeros(n_places, np.int64),
        directions=np.zeros((n_places, 2 * n_degrees + n_harmonics, width)),
        weights=np.zeros((n_places, n_sets, width)),
        sums=np.zeros((n_places, n_sets, 2, n_harmonics)),
        slopes=np.zeros((n_places, n_sets, 2, n_harmonics)),
        squares=np.zeros((n_places, n_sets)),
        spectrum=np.zeros(n_degrees),
        factors=np.zeros((4, n_degrees)),
        rows=np.zeros((N_ROWS + (AXES * n_degrees if program == "jvps" else 0), width)),
    )
