"""Farthest point sampling: features far from all those chosen before."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from sklearn_agl._sklearn import Interval, StrOptions, _fit_context
from sklearn_agl.selection._base import (
    N_FEATURES_CONSTRAINT,
    ORDER_AND_SCORES_CHECKS,
    AtomicSelector,
    resolve_n_features,
)
from sklearn_agl.selection.filters._compression import ROUNDING, gram_matrix
from sklearn_agl.selection.filters._greedy import check_first, first_largest

INITIAL_CONSTRAINT = [
    Interval(Integral, 0, None, closed="left"),
    StrOptions({"random"}),
    "array-like",
    None,
]
"""What `initial` may be."""

OTHERS_ARE_REPEATED = "every other feature is constant or equals one of those chosen"
"""Why farthest point sampling finds no more features."""


class FPSSelector(AtomicSelector):
    r"""Choose features by farthest point sampling, without looking at the energies.

    Each feature is a point whose coordinates are its values for all atoms, so that the squared
    distance of two features follows from the Gram matrix :math:`G = X^T X`:

    .. math::

        d_{ij}^2 = G_{ii} + G_{jj} - 2 G_{ij} .

    With the set C of features chosen so far, the next one is

    .. math::

        \arg\max_{i \notin C} \min_{j \in C} d_{ij} .

    Parameters
    ----------
    n_features_to_select : int or float, default=None
        Number or fraction of the features; by default half of them.
    initial : int, "random" or array-like of int, default=None
        Index of the first feature, or of the first ones; "random" draws one. By default it is
        the first one that is not constant.
    scaling : {"standard", "center"} or None, default="standard"
        "standard" shifts every column to mean 0 and divides it by its standard deviation,
        without which functions of large values win whatever they tell; "center" only shifts;
        None takes the columns as they are.
    random_state : int, RandomState or None, default=None
        Draws the first feature if `initial` is "random".

    Attributes
    ----------
    support_ : ndarray of bool of shape (n_features,)
        Mask of the selected features.
    selected_order_ : ndarray of int of shape (n_selected,)
        Selected features in the order of choice.
    ranking_ : ndarray of int of shape (n_features,)
        1 for the selected features, 2 for all others.
    scores_ : ndarray of shape (n_selected,)
        Distance of each selected feature from the nearest one chosen before it, in the order of
        choice; infinite for the first. The unit is that of the scaled columns' norm, which with
        "standard" is 1.
    n_features_ : int
        Number of selected features.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    See Also
    --------
    PCovFPSSelector : Looks at the energies as well.
    CURSelector : Looks at linear combinations of several features as well.

    Notes
    -----
    The atoms are read once, in chunks; memory is of the order of ``n_features ** 2``, whatever
    their number. The atoms of all structures are the rows of `X`; scikit-matter's FPS makes the
    same choices on that matrix. An atom has 0 in the columns of other elements, so that with
    "standard" scaling features of different elements are all equally far from each other.

    A feature and the same one with the opposite sign are as far apart as possible. Equal distances
    are told apart by the index, the lower first.

    References
    ----------
    .. [1] G. Imbalzano et al., J. Chem. Phys. 148, 241730 (2018).

    Examples
    --------
    The third column is almost the first:

    >>> import numpy as np
    >>> from sklearn_agl import FPSSelector
    >>> rng = np.random.default_rng(0)
    >>> a, b, c = rng.normal(size=(3, 100))
    >>> X = np.column_stack([a, b, a + 0.1 * c])
    >>> FPSSelector(n_features_to_select=2).fit(X).selected_order_
    array([0, 1])
    """

    _parameter_constraints = {
        "n_features_to_select": N_FEATURES_CONSTRAINT,
        "initial": INITIAL_CONSTRAINT,
        "scaling": [StrOptions({"standard", "center"}), None],
        "random_state": ["random_state"],
    }

    _attribute_checks = AtomicSelector._attribute_checks | ORDER_AND_SCORES_CHECKS

    def __init__(
        self, n_features_to_select=None, *, initial=None, scaling="standard", random_state=None
    ):
        self.n_features_to_select = n_features_to_select
        self.initial = initial
        self.scaling = scaling
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
        FPSSelector
            The fitted selector.

        Raises
        ------
        ValueError
            If more features are requested than there are, no feature varies, or `initial` has
            an index that is not that of a feature that does.
        """
        X = self._validate(X, ensure_min_samples=2)
        wanted = resolve_n_features(self.n_features_to_select, X.n_features)
        gram, noise = gram_matrix(X, self.scaling)
        chosen = choose_farthest(gram, noise, wanted, self.initial, self.random_state)
        self._select_by_scores(*chosen, wanted, OTHERS_ARE_REPEATED)
        return self


