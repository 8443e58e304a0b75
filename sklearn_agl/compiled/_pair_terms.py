r"""The short-range repulsion between two atoms, inside compiled code.

All that a program in another language needs is one row of numbers for each pair of elements, and
`repel`, which turns them and a distance r into an energy and its derivative by r. Both are zero
from ``row[REACH]`` on. Kinds and rows:

``CORE``
    ``row[REACH]`` is the closest distance :math:`r_0`, ``row[STRENGTH]`` the energy D:

    .. math:: E = D \left[ 4 \left( \frac{r_0}{r} - 1 \right) \right]^6 ,

    so that D is what it costs to come to eight tenths of :math:`r_0`. It begins so gently
    that structures of a test set, which come a little nearer than those of training, hardly feel
    it, and grows without limit.

``ZBL``
    The universal potential of Ziegler, Biersack and Littmark, switched off between
    ``row[INNER]`` and ``row[REACH]`` just as LAMMPS' ``pair_style zbl inner outer`` does it:

    .. math:: E = \frac{k Z_1 Z_2}{r} \sum_i c_i e^{-d_i r / a} + S(r) + C ,

    with :math:`k Z_1 Z_2` in ``row[CHARGES]``, the screening length a in ``row[LENGTH]``, C in
    ``row[SHIFT]``, and from ``row[INNER]`` on, with t the distance from there,
    :math:`S = A t^3 / 3 + B t^4 / 4`, A and B in ``row[SQUARE]`` and ``row[CUBE]``. E and its first
    and second derivatives are zero at ``row[REACH]``.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_agl.compiled._jit import inlined

NOTHING, CORE, ZBL = range(3)
"""Kinds of pair terms."""

# What a row holds: for both kinds, for a core, and for ZBL.
REACH = 0
STRENGTH = 1
INNER, CHARGES, LENGTH, SQUARE, CUBE, SHIFT = range(1, 7)
ROW_LENGTH = 7

STEEPNESS = 4.0
"""Of a core: at eight tenths of the closest distance, STEEPNESS (r0 / r - 1) is 1."""

# Ziegler, Biersack & Littmark, The Stopping and Range of Ions in Solids (1985): heights and decays
# of the universal screening function.
HEIGHTS = 0.18175, 0.50986, 0.28022, 0.02817
DECAYS = 3.19980, 0.94229, 0.40290, 0.20162


class PairTerms(NamedTuple):
    """The pair terms of all elements.

    Attributes
    ----------
    kind : int
        `NOTHING`, `CORE` or `ZBL`.
    reach : float
        The largest of all.
    rows : ndarray of shape (n_elements, n_elements, ROW_LENGTH)
        Symmetric; a pair without a term has a reach of 0.
    """

    kind: int
    reach: float
    rows: np.ndarray


def no_pair_terms(n_elements):
    """Pair terms that are zero."""
    return PairTerms(NOTHING, 0.0, np.zeros((n_elements, n_elements, ROW_LENGTH)))


@inlined
def repel(kind, row, r):
    """Energy of two atoms at distance r, below the row's reach, and its derivative by r."""
    if kind == CORE:
        u = STEEPNESS * (row[REACH] / r - 1.0)
        return row[STRENGTH] * u**6, -6.0 * row[STRENGTH] * u**5 * STEEPNESS * row[REACH] / r**2
    energy, slope = screened_repulsion(row[CHARGES], row[LENGTH], r)
    t = max(r - row[INNER], 0.0)
    energy += t**3 * (row[SQUARE] / 3.0 + row[CUBE] * t / 4.0) + row[SHIFT]
    return energy, slope + t**2 * (row[SQUARE] + row[CUBE] * t)


@inlined
def screened_repulsion(charges, length, r):
    """Energy and derivative of ``charges / r`` behind the universal screening function."""
    total, turn = 0.0, 0.0
    for i in range(len(HEIGHTS)):
        height = HEIGHTS[i] * math.exp(-DECAYS[i] * r / length)
        total += height
        turn -= height * DECAYS[i] / length
    return charges * total / r, charges * (turn - total / r) / r
