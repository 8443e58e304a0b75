import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, ShuffleSplit
from sklearn.pipeline import Pipeline
from skorch.callbacks import Callback

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AdaptiveGroupLassoSelectorCV,
    AtomicFeatures,
    HDNNPRegressor,
)
from sklearn_agl.metrics import neg_rmse_per_atom
from sklearn_agl.selection.path._alpha_schedules import DownTo, UpTo, UpToEach
from sklearn_agl.selection.path._cross_validation import propose_alphas
from sklearn_agl.selection.path._fit_path import fit_path
from tests.selection._planted import planted, planted_atoms

NETWORK = HDNNPRegressor((4,), random_state=0)
ALPHAS = [1e-3, 0.1, 1.0, 5.0]


def small(**params):
    """A selector whose fit takes about a second."""
    settings = {"alphas": ALPHAS, "cv": 3, "random_state": 0}
    return AdaptiveGroupLassoSelectorCV(NETWORK, **(settings | params))


@pytest.fixture(scope="module")
def table():
    return planted(0, n_samples=150, n_features=7)


@pytest.fixture(scope="module")
def fitted(table):
    X, y, _ = table
    return small().fit(X, y)


# What is found


@pytest.mark.parametrize("seed", range(2))
def test_planted_features_are_found(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(200, 8))
    y = X[:, 1] + np.tanh(2 * X[:, 4]) + 0.1 * rng.normal(size=200)
    found = [
        small(alphas=None, rule=rule, random_state=seed).fit(X, y).support_
        for rule in ("best", "one_standard_error")
    ]
    assert all(support[[1, 4]].all() for support in found)
    assert found[1].sum() <= 3
    assert found[1].sum() <= found[0].sum() < 8


def test_it_ends_as_the_selector_of_the_chosen_alpha(table, fitted):
    X, y, _ = table
    plain = AdaptiveGroupLassoSelector(NETWORK, alpha=fitted.alpha_, random_state=0).fit(X, y)
    assert fitted.path_.alphas[-1] == fitted.alpha_
    assert fitted.n_features_ == plain.n_features_
    for name in ("support_", "group_norms_", "initial_group_norms_"):
        assert_array_equal(getattr(fitted, name), getattr(plain, name))
    assert_array_equal(fitted.path_.group_norms, plain.path_.group_norms)
    assert_array_equal(fitted.estimator_.predict(X), plain.estimator_.predict(X))
    assert_array_equal(fitted.transform(X), X[:, plain.support_])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more")
def test_the_penalty_reaches_the_networks(table, fitted):
    X, y, _ = table
    selector = small(alphas=[0.1, 1.0], penalty="mcp", concavity=40.0).fit(X, y)
    plain = AdaptiveGroupLassoSelector(
        NETWORK, alpha=selector.alpha_, penalty="mcp", concavity=40.0, random_state=0
    ).fit(X, y)
    assert_array_equal(selector.group_norms_, plain.group_norms_)
    assert_array_equal(selector.ranking_, plain.ranking_)
    assert selector.estimator_.penalty == "mcp"
    assert fitted.estimator_.penalty == "lasso"


def test_scores_are_those_of_a_grid_search_over_the_pipeline(table):
    X, y, _ = table
    alphas = [*ALPHAS, 1e5]
    pipe = Pipeline(
        [("select", AdaptiveGroupLassoSelector(NETWORK, random_state=0)), ("model", NETWORK)]
    )
    search = GridSearchCV(pipe, {"select__alpha": alphas}, scoring=neg_rmse_per_atom, cv=3)
    search.fit(X, y)
    selector = small(alphas=alphas).fit(X, y)
    for name in ("split0_test_score", "split2_test_score", "mean_test_score", "std_test_score"):
        assert_array_equal(selector.cv_results_[name], search.cv_results_[name])
    assert np.isnan(selector.cv_results_["mean_test_score"][-1])
    assert selector.alpha_ == search.best_params_["select__alpha"]
    assert_array_equal(selector.support_, search.best_estimator_["select"].support_)