def first_features(initial, varies, random_state):
    """The features that come before any that is chosen by distance.

    Parameters
    ----------
    initial : int, "random", array-like of int or None
        As the user has given it.
    varies : ndarray of bool of shape (n_features,)
        Features that can be chosen.
    random_state : int, RandomState or None
        Draws.

    Returns
    -------
    list of int
        Their indices; none if no feature varies.

    Raises
    ------
    ValueError
        If one does not exist, is constant, or comes twice.
    """
    candidates = np.flatnonzero(varies)
    if initial is None or not len(candidates):
        return candidates[:1].tolist()
    if isinstance(initial, str):
        return [int(candidates[check_random_state(random_state).randint(len(candidates))])]
    indices = np.atleast_1d(initial)
    if indices.ndim != 1 or not indices.size or indices.dtype.kind not in "iu":
        raise ValueError(f"initial={initial!r}; give one index, a list of them, or 'random'.")
    for index in indices:
        check_first(index, varies)
    if len(set(indices.tolist())) < len(indices):
        raise ValueError(f"initial={initial!r} has an index twice.")
    return indices.tolist()


def choose_farthest(gram, noise, wanted, initial=None, random_state=None):
    """Greedy choice of points by their distance from those chosen before.

    Parameters
    ----------
    gram : ndarray of shape (n_features, n_features)
        Products of the points.
    noise : ndarray of shape (n_features,)
        Norm below which a point is 0, and of what differs between points that are equal.
    wanted : int
        Number of points to choose, if there are so many different ones.
    initial, random_state
        The first ones, see `first_features`.

    Returns
    -------
    order : list of int
        Chosen points.
    distances : list of float
        Distance of each from the nearest before it; infinite for the first.

    Raises
    ------
    ValueError
        If `initial` has an index that cannot be chosen.
    """
    squares = np.diag(gram)
    # Points that are 0 have no place in the choice.
    varies = np.sqrt(np.maximum(squares, 0.0)) > noise
    start = first_features(initial, varies, random_state)
    apart = _square_distances(gram, noise)
    nearest = np.where(varies, np.inf, 0.0)
    order, distances = [], []
    while len(order) < wanted and nearest.max(initial=0.0) > 0.0:
        chosen = start[len(order)] if len(order) < len(start) else first_largest(nearest)
        order.append(int(chosen))
        distances.append(float(np.sqrt(nearest[chosen])))
        np.minimum(nearest, apart[chosen], out=nearest)
    return order, distances


def _square_distances(gram, noise):
    """Squares of the distances between points; 0 where they do not differ by more than noise."""
    squares = np.diag(gram)
    apart = -2.0 * gram
    apart += squares
    apart += squares[:, None]
    rounding = ROUNDING * np.finfo(float).eps
    # No pair has a higher bound than this, so that only few are looked at one by one.
    highest = 4.0 * noise.max() ** 2 + 2.0 * rounding * squares.max()
    i, j = np.nonzero(apart <= highest)
    equal = (noise[i] + noise[j]) ** 2 + rounding * (squares[i] + squares[j])
    apart[i, j] = np.where(apart[i, j] > equal, apart[i, j], 0.0)
    return apart
