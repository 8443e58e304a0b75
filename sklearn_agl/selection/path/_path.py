"""The regularisation path of the adaptive group lasso, with refits."""

import warnings
from dataclasses import dataclass, field
from functools import partial
from numbers import Integral, Real
from os import PathLike

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.validation import _check_feature_names_in

from sklearn_agl._labels import AUTO
from sklearn_agl._numbers import as_numbers
from sklearn_agl._validation import leave_out_negligible, validate_features
from sklearn_agl.potentials import HDNNPRegressor
from sklearn_agl.potentials._assembly import assemble_on_columns
from sklearn_agl.potentials.data._training_set import TrainingSet
from sklearn_agl.selection._base import rank_from_best, warn_of_idle
from sklearn_agl.selection.path._alpha_schedules import (
    walk_down,
    walk_through,
    work_down,
    work_through,
)
from sklearn_agl.selection.path._feature_costs import MEASURED, resolve_costs
from sklearn_agl.selection.path._penalised_fits import METRICS, WALKS
from sklearn_agl.selection.path._refits import Refits, RefitTable, columns_of
from sklearn_agl.selection.runs._checkpoint import open_checkpoint
from sklearn_agl.selection.runs._findings import Record


@dataclass(frozen=True)
class SelectionPath:
    r"""Fits along a regularisation path, from many features to few.

    Attributes
    ----------
    alphas : ndarray of shape (n_points,)
        Strengths of the penalty, ascending; the first is 0, a fit of all features. For
        `WaldSelector`, which has no penalty, the statistics that were taken out.
    supports : ndarray of bool of shape (n_points, n_features)
        Selected features.
    group_norms : ndarray of shape (n_points, n_features)
        Norms of the first-layer weights of each feature.
    initial_group_norms : ndarray of shape (n_features,)
        Norms of the non-adaptive fit, from which the adaptive weights come.
    objective : ndarray of shape (n_points,)
        The penalised objective over the training structures, a pure number.
    penalised_rmse, refitted_rmse : ndarray of shape (n_points,)
        Error per atom on held-out structures, in the user's units: of the penalised fit, which is
        biased by the penalty, and of a fit without it on the selected features. NaN where there
        was no refit.
    fit_time, refit_time : ndarray of shape (n_points,)
        Seconds, of the refits from both starts together.
    feature_names : ndarray of str of shape (n_features,)
        Names of the columns.
    feature_costs : ndarray of shape (n_features,) or None
        The costs that multiplied the adaptive weights; None if there were none.
    refit_init : ndarray of str of shape (n_points,) or None
        Where the better refit started: "warm" from the weights of the path, "cold" from random
        ones; empty where there was no refit. None for a path without refits.
    refitted_errors : ndarray of shape (n_points, n_held_out) or None
        Predicted minus given energy per atom of each held-out structure, from the refits. With
        sample weights, times the root of the structure's weight relative to their mean. NaN where
        there was no refit. None for a path without.
    potentials : tuple of HDNNPRegressor or None
        The better refit at each point, on its columns, see `potential`; None where there is none.

    Notes
    -----
    All sets are judged on the same :math:`n` held-out structures. With the errors :math:`e_{is}` of
    set i and structure s, the standard error of its RMSE :math:`R_i` follows from the scatter of
    the squared errors,

    .. math::

        \mathrm{SE}(R_i) = \frac{1}{2 R_i}
        \sqrt{\frac{1}{n (n - 1)} \sum_s \left( e_{is}^2 - R_i^2 \right)^2} .

    Odd structures are hard for every set, so that two RMSE can differ by less than that and still
    differ beyond doubt. Where sets are compared, it is by the paired differences
    :math:`d_s = e_{is}^2 - e_{bs}^2` from the best set b, whose mean has a standard error of its
    own. Neither says how much another random start or other held-out structures would change.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_agl import group_lasso_path
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> y = np.sin(X[:, 1]) + X[:, 1] * X[:, 4]
    >>> path = group_lasso_path(X, y, random_state=0)
    >>> path.support(2)
    array([False,  True, False, False,  True])
    >>> int(path.n_features[path.best(tolerance=0.25)])
    2
    >>> path.potential(2).predict(X[:, path.support(2)]).shape
    (200,)
    """

    alphas: np.ndarray
    supports: np.ndarray
    group_norms: np.ndarray
    initial_group_norms: np.ndarray
    objective: np.ndarray
    penalised_rmse: np.ndarray
    refitted_rmse: np.ndarray
    fit_time: np.ndarray
    refit_time: np.ndarray
    feature_names: np.ndarray
    feature_costs: np.ndarray | None = None
    refit_init: np.ndarray | None = None
    refitted_errors: np.ndarray | None = field(default=None, repr=False)
    potentials: tuple | None = field(default=None, repr=False)

    def __len__(self):
        return len(self.alphas)

    @property
    def n_features(self):
        """Number of selected features at each point."""
        return self.supports.sum(axis=1)

    @property
    def refitted_standard_error(self):
        """Standard error of `refitted_rmse`, from the scatter over the held-out structures.

        ndarray of shape (n_points,); NaN where it is not known.
        """
        if self.refitted_errors is None or self.refitted_errors.shape[1] < 2:
            return np.full(len(self), np.nan)
        squares = self.refitted_errors**2
        of_mean = squares.std(axis=1, ddof=1) / np.sqrt(squares.shape[1])
        # The derivative of the root; an error of 0 has none.
        return of_mean / (2.0 * np.maximum(self.refitted_rmse, np.finfo(float).tiny))

    def potential(self, n_features):
        """The refitted potential of the set of a given size, without another fit.

        Parameters
        ----------
        n_features : int
            Number of features.

        Returns
        -------
        HDNNPRegressor
            Fitted on the columns of ``path.support(n_features)`` alone: it takes
            ``X.take_features(path.support(n_features))``, or these columns of a table. It is the
            better one of the refits from the weights of the path and afresh.

        Raises
        ------
        ValueError
            If no set of that size was refitted, with the sizes that were.
        """
        refitted = [one is not None for one in self.potentials or [None] * len(self)]
        same = (self.supports == self.support(n_features)).all(axis=1)
        points = np.flatnonzero(same & refitted & (self.n_features == n_features))
        if not len(points):
            there = sorted(set(self.n_features[refitted].tolist()))
            raise ValueError(
                f"No set of {n_features} features was refitted on this path; there are refits of "
                f"{there}. Ask for one of these sizes, run the path with refit=True, or fit an "
                "HDNNPRegressor to the columns of support."
            )
        return self.potentials[points[0]]

    def support(self, n_features):
        """The set of a given size.

        Where a step lost too many, the features that it lost with the largest norms before make up
        for it; where the path ended early, its smallest ones go.

        Parameters
        ----------
        n_features : int
            Number of features.

        Returns
        -------
        ndarray of bool of shape (n_features_in,)
            The support.
        """
        few_enough = np.flatnonzero(self.n_features <= n_features)
        point = few_enough[0] if len(few_enough) else len(self) - 1
        before = self.group_norms[point - 1] if point else self.initial_group_norms
        order = np.lexsort((before, self.group_norms[point]))[::-1]
        support = np.zeros(len(order), dtype=bool)
        support[order[:n_features]] = True
        return support

    def ranking(self, support):
        """Ranks that say when the features left which are not in a set.

        Parameters
        ----------
        support : ndarray of bool of shape (n_features_in,)
            The set, such as one of `support`.

        Returns
        -------
        ndarray of int of shape (n_features_in,)
            1 for the features of the set, 2 for the last other one that left, and so on. Of several
            that left in one step, those with the larger norms before come first.
        """
        # The first fit of the group lasso comes between the first point, without it, and the next.
        norms = np.vstack([self.group_norms[:1], self.initial_group_norms, self.group_norms[1:]])
        last = np.where(norms.any(axis=0), len(norms) - 1 - (norms > 0)[::-1].argmax(axis=0), -1)
        before = norms[last, np.arange(norms.shape[1])]
        best_first = np.lexsort((before, last, support))[::-1]
        return rank_from_best(best_first, np.count_nonzero(support), len(support))

    def best(self, tolerance=None):
        """The smallest set that is nearly as good as the best.

        Parameters
        ----------
        tolerance : float, default=None
            How far its refitted error may lie above the lowest one, relative to that. By default
            the mean of the paired differences between its squared errors and those of the best set
            may be up to one standard error of that mean (see Notes above); where the errors of
            single structures are not known, 0.05 is taken.

        Returns
        -------
        int
            Index of the point.

        Raises
        ------
        ValueError
            If the path has no refits to compare.
        """
        errors = np.where(self.n_features > 0, self.refitted_rmse, np.nan)
        if np.isnan(errors).all():
            raise ValueError(
                "There are no refitted errors to compare, and penalised ones are biased: run the "
                "path to its end with refit=True, and with early_stopping=True in the estimator, "
                "which holds structures back."
            )
        lowest = np.nanargmin(errors)
        if tolerance is None and self.refitted_errors is not None:
            good = np.flatnonzero(self._is_within_one_standard_error_of(lowest))
        else:
            tolerance = TOLERANCE if tolerance is None else tolerance
            good = np.flatnonzero(errors <= (1.0 + tolerance) * errors[lowest])
        return int(good[np.lexsort((errors[good], self.n_features[good]))[0]])

    def _is_within_one_standard_error_of(self, best):
        """Of each point, whether its squared errors exceed those of one point by so little."""
        squares = self.refitted_errors**2
        differences = squares - squares[best]
        n = differences.shape[1]
        spread = differences.std(axis=1, ddof=1) if n > 1 else np.zeros(len(self))
        return differences.mean(axis=1) <= spread / np.sqrt(n)

    def to_frame(self):
        """The path as a table.

        Returns
        -------
        pandas.DataFrame
            One row per point, with the names of the selected features.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_frame needs pandas: pip install pandas") from error
        return pd.DataFrame(
            {
                "n_features": self.n_features,
                "alpha": self.alphas,
                "objective": self.objective,
                "penalised_rmse": self.penalised_rmse,
                "refitted_rmse": self.refitted_rmse,
                "refitted_standard_error": self.refitted_standard_error,
                "refit_init": [""] * len(self) if self.refit_init is None else self.refit_init,
                "fit_time": self.fit_time,
                "refit_time": self.refit_time,
                "features": [tuple(self.feature_names[support]) for support in self.supports],
            }
        )

    def plot(self, ax=None, **kwargs):
        """Draw the errors, with their standard errors, against the number of selected features.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        **kwargs
            Handed on to `SelectionPathDisplay.from_path`: `angular`, `energy_unit`.

        Returns
        -------
        SelectionPathDisplay
            The figure and its parts.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from sklearn_agl.inspection import SelectionPathDisplay

        return SelectionPathDisplay.from_path(self, ax=ax, **kwargs)


