"""A path: its points, the runs that find them, and what users get of it."""

import time
from dataclasses import dataclass, field, fields

import numpy as np

from sklearn_agl import _attribute_checks as check
from sklearn_agl._sklearn import _check_feature_names_in
from sklearn_agl.selection._base import rank_from_best
from sklearn_agl.selection.path._table import path_lines
from sklearn_agl.selection.runs._runner import Run, raise_if_interrupted

TOLERANCE = 0.05
"""Relative error that `SelectionPath.best` tolerates where it knows no standard error."""


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
    >>> print(path)  # a table of at most 100 characters a line
    features      alpha  penalised    refitted  ± error  start  seconds  left
           5   0.00e+00  ...
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

    def __str__(self):
        return "\n".join(path_lines(self))

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


@dataclass(frozen=True)
class PathPoint:
    """One fit of a path."""

    alpha: float
    group_norms: np.ndarray
    objective: float
    rmse: float
    fit_time: float

    @classmethod
    def of(cls, training, alpha, start):
        """What a training has come to that began at the time `start`."""
        return cls(
            alpha=alpha,
            group_norms=training.group_norms,
            objective=training.objective(training.train_rows),
            rmse=training.rmse_per_atom(training.judged_on),
            fit_time=time.perf_counter() - start,
        )

    @property
    def n_features(self):
        """Features with a norm above zero."""
        return int(np.count_nonzero(self.group_norms))

    @property
    def columns(self):
        """Their columns, as a tuple of int."""
        return tuple(np.flatnonzero(self.group_norms).tolist())


def stack_points(points):
    """Some PathPoints as one array per field, which a file can hold."""
    names = [field.name for field in fields(PathPoint)]
    return {name: np.array([getattr(point, name) for point in points]) for name in names}


def unstack_points(arrays):
    """The PathPoints that `stack_points` was given."""
    rows = zip(*arrays.values(), strict=True)
    return [PathPoint(**dict(zip(arrays, row, strict=True))) for row in rows]


class PathRun(Run):
    """A run that finds a path, point by point, with one training that goes on.

    Attributes
    ----------
    regressor : estimator
        Has noted the names of the columns.
    training : object
        Goes on from point to point.
    points : list of PathPoint
        The fit of all features, and the steps that were kept.
    initial_group_norms : ndarray of shape (n_features,)
        Norms of the first fit.
    costs : ndarray of shape (n_features,) or None
        What each feature costs.
    """

    strength, error = "alpha", "RMSE"
    """Names of what `alpha` and `rmse` of the points are."""
    costs = None

    def keep(self, point):
        """Count a fit among the points of the path, even if Ctrl-C has cut it short.

        Returns
        -------
        str
            A line about it.
        """
        self.points.append(point)
        raise_if_interrupted(self.training)
        return self.describe(point)

    def describe(self, point):
        """A line about a fit."""
        return (
            f"{self.strength} {point.alpha:8.2e}   {point.n_features:4d} features   "
            f"{self.error} {point.rmse:.3e}   {point.fit_time:5.2f} s"
        )

    def progress(self):
        """How far it is."""
        return f"at {self.points[-1].n_features} features"

    def is_usable(self):
        """One point makes a path."""
        return bool(self.points)

    def table(self, describe_refit=lambda columns: ("", "")):
        """Rows for people to read."""
        error = self.error.lower().replace(" ", "_")
        about = "refitted_rmse", "refit_init", "fit_time", "columns"
        yield "n_features", self.strength, error, *about
        for point in self.points:
            numbers = point.n_features, point.alpha, point.rmse, *describe_refit(point.columns)
            yield *numbers, point.fit_time, " ".join(map(str, point.columns))

    def selection_path(self):
        """What users get.

        Returns
        -------
        SelectionPath
            The points, without refits.
        """
        points = self.points
        norms = np.array([point.group_norms for point in points])
        unknown = np.full(len(points), np.nan)
        return SelectionPath(
            alphas=np.array([point.alpha for point in points]),
            supports=norms > 0,
            group_norms=norms,
            initial_group_norms=self.initial_group_norms,
            objective=np.array([point.objective for point in points]),
            penalised_rmse=np.array([point.rmse for point in points]),
            refitted_rmse=unknown,
            fit_time=np.array([point.fit_time for point in points]),
            refit_time=unknown,
            feature_names=_check_feature_names_in(self.regressor),
            feature_costs=self.costs,
        )


PATH_CHECK = {
    "path_": check.record(
        SelectionPath,
        {
            "alphas": check.array("f", "points"),
            "supports": check.array("b", "points", "n"),
            "group_norms": check.array("f", "points", "n", low=0.0),
            "initial_group_norms": check.norms("n"),
            "objective": check.numbers("points"),
            "penalised_rmse": check.numbers("points"),
            "refitted_rmse": check.numbers("points"),
            "fit_time": check.numbers("points"),
            "refit_time": check.numbers("points"),
            "feature_names": check.names("n"),
            "feature_costs": check.optional(check.array("f", "n")),
            # Paths of selectors have no refits.
            **dict.fromkeys(("refit_init", "refitted_errors", "potentials"), check.nothing),
        },
    )
}
"""Of selectors that keep their path, see `AtomicSelector`."""
