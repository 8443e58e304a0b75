"""Which structures to label: the most different ones of many, and those that a simulation meets."""

from sklearn_agl.sampling._choice import choose_structures
from sklearn_agl.sampling._harvest import Harvest

__all__ = ["Harvest", "choose_structures"]
