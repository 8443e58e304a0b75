"""Recursive elimination of features by the Wald statistic of the Kalman filter's covariance."""

import time
from functools import partial
from numbers import Integral
from os import PathLike

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, RealNotInt
from sklearn.utils.metadata_routing import _raise_for_params

from sklearn_agl._labels import AUTO
from sklearn_agl.potentials import HDNNPRegressor
from sklearn_agl.potentials.training._training import Training
from sklearn_agl.selection._base import (
    N_FEATURES_CONSTRAINT,
    AtomicSelector,
    rank_from_best,
    resolve_n_features,
)
from sklearn_agl.selection.path._alpha_schedules import n_steps_down
from sklearn_agl.selection.path._path import collect
from sklearn_agl.selection.path._penalised_fits import look_around, stack_points, unstack_points
from sklearn_agl.selection.runs._findings import Record

STEP_SHARE = 6 / 30
"""Part of a full fit's epochs that follows each elimination."""


class Elimination:
    """A training that loses features one after the other.

    Parameters
    ----------
    regressor : HDNNPRegressor
        Settings of the networks, validated, that have noted the columns of `X`; its own `alpha`
        and `feature_weights` play no role.
    data : TrainingSet
        What to train on.
    seed : int
        Fixes the held-out structures, the weights and the order of the structures.

    Attributes
    ----------
    points : list of PathPoint
        The fit of all features, and what each elimination has left.
    eliminated : list of int
        Features that left, the first one first.
    statistics : ndarray of shape (n_features,)
        Of the features that are left now, and of the others when they left.
    initial_group_norms : ndarray of shape (n_features,)
        Norms of the fit of all features.
    """

    costs = None
    """Elimination knows of none."""

    def __init__(self, regressor, data, seed):
        self.regressor = regressor
        self.points = []
        self.eliminated = []
        self.statistics = np.zeros(data.X.n_features)
        self.training = Training(regressor, data, np.random.RandomState(seed))

    def begin(self):
        """Fit all features."""
        start = time.perf_counter()
        self.training.start(np.zeros(len(self.statistics)))
        self.training.run(self.training.epochs())
        self.initial_group_norms = self.training.group_norms
        self._note_statistics()
        self.points.append(look_around(self.training, 0.0, start))

    def save_state(self):
        """What `load_state` needs to go on from here in another process: dicts of arrays."""
        return {
            "training": self.training.to_arrays(),
            "points": stack_points(self.points),
            "elimination": {
                "eliminated": np.array(self.eliminated, dtype=np.int64),
                "statistics": self.statistics,
                "initial_group_norms": self.initial_group_norms,
            },
        }

    def load_state(self, state):
        """Go on from what `save_state` gave, in the place of `begin`."""
        self.training.load_arrays(state["training"])
        self.points = unstack_points(state["points"])
        self.eliminated = state["elimination"]["eliminated"].tolist()
        self.statistics = state["elimination"]["statistics"]
        self.initial_group_norms = state["elimination"]["initial_group_norms"]

    @property
    def interrupted(self):
        """Whether Ctrl-C ended a fit."""
        return self.training.interrupted

    def eliminate(self, n_features):
        """Take out the features with the smallest statistics, and train those that are left.

        Parameters
        ----------
        n_features : int
            How many.

        Returns
        -------
        PathPoint
            What was found; its `alpha` is the largest statistic that was taken out.
        """
        start = time.perf_counter()
        gone = self._left()[:n_features]
        threshold = self.statistics[gone].max()
        self.training.condition_on_absence(gone)
        self.eliminated.extend(gone.tolist())
        self.training.run(self.training.epochs(STEP_SHARE))
        self._note_statistics()
        return look_around(self.training, threshold, start)

    def _note_statistics(self):
        now = self.training.wald_statistics()
        self.statistics = np.where(now > 0.0, now, self.statistics)

    def _left(self):
        """Features that are left, the one with the smallest statistic first."""
        left = np.setdiff1d(np.arange(len(self.statistics)), self.eliminated)
        return left[np.argsort(self.statistics[left], kind="stable")]

    def run(self, n_features, step):
        """Eliminate until `n_features` are left, or Ctrl-C ends a fit.

        Parameters
        ----------
        n_features : int
            When to stop.
        step : int or float
            Features per elimination, or the fraction of those left.

        Yields
        ------
        PathPoint
            What each elimination has left.
        """
        while self.points[-1].n_features > n_features and not self.interrupted:
            left = self.points[-1].n_features
            wanted = step if isinstance(step, Integral) else max(1, int(step * left))
            self.points.append(self.eliminate(min(wanted, left - n_features)))
            yield self.points[-1]

    def ranking(self, n_features):
        """1 for the `n_features` best ones, 2 for the next one, and so on.

        After a run that Ctrl-C has ended, the features that are left follow each other by their
        statistics.
        """
        worst_first = np.array([*self.eliminated, *self._left()])
        return rank_from_best(worst_first[::-1], n_features, len(worst_first))


def eliminations_left(n_features, step, elimination):
    """About how many eliminations lead to `n_features`."""
    left = elimination.points[-1].n_features
    if isinstance(step, Integral):
        return (left - n_features) / step
    return n_steps_down(left, n_features, step)


