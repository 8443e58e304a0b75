"""One way to fit a path, for all that users call."""

from dataclasses import dataclass, field
from os import PathLike

import numpy as np

from sklearn_agl._numbers import as_numbers
from sklearn_agl.potentials import HDNNPRegressor
from sklearn_agl.selection.path._alpha_schedules import DownTo, GivenAlphas, UpToEach
from sklearn_agl.selection.path._feature_costs import resolve_costs
from sklearn_agl.selection.path._penalised_fits import FITS
from sklearn_agl.selection.path._refits import RefittedPath
from sklearn_agl.selection.runs._checkpoint import open_checkpoint
from sklearn_agl.selection.runs._runner import follow


@dataclass(frozen=True)
class PathSettings:
    """What a fit of a path needs to know besides the data.

    Attributes
    ----------
    regressor : HDNNPRegressor
        Settings of the networks, validated; it has noted the columns of the data. The penalty that
        is wanted here becomes its own.
    schedule : GivenAlphas, UpToEach or DownTo
        The strengths.
    penalty, concavity, adaptive, metric, gamma, reweight, feature_costs, init, initial_alpha
        As in `group_lasso_path`.
    checkpoint : str, path-like or None
        Folder of the run.
    identity : dict of str to object
        What tells the run from others in that folder, besides data and networks.
    verbose : int
        Whether to print a line per step.
    refit : bool
        Whether to fit every set without penalty.
    n_jobs : int or None
        How many refits at a time.
    """

    regressor: HDNNPRegressor
    schedule: GivenAlphas | UpToEach | DownTo
    penalty: str | None = None
    concavity: float | None = None
    adaptive: bool = True
    metric: str | None = None
    gamma: float = 1.0
    reweight: float | None = None
    feature_costs: np.ndarray | str | None = None
    init: str = "warm"
    initial_alpha: float | None = None
    checkpoint: str | PathLike | None = None
    identity: dict = field(default_factory=dict)
    verbose: int = 0
    refit: bool = False
    n_jobs: int | None = None


def fit_path(settings, data):
    """Fit a path, or go on with it from its checkpoint.

    Parameters
    ----------
    settings : PathSettings
        How.
    data : TrainingSet
        What to train on.

    Returns
    -------
    PenalisedFits or RefittedPath
        A run that came to its end, or to Ctrl-C. Its `selection_path` is what users get.
    """
    regressor = settings.regressor
    wanted = {"penalty": settings.penalty, "concavity": settings.concavity}
    regressor.set_params(**{name: value for name, value in wanted.items() if value is not None})
    checkpoint = open_checkpoint(
        settings.checkpoint, settings.identity, regressor.random_state, data, regressor
    )
    data = data.observe_slopes(regressor.n_force_directions, checkpoint.seed)
    costs = resolve_costs(settings.feature_costs, data.X)
    run = FITS[settings.init](settings, data, checkpoint.seed, costs)
    if settings.refit:
        run = RefittedPath(run, data, settings.n_jobs)
    return follow(run, checkpoint, settings.verbose)


def check_alphas(alphas):
    """Strengths of the penalty as an array; an error if one of them cannot be."""
    alphas = as_numbers(alphas, "alphas").astype(float, copy=False)
    if alphas.ndim != 1 or not len(alphas):
        raise ValueError(f"alphas must be a list of numbers, at least one; got {alphas!r}.")
    bad = alphas[~np.isfinite(alphas) | (alphas < 0)]
    if bad.size:
        raise ValueError(f"alphas contain {bad[0]}; they must be finite and not negative.")
    return alphas
