"""Stability selections in parallel, interrupted, and by their random state."""

import warnings

import joblib
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import (
    SelectKBest,
    f_regression,
)
from skorch.callbacks import Callback

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    CURSelector,
    HDNNPRegressor,
    StabilitySelector,
)
from tests.selection._stability import ONCE


def test_the_result_does_not_depend_on_the_number_of_jobs(planted_table, fitted_stability):
    X, y, _ = planted_table
    parallel = StabilitySelector(ONCE, n_resamples=6, n_jobs=2, random_state=0).fit(X, y)
    assert_array_equal(parallel.supports_, fitted_stability.supports_)


def test_processes_give_the_same(ragged):
    whole = StabilitySelector(CURSelector(2), threshold=0.1, n_resamples=4, random_state=0)
    supports = whole.fit(ragged).supports_
    with joblib.parallel_config("loky", n_jobs=2):
        assert_array_equal(whole.fit(ragged).supports_, supports)


def test_the_random_state_draws_the_halves(planted_table, fitted_stability):
    X, y, _ = planted_table
    filters = [
        StabilitySelector(SelectKBest(f_regression, k=3), threshold=0.1, random_state=seed)
        for seed in (0, 0, 1)
    ]
    first, again, other = (one.fit(X, y).supports_ for one in filters)
    assert_array_equal(first, again)
    assert (first != other).any()


def test_the_given_selector_stays_as_it_is(planted_table):
    X, y, _ = planted_table
    inner = SelectKBest(f_regression, k=3)
    StabilitySelector(inner, n_resamples=2, threshold=0.1).fit(X, y)
    assert not hasattr(inner, "scores_")


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
def n_trainings_of_a_pair(planted_table):
    X, y, _ = planted_table
    counting(0, n_resamples=2).fit(X, y)
    return Counter.n_trainings


def test_ctrl_c_leaves_the_halves_that_are_done(planted_table, n_trainings_of_a_pair):
    X, y, _ = planted_table
    whole = counting(0).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="those of 2 of 6 halves") as caught:
        stopped = counting(n_trainings_of_a_pair + 1).fit(X, y)
    assert caught[0].filename == __file__
    assert_array_equal(stopped.supports_, whole.supports_[:2])
    assert_array_equal(stopped.selection_frequencies_, whole.supports_[:2].mean(axis=0))


def test_ctrl_c_with_threads(planted_table, n_trainings_of_a_pair):
    X, y, _ = planted_table
    with pytest.warns(ConvergenceWarning, match="of 6 halves"):
        stopped = counting(3 * n_trainings_of_a_pair // 2, counter=CounterOfThreads, n_jobs=2).fit(
            X, y
        )
    assert 2 <= len(stopped.supports_) < 6


@pytest.mark.parametrize("place", ["first", "second"])
def test_ctrl_c_before_two_halves_are_done_ends_it(planted_table, n_trainings_of_a_pair, place):
    X, y, _ = planted_table
    end_at = 1 if place == "first" else n_trainings_of_a_pair
    with pytest.raises(KeyboardInterrupt):
        counting(end_at).fit(X, y)
    assert Counter.n_trainings == end_at


def test_a_run_to_the_end_does_not_warn(planted_table):
    X, y, _ = planted_table
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        StabilitySelector(SelectKBest(f_regression, k=3), threshold=0.1).fit(X, y)
