import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import minimize

from sklearn_agl.potentials.penalties._proximal import diagonal_proximal_step, metric_proximal_step
from tests.potentials._data import random_covariance

RAGGED = ((0, 4, 5), (1,), (6, 2), (8, 9, 10, 3))


def as_groups(groups):
    return [np.array(group) for group in groups]


def fista(theta, covariance, groups, strengths, n_steps=20_000):
    """Accelerated proximal gradient on the primal, with restarts (O'Donoghue & Candès 2015)."""
    precision = np.linalg.inv(covariance)
    step = 1.0 / np.linalg.eigvalsh(precision).max()
    w = point = theta.copy()
    momentum = 1.0
    for _ in range(n_steps):
        new = point - step * precision @ (point - theta)
        for group, strength in zip(groups, strengths, strict=True):
            norm = np.linalg.norm(new[group])
            new[group] *= max(0.0, 1.0 - step * strength / norm) if norm else 0.0
        if (point - new) @ (new - w) > 0.0:
            momentum = 1.0
        faster = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        point = new + (momentum - 1.0) / faster * (new - w)
        if np.abs(new - w).max() < 1e-14:
            break
        w, momentum = new, faster
    return w


def optimality_error(w, theta, covariance, groups, strengths):
    """Distance of P^-1 (theta - w) from the subdifferential of the penalty at w."""
    gradient = np.linalg.solve(covariance, theta - w)
    error = np.zeros_like(w)
    error[:] = gradient
    for group, strength in zip(groups, strengths, strict=True):
        norm = np.linalg.norm(w[group])
        if norm:
            error[group] -= strength * w[group] / norm
        else:
            length = np.linalg.norm(gradient[group])
            error[group] *= max(0.0, 1.0 - strength / length) if length else 0.0
    return np.abs(error).max() / max(1.0, np.abs(gradient).max())


def problem(seed, n=12, strength=1.0):
    """A penalty that takes about half of the groups out."""
    rng = np.random.default_rng(seed)
    covariance = random_covariance(rng, n)
    theta = rng.normal(size=n)
    groups = as_groups(RAGGED)
    at_zero = np.linalg.solve(covariance, theta)
    typical = np.median([np.linalg.norm(at_zero[group]) for group in groups])
    return theta, covariance, groups, strength * typical * rng.uniform(0.1, 1.0, len(groups))


