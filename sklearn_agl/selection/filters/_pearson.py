"""Features of least correlation with those chosen before."""

from numbers import Integral

import numpy as np

from sklearn_agl._sklearn import Interval, _fit_context
from sklearn_agl.selection._base import (
    N_FEATURES_CONSTRAINT,
    ORDER_AND_SCORES_CHECKS,
    AtomicSelector,
    resolve_n_features,
)
from sklearn_agl.selection.filters._compression import gram_matrix
from sklearn_agl.selection.filters._greedy import check_first

TIE = 1e-10
"""Difference below which two correlations are equal; also, of 1, what a repeated column has."""


class PearsonSelector(AtomicSelector):
    r"""Choose features that are correlated as little as possible with each other.

    With the Pearson correlations :math:`r_{ij}` of the features over all atoms and the set C of
    features chosen so far, the next one is

    .. math::

        \arg\min_{i \notin C} \max_{j \in C} | r_{ij} | .

    Parameters
    ----------
    n_features_to_select : int or float, default=None
        Number or fraction of the features; by default half of them.
    initial : int, default=None
        Index of the first feature. By default it is the most typical one, with the largest mean
        absolute correlation with all features.

    Attributes
    ----------
    support_ : ndarray of bool of shape (n_features,)
        Mask of the selected features.
    selected_order_ : ndarray of int of shape (n_selected,)
        Selected features in the order of choice.
    ranking_ : ndarray of int of shape (n_features,)
        1 for the selected features, 2 for all others.
    scores_ : ndarray of shape (n_selected,)
        Largest absolute correlation of each selected feature with those chosen before it, in the
        order of choice; 0 for the first.
    n_features_ : int
        Number of selected features.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    See Also
    --------
    CURSelector : Looks at linear combinations of several features as well.

    Notes
    -----
    Equal features are told apart by their mean absolute correlation with all features, the larger
    first, then by their index, the lower first. The atoms are read once, in chunks; memory is of
    the order of ``n_features ** 2``, whatever their number. Features of different elements have
    no atom in common and count as uncorrelated, so every element gets its first feature before
    any gets its second.

    References
    ----------
    .. [1] G. Imbalzano et al., J. Chem. Phys. 148, 241730 (2018).

    Examples
    --------
    The third column is almost the first:

    >>> import numpy as np
    >>> from sklearn_agl.selection import PearsonSelector
    >>> rng = np.random.default_rng(0)
    >>> a, b, c = rng.normal(size=(3, 100))
    >>> X = np.column_stack([a, b, a + 0.1 * c])
    >>> PearsonSelector(n_features_to_select=2, initial=0).fit(X).selected_order_
    array([0, 1])
    """

    _parameter_constraints = {
        "n_features_to_select": N_FEATURES_CONSTRAINT,
        "initial": [Interval(Integral, 0, None, closed="left"), None],
    }

    _attribute_checks = AtomicSelector._attribute_checks | ORDER_AND_SCORES_CHECKS

    def __init__(self, n_features_to_select=None, *, initial=None):
        self.n_features_to_select = n_features_to_select
        self.initial = initial

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
        PearsonSelector
            The fitted selector.

        Raises
        ------
        ValueError
            If more features are requested than there are, no feature varies, or `initial` is
            not the index of a feature that does.
        """
        X = self._validate(X, ensure_min_samples=2)
        wanted = resolve_n_features(self.n_features_to_select, X.n_features)
        correlation = np.abs(gram_matrix(X, "standard")[0])
        if self.initial is not None:
            check_first(self.initial, np.diag(correlation) > 0)
        order, scores = choose_least_correlated(correlation, wanted, self.initial)
        self._select_by_scores(order, scores, wanted)
        return self


def choose_least_correlated(correlation, wanted, initial=None):
    """Greedy choice on a matrix of absolute correlations.

    Parameters
    ----------
    correlation : ndarray of shape (n_features, n_features)
        Absolute correlations; the diagonal is 0 for features that must not be chosen.
    wanted : int
        Number of features to choose, if there are so many.
    initial : int, default=None
        The first feature.

    Returns
    -------
    order : list of int
        Chosen features.
    scores : list of float
        Largest absolute correlation of each with those before it.
    """
    typical = correlation.mean(axis=1)
    largest = np.where(np.diag(correlation) > 0, 0.0, np.inf)
    order, scores = [], []
    while len(order) < wanted and largest.min() < 1 - TIE:
        tied = np.flatnonzero(largest <= largest.min() + TIE)
        chosen = int(tied[np.argmax(typical[tied] >= typical[tied].max() - TIE)])
        if not order and initial is not None:
            chosen = int(initial)
        order.append(chosen)
        scores.append(float(largest[chosen]))
        largest = np.maximum(largest, correlation[chosen])
    return order, scores
