"""Data sets to try the package on."""

from sklearn_agl.datasets._calculator import LennardJonesCalculator
from sklearn_agl.datasets._lennard_jones import make_lennard_jones

__all__ = ["LennardJonesCalculator", "make_lennard_jones"]
