from ._backward import BackwardEliminationSelector as BackwardEliminationSelector
from ._baselines import (
    EvenlySpacedSelector as EvenlySpacedSelector,
    RandomSelector as RandomSelector,
)
from ._group_lasso import AdaptiveGroupLassoSelector as AdaptiveGroupLassoSelector
from ._group_lasso_cv import AdaptiveGroupLassoSelectorCV as AdaptiveGroupLassoSelectorCV
from ._published import sandberg2024_selector as sandberg2024_selector
from ._stability import StabilitySelector as StabilitySelector
from ._wald import WaldSelector as WaldSelector
from ._weight_norm import WeightNormSelector as WeightNormSelector
from .filters._cur import CURSelector as CURSelector
from .filters._fps import FPSSelector as FPSSelector
from .filters._pcov import PCovCURSelector as PCovCURSelector, PCovFPSSelector as PCovFPSSelector
from .filters._pearson import PearsonSelector as PearsonSelector
from .lasso_net._lasso_net import LassoNetSelector as LassoNetSelector
from .path._group_lasso_path import group_lasso_path as group_lasso_path
from .path._path import SelectionPath as SelectionPath
