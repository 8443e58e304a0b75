"""Runs with a checkpoint end as ones without a break, wherever they were ended."""

import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from skorch.callbacks import Callback

from sklearn_agl import HDNNPRegressor, group_lasso_path
from sklearn_agl.selection.runs import _checkpoint
from sklearn_agl.selection.runs._checkpoint import Checkpoint
from tests.selection import _runs
from tests.selection._planted import planted_atoms
from tests.selection._runs import (
    ALPHAS,
    SOLVERS,
    TABLE,
    assert_same_path,
    assert_same_selector,
    bound_by_skips,
    count_trainings,
    cross_validate,
    eliminate,
    eliminate_with_refits,
    follow,
    run_in_pieces,
    select,
)


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_goes_on_from_every_point(tmp_path, monkeypatch, solver):
    params = {"refit": False, "alphas": ALPHAS}
    expected = follow(solver, **params)
    assert 0 < expected.n_features[-1] < 7
    path, n_deaths = run_in_pieces(
        monkeypatch, lambda: follow(solver, checkpoint=tmp_path, **params)
    )
    # The first fits are a write, too.
    assert n_deaths == len(expected)
    assert_same_path(path, expected)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_path_and_refits_go_on_from_every_point(tmp_path, monkeypatch, whole_path, n_jobs):
    path, n_deaths = run_in_pieces(monkeypatch, lambda: follow(n_jobs=n_jobs, checkpoint=tmp_path))
    n_refits = len({tuple(support) for support in whole_path.supports})
    assert n_deaths == len(whole_path) + n_refits
    assert_same_path(path, whole_path)


def test_elimination_goes_on_from_every_point(tmp_path, monkeypatch, whole_elimination):
    selector, n_deaths = run_in_pieces(monkeypatch, lambda: eliminate(checkpoint=tmp_path))
    assert n_deaths == len(whole_elimination.path_) == 6
    assert_same_selector(selector, whole_elimination)


def test_lasso_net_goes_on_from_every_point(tmp_path, monkeypatch):
    expected = bound_by_skips()
    found, n_deaths = run_in_pieces(monkeypatch, lambda: bound_by_skips(checkpoint=tmp_path))
    assert n_deaths == len(expected.path_) > 5
    assert_same_path(found.path_, expected.path_)
    assert_array_equal(found.ranking_, expected.ranking_)
    with pytest.raises(ValueError, match=r"other M \(10.0 there, 5.0 here\)"):
        bound_by_skips(checkpoint=tmp_path, M=5.0)


@pytest.mark.parametrize("params", [{}, {"tol": 0.1}, {"cv": 2, "n_jobs": 2}])
def test_elimination_with_refits_goes_on_from_every_set(tmp_path, monkeypatch, params):
    expected = eliminate_with_refits(**params)
    found, n_deaths = run_in_pieces(
        monkeypatch, lambda: eliminate_with_refits(checkpoint=tmp_path, **params)
    )
    assert n_deaths * params.get("cv", 1) == expected.n_fits_
    for name in ("errors_", "ranking_", "n_fits_"):
        assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


@pytest.mark.parametrize("given", [{}, {"random_state": None}])
def test_finished_elimination_with_refits_trains_nothing(tmp_path, monkeypatch, capsys, given):
    first = eliminate_with_refits(checkpoint=tmp_path, **given)
    trainings = count_trainings(monkeypatch)
    again = eliminate_with_refits(checkpoint=tmp_path, verbose=1, **given)
    assert_array_equal(again.errors_, first.errors_)
    assert not trainings
    assert f"resumed from {tmp_path} with {first.n_fits_} sets" in capsys.readouterr().out
    assert len((tmp_path / "path.csv").read_text().splitlines()) == first.n_fits_ + 1


@pytest.mark.parametrize("params", [{}, {"n_features_to_select": None, "alpha": 0.2}])
def test_selector_goes_on_from_every_point(tmp_path, monkeypatch, params):
    expected = select(**params)
    selector, n_deaths = run_in_pieces(monkeypatch, lambda: select(checkpoint=tmp_path, **params))
    assert n_deaths == len(expected.path_)
    assert_same_selector(selector, expected)


@pytest.mark.parametrize("params", [{}, {"n_jobs": 2}, {"alphas": None}])
def test_cross_validation_goes_on_from_every_part(tmp_path, monkeypatch, params):
    found, n_deaths = run_in_pieces(
        monkeypatch, lambda: cross_validate(checkpoint=tmp_path, **params)
    )
    assert n_deaths > 4
    expected = cross_validate(**params)
    assert found.alpha_ == expected.alpha_
    assert found.cv_results_.keys() == expected.cv_results_.keys()
    for name, column in expected.cv_results_.items():
        assert_array_equal(found.cv_results_[name], column, err_msg=name)
    assert_same_selector(found, expected)


def test_cross_validation_on_other_splits_is_refused(tmp_path):
    cross_validate(checkpoint=tmp_path, alphas=[0.1])
    with pytest.raises(ValueError, match="holds a run with other rows for training"):
        cross_validate(checkpoint=tmp_path, alphas=[0.1], cv=3)


