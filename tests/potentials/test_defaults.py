"""Settings that are left open hang on the number of structures."""

import numpy as np
import pytest

from sklearn_agl import HDNNPRegressor
from sklearn_agl.potentials._defaults import choose_solver, default_settings


@pytest.mark.parametrize(
    ("n_structures", "max_epochs", "batch_size"),
    [(10, 30, 128), (1200, 30, 128), (4800, 15, 480), (28_000, 6, 2800)],
)
def test_the_filter_needs_fewer_passes_over_many_structures(n_structures, max_epochs, batch_size):
    settings = default_settings("kalman", n_structures)
    assert settings == {
        "max_epochs": max_epochs,
        "batch_size": batch_size,
        "n_iter_no_change": 10,
    }


@pytest.mark.parametrize("solver", ["lm", "adamw"])
def test_the_other_solvers_do_not_care(solver):
    assert default_settings(solver, 10) == default_settings(solver, 10**6)


@pytest.mark.parametrize("solver", ["kalman", "lm", "adamw"])
def test_a_solver_that_was_asked_for_is_taken(solver):
    assert choose_solver(solver, 10**6, "cpu") == solver


def test_the_automatic_solver_hangs_on_the_number_of_weights():
    assert choose_solver("auto", 10_000, "cpu") == "kalman"
    assert choose_solver("auto", 10_001, "cpu") == "adamw"


def test_the_automatic_solver_trains_as_the_one_it_stands_for():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    models = [
        HDNNPRegressor((4,), solver=solver, max_epochs=3, random_state=0).fit(X, X[:, 0])
        for solver in ("auto", "kalman")
    ]
    np.testing.assert_array_equal(models[0].weights_, models[1].weights_)
