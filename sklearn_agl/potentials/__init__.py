"""Neural network potentials: the model, its penalty and its solvers."""

from sklearn_agl.potentials._regressor import HDNNPRegressor

__all__ = ["HDNNPRegressor"]
