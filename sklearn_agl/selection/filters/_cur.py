"""CUR: features of high leverage, each orthogonalised away before the next."""

from numbers import Integral

import numpy as np

from sklearn_agl._sklearn import Interval, StrOptions, _fit_context
from sklearn_agl.selection._base import (
    N_FEATURES_CONSTRAINT,
    ORDER_AND_SCORES_CHECKS,
    AtomicSelector,
    resolve_n_features,
)
from sklearn_agl.selection.filters._compression import compress
from sklearn_agl.selection.filters._greedy import RootColumns, choose_by_leverage


class CURSelector(AtomicSelector):
    r"""Choose features by the CUR decomposition, without looking at the energies.

    With the eigenvectors :math:`v^{(1)}, v^{(2)}, \dots` of the Gram matrix
    :math:`G = X^T X` of the features over all atoms, in order of falling eigenvalue, each
    feature has the leverage score

    .. math::

        \pi_i = \sum_{j=1}^{k} \bigl( v^{(j)}_i \bigr)^2 .

    The feature of highest score is chosen, all columns are made orthogonal to it,
    :math:`G \leftarrow G - G_{\cdot i} G_{i \cdot} / G_{ii}`, and the scores are computed anew.

    Parameters
    ----------
    n_features_to_select : int or float, default=None
        Number or fraction of the features; by default half of them.
    k : int, default=1
        Number of eigenvectors in the score.
    recompute_every : int, default=1
        Compute the scores anew after so many choices; 0 keeps the first ones.
    scaling : {"standard", "center"} or None, default="standard"
        "standard" shifts every column to mean 0 and divides it by its standard deviation,
        without which functions of large values win whatever they tell; "center" only shifts;
        None takes the columns as they are.

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
    PCovCURSelector : Looks at the energies as well.
    FPSSelector : Chooses the features that are farthest from each other.
    PearsonSelector : Chooses the least correlated features.

    Notes
    -----
    The atoms are read once, in chunks, and condensed to a triangular root of the Gram matrix:
    memory is of the order of ``n_features ** 2``, whatever their number. The atoms of all
    structures are the rows of `X`; scikit-matter's CUR makes the same choices on that matrix. An
    atom has 0 in the columns of other elements, so that the features of different elements are
    orthogonal and compete only by their scores.

    References
    ----------
    .. [1] M. W. Mahoney, P. Drineas, Proc. Natl. Acad. Sci. 106, 697 (2009).
    .. [2] G. Imbalzano et al., J. Chem. Phys. 148, 241730 (2018).

    Examples
    --------
    The third column repeats the first, so it is never chosen beside it:

    >>> import numpy as np
    >>> from sklearn_agl.selection import CURSelector
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.normal(size=(2, 100))
    >>> X = np.column_stack([a, b, 2 * a])
    >>> selector = CURSelector(n_features_to_select=2).fit(X)
    >>> selector.get_support()
    array([ True,  True, False])
    >>> selector.selected_order_
    array([0, 1])
    """

    _parameter_constraints = {
        "n_features_to_select": N_FEATURES_CONSTRAINT,
        "k": [Interval(Integral, 1, None, closed="left")],
        "recompute_every": [Interval(Integral, 0, None, closed="left")],
        "scaling": [StrOptions({"standard", "center"}), None],
    }

    _attribute_checks = AtomicSelector._attribute_checks | ORDER_AND_SCORES_CHECKS

    def __init__(self, n_features_to_select=None, *, k=1, recompute_every=1, scaling="standard"):
        self.n_features_to_select = n_features_to_select
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
        y : Ignored
            Taken for the sake of pipelines.

        Returns
        -------
        CURSelector
            The fitted selector.

        Raises
        ------
        ValueError
            If more features are requested than there are, or no feature varies.
        """
        X = self._validate(X, ensure_min_samples=2)
        wanted = resolve_n_features(self.n_features_to_select, X.n_features)
        columns = RootColumns(*compress(X, self.scaling))
        order, scores = choose_by_leverage(columns, wanted, self.k, self.recompute_every, _products)
        self._select_by_scores(order, scores, wanted)
        return self


def _products(columns, free):
    """The Gram matrix of the free columns."""
    return columns.gram[np.ix_(free, free)]