TOLERANCE = 0.05
"""Relative error that `SelectionPath.best` tolerates where it knows no standard error."""

PENALTY_CONSTRAINTS = {
    "penalty": [*HDNNPRegressor._parameter_constraints["penalty"], None],
    "concavity": HDNNPRegressor._parameter_constraints["concavity"],
}
"""Those of the networks, where None means the estimator's own."""


@validate_params(
    {
        "estimator": [HDNNPRegressor, None],
        "alphas": ["array-like", None],
        **PENALTY_CONSTRAINTS,
        "adaptive": ["boolean"],
        "metric": [StrOptions(set(METRICS)), None],
        "gamma": [Interval(Real, 0, None, closed="left")],
        "reweight": [Interval(Real, 0, 1, closed="both"), None],
        "feature_costs": ["array-like", StrOptions({MEASURED}), None],
        "init": [StrOptions(set(WALKS))],
        "initial_alpha": [Interval(Real, 0, None, closed="left"), None],
        "min_features": [Interval(Integral, 0, None, closed="left")],
        "refit": ["boolean"],
        "n_jobs": [Integral, None],
        "checkpoint": [str, PathLike, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
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
    estimator : HDNNPRegressor, default=None
        Settings of the networks; by default those of ``HDNNPRegressor()``.
    forces : "auto", None or sequence of array-like of shape (n_atoms, 3), default="auto"
        Forces on all atoms of each structure, to be trained on as well. "auto" takes those that the
        structures carry, if the estimator's parameter `forces` says so, and None trains on energies
        alone, see `HDNNPRegressor`.
    sample_weight : array-like of shape (n_structures,), default=None
        How much each structure counts, see `HDNNPRegressor`.
    alphas : array-like of float, default=None
        Strengths of the penalty, ascending. By default they start where few features leave, and
        rise in steps that are refined where many would leave at once.
    penalty : {"lasso", "mcp", "scad"}, default=None
        What the norms are charged, see `HDNNPRegressor`; by default the estimator's own.
    concavity : float, default=None
        Of "mcp" and "scad"; by default the estimator's own.
    adaptive : bool, default=True
        False gives the plain group lasso.
    metric : {"euclidean", "wald"}, default=None
        What the adaptive weights are made of: the norms of the first fit, as published,
        ``c_i = 1 / ||w_i||**gamma``, or also the Wald statistics s_i of the features (see
        `WaldSelector`) in units of their median, ``c_i = 1 / (||w_i|| s_i**(gamma / 4))``. By
        default "wald" where the weights follow the norms (see `reweight`) and the solver is not
        "adamw", else "euclidean".
    gamma : float, default=1.0
        Power of the norm in the adaptive weights: 1 in [1]_, 2 in [2]_.
    reweight : float, default=None
        From 0 to 1: how far the adaptive weights follow the norms from step to step of the path;
        0 keeps those of the first fit, as published. Features that have shrunk are charged more,
        which tells needed ones from others more sharply. By default 0.5; but 0 where
        `initial_alpha` is not given, there are fewer structures than weights in the networks and a
        strong first fit has at most 1.1 times the error of a gentle one on held-out structures.
        Where `alphas` are given, or with ``init="cold"``, it has no effect.
    feature_costs : array-like of shape (n_features,) or "measured", default=None
        What each feature costs, positive, in any unit. Divided by their mean, the costs multiply
        the adaptive weights (those of the first fit excepted), so that the path saves time rather
        than columns. "measured" takes microseconds per atom of the symmetry functions, timed on
        the structures of `X`, see `measure_costs`: results may then differ from run to run;
        pass the `feature_costs` of the result again to repeat one.
    init : {"warm", "cold"}, default="warm"
        Where each fit of the path starts: from the one before, without the features that have
        left, or from new random weights, as published, which takes a full fit at every alpha.
    initial_alpha : float, default=None
        Strength of the first fit. By default chosen by the squared error (in units of the
        energies' variance, and not above 0.1) that a fit without penalty leaves on held-out
        structures: a tenth of it where the weights follow the norms, else ten times as much; and
        less if so strong a penalty leaves next to nothing of what can be learnt.
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
    random_state : int, RandomState or None, default=None
        Draws the held-out structures (the same for all fits) and the weights. By default the
        estimator's own. Where that is None, too, a run that goes on keeps its first seed.

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
    if alphas is not None:
        alphas = check_alphas(alphas)
        if (np.diff(alphas) < 0).any():
            raise ValueError(
                "alphas must ascend, since features that left do not return: sort them."
            )
        idle = {"min_features": (min_features, 1), "reweight": (reweight, None)}
        warn_of_idle("group_lasso_path", idle, "the path goes through the alphas that are given")
    regressor = HDNNPRegressor() if estimator is None else clone(estimator)
    regressor._validate_params()
    X = leave_out_negligible(validate_features(regressor, X, reset=True, ensure_min_samples=2))
    data = TrainingSet.from_user(regressor, X, y, forces, sample_weight)
    if verbose:
        print(f"group_lasso_path trains on {data}")
    if random_state is not None:
        regressor.set_params(random_state=random_state)
    choose_penalty(regressor, penalty, concavity)
    options = {
        "adaptive": adaptive,
        "metric": metric,
        "gamma": gamma,
        "reweight": reweight if alphas is None else 0.0,
        "initial_alpha": initial_alpha,
    }
    settings = {
        "run": "group_lasso_path",
        "alphas": alphas,
        "min_features": min_features,
        "init": init,
        "feature_costs": feature_costs,
    }
    checkpoint = open_checkpoint(checkpoint, settings | options, regressor, data)
    costs = resolve_costs(feature_costs, X)
    data = data.observe_slopes(regressor.n_force_directions, checkpoint.seed)
    walk = WALKS[init](regressor, data, **options, costs=costs, seed=checkpoint.seed)
    record = Record(walk, checkpoint, verbose)
    settings = clone(regressor).set_params(
        alpha=0.0, feature_weights=None, random_state=checkpoint.seed
    )
    refits = Refits(record, settings, data, n_jobs)
    if refit:
        walk.on_keep = refits.go_on
    record.begin()
    if alphas is None:
        steps, work_left = walk_down(walk, min_features), partial(work_down, min_features)
    else:
        steps, work_left = walk_through(walk, alphas), partial(work_through, alphas)
    record.follow(refits.beside(steps) if refit else steps, work_left)
    if walk.points[-1].n_features == 0:
        warnings.warn(
            f"No feature is left at alpha={walk.points[-1].alpha:.3g}.",
            ConvergenceWarning,
            stacklevel=3,
        )
    if refit and not walk.interrupted:
        refits.finish()
    return collect(walk, record.refits, settings)


def choose_penalty(regressor, penalty, concavity):
    """Give the networks the penalty that a selector asks for; None leaves their own."""
    wanted = {"penalty": penalty, "concavity": concavity}
    regressor.set_params(**{name: value for name, value in wanted.items() if value is not None})


def check_alphas(alphas):
    """Strengths of the penalty as an array; an error if one of them cannot be."""
    alphas = as_numbers(alphas, "alphas").astype(float, copy=False)
    if alphas.ndim != 1 or not len(alphas):
        raise ValueError(f"alphas must be a list of numbers, at least one; got {alphas!r}.")
    bad = alphas[~np.isfinite(alphas) | (alphas < 0)]
    if bad.size:
        raise ValueError(f"alphas contain {bad[0]}; they must be finite and not negative.")
    return alphas


def collect(walk, refits=None, settings=None):
    """Put the points of a walk together.

    Parameters
    ----------
    walk : Walk or Elimination
        Has at least one.
    refits : dict of (tuple of int, str) to Refit, default=None
        By the columns of each set and where the fit started.
    settings : HDNNPRegressor, default=None
        Settings of the refits.

    Returns
    -------
    SelectionPath
        The path.
    """
    points = walk.points
    norms = np.array([point.group_norms for point in points])
    table = RefitTable(refits or {})
    best = [table.best(columns_of(point)) for point in points]
    return SelectionPath(
        alphas=np.array([point.alpha for point in points]),
        supports=norms > 0,
        group_norms=norms,
        initial_group_norms=walk.initial_group_norms,
        objective=np.array([point.objective for point in points]),
        penalised_rmse=np.array([point.rmse for point in points]),
        refitted_rmse=np.array([np.nan if one is None else one.rmse for one in best]),
        fit_time=np.array([point.fit_time for point in points]),
        refit_time=np.array([table.seconds(columns_of(point)) for point in points]),
        feature_names=_check_feature_names_in(walk.regressor),
        feature_costs=walk.costs,
        **(_describe_refits(walk, best, settings) if refits else {}),
    )


def _describe_refits(walk, best, settings):
    """What only a path with refits has; `best` is the better refit at each point, or None."""
    nothing = np.full(len(walk.training.held_out_rows), np.nan)
    return {
        "refit_init": np.array(["" if one is None else one.init for one in best]),
        "refitted_errors": np.array([nothing if one is None else one.errors for one in best]),
        "potentials": tuple(
            None if one is None else _make_potential(walk, point, one, settings)
            for point, one in zip(walk.points, best, strict=True)
        ),
    }


def _make_potential(walk, point, refit, settings):
    """A refit as a regressor on the columns of its set."""
    names = getattr(walk.regressor, "feature_names_in_", None)
    potential = assemble_on_columns(
        clone(settings), walk.training, point.group_norms > 0, refit.weights, names
    )
    potential.validation_rmse_, potential.validation_force_rmse_ = refit.rmse, refit.force_rmse
    potential.n_iter_, potential.init_ = refit.n_iter, refit.init
    potential.trained_on_ = walk.training.trained_on
    return potential
