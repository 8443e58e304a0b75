"""Recursive elimination of features by the Wald statistic of the Kalman filter's covariance."""

import time
from numbers import Integral
from os import PathLike

import numpy as np

from sklearn_agl import _attribute_checks as check
from sklearn_agl._labels import AUTO
from sklearn_agl._sklearn import Interval, RealNotInt, _fit_context, _raise_for_params
from sklearn_agl.potentials import HDNNPRegressor
from sklearn_agl.potentials._regressor import finish_regressor
from sklearn_agl.selection._base import (
    N_FEATURES_CONSTRAINT,
    AtomicSelector,
    rank_from_best,
    resolve_n_features,
)
from sklearn_agl.selection.path._alpha_schedules import n_steps_down
from sklearn_agl.selection.path._path import (
    PATH_CHECK,
    PathPoint,
    PathRun,
    stack_points,
    unstack_points,
)
from sklearn_agl.selection.runs._runner import Stage, follow

STEP_SHARE = 6 / 30
"""Part of a full fit's epochs that follows each elimination."""


class Elimination(PathRun):
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
    n_features : int
        When to stop.
    step : int or float
        Features per elimination, or the fraction of those left.

    Attributes
    ----------
    eliminated : list of int
        Features that left, the first one first.
    statistics : ndarray of shape (n_features,)
        Of the features that are left now, and of the others when they left.
    """

    strength = "statistic"

    def __init__(self, regressor, data, seed, n_features, step):
        self.regressor = regressor
        self._n_features = n_features
        self._step = step
        self.points = []
        self.eliminated = []
        self.statistics = np.zeros(data.X.n_features)
        from sklearn_agl.potentials.training._training import Training  # with torch

        self.training = Training(regressor, data, np.random.RandomState(seed))

    def begin(self):
        """Fit all features."""
        start = time.perf_counter()
        self.training.start(np.zeros(len(self.statistics)))
        self.training.run(self.training.epochs())
        self.initial_group_norms = self.training.group_norms
        self._note_statistics()
        self.keep(PathPoint.of(self.training, 0.0, start))

    def stages(self):
        """One: the eliminations until few enough features are left."""
        yield Stage(self._eliminate_all(), self._eliminations_left)

    def save_state(self):
        """What `restore_state` needs to go on in another process: dicts of arrays."""
        return {
            "training": self.training.to_arrays(),
            "points": stack_points(self.points),
            "elimination": {
                "eliminated": np.array(self.eliminated, dtype=np.int64),
                "statistics": self.statistics,
                "initial_group_norms": self.initial_group_norms,
            },
        }

    def restore_state(self, state):
        """Go on from what `save_state` gave, in the place of `begin`."""
        self.training.load_arrays(state["training"])
        self.points = unstack_points(state["points"])
        self.eliminated = state["elimination"]["eliminated"].tolist()
        self.statistics = state["elimination"]["statistics"]
        self.initial_group_norms = state["elimination"]["initial_group_norms"]

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
        return PathPoint.of(self.training, threshold, start)

    def _note_statistics(self):
        now = self.training.wald_statistics()
        self.statistics = np.where(now > 0.0, now, self.statistics)

    def _left(self):
        """Features that are left, the one with the smallest statistic first."""
        left = np.setdiff1d(np.arange(len(self.statistics)), self.eliminated)
        return left[np.argsort(self.statistics[left], kind="stable")]

    def _eliminate_all(self):
        """Eliminate until few enough features are left; yields a line about each time."""
        while self.points[-1].n_features > self._n_features:
            left, wanted = self.points[-1].n_features, self._step
            if not isinstance(wanted, Integral):
                wanted = max(1, int(wanted * left))
            yield self.keep(self.eliminate(min(wanted, left - self._n_features)))

    def _eliminations_left(self):
        """About how many eliminations there are still to do."""
        left = self.points[-1].n_features
        if isinstance(self._step, Integral):
            return (left - self._n_features) / self._step
        return n_steps_down(left, self._n_features, self._step)

    def ranking(self):
        """1 for the best features, as many as are wanted, 2 for the next one, and so on.

        After a run that Ctrl-C has ended, the features that are left follow each other by their
        statistics.
        """
        worst_first = np.array([*self.eliminated, *self._left()])
        return rank_from_best(worst_first[::-1], self._n_features, len(worst_first))


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
    __metadata_request__fit = {"sample_weight": None, "groups": True}

    _attribute_checks = {
        **AtomicSelector._attribute_checks,
        **PATH_CHECK,
        "estimator_": check.instance(HDNNPRegressor),
        "trained_on_": check.trained_on(),
        "statistics_": check.numbers("n"),
    }

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
            that a weight of 2 is only nearly the structure twice. And ``groups``, array-like of
            shape (n_structures,): labels of structures that are held out together.

        Returns
        -------
        WaldSelector
            The fitted selector.
        """
        _raise_for_params(params, self, "fit", allow=["sample_weight", "groups"])
        regressor, data = self._validate_for_training(X, y, forces, **params)
        if regressor.solver != "kalman":
            raise ValueError(
                f"WaldSelector needs the covariance of the Kalman filter, but its estimator has "
                f"solver={regressor.solver!r}. Set solver='kalman'."
            )
        n_wanted = resolve_n_features(self.n_features_to_select, self.n_features_in_)
        checkpoint = self._open_checkpoint(regressor.random_state, data, regressor)
        data = data.observe_slopes(regressor.n_force_directions, checkpoint.seed)
        elimination = Elimination(regressor, data, checkpoint.seed, n_wanted, self.step)
        self._note_interruption(follow(elimination, checkpoint, self.verbose))
        self.path_ = elimination.selection_path()
        self.statistics_ = elimination.statistics
        self.estimator_ = finish_regressor(regressor, elimination.training)
        self._select_ranked(elimination.ranking())
        self._keep_warm_start(elimination.training, data, checkpoint.seed)
        return self
