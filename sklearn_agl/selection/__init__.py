"""Selectors of symmetry functions."""

from sklearn_agl.selection._backward import BackwardEliminationSelector
from sklearn_agl.selection._baselines import EvenlySpacedSelector, RandomSelector
from sklearn_agl.selection._cur import CURSelector
from sklearn_agl.selection._fps import FPSSelector
from sklearn_agl.selection._group_lasso import AdaptiveGroupLassoSelector
from sklearn_agl.selection._group_lasso_cv import AdaptiveGroupLassoSelectorCV
from sklearn_agl.selection._lasso_net import LassoNetSelector
from sklearn_agl.selection._path import SelectionPath, group_lasso_path
from sklearn_agl.selection._pcov import PCovCURSelector, PCovFPSSelector
from sklearn_agl.selection._pearson import PearsonSelector
from sklearn_agl.selection._published import sandberg2024_selector
from sklearn_agl.selection._stability import StabilitySelector
from sklearn_agl.selection._wald import WaldSelector
from sklearn_agl.selection._weight_norm import WeightNormSelector

__all__ = [
    "AdaptiveGroupLassoSelector",
    "AdaptiveGroupLassoSelectorCV",
    "BackwardEliminationSelector",
    "CURSelector",
    "EvenlySpacedSelector",
    "FPSSelector",
    "LassoNetSelector",
    "PCovCURSelector",
    "PCovFPSSelector",
    "PearsonSelector",
    "RandomSelector",
    "SelectionPath",
    "StabilitySelector",
    "WaldSelector",
    "WeightNormSelector",
    "group_lasso_path",
    "sandberg2024_selector",
]
