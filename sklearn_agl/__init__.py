"""Find the few symmetry functions that a neural network potential really needs."""

from typing import TYPE_CHECKING

from sklearn_agl._lazy import import_on_demand
from sklearn_agl._version import __version__

__all__ = [
    "AdaptiveGroupLassoSelector",
    "AdaptiveGroupLassoSelectorCV",
    "AtomPooler",
    "AtomicFeatures",
    "BackwardEliminationSelector",
    "CURSelector",
    "EvenlySpacedSelector",
    "FPSSelector",
    "HDNNPRegressor",
    "LassoNetSelector",
    "PCovCURSelector",
    "PCovFPSSelector",
    "PearsonSelector",
    "RandomSelector",
    "SelectionPath",
    "StabilitySelector",
    "SymmetryFunction",
    "SymmetryFunctionTransformer",
    "WaldSelector",
    "WeightNormSelector",
    "__version__",
    "group_lasso_path",
]

if TYPE_CHECKING:
    from sklearn_agl.descriptors import SymmetryFunction, SymmetryFunctionTransformer
    from sklearn_agl.features import AtomicFeatures
    from sklearn_agl.pooling import AtomPooler
    from sklearn_agl.potentials import HDNNPRegressor
    from sklearn_agl.selection import (
        AdaptiveGroupLassoSelector,
        AdaptiveGroupLassoSelectorCV,
        BackwardEliminationSelector,
        CURSelector,
        EvenlySpacedSelector,
        FPSSelector,
        LassoNetSelector,
        PCovCURSelector,
        PCovFPSSelector,
        PearsonSelector,
        RandomSelector,
        SelectionPath,
        StabilitySelector,
        WaldSelector,
        WeightNormSelector,
        group_lasso_path,
    )
else:
    # torch and numba take seconds to import, and most uses need only a part of the package.
    __getattr__, __dir__ = import_on_demand(
        __name__,
        {
            "datasets": [],
            "descriptors": ["SymmetryFunction", "SymmetryFunctionTransformer"],
            "features": ["AtomicFeatures"],
            "inspection": [],
            "io": [],
            "metrics": [],
            "pooling": ["AtomPooler"],
            "potentials": ["HDNNPRegressor"],
            "selection": [
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
            ],
        },
    )
