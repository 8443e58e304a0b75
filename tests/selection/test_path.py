import pickle
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from skorch.callbacks import Callback
from threadpoolctl import threadpool_info

from sklearn_agl import HDNNPRegressor, SelectionPath, group_lasso_path
from sklearn_agl.potentials.data._held_out import hold_out
from sklearn_agl.selection.path._penalised_fits import ColdFits
from tests.selection._planted import planted, planted_atoms

SMALL = HDNNPRegressor((4,), random_state=3)
"""Settings of fits that take some milliseconds on a small table."""


@pytest.fixture(scope="module")
def small_table():
    X, y, used = planted(0, n_samples=150, n_features=7)
    return X, y, used


@pytest.fixture(scope="module")
def small_path(small_table):
    X, y, _ = small_table
    return group_lasso_path(X, y, SMALL, min_features=2, random_state=5)


@pytest.mark.parametrize("seed", range(2))
def test_planted_features_are_the_last_to_stay(seed):
    X, y, used = planted(seed)
    estimator = HDNNPRegressor((6,))
    path = group_lasso_path(X, y, estimator, min_features=4, random_state=seed)
    assert path.n_features[0] == 20
    assert_array_equal(np.flatnonzero(path.supports[-1]), used)
    best = path.supports[path.best()]
    assert best[used].all()
    assert best.sum() <= 6


def test_the_arrays_belong_together(small_path):
    n = len(small_path)
    assert n > 7
    for name in ("supports", "group_norms"):
        assert getattr(small_path, name).shape == (n, 7)
    assert small_path.refitted_errors.shape == (n, 15)
    for name in (
        "alphas",
        "objective",
        "penalised_rmse",
        "refitted_rmse",
        "fit_time",
        "refit_init",
    ):
        assert getattr(small_path, name).shape == (n,)
    assert small_path.initial_group_norms.shape == (7,)
    assert_array_equal(small_path.supports, small_path.group_norms > 0)
    assert_array_equal(small_path.n_features, np.count_nonzero(small_path.group_norms, axis=1))
    assert (np.diff(small_path.alphas) > 0).all()
    assert list(small_path.feature_names) == [f"x{i}" for i in range(7)]


def test_the_first_point_is_the_fit_of_all_features(small_path):
    assert small_path.alphas[0] == 0.0
    assert small_path.supports[0].all()


def test_features_do_not_return(small_path):
    for before, after in zip(small_path.supports[:-1], small_path.supports[1:], strict=True):
        assert not (after & ~before).any()


def test_the_penalty_of_the_path_or_else_of_the_estimator(small_table, small_path):
    X, y, _ = small_table
    settings = {"min_features": 2, "refit": False, "random_state": 5}
    mine = group_lasso_path(X, y, SMALL, penalty="scad", concavity=40.0, **settings)
    estimator = HDNNPRegressor((4,), penalty="scad", concavity=40.0)
    its = group_lasso_path(X, y, estimator, **settings)
    assert_array_equal(mine.group_norms, its.group_norms)
    assert mine.group_norms[-1].tolist() != small_path.group_norms[-1].tolist()


def test_ranks_of_features_that_left_at_different_times():
    norms = np.array([[4, 5, 6, 1, 2, 3], [0, 0, 3, 1, 0, 2], [0, 0, 0, 0, 0, 1]], dtype=float)
    initial = np.array([1.0, 2.0, 5.0, 4.0, 0.0, 3.0])
    errors = {
        name: np.zeros(3)
        for name in ("objective", "penalised_rmse", "refitted_rmse", "fit_time", "refit_time")
    }
    path = SelectionPath(
        alphas=np.arange(3.0), supports=norms > 0, group_norms=norms, initial_group_norms=initial,
        feature_names=np.array(list("abcdef")), **errors,
    )  # fmt: skip
    # 4 went in the first fit; 0 and 1 before the second point, 2 and 3 before the third.
    assert path.ranking(path.support(1)).tolist() == [5, 4, 2, 3, 6, 1]
    assert path.ranking(path.support(2)).tolist() == [4, 3, 1, 2, 5, 1]
    assert path.ranking(path.support(6)).tolist() == [1, 1, 1, 1, 1, 1]


