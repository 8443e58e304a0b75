"""What all selectors share: dropping columns, putting them back, and how many to select."""

import inspect
import warnings
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_agl import _attribute_checks as check
from sklearn_agl._labels import AUTO
from sklearn_agl._sklearn import Interval, RealNotInt
from sklearn_agl._validation import explain_tables, leave_out_negligible, validate_features
from sklearn_agl._warnings import depth_of_caller
from sklearn_agl.features import AtomicFeatures, as_atomic_features, is_atomic
from sklearn_agl.selection.runs._checkpoint import open_checkpoint

N_FEATURES_CONSTRAINT = [
    None,
    Interval(RealNotInt, 0, 1, closed="right"),
    Interval(Integral, 0, None, closed="neither"),
]
"""What `n_features_to_select` may be, as in scikit-learn's RFE."""


def validated_network(estimator, random_state):
    """A selection's own copy of the networks' settings, checked.

    Parameters
    ----------
    estimator : HDNNPRegressor or None
        The settings; None for the defaults.
    random_state : int, RandomState or None
        Takes the place of the estimator's, unless it is None.

    Returns
    -------
    HDNNPRegressor
    """
    # With compiled code, which the filters do without.
    from sklearn_agl.potentials import HDNNPRegressor

    network = HDNNPRegressor() if estimator is None else clone(estimator)
    network._validate_params()
    return network if random_state is None else network.set_params(random_state=random_state)


