"""Short runs that take a `checkpoint`, how to end them early, and how to compare their results."""

import numpy as np
from numpy.testing import assert_array_equal

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AdaptiveGroupLassoSelectorCV,
    BackwardEliminationSelector,
    HDNNPRegressor,
    LassoNetSelector,
    WaldSelector,
    group_lasso_path,
)
from sklearn_agl.selection.runs import _checkpoint
from tests.selection._planted import planted

TABLE = planted(0, n_samples=100, n_features=7)[:2]
SOLVERS = {"kalman": {}, "lm": {"max_epochs": 40}, "adamw": {"max_epochs": 30, "lr": 0.05}}

ALPHAS = [1e-3, 0.03, 0.3, 1.0]


class Kill(Exception):
    """Ends a run at a moment that the run cannot know."""


def follow(solver="kalman", **params):
    """A path of some tenths of a second."""
    estimator = HDNNPRegressor((4,), solver=solver, **SOLVERS[solver])
    end = {} if "alphas" in params else {"min_features": 3}
    settings = end | {"random_state": 0} | params
    return group_lasso_path(*TABLE, estimator, **settings)


def lm_path(**params):
    return follow("lm", alphas=ALPHAS, refit=False, **params)


def eliminate(**params):
    settings = {"estimator": HDNNPRegressor((4,)), "random_state": 0} | params
    return WaldSelector(2, **settings).fit(*TABLE)


def eliminate_with_refits(**params):
    estimator = HDNNPRegressor((4,), max_epochs=5)
    settings = {"n_features_to_select": 5, "estimator": estimator, "random_state": 0} | params
    return BackwardEliminationSelector(**settings).fit(*TABLE)


def bound_by_skips(**params):
    """LassoNet, whose last features leave one by one."""
    settings = {"max_epochs": 30, "path_max_epochs": 10, "path_multiplier": 0.5, "random_state": 0}
    return LassoNetSelector(2, **(settings | params)).fit(*TABLE)


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
    for name in ("refit_init", "refitted_errors"):
        assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    for mine, other in zip(found.potentials or (), expected.potentials or (), strict=True):
        assert (mine is None) == (other is None)
        if mine is not None:
            assert_array_equal(mine.weights_, other.weights_)
            assert mine.n_iter_ == other.n_iter_


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
    from sklearn_agl.potentials.training._training import Training

    real, calls = Training.run, []
    monkeypatch.setattr(Training, "run", lambda *args: calls.append(args) or real(*args))
    return calls