@pytest.mark.parametrize("solver", ["kalman", "adamw"])
def test_one_path_ends_at_each_alpha_as_a_path_of_its_own(table, solver):
    X, y, _ = table
    network = HDNNPRegressor((4,), solver=solver, max_epochs=15, lr=0.03)
    selector = AdaptiveGroupLassoSelector(network, random_state=0)
    regressor, data = selector._validate_for_training(X, y)
    ways = UpToEach([0.0, 0.05, 1.0, 1.2, 1e4, 1e5])
    fit_path(selector._path_settings(regressor, ways), data)
    assert len(ways.ends) == 6
    for point in ways.ends:
        alone = fit_path(selector._path_settings(regressor, UpTo(point.alpha)), data).points[-1]
        assert (point.alpha, point.objective) == (alone.alpha, alone.objective)
        assert_array_equal(point.group_norms, alone.group_norms)


def test_atoms_of_two_elements():
    X, y = planted_atoms(0)
    selector = small(alphas=[0.01, 1.0]).fit(X, y)
    assert selector.support_[[1, 6]].all()
    assert isinstance(selector.transform(X), AtomicFeatures)
    assert selector.transform(X).shape == (120, 6, selector.n_features_)


def test_a_table_is_structures_of_one_atom(table, fitted):
    X, y, _ = table
    atoms = small().fit(X[:, None, :], y)
    assert_array_equal(atoms.support_, fitted.support_)
    assert_array_equal(atoms.cv_results_["mean_test_score"], fitted.cv_results_["mean_test_score"])
    assert atoms.transform(X[:, None, :]).shape == (150, 1, fitted.n_features_)


def test_scores_are_errors_per_atom(table):
    """Twice the atoms of the same kind, twice the energy: the same error."""
    X, y, _ = table
    selector, double = (
        small(alphas=[0.1]).fit(np.repeat(X[:, None, :], n_atoms, axis=1), n_atoms * y)
        for n_atoms in (1, 2)
    )
    assert_allclose(
        double.cv_results_["mean_test_score"], selector.cv_results_["mean_test_score"], rtol=1e-6
    )


def test_in_a_pipeline(table):
    X, y, _ = table
    frame = pd.DataFrame(X, columns=list("abcdefg"))
    pipe = Pipeline([("select", small()), ("model", NETWORK)]).fit(frame, y)
    names = frame.columns[pipe["select"].support_]
    assert_array_equal(pipe["select"].get_feature_names_out(), names)
    assert_array_equal(pipe["select"].path_.feature_names, frame.columns)
    assert pipe["model"].n_features_in_ == len(names)
    assert pipe.score(frame, y) > 0.5


# What is compared


def test_the_results_are_a_table_of_the_alphas(fitted):
    results = fitted.cv_results_
    columns = {f"split{k}_{name}" for k in range(3) for name in ("test_score", "n_features")}
    columns |= {"alpha", "mean_test_score", "std_test_score", "mean_n_features"}
    assert set(results) == columns
    assert pd.DataFrame(results).shape == (4, 10)
    assert_array_equal(results["alpha"], fitted.alphas_)
    scores = [results[f"split{k}_test_score"] for k in range(3)]
    assert (np.array(scores) < 0).all()
    assert_allclose(results["mean_test_score"], np.mean(scores, axis=0))
    assert_allclose(results["std_test_score"], np.std(scores, axis=0))
    counts = [results[f"split{k}_n_features"] for k in range(3)]
    assert_allclose(results["mean_n_features"], np.mean(counts, axis=0))
    assert results["mean_n_features"][0] > results["mean_n_features"][-1]


def test_alphas_may_come_in_any_order(table, fitted):
    X, y, _ = table
    selector = small(alphas=[*ALPHAS[::-1], 1.0]).fit(X, y)
    assert_array_equal(selector.alphas_, ALPHAS)
    assert_array_equal(
        selector.cv_results_["mean_test_score"], fitted.cv_results_["mean_test_score"]
    )


def test_the_proposed_alphas_lie_around_the_losses(table):
    settings = {"n_features_to_select": 1, "reweight": 0.0, "random_state": 0}
    selector = AdaptiveGroupLassoSelector(NETWORK, **settings)
    path = selector.fit(*table[:2]).path_
    regressor, data = selector._validate_for_training(*table[:2])
    alphas = propose_alphas(
        fit_path(selector._path_settings(regressor, DownTo(1)), data).points[1:]
    )
    assert set(alphas) <= set(path.alphas)
    kept = np.isin(path.alphas, alphas)
    assert set(path.n_features[kept]) == set(path.n_features[1:]) - {0}
    assert (alphas[1:] / alphas[:-1]).max() < 10.0 * 1.6
    assert (np.diff(alphas) > 0).all()


