"""Sequential backward elimination: the feature whose absence hurts least leaves, with refits."""

from functools import partial
from numbers import Integral, Real
from os import PathLike

import numpy as np
from joblib import delayed, effective_n_jobs
from sklearn.model_selection import ShuffleSplit, check_cv

from sklearn_agl import _attribute_checks as check
from sklearn_agl._labels import AUTO
from sklearn_agl._sklearn import Interval, _fit_context
from sklearn_agl.potentials import HDNNPRegressor
from sklearn_agl.selection._base import (
    N_FEATURES_CONSTRAINT,
    AtomicSelector,
    rank_from_best,
    resolve_n_features,
)
from sklearn_agl.selection._splits import check_split, describe_splits, score_support
from sklearn_agl.selection.runs._parallel import in_threads
from sklearn_agl.selection.runs._runner import Run, Stage, follow

HELD_OUT = 0.2
"""Part of the structures that is held out by default."""


class BackwardEliminationSelector(AtomicSelector):
    r"""Drop one feature at a time, the one without which a new potential predicts best.

    With S the features that are left and :math:`R(S)` the RMSE of the energy per atom on held-out
    structures of a potential trained from new weights on S, the next step is

    .. math::

        S \leftarrow S \setminus \{ i \} , \qquad i = \arg\min_{j \in S} R(S \setminus \{ j \}) .

    With a tolerance, it takes the first feature it tries that gives
    :math:`R(S \setminus \{ j \}) \le (1 + \text{tol}) \, R(S)`, if there is one.

    Parameters
    ----------
    n_features_to_select : int or float, default=None
        Number or fraction of features to keep; None keeps half of them.
    estimator : HDNNPRegressor, default=None
        Settings of the networks, of which `alpha` and `feature_weights` play no role; by default
        those of ``HDNNPRegressor()``.
    cv : int, cross-validation splitter or iterable of (train, test) indices, default=None
        What is held out; the errors of several splits are averaged. By default one random fifth
        of the structures.
    tol : float, default=None
        Relative rise of the error at which a feature leaves without a look at those not tried in
        this step; negative to ask for a lower error. None always tries all.
    n_jobs : int, default=None
        Threads for the fits, or processes where ``joblib.parallel_config`` asks for them. The
        result does not depend on it.
    checkpoint : str or path-like, default=None
        Folder in which the error of every set is kept once it is known, so that a run that was
        killed goes on from there if `fit` is called again with the same data and settings.
    verbose : int, default=0
        1 prints a line per step.
    random_state : int, RandomState or None, default=None
        Draws what is held out and the weights, the same ones for all sets. By default the
        estimator's own.

    Attributes
    ----------
    support_ : ndarray of bool of shape (n_features,)
        Selected features.
    n_features_ : int
        Their number.
    ranking_ : ndarray of int of shape (n_features,)
        1 for the selected features, 2 for the last one that left, and so on.
    errors_ : ndarray of shape (n_steps + 1,)
        Held-out error per atom with all features, and after each step. As steps are chosen by
        them, they are biased: judge the result on other structures.
    n_fits_ : int
        Potentials that were trained.
    trained_on_ : dict
        The numbers of energies and forces, see `HDNNPRegressor`.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    See Also
    --------
    WaldSelector : Eliminates without refits, in a fraction of the time.

    Notes
    -----
    From p to n features, it takes up to (p + n + 1) (p - n) / 2 + 1 fits for each split. With a
    tolerance, features that were not tried in the step before come first, then those whose absence
    did least harm when they were, so that each gets its turn.

    scikit-learn's `SequentialFeatureSelector` has no early way out, and cannot work on atoms: it
    checks that its input is a table and takes the columns of each set by ``X[:, mask]``.

    References
    ----------
    .. [1] S. Ghimire: thesis, Grenoble INP (2021).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_agl import BackwardEliminationSelector, HDNNPRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 4))
    >>> y = np.sin(X[:, 1]) + X[:, 1] * X[:, 3]
    >>> selector = BackwardEliminationSelector(2, estimator=HDNNPRegressor((5,)), random_state=0)
    >>> selector.fit(X, y).get_support(indices=True)
    array([1, 3])
    """

    _parameter_constraints = {
        "n_features_to_select": N_FEATURES_CONSTRAINT,
        "estimator": [HDNNPRegressor, None],
        "cv": ["cv_object"],
        "tol": [Interval(Real, -1, None, closed="neither"), None],
        "n_jobs": [Integral, None],
        "checkpoint": [str, PathLike, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    _attribute_checks = AtomicSelector._attribute_checks | {
        "trained_on_": check.trained_on(),
        "errors_": check.numbers("steps"),
        "n_fits_": check.integer(1),
    }

    # As splitters of groups do: who routes them wants them to stay together.
    __metadata_request__fit = {"groups": True}

    def __init__(
        self,
        n_features_to_select=None,
        *,
        estimator=None,
        cv=None,
        tol=None,
        n_jobs=None,
        checkpoint=None,
        verbose=0,
        random_state=None,
    ):
        self.n_features_to_select = n_features_to_select
        self.estimator = estimator
        self.cv = cv
        self.tol = tol
        self.n_jobs = n_jobs
        self.checkpoint = checkpoint
        self.verbose = verbose
        self.random_state = random_state

    # The inner estimator validates its own parameters.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, forces=AUTO, *, sample_weight=None, groups=None):
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
        sample_weight : array-like of shape (n_structures,), default=None
            How much each structure counts, see `HDNNPRegressor`.
        groups : array-like of shape (n_structures,), default=None
            Labels of structures that are held out together, see `HDNNPRegressor`.

        Returns
        -------
        BackwardEliminationSelector
            The fitted selector.

        Raises
        ------
        ValueError
            If more features are requested than there are, or a split has too few structures or
            tests an element that it does not train. If `checkpoint` cannot be written to, is
            damaged or holds a run on other data or with other settings.
        """
        regressor, data = self._validate_for_training(X, y, forces, sample_weight, groups)
        wanted = resolve_n_features(self.n_features_to_select, self.n_features_in_)
        checkpoint, trials = self._open_checkpoint_and_trials(regressor, data)
        elimination = follow(Elimination(trials, self.tol, wanted), checkpoint, self.verbose)
        self.errors_, self.n_fits_ = np.array(elimination.errors), elimination.n_fits
        self._select_ranked(rank_from_best(elimination.best_first, wanted, self.n_features_in_))
        return self

    def _open_checkpoint_and_trials(self, regressor, data):
        """The checkpoint, and the trials, which draw from the seed of the run in there."""
        X, y = data.X, data.energies
        splits = None if self.cv is None else list(check_cv(self.cv, y).split(X, y))
        # By default, the seed tells the split.
        described = {} if splits is None else describe_splits(splits)
        checkpoint = self._open_checkpoint(regressor.random_state, data, regressor, **described)
        if splits is None:
            one = ShuffleSplit(1, test_size=HELD_OUT, random_state=checkpoint.seed)
            splits = list(one.split(X, y))
        data = data.observe_slopes(regressor.n_force_directions, checkpoint.seed)
        regressor.set_params(random_state=checkpoint.seed)
        return checkpoint, Trials(regressor, data, splits, self.n_jobs)


class Trials:
    """Potentials on subsets of the features, judged on held-out structures.

    Parameters
    ----------
    regressor : HDNNPRegressor
        Settings of the potentials; the seed fixes the weights and the order of the structures.
    data : TrainingSet
        What to train on and to judge by.
    splits : list of (train, test)
        Rows to train and to judge on.
    n_jobs : int or None
        Number of potentials that are trained at the same time.
    """

    def __init__(self, regressor, data, splits, n_jobs):
        for k, (train, test) in enumerate(splits):
            check_split(data.X, k, train, test, regressor)
        self.regressor, self.data, self.splits, self.n_jobs = regressor, data, splits, n_jobs

    def errors(self, supports):
        """Pairs of each mask, as a tuple, and its mean error per atom over the splits."""
        calls = [
            delayed(score_support)(self.regressor, self.data, split, np.array(support))
            for support in supports
            for split in self.splits
        ]
        scores = iter(in_threads(calls, self.n_jobs))
        for support in supports:
            yield support, -np.mean([next(scores) for _ in self.splits])


class Elimination(Run):
    """One feature after the other leaves, the one that is needed least; half the way is no result.

    Parameters
    ----------
    trials : Trials
        Trains and judges.
    tol : float or None
        As in `BackwardEliminationSelector`.
    n_wanted : int
        When to stop.

    Attributes
    ----------
    known : dict
        Errors for the masks of features tried so far, as tuples.
    errors : list of float
        With all features, and after each step.
    n_fits : int
        Potentials that the steps needed, with those that were known from a checkpoint.
    """

    def __init__(self, trials, tol, n_wanted):
        self._trials, self._tol, self._n_wanted = trials, tol, n_wanted
        self._support = np.ones(trials.data.X.n_features, dtype=bool)
        self._gone = []
        # Errors without each feature, as far as they were tried in the present step.
        self._errors_without = np.full(len(self._support), -np.inf)
        self.known, self.errors, self.n_fits = {}, [], 0

    def begin(self):
        """Judge the set of all features."""
        self.known.update(self._trials.errors([tuple(self._support)]))

    def stages(self):
        """One for each batch of sets that are tried side by side."""
        self._note_error()
        self.n_fits += len(self._trials.splits)
        while (n_left := self._support.sum()) > self._n_wanted:
            for batch in self._batches():
                missing = [one for one in map(self._set_without, batch) if one not in self.known]
                yield Stage(self._try_sets(missing), lambda: 0.0, partial(self._decide, batch))
                if self._support.sum() < n_left:
                    break

    def _note_error(self):
        self.errors.append(self.known[tuple(self._support)])

    def _batches(self):
        """Columns to try without; those that were not tried in the step before come first."""
        left = np.flatnonzero(self._support)
        self._order = left[np.argsort(self._errors_without[left], kind="stable")]
        self._errors_without[:] = -np.inf
        # No more at a time than run side by side, else the way out would save nothing.
        n = len(left) if self._tol is None else effective_n_jobs(self._trials.n_jobs)
        return [self._order[first : first + n] for first in range(0, len(left), n)]

    def _set_without(self, column):
        return tuple(self._support & (np.arange(len(self._support)) != column))

    def _try_sets(self, supports):
        """Train what is not known; a line comes when a feature leaves, not for each set."""
        for support, error in self._trials.errors(supports):
            self.known[support] = error
            yield ""

    def _decide(self, batch):
        """Drop a feature if a batch has shown which; returns a line about it, else an empty one."""
        self.n_fits += len(batch) * len(self._trials.splits)
        limit = -np.inf if self._tol is None else (1.0 + self._tol) * self.errors[-1]
        for column in batch:
            self._errors_without[column] = self.known[self._set_without(column)]
            if self._errors_without[column] <= limit:
                return self._drop(column)
        errors = self._errors_without[self._order]
        return "" if (errors == -np.inf).any() else self._drop(self._order[np.argmin(errors)])

    def _drop(self, column):
        self._support[column] = False
        self._gone.append(column)
        self._note_error()
        n_left = self._support.sum()
        return f"{n_left:4d} features   without {column:4d}   RMSE {self.errors[-1]:.3e}"

    @property
    def best_first(self):
        """All features: those that are left, then the last one that left, and so on."""
        return np.array([*np.flatnonzero(self._support), *self._gone[::-1]])

    def save_state(self):
        """What `restore_state` needs to go on in another process: dicts of arrays."""
        supports, errors = np.array(list(self.known)), np.array(list(self.known.values()))
        return {"trials": {"supports": supports, "errors": errors}}

    def restore_state(self, state):
        """Go on from what `save_state` gave, in the place of `begin`."""
        supports, errors = state["trials"].values()
        self.known = dict(zip(map(tuple, supports), errors, strict=True))

    def progress(self):
        """What has been done."""
        return f"with {len(self.known)} sets"

    def table(self):
        """Rows for people to read."""
        yield "n_features", "rmse", "columns"
        for support, error in self.known.items():
            yield sum(support), error, " ".join(map(str, np.flatnonzero(support)))