def test_it_ends_at_the_number_asked_for(small_table, small_path):
    X, y, _ = small_table
    assert small_path.n_features[-1] <= 2 < small_path.n_features[-2]
    path = group_lasso_path(X, y, SMALL, min_features=4, refit=False, random_state=5)
    assert path.n_features[-1] <= 4 < path.n_features[-2]
    assert_array_equal(path.group_norms, small_path.group_norms[: len(path)])


@pytest.fixture(scope="module")
def held_out(small_table):
    """Seed of the small path, and the structures that all its fits hold out."""
    seed = int(np.random.RandomState(5).randint(np.iinfo(np.int32).max))
    _, y, _ = small_table
    return seed, hold_out(np.ones((150, 1)), y, 0.1, np.random.RandomState(seed))


def test_the_better_refit_stays(small_table, small_path, held_out):
    X, y, _ = small_table
    seed, _ = held_out
    assert set(small_path.refit_init) == {"warm", "cold"}
    for point in (0, small_path.best(), len(small_path) - 1):
        support = small_path.supports[point]
        model = HDNNPRegressor((4,), random_state=seed).fit(X[:, support], y)
        cold = model.validation_rmse_
        if small_path.refit_init[point] == "cold":
            assert_allclose(small_path.refitted_rmse[point], cold, rtol=1e-9)
        else:
            assert small_path.refitted_rmse[point] < cold


def test_a_warm_refit_is_no_worse_than_the_path_itself(small_table):
    """Here the penalty is too weak to matter, so that both errors mean the same."""
    X, y, _ = small_table
    path = group_lasso_path(X, y, SMALL, alphas=[1e-9], random_state=5)
    assert (path.refitted_rmse <= path.penalised_rmse * (1 + 1e-6)).all()


def test_potentials_are_those_that_were_refitted(small_table, small_path, held_out):
    X, y, _ = small_table
    _, rows = held_out
    for point, n in enumerate(small_path.n_features):
        potential = small_path.potentials[point]
        errors = potential.predict(X[:, small_path.supports[point]]) - y
        assert_allclose(small_path.refitted_errors[point], errors[rows], rtol=1e-8, atol=1e-10)
        assert_allclose(potential.validation_rmse_, small_path.refitted_rmse[point])
        assert potential.init_ == small_path.refit_init[point]
        assert potential.n_features_in_ == n
        assert potential.get_params() == SMALL.get_params() | {"random_state": held_out[0]}
    size = small_path.n_features[-2]
    chosen = small_path.potential(size)
    assert_array_equal(
        np.flatnonzero(small_path.support(size)), np.flatnonzero(small_path.supports[-2])
    )
    assert chosen.n_features_in_ == size
    again = pickle.loads(pickle.dumps(small_path)).potential(size)
    table = X[:, small_path.support(size)]
    assert_array_equal(again.predict(table), chosen.predict(table))
    assert_array_equal(clone(chosen).fit(table, y).predict(table).shape, (150,))


@pytest.mark.parametrize("size", [0, 99])
def test_a_size_without_a_potential_is_an_error(small_path, size):
    with pytest.raises(ValueError, match=f"No set of {size} features.*there are refits of"):
        small_path.potential(size)


def test_potentials_of_atoms_know_their_columns():
    X, y = planted_atoms(0)
    path = group_lasso_path(X, y, SMALL, min_features=2, random_state=0)
    size = path.n_features[path.best()]
    potential = path.potential(size)
    chosen = X.take_features(path.support(size))
    errors = (potential.predict(chosen) - y) / chosen.n_atoms
    assert 0 < np.sqrt(np.mean(errors**2)) < 3 * path.refitted_rmse[path.best()]


