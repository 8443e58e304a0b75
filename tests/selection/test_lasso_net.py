import numpy as np
import pytest
import torch
from lassonet import LassoNetRegressor
from numpy.testing import assert_array_equal
from scipy.stats import spearmanr
from sklearn.datasets import load_diabetes, make_friedman1

from sklearn_agl import AtomicFeatures, LassoNetSelector
from sklearn_agl.selection._base import EmptySupportError
from sklearn_agl.selection.lasso_net._residual_training import ResidualTraining
from tests.selection._planted import planted, planted_atoms


@pytest.fixture(scope="module")
def table():
    return planted(0, n_samples=150, n_features=7)


@pytest.fixture(scope="module")
def fitted(table):
    X, y, _ = table
    return LassoNetSelector(3, random_state=0).fit(X, y)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_planted_features_are_selected(seed, activation):
    X, y, used = planted(seed)
    selector = LassoNetSelector(4, activation=activation, random_state=seed).fit(X, y)
    assert_array_equal(selector.get_support(indices=True), used)


@pytest.mark.parametrize("seed", range(3))
def test_planted_features_of_two_elements_are_selected(seed):
    X, y = planted_atoms(seed)
    selector = LassoNetSelector(2, random_state=seed).fit(X, y)
    assert_array_equal(selector.get_support(indices=True), [1, 6])
    assert selector.transform(X).n_features == 2


def test_first_five_features_of_friedman_are_selected():
    X, y = make_friedman1(500, 15, noise=1.0, random_state=0)
    selector = LassoNetSelector(5, random_state=0).fit(X, y)
    assert_array_equal(selector.get_support(indices=True), range(5))


def by_the_package(X, y, **params):
    scaled = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    settings = {"hidden_dims": (10, 10), "random_state": 0, "torch_seed": 0, "verbose": 0}
    with torch.random.fork_rng():
        model = LassoNetRegressor(**(settings | params))
        model.path(*(part.astype(np.float32) for part in scaled), disable_lambda_warning=True)
    return model.feature_importances_.numpy()


def test_features_leave_in_the_order_of_the_package():
    X, y = load_diabetes(return_X_y=True)
    # Its own search for where to start takes most of a minute; from 10 on, too many leave at once.
    theirs = by_the_package(X, y, path_multiplier=1.3, lambda_start=2.0)
    ours = [
        LassoNetSelector(1, activation="relu", random_state=seed).fit(X, y).ranking_
        for seed in range(3)
    ]
    assert spearmanr(-np.mean(ours, axis=0), theirs).statistic > 0.7
    best = np.argsort(theirs)[-2:]
    assert all((ranking[best] <= 2).all() for ranking in ours)


def test_path_goes_from_all_features_to_few(fitted):
    path = fitted.path_
    assert path.alphas[0] == 0.0
    assert (np.diff(path.alphas) > 0.0).all()
    assert path.n_features[0] == 7
    assert path.n_features[-1] <= 3 < path.n_features[-2]
    assert (np.diff(path.supports.astype(int), axis=0) <= 0).all(), "what left stays out"
    assert_array_equal(path.support(3), fitted.support_)


def test_steps_are_those_of_the_setting_once_features_leave(table):
    X, y, _ = table
    path = LassoNetSelector(3, path_multiplier=0.2, random_state=0).fit(X, y).path_
    ratios = path.alphas[2:] / path.alphas[1:-1]
    first = np.argmax(path.n_features < 7)
    np.testing.assert_allclose(ratios[first - 1 :], 1.2)


def test_errors_of_the_path_are_in_the_units_of_the_energies(table):
    X, y, _ = table
    path = LassoNetSelector(3, random_state=0).fit(X, y).path_
    scaled = LassoNetSelector(3, random_state=0).fit(X, 8.0 * y).path_
    np.testing.assert_allclose(scaled.penalised_rmse, 8.0 * path.penalised_rmse, rtol=1e-9)


def test_ranking_goes_on_behind_the_selected_features(fitted):
    assert sorted(fitted.ranking_) == [1, 1, 1, 2, 3, 4, 5]
    assert_array_equal(fitted.ranking_ == 1, fitted.support_)


def test_same_seed_same_result(fitted, table):
    X, y, _ = table
    again = LassoNetSelector(3, random_state=0).fit(X, y)
    assert_array_equal(again.ranking_, fitted.ranking_)
    assert_array_equal(again.path_.group_norms, fitted.path_.group_norms)


def test_a_table_is_structures_of_one_atom(fitted, table):
    X, y, _ = table
    for features in (X[:, None, :], AtomicFeatures(X[:, None, :])):
        selector = LassoNetSelector(3, random_state=0).fit(features, y)
        assert_array_equal(selector.path_.group_norms, fitted.path_.group_norms)


def test_constant_features_leave_first(table):
    X, y, _ = table
    X = X.copy()
    X[:, 2] = 4.0
    selector = LassoNetSelector(3, random_state=0).fit(X, y)
    assert selector.ranking_[2] == 5
    assert_array_equal(selector.path_.n_features[0], 6)


def test_without_held_out_structures(table):
    X, y, used = table
    selector = LassoNetSelector(4, validation_fraction=0.0, random_state=0).fit(X, y)
    assert_array_equal(selector.get_support(indices=True), used)


def test_no_feature_that_varies_is_an_error():
    with pytest.raises(EmptySupportError, match="vary"):
        LassoNetSelector().fit(np.ones((20, 3)), np.arange(20.0))


def test_no_hidden_layer_is_an_error(table):
    X, y, _ = table
    with pytest.raises(ValueError, match="hidden_layer_sizes is empty"):
        LassoNetSelector(hidden_layer_sizes=()).fit(X, y)


@pytest.mark.parametrize("n_calls", [1, 5])
def test_ctrl_c_ends_with_the_best_of_what_is_there(table, monkeypatch, n_calls):
    X, y, _ = table
    run, calls = ResidualTraining.run, []

    def interrupted(self, *args, **kwargs):
        calls.append(args)
        run(self, *args, **kwargs)
        if len(calls) == n_calls:
            raise KeyboardInterrupt

    monkeypatch.setattr(ResidualTraining, "run", interrupted)
    selector = LassoNetSelector(2, random_state=0).fit(X, y)
    assert selector.n_features_ == 2
    assert len(calls) == n_calls
    assert len(selector.path_) == max(1, n_calls - 1)


def test_progress_is_printed(table, capsys):
    X, y, _ = table
    path = LassoNetSelector(3, verbose=1, random_state=0).fit(X, y).path_
    assert capsys.readouterr().out.count("lambda") == len(path) - 1
