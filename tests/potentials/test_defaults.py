"""Settings that are left open hang on the number of structures."""

import numpy as np
import pytest

from sklearn_agl import HDNNPRegressor, _memory
from sklearn_agl.potentials.data._scaling import FeatureScaler
from sklearn_agl.potentials.networks._layout import NetworkLayout
from sklearn_agl.potentials.solvers._choice import choose_solver, solver_named


def layout_of(n_weights):
    """Of a linear model."""
    return NetworkLayout((1,), (np.arange(n_weights - 1),), n_weights - 1, ())


@pytest.mark.parametrize(
    ("n_structures", "max_epochs", "batch_size"),
    [(10, 30, 128), (1200, 30, 128), (4800, 15, 480), (28_000, 6, 2800)],
)
def test_the_filter_needs_fewer_passes_over_many_structures(n_structures, max_epochs, batch_size):
    settings = solver_named("kalman").default_settings(n_structures)
    assert settings == {
        "max_epochs": max_epochs,
        "batch_size": batch_size,
        "n_iter_no_change": 15,
    }


@pytest.mark.parametrize("solver", ["lm", "adamw"])
def test_the_other_solvers_do_not_care(solver):
    solver = solver_named(solver)
    assert solver.default_settings(10) == solver.default_settings(10**6)


@pytest.mark.parametrize("solver", ["kalman", "lm", "adamw"])
def test_a_solver_that_was_asked_for_is_taken(solver):
    assert choose_solver(solver, layout_of(1000), 0.0, "cpu") is solver_named(solver)


def test_the_automatic_solver_hangs_on_the_number_of_weights():
    assert choose_solver("auto", layout_of(10_000), 0.0, "cpu").name == "kalman"
    assert choose_solver("auto", layout_of(10_001), 0.0, "cpu").name == "adamw"


@pytest.fixture
def little_memory(monkeypatch):
    """A machine with 2 MB of memory left."""
    monkeypatch.setattr(_memory, "_of_machine", lambda: 2_000_000)


@pytest.mark.parametrize(("solver", "matrix"), [("kalman", "covariance"), ("lm", "Hessian")])
def test_a_solver_that_does_not_fit_is_refused_before_anything_is_done(
    little_memory, monkeypatch, solver, matrix
):
    monkeypatch.setattr(FeatureScaler, "fit", None)
    model = HDNNPRegressor((20, 20), solver=solver)
    with pytest.raises(MemoryError) as caught:
        model.fit(np.eye(10), np.arange(10.0))
    message = str(caught.value)
    assert f"solver='{solver}' with 661 weights takes " in message
    assert "2 MB are free" in message
    assert f"Its {matrix} grows with the square" in message and "Set solver='auto'" in message


def test_the_cure_helps(little_memory):
    model = HDNNPRegressor((20, 20), solver="auto", max_epochs=1, random_state=0)
    model.fit(np.eye(10), np.arange(10.0))
    assert "exp_avg" in model.net_.solver_state()


def test_a_solver_that_fits_is_not_refused(little_memory):
    HDNNPRegressor((5,), max_epochs=1, random_state=0).fit(np.eye(10), np.arange(10.0))


def test_without_weight_decay_the_filter_needs_its_covariance_only():
    layout = NetworkLayout((1,), (np.arange(4),), 4, (3,))
    n = 4 * 3 + 3 + 3 + 1
    assert solver_named("kalman").memory(layout, 0.0) == 8 * n**2
    assert solver_named("kalman").memory(layout, 1e-7) == 8 * (n + 3) ** 2


def test_the_automatic_solver_trains_as_the_one_it_stands_for():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    models = [
        HDNNPRegressor((4,), solver=solver, max_epochs=3, random_state=0).fit(X, X[:, 0])
        for solver in ("auto", "kalman")
    ]
    np.testing.assert_array_equal(models[0].weights_, models[1].weights_)
