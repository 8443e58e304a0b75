"""LassoNet's proximal operator against brute force and the authors' own code."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from lassonet.prox import prox
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from sklearn_agl.selection.lasso_net._hierarchy import hierarchical_proximal_step, hierarchical_step

numbers = st.floats(-3, 3, allow_subnormal=False)


def objective(t, w, skip, weights, strength, metrics=(1.0, 1.0)):
    distance = metrics[0] * (t - skip) ** 2 + metrics[1] * np.sum((w - weights) ** 2)
    return 0.5 * distance + strength * abs(t)


def brute_force(skip, weights, strength, bound, metrics, rng):
    """The lowest value that a general solver finds on the two sides of the skip weight's sign."""
    values = []
    for sign in (-1.0, 1.0):

        def value(x, sign=sign):
            return objective(sign * x[0], x[1:], skip, weights, strength, metrics)

        inside = {"type": "ineq", "fun": lambda x: np.r_[x[0], bound * x[0] - x[1:]]}
        below = {"type": "ineq", "fun": lambda x: bound * x[0] + x[1:]}
        for start in rng.normal(size=(3, len(weights) + 1)):
            found = minimize(
                value,
                np.r_[abs(start[0]), np.clip(start[1:], *(bound * abs(start[0]) * np.r_[-1, 1]))],
                constraints=[inside, below],
                method="SLSQP",
                options={"ftol": 1e-14, "maxiter": 500},
            )
            values.append(found.fun)
    return min(values)


@pytest.mark.parametrize("metrics", [(1.0, 1.0), (0.3, 2.5)])
@pytest.mark.parametrize("bound", [0.0, 0.3, 2.0, 10.0])
@pytest.mark.parametrize("strength", [0.0, 0.5, 4.0])
def test_nothing_is_lower(bound, strength, metrics):
    rng = np.random.default_rng(0)
    for _ in range(3):
        skip, weights = rng.normal(), rng.normal(size=4)
        w = weights.copy()
        t = hierarchical_step(skip, w, strength, bound, *metrics)
        lowest = brute_force(skip, weights, strength, bound, metrics, rng)
        assert objective(t, w, skip, weights, strength, metrics) <= lowest + 1e-7


@settings(deadline=None)
@given(numbers, arrays(float, 5, elements=numbers), st.floats(0, 20), st.floats(0, 20))
def test_the_hierarchy_holds_and_small_features_vanish(skip, weights, strength, bound):
    w = weights.copy()
    t = hierarchical_step(skip, w, strength, bound)
    assert (np.abs(w) <= bound * abs(t)).all()
    assert (t == 0.0) == (abs(skip) + bound * np.abs(weights).sum() <= strength) or np.isclose(
        abs(skip) + bound * np.abs(weights).sum(), strength, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("bound", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("strength", [0.0, 0.2, 2.0, 30.0])
def test_same_as_the_package(bound, strength):
    rng = np.random.default_rng(1)
    skip, weights = rng.normal(size=200), rng.normal(size=(7, 200))
    theirs = prox(
        torch.tensor(skip[None]), torch.tensor(weights), lambda_=strength, lambda_bar=0, M=bound
    )
    hierarchical_proximal_step(skip, weights, strength, bound)
    assert_allclose(skip, theirs[0].numpy()[0], atol=1e-13)
    assert_allclose(weights, theirs[1].numpy(), atol=1e-13)
