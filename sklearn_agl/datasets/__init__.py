"""Data sets to try the package on."""

from sklearn_agl.datasets._calculator import LennardJonesCalculator
from sklearn_agl.datasets._download import get_data_home
from sklearn_agl.datasets._lennard_jones import make_lennard_jones
from sklearn_agl.datasets._mlearn import fetch_mlearn

__all__ = ["LennardJonesCalculator", "fetch_mlearn", "get_data_home", "make_lennard_jones"]
