import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import (
    RFE,
    RFECV,
    SelectFromModel,
    SelectKBest,
    SelectorMixin,
    f_classif,
    f_regression,
)
from sklearn.linear_model import LassoCV, LinearRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from skorch.callbacks import Callback

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AdaptiveGroupLassoSelectorCV,
    AtomicFeatures,
    CURSelector,
    HDNNPRegressor,
    PearsonSelector,
    StabilitySelector,
)
from sklearn_agl.selection._stability import draw_halves, number_units, sort_by_stability
from tests.selection._planted import planted, planted_atoms

NETWORK = HDNNPRegressor((4,))
ONCE = AdaptiveGroupLassoSelector(NETWORK, alpha=0.3)


@pytest.fixture(scope="module")
def table():
    return planted(0, n_samples=150, n_features=7)


@pytest.fixture(scope="module")
def fitted(table):
    X, y, _ = table
    return StabilitySelector(ONCE, n_resamples=6, random_state=0).fit(X, y)


class Log(SelectorMixin, BaseEstimator):
    """Notes what it is given in `fit`, over all clones, and chooses by its random state."""

    fits = []

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None):
        Log.fits.append({"X": X, "y": y, "weight": sample_weight, "seed": self.random_state})
        self.support_ = np.random.RandomState(self.random_state).rand(X.shape[-1]) < 0.5
        return self

    def _get_support_mask(self):
        return self.support_


def log_of(X, y=None, *, selector=None, n_resamples=10, **fit_params):
    """What `Log` notes while a stability selection runs; column 0 of `X` numbers the rows."""
    Log.fits = []
    stability = StabilitySelector(selector or Log(), n_resamples=n_resamples, random_state=0)
    stability.set_params(threshold=0.1).fit(X, y, **fit_params)
    return Log.fits


def numbered(n_rows):
    return np.column_stack([np.arange(n_rows), np.random.default_rng(0).normal(size=(n_rows, 4))])


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


def test_frequencies_count_the_supports(fitted):
    assert fitted.supports_.shape == (6, 7)
    assert fitted.supports_.dtype == bool
    assert_array_equal(fitted.selection_frequencies_, fitted.supports_.sum(axis=0) / 6)
    assert fitted.n_features_ == fitted.support_.sum()


def test_by_default_as_many_as_requested_are_chosen_on_each_half(table):
    X, y, used = table
    stability = StabilitySelector(n_features_to_select=4, n_resamples=2, random_state=0).fit(X, y)
    assert_array_equal(stability.supports_.sum(axis=1), [4, 4])
    assert stability.n_features_ == 4


def test_by_default_a_quarter_is_chosen_on_each_half(table):
    X, y, _ = table
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


def test_in_a_pipeline_before_a_potential(table):
    X, y, _ = table
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


# Halves


@pytest.mark.parametrize("n_rows", [20, 21])
def test_halves_of_a_draw_are_disjoint(n_rows):
    X = numbered(n_rows)
    fits = log_of(X, 2.0 * X[:, 0])
    assert len(fits) == 10
    for first, second in zip(fits[::2], fits[1::2], strict=True):
        assert len(first["X"]) == len(second["X"]) == n_rows // 2
        assert not set(first["X"][:, 0]) & set(second["X"][:, 0])
    for fit in fits:
        assert_array_equal(fit["y"], 2.0 * fit["X"][:, 0])
    assert len({tuple(fit["X"][:, 0]) for fit in fits}) == 10


def test_every_fit_has_its_own_seed():
    seeds = [fit["seed"] for fit in log_of(numbered(20))]
    assert len(set(seeds)) == 10
    assert all(isinstance(seed, int) for seed in seeds)


@pytest.mark.parametrize("labels", [np.arange(7), list("abcdefg")])
def test_groups_are_never_split(labels):
    groups = np.random.default_rng(1).permutation(np.repeat(labels, 5))
    for first, second in zip(*[iter(log_of(numbered(35), groups=groups))] * 2, strict=True):
        ours, theirs = (set(groups[one["X"][:, 0].astype(int)]) for one in (first, second))
        assert len(ours) == len(theirs) == 3
        assert not ours & theirs
        assert len(first["X"]) == 15


