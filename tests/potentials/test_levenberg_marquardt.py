import copy
import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import MultiTaskLasso, Ridge

from sklearn_agl import AdaptiveGroupLassoSelector, AtomicFeatures, HDNNPRegressor
from sklearn_agl.potentials.data._training_set import TrainingSet
from sklearn_agl.potentials.networks._layout import NetworkLayout
from sklearn_agl.potentials.penalties._norm_penalties import Lasso
from sklearn_agl.potentials.penalties._penalty import GroupPenalty
from sklearn_agl.potentials.solvers._levenberg_marquardt import (
    LARGEST_DAMPING,
    SMALLEST_DAMPING,
    Damping,
    GaussNewtonSums,
    QuadraticModel,
)
from sklearn_agl.potentials.training._training import Training
from tests.potentials._data import mixed_features, random_problem
from tests.selection._planted import planted

EXACT = {"solver": "lm", "early_stopping": False, "max_epochs": 1000, "random_state": 0}
"""Settings that go on until the optimality conditions hold."""


@pytest.fixture
def table():
    X, y, _ = planted(0, n_samples=100, n_features=6)
    return X, y


@pytest.fixture
def mixed():
    X = mixed_features(np.random.default_rng(0), n_structures=60)
    known = np.nan_to_num(X.values)
    return X, np.tanh(known[:, :, 0]).sum(axis=1) + known[:, :, 1].sum(axis=1) - 3.0 * X.n_atoms


# The model of a step


def quadratic_problem(seed, n_structures=30, strength=0.0, weight_decay=0.0):
    """A model around random weights, its penalty, and what it was made from."""
    rng = np.random.default_rng(seed)
    layout, _, weights = random_problem(rng, hidden=(3,))
    penalty = GroupPenalty(layout, np.full(4, strength), weight_decay, Lasso())
    errors, jacobian = rng.normal(size=n_structures), rng.normal(size=(n_structures, len(weights)))
    sums = GaussNewtonSums()
    for first in range(0, n_structures, 7):
        sums.add(errors[first : first + 7], jacobian[first : first + 7])
    model = QuadraticModel(weights, penalty, sums, n_structures)
    return model, penalty, errors, jacobian


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_the_model_is_the_objective_of_a_linear_problem(weight_decay):
    model, penalty, errors, jacobian = quadratic_problem(0, weight_decay=weight_decay)
    moved = model.weights + np.random.default_rng(1).normal(size=len(model.weights))
    after = np.mean((errors + jacobian @ (moved - model.weights)) ** 2)
    change = after + penalty.value(moved) - np.mean(errors**2) - penalty.value(model.weights)
    assert_allclose(model.change(moved), change)
    assert_allclose(model.squared_error, np.mean(errors**2))


def test_without_a_penalty_a_step_is_ridge_regression():
    model, penalty, errors, jacobian = quadratic_problem(1)
    damping = 0.1
    # Levenberg's step minimises mean (e + J s)^2 + damping / 2 s^2.
    ridge = Ridge(alpha=damping * len(errors) / 2, fit_intercept=False).fit(jacobian, -errors)
    assert_allclose(model.minimise(damping, penalty) - model.weights, ridge.coef_, rtol=1e-8)


@pytest.mark.parametrize("strength", [0.1, 1.0, 10.0])
def test_a_step_minimises_the_damped_model_plus_the_group_lasso(strength):
    model, penalty, _, _ = quadratic_problem(2, strength=strength, weight_decay=0.2)
    weights = model.minimise(0.05, penalty)
    step = weights - model.weights
    gradient = model.gradient + model.hessian @ step + 0.05 * step
    assert penalty.violation(weights, gradient) < 1e-6
    if strength == 10.0:
        assert any(not weights[group].any() for group in penalty.groups)


def test_nothing_but_damping_is_kept_of_weights_without_data():
    """A singular Hessian is what a few structures give a network of many weights."""
    model, penalty, _, _ = quadratic_problem(3, n_structures=5, strength=0.1)
    weights = model.minimise(1e-6, penalty)
    assert np.isfinite(weights).all()
    change = model.change(weights) + penalty.of_norms(weights) - penalty.of_norms(model.weights)
    assert change < 0.0


