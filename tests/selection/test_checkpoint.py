import csv
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from skorch.callbacks import Callback

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AdaptiveGroupLassoSelectorCV,
    HDNNPRegressor,
    WaldSelector,
    group_lasso_path,
)
from sklearn_agl.selection import _checkpoint
from sklearn_agl.selection._record import TimeLeft
from tests._children import FIND_TESTS
from tests.selection._planted import planted, planted_atoms

TABLE = planted(0, n_samples=100, n_features=7)[:2]
SOLVERS = {"kalman": {}, "lm": {"max_epochs": 40}, "adamw": {"max_epochs": 30, "lr": 0.05}}

ALPHAS = [1e-3, 0.03, 0.3, 1.0]


class Kill(Exception):
    """Ends a run at a moment that the run cannot know."""


def follow(solver="kalman", **params):
    """A path of some tenths of a second."""
    estimator = HDNNPRegressor((4,), solver=solver, **SOLVERS[solver])
    settings = {"min_features": 3, "random_state": 0} | params
    return group_lasso_path(*TABLE, estimator, **settings)


def eliminate(**params):
    settings = {"estimator": HDNNPRegressor((4,)), "random_state": 0} | params
    return WaldSelector(2, **settings).fit(*TABLE)


def select(**params):
    settings = {"n_features_to_select": 3, "random_state": 0} | params
    return AdaptiveGroupLassoSelector(HDNNPRegressor((4,)), **settings).fit(*TABLE)


def cross_validate(**params):
    settings = {"alphas": ALPHAS, "cv": 2, "random_state": 0} | params
    return AdaptiveGroupLassoSelectorCV(HDNNPRegressor((4,)), **settings).fit(*TABLE)


def assert_same_path(found, expected):
    for name in ("alphas", "group_norms", "initial_group_norms", "objective"):
        assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    for name in ("penalised_rmse", "refitted_rmse", "supports", "feature_names"):
        assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


def assert_same_selector(found, expected):
    assert_same_path(found.path_, expected.path_)
    assert_array_equal(found.support_, expected.support_)
    assert_array_equal(found.estimator_.weights_, expected.estimator_.weights_)
    assert found.estimator_.n_iter_ == expected.estimator_.n_iter_ > 0
    if isinstance(found, WaldSelector):
        assert_array_equal(found.statistics_, expected.statistics_)
        assert_array_equal(found.ranking_, expected.ranking_)


def run_in_pieces(monkeypatch, run):
    """The result of a run that dies in each second write of its state, and how often it did."""
    real, done = np.savez, []

    def savez(file, **arrays):
        if len(done) == 1:
            file.write(b"half a file")
            raise Kill
        done.append(real(file, **arrays))

    monkeypatch.setattr(_checkpoint.np, "savez", savez)
    for n_deaths in range(100):
        try:
            return run(), n_deaths
        except Kill:
            done.clear()
    raise AssertionError("The run makes no progress.")


def count_trainings(monkeypatch):
    """A list that grows with every training from now on."""
    from sklearn_agl.potentials._training import Training

    real, calls = Training.run, []
    monkeypatch.setattr(Training, "run", lambda *args: calls.append(args) or real(*args))
    return calls


@pytest.fixture(scope="module")
def whole_path():
    return follow()


@pytest.fixture(scope="module")
def whole_elimination():
    return eliminate()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a path that came to its end."""
    folder = tmp_path_factory.mktemp("finished")
    follow(checkpoint=folder)
    return folder


# Real kills

KILLS = """
import os, signal, sys, time
from pathlib import Path
from tests.selection import test_checkpoint as runs

def die_in_writing(n_left):
    def savez(file, **arrays):
        nonlocal n_left
        if n_left == 0:
            file.write(b"half a file")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        n_left -= 1
        real(file, **arrays)
    real, runs.np.savez = runs.np.savez, savez

def kill_after(child, folder, n_files):
    seen = set()
    while len(seen) < n_files:
        seen |= {path.stat().st_mtime_ns for path in folder.glob("state.npz")}
        time.sleep(1e-4)
    os.kill(child, signal.SIGKILL)

for job in sys.argv[1:]:
    call, folder, how, n = job.split(",")
    child = os.fork()
    if child == 0:
        if how == "inside":
            die_in_writing(int(n))
        getattr(runs, call)(checkpoint=folder)
        os._exit(0)
    if how == "outside":
        kill_after(child, Path(folder), int(n))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
