"""Sequential backward elimination: the feature whose absence hurts least leaves, with refits."""

from numbers import Integral, Real
from os import PathLike

import numpy as np
from joblib import delayed, effective_n_jobs
from sklearn.base import _fit_context
from sklearn.model_selection import ShuffleSplit, check_cv
from sklearn.utils._param_validation import Interval

from sklearn_agl._labels import AUTO
from sklearn_agl.potentials import HDNNPRegressor
from sklearn_agl.selection._base import N_FEATURES_CONSTRAINT, AtomicSelector, resolve_n_features
from sklearn_agl.selection._splits import check_split, describe_splits, score_support
from sklearn_agl.selection.runs._parallel import in_threads

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
    def fit(self, X, y=None, forces=AUTO, *, sample_weight=None):
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
        regressor, data = self._validate_for_training(X, y, forces, sample_weight)
        wanted = resolve_n_features(self.n_features_to_select, self.n_features_in_)
        trials = self._open_trials(regressor, data)
        support = np.ones(self.n_features_in_, dtype=bool)
        ranking = np.ones(self.n_features_in_, dtype=int)
        errors = [trials.errors([support])[0]]
        search = Search(trials, self.tol, self.n_features_in_)
        for left in range(self.n_features_in_ - 1, wanted - 1, -1):
            gone, error = search.next(support, errors[-1])
            support[gone] = False
            ranking[gone] = left - wanted + 2
            errors.append(error)
            if self.verbose:
                print(f"{left:4d} features   without {gone:4d}   RMSE {error:.3e}")
        self.errors_, self.n_fits_ = np.array(errors), trials.n_fits
        self._select_ranked(ranking)
        return self

    def _open_trials(self, regressor, data):
        """The trials, with what the folder of the parameter `checkpoint` knows of them."""
        X, y = data.X, data.energies
        splits = None if self.cv is None else list(check_cv(self.cv, y).split(X, y))
        # By default, the seed tells the split.
        described = {} if splits is None else describe_splits(splits)
        checkpoint = self._open_checkpoint(regressor, data, **described)
        if splits is None:
            one = ShuffleSplit(1, test_size=HELD_OUT, random_state=checkpoint.seed)
            splits = list(one.split(X, y))
        data = data.observe_slopes(regressor.n_force_directions, checkpoint.seed)
        regressor.set_params(random_state=checkpoint.seed)
        trials = Trials(regressor, data, splits, checkpoint, self.n_jobs)
        if self.verbose and trials.known:
            print(f"resumed from {checkpoint.folder} with {len(trials.known)} sets")
        return trials


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
    checkpoint : Checkpoint or NoCheckpoint
        Keeps the errors.
    n_jobs : int or None
        Number of potentials that are trained at the same time.

    Attributes
    ----------
    known : dict
        Mean error per atom over the splits, for the masks of features tried so far, as tuples.
    n_fits : int
        Potentials that the run needed, with those that were known from the checkpoint.
    """

    def __init__(self, regressor, data, splits, checkpoint, n_jobs):
        for k, (train, test) in enumerate(splits):
            check_split(data.X, k, train, test, regressor)
        self.regressor, self.data, self.splits = regressor, data, splits
        self.checkpoint, self.n_jobs, self.n_fits, self.known = checkpoint, n_jobs, 0, {}
        if checkpoint.state is not None:
            supports, errors = checkpoint.state["trials"].values()
            self.known = dict(zip(map(tuple, supports), errors, strict=True))

    def errors(self, supports):
        """Mean error per atom over the splits, for each of the masks."""
        new = [support for support in supports if tuple(support) not in self.known]
        calls = [
            delayed(score_support)(self.regressor, self.data, split, support)
            for support in new
            for split in self.splits
        ]
        scores = iter(in_threads(calls, self.n_jobs))
        for support in new:
            self.known[tuple(support)] = -np.mean([next(scores) for _ in self.splits])
            self.checkpoint.save(self._state, self._rows)
        self.n_fits += len(supports) * len(self.splits)
        return np.array([self.known[tuple(support)] for support in supports])

    def _state(self):
        supports, errors = np.array(list(self.known)), np.array(list(self.known.values()))
        return {"trials": {"supports": supports, "errors": errors}}

    def _rows(self):
        """A table for people to read."""
        yield "n_features", "rmse", "columns"
        for support, error in self.known.items():
            yield sum(support), error, " ".join(map(str, np.flatnonzero(support)))


class Search:
    """Which feature to drop next.

    Parameters
    ----------
    trials : Trials
        Trains and judges.
    tol : float or None
        As in `BackwardEliminationSelector`.
    n_features : int
        Number of features.
    """

    def __init__(self, trials, tol, n_features):
        self.trials = trials
        self.tol = tol
        self.without = np.full(n_features, -np.inf)

    def next(self, support, error):
        """The feature that `support` needs least, and the error without it."""
        columns = np.flatnonzero(support)
        columns = columns[np.argsort(self.without[columns], kind="stable")]
        # Features that are not tried come first in the next step.
        self.without[:] = -np.inf
        limit = -np.inf if self.tol is None else (1.0 + self.tol) * error
        # No more at a time than run side by side, else the way out would save nothing.
        step = len(columns) if self.tol is None else effective_n_jobs(self.trials.n_jobs)
        for first in range(0, len(columns), step):
            batch = columns[first : first + step]
            for column, found in zip(batch, self._errors_without(support, batch), strict=True):
                self.without[column] = found
                if found <= limit:
                    return column, found
        best = columns[np.argmin(self.without[columns])]
        return best, self.without[best]

    def _errors_without(self, support, columns):
        return self.trials.errors([support & (np.arange(len(support)) != i) for i in columns])
