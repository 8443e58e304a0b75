"""CUR and farthest point sampling that look at the energies: principal covariates."""

from numbers import Integral, Real

import numpy as np
from scipy.linalg import eigh

from sklearn_agl._sklearn import Interval, StrOptions, _fit_context
from sklearn_agl._validation import validate_energies
from sklearn_agl.selection._base import (
    N_FEATURES_CONSTRAINT,
    ORDER_AND_SCORES_CHECKS,
    AtomicSelector,
    resolve_n_features,
)
from sklearn_agl.selection.filters._compression import ROUNDING
from sklearn_agl.selection.filters._fps import (
    INITIAL_CONSTRAINT,
    OTHERS_ARE_REPEATED,
    choose_farthest,
)
from sklearn_agl.selection.filters._greedy import GramColumns, choose_by_leverage
from sklearn_agl.selection.filters._structure_products import structure_products


class PCovSelector(AtomicSelector):
    """Base of the selectors that mix features and energies: their input."""

    _attribute_checks = AtomicSelector._attribute_checks | ORDER_AND_SCORES_CHECKS

    def _products(self, X, y):
        """Products of the columns, the energies last; their noise; how many features to select."""
        X = self._validate(X, ensure_min_samples=2)
        y = validate_energies(X, y)
        wanted = resolve_n_features(self.n_features_to_select, X.n_features)
        return *structure_products(X, y, self.scaling), wanted

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class PCovCURSelector(PCovSelector):
    r"""Choose features by the CUR decomposition of a covariance that knows the energies.

    Principal covariates regression mixes what the features have in common with what they tell of
    the energies. With the features :math:`X` and the energies per atom :math:`y` of all
    structures, its covariance is

    .. math::

        \tilde C = \beta \, X^T X + (1 - \beta) \, p \, p^T , \qquad
        p = (X^T X)^{-1/2} \, X^T y ,

    with :math:`\beta` the `mixing`. The feature with the largest leverage,
    the sum of its squared components in the k leading eigenvectors of :math:`\tilde C`, is
    chosen, `X` and `y` are made orthogonal to it, and the scores are computed anew.

    Parameters
    ----------
    n_features_to_select : int or float, default=None
        Number or fraction of the features; by default half of them.
    mixing : float, default=0.5
        From 0, where the energies alone count, to 1, where the features alone do.
    k : int, default=1
        Number of eigenvectors in the score.
    recompute_every : int, default=1
        Compute the scores anew after so many choices; 0 keeps the first ones.
    scaling : {"standard", "center"} or None, default="standard"
        "center" subtracts from every feature, and from the energies, what is linear in the
        composition of the structures: with one element, the mean. "standard" also gives all
        features the same variance, in sum 1, and the energies a variance of 1, so that `mixing`
        means the same for all data. None takes both as they are.

    Attributes
    ----------
    support_ : ndarray of bool of shape (n_features,)
        Mask of the selected features.
    selected_order_ : ndarray of int of shape (n_selected,)
        Selected features in the order of choice.
    ranking_ : ndarray of int of shape (n_features,)
        1 for the selected features, 2 for all others.
    scores_ : ndarray of shape (n_selected,)
        Leverage score of each selected feature when it was chosen, in the order of choice.
    n_features_ : int
        Number of selected features.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    See Also
    --------
    CURSelector : Looks at the features only.
    PCovFPSSelector : Chooses by distance.

    Notes
    -----
    Only structures have an energy, so the rows of `X` are structures: the sum of a feature over
    the atoms of a structure, divided by their number. For a potential that is linear in the
    features, this and the composition are all that the energy per atom depends on, and the linear
    regression inside :math:`\tilde C` is that potential. With one atom in each structure, as in a
    table, it is the method of scikit-matter's PCovCUR, with the same choices. What differs between
    the atoms of a structure, but not between structures, is not seen; there must be more structures
    than features for the regression to mean anything.

    The atoms are read once, in chunks; memory is of the order of ``n_features ** 2``, whatever
    their number. Features whose rest is below 1.5e-7 of their norm count as combinations of those
    chosen.

    References
    ----------
    .. [1] R. K. Cersonsky, B. A. Helfrecht, E. A. Engel, S. Kliavinek, M. Ceriotti, Mach. Learn.:
       Sci. Technol. 2, 035038 (2021).

    Examples
    --------
    The last column makes the energy:

    >>> import numpy as np
    >>> from sklearn_agl import PCovCURSelector
    >>> X = np.random.default_rng(0).normal(size=(100, 4))
    >>> PCovCURSelector(n_features_to_select=2).fit(X, X[:, 3]).selected_order_[0]
    np.int64(3)
    """

    _parameter_constraints = {
        "n_features_to_select": N_FEATURES_CONSTRAINT,
        "mixing": [Interval(Real, 0, 1, closed="both")],
        "k": [Interval(Integral, 1, None, closed="left")],
        "recompute_every": [Interval(Integral, 0, None, closed="left")],
        "scaling": [StrOptions({"standard", "center"}), None],
    }

    def __init__(
        self,
        n_features_to_select=None,
        *,
        mixing=0.5,
        k=1,
        recompute_every=1,
        scaling="standard",
    ):
        self.n_features_to_select = n_features_to_select
        self.mixing = mixing
        self.k = k
        self.recompute_every = recompute_every
        self.scaling = scaling

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Choose features.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features.
        y : array-like of shape (n_structures,), default=None
            Total energies; None for those that the structures carry.

        Returns
        -------
        PCovCURSelector
            The fitted selector.

        Raises
        ------
        ValueError
            If more features are requested than there are, or no feature varies.
        """
        gram, noise, wanted = self._products(X, y)
        columns = FeaturesAndEnergies(gram, noise)
        order, scores = choose_by_leverage(columns, wanted, self.k, self.recompute_every, self._mix)
        self._select_by_scores(order, scores, wanted)
        return self

    def _mix(self, columns, free):
        return pcov_covariance(
            columns.gram[np.ix_(free, free)], columns.gram[free, -1], self.mixing
        )


class PCovFPSSelector(PCovSelector):
    r"""Choose features by farthest point sampling with a covariance that knows the energies.

    The distances of `FPSSelector`, made of the covariance of principal covariates regression:

    .. math::

        d_{ij}^2 = \tilde C_{ii} + \tilde C_{jj} - 2 \tilde C_{ij} , \qquad
        \tilde C = \beta \, X^T X + (1 - \beta) \, p \, p^T , \qquad
        p = (X^T X)^{-1/2} \, X^T y ,

    with :math:`\beta` the `mixing`, the features :math:`X` and the energies per atom :math:`y` of
    all structures. The feature farthest from all those chosen so far is the next one.

    Parameters
    ----------
    n_features_to_select : int or float, default=None
        Number or fraction of the features; by default half of them.
    mixing : float, default=0.5
        From 0, where the energies alone count, to 1, where the features alone do.
    initial : int, "random" or array-like of int, default=None
        Index of the first feature, or of the first ones; "random" draws one. By default it is
        the first one that is not constant.
    scaling : {"standard", "center"} or None, default="standard"
        As in `PCovCURSelector`.
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
        choice; infinite for the first.
    n_features_ : int
        Number of selected features.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    See Also
    --------
    FPSSelector : Looks at the features only.
    PCovCURSelector : Also says what the rows of `X` are, and why.

    Notes
    -----
    The rows of `X` are structures, as in `PCovCURSelector`; with one atom in each, scikit-matter's
    PCovFPS makes the same choices. The atoms are read once, in chunks; memory is of the order of
    ``n_features ** 2``, whatever their number.

    References
    ----------
    .. [1] R. K. Cersonsky, B. A. Helfrecht, E. A. Engel, S. Kliavinek, M. Ceriotti, Mach. Learn.:
       Sci. Technol. 2, 035038 (2021).

    Examples
    --------
    The last column makes the energy:

    >>> import numpy as np
    >>> from sklearn_agl import PCovFPSSelector
    >>> X = np.random.default_rng(0).normal(size=(100, 4))
    >>> PCovFPSSelector(n_features_to_select=2).fit(X, X[:, 3]).selected_order_
    array([0, 3])
    """

    _parameter_constraints = {
        "n_features_to_select": N_FEATURES_CONSTRAINT,
        "mixing": [Interval(Real, 0, 1, closed="both")],
        "initial": INITIAL_CONSTRAINT,
        "scaling": [StrOptions({"standard", "center"}), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_features_to_select=None,
        *,
        mixing=0.5,
        initial=None,
        scaling="standard",
        random_state=None,
    ):
        self.n_features_to_select = n_features_to_select
        self.mixing = mixing
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
        y : array-like of shape (n_structures,), default=None
            Total energies; None for those that the structures carry.

        Returns
        -------
        PCovFPSSelector
            The fitted selector.

        Raises
        ------
        ValueError
            If more features are requested than there are, no feature varies, or `initial` has
            an index that is not that of a feature that does.
        """
        gram, noise, wanted = self._products(X, y)
        covariance = pcov_covariance(gram[:-1, :-1], gram[:-1, -1], self.mixing)
        chosen = choose_farthest(covariance, noise[:-1], wanted, self.initial, self.random_state)
        self._select_by_scores(*chosen, wanted, OTHERS_ARE_REPEATED)
        return self


class FeaturesAndEnergies(GramColumns):
    """Columns of which the last one, the energies, is never chosen."""

    @property
    def free(self):
        """Features that are not combinations of those taken: ndarray of bool (n_columns,)."""
        free = super().free
        free[-1] = False
        return free


def pcov_covariance(gram, cross, mixing):
    """Covariance of principal covariates regression.

    Parameters
    ----------
    gram : ndarray of shape (n_features, n_features)
        Products of the features with each other.
    cross : ndarray of shape (n_features,)
        Products of the features with the energies.
    mixing : float
        Weight of `gram`, between 0 and 1.

    Returns
    -------
    ndarray of shape (n_features, n_features)
        The mixture.
    """
    if mixing == 1.0:
        return gram
    values, vectors = eigh(gram, driver="evd")
    kept = values > ROUNDING * np.finfo(float).eps * values[-1]
    values, vectors = values[kept], vectors[:, kept]
    explained = vectors @ (vectors.T @ cross / np.sqrt(values))
    explained[np.diag(gram) == 0.0] = 0.0  # where rounding would leave a trace
    return mixing * gram + (1.0 - mixing) * np.outer(explained, explained)
