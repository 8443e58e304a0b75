"""Selectors of symmetry functions."""

from typing import TYPE_CHECKING

from sklearn_agl._lazy import import_on_demand

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

if TYPE_CHECKING:
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
else:
    # torch and numba take seconds to import, and most uses need only a part of the package.
    __getattr__, __dir__ = import_on_demand(
        __name__,
        {
            "_backward": ["BackwardEliminationSelector"],
            "_baselines": ["EvenlySpacedSelector", "RandomSelector"],
            "_cur": ["CURSelector"],
            "_fps": ["FPSSelector"],
            "_group_lasso": ["AdaptiveGroupLassoSelector"],
            "_group_lasso_cv": ["AdaptiveGroupLassoSelectorCV"],
            "_lasso_net": ["LassoNetSelector"],
            "_path": ["SelectionPath", "group_lasso_path"],
            "_pcov": ["PCovCURSelector", "PCovFPSSelector"],
            "_pearson": ["PearsonSelector"],
            "_published": ["sandberg2024_selector"],
            "_stability": ["StabilitySelector"],
            "_wald": ["WaldSelector"],
            "_weight_norm": ["WeightNormSelector"],
        },
    )
