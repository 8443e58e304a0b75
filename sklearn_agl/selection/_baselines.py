"""Selectors that look at no value: what any other one has to beat."""

import numpy as np
from sklearn.utils import check_random_state

from sklearn_agl._sklearn import _fit_context
from sklearn_agl.selection._base import (
    N_FEATURES_CONSTRAINT,
    ORDER_CHECK,
    AtomicSelector,
    resolve_n_features,
    warn_of_early_end,
)


class RandomSelector(AtomicSelector):
    """Choose features at random.

    Each element gets a part of them in proportion to its number of columns.

    Parameters
    ----------
    n_features_to_select : int or float, default=None
        Number or fraction of the features; by default half of them.
    random_state : int, RandomState or None, default=None
        Draws the features.

    Attributes
    ----------
    support_ : ndarray of bool of shape (n_features,)
        Mask of the selected features.
    selected_order_ : ndarray of int of shape (n_selected,)
        Selected features in the order they were drawn.
    ranking_ : ndarray of int of shape (n_features,)
        1 for the selected features, 2 for all others.
    n_features_ : int
        Number of selected features.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    See Also
    --------
    EvenlySpacedSelector : Keeps to the order of the columns.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_agl import RandomSelector
    >>> RandomSelector(2, random_state=0).fit(np.ones((3, 6))).n_features_
    2
    """

    _parameter_constraints = {
        "n_features_to_select": N_FEATURES_CONSTRAINT,
        "random_state": ["random_state"],
    }

    _attribute_checks = AtomicSelector._attribute_checks | ORDER_CHECK

    def __init__(self, n_features_to_select=None, *, random_state=None):
        self.n_features_to_select = n_features_to_select
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Choose features.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features.
        y : Ignored
            Taken for the sake of pipelines.

        Returns
        -------
        RandomSelector
            The fitted selector.

        Raises
        ------
        ValueError
            If more features are requested than there are.
        """
        rng = check_random_state(self.random_state)
        parts = [rng.permutation(columns)[:n] for columns, n in _columns_and_numbers(self, X)]
        self._select_in_order(rng.permutation(np.concatenate(parts)))
        return self


class EvenlySpacedSelector(AtomicSelector):
    """Choose features at even distances in the order of their columns.

    Symmetry functions come in the order of their parameters, as a rule, so that this is a coarser
    grid of them. Each element gets a part in proportion to its number of columns.

    Parameters
    ----------
    n_features_to_select : int or float, default=None
        Number or fraction of the features; by default half of them.

    Attributes
    ----------
    support_ : ndarray of bool of shape (n_features,)
        Mask of the selected features.
    selected_order_ : ndarray of int of shape (n_selected,)
        Selected features, ascending.
    ranking_ : ndarray of int of shape (n_features,)
        1 for the selected features, 2 for all others.
    n_features_ : int
        Number of selected features.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    See Also
    --------
    RandomSelector : Chooses at random.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_agl import EvenlySpacedSelector
    >>> EvenlySpacedSelector(3).fit(np.ones((3, 9))).selected_order_
    array([1, 4, 7])
    """

    _parameter_constraints = {"n_features_to_select": N_FEATURES_CONSTRAINT}

    _attribute_checks = AtomicSelector._attribute_checks | ORDER_CHECK

    def __init__(self, n_features_to_select=None):
        self.n_features_to_select = n_features_to_select

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Choose features.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features.
        y : Ignored
            Taken for the sake of pipelines.

        Returns
        -------
        EvenlySpacedSelector
            The fitted selector.

        Raises
        ------
        ValueError
            If more features are requested than there are.
        """
        # The middles of as many equal parts as there are features to choose.
        parts = [
            columns[(2 * np.arange(n) + 1) * len(columns) // (2 * n)] if n else columns[:0]
            for columns, n in _columns_and_numbers(self, X)
        ]
        self._select_in_order(np.sort(np.concatenate(parts)))
        return self


def _columns_and_numbers(selector, X):
    """Columns of each element, and how many of them to choose."""
    X = selector._validate(X)
    groups = column_groups(X)
    sizes = np.array([len(columns) for columns in groups])
    wanted = resolve_n_features(selector.n_features_to_select, X.n_features)
    if sizes.sum() < wanted:
        warn_of_early_end(selector, sizes.sum(), wanted, "no atom has a value in the other columns")
    return list(zip(groups, apportion(min(wanted, sizes.sum()), sizes), strict=True))


def column_groups(X):
    """Columns of each element; those that several elements share are a group of their own.

    Parameters
    ----------
    X : AtomicFeatures
        Features.

    Returns
    -------
    list of ndarray of int
        Column indices, ascending; columns that no atom has are in none.
    """
    has = np.zeros((X.n_features, len(X.elements)), dtype=bool)
    for i, element in enumerate(X.elements):
        has[X.columns_of(element), i] = True
    kinds = np.unique(has[has.any(axis=1)], axis=0)
    return [np.flatnonzero((has == kind).all(axis=1)) for kind in kinds]


def apportion(n, sizes):
    """Divide a number in proportion to sizes, by the largest remainders.

    Parameters
    ----------
    n : int
        At most the sum of the sizes.
    sizes : ndarray of int of shape (n_groups,)
        Sizes.

    Returns
    -------
    ndarray of int of shape (n_groups,)
        Parts that sum to `n`, none larger than its group.
    """
    whole, rest = np.divmod(n * sizes, sizes.sum())
    whole[np.argsort(-rest, kind="stable")[: n - whole.sum()]] += 1
    return whole
