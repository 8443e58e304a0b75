"""The regularisation path of the adaptive group lasso, with refits."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_agl._labels import AUTO
from sklearn_agl._sklearn import Interval, validate_params
from sklearn_agl._validation import leave_out_negligible, validate_features
from sklearn_agl._warnings import depth_of_caller
from sklearn_agl.potentials.data._training_set import TrainingSet
from sklearn_agl.selection._base import validated_network, warn_of_unused
from sklearn_agl.selection.path._alpha_schedules import DownTo, GivenAlphas
from sklearn_agl.selection.path._fit_path import PathSettings, check_alphas, fit_path
from sklearn_agl.selection.path._parameters import (
    CONSTRAINTS,
    REWEIGHT_CONSTRAINT,
    describe_parameters,
)


@describe_parameters
@validate_params(
    {
        **CONSTRAINTS,
        **REWEIGHT_CONSTRAINT,
        "alphas": ["array-like", None],
        "min_features": [Interval(Integral, 0, None, closed="left")],
        "refit": ["boolean"],
        "n_jobs": [Integral, None],
    },
    prefer_skip_nested_validation=False,
)
def group_lasso_path(
    X,
    y=None,
    estimator=None,
    *,
    forces=AUTO,
    sample_weight=None,
    groups=None,
    alphas=None,
    penalty=None,
    concavity=None,
    adaptive=True,
    metric=None,
    gamma=1.0,
    reweight=None,
    feature_costs=None,
    init="warm",
    initial_alpha=None,
    min_features=1,
    refit=True,
    n_jobs=None,
    checkpoint=None,
    verbose=0,
    random_state=None,
):
    """Follow the adaptive group lasso from all features down to few.

    A first fit with the group lasso gives the adaptive weights ``c_i = 1 / ||w_i||**gamma``. Then
    `alpha` rises, and each fit starts from the one before; features that leave stay out. Every set
    found is fitted without penalty twice: from the weights of the path on, and from random ones.
    The fit of the lower error on held-out structures counts.

    Parameters
    ----------
    X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
        Features of the atoms.
    y : array-like of shape (n_structures,), default=None
        Total energies; None for those that the structures carry, see `HDNNPRegressor`.
    |estimator|
    forces : "auto", None or sequence of array-like of shape (n_atoms, 3), default="auto"
        Forces on all atoms of each structure, to be trained on as well. "auto" takes those that the
        structures carry, if the estimator's parameter `forces` says so, and None trains on energies
        alone, see `HDNNPRegressor`.
    sample_weight : array-like of shape (n_structures,), default=None
        How much each structure counts, see `HDNNPRegressor`.
    groups : array-like of shape (n_structures,), default=None
        Labels of structures that are held out together, see `HDNNPRegressor`.
    alphas : array-like of float, default=None
        Strengths of the penalty, ascending. By default they start where few features leave, and
        rise in steps that are refined where many would leave at once.
    |penalty, concavity, adaptive, metric, gamma, reweight, feature_costs, init, initial_alpha|
    min_features : int, default=1
        Stop when no more are left.
    refit : bool, default=True
        Fit every set without penalty, from the weights of the path (at once) and from random ones.
    n_jobs : int, default=None
        Threads. The path itself takes one; the others begin with the refits while it goes on.
    checkpoint : str or path-like, default=None
        A folder that keeps the state of the run after every point and every refit. The same call
        goes on from there, whatever has ended the last one, and returns what a run without a
        break would have.
    verbose : int, default=0
        1 prints a line per alpha and per refit, with an estimate of the time left.
    |random_state|

    Returns
    -------
    SelectionPath
        Supports, norms, errors and times. After Ctrl-C, those of the fits that were done.

    Raises
    ------
    ValueError
        If the alphas do not ascend, a cost is not positive or cannot be measured, the first fit
        leaves no feature, or `checkpoint` cannot be written to, is damaged or holds a run on other
        data or with other settings.

    Warns
    -----
    ConvergenceWarning
        If a point has no feature left.
    UserWarning
        If `min_features` or `reweight` has been set beside `alphas`, where it has no effect.

    References
    ----------
    .. [1] J. Sandberg, T. Voigtmann, E. Devijver, N. Jakse, Mach. Learn.: Sci. Technol. 5, 025043
       (2024).
    .. [2] V. Dinh, L. S. T. Ho, NeurIPS 33 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_agl import group_lasso_path
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 5))
    >>> y = np.sin(X[:, 0]) + X[:, 1] * X[:, 0]
    >>> path = group_lasso_path(X, y, min_features=2, random_state=0)
    >>> np.flatnonzero(path.supports[path.best()])
    array([0, 1])
    """
    schedule = DownTo(min_features)
    if alphas is not None:
        alphas = _check_ascent(check_alphas(alphas))
        unused = {"min_features": (min_features, 1), "reweight": (reweight, None)}
        warn_of_unused("group_lasso_path", unused, "the path goes through the alphas given")
        schedule, reweight = GivenAlphas(alphas), 0.0
    regressor, data = _validate(X, y, estimator, random_state, forces, sample_weight, groups)
    if verbose:
        print(f"group_lasso_path trains on {data}")
    options = {
        "adaptive": adaptive,
        "metric": metric,
        "gamma": gamma,
        "reweight": reweight,
        "feature_costs": feature_costs,
        "init": init,
        "initial_alpha": initial_alpha,
    }
    about = {"run": "group_lasso_path", "alphas": alphas, "min_features": min_features}
    settings = PathSettings(
        regressor,
        schedule,
        penalty=penalty,
        concavity=concavity,
        **options,
        checkpoint=checkpoint,
        identity=about | options,
        verbose=verbose,
        refit=refit,
        n_jobs=n_jobs,
    )
    path = fit_path(settings, data).selection_path()
    _warn_of_no_feature(path)
    return path


def _warn_of_no_feature(path):
    if path.n_features[-1] == 0:
        warnings.warn(
            f"No feature is left at alpha={path.alphas[-1]:.3g}.",
            ConvergenceWarning,
            stacklevel=depth_of_caller(),
        )


def _check_ascent(alphas):
    if (np.diff(alphas) < 0).any():
        raise ValueError("alphas must ascend, since features that left do not return: sort them.")
    return alphas


def _validate(X, y, estimator, random_state, *labels):
    """The networks' settings and the TrainingSet, all checked."""
    regressor = validated_network(estimator, random_state)
    X = leave_out_negligible(validate_features(regressor, X, reset=True, ensure_min_samples=2))
    return regressor, TrainingSet.from_user(regressor, X, y, *labels)
