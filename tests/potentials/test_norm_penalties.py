import pickle

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.optimize import minimize, minimize_scalar
from sklearn.base import clone

from sklearn_agl import HDNNPRegressor
from sklearn_agl.io import save
from sklearn_agl.potentials.penalties._norm_penalties import (
    Lasso,
    Penalty,
    make_norm_penalty,
)
from sklearn_agl.potentials.penalties._penalty import GroupPenalty
from tests.potentials._data import random_problem

CONCAVE = [("mcp", 1.5), ("mcp", 3.0), ("mcp", 50.0), ("scad", 2.2), ("scad", 3.7), ("scad", 50.0)]
POSITIVE = st.floats(1e-3, 10.0)


def soft(z, threshold):
    return np.sign(z) * np.maximum(np.abs(z) - threshold, 0.0)


def published(penalty, concavity, z, strength, step):
    """Thresholding operators of Breheny and Huang (2015), for any curvature 1 / step."""
    if abs(z) > concavity * strength:
        return z
    if penalty == "mcp":
        return soft(z, step * strength) / (1.0 - step / concavity)
    if abs(z) <= (1.0 + step) * strength:
        return soft(z, step * strength)
    span = concavity - 1.0
    return soft(z, step * concavity * strength / span) / (1.0 - step / span)


@pytest.mark.parametrize(("penalty", "concavity"), CONCAVE)
@settings(max_examples=60, deadline=None)
@given(norm=st.floats(0.0, 30.0), strength=POSITIVE, step=POSITIVE)
def test_shrinking_minimises_the_proximal_objective(penalty, concavity, norm, strength, step):
    """Against brute force; long steps make a piece of the objective concave."""
    rho = make_norm_penalty(penalty, concavity)

    def objective(t):
        return (t - norm) ** 2 / (2.0 * step) + rho.value(t, strength)

    grid = np.linspace(0.0, norm, 400)
    best = np.argmin(objective(grid))
    bounds = grid[max(best - 1, 0)], grid[min(best + 1, 399)]
    lowest = objective(grid[best])
    if norm > 0.0:
        lowest = min(lowest, minimize_scalar(objective, bounds=bounds, method="bounded").fun)
    found = float(rho.shrink(np.array([norm]), np.array([strength]), step)[0])
    assert 0.0 <= found <= norm
    assert objective(found) <= lowest * (1 + 1e-12) + 1e-14


@pytest.mark.parametrize(("penalty", "concavity"), CONCAVE)
@pytest.mark.parametrize("step", [0.1, 0.5, 1.0])
def test_shrinking_is_what_is_published(penalty, concavity, step):
    z, strengths = np.linspace(0.0, 8.0, 101), np.full(101, 0.7)
    found = make_norm_penalty(penalty, concavity).shrink(z, strengths, step)
    expected = [published(penalty, concavity, one, 0.7, step) for one in z]
    assert_allclose(found, expected, atol=1e-12)
    assert_array_equal(found == 0.0, z <= step * 0.7)


@pytest.mark.parametrize(("penalty", "concavity"), CONCAVE)
def test_the_value_is_the_integral_of_the_slope(penalty, concavity):
    rho = make_norm_penalty(penalty, concavity)
    assert rho.slope(0.0, 0.4) == 0.4
    assert rho.slope(1.001 * 0.4 * concavity, 0.4) == 0.0
    for t in (0.1, 0.4, 0.5, 1.0, 3.0, 100.0):
        kinks = [p for p in (0.4, 0.4 * concavity) if p < t]
        expected = quad(lambda x: rho.slope(x, 0.4), 0.0, t, points=kinks or None)[0]
        assert_allclose(rho.value(t, 0.4), expected, rtol=1e-9)


@pytest.mark.parametrize("penalty", ["mcp", "scad"])
def test_the_limit_of_large_concavities_is_the_lasso(penalty):
    rho, lasso = make_norm_penalty(penalty, 1e10), Lasso()
    rng = np.random.default_rng(0)
    norms, strengths = np.append(0.0, rng.exponential(size=20)), rng.exponential(size=21)
    for got, expected in (
        (rho.value(norms, strengths), lasso.value(norms, strengths)),
        (rho.slope(norms, strengths), lasso.slope(norms, strengths)),
        (rho.shrink(norms, strengths, 0.3), lasso.shrink(norms, strengths, 0.3)),
    ):
        assert_allclose(got, expected, atol=1e-8)


@pytest.mark.parametrize("penalty", ["lasso", "mcp", "scad"])
def test_no_strength_no_penalty(penalty):
    rho, norms = make_norm_penalty(penalty, None), np.array([0.0, 1.0, 5.0])
    assert not rho.value(norms, np.zeros(3)).any()
    assert not rho.slope(norms, np.zeros(3)).any()
    assert_array_equal(rho.shrink(norms, np.zeros(3), 100.0), norms)