@pytest.mark.parametrize("routing", [False, True])
def test_groups_go_through_a_pipeline(routing):
    Log.fits = []
    groups = np.repeat(np.arange(4), 5)
    select = StabilitySelector(Log(), threshold=0.1, n_resamples=4, random_state=0)
    pipe = Pipeline([("select", select), ("model", LinearRegression())])
    with config_context(enable_metadata_routing=routing):
        pipe.fit(
            numbered(20), np.arange(20.0), **{"groups" if routing else "select__groups": groups}
        )
    for fit in Log.fits:
        assert len(set(groups[fit["X"][:, 0].astype(int)])) == 2


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize(
    "inner",
    [
        RFECV(LinearRegression(), cv=GroupKFold(2)),
        AdaptiveGroupLassoSelectorCV(NETWORK, alphas=[0.1], cv=GroupKFold(2)),
    ],
)
def test_an_inner_selector_gets_the_groups_it_needs(table, inner, routing):
    X, y, _ = table
    stability = StabilitySelector(inner, n_resamples=2, threshold=0.1, random_state=0)
    with config_context(enable_metadata_routing=routing):
        stability.fit(X, y, groups=np.arange(150) // 15)
    assert stability.n_features_ > 0


def test_metadata_are_cut_like_the_structures():
    X = numbered(20)
    with config_context(enable_metadata_routing=True):
        selector = Log().set_fit_request(sample_weight=True)
        fits = log_of(X, selector=selector, sample_weight=3.0 * X[:, 0])
    for fit in fits:
        assert_array_equal(fit["weight"], 3.0 * fit["X"][:, 0])


def test_other_metadata_need_routing():
    with pytest.raises(ValueError, match="enable_metadata_routing=True"):
        log_of(numbered(20), sample_weight=np.ones(20))


def test_both_halves_have_all_elements():
    presence = np.ones((2, 12), dtype=bool)
    presence[1, 2:] = False
    rng = np.random.RandomState(0)
    for _ in range(20):
        first, second = draw_halves(np.arange(12), presence, rng)
        assert len(set(first) & {0, 1}) == len(set(second) & {0, 1}) == 1


def test_an_element_of_one_structure_cannot_be_in_both_halves():
    X, y = planted_atoms(0, n_structures=20)
    hydrogen = np.where((X.numbers == 8) & (np.arange(20) != 7)[:, None], 0, X.numbers)
    X = AtomicFeatures(np.where((hydrogen == 0)[..., None], np.nan, X.values), hydrogen)
    with pytest.raises(ValueError, match="lacked an element.* structure 7 and 0 others"):
        StabilitySelector(CURSelector(2)).fit(X)


# How it runs


def test_the_result_does_not_depend_on_the_number_of_jobs(table, fitted):
    X, y, _ = table
    parallel = StabilitySelector(ONCE, n_resamples=6, n_jobs=2, random_state=0).fit(X, y)
    assert_array_equal(parallel.supports_, fitted.supports_)


def test_processes_give_the_same(ragged):
    whole = StabilitySelector(CURSelector(2), threshold=0.1, n_resamples=4, random_state=0)
    supports = whole.fit(ragged).supports_
    with joblib.parallel_config("loky", n_jobs=2):
        assert_array_equal(whole.fit(ragged).supports_, supports)


def test_the_random_state_draws_the_halves(table, fitted):
    X, y, _ = table
    filters = [
        StabilitySelector(SelectKBest(f_regression, k=3), threshold=0.1, random_state=seed)
        for seed in (0, 0, 1)
    ]
    first, again, other = (one.fit(X, y).supports_ for one in filters)
    assert_array_equal(first, again)
    assert (first != other).any()


def test_the_given_selector_stays_as_it_is(table):
    X, y, _ = table
    inner = SelectKBest(f_regression, k=3)
    StabilitySelector(inner, n_resamples=2, threshold=0.1).fit(X, y)
    assert not hasattr(inner, "scores_")


def test_nothing_on_one_half_is_an_empty_set(table):
    X, y, _ = table
    noise = np.random.default_rng(0).normal(size=150)
    strict = AdaptiveGroupLassoSelector(NETWORK, alpha=1e5, initial_alpha=1e-3)
    with pytest.raises(ValueError, match="selected none of 7 .* No half led to any: make Adaptive"):
        StabilitySelector(strict, n_resamples=2).fit(X, y)
    at_once = AdaptiveGroupLassoSelector(NETWORK, initial_alpha=1e5)
    with pytest.raises(ValueError, match="No half led to any"):
        StabilitySelector(at_once, n_resamples=2).fit(X, noise)


def test_verbose_prints_a_line_per_half(ragged, capsys):
    StabilitySelector(CURSelector(2), n_resamples=4, threshold=0.1, verbose=1).fit(ragged)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all("of 4 " in line and "2 features" in line for line in lines)


class Counter(Callback):
    """Counts trainings, over the clones that the nets have, and can end one like Ctrl-C."""

    n_trainings = 0

    def __init__(self, end_at=0):
        self.end_at = end_at

    def on_train_begin(self, net, **kwargs):
        type(self).n_trainings += 1

    def on_batch_end(self, net, training, **kwargs):
        # With two threads, the next training may have begun before this one's first batch ends.
        if 0 < self.end_at <= self.n_trainings:
            raise KeyboardInterrupt


class CounterOfThreads(Counter):
    """For a test whose last fit, in a thread of its own, may go on after its end."""


def counting(end_at, n_resamples=6, counter=Counter, **params):
    counter.n_trainings = 0
    network = HDNNPRegressor((4,), callbacks=[counter(end_at)])
    once = AdaptiveGroupLassoSelector(network, alpha=1e-4, initial_alpha=1e-3)
    return StabilitySelector(once, n_resamples=n_resamples, random_state=0, **params)


@pytest.fixture(scope="module")
def n_trainings_of_a_pair(table):
    X, y, _ = table
    counting(0, n_resamples=2).fit(X, y)
    return Counter.n_trainings


def test_ctrl_c_leaves_the_halves_that_are_done(table, n_trainings_of_a_pair):
    X, y, _ = table
    whole = counting(0).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="those of 2 of 6 halves") as caught:
        stopped = counting(n_trainings_of_a_pair + 1).fit(X, y)
    assert caught[0].filename == __file__
    assert_array_equal(stopped.supports_, whole.supports_[:2])
    assert_array_equal(stopped.selection_frequencies_, whole.supports_[:2].mean(axis=0))


