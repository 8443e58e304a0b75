from ._committee import HDNNPCommittee as HDNNPCommittee
from ._forces import predict_forces as predict_forces, predict_stress as predict_stress
from ._regressor import HDNNPRegressor as HDNNPRegressor
from .md._calculator import (
    ExtrapolationError as ExtrapolationError,
    ExtrapolationWarning as ExtrapolationWarning,
    HDNNPCalculator as HDNNPCalculator,
)
from .penalties._norm_penalties import Penalty as Penalty
from .solvers._learning_rate import LearningRateFinder as LearningRateFinder
from .solvers._solver import Solver as Solver