@pytest.mark.parametrize(
    ("penalty", "concavity"), [("mcp", 1.0), ("scad", 2.0), ("scad", 1.5), ("mcp", np.inf)]
)
def test_a_concavity_that_cannot_be_is_named(penalty, concavity):
    with pytest.raises(ValueError, match=rf"concavity={concavity} with penalty='{penalty}'"):
        make_norm_penalty(penalty, concavity)


class LogPenalty(Penalty):
    """A penalty as a user would write it."""

    def __init__(self, width=0.1):
        self.width = width

    def value(self, norms, strengths):
        return strengths * self.width * np.log1p(norms / self.width)

    def slope(self, norms, strengths):
        return strengths / (1.0 + norms / self.width)


@settings(max_examples=60, deadline=None)
@given(norm=st.floats(0.0, 30.0), strength=POSITIVE, step=POSITIVE, width=st.floats(0.5, 5.0))
def test_the_default_step_minimises_the_proximal_objective(norm, strength, step, width):
    rho = LogPenalty(width)
    found = rho.shrink(np.array([norm]), np.array([strength]), step)[0]
    grid = np.linspace(0.0, norm, 1000)
    objective = (grid - norm) ** 2 / (2.0 * step) + rho.value(grid, strength)
    own = (found - norm) ** 2 / (2.0 * step) + rho.value(found, strength)
    assert own <= objective.min() + 1e-6 * (1.0 + objective.min())


@pytest.mark.parametrize("solver", ["kalman", "lm", "adamw"])
def test_an_own_penalty_trains_with_every_solver(solver):
    X = np.random.default_rng(0).normal(size=(60, 4))
    settings = {"alpha": 0.5, "penalty": LogPenalty(), "max_epochs": 20, "lr": 0.05}
    model = clone(HDNNPRegressor((3,), solver=solver, random_state=0, **settings))
    model.set_params(penalty__width=0.2).fit(X, X[:, 1])
    assert model.group_norms_[1] > 0.0 and not model.group_norms_.all()
    again = pickle.loads(pickle.dumps(model))
    assert again.penalty.width == 0.2
    assert_array_equal(again.predict(X), model.predict(X))


def test_an_own_penalty_without_a_method_is_named():
    with pytest.raises(NotImplementedError, match="Penalty has no method slope"):
        HDNNPRegressor((3,), alpha=0.1, penalty=Penalty()).fit(np.eye(9), np.arange(9.0))


def test_an_own_penalty_cannot_be_saved_without_pickle(tmp_path):
    with pytest.raises(ValueError, match="penalty"):
        save(HDNNPRegressor(penalty=LogPenalty()), tmp_path / "model.npz")


# Of whole groups of weights


@pytest.fixture
def layout():
    return random_problem(np.random.default_rng(0), (4, 3))[0]


@pytest.mark.parametrize(("penalty", "concavity"), CONCAVE)
def test_the_tangent_lies_above_the_penalty_and_touches_it(layout, penalty, concavity):
    rng = np.random.default_rng(1)
    strengths = np.full(4, 0.8)
    concave = GroupPenalty(layout, strengths, 0.01, make_norm_penalty(penalty, concavity))
    at = rng.normal(size=layout.n_weights)
    at[layout.groups[2]] = 0.0
    tangent = GroupPenalty(layout, concave.slopes(at), 0.01, Lasso())
    gap = tangent.value(at) - concave.value(at)
    for scale in (0.0, 0.01, 1.0, 10.0):
        moved = at + scale * rng.normal(size=len(at))
        assert concave.value(moved) <= tangent.value(moved) - gap + 1e-12
    assert concave.slopes(at)[2] == 0.8


@pytest.mark.parametrize("penalty", ["lasso", "mcp", "scad"])
@pytest.mark.parametrize("length", [0.3, 1.0])
def test_a_euclidean_step_minimises_over_all_weights(layout, penalty, length):
    rng = np.random.default_rng(2)
    theta = rng.normal(size=layout.n_weights)
    for group, size in zip(layout.groups, (0.1, 0.7, 1.5, 9.0), strict=True):
        theta[group] *= size / np.linalg.norm(theta[group])
    rho = make_norm_penalty(penalty, None)
    group_penalty = GroupPenalty(layout, np.full(4, 0.5), 0.0, rho)

    def objective(w):
        return np.sum((w - theta) ** 2) / (2.0 * length) + group_penalty.value(w)

    found = theta.copy()
    group_penalty.euclidean_step(found, length)
    expected = minimize(objective, found + 1e-3 * rng.normal(size=len(theta)), method="Powell")
    assert objective(found) <= expected.fun + 1e-9
    assert not found[layout.groups[0]].any()
    assert found[layout.groups[3]].any()
    assert_array_equal(found[layout.inner_weights], theta[layout.inner_weights])


def test_a_euclidean_step_leaves_zeros_alone(layout):
    theta = np.zeros(layout.n_weights)
    GroupPenalty(layout, np.ones(4), 0.0, make_norm_penalty("mcp", None)).euclidean_step(theta, 0.1)
    assert not theta.any()