def test_an_indefinite_hessian_is_an_error():
    model, penalty, _, _ = quadratic_problem(4)
    model.hessian -= 100.0 * np.eye(len(model.weights))
    with pytest.raises(np.linalg.LinAlgError):
        model.minimise(1.0, penalty)


# Damping


def test_damping_falls_with_good_steps_and_rises_with_bad_ones():
    damping = Damping(1.0)
    damping.accept(1.0)
    assert_allclose(damping.value, 1 / 3)
    damping.accept(0.5)
    assert_allclose(damping.value, 1 / 3)
    damping.accept(0.1)
    assert damping.value > 1 / 3
    damping.reset()
    values = []
    for _ in range(3):
        damping.reject()
        values.append(damping.value)
    assert values == [2.0, 8.0, 64.0]
    for _ in range(100):
        damping.accept(1.0)
    assert damping.value == SMALLEST_DAMPING


def test_a_restored_damping_goes_on_as_the_saved_one():
    saved, restored = Damping(1.0), Damping(7.0)
    saved.reject()
    restored.load_state_dict(copy.deepcopy(saved.state_dict()))
    for damping in (saved, restored):
        damping.reject()
    assert saved.value == restored.value == 8.0


# Optimality conditions


def by_hand(weights, gradient, groups, strengths):
    """The conditions, written out."""
    violations, free = [], set(range(len(weights)))
    for group, strength in zip(groups, strengths, strict=True):
        w, g = weights[group], gradient[group]
        free -= set(group)
        if w.any():
            violations.append(np.linalg.norm(g + strength * w / np.linalg.norm(w)))
        else:
            violations.append(max(np.linalg.norm(g) - strength, 0.0))
    return max([*violations, *np.abs(gradient[sorted(free)])])


def autograd(training):
    """Gradient of the smooth part of the objective, from torch."""
    net, rows, blocks = training.net, training.train_rows, training.observations.blocks
    atoms = []
    for e in range(len(training.layout.elements)):
        counts = blocks.counts[rows, e]
        owners = np.repeat(np.arange(len(rows)), counts)
        features = np.concatenate([blocks.block(s, e).T for s in rows])
        shares = 1.0 / blocks.counts[rows].sum(axis=1)[owners]
        atoms.append(tuple(map(torch.from_numpy, (features, owners, shares))))
    errors = net.module_(atoms) - torch.from_numpy(training.targets[rows])
    loss = errors.square().mean()
    for matrix in net.module_.inner_matrices():
        loss = loss + training.settings.weight_decay * matrix.square().sum()
    loss.backward()
    return np.concatenate([tensor.grad.numpy().ravel() for tensor in net.module_.tensors])


@pytest.mark.parametrize("zero", [(), (0,), (1, 3)])
@pytest.mark.parametrize("strength", [0.0, 1e-3, 0.1])
def test_the_violation_agrees_with_torch(mixed, zero, strength):
    settings = HDNNPRegressor((4, 3), solver="lm", weight_decay=0.01)
    training = Training(settings, TrainingSet(*mixed), np.random.RandomState(0))
    strengths = strength * np.arange(1.0, 7.0)
    training.start(strengths)
    weights = training.weights
    for feature in zero:
        weights[training.layout.groups[feature]] = 0.0
    training.net.module_.set_weights(weights)
    expected = by_hand(weights, autograd(training), training.layout.groups, strengths)
    assert_allclose(training.optimality_violation(), expected, rtol=1e-9)


def test_only_levenberg_marquardt_reports_a_violation(table):
    model = HDNNPRegressor(max_epochs=2, random_state=0).fit(*table)
    assert np.isnan(model.optimality_violation_)


# Whole fits