@pytest.mark.parametrize("strength", [1e-3, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_metric_step_equals_an_independent_solver(seed, strength):
    theta, covariance, groups, strengths = problem(seed, strength=strength)
    expected = fista(theta, covariance, groups, strengths)
    w, _ = metric_proximal_step(theta, covariance, groups, strengths, tol=1e-13, max_sweeps=20_000)
    np.testing.assert_allclose(w, expected, atol=1e-6)
    for group in groups:
        assert w[group].any() == (np.linalg.norm(expected[group]) > 1e-8)


def test_the_problems_have_zero_and_nonzero_groups():
    n_zero = []
    for seed in range(4):
        theta, covariance, groups, strengths = problem(seed)
        w, _ = metric_proximal_step(theta, covariance, groups, strengths, tol=1e-12)
        n_zero.append(sum(not w[group].any() for group in groups))
    assert min(n_zero) < len(RAGGED)
    assert max(n_zero) > 0


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    strength=st.just(0.0) | st.floats(1e-9, 3.0),
    n=st.integers(11, 25),
)
def test_metric_step_satisfies_the_optimality_conditions(seed, strength, n):
    theta, covariance, groups, strengths = problem(seed, n, strength)
    w, dual = metric_proximal_step(
        theta, covariance, groups, strengths, tol=1e-14, max_sweeps=100_000
    )
    assert optimality_error(w, theta, covariance, groups, strengths) < 1e-4
    assert (np.linalg.norm(dual, axis=1) <= strengths * (1 + 1e-8) + 1e-14).all()


def test_no_strength_changes_nothing():
    theta, covariance, groups, _ = problem(0)
    w, dual = metric_proximal_step(theta, covariance, groups, np.zeros(len(groups)))
    np.testing.assert_array_equal(w, theta)
    assert not dual.any()


def test_an_unpenalised_group_among_penalised_ones_is_exact():
    theta, covariance, groups, strengths = problem(1)
    strengths[2] = 0.0
    w, _ = metric_proximal_step(theta, covariance, groups, strengths, tol=1e-13, max_sweeps=20_000)
    np.testing.assert_allclose(w, fista(theta, covariance, groups, strengths), atol=1e-6)


def test_a_huge_strength_conditions_the_rest_on_zero():
    theta, covariance, groups, strengths = problem(2)
    w, _ = metric_proximal_step(
        theta, covariance, groups, 1e6 * strengths, tol=1e-14, max_sweeps=100_000
    )
    gone = np.concatenate(groups)
    assert not w[gone].any()
    free = np.setdiff1d(np.arange(len(theta)), gone)
    shift = np.linalg.solve(covariance[np.ix_(gone, gone)], theta[gone])
    expected = theta[free] - covariance[np.ix_(free, gone)] @ shift
    np.testing.assert_allclose(w[free], expected, rtol=1e-5)


def test_a_diagonal_covariance_gives_soft_thresholding_of_groups():
    theta = np.array([3.0, 4.0, 0.3, -0.4, 7.0])
    groups = as_groups([(0, 1), (2, 3)])
    w, _ = metric_proximal_step(theta, 2.0 * np.eye(5), groups, np.array([0.5, 0.5]))
    np.testing.assert_allclose(w, [3.0 * 0.8, 4.0 * 0.8, 0.0, 0.0, 7.0])


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_a_warm_start_leads_to_the_same_solution(factor):
    theta, covariance, groups, strengths = problem(3)
    exact = {"tol": 1e-14, "max_sweeps": 100_000}
    _, dual = metric_proximal_step(theta, covariance, groups, strengths, **exact)
    moved = theta + 0.1
    cold, _ = metric_proximal_step(moved, covariance, groups, factor * strengths, **exact)
    warm, _ = metric_proximal_step(moved, covariance, groups, factor * strengths, dual, **exact)
    np.testing.assert_allclose(warm, cold, atol=1e-6)


def test_the_inputs_of_the_metric_step_are_left_alone():
    theta, covariance, groups, strengths = problem(0)
    dual = np.ones((len(groups), 4))
    given = [theta, covariance, strengths, dual]
    copies = [array.copy() for array in given]
    metric_proximal_step(theta, covariance, groups, strengths, dual)
    for array, before in zip(given, copies, strict=True):
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("seed", range(5))
def test_diagonal_step_equals_scipy(seed):
    rng = np.random.default_rng(seed)
    theta, lengths = rng.normal(size=4), np.exp(rng.normal(size=4))
    group, strength = np.array([0, 2, 3]), 0.2

    def objective(w):
        return np.sum((w - theta) ** 2 / lengths) / 2 + strength * np.linalg.norm(w[group])

    w = theta.copy()
    diagonal_proximal_step(w, lengths, [group], [strength])
    found = minimize(objective, theta, method="BFGS", options={"gtol": 1e-10})
    assert w[group].any(), "a smooth solver needs a solution off the kink"
    np.testing.assert_allclose(w, found.x, atol=1e-6)
    assert w[1] == theta[1]


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10_000), strength=st.just(0.0) | st.floats(1e-9, 10.0))
def test_diagonal_step_satisfies_the_optimality_conditions(seed, strength):
    rng = np.random.default_rng(seed)
    theta, lengths = rng.normal(size=12), np.exp(3 * rng.normal(size=12))
    groups, strengths = as_groups(RAGGED), strength * rng.uniform(size=4)
    w = theta.copy()
    diagonal_proximal_step(w, lengths, groups, strengths)
    assert optimality_error(w, theta, np.diag(lengths), groups, strengths) < 1e-8


def test_steps_of_no_length_change_nothing():
    w = np.array([0.1, -0.1, 3.0])
    diagonal_proximal_step(w, np.zeros(3), as_groups([(0, 1), (2,)]), [1.0, 1.0])
    np.testing.assert_array_equal(w, [0.1, -0.1, 3.0])


def test_diagonal_step_gives_exact_zeros_and_skips_unpenalised_groups():
    w = np.array([0.1, -0.1, 0.1, 5.0])
    diagonal_proximal_step(w, np.ones(4), as_groups([(0, 1), (2,), (3,)]), [1.0, 0.0, 1.0])
    np.testing.assert_allclose(w, [0.0, 0.0, 0.1, 4.0])
    assert not w[:2].any()
