"""The Wald statistic and conditioning, against least squares and the normal distribution."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_agl import AdaptiveGroupLassoSelector, HDNNPRegressor
from sklearn_agl.potentials.solvers._kalman import KalmanFilter
from sklearn_agl.potentials.solvers._wald_statistics import condition_on_zero, wald_statistics
from sklearn_agl.potentials.training._training import Training

GROUPS = [np.array([0, 3]), np.array([1, 4]), np.array([2]), np.empty(0, dtype=int)]


def least_squares(A, b):
    solution, *_ = np.linalg.lstsq(A, b, rcond=None)
    return solution, np.sum((b - A @ solution) ** 2)


def filtered(rng, noise_variance):
    """A linear problem, and the filter's estimate and covariance after one pass."""
    A, b = rng.normal(size=(80, 5)), rng.normal(size=80)
    weights, filter_ = np.zeros(5), KalmanFilter(5, prior_variance=1e4)
    filter_.update(weights, np.ascontiguousarray(A), b - A @ weights, noise_variance)
    return A, b, weights, filter_.covariance


def test_statistic_is_what_the_squared_error_grows_by():
    A, b, weights, covariance = filtered(np.random.default_rng(0), noise_variance=0.3)
    _, error = least_squares(A, b)
    expected = [
        (least_squares(np.delete(A, group, axis=1), b)[1] - error) / 0.3 for group in GROUPS
    ]
    assert_allclose(wald_statistics(weights, covariance, GROUPS), expected, rtol=1e-4, atol=1e-8)


def test_conditioning_gives_the_least_squares_solution_without_the_group():
    A, b, weights, covariance = filtered(np.random.default_rng(1), noise_variance=1.0)
    moved, _ = condition_on_zero(weights, covariance, GROUPS[1])
    expected, _ = least_squares(np.delete(A, GROUPS[1], axis=1), b)
    assert_allclose(np.delete(moved, GROUPS[1]), expected, rtol=1e-4, atol=1e-6)
    assert (moved[GROUPS[1]] == 0.0).all()


def test_conditional_covariance_inverts_the_rest_of_the_precision():
    rng = np.random.default_rng(2)
    root = rng.normal(size=(6, 6))
    covariance, group, rest = root @ root.T, np.array([1, 4]), np.array([0, 2, 3, 5])
    _, conditioned = condition_on_zero(rng.normal(size=6), covariance, group)
    expected = np.linalg.inv(np.linalg.inv(covariance)[np.ix_(rest, rest)])
    assert_allclose(conditioned[np.ix_(rest, rest)], expected, rtol=1e-9)
    assert not conditioned[group].any()
    assert not conditioned[:, group].any()


@pytest.mark.parametrize("solver", ["kalman", "lm", "adamw"])
def test_a_linear_model_has_the_statistics_of_its_regression(solver):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(400, 4))
    y = X @ [1.0, 0.3, 0.1, 0.0] + 0.5 * rng.normal(size=400)
    settings = {"hidden_layer_sizes": (), "early_stopping": False, "weight_decay": 0.0}
    settings |= {"kalman": {}, "lm": {}, "adamw": {"lr": 1e-3, "max_epochs": 200}}[solver]
    regressor, data = AdaptiveGroupLassoSelector(
        HDNNPRegressor(solver=solver, **settings)
    )._validate_for_training(X, y)
    training = Training(regressor, data, np.random.RandomState(0))
    training.start(np.zeros(4))
    training.run(training.epochs())
    A = np.column_stack([X, np.ones(400)])
    solution, error = least_squares(A, y)
    variances = np.diag(np.linalg.inv(A.T @ A)) * error / 400
    expected = (solution**2 / variances)[:4]
    statistics = training.wald_statistics()
    if solver == "kalman":
        # It passes over the same data many times, and forgets: only ratios compare.
        statistics *= expected[0] / statistics[0]
    assert_allclose(statistics, expected, rtol=0.1, atol=0.3)