def errors_path(errors, sizes):
    """A path whose sets leave given errors on the held-out structures."""
    errors, n = np.asarray(errors, dtype=float), max(sizes)
    supports = np.arange(n) < np.reshape(sizes, (-1, 1))
    blank, rmse = np.zeros(len(sizes)), np.sqrt(np.mean(errors**2, axis=1))
    names = np.array([f"x{i}" for i in range(n)])
    norms = supports.astype(float)
    about = {"refitted_errors": errors}
    return SelectionPath(
        blank, supports, norms, norms[0], blank, rmse, rmse, blank, blank, names, **about
    )


def test_standard_errors_are_those_of_many_draws():
    """The delta method beside RMSE of samples drawn again and again."""
    rng = np.random.default_rng(0)
    draws = rng.standard_t(9, size=(4000, 200))
    path = errors_path(draws, [1] * 4000)
    assert_allclose(path.refitted_standard_error.mean(), path.refitted_rmse.std(), rtol=0.05)


def test_best_compares_structure_by_structure():
    hard = np.array([0.1] * 18 + [3.0, -3.0])
    rng = np.random.default_rng(1)
    shaken = hard + 0.005 * rng.normal(size=20)
    worse = np.sign(hard) * np.sqrt(hard**2 + 0.05)
    path = errors_path([hard, shaken, worse], [3, 2, 1])
    # All three lie within the standard errors of their RMSE, but the last one is always worse.
    assert np.ptp(path.refitted_rmse) < path.refitted_standard_error.min()
    assert path.best() == 1
    assert path.best(tolerance=0.05) == 2
    assert path.best(tolerance=0.0) == np.argmin(path.refitted_rmse)


def test_best_without_the_errors_of_structures_takes_the_tolerance(small_path):
    plain = replace(small_path, refitted_errors=None)
    assert plain.best() == small_path.best(tolerance=0.05)
    assert np.isnan(plain.refitted_standard_error).all()


def test_equal_supports_share_a_refit(small_path):
    for support in np.unique(small_path.supports, axis=0):
        same = (small_path.supports == support).all(axis=1)
        assert len(set(small_path.refitted_rmse[same])) == 1


def test_best_is_the_smallest_set_within_the_tolerance(small_path):
    for tolerance in (0.0, 0.05, 0.5, 100.0):
        best = small_path.best(tolerance)
        good = small_path.refitted_rmse <= (1 + tolerance) * small_path.refitted_rmse.min()
        assert good[best]
        assert small_path.n_features[best] == small_path.n_features[good].min()
    assert small_path.best(100.0) > small_path.best(0.0)


def test_the_frame_lists_every_point(small_path):
    frame = small_path.to_frame()
    assert len(frame) == len(small_path)
    assert_array_equal(frame["n_features"], small_path.n_features)
    assert_array_equal(frame["alpha"], small_path.alphas)
    for name in ("refitted_rmse", "refitted_standard_error", "refit_init"):
        assert_array_equal(frame[name], getattr(small_path, name))
    last = np.flatnonzero(small_path.supports[-1])
    assert frame["features"].iloc[-1] == tuple(f"x{i}" for i in last)


def test_names_come_from_the_columns_of_a_frame(small_table):
    X, y, _ = small_table
    frame = pd.DataFrame(X, columns=list("abcdefg"))
    path = group_lasso_path(frame, y, SMALL, alphas=[1e-4], refit=False)
    assert list(path.feature_names) == list("abcdefg")


def test_without_refits_there_is_no_best(small_table, small_path):
    X, y, _ = small_table
    path = group_lasso_path(X, y, SMALL, alphas=[1e-4], refit=False)
    assert np.isnan(path.refitted_rmse).all()
    assert np.isnan(path.refit_time).all()
    with pytest.raises(ValueError, match="refit=True"):
        path.best()