def resolve_n_features(n_features_to_select, n_features):
    """Turn the parameter of a selector into a number of features.

    Parameters
    ----------
    n_features_to_select : int, float or None
        A number, a fraction of the features, or None for half of them.
    n_features : int
        Number of features there are.

    Returns
    -------
    int
        Number of features to select, at least 1.

    Raises
    ------
    ValueError
        If more features are requested than there are.
    """
    if n_features_to_select is None:
        return max(1, n_features // 2)
    if not isinstance(n_features_to_select, Integral):
        return max(1, int(n_features_to_select * n_features))
    if n_features_to_select > n_features:
        raise ValueError(
            f"n_features_to_select={n_features_to_select}, but X has only {n_features} features."
        )
    return int(n_features_to_select)


def rank_from_best(order, n_selected, n_features):
    """The `ranking_` that follows from an order of the features.

    Parameters
    ----------
    order : ndarray of int
        Indices, the best one first; not necessarily all.
    n_selected : int
        How many of them are selected.
    n_features : int
        Number of features there are.

    Returns
    -------
    ndarray of int of shape (n_features,)
        1 for the selected features, then 2, 3, ...; those that `order` leaves out come last, with
        one rank for all.
    """
    ranking = np.full(n_features, max(len(order) - n_selected, 0) + 2)
    ranking[order] = np.maximum(np.arange(1, len(order) + 1) - n_selected + 1, 1)
    return ranking


ORDER_CHECK = {"selected_order_": check.indices("k", "n")}
"""Of selectors that choose one feature after the other."""
ORDER_AND_SCORES_CHECKS = {**ORDER_CHECK, "scores_": check.numbers("k")}
"""Of those that also give each choice a score."""

NOT_IDENTIFYING = {"estimator", "cv", "rule", "n_jobs", "checkpoint", "verbose", "random_state"}
"""Parameters that do not change what a run finds, or that a checkpoint knows otherwise."""


class EmptySupportError(ValueError):
    """A selector has left no feature."""


OTHERS_ADD_NOTHING = "every other feature is constant or repeats those chosen"
"""Why a filter finds no more features."""


def warn_of_early_end(selector, reached, wanted, reason):
    """Warn that there are not as many features to select as were requested.

    Parameters
    ----------
    selector : AtomicSelector
        Who warns.
    reached, wanted : int
        Number of features found and requested.
    reason : str
        Why there are no more.
    """
    warnings.warn(
        f"{type(selector).__name__} ended with {reached} of the {wanted} features requested: "
        f"{reason}. Ask for fewer features.",
        UserWarning,
        stacklevel=depth_of_caller(),
    )


def warn_of_unused(owner, given, reason):
    """Warn of parameters that have been set but can have no effect, as in a search over them.

    Parameters
    ----------
    owner : str
        Name of the selector or function.
    given : dict of str to tuple
        Values and defaults of the parameters; one that has its default is not mentioned.
    reason : str
        What keeps them from having an effect, and what to change.
    """
    for name, (value, default) in given.items():
        if value is not default and value != default:
            warnings.warn(
                f"{name}={value!r} of {owner} has no effect: {reason}.",
                UserWarning,
                stacklevel=depth_of_caller(),
            )


# transform and fit_transform stay unwrapped here, because set_output cannot put atoms into a
# DataFrame; SelectorMixin's own transform, which takes the 2-D tables, is wrapped.
class AtomicSelector(SelectorMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Base of the selectors: `fit` finds columns, everything else is here.

    A subclass calls `_validate` on the features it gets in `fit` and ends with `_select`,
    `_select_in_order` or `_select_by_scores`. What is called `ranking_` has the same meaning in all
    of them, that of scikit-learn's RFE: 1 for the features that are selected, larger for others,
    the largest for those that would be taken last.
    """

    _attribute_checks = {
        "n_features_in_": check.count("n"),
        "feature_names_in_": check.names("n"),
        "_symmetry_functions": check.optional(check.functions("n")),
        "_columns_of": check.columns_by_element("n", "elements"),
        "support_": check.mask("n", "k"),
        "n_features_": check.integer(0),
        "ranking_": check.array("i", "n", low=1),
    }
    """What has to be true of the learned attributes in a file; subclasses add their own."""
    _not_saved = ("_warm_start", "_interrupted")
    """What matters right after `fit` only."""
    _warm_start = None
    """What a selector that trains a potential on the selected columns hands on to a fit of them."""

    def _validate(self, X, **check_params):
        """Check the features given to `fit` and note what `inverse_transform` has to know."""
        X = validate_features(self, X, reset=True, **check_params)
        self._symmetry_functions = X.symmetry_functions
        self._columns_of = {element: X.columns_of(element) for element in X.elements}
        return leave_out_negligible(X)

    def _validate_for_training(self, X, y, forces=AUTO, sample_weight=None, groups=None):
        """The networks' settings and the TrainingSet, all checked.

        The settings are those of `estimator`, but for a `random_state` of our own.
        """
        # With compiled code, which the filters do without.
        from sklearn_agl.potentials.data._training_set import TrainingSet

        regressor = validated_network(self.estimator, self.random_state)
        validate_features(regressor, X, reset=True)
        X = self._validate(X, ensure_min_samples=2)
        data = TrainingSet.from_user(regressor, X, y, forces, sample_weight, groups)
        self.trained_on_ = data.describe()
        if getattr(self, "verbose", False):
            print(f"{type(self).__name__} trains on {data}")
        return regressor, data

    def _warn_of_unused(self, names, reason):
        """Warn of parameters of this selector that have been set but can have no effect."""
        defaults = inspect.signature(type(self)).parameters
        given = {name: (getattr(self, name), defaults[name].default) for name in names}
        warn_of_unused(type(self).__name__, given, reason)

    def _open_checkpoint(self, random_state, data, estimator=None, **more):
        """The folder of the parameter `checkpoint`; `more` tells runs apart as well."""
        settings = self._run_settings() | more
        return open_checkpoint(self.checkpoint, settings, random_state, data, estimator)

    def _run_settings(self):
        """The parameters by which a checkpoint tells this run from others."""
        params = self.get_params(deep=False).items()
        settings = {name: value for name, value in params if name not in NOT_IDENTIFYING}
        return settings | {"run": type(self).__name__}

    def _select(self, support):
        """Keep the features of a mask of shape (n_features,)."""
        self.support_ = np.asarray(support, dtype=bool)
        self.n_features_ = int(self.support_.sum())
        self._refuse_empty_support()

    def _select_ranked(self, ranking):
        """Keep the features of rank 1."""
        self.ranking_ = ranking
        self._select(ranking == 1)

    def _select_in_order(self, order, n_selected=None):
        """Keep the first ones, by default all, of a list of indices, the best one first.

        Features that are not in the list share the last rank.
        """
        order = np.asarray(order, dtype=np.intp)
        n_selected = len(order) if n_selected is None else n_selected
        self.selected_order_ = order[:n_selected]
        self._select_ranked(rank_from_best(order, n_selected, self.n_features_in_))

    def _select_by_scores(self, order, scores, n_wanted, reason=OTHERS_ADD_NOTHING):
        """Keep the features that a filter has chosen one by one, with the score of each choice.

        If there are fewer than were wanted, a warning gives the reason.
        """
        if len(order) < n_wanted:
            warn_of_early_end(self, len(order), n_wanted, reason)
        self._select_in_order(order)
        self.scores_ = np.array(scores)

    def _refuse_empty_support(self):
        if not self.support_.any():
            raise EmptySupportError(
                f"{type(self).__name__} selected none of {self.n_features_in_} features. "
                f"{self._empty_support_advice()}"
            )

    def _empty_support_advice(self):
        """One sentence on how to select at least one feature; selectors know better."""
        return "Check that the features vary over the training data."

    def _note_interruption(self, run):
        """Note whether Ctrl-C has ended a run; returns the run."""
        self._interrupted = not run.complete
        return run

    def _keep_warm_start(self, training, data, seed):
        """Keep what a training has come to for a fit of the selected columns; None is nothing."""
        from sklearn_agl.potentials.training._warm_start import WarmStart  # with torch

        self._warm_start = None
        if training is not None:
            self._warm_start = WarmStart.at(training, data, self.support_, seed)

    def _get_support_mask(self):
        check_is_fitted(self)
        return self.support_

    def fit_transform(self, X, y=None, **fit_params):
        """Fit, then keep the selected columns.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features.
        y : array-like of shape (n_structures,), default=None
            Targets, for the selectors that use them.
        **fit_params
            Handed on to `fit`.

        Returns
        -------
        AtomicFeatures, ndarray or DataFrame
            The selected columns of `X`.
        """
        return self.fit(X, y, **fit_params).transform(X)

    def transform(self, X):
        """Keep the selected columns.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features with the columns seen in fit.

        Returns
        -------
        AtomicFeatures, ndarray or DataFrame
            The selected columns: AtomicFeatures from AtomicFeatures, else an array with as many
            dimensions as `X`, or for a table what `set_output` asks for. AtomicFeatures carry the
            weights of a selector that trains a potential, where `HDNNPRegressor` may start.

        Raises
        ------
        ValueError
            If the columns are not those of `fit`, or none was selected.
        """
        check_is_fitted(self)
        self._refuse_empty_support()
        if not is_atomic(X):
            with explain_tables(X):
                return super().transform(X)
        kept = validate_features(self, X, reset=False).take_features(self.support_)
        if not isinstance(X, AtomicFeatures):
            return np.array(kept)
        return kept.with_warm_start(self._warm_start)

    def inverse_transform(self, X):
        """Put the dropped columns back.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_selected)
            Features that `transform` gave.

        Returns
        -------
        AtomicFeatures or ndarray
            `X` with the dropped columns at their old places: 0 for every atom that had a value
            in `fit`, NaN for padding and for functions of other elements.

        Raises
        ------
        ValueError
            If `X` has another number of columns than were selected, or others.
        """
        check_is_fitted(self)
        if not is_atomic(X):
            with explain_tables(X):
                if getattr(X, "ndim", 0) == 2:
                    self._check_selected_columns(X.shape[1])
                return super().inverse_transform(X)
        features = as_atomic_features(X)
        self._check_selected_columns(features.n_features, features.feature_names)
        restored = self._put_columns_back(features)
        return restored if isinstance(X, AtomicFeatures) else np.array(restored)

    def _check_selected_columns(self, n_features, names=None):
        """Refuse columns that are not those of `transform`."""
        kind = type(self).__name__
        if n_features != self.n_features_:
            raise ValueError(
                f"X has {n_features} features, but {kind} selected {self.n_features_}."
            )
        known = getattr(self, "feature_names_in_", None)
        if names is None or known is None or np.array_equal(names, known[self.support_]):
            return
        place = int(np.argmax(names != known[self.support_]))
        raise ValueError(
            f"Column {place} is {names[place]}, but {kind} selected "
            f"{known[self.support_][place]} there. Give what transform gave."
        )

    def _put_columns_back(self, X):
        rows = np.full((len(X.atom_numbers), self.n_features_in_), np.nan, dtype=X.dtype)
        for element in X.elements:
            columns = self._columns_of.get(element, slice(None))
            row = np.full(self.n_features_in_, np.nan)
            row[columns] = 0.0
            rows[X.atom_numbers == element] = row
        rows[:, self.support_] = X.atom_values
        return X.with_rows(rows, self._symmetry_functions)
