import copy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sklearn_agl.potentials.solvers._kalman import KalmanFilter
from tests.potentials._data import random_covariance


def plain_step(theta, covariance, gradients, residuals, noise):
    """The textbook's formulas, with inverses."""
    innovation = gradients @ covariance @ gradients.T + np.diag(noise)
    gain = covariance @ gradients.T @ np.linalg.inv(innovation)
    theta = theta + gain @ residuals
    return theta, covariance - gain @ gradients @ covariance, np.diag(innovation)


@pytest.mark.parametrize("n", [1, 2, 7, 30])
@pytest.mark.parametrize("different_noise", [False, True])
def test_an_update_equals_a_plain_kalman_step(n, different_noise):
    rng = np.random.default_rng(n)
    covariance = random_covariance(rng, 9)
    theta, gradients, residuals = rng.normal(size=9), rng.normal(size=(n, 9)), rng.normal(size=n)
    noise = rng.uniform(0.1, 1.0, n) if different_noise else 0.3
    expected = plain_step(theta, covariance, gradients, residuals, np.broadcast_to(noise, n))
    filter_ = KalmanFilter.from_covariance(covariance)
    innovation = filter_.update(theta, gradients, residuals, noise)
    np.testing.assert_allclose(theta, expected[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(filter_.covariance, expected[1], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(innovation, expected[2])


@pytest.mark.parametrize("n_weights", [1, 33, 351])
@pytest.mark.parametrize("n", [1, 5, 32])
def test_networks_of_any_size_are_updated(n_weights, n):
    rng = np.random.default_rng(n_weights + n)
    covariance = 0.1 * np.eye(n_weights) + 0.01
    theta, gradients = rng.normal(size=n_weights), rng.normal(size=(n, n_weights))
    residuals = rng.normal(size=n)
    expected = plain_step(theta, covariance, gradients, residuals, np.full(n, 0.5))
    filter_ = KalmanFilter.from_covariance(covariance)
    filter_.update(theta, gradients, residuals, 0.5)
    np.testing.assert_allclose(theta, expected[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(filter_.covariance, expected[1], rtol=1e-8, atol=1e-12)


def test_an_indefinite_covariance_is_an_error_that_changes_nothing():
    filter_, theta = KalmanFilter.from_covariance(np.diag([1.0, -1.0])), np.zeros(2)
    with pytest.raises(np.linalg.LinAlgError, match="Raise process_noise or lower prior_variance"):
        filter_.update(theta, np.eye(2), np.ones(2), 0.1)
    np.testing.assert_array_equal(theta, 0.0)
    np.testing.assert_array_equal(filter_.covariance, np.diag([1.0, -1.0]))


def test_updates_give_the_same_numbers_in_threads():
    rng = np.random.default_rng(0)
    gradients, residuals = rng.normal(size=(20, 32, 151)), rng.normal(size=(20, 32))

    def train(_):
        filter_, theta = KalmanFilter(151), np.zeros(151)
        for H, r in zip(gradients, residuals, strict=True):
            filter_.update(theta, H, r, 0.1)
        return theta

    alone = train(0)
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(4) as pool:
        for theta in pool.map(train, range(8)):
            np.testing.assert_allclose(theta, alone, rtol=1e-9)


def test_the_next_process_need_not_compile():
    code = (
        "import numpy as np; from sklearn_agl.potentials.solvers import _kalman;"
        "_kalman.KalmanFilter(3).update(np.zeros(3), np.ones((2, 3)), np.ones(2), 0.1);"
        "print(len(_kalman._update.stats.cache_hits))"
    )
    exec(code, {})
    hits = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert int(hits) == 1


@pytest.mark.parametrize("block", [1, 5, 40])
def test_one_pass_over_a_linear_problem_is_ridge_regression(block):
    rng = np.random.default_rng(0)
    H, targets = rng.normal(size=(40, 6)), rng.normal(size=40)
    prior_variance, noise = 2.0, 0.05
    filter_, theta = KalmanFilter(6, prior_variance), np.zeros(6)
    for first in range(0, 40, block):
        rows = slice(first, first + block)
        filter_.update(theta, H[rows], targets[rows] - H[rows] @ theta, noise)
    precision = H.T @ H / noise + np.eye(6) / prior_variance
    ridge = np.linalg.solve(precision, H.T @ targets / noise)
    np.testing.assert_allclose(theta, ridge, rtol=1e-9)
    np.testing.assert_allclose(filter_.covariance, np.linalg.inv(precision), rtol=1e-8, atol=1e-14)


def test_the_covariance_is_symmetric_and_a_copy():
    rng = np.random.default_rng(0)
    filter_ = KalmanFilter(5, 0.5)
    np.testing.assert_array_equal(filter_.covariance, 0.5 * np.eye(5))
    for _ in range(3):
        filter_.update(np.zeros(5), rng.normal(size=(4, 5)), rng.normal(size=4), 0.1)
    covariance = filter_.covariance
    np.testing.assert_array_equal(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0.0
    covariance[:] = 0.0
    assert filter_.covariance.any()


def test_forgetting_leads_back_to_the_prior():
    covariance = random_covariance(np.random.default_rng(0), 4)
    prior = np.array([1.0, 2.0, 3.0, 4.0])
    filter_ = KalmanFilter.from_covariance(covariance, prior)
    filter_.forget(0.25)
    np.testing.assert_allclose(filter_.covariance, 0.75 * covariance + 0.25 * np.diag(prior))
    filter_.forget(1.0)
    np.testing.assert_allclose(filter_.covariance, np.diag(prior))


def test_numbers_of_other_types_are_converted():
    rng = np.random.default_rng(0)
    gradients, residuals = rng.integers(-3, 4, (4, 5)), rng.integers(-3, 4, 4)
    results = []
    for kind in (int, np.float32, float):
        filter_, theta = KalmanFilter.from_covariance(np.eye(5, dtype=kind)), np.zeros(5)
        filter_.update(theta, gradients.astype(kind), residuals.astype(kind), 1)
        results.append(np.append(filter_.covariance, theta))
    np.testing.assert_array_equal(results[0], results[2])
    np.testing.assert_array_equal(results[1], results[2])


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("way", ["from_covariance", "load_state_dict"])
def test_the_given_covariance_is_not_overwritten(order, way):
    rng = np.random.default_rng(0)
    covariance = np.array(random_covariance(rng, 5), order=order)
    before = covariance.copy()
    if way == "from_covariance":
        filter_ = KalmanFilter.from_covariance(covariance)
    else:
        filter_ = KalmanFilter(5)
        filter_.load_state_dict({"covariance": covariance})
    filter_.update(np.zeros(5), rng.normal(size=(2, 5)), rng.normal(size=2), 0.1)
    filter_.forget(0.5)
    np.testing.assert_array_equal(covariance, before)


def test_a_restored_filter_goes_on_as_the_saved_one():
    rng = np.random.default_rng(0)
    filter_, theta = KalmanFilter(6), rng.normal(size=6)
    filter_.update(theta, rng.normal(size=(3, 6)), rng.normal(size=3), 0.1)
    state = copy.deepcopy(filter_.state_dict())
    gradients, residuals = rng.normal(size=(4, 6)), rng.normal(size=4)
    restored, other = KalmanFilter(6, 100.0), theta.copy()
    restored.load_state_dict(state)
    filter_.update(theta, gradients, residuals, 0.1)
    restored.update(other, gradients, residuals, 0.1)
    np.testing.assert_allclose(other, theta, rtol=1e-12)
    np.testing.assert_allclose(restored.covariance, filter_.covariance, rtol=1e-12)