def test_explicit_alphas_are_followed_in_turn(small_table):
    X, y, _ = small_table
    alphas = [1e-4, 1e-3, 1e-2]
    path = group_lasso_path(X, y, SMALL, alphas=alphas, refit=False, random_state=0)
    assert_array_equal(path.alphas, [0.0, *alphas])


def test_the_plain_group_lasso_penalises_all_alike(small_table):
    """At the end of a fit, the objective that is reported holds the factors that were used."""
    X, y, _ = small_table
    estimator = HDNNPRegressor((), random_state=0, early_stopping=False)
    settings = {"alphas": [0.3], "refit": False, "random_state": 0}
    for adaptive in (False, True):
        path = group_lasso_path(X, y, estimator, adaptive=adaptive, gamma=2.0, **settings)
        norms = path.initial_group_norms
        factors = 1 / np.where(norms > 0, norms, np.inf) ** 2 if adaptive else 1.0
        sigma = y.std()
        expected = (path.penalised_rmse / sigma) ** 2
        expected[1] += 0.3 / 7 * np.sum(factors * path.group_norms[1])
        assert_allclose(path.objective, expected, rtol=1e-9)


def test_two_elements_keep_what_each_needs():
    X, y = planted_atoms(0)
    path = group_lasso_path(X, y, SMALL, min_features=2, random_state=0)
    assert set(np.flatnonzero(path.supports[-1])) <= {1, 6}
    assert path.supports[path.best()][[1, 6]].all()


def test_adamw_walks_too(small_table):
    X, y, used = small_table
    estimator = HDNNPRegressor((4,), solver="adamw", max_epochs=60, lr=0.03, random_state=0)
    path = group_lasso_path(X, y, estimator, alphas=[0.01, 0.1, 1.0, 3.0], refit=False)
    assert_array_equal(path.n_features, np.sort(path.n_features)[::-1])
    assert 0 < path.n_features[-1] < 7
    assert not (path.supports[-1] & ~np.isin(np.arange(7), used)).any()


def test_levenberg_marquardt_walks_too(small_table):
    X, y, used = small_table
    estimator = HDNNPRegressor((4,), solver="lm", random_state=0)
    path = group_lasso_path(X, y, estimator, min_features=2, refit=False)
    assert_array_equal(path.n_features, np.sort(path.n_features)[::-1])
    assert path.n_features[0] == 7
    assert path.n_features[-1] <= 2
    assert set(np.flatnonzero(path.supports[-1])) <= set(used)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_the_random_state_decides_whatever_the_number_of_jobs(small_table, small_path, n_jobs):
    X, y, _ = small_table
    before = threadpool_info()
    path = group_lasso_path(X, y, SMALL, min_features=2, n_jobs=n_jobs, random_state=5)
    for name in ("alphas", "group_norms", "objective", "penalised_rmse", "refitted_rmse"):
        assert_array_equal(getattr(path, name), getattr(small_path, name))
    assert threadpool_info() == before


def test_the_estimators_random_state_is_the_default(small_table):
    X, y, _ = small_table
    settings = {"alphas": [1e-3], "refit": False}
    first, again = (group_lasso_path(X, y, SMALL, **settings) for _ in range(2))
    assert_array_equal(first.group_norms, again.group_norms)
    other = group_lasso_path(X, y, SMALL, random_state=4, **settings)
    assert (other.group_norms != first.group_norms).any()


def test_the_estimator_is_left_alone(small_table):
    X, y, _ = small_table
    estimator = HDNNPRegressor((4,), random_state=0)
    before = estimator.get_params()
    group_lasso_path(X, y, estimator, alphas=[1e-3])
    assert estimator.get_params() == before
    assert not hasattr(estimator, "net_")


def test_verbose_prints_a_line_per_alpha(small_table, capsys):
    X, y, _ = small_table
    group_lasso_path(X, y, SMALL, alphas=[1e-3, 1e-2], refit=False, verbose=1)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("alpha")]
    assert len(lines) >= 2
    assert "1.00e-02" in lines[-1]


