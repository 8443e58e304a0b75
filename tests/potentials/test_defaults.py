"""Settings that are left open hang on the number of structures."""

import pytest

from sklearn_agl.potentials._defaults import default_settings


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
