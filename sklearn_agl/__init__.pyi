from . import (
    cli as cli,
    datasets as datasets,
    descriptors as descriptors,
    features as features,
    inspection as inspection,
    io as io,
    metrics as metrics,
    pooling as pooling,
    potentials as potentials,
    report as report,
    sampling as sampling,
    selection as selection,
)
from ._version import __version__ as __version__
from .descriptors import (
    SymmetryFunction as SymmetryFunction,
    SymmetryFunctionTransformer as SymmetryFunctionTransformer,
)
from .features import AtomicFeatures as AtomicFeatures
from .pooling import AtomPooler as AtomPooler
from .potentials import HDNNPRegressor as HDNNPRegressor
from .selection import (
    AdaptiveGroupLassoSelector as AdaptiveGroupLassoSelector,
    AdaptiveGroupLassoSelectorCV as AdaptiveGroupLassoSelectorCV,
    BackwardEliminationSelector as BackwardEliminationSelector,
    CURSelector as CURSelector,
    EvenlySpacedSelector as EvenlySpacedSelector,
    FPSSelector as FPSSelector,
    LassoNetSelector as LassoNetSelector,
    PCovCURSelector as PCovCURSelector,
    PCovFPSSelector as PCovFPSSelector,
    PearsonSelector as PearsonSelector,
    RandomSelector as RandomSelector,
    SelectionPath as SelectionPath,
    StabilitySelector as StabilitySelector,
    WaldSelector as WaldSelector,
    WeightNormSelector as WeightNormSelector,
    group_lasso_path as group_lasso_path,
)