def test_no_feature_left_is_a_warning(small_table):
    X, y, _ = small_table
    with pytest.warns(ConvergenceWarning, match="alpha=1e") as caught:
        path = group_lasso_path(X, y, SMALL, alphas=[1e-3, 1e5, 1e6], random_state=0)
    assert caught[0].filename == __file__
    assert path.n_features[-1] == 0
    assert np.isnan(path.refitted_rmse[-1])
    assert path.n_features[path.best()] > 0


@pytest.mark.parametrize("init", ["warm", "cold"])
def test_what_follows_copes_with_a_path_that_ends_without_features(small_table, init):
    X, y, _ = small_table
    with pytest.warns(ConvergenceWarning):
        path = group_lasso_path(X, y, SMALL, alphas=[1e-3, 1e5], init=init, random_state=0)
    assert path.n_features[-1] == 0
    assert path.to_frame()["features"].iloc[-1] == ()
    assert path.best() < len(path) - 1
    assert path.support(2).sum() == 2
    assert sorted(path.ranking(path.support(1))) == [1, 2, 3, 4, 5, 6, 7]


def test_parameters_that_given_alphas_leave_idle_are_said(small_table):
    X, y, _ = small_table
    settings = {"alphas": [1e-3], "refit": False, "random_state": 0}
    with pytest.warns(UserWarning) as caught:
        group_lasso_path(X, y, SMALL, min_features=3, reweight=0.5, **settings)
    said = [str(warning.message) for warning in caught]
    assert [words.split(" ")[0] for words in said] == ["min_features=3", "reweight=0.5"]
    assert all(warning.filename == __file__ for warning in caught)


def test_a_path_that_keeps_features_does_not_warn(small_table):
    X, y, _ = small_table
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        group_lasso_path(X, y, SMALL, alphas=[1e-3], random_state=0)


class CtrlC(Callback):
    """Press Ctrl-C in a given training, counted over all of them: the nets have clones of this."""

    n_trainings = 0

    def __init__(self, at):
        self.at = at

    def on_train_begin(self, net, **kwargs):
        CtrlC.n_trainings += 1

    def on_batch_end(self, net, training, **kwargs):
        if CtrlC.n_trainings == self.at:
            raise KeyboardInterrupt


def interrupted_path(table, at, **params):
    CtrlC.n_trainings = 0
    estimator = HDNNPRegressor((4,), callbacks=[CtrlC(at)], random_state=0)
    return group_lasso_path(*table[:2], estimator, random_state=0, **params)


@pytest.mark.parametrize("at", [1, 2, 3, 5])
def test_ctrl_c_returns_what_is_done(small_table, at):
    path = interrupted_path(small_table, at)
    assert CtrlC.n_trainings == at
    assert 1 <= len(path) <= at + 1
    # Refits that go on from the path are part of it; those afresh come after it.
    assert path.refit_init is None or "cold" not in path.refit_init
    assert np.isfinite(path.penalised_rmse).all()


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_ctrl_c_in_the_refits_returns_those_that_are_done(small_table, n_jobs):
    whole = interrupted_path(small_table, 0, alphas=[1e-3, 0.1, 1.0])
    n_refits = len({tuple(support) for support in whole.supports})
    assert n_refits >= 3
    n_walked = CtrlC.n_trainings - n_refits
    # The last training to begin is a refit: that of the set that the last step has found.
    assert not (whole.supports[:-1] == whole.supports[-1]).all(axis=1).any()
    at = n_walked + n_refits
    path = interrupted_path(small_table, at, alphas=[1e-3, 0.1, 1.0], n_jobs=n_jobs)
    assert_array_equal(path.supports, whole.supports)
    # Without the fit afresh, what was refitted from the path on is left.
    assert (path.refitted_rmse >= whole.refitted_rmse * (1 - 1e-6)).all()
    if n_jobs is None:
        # The largest sets come first.
        done = path.n_features > path.n_features.min()
        assert_array_equal(path.refitted_rmse[done], whole.refitted_rmse[done])
        assert_array_equal(path.refit_init[~done], "warm")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"estimator": Ridge()}, ["estimator", "HDNNPRegressor", "Ridge()"]),
        ({"alphas": [-1.0, 1.0]}, ["alphas", "-1.0"]),
        ({"alphas": [1.0, np.nan]}, ["alphas", "nan"]),
        ({"alphas": [1.0, 0.1]}, ["alphas", "ascend", "sort"]),
        ({"alphas": []}, ["alphas", "at least one"]),
        ({"alphas": 0.1}, ["alphas", "0.1"]),
        ({"gamma": -1.0}, ["gamma", "-1.0"]),
        ({"initial_alpha": -1.0}, ["initial_alpha", "-1.0"]),
        ({"initial_alpha": 1e5}, ["initial_alpha=1e+05", "none of the 7", "Try initial_alpha"]),
        ({"min_features": -1}, ["min_features", "-1"]),
    ],
)
def test_bad_parameters_are_named_with_their_values(small_table, params, words):
    X, y, _ = small_table
    with pytest.raises(ValueError) as caught:
        group_lasso_path(X, y, **({"estimator": SMALL} | params))
    for word in words:
        assert word in str(caught.value)


