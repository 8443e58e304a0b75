"""The solvers by name, and the choice between them."""

from functools import cache
from importlib import import_module

from sklearn_agl._memory import free_memory, refuse_too_large
from sklearn_agl.potentials.solvers._solver import is_cpu

SOLVERS = {
    "kalman": "_nets.Kalman",
    "lm": "_levenberg_marquardt.LevenbergMarquardt",
    "adamw": "_nets.AdamW",
}
"""Where each of them is, in this package; torch and skorch are imported along with it."""
MOST_WEIGHTS = 10_000
"""Beyond this the filter's covariance takes a gigabyte, and each pass minutes."""


@cache
def solver_named(name):
    """The solver of a name, one of `SOLVERS`."""
    module, kind = SOLVERS[name].split(".")
    return getattr(import_module(f"{__package__}.{module}"), kind)()


def choose_solver(solver, layout, weight_decay, device):
    """The solver that a setting stands for.

    Parameters
    ----------
    solver : str or Solver
        One of `SOLVERS`, an own one, or "auto".
    layout : NetworkLayout
        Of the networks.
    weight_decay : float
        The setting.
    device : str
        Where to train.

    Returns
    -------
    Solver

    Raises
    ------
    MemoryError
        If another one than "auto" was asked for and needs more memory than there is.
    """
    if solver == "auto":
        return _choose_automatically(layout, weight_decay, device)
    solver = solver_named(solver) if isinstance(solver, str) else solver
    needed = solver.memory(layout, weight_decay)
    if needed:
        refuse_too_large(
            needed,
            f"solver={solver} with {layout.n_weights:,} weights",
            f"Its {solver.matrix} grows with the square of their number. Set solver='auto', which "
            "takes Adam where the filter does not fit, or choose smaller hidden_layer_sizes.",
        )
    return solver


def _choose_automatically(layout, weight_decay, device):
    """The Kalman filter as long as its covariance is small and fits into memory, else Adam.

    The number of structures plays no part: from 40 to 1,000 of them, the errors of the filter and
    of Levenberg-Marquardt were the same within their scatter, and the filter was 2 to 5 times as
    fast. On other devices than the CPU, where the filter does not run, it is Adam, which trains
    networks of any size and on forces.
    """
    kalman = solver_named("kalman")
    fits = layout.n_weights <= MOST_WEIGHTS
    if is_cpu(device) and fits and kalman.memory(layout, weight_decay) <= free_memory():
        return kalman
    return solver_named("adamw")