def test_a_finished_cross_validation_trains_nothing(tmp_path, monkeypatch):
    first = cross_validate(checkpoint=tmp_path)
    calls = count_trainings(monkeypatch)
    again = cross_validate(checkpoint=tmp_path, rule="one_standard_error", verbose=1)
    assert_array_equal(again.alphas_, first.alphas_)
    # The other rule may choose another alpha, of a selection that has not been run.
    assert bool(calls) == (again.alpha_ != first.alpha_)


def test_two_elements_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr(_runs, "TABLE", planted_atoms(0))
    path, n_deaths = run_in_pieces(
        monkeypatch, lambda: follow(alphas=[1e-3, 0.03, 0.1], refit=False, checkpoint=tmp_path)
    )
    assert n_deaths == len(path) == 4
    assert 0 < path.n_features[-1] < 8
    assert_same_path(path, follow(alphas=[1e-3, 0.03, 0.1], refit=False))


class CtrlC(Callback):
    """Press Ctrl-C in a given training, counted over all of them."""

    at = n_trainings = 0

    def on_train_begin(self, net, **kwargs):
        CtrlC.n_trainings += 1

    def on_batch_end(self, net, training, **kwargs):
        # With two threads, the next training may have begun before this one's first batch ends.
        if 0 < CtrlC.at <= CtrlC.n_trainings:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("at", "n_jobs"), [(1, None), (3, None), (5, None), (8, None), (8, 2)])
def test_a_run_goes_on_after_ctrl_c(tmp_path, monkeypatch, n_jobs, at):
    def run(at, **params):
        monkeypatch.setattr(CtrlC, "at", at)
        monkeypatch.setattr(CtrlC, "n_trainings", 0)
        estimator = HDNNPRegressor((4,), callbacks=[CtrlC()])
        settings = {"alphas": ALPHAS, "n_jobs": n_jobs, "random_state": 0} | params
        return group_lasso_path(*TABLE, estimator, **settings)

    first = run(at, checkpoint=tmp_path)
    assert first.refit_init is None or "warm" in first.refit_init
    whole = run(0)
    assert at < CtrlC.n_trainings
    again = run(0, checkpoint=tmp_path)
    assert_same_path(again, whole)


def test_finished_run_returns_at_once(finished, monkeypatch, whole_path):
    trainings = count_trainings(monkeypatch)
    assert_same_path(follow(checkpoint=str(finished)), whole_path)
    assert not trainings


def test_refits_can_be_asked_for_later(tmp_path, monkeypatch):
    path = follow(checkpoint=tmp_path, alphas=ALPHAS, refit=False)
    assert np.isnan(path.refitted_rmse).all()
    trainings = count_trainings(monkeypatch)
    path = follow(checkpoint=tmp_path, alphas=ALPHAS)
    assert len({id(training) for training, _ in trainings}) == len(set(path.refitted_rmse))


def test_two_runs_at_once_may_share_a_folder(tmp_path, monkeypatch):
    """The second one begins and ends while the first one is in the middle of a write."""
    real, second = np.savez, []

    def savez(file, **arrays):
        file.write(b"")
        if not second and "points/alpha" in arrays and len(arrays["points/alpha"]) == 3:
            second.append(None)
            second.append(follow(checkpoint=tmp_path, alphas=ALPHAS))
        real(file, **arrays)

    monkeypatch.setattr(_checkpoint.np, "savez", savez)
    first = follow(checkpoint=tmp_path, alphas=ALPHAS)
    assert_same_path(first, follow(alphas=ALPHAS))
    assert_same_path(second[1], first)
    assert_same_path(follow(checkpoint=tmp_path, alphas=ALPHAS), first)


# Random states


def test_without_a_random_state_the_first_seed_is_kept(tmp_path, monkeypatch):
    def run():
        np.random.seed(int(time.time_ns() % 2**32))
        return follow(checkpoint=tmp_path, alphas=ALPHAS, refit=False, random_state=None)

    path, n_deaths = run_in_pieces(monkeypatch, run)
    assert n_deaths == len(path)
    monkeypatch.undo()
    assert_same_path(run(), path)


def test_of_two_runs_that_start_at_once_the_first_gives_the_seed(tmp_path, monkeypatch):
    def other_is_faster(path, fill):
        monkeypatch.setattr(_checkpoint, "create_file", real)
        Checkpoint(tmp_path, {"run": "path"}, 5)
        real(path, fill)

    real = _checkpoint.create_file
    monkeypatch.setattr(_checkpoint, "create_file", other_is_faster)
    assert Checkpoint(tmp_path, {"run": "path"}, 7).seed == 5
    assert Checkpoint(tmp_path, {"run": "path"}, 9).seed == 5


def test_random_state_instance_goes_on_from_its_state(tmp_path, whole_path):
    for _ in range(2):
        path = follow(checkpoint=tmp_path, random_state=np.random.RandomState(0))
        assert_same_path(path, whole_path)
    with pytest.raises(ValueError, match=r"random_state \(RandomState"):
        follow(checkpoint=tmp_path, random_state=np.random.RandomState(1))
