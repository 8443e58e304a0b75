"""Data sets to try the package on."""

from sklearn_agl.datasets._calculator import LennardJonesCalculator
from sklearn_agl.datasets._download import get_data_home
from sklearn_agl.datasets._lennard_jones import make_lennard_jones
from sklearn_agl.datasets._lial import fetch_lial
from sklearn_agl.datasets._mlearn import fetch_mlearn
from sklearn_agl.datasets._si_liquid_diamond import fetch_si_liquid_diamond

__all__ = [
    "LennardJonesCalculator",
    "fetch_lial",
    "fetch_mlearn",
    "fetch_si_liquid_diamond",
    "get_data_home",
    "make_lennard_jones",
]
