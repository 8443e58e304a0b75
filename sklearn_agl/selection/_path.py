"""The regularisation path of the adaptive group lasso, with refits."""

import warnings
from dataclasses import dataclass
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
from sklearn_agl._validation import validate_features
from sklearn_agl.potentials import HDNNPRegressor
from sklearn_agl.potentials._training_set import TrainingSet
from sklearn_agl.selection._base import rank_from_best, warn_of_idle
from sklearn_agl.selection._checkpoint import open_checkpoint
from sklearn_agl.selection._costs import MEASURED, resolve_costs
from sklearn_agl.selection._record import Record
from sklearn_agl.selection._refits import Refits
from sklearn_agl.selection._routes import walk_down, walk_through, work_down, work_through
from sklearn_agl.selection._walk import METRICS, WALKS


@dataclass(frozen=True)
class SelectionPath:
    """Fits along a regularisation path, from many features to few.

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
        Seconds.
    feature_names : ndarray of str of shape (n_features,)
        Names of the columns.
    feature_costs : ndarray of shape (n_features,) or None
        The costs that multiplied the adaptive weights; None if there were none.

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

    def __len__(self):
        return len(self.alphas)

    @property
    def n_features(self):
        """Number of selected features at each point."""
        return self.supports.sum(axis=1)

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

    def best(self, tolerance=0.05):
        """The smallest set that is nearly as good as the best.

        Parameters
        ----------
        tolerance : float, default=0.05
            How far its refitted error may lie above the lowest one, relative to that.

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
        good = np.flatnonzero(errors <= (1.0 + tolerance) * np.nanmin(errors))
        return int(good[np.lexsort((errors[good], self.n_features[good]))[0]])

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
                "fit_time": self.fit_time,
                "refit_time": self.refit_time,
                "features": [tuple(self.feature_names[support]) for support in self.supports],
            }
        )

    def plot(self, ax=None, **kwargs):
        """Draw the errors against the number of selected features.

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
    `alpha` rises, and each fit starts from the one before; features that leave stay out. At last
    every set found is fitted anew without penalty.

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
        Fit every set without penalty.
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
    X = validate_features(regressor, X, reset=True, ensure_min_samples=2)
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
    record = Record(walk, checkpoint, verbose).begin()
    settings = clone(regressor).set_params(alpha=0.0, random_state=checkpoint.seed)
    refits = Refits(record, settings, data, n_jobs)
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
    return collect(walk, record.refits)


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


def collect(walk, refits=None):
    """Put the points of a walk together.

    Parameters
    ----------
    walk : Walk or Elimination
        Has at least one.
    refits : dict, default=None
        Error and time of the refit of each support, a tuple of column indices.

    Returns
    -------
    SelectionPath
        The path.
    """
    points = walk.points
    norms = np.array([point.group_norms for point in points])
    refits, missing = refits or {}, (np.nan, np.nan)
    refitted = np.array([refits.get(tuple(np.flatnonzero(row)), missing) for row in norms])
    return SelectionPath(
        alphas=np.array([point.alpha for point in points]),
        supports=norms > 0,
        group_norms=norms,
        initial_group_norms=walk.initial_group_norms,
        objective=np.array([point.objective for point in points]),
        penalised_rmse=np.array([point.rmse for point in points]),
        refitted_rmse=refitted[:, 0],
        fit_time=np.array([point.fit_time for point in points]),
        refit_time=refitted[:, 1],
        feature_names=_check_feature_names_in(walk.regressor),
        feature_costs=walk.costs,
    )
