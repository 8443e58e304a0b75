import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Lasso
from skorch.callbacks import LRScheduler

from sklearn_agl import HDNNPRegressor
from sklearn_agl.potentials.data._held_out import hold_out
from sklearn_agl.potentials.training._training import Training
from tests.potentials._data import COLUMNS, SOLVERS, short
from tests.potentials.test_norm_penalties import published

CLOSE = {"kalman": 3e-2, "lm": 3e-6, "adamw": 4e-3}
"""How near each solver comes to the weights of a linear model."""
CUBED = {"kalman": 0.2, "lm": 0.05, "adamw": 0.05}
"""The same, relative, for the cube of an inner weight."""


def standardised(X, y):
    return (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()


def lasso(X, y, alpha, factors=1.0):
    """Coefficients in standardised units, from scikit-learn: (MSE + alpha / N sum c |w|) / 2."""
    Z, t = standardised(X, y)
    if alpha == 0.0:
        return np.linalg.lstsq(Z, t)[0]
    factors = np.broadcast_to(factors, Z.shape[1])
    model = Lasso(alpha / (2 * Z.shape[1]), tol=1e-12, max_iter=100_000, fit_intercept=False)
    return model.fit(Z / factors, t).coef_ / factors


def linear(solver, **params):
    """Settings of a full-batch fit that converges: Adam needs a learning rate that decays."""
    settings = {"hidden_layer_sizes": (), "early_stopping": False, "batch_size": 120}
    if solver == "adamw":
        decay = LRScheduler("CosineAnnealingLR", T_max=400)
        settings |= {"max_epochs": 400, "lr": 0.05, "callbacks": [decay]}
    else:
        settings |= {"max_epochs": 100}
    return HDNNPRegressor(solver=solver, random_state=0, **(settings | params))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0, 3.0])
def test_a_linear_model_is_the_lasso(table, solver, alpha):
    X, y = table
    expected = lasso(X, y, alpha)
    model = linear(solver, alpha=alpha).fit(X, y)
    assert_allclose(model.weights_[:-1], expected, atol=CLOSE[solver])
    assert_array_equal(model.group_norms_ > 0, expected != 0)


@pytest.mark.parametrize("solver", SOLVERS)
def test_feature_weights_multiply_the_penalty(table, solver):
    X, y = table
    factors = np.array([4.0, 0.5, 0.1, 1.0, 2.0])
    expected = lasso(X, y, 1.0, factors)
    assert (expected != lasso(X, y, 1.0)).any()
    model = linear(solver, alpha=1.0, feature_weights=factors).fit(X, y)
    assert_allclose(model.weights_[:-1], expected, atol=CLOSE[solver])
    assert_array_equal(model.group_norms_ > 0, expected != 0)


def concave_by_coordinates(X, y, alpha, penalty, concavity):
    """The same with a concave penalty: coordinate descent with the published operators."""
    Z, t = standardised(X, y)
    strength = alpha / Z.shape[1]
    curvature = np.linalg.eigvalsh(2.0 * Z.T @ Z / len(t)).min()
    assert curvature > 1.0 / (concavity - 1.0), "the objective has to be convex"
    w = np.zeros(Z.shape[1])
    for _ in range(5000):
        for j in range(len(w)):
            z = w[j] + Z[:, j] @ (t - Z @ w) / len(t)
            w[j] = published(penalty, concavity, z, strength, 0.5)
    return w


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("penalty", "concavity"), [("mcp", 6.0), ("scad", 7.0)])
def test_a_linear_model_with_a_concave_penalty(table, solver, penalty, concavity):
    X, y = table
    expected = concave_by_coordinates(X, y, 1.0, penalty, concavity)
    assert 0 < np.count_nonzero(expected) < 5
    assert np.abs(expected - lasso(X, y, 1.0)).max() > 0.02
    model = linear(solver, alpha=1.0, penalty=penalty, concavity=concavity).fit(X, y)
    # Next to no curvature is left, in which equal gradients lead less far.
    assert_allclose(model.weights_[:-1], expected, atol=max(CLOSE[solver], 1e-5))
    assert_array_equal(model.group_norms_ > 0, expected != 0)


@pytest.mark.parametrize("penalty", ["mcp", "scad"])
def test_plain_gradients_with_the_exact_step_of_a_concave_penalty(table, penalty):
    X, y = table
    expected = concave_by_coordinates(X, y, 1.0, penalty, 12.0)
    exact = {"proximal_metric": "euclidean", "optimizer": torch.optim.SGD}
    settings = {"max_epochs": 500, "lr": 0.3, "callbacks": None, "net_params": exact}
    model = linear("adamw", alpha=1.0, penalty=penalty, concavity=12.0, **settings).fit(X, y)
    assert_allclose(model.weights_[:-1], expected, atol=1e-5)
    assert_array_equal(model.group_norms_ > 0, expected != 0)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("penalty", ["mcp", "scad"])