@pytest.mark.parametrize("rule", ["best", "one_standard_error"])
def test_the_rule_chooses(table, fitted, rule):
    X, y, _ = table
    selector = small(rule=rule).fit(X, y)
    means = fitted.cv_results_["mean_test_score"]
    best = np.argmax(means)
    if rule == "best":
        expected = best
    else:
        spread = fitted.cv_results_["std_test_score"][best] / np.sqrt(3 - 1)
        expected = max(i for i in range(4) if means[i] >= means[best] - spread)
    assert selector.alpha_ == ALPHAS[expected]


@pytest.mark.parametrize(
    ("rule", "scores", "expected"),
    [
        ("best", [[-3, -1, -1, -2], [-3, -1, -1, -2]], 1),
        ("best", [[-3, -2, -1, -1], [-3, -2, -1, np.nan]], 2),
        ("one_standard_error", [[-3, -1, -2, -3], [-3, -2, -2, -3]], 2),
        ("one_standard_error", [[-3, -1, -2, -2], [-3, -2, -2, np.nan]], 2),
        ("one_standard_error", [[-3, -1, -1, -2], [-3, -1, -1, -2]], 2),
    ],
)
def test_the_rules_on_made_up_scores(rule, scores, expected):
    assert small(rule=rule)._choose_alpha(np.array(scores, dtype=float)) == expected


class Recorder(GroupKFold):
    """Remembers the groups it was given and what it gave."""

    def split(self, X, y=None, groups=None):
        self.seen = groups
        self.given = list(super().split(X, y, groups))
        return iter(self.given)


@pytest.fixture(scope="module")
def trajectories():
    return np.random.default_rng(0).permutation(np.repeat(np.arange(6), 25))


def test_groups_are_never_split(table, trajectories):
    X, y, _ = table
    cv = Recorder(3)
    selector = small(alphas=[0.1], cv=cv).fit(X, y, groups=trajectories)
    assert_array_equal(cv.seen, trajectories)
    for train, test in cv.given:
        assert not set(trajectories[train]) & set(trajectories[test])
    again = small(alphas=[0.1], cv=cv.given).fit(X, y, groups=trajectories)
    for k in range(3):
        name = f"split{k}_test_score"
        assert_array_equal(again.cv_results_[name], selector.cv_results_[name])


@pytest.mark.parametrize("routing", [False, True])
def test_groups_go_through_a_pipeline(table, trajectories, routing):
    X, y, _ = table
    cv = Recorder(2)
    pipe = Pipeline([("select", small(alphas=[0.1], cv=cv)), ("model", NETWORK)])
    with config_context(enable_metadata_routing=routing):
        pipe.fit(X, y, **{"groups" if routing else "select__groups": trajectories})
    assert_array_equal(cv.seen, trajectories)


def test_the_groups_are_missed(table):
    X, y, _ = table
    with pytest.raises(ValueError, match="'groups' parameter should not be None"):
        small(cv=GroupKFold(3)).fit(X, y)


def test_other_metadata_need_routing(table):
    X, y, _ = table
    with pytest.raises(ValueError, match="enable_metadata_routing=True"):
        small().fit(X, y, colours=np.ones(150))


# How it runs


def test_the_result_does_not_depend_on_the_number_of_jobs(table, fitted):
    X, y, _ = table
    parallel = small(n_jobs=2).fit(X, y)
    for name, column in fitted.cv_results_.items():
        assert_array_equal(parallel.cv_results_[name], column)
    assert_array_equal(parallel.group_norms_, fitted.group_norms_)


def test_the_estimators_random_state_is_the_default(table, fitted):
    X, y, _ = table
    again = small(random_state=None).fit(X, y)
    assert_array_equal(again.group_norms_, fitted.group_norms_)
    others = [
        small(alphas=[0.1], random_state=np.random.RandomState(1)).fit(X, y) for _ in range(2)
    ]
    scores = [other.cv_results_["mean_test_score"] for other in others]
    assert_array_equal(*scores)
    assert scores[0] != fitted.cv_results_["mean_test_score"][ALPHAS.index(0.1)]


class Counter(Callback):
    """Counts trainings, over the clones that the nets have, and can end one like Ctrl-C."""

    n_trainings = 0

    def __init__(self, end_at=0):
        self.end_at = end_at

    def on_train_begin(self, net, **kwargs):
        Counter.n_trainings += 1

    def on_batch_end(self, net, training, **kwargs):
        if Counter.n_trainings == self.end_at:
            raise KeyboardInterrupt