def path_of(norms):
    """A path with given norms."""
    norms = np.array(norms, dtype=float)
    nothing = np.zeros(len(norms))
    names = np.array([f"x{i}" for i in range(norms.shape[1])])
    return SelectionPath(
        nothing, norms > 0, norms, norms[0], nothing, nothing, nothing, nothing, nothing, names
    )


@pytest.mark.parametrize(
    ("n_features", "expected"),
    [(1, [2]), (2, [2, 3]), (3, [0, 2, 3]), (4, [0, 1, 2, 3]), (5, [0, 1, 2, 3, 4])],
)
def test_the_step_before_makes_up_for_a_long_step(n_features, expected):
    path = path_of([[9, 9, 9, 9, 9], [3, 2, 1, 4, 0], [0, 0, 5, 1, 0]])
    assert_array_equal(np.flatnonzero(path.support(n_features)), expected)


def test_a_path_that_ends_early_loses_its_smallest_features():
    path = path_of([[3, 2, 1, 4, 5], [3, 2, 1, 4, 0]])
    assert_array_equal(np.flatnonzero(path.support(2)), [0, 3])


def test_cold_starts_need_no_way_and_let_features_return():
    X, y, used = planted(1, n_samples=200, n_features=8)
    alphas = [0.1, 1.0]
    estimator = HDNNPRegressor((6,), max_epochs=8)
    path = group_lasso_path(
        X, y, estimator, alphas=alphas, init="cold", refit=False, random_state=0
    )
    assert_array_equal(path.alphas, [0.0, *alphas])
    once = group_lasso_path(
        X, y, estimator, alphas=alphas[:1], init="cold", refit=False, random_state=0
    )
    assert_array_equal(path.group_norms[1], once.group_norms[1])
    assert set(used) <= set(np.flatnonzero(path.supports[1]))


def test_cold_starts_go_on_from_a_checkpoint(tmp_path):
    X, y, _ = planted(1, n_samples=200, n_features=8)
    settings = {"estimator": HDNNPRegressor((6,), max_epochs=4), "init": "cold", "refit": False}
    settings |= {"alphas": [0.1, 0.3, 1.0], "random_state": 0}

    def interrupted(self, alpha):
        if alpha == 1.0:
            raise MemoryError
        return go_to(self, alpha)

    go_to = ColdFits.go_to
    with pytest.MonkeyPatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(ColdFits, "go_to", interrupted)
        group_lasso_path(X, y, checkpoint=tmp_path, **settings)
    resumed = group_lasso_path(X, y, checkpoint=tmp_path, **settings)
    assert_array_equal(resumed.group_norms, group_lasso_path(X, y, **settings).group_norms)
