"""What a stability selection finds, and what it refuses."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.feature_selection import (
    RFE,
    SelectFromModel,
    SelectKBest,
    SelectorMixin,
    f_classif,
    f_regression,
)
from sklearn.linear_model import LassoCV, LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AtomicFeatures,
    CURSelector,
    HDNNPRegressor,
    PearsonSelector,
    StabilitySelector,
)
from sklearn_agl.selection._stability import number_groups, sort_by_stability
from tests.selection._planted import planted, planted_atoms
from tests.selection._stability import NETWORK, ONCE, log_of, numbered


class Fixed(SelectorMixin, BaseEstimator):
    """Chooses, from the halves in turn, the supports it was given."""

    def __init__(self, supports=()):
        self.supports = supports

    def fit(self, X, y=None):
        self.support_ = self.supports.pop(0)
        return self

    def _get_support_mask(self):
        return self.support_

    def __sklearn_clone__(self):
        return Fixed(self.supports)


def stability_of(supports, **params):
    """A stability selection on made-up supports."""
    supports = np.array(supports, dtype=bool)
    stability = StabilitySelector(Fixed(list(supports)), n_resamples=len(supports), **params)
    return stability.fit(np.zeros((8, supports.shape[1])))


# What is found


def test_planted_features_are_always_chosen_and_noise_rarely():
    X, y, used = planted(0, n_samples=400, n_features=7)
    fitted = StabilitySelector(ONCE, n_resamples=6, random_state=0).fit(X, y)
    noise = np.setdiff1d(np.arange(7), used)
    assert fitted.selection_frequencies_[used].min() > 0.8
    assert fitted.selection_frequencies_[noise].max() < 0.4
    assert_array_equal(fitted.get_support(indices=True), used)
    assert_array_equal(np.sort(fitted.selected_order_), used)


def test_frequencies_count_the_supports(fitted_stability):
    assert fitted_stability.supports_.shape == (6, 7)
    assert fitted_stability.supports_.dtype == bool
    assert_array_equal(
        fitted_stability.selection_frequencies_, fitted_stability.supports_.sum(axis=0) / 6
    )
    assert fitted_stability.n_features_ == fitted_stability.support_.sum()


def test_by_default_as_many_as_requested_are_chosen_on_each_half(planted_table):
    X, y, used = planted_table
    stability = StabilitySelector(n_features_to_select=4, n_resamples=2, random_state=0).fit(X, y)
    assert_array_equal(stability.supports_.sum(axis=1), [4, 4])
    assert stability.n_features_ == 4


def test_by_default_a_quarter_is_chosen_on_each_half(planted_table):
    X, y, _ = planted_table
    stability = StabilitySelector(n_resamples=2, threshold=0.1, random_state=0).fit(X, y)
    assert_array_equal(stability.supports_.sum(axis=1), [1, 1])


def test_atoms_of_two_elements():
    X, y = planted_atoms(0)
    once = AdaptiveGroupLassoSelector(NETWORK, n_features_to_select=2)
    stability = StabilitySelector(once, n_resamples=4, random_state=0).fit(X, y)
    assert_array_equal(stability.get_support(indices=True), [1, 6])
    assert_array_equal(stability.selection_frequencies_[[1, 6]], 1.0)
    assert isinstance(stability.transform(X), AtomicFeatures)
    assert stability.transform(X).shape == (120, 6, 2)


@pytest.mark.parametrize("filter_", [CURSelector(2), PearsonSelector(2)])
def test_filters_on_atoms_and_tables(ragged, filter_):
    stability = StabilitySelector(filter_, threshold=0.1, random_state=0).fit(ragged)
    assert_array_equal(stability.supports_.sum(axis=1), 2)
    assert stability.transform(ragged).shape[:2] == ragged.shape[:2]
    flat = StabilitySelector(filter_, n_features_to_select=2, random_state=0).fit(ragged[:, 0])
    assert flat.transform(ragged[:, 0]).shape == (10, 2)


@pytest.mark.parametrize("once", [SelectFromModel(LassoCV(cv=3)), SelectKBest(f_regression, k=2)])
def test_selectors_of_scikit_learn(once):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 6))
    y = 3 * X[:, 1] - 2 * X[:, 4] + 0.1 * rng.normal(size=100)
    stability = StabilitySelector(once, n_features_to_select=2, random_state=0)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    stability.set_output(transform="pandas").fit(frame, pd.Series(y))
    assert_array_equal(stability.selection_frequencies_[[1, 4]], 1.0)
    assert list(stability.transform(frame)) == ["b", "e"]


def test_targets_may_be_classes():
    X = np.random.default_rng(0).normal(size=(60, 4))
    y = np.where(X[:, 2] > 0, "solid", "liquid")
    stability = StabilitySelector(SelectKBest(f_classif, k=1), random_state=0).fit(X, y)
    assert_array_equal(stability.get_support(indices=True), [2])


def test_in_a_pipeline_before_a_potential(planted_table):
    X, y, _ = planted_table
    frame = pd.DataFrame(X, columns=list("abcdefg"))
    select = StabilitySelector(SelectKBest(f_regression, k=4), n_features_to_select=4)
    pipe = Pipeline([("select", select), ("model", HDNNPRegressor((4,), random_state=0))])
    pipe.set_params(select__random_state=0).fit(frame, y)
    names = frame.columns[pipe["select"].support_]
    assert_array_equal(pipe["select"].get_feature_names_out(), names)
    assert pipe["model"].n_features_in_ == 4
    assert pipe.predict(frame).shape == (150,)


# How features are chosen by their frequencies


@pytest.mark.parametrize(("threshold", "expected"), [(1.0, [1]), (0.5, [0, 1]), (0.25, [0, 1, 2])])
def test_the_threshold_is_reached_by_equality(threshold, expected):
    stability = stability_of([[1, 1, 0], [0, 1, 0], [1, 1, 1], [0, 1, 0]], threshold=threshold)
    assert_array_equal(stability.get_support(indices=True), expected)


def test_order_and_ranking():
    stability = stability_of([[1, 1, 0], [0, 1, 0], [1, 1, 1], [0, 1, 0]], threshold=0.5)
    assert_array_equal(stability.selected_order_, [1, 0])
    assert_array_equal(stability.ranking_, [1, 1, 2])


def test_ties_go_to_features_of_smaller_sets_then_to_the_lower_index():
    supports = np.array([[1, 1, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 1, 0], [1, 0, 1, 0, 0]])
    order = sort_by_stability(supports.astype(bool))
    assert_array_equal(order, [3, 0, 2, 1])
    stability = stability_of(supports, n_features_to_select=2)
    assert_array_equal(stability.get_support(indices=True), [0, 3])


def test_a_fraction_of_the_features():
    assert stability_of([[1, 1, 1, 1]] * 2, n_features_to_select=0.5).n_features_ == 2


def test_features_that_were_never_chosen_do_not_fill_up():
    with pytest.warns(UserWarning, match="with 2 of the 3 features requested: no half") as caught:
        stability = stability_of([[1, 1, 0, 0], [0, 1, 0, 0]], n_features_to_select=3)
    assert caught[0].filename == __file__
    assert_array_equal(stability.get_support(indices=True), [0, 1])


def test_nothing_on_one_half_is_an_empty_set(planted_table):
    X, y, _ = planted_table
    noise = np.random.default_rng(0).normal(size=150)
    strict = AdaptiveGroupLassoSelector(NETWORK, alpha=1e5, initial_alpha=1e-3)
    with pytest.raises(
        ValueError, match="selected none of 7 .* AdaptiveGroupLassoSelector kept none"
    ):
        StabilitySelector(strict, n_resamples=2).fit(X, y)
    at_once = AdaptiveGroupLassoSelector(NETWORK, initial_alpha=1e5)
    with pytest.raises(ValueError, match="kept none in any half"):
        StabilitySelector(at_once, n_resamples=2).fit(X, noise)


def test_saved_selectors_transform_the_same(planted_table, fitted_stability):
    X, _, _ = planted_table
    again = pickle.loads(pickle.dumps(fitted_stability))
    assert_array_equal(again.transform(X), fitted_stability.transform(X))


def test_targets_are_required_where_the_inner_selector_requires_them():
    assert get_tags(StabilitySelector(RFE(LinearRegression()))).target_tags.required
    assert not get_tags(StabilitySelector(CURSelector())).target_tags.required


# Bad input


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"selector": LinearRegression()}, ["selector", "LinearRegression()"]),
        ({"n_resamples": 5}, ["n_resamples=5", "odd", "try 6"]),
        ({"n_resamples": 0}, ["n_resamples", "0"]),
        ({"threshold": 0.0}, ["threshold", "0.0"]),
        ({"threshold": 1.5}, ["threshold", "1.5"]),
        ({"n_features_to_select": 8}, ["n_features_to_select=8", "only 7"]),
        ({"selector": AdaptiveGroupLassoSelector(gamma=-1.0)}, ["gamma", "-1.0"]),
    ],
)
def test_bad_parameters_are_named_with_their_values(planted_table, params, words):
    X, y, _ = planted_table
    with pytest.raises(ValueError) as caught:
        StabilitySelector(**params).fit(X, y)
    for word in words:
        assert word in str(caught.value)


def test_no_feature_reaches_the_threshold():
    supports = [[1, 1, 0], [0, 1, 0], [0, 1, 0], [1, 0, 1], [0, 0, 0], [1, 1, 0]]
    with pytest.raises(ValueError, match=r"frequency is 0.667, that of x1. Try threshold=0.666"):
        stability_of(supports, threshold=0.9)
    assert stability_of(supports, threshold=0.666).n_features_ == 1


@pytest.mark.parametrize("n_rows", [1, 3])
def test_too_few_structures(ragged, n_rows):
    with pytest.raises(ValueError, match=f"two halves of at least 2 .* {n_rows} sample"):
        StabilitySelector(CURSelector()).fit(ragged[:n_rows])


def test_one_group_cannot_be_halved():
    with pytest.raises(ValueError, match="All structures are of group 3"):
        log_of(numbered(20), groups=np.full(20, 3))
    assert_array_equal(number_groups(["b", "a", "b"], 3), [1, 0, 1])


@pytest.mark.parametrize("which", ["y", "groups"])
def test_lengths_must_agree(which):
    given = {"y": np.zeros(20), "groups": np.arange(20)}
    given[which] = given[which][:-1]
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        log_of(numbered(20), **given)


def test_bad_energies_are_named_by_their_own_index(planted_table):
    X, y, _ = planted_table
    y = y.copy()
    y[137] = np.nan
    with pytest.raises(ValueError, match="Energy of structure 137 is nan"):
        StabilitySelector(ONCE).fit(X, y)


def test_a_threshold_beside_a_number_is_said():
    X = numbered(12)
    selector = StabilitySelector(PearsonSelector(1), n_features_to_select=1, n_resamples=2)
    with pytest.warns(UserWarning, match="threshold=0.9 .* n_features_to_select=1 decides"):
        selector.set_params(threshold=0.9).fit(X)
