"""What a selector hands on to the regressor behind it, and when that must not be used."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AdaptiveGroupLassoSelectorCV,
    CURSelector,
    HDNNPRegressor,
    WaldSelector,
)
from sklearn_agl.features import AtomicFeatures, concatenate
from sklearn_agl.potentials.data._training_set import TrainingSet
from sklearn_agl.potentials.training._starts import train
from sklearn_agl.potentials.training._training import Training
from tests.selection._planted import planted, planted_atoms

NETWORK = HDNNPRegressor((4,), max_epochs=20)
HASTY = HDNNPRegressor((4,), max_epochs=1, random_state=0)
"""From random weights, one epoch leads nowhere."""


@pytest.fixture(scope="module")
def atoms():
    return planted_atoms(0)


@pytest.fixture(scope="module")
def selector(atoms):
    X, y = atoms
    return AdaptiveGroupLassoSelector(NETWORK, n_features_to_select=4, random_state=3).fit(X, y)


@pytest.fixture(scope="module")
def chosen(atoms, selector):
    return selector.transform(atoms[0])


def is_warm(X, y, model=HASTY):
    """Whether a fit goes on from what `X` carries; the other kind must do as if there was none."""
    found = clone(model).fit(X, y)
    if found.init_ == "cold":
        plain = clone(model).fit(X.with_warm_start(None), y)
        assert_array_equal(found.weights_, plain.weights_)
    return found.init_ == "warm"


def test_the_regressor_goes_on_where_the_selector_was(atoms, selector, chosen):
    X, y = atoms
    assert is_warm(chosen, y)
    assert not is_warm(chosen, y, clone(HASTY).set_params(init="cold"))
    model = clone(HASTY).fit(chosen, y)
    rows = chosen.warm_start.held_out_rows
    own = (selector.estimator_.predict(X) - y)[rows] / X.n_atoms[rows]
    # What is judged is a robust mean, and the errors in training where they are larger.
    assert model.validation_rmse_ <= np.sqrt(np.mean(own**2)) * 1.3


def test_what_was_held_out_for_selection_is_held_out_again(atoms, monkeypatch):
    X, y = atoms
    seen, real = [], Training.run

    def run(self, epochs):
        seen.append((self.train_rows.tolist(), self.held_out_rows.tolist()))
        return real(self, epochs)

    monkeypatch.setattr(Training, "run", run)
    monkeypatch.setattr(Training, "learn_held_out", lambda training: None)
    select = AdaptiveGroupLassoSelector(NETWORK, n_features_to_select=4, random_state=3)
    model = clone(NETWORK).set_params(random_state=8)
    Pipeline([("select", select), ("model", model)]).fit(X, y)
    assert len(seen) > 5
    assert all(split == seen[0] for split in seen)
    assert len(seen[0][1]) == np.ceil(0.1 * len(y))


def test_other_structures_or_energies_start_at_random(atoms, chosen):
    X, y = atoms
    order = np.random.default_rng(0).permutation(len(y))
    for rows in (slice(40), slice(1, None), order):
        assert chosen[rows].warm_start is chosen.warm_start
        assert not is_warm(chosen[rows], y[rows])
    assert not is_warm(chosen, y + 1e-9 * np.arange(len(y)))
    other = AtomicFeatures(chosen.values + 1e-9, chosen.numbers)
    assert not is_warm(other.with_warm_start(chosen.warm_start), y)


@pytest.mark.parametrize(
    "params",
    [
        {"hidden_layer_sizes": (5,)},
        {"activation": "silu"},
        {"scaling": "minmax"},
        {"early_stopping": False},
        {"validation_fraction": 0.2},
        {"feature_weights": [1.0, np.inf, 1.0, 1.0]},
    ],
)
def test_other_settings_start_at_random(atoms, chosen, params):
    assert not is_warm(chosen, atoms[1], clone(HASTY).set_params(**params))


@pytest.mark.parametrize("solver", ["lm", "adamw"])
def test_another_solver_takes_the_weights_alone(atoms, chosen, solver):
    assert is_warm(chosen, atoms[1], clone(HASTY).set_params(solver=solver, alpha=1e-6))


@pytest.mark.parametrize("solver", ["lm", "adamw"])
def test_selectors_with_any_solver_hand_on(atoms, solver):
    X, y = atoms
    network = HDNNPRegressor((4,), solver=solver, max_epochs=15, lr=0.05)
    select = AdaptiveGroupLassoSelector(network, alpha=1e-3, init="cold", random_state=0)
    assert is_warm(select.fit_transform(X, y), y, clone(network).set_params(max_epochs=1))


@pytest.mark.parametrize(
    "select",
    [
        WaldSelector(4, estimator=NETWORK, random_state=0),
        AdaptiveGroupLassoSelectorCV(NETWORK, alphas=[0.01], cv=2, random_state=0),
    ],
)
def test_other_selectors_that_train_hand_on(atoms, select):
    X, y = atoms
    assert is_warm(select.fit_transform(X, y), y)


def test_copies_of_the_features_keep_it_but_other_columns_do_not(chosen, atoms):
    again = pickle.loads(pickle.dumps(chosen))
    assert is_warm(again, atoms[1])
    assert chosen.take_features([0, 1, 2, 3]).warm_start is None
    assert concatenate([chosen, chosen]).warm_start is None
    assert CURSelector(2).fit_transform(chosen).warm_start is None
    assert atoms[0].warm_start is None


def test_a_pipeline_with_a_memory_does_the_same(atoms, tmp_path):
    X, y = atoms
    select = AdaptiveGroupLassoSelector(NETWORK, n_features_to_select=4, random_state=3)
    steps = [("select", select), ("model", HASTY)]
    plain = Pipeline(steps).fit(X, y)
    assert plain[-1].init_ == "warm"
    for _ in range(2):
        cached = clone(Pipeline(steps, memory=str(tmp_path))).fit(X, y)
        assert_array_equal(cached[-1].weights_, plain[-1].weights_)
    assert pickle.loads(pickle.dumps(plain)).fit(X, y)[-1].init_ == "warm"


def test_a_search_goes_on_in_every_fold(atoms):
    X, y = atoms
    select = AdaptiveGroupLassoSelector(NETWORK, n_features_to_select=4, random_state=3)
    pipe = Pipeline([("select", select), ("model", HASTY)])
    search = GridSearchCV(pipe, {"model__init": ["cold", "auto"]}, cv=2).fit(X, y)
    cold, warm = search.cv_results_["mean_test_score"]
    assert warm > cold
    assert search.best_estimator_[-1].init_ == "warm"


def test_a_table_has_no_place_for_it():
    X, y, _ = planted(0, n_samples=100, n_features=7)
    select = AdaptiveGroupLassoSelector(NETWORK, n_features_to_select=4, random_state=0)
    assert clone(HASTY).fit(select.fit_transform(X, y), y).init_ == "cold"


def test_a_last_step_that_lost_too_many_hands_on_what_was_before(atoms, selector, tmp_path):
    X, y = atoms
    assert selector.path_.n_features[-1] < 4
    for _ in range(2):
        resumed = clone(selector).set_params(checkpoint=tmp_path)
        again = resumed.fit_transform(X, y).warm_start.state
        for name, value in selector.transform(X).warm_start.state.items():
            assert_array_equal(again[name], value)


def test_a_filter_that_goes_on_forgets_little(atoms, chosen):
    X, y = atoms
    model = clone(NETWORK).set_params(random_state=0, max_epochs=1)
    training, _ = train(model, TrainingSet.from_user(model, chosen, y))
    chosen.warm_start.begin(training)
    before = training.net.optimizer_.covariance.trace()
    training.learn_held_out()
    # A filter that begins forgets two thirds in its first pass, as far as the prior allows.
    assert training.net.optimizer_.covariance.trace() < 1.1 * before


@pytest.mark.parametrize(
    "select",
    [
        AdaptiveGroupLassoSelector(NETWORK, alpha=0.01, random_state=0),
        AdaptiveGroupLassoSelectorCV(NETWORK, alphas=[0.01], cv=2, random_state=0),
        WaldSelector(4, estimator=NETWORK, random_state=0),
    ],
)
def test_selectors_hold_out_groups_as_a_whole(atoms, select):
    X, y = atoms
    groups = np.repeat(np.arange(20), 6)
    held_out = select.fit(X, y, groups=groups).transform(X).warm_start.held_out_rows
    assert set(groups[held_out]).isdisjoint(np.delete(groups, held_out))
    assert len(held_out) == 12
