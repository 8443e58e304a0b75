"""Solvers of users: one method, and everything else works."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.linear_model import Lasso

from sklearn_agl import AdaptiveGroupLassoSelector, HDNNPRegressor
from sklearn_agl.potentials import Solver


class Descent(Solver):
    """Proximal gradient descent with momentum."""

    max_epochs = 300

    def __init__(self, length=0.05, momentum=0.8):
        self.length = length
        self.momentum = momentum

    def start(self, n_weights):
        return {"velocity": np.zeros(n_weights), "n_steps": 0}

    def step(self, batch, weights, state):
        state["n_steps"] += 1
        state["velocity"] *= self.momentum
        state["velocity"] -= self.length * batch.gradient(weights)
        weights += state["velocity"]
        batch.shrink(weights, self.length)
        return weights


@pytest.fixture(scope="module")
def table():
    X = np.random.default_rng(0).normal(size=(80, 5))
    return X, X[:, 0] - 0.3 * X[:, 2]


def test_an_own_solver_comes_to_the_lasso(table):
    X, y = table
    model = HDNNPRegressor(
        (), alpha=0.5, solver=Descent(0.1, 0.0), batch_size=80, early_stopping=False, random_state=0
    ).fit(X, y)
    Z, t = (X - X.mean(0)) / X.std(0), (y - y.mean()) / y.std()
    expected = Lasso(0.5 / (2 * 5), tol=1e-12, fit_intercept=False).fit(Z, t).coef_
    assert_allclose(model.weights_[:-1], expected, atol=1e-8)
    assert_array_equal(model.group_norms_ == 0.0, expected == 0.0)


def test_the_gradient_of_a_batch_is_that_of_the_smooth_objective(table):
    class Look(Descent):
        def step(self, batch, weights, state):
            def smooth(w):
                errors, _ = batch.errors_and_gradients(w)
                return np.mean(errors**2) + batch.penalty.value(w) - batch.penalty.of_norms(w)

            found.append(
                (
                    batch.gradient(weights),
                    minimize(smooth, weights, tol=0.0, options={"maxiter": 0}).jac,
                )
            )
            return weights

    found = []
    HDNNPRegressor(
        (3,), alpha=0.1, weight_decay=0.1, solver=Look(), max_epochs=1, random_state=0
    ).fit(*table)
    for gradient, differences in found:
        assert_allclose(gradient, differences, atol=1e-6)


def test_what_the_others_have_an_own_solver_has(table):
    X, y = table
    model = clone(HDNNPRegressor((4,), solver=Descent(), alpha=0.01, random_state=0))
    model.set_params(solver__momentum=0.5).fit(X, y)
    assert model.solver.momentum == 0.5 and model.score(X, y) > 0.8
    assert len(model.net_.history) == model.n_iter_ <= 300
    assert model.net_.optimizer_["n_steps"] > 0
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(X), model.predict(X))


def test_selectors_train_with_an_own_solver(table, tmp_path):
    estimator = HDNNPRegressor((3,), solver=Descent(), max_epochs=20, random_state=0)
    selector = AdaptiveGroupLassoSelector(estimator, n_features_to_select=2, checkpoint=tmp_path)
    expected = clone(selector).set_params(checkpoint=None).fit(*table)
    first, again = selector.fit(*table), clone(selector).fit(*table)
    for found in (first, again):
        assert_array_equal(found.get_support(), expected.get_support())
    assert expected.get_support().sum() == 2


def test_a_solver_without_a_step_is_named(table):
    with pytest.raises(NotImplementedError, match="Solver has no method step"):
        HDNNPRegressor((3,), solver=Solver()).fit(*table)


def test_the_cpu_is_all_that_it_has(table):
    with pytest.raises(ValueError, match=r"device='meta' is of no use to solver=Descent\(\)"):
        HDNNPRegressor((3,), solver=Descent(), device="meta").fit(*table)
