"""What is done with settings that the user leaves open, the choice of the solver included."""

import numpy as np
import torch

FEW_STRUCTURES = 1_200
"""Up to here the Kalman filter makes its full number of passes."""
MOST_WEIGHTS = 10_000
"""Beyond this the filter's covariance takes a gigabyte, and each pass minutes."""
PATIENCE = {"kalman": 10, "lm": 40, "adamw": 50}


def choose_solver(solver, n_weights, device):
    """The solver that a setting stands for.

    "auto" is the Kalman filter as long as its covariance fits. The number of structures plays no
    part: from 40 to 1,000 of them, the filter's errors and those of Levenberg-Marquardt were the
    same within their scatter, and the filter was 2 to 5 times as fast. On other devices than the
    CPU, where the filter does not run, it is Adam, which trains networks of any size and on forces.

    Parameters
    ----------
    solver : {"auto", "kalman", "lm", "adamw"}
        The setting.
    n_weights : int
        Weights of all networks.
    device : str
        Where to train.

    Returns
    -------
    {"kalman", "lm", "adamw"}
        The solver.
    """
    if solver != "auto":
        return solver
    on_cpu = torch.device(device).type == "cpu"
    return "kalman" if on_cpu and n_weights <= MOST_WEIGHTS else "adamw"


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
