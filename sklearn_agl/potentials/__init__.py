"""Neural network potentials: model, penalty, solvers, forces, and a calculator for ASE."""

from sklearn_agl.potentials._committee import HDNNPCommittee
from sklearn_agl.potentials._forces import predict_forces, predict_stress
from sklearn_agl.potentials._regressor import HDNNPRegressor
from sklearn_agl.potentials.md._calculator import (
    ExtrapolationError,
    ExtrapolationWarning,
    HDNNPCalculator,
)
from sklearn_agl.potentials.penalties._norm_penalties import Penalty
from sklearn_agl.potentials.solvers._learning_rate import LearningRateFinder
from sklearn_agl.potentials.solvers._solver import Solver

__all__ = [
    "ExtrapolationError",
    "ExtrapolationWarning",
    "HDNNPCalculator",
    "HDNNPCommittee",
    "HDNNPRegressor",
    "LearningRateFinder",
    "Penalty",
    "Solver",
    "predict_forces",
    "predict_stress",
]