def standardised(X, y):
    return (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()


def test_a_linear_model_is_least_squares_in_a_few_steps(table):
    Z, t = standardised(*table)
    model = HDNNPRegressor((), **EXACT).fit(*table)
    ridge = Ridge(alpha=0.0, fit_intercept=False).fit(Z, t)
    assert_allclose(model.weights_[:-1], ridge.coef_, atol=1e-6)
    assert model.n_iter_ < 10


@pytest.mark.parametrize("decay", [0.02, 0.3])
def test_a_linear_network_is_ridge_regression_in_its_product(table, decay):
    """With an identity layer of one node: what v is to the decay, |w| is to the lasso.

    min over splits u_i = w_i v of alpha / N |w_1| + decay v^2 for a single feature.
    """
    X, y = table[0][:, :1], table[0][:, 0] + 0.3 * table[1]
    alpha = 0.1
    settings = EXACT | {"activation": "identity", "alpha": alpha, "weight_decay": decay}
    model = HDNNPRegressor((1,), **settings).fit(X, y)
    w, v = model.weights_[0], model.weights_[2]
    Z, t = standardised(X, y)
    slope = np.mean(Z[:, 0] * t)
    assert w * v != 0.0
    assert_allclose(2 * (w * v - slope) * v + alpha * np.sign(w), 0.0, atol=2e-6)
    assert_allclose(2 * (w * v - slope) * w + 2 * decay * v, 0.0, atol=2e-6)


@pytest.mark.parametrize("strength", [0.02, 0.1, 0.3])
def test_the_group_lasso_of_several_outputs_is_that_of_scikit_learn(strength):
    """One group of a feature over two elements that share no atom is a multi-task lasso."""
    rng = np.random.default_rng(0)
    n, n_tasks = 40, 3
    Z = rng.normal(size=(n, 5))
    targets = Z @ (rng.normal(size=(5, n_tasks)) * [[1], [1], [0.1], [0.02], [0]])
    targets += 0.1 * rng.normal(size=targets.shape)
    expected = MultiTaskLasso(strength, fit_intercept=False, tol=1e-14, max_iter=10**6)
    coefficients = expected.fit(Z, targets).coef_
    elements = tuple(range(1, n_tasks + 1))
    layout = NetworkLayout(elements, n_tasks * (np.arange(5),), 5, ())
    theta = np.zeros(layout.n_weights)
    jacobian = np.zeros((n * n_tasks, layout.n_weights))
    for task, start in enumerate(layout.starts[:, 0]):
        jacobian[task * n : (task + 1) * n, start : start + 5] = Z
    # scikit-learn divides by 2 n samples, the model by all n_tasks n errors.
    penalty = GroupPenalty(layout, np.full(5, 2.0 * strength / n_tasks), 0.0, Lasso())
    sums = GaussNewtonSums()
    sums.add(-targets.T.ravel(), jacobian)
    model = QuadraticModel(theta, penalty, sums, len(jacobian))
    found = model.minimise(1e-10, penalty)
    weights = np.stack([found[start : start + 5] for start in layout.starts[:, 0]])
    assert_allclose(weights, coefficients, atol=1e-5)
    assert_array_equal(weights.any(axis=0), coefficients.any(axis=0))


@pytest.mark.parametrize("factor", [1.0, 50.0])
@pytest.mark.parametrize("alpha", [0.1, 0.2])
def test_the_optimality_conditions_hold_at_the_end(table, alpha, factor):
    factors = np.array([1.0, 1.0, 1.0, 1.0, factor, factor])
    settings = EXACT | {"alpha": alpha, "feature_weights": factors, "weight_decay": 1e-3}
    model = HDNNPRegressor((4,), **settings).fit(*table)
    assert model.optimality_violation_ < 1e-6
    assert model.n_iter_ < 1000
    assert_allclose(model.net_.history[-1, "violation"], model.optimality_violation_, rtol=1e-3)
    assert (model.group_norms_ == 0.0).any() == (factor > 1.0)


@pytest.mark.parametrize("penalty", ["mcp", "scad"])
def test_they_hold_for_concave_penalties_whose_objective_never_rises(table, penalty):
    factors = np.array([1.0, 1.0, 1.0, 1.0, 50.0, 50.0])
    settings = EXACT | {"alpha": 0.2, "feature_weights": factors, "weight_decay": 1e-3}
    model = HDNNPRegressor((4,), penalty=penalty, concavity=20.0, **settings).fit(*table)
    assert model.optimality_violation_ < 1e-6
    assert (np.diff(model.net_.history[:, "train_loss"]) <= 1e-14).all()
    strengths = 0.2 / 6 * factors
    norms = model.group_norms_
    assert (norms == 0.0).any()
    assert ((norms > 0.0) & (norms < 20.0 * strengths)).any(), "all are beyond the penalty"


def test_the_optimality_conditions_hold_for_ragged_structures_of_two_elements(mixed):
    X, y = mixed
    settings = EXACT | {"alpha": 0.05, "weight_decay": 1e-3}
    model = HDNNPRegressor((3,), **settings).fit(X, y)
    assert model.optimality_violation_ < 1e-6
    assert (model.group_norms_ == 0.0).any()
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_objective_never_rises(table, alpha, activation):
    settings = EXACT | {"alpha": alpha, "activation": activation, "max_epochs": 60}
    model = HDNNPRegressor((5, 4), **settings).fit(*table)
    losses = model.net_.history[:, "train_loss"]
    assert (np.diff(losses) <= 1e-14).all()
    assert losses[-1] < 0.5 * losses[0]


def test_the_size_of_the_batches_changes_rounding_only(table):
    settings = EXACT | {"max_epochs": 8, "alpha": 0.05}
    whole, pieces = (HDNNPRegressor((4,), batch_size=n, **settings).fit(*table) for n in (100, 7))
    assert_allclose(pieces.weights_, whole.weights_, rtol=1e-6, atol=1e-9)


def test_the_order_of_the_structures_does_not_matter(table):
    X, y = table
    order = np.random.default_rng(0).permutation(len(X))
    settings = EXACT | {"max_epochs": 8, "alpha": 0.05}
    straight = HDNNPRegressor((4,), **settings).fit(X, y)
    shuffled = HDNNPRegressor((4,), **settings).fit(X[order], y[order])
    assert_allclose(shuffled.weights_, straight.weights_, rtol=1e-6, atol=1e-9)


def test_it_stops_where_rounding_lets_no_step_through(table):
    settings = EXACT | {"net_params": {"tol": 0.0}, "alpha": 0.1}
    model = HDNNPRegressor((), **settings).fit(*table)
    assert model.n_iter_ < 50
    assert model.optimality_violation_ < 1e-7
    assert model.net_.optimizer_.value < LARGEST_DAMPING
    assert not model._interrupted


@pytest.mark.parametrize("params", [{"max_epochs": 3}, {"max_epochs": 3, "early_stopping": True}])
def test_a_fit_that_was_cut_short_says_so(table, params):
    X, y = table[:2]
    settings = {"solver": "lm", "early_stopping": False, "random_state": 0}
    model = HDNNPRegressor((3,), **(settings | params))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(X, y)
    assert len(caught) == (not model.early_stopping)
    if caught:
        assert "After 3 epochs" in str(caught[0].message)
        assert f"{model.optimality_violation_:.1e}" in str(caught[0].message)
        assert caught[0].filename == __file__


def test_the_penalty_may_change_between_runs(table):
    X, y = table
    settings = HDNNPRegressor((3,), weight_decay=1e-3, **EXACT)
    data = TrainingSet(AtomicFeatures(X[:, None]), y)
    training = Training(settings, data, np.random.RandomState(0))
    factors = np.array([1.0, 1.0, 1.0, 1.0, 50.0, 50.0])
    training.start(1e-3 * factors)
    for strength in (3e-3, 1e-2, 2e-2):
        training.set_strengths(strength * factors)
        training.run(1000)
        assert training.optimality_violation() < 1e-6
    gone = np.flatnonzero(training.group_norms == 0.0)
    assert 0 < len(gone) < 6
    before = training.squared_error(training.train_rows)
    training.drop(gone)
    assert_allclose(training.squared_error(training.train_rows), before)
    training.set_strengths(strength * factors)
    assert training.optimality_violation() < 1e-6


def test_a_selector_ends_at_weights_that_satisfy_the_conditions(table):
    estimator = HDNNPRegressor((3,), weight_decay=1e-3, **EXACT)
    selector = AdaptiveGroupLassoSelector(estimator, alpha=0.1, random_state=0).fit(*table)
    assert 0 < selector.n_features_ < 6
    assert selector.estimator_.optimality_violation_ < 1e-6