def test_large_concavities_give_the_group_lasso(mixed, solver, penalty):
    settings = {"solver": solver, "alpha": 0.05}
    expected = short(**settings).fit(*mixed)
    found = short(penalty=penalty, concavity=1e12, **settings).fit(*mixed)
    assert_allclose(found.weights_, expected.weights_, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("solver", SOLVERS)
def test_nothing_is_selected_just_above_the_largest_useful_alpha(table, solver):
    X, y = table
    Z, t = standardised(X, y)
    # The subdifferential of the objective holds 0 at w = 0 where |2 Z.T t| / n <= alpha / N.
    alpha_max = np.abs(2 * Z.T @ t).max() / len(t) * Z.shape[1]
    above = linear(solver, alpha=1.02 * alpha_max).fit(X, y)
    assert not above.group_norms_.any()
    assert_allclose(above.predict(X), y.mean(), atol=0.01)
    below = linear(solver, alpha=0.95 * alpha_max).fit(X, y)
    expected = lasso(X, y, 0.95 * alpha_max)
    assert expected.any()
    assert_array_equal(below.group_norms_ > 0, expected != 0)


@pytest.mark.parametrize("solver", SOLVERS)
def test_one_hidden_identity_layer_fits_the_group_lasso_of_its_product(table, solver):
    """With decay b on the inner weights v, |w_i| is scaled by |v|: compare the objectives.

    For effective coefficients u = w v and one hidden node, min over the split of
    alpha / N sum_i |w_i| + b v^2 at fixed u is at v^3 = alpha / (2 b N) sum_i |u_i|.
    """
    X, y = table
    alpha, decay = 0.3, 0.05
    settings = {"hidden_layer_sizes": (1,), "activation": "identity", "weight_decay": decay}
    model = linear(solver, alpha=alpha, **settings)
    if solver == "kalman":
        model.set_params(max_epochs=300)
    model.fit(X, y)
    w, v = model.weights_[:5], model.weights_[6]
    assert_allclose(abs(v) ** 3, alpha / (2 * decay * 5) * np.abs(w * v).sum(), rtol=CUBED[solver])
    # At fixed v, the effective coefficients solve a lasso of strength alpha / |v|.
    assert_allclose(w * v, lasso(X, y, alpha / abs(v)), atol=max(CLOSE[solver], 0.01))


def test_a_learning_rate_of_zero_leaves_the_weights_alone(table):
    """Cosine annealing ends there, and a proximal step of no length divides by nothing."""
    schedule = LRScheduler("LambdaLR", lr_lambda=lambda epoch: float(epoch == 0))
    settings = {"alpha": 0.1, "callbacks": [schedule], "early_stopping": False}
    moved = short("adamw", max_epochs=1, **settings).fit(*table)
    stayed = short("adamw", max_epochs=3, **settings).fit(*table)
    assert_array_equal(stayed.weights_, moved.weights_)


@pytest.mark.parametrize("solver", SOLVERS)
def test_losses_are_the_documented_objective(mixed, solver, monkeypatch):
    # At last, the filter trains on the held-out structures as well.
    monkeypatch.setattr(Training, "learn_held_out", lambda training: None)
    X, y = mixed
    factors = np.array([1.0, 2.0, 0.5, 1.0, 3.0, 1.0])
    model = short(solver, alpha=0.2, feature_weights=factors, weight_decay=0.01, batch_size=60)
    model.set_params(hidden_layer_sizes=(4, 3), early_stopping=True).fit(X, y)
    shapes = [(len(COLUMNS[z]), 4, 3, 1) for z in (1, 8)]
    theta, norms_squared, inner = model.weights_, np.zeros(6), 0.0
    for z, sizes in zip((1, 8), shapes, strict=True):
        for layer, (n_in, n_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
            matrix, theta = theta[: n_in * n_out].reshape(n_out, n_in), theta[n_in * n_out :]
            theta = theta[n_out:]
            if layer == 0:
                norms_squared[list(COLUMNS[z])] += (matrix**2).sum(axis=0)
            else:
                inner += np.sum(matrix**2)
    assert not len(theta)
    assert_allclose(model.group_norms_, np.sqrt(norms_squared), rtol=1e-6)
    penalty = 0.2 / 6 * factors @ np.sqrt(norms_squared) + 0.01 * inner
    # Which structures were held out, and the sigma of the others, follow from the random state.
    counts = np.stack([np.count_nonzero(X.numbers == z, axis=1) for z in (1, 8)], axis=1)
    held_out = hold_out(counts, y, 0.1, np.random.RandomState(0))
    train = np.setdiff1d(np.arange(len(X)), held_out)
    fractions, per_atom = counts / X.n_atoms[:, None], y / X.n_atoms
    references = np.linalg.lstsq(fractions[train], per_atom[train], rcond=None)[0]
    assert_allclose(model.energy_references_, references)
    sigma = np.std(per_atom[train] - fractions[train] @ references)
    errors = (model.predict(X) - y) / X.n_atoms
    expected = np.mean((errors[held_out] / sigma) ** 2) + penalty
    assert_allclose(min(model.net_.history[:, "valid_loss"]), expected, rtol=1e-5)
    assert_allclose(model.validation_rmse_, np.sqrt(np.mean(errors[held_out] ** 2)), rtol=1e-5)
