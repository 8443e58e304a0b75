"""Neural network potentials: the model, its penalty and its solvers."""

from sklearn_agl.potentials._learning_rate import LearningRateFinder
from sklearn_agl.potentials._regressor import HDNNPRegressor

__all__ = ["HDNNPRegressor", "LearningRateFinder"]
