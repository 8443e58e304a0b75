"""What a solver does with settings that the user leaves open."""

import numpy as np

FEW_STRUCTURES = 1_200
"""Up to here the Kalman filter makes its full number of passes."""
PATIENCE = {"kalman": 10, "lm": 40, "adamw": 50}


def default_settings(solver, n_structures):
    """Settings for the parameters of `HDNNPRegressor` that are None.

    The Kalman filter learns from each structure at once: with many, it needs fewer passes, and the
    group lasso, which it meets once per batch, does not have to follow after every 128 of them.

    Parameters
    ----------
    solver : {"kalman", "lm", "adamw"}
        The solver.
    n_structures : int
        Structures to train on.

    Returns
    -------
    dict
        `max_epochs`, `batch_size` and `n_iter_no_change`.
    """
    max_epochs, batch_size = {
        "kalman": (_passes(n_structures), max(128, n_structures // 10)),
        "lm": (200, 256),
        "adamw": (1000, 32),
    }[solver]
    return {
        "max_epochs": max_epochs,
        "batch_size": batch_size,
        "n_iter_no_change": PATIENCE[solver],
    }


def _passes(n_structures):
    """30 passes, for many structures fewer by the root of their number."""
    return round(30 * np.sqrt(FEW_STRUCTURES / max(n_structures, FEW_STRUCTURES)))