"""
"""Children of one process, since it takes seconds to import torch, die one after the other."""


def lm_path(**params):
    return follow("lm", alphas=ALPHAS, refit=False, **params)


@pytest.fixture(scope="module")
def killed(tmp_path_factory, whole_path):
    """A folder with what kills have left of several runs."""
    folder = tmp_path_factory.mktemp("killed")
    jobs = [
        ("follow", "path", "inside", 3),
        # A run that goes on does not write before it has found something new: in the refits.
        ("follow", "path", "inside", len(whole_path) - 2 + 2),
        ("lm_path", "lm", "inside", 4),
        ("eliminate", "first", "outside", 1),
        ("eliminate", "later", "outside", 4),
    ]
    arguments = [f"{call},{folder / name},{how},{n}" for call, name, how, n in jobs]
    subprocess.run([sys.executable, "-c", FIND_TESTS + KILLS, *arguments], check=True)
    return folder


def test_path_that_is_killed_again_and_again_ends_as_one_without_a_break(killed, whole_path):
    with np.load(killed / "path" / "state.npz") as state:
        assert len(state["points/alpha"]) == len(whole_path)
        assert 0 < len(state["refits/errors"]) < len(set(whole_path.refitted_rmse))
    assert len(list((killed / "path").glob("*.tmp"))) == 2
    assert_same_path(follow(checkpoint=killed / "path"), whole_path)


def test_levenberg_marquardt_goes_on_after_a_kill(killed):
    assert_same_path(lm_path(checkpoint=killed / "lm"), lm_path())


@pytest.mark.parametrize("name", ["first", "later"])
def test_elimination_killed_from_outside_goes_on(killed, whole_elimination, name):
    assert_same_selector(eliminate(checkpoint=killed / name), whole_elimination)


# Ends of every kind, at every point


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
    monkeypatch.setattr(sys.modules[__name__], "TABLE", planted_atoms(0))
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
    assert np.isnan(first.refitted_rmse).any()
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
    assert len(trainings) == len(set(path.refitted_rmse))


def test_table_has_a_row_per_point(finished, whole_path, tmp_path):
    with open(finished / "path.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["n_features"]) for row in rows] == list(whole_path.n_features)
    assert [float(row["alpha"]) for row in rows] == list(whole_path.alphas)
    assert [float(row["refitted_rmse"]) for row in rows] == list(whole_path.refitted_rmse)
    assert rows[-1]["columns"] == " ".join(map(str, np.flatnonzero(whole_path.supports[-1])))
    assert sorted(path.name for path in finished.iterdir()) == ["path.csv", "state.npz"]
    eliminate(checkpoint=tmp_path)
    assert "statistic,rmse" in (tmp_path / "path.csv").read_text()


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


def test_random_state_instance_goes_on_from_its_state(tmp_path, whole_path):
    for _ in range(2):
        path = follow(checkpoint=tmp_path, random_state=np.random.RandomState(0))
        assert_same_path(path, whole_path)
    with pytest.raises(ValueError, match=r"random_state \(RandomState"):
        follow(checkpoint=tmp_path, random_state=np.random.RandomState(1))


# What cannot go on


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"min_features": 2}, r"min_features \(3 there, 2 here\)"),
        ({"gamma": 2.0}, r"gamma \(1.0 there, 2.0 here\)"),
        ({"alphas": [0.1, 1.0]}, r"alphas \(None there, \[0.1, 1.0\] here\)"),
        ({"random_state": 1}, r"random_state \(0 there, 1 here\)"),
        ({"solver": "adamw"}, r"estimator.solver \(kalman there, adamw here\)"),
    ],
)
def test_folder_of_other_settings_is_refused(finished, params, words):
    with pytest.raises(ValueError, match=words) as caught:
        follow(checkpoint=finished, **params)
    assert f"checkpoint={str(finished)!r} holds a run with other " in str(caught.value)
    assert "Give another folder, or delete this one" in str(caught.value)


@pytest.mark.parametrize(
    ("change_x", "change_y", "name"),
    [(1e-15, 0.0, "features"), (0.0, 1e-9, "energies")],
)
def test_folder_of_other_data_is_refused(finished, monkeypatch, change_x, change_y, name):
    X, y = TABLE[0].copy(), TABLE[1].copy()
    X[3, 2] += change_x * X[3, 2]
    y[5] += change_y
    monkeypatch.setattr(sys.modules[__name__], "TABLE", (X, y))
    with pytest.raises(
        ValueError, match=rf"with other {name} \(100\S* [^,]* there, 100[^,]* here\)\. Give"
    ):
        follow(checkpoint=finished)


def test_folder_of_another_function_or_version_is_refused(finished, monkeypatch):
    with pytest.raises(ValueError, match=r"run \(group_lasso_path there, WaldSelector here\)"):
        eliminate(checkpoint=finished)
    monkeypatch.setattr(_checkpoint, "__version__", "9.9")
    with pytest.raises(ValueError, match=r"version of sklearn_agl \(.* there, 9.9 here\)"):
        follow(checkpoint=finished)


@pytest.mark.parametrize("keep", [0, 100, 0.5, -1])
def test_damaged_state_is_named(tmp_path, finished, keep):
    whole = (finished / "state.npz").read_bytes()
    n_bytes = int(keep * len(whole)) if keep == 0.5 else keep
    (tmp_path / "state.npz").write_bytes(whole[:n_bytes])
    with pytest.raises(ValueError, match="damaged, or no checkpoint.*Delete it to begin") as caught:
        follow(checkpoint=tmp_path)
    assert str(tmp_path / "state.npz") in str(caught.value)


def test_flipped_bit_is_found(tmp_path, finished):
    damaged = bytearray((finished / "state.npz").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "state.npz").write_bytes(damaged)
    with pytest.raises(ValueError, match="damaged"):
        follow(checkpoint=tmp_path)


def test_arrays_of_others_are_no_checkpoint(tmp_path):
    np.savez(tmp_path / "state.npz", weights=np.ones(3))
    with pytest.raises(ValueError, match="no checkpoint of sklearn_agl"):
        follow(checkpoint=tmp_path)


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_folder_that_cannot_be_one_is_refused_before_any_training(tmp_path, monkeypatch, name):
    (tmp_path / "file").write_text("")
    trainings = count_trainings(monkeypatch)
    for run in (follow, eliminate, select):
        with pytest.raises(ValueError, match=f"{name}' is no folder that can be written to"):
            run(checkpoint=tmp_path / name)
    assert not trainings


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder_is_refused_before_any_training(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ValueError, match="is no folder that can be written to"):
        follow(checkpoint=tmp_path)


@pytest.mark.parametrize("run", [follow, eliminate, select])
def test_other_types_are_refused(run):
    with pytest.raises(ValueError, match="'checkpoint' parameter"):
        run(checkpoint=3)


def test_old_leftovers_of_kills_are_cleared_away(tmp_path):
    ages = {"state.npz.1.tmp": 7200.0, "state.npz.2.tmp": 0.0, "of_the_user.tmp": 7200.0}
    for name, age in ages.items():
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (time.time() - age, time.time() - age))
    eliminate(checkpoint=tmp_path)
    left = sorted(path.name for path in tmp_path.glob("*.tmp"))
    assert left == ["of_the_user.tmp", "state.npz.2.tmp"]


# Descriptions


def test_clone_keeps_the_folder(tmp_path):
    assert clone(WaldSelector(checkpoint=tmp_path)).checkpoint == tmp_path


def test_callbacks_are_described_by_their_parameters():
    from skorch.callbacks import EarlyStopping

    first, same, other = (
        _checkpoint.describe([("stop", EarlyStopping(patience=n)), print, np.float64(2.0)])
        for n in (3, 3, 4)
    )
    assert first == same != other
    assert first[1:] == ["builtins.print", 2.0]


# Lines


def test_lines_tell_the_time_left_and_where_a_run_goes_on(tmp_path, capsys):
    whole = follow(checkpoint=tmp_path, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("alpha") for line in lines) == len(whole) - 1
    assert sum(line.startswith("refit") for line in lines) == len(set(whole.refitted_rmse))
    assert sum(line.endswith(" left") and "about" in line for line in lines) > 3
    follow(checkpoint=tmp_path, verbose=1)
    assert capsys.readouterr().out == f"resumed from {tmp_path} at 3 features\n"


def test_lines_of_the_elimination_do_not_speak_of_alpha(capsys):
    eliminate(verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("statistic") and "alpha" not in line for line in lines)
    assert [line.endswith("s left") for line in lines] == [True] * 4 + [False]


@pytest.mark.parametrize(
    ("seconds", "words"), [(3, "3 s"), (119, "119 s"), (150, "2 min"), (7300, "2 h")]
)
def test_time_left_is_rounded(monkeypatch, seconds, words):
    monkeypatch.setattr(time, "perf_counter", lambda: 0.0)
    time_left = TimeLeft(10.0)
    assert time_left(10.0) == ""
    monkeypatch.setattr(time, "perf_counter", lambda: float(seconds))
    assert time_left(5.0) == f"   about {words} left"
    assert time_left(0.0) == ""
