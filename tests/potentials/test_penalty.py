import numpy as np
import pytest

from sklearn_agl.potentials.penalties._norm_penalties import Lasso
from sklearn_agl.potentials.penalties._penalty import GroupPenalty
from tests.potentials._data import random_covariance, random_problem


@pytest.fixture
def layout():
    return random_problem(np.random.default_rng(0), (4, 3))[0]


def test_value_is_the_documented_sum(layout):
    theta = np.random.default_rng(1).normal(size=layout.n_weights)
    strengths = np.array([0.5, 0.0, 2.0, 1.0])
    penalty = GroupPenalty(layout, strengths, 0.1, Lasso())
    expected = 0.1 * np.sum(theta[layout.inner_weights] ** 2)
    for strength, group in zip(strengths, layout.groups, strict=True):
        expected += strength * np.sqrt(np.sum(theta[group] ** 2))
    np.testing.assert_allclose(penalty.value(theta), expected)


def test_dropped_features_do_not_count(layout):
    smaller, kept, _ = layout.without([1])
    theta = np.random.default_rng(1).normal(size=layout.n_weights)
    theta[layout.groups[1]] = 0.0
    full = GroupPenalty(layout, np.ones(4), 0.0, Lasso())
    rest = GroupPenalty(smaller, np.array([1.0, np.inf, 1.0, 1.0]), 0.0, Lasso())
    np.testing.assert_allclose(rest.value(theta[kept]), full.value(theta))


def test_it_selects_if_any_strength_is_positive(layout):
    assert not GroupPenalty(layout, np.zeros(4), 1.0, Lasso()).selects
    assert GroupPenalty(layout, np.array([0.0, 0.0, 1e-9, 0.0]), 0.0, Lasso()).selects
    smaller, _, _ = layout.without([2])
    assert not GroupPenalty(smaller, np.array([0.0, 0.0, 1e-9, 0.0]), 0.0, Lasso()).selects


def test_step_lowers_the_quadratic_model_and_meets_it_on_repetition(layout):
    rng = np.random.default_rng(2)
    theta = rng.normal(size=layout.n_weights)
    covariance = random_covariance(rng, layout.n_weights)
    precision = np.linalg.inv(covariance)
    penalty = GroupPenalty(layout, np.full(4, 0.05), 0.0, Lasso())

    def model(w):
        return (w - theta) @ precision @ (w - theta) / 2 + 3.0 * penalty.value(w)

    first = penalty.step(theta, covariance, 3.0 * penalty.strengths)
    for _ in range(20):
        last = penalty.step(theta, covariance, 3.0 * penalty.strengths)
    assert model(first) < model(theta)
    assert model(last) <= model(first) * (1 + 1e-9)
    around = [model(last + 1e-3 * rng.normal(size=len(theta))) for _ in range(50)]
    assert model(last) < min(around)