def counting(end_at=0, **params):
    Counter.n_trainings = 0
    return clone(small(**params)).set_params(estimator__callbacks=[Counter(end_at)])


def test_equal_supports_of_a_split_share_a_refit(table):
    X, y, _ = table
    counting(alphas=[1e-6], cv=2).fit(X, y)
    one = Counter.n_trainings
    # Below the start of the ladder, each further alpha is one more step and no more refits.
    counting(alphas=[1e-7, 2e-7, 1e-6], cv=2).fit(X, y)
    assert Counter.n_trainings == one + 2 * 2


@pytest.mark.parametrize("end_at", [1, 4, 12, 25])
def test_ctrl_c_ends_it(table, end_at):
    X, y, _ = table
    with pytest.raises(KeyboardInterrupt):
        counting(end_at).fit(X, y)
    assert Counter.n_trainings == end_at


@pytest.mark.parametrize("alphas", [None, ALPHAS])
def test_ctrl_c_ends_the_first_and_the_last_path(table, alphas):
    X, y, _ = table
    counting(alphas=alphas, cv=2).fit(X, y)
    end_at = 5 if alphas is None else Counter.n_trainings
    with pytest.raises(KeyboardInterrupt):
        counting(end_at, alphas=alphas, cv=2).fit(X, y)


def test_verbose_prints_a_line_per_alpha(table, capsys):
    X, y, _ = table
    small(verbose=1).fit(X, y)
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("AdaptiveGroupLassoSelectorCV trains on")
    assert [line.split()[:2] for line in lines[:3]] == [["split", str(k)] for k in range(3)]
    assert all(line.startswith("split") and "RMSE" in line for line in lines[3:-4])
    assert all(line.startswith("alpha") and "RMSE" in line for line in lines[-4:])


def test_saved_selectors_transform_the_same(table, fitted):
    X, _, _ = table
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.transform(X), fitted.transform(X))
    assert not hasattr(clone(fitted), "support_")


# Bad input


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"rule": "1se"}, ["rule", "'1se'"]),
        ({"alphas": []}, ["alphas", "at least one"]),
        ({"alphas": [[0.1]]}, ["alphas", "list of numbers"]),
        ({"alphas": [-1.0, 1.0]}, ["alphas", "-1.0"]),
        ({"alphas": [np.nan]}, ["alphas", "nan"]),
        ({"alphas": 0.1}, ["alphas", "0.1"]),
        ({"alphas": [1e5, 1e6]}, ["left no feature", "below 1e+05"]),
        ({"cv": 200}, ["n_splits=200", "150"]),
        ({"cv": [([0], [1, 2])]}, ["Split 0", "1 structures for training", "fewer folds"]),
        ({"cv": [([0, 1], [])]}, ["Split 0", "0 for testing"]),
        ({"cv": ShuffleSplit(1), "rule": "one_standard_error"}, ["2 splits", "gives 1"]),
        ({"estimator": Ridge()}, ["estimator", "HDNNPRegressor", "Ridge()"]),
        ({"estimator": HDNNPRegressor(activation="sin")}, ["activation", "'sin'"]),
    ],
)
def test_bad_parameters_are_named_with_their_values(table, params, words):
    X, y, _ = table
    with pytest.raises(ValueError) as caught:
        small().set_params(**params).fit(X, y)
    for word in words:
        assert word in str(caught.value)


def test_bad_splits_are_refused_before_any_training(table):
    X, y, _ = table
    with pytest.raises(ValueError, match="Split 1"):
        counting(cv=[([0, 1], [2]), ([0], [2])], alphas=None).fit(X, y)
    assert Counter.n_trainings == 0


def test_an_element_that_only_the_test_has(table):
    X, y = planted_atoms(0)
    hydrogen = np.where((X.numbers == 8)[:60], 0, X.numbers[:60])
    values = np.where((hydrogen == 0)[..., None], np.nan, X.values[:60])
    mixed = AtomicFeatures(
        np.concatenate([values, X.values[60:]]), np.concatenate([hydrogen, X.numbers[60:]])
    )
    with pytest.raises(ValueError, match="Split 1 tests structures with atomic number 8"):
        small(cv=KFold(2)).fit(mixed, y)
