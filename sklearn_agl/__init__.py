"""Find the few symmetry functions that a neural network potential really needs."""

from sklearn_agl._version import __version__
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