class WaldSelector(AtomicSelector):
    r"""Eliminate features one after the other while a network potential is trained.

    The Kalman filter that trains the potential keeps a covariance :math:`P` of all weights. With
    :math:`w_i` the first-layer weights of feature i,

    .. math:: s_i = w_i^\top (P_{ii})^{-1} w_i

    is the Wald statistic of "feature i is not needed". It does not depend on how scale is shared
    between the layers, as norms do. The feature with the smallest one leaves, all other weights
    move to what the filter expects without it, training goes on for a few epochs, and so on: one
    continued run, with a trained potential at every size.

    Parameters
    ----------
    n_features_to_select : int or float, default=None
        Number or fraction of features to keep; None keeps half of them.
    estimator : HDNNPRegressor, default=None
        Settings of the networks, with ``solver="kalman"``; by default those of
        ``HDNNPRegressor()``.
    step : int or float, default=0.05
        Features that leave at a time: a number, or a fraction of those left (at least one).
    checkpoint : str or path-like, default=None
        A folder that keeps the state of the run after every elimination. The same `fit` goes on
        from there, whatever has ended the last one, and finds what a run without a break would
        have.
    verbose : int, default=0
        1 prints a line per elimination, with an estimate of the time left.
    random_state : int, RandomState or None, default=None
        Draws the held-out structures, the weights and the order of the structures. By default
        the estimator's own. Where that is None, too, a run that goes on keeps its first seed.

    Attributes
    ----------
    support_ : ndarray of bool of shape (n_features,)
        Selected features.
    n_features_ : int
        Their number.
    ranking_ : ndarray of int of shape (n_features,)
        1 for the selected features, 2 for the last one that left, and so on.
    statistics_ : ndarray of shape (n_features,)
        Wald statistics: of the selected features at the end, of others when they left.
    path_ : SelectionPath
        All sizes on the way, without refits. Its alphas are the largest statistic that was taken
        out in each step, and do not always ascend.
    estimator_ : HDNNPRegressor
        The potential that is left. No penalty has biased it.
    trained_on_ : dict
        The numbers of energies and forces, see `HDNNPRegressor`.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    Raises
    ------
    ValueError
        In fit, if the estimator has another solver, or `checkpoint` cannot be written to, is
        damaged or holds a run on other data or with other settings.

    See Also
    --------
    AdaptiveGroupLassoSelector : Lets features leave by a penalty.

    Notes
    -----
    The elimination is greedy. With 1,200 structures, its sets were nearly as good as those of
    the group lasso, whose default weights contain the same statistic, and hung a little more on
    the seed; with a few hundred energies, whose potentials overfit, the group lasso was better.

    References
    ----------
    B. Hassibi, D. G. Stork, NeurIPS 5, 164 (1993), for single weights.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_agl import WaldSelector
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 6))
    >>> y = np.sin(X[:, 1]) + X[:, 1] * X[:, 4]
    >>> WaldSelector(2, random_state=0).fit(X, y).get_support(indices=True)
    array([1, 4])
    """

    _parameter_constraints = {
        "n_features_to_select": N_FEATURES_CONSTRAINT,
        "estimator": [HDNNPRegressor, None],
        "step": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
        ],
        "checkpoint": [str, PathLike, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    # Not in the signature, where scikit-learn would expect that a weight of 2 is a row twice.
    __metadata_request__fit = {"sample_weight": None}

    def __init__(
        self,
        n_features_to_select=None,
        *,
        estimator=None,
        step=0.05,
        checkpoint=None,
        verbose=0,
        random_state=None,
    ):
        self.n_features_to_select = n_features_to_select
        self.estimator = estimator
        self.step = step
        self.checkpoint = checkpoint
        self.verbose = verbose
        self.random_state = random_state

    # The inner estimator validates its own parameters.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, forces=AUTO, **params):
        """Find the features to keep.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features of the atoms.
        y : array-like of shape (n_structures,), default=None
            Total energies; None for those that the structures carry, see `HDNNPRegressor`.
        forces : "auto", None or sequence of array-like of shape (n_atoms, 3), default="auto"
            Forces on all atoms of each structure, to be trained on as well. "auto" takes those that
            the structures carry, if the estimator's parameter `forces` says so, and None trains on
            energies alone, see `HDNNPRegressor`.
        **params : dict of str to object
            ``sample_weight``, array-like of shape (n_structures,): how much each structure counts,
            see `HDNNPRegressor`. The filter learns from structures one batch after the other, so
            that a weight of 2 is only nearly the structure twice.

        Returns
        -------
        WaldSelector
            The fitted selector.
        """
        _raise_for_params(params, self, "fit", allow=["sample_weight"])
        regressor, data = self._validate_for_training(X, y, forces, params.get("sample_weight"))
        if regressor.solver != "kalman":
            raise ValueError(
                f"WaldSelector needs the covariance of the Kalman filter, but its estimator has "
                f"solver={regressor.solver!r}. Set solver='kalman'."
            )
        n_wanted = resolve_n_features(self.n_features_to_select, self.n_features_in_)
        checkpoint = self._open_checkpoint(regressor, data)
        data = data.observe_slopes(regressor.n_force_directions, checkpoint.seed)
        elimination = Elimination(regressor, data, checkpoint.seed)
        record = Record(elimination, checkpoint, self.verbose, strength="statistic", error="RMSE")
        work_left = partial(eliminations_left, n_wanted, self.step)
        record.begin().follow(elimination.run(n_wanted, self.step), work_left)
        self.path_ = collect(elimination)
        self.statistics_ = elimination.statistics
        regressor._note_errors(elimination.training)
        self.estimator_ = regressor._take_over(elimination.training)
        self._select_ranked(elimination.ranking(n_wanted))
        self._hand_on(elimination.training, data, checkpoint.seed)
        return self
