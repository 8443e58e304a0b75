"""Find the few symmetry functions that a neural network potential really needs."""

from sklearn_agl._version import __version__
from sklearn_agl.descriptors import SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.features import AtomicFeatures
from sklearn_agl.potentials import HDNNPRegressor
from sklearn_agl.selection import (
    AdaptiveGroupLassoSelector,
    AdaptiveGroupLassoSelectorCV,
    CURSelector,
    FPSSelector,
    PCovCURSelector,
    PCovFPSSelector,
    PearsonSelector,
    SelectionPath,
    StabilitySelector,
    WaldSelector,
    group_lasso_path,
)

__all__ = [
    "AdaptiveGroupLassoSelector",
    "AdaptiveGroupLassoSelectorCV",
    "AtomicFeatures",
    "CURSelector",
    "FPSSelector",
    "HDNNPRegressor",
    "PCovCURSelector",
    "PCovFPSSelector",
    "PearsonSelector",
    "SelectionPath",
    "StabilitySelector",
    "SymmetryFunction",
    "SymmetryFunctionTransformer",
    "WaldSelector",
    "__version__",
    "group_lasso_path",
]