def test_ctrl_c_with_threads(table, n_trainings_of_a_pair):
    X, y, _ = table
    with pytest.warns(ConvergenceWarning, match="of 6 halves"):
        stopped = counting(3 * n_trainings_of_a_pair // 2, counter=CounterOfThreads, n_jobs=2).fit(
            X, y
        )
    assert 2 <= len(stopped.supports_) < 6


@pytest.mark.parametrize("place", ["first", "second"])
def test_ctrl_c_before_two_halves_are_done_ends_it(table, n_trainings_of_a_pair, place):
    X, y, _ = table
    end_at = 1 if place == "first" else n_trainings_of_a_pair
    with pytest.raises(KeyboardInterrupt):
        counting(end_at).fit(X, y)
    assert Counter.n_trainings == end_at


def test_a_run_to_the_end_does_not_warn(table):
    X, y, _ = table
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        StabilitySelector(SelectKBest(f_regression, k=3), threshold=0.1).fit(X, y)


def test_saved_selectors_transform_the_same(table, fitted):
    X, _, _ = table
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.transform(X), fitted.transform(X))


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
def test_bad_parameters_are_named_with_their_values(table, params, words):
    X, y, _ = table
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
    assert_array_equal(number_units(["b", "a", "b"], 3), [1, 0, 1])


@pytest.mark.parametrize("which", ["y", "groups"])
def test_lengths_must_agree(which):
    given = {"y": np.zeros(20), "groups": np.arange(20)}
    given[which] = given[which][:-1]
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        log_of(numbered(20), **given)


def test_bad_energies_are_named_by_their_own_index(table):
    X, y, _ = table
    y = y.copy()
    y[137] = np.nan
    with pytest.raises(ValueError, match="Energy of structure 137 is nan"):
        StabilitySelector(ONCE).fit(X, y)
