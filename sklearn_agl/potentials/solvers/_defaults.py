"""What is done with settings that the user leaves open, the choice of the solver included."""

import numpy as np
import torch

from sklearn_agl._memory import free_memory, refuse_too_large

FEW_STRUCTURES = 1_200
"""Up to here the Kalman filter makes its full number of passes."""
MOST_WEIGHTS = 10_000
"""Beyond this the filter's covariance takes a gigabyte, and each pass minutes."""
PATIENCE = {"kalman": 15, "lm": 40, "adamw": 50}
MATRICES = {"kalman": "covariance", "lm": "Hessian"}
"""What a solver has a row and a column of for each weight."""


def memory_of_solvers(layout, weight_decay):
    """Bytes that a fit takes at its peak for matrices with a row or a column for each weight.

    The filter takes in the weight decay as one observation of each inner weight: beside the
    covariance it needs these gradients, their product with the covariance, and that with the
    gradients again. Levenberg-Marquardt needs the sums, the Hessian, and two to damp and factorise.

    Parameters
    ----------
    layout : NetworkLayout
        Of the networks.
    weight_decay : float
        The setting.

    Returns
    -------
    dict of str to int
    """
    n, n_decaying = layout.n_weights, len(layout.inner_weights) if weight_decay else 0
    return {"kalman": 8 * (n + n_decaying) ** 2, "lm": 8 * 4 * n**2, "adamw": 0}


def choose_solver(solver, n_weights, device, memory=None):
    """The solver that a setting stands for.

    "auto" is the Kalman filter as long as its covariance is small and fits into memory. The number
    of structures plays no part: from 40 to 1,000 of them, the filter's errors and those of
    Levenberg-Marquardt were the same within their scatter, and the filter was 2 to 5 times as fast.
    On other devices than the CPU, where the filter does not run, it is Adam, which trains networks
    of any size and on forces.

    Parameters
    ----------
    solver : {"auto", "kalman", "lm", "adamw"}
        The setting.
    n_weights : int
        Weights of all networks.
    device : str
        Where to train.
    memory : dict of str to int, default=None
        Bytes that each solver takes, see `memory_of_solvers`; by default they do not matter.

    Returns
    -------
    {"kalman", "lm", "adamw"}
        The solver.

    Raises
    ------
    MemoryError
        If another one than "auto" was asked for and needs more memory than there is.
    """
    memory = dict.fromkeys(PATIENCE, 0) if memory is None else memory
    if solver == "auto":
        on_cpu, few = torch.device(device).type == "cpu", n_weights <= MOST_WEIGHTS
        return "kalman" if on_cpu and few and memory["kalman"] <= free_memory() else "adamw"
    if memory[solver]:
        refuse_too_large(
            memory[solver],
            f"solver={solver!r} with {n_weights:,} weights",
            f"Its {MATRICES[solver]} grows with the square of their number. Set solver='auto', "
            "which takes Adam where the filter does not fit, or choose smaller hidden_layer_sizes.",
        )
    return solver


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
