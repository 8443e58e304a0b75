"""CUR: features of high leverage, each orthogonalised away before the next."""

from numbers import Integral

import numpy as np
from scipy.linalg import eigh
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_agl._threads import one_blas_thread
from sklearn_agl.selection._base import (
    N_FEATURES_CONSTRAINT,
    AtomicSelector,
    resolve_n_features,
    warn_of_early_end,
)
from sklearn_agl.selection._compression import compress

TIE = 1e-10
"""Relative difference below which two scores are equal, and the lower index wins."""


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
        1 for the feature chosen first, then 2, ...; all others share the rank that follows.
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
        matrix, noise = compress(X, self.scaling)
        # Many small decompositions: threads would wait for each other most of the time.
        with one_blas_thread():
            order, scores = self._choose(matrix, noise, wanted)
        if len(order) < wanted:
            warn_of_early_end(self, len(order), wanted)
        self._select_in_order(order)
        self.scores_ = np.array(scores)
        return self

    def _choose(self, matrix, noise, wanted):
        """Greedy choice of columns: indices in order and their scores."""
        leverage = leverage_scores(matrix, self.k)
        order, scores = [], []
        while len(order) < wanted:
            free = np.linalg.norm(matrix, axis=0) > noise
            if not free.any():
                break
            chosen = first_largest(np.where(free, leverage, -np.inf))
            order.append(chosen)
            scores.append(leverage[chosen])
            matrix = orthogonalise(matrix, chosen)
            if self.recompute_every and len(order) % self.recompute_every == 0:
                leverage = leverage_scores(matrix, self.k)
        return order, scores


def leverage_scores(matrix, k):
    """Sum of the squared components of the k leading right singular vectors, for every column.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_features)
        Columns.
    k : int
        Number of singular vectors; all of them if there are fewer.

    Returns
    -------
    ndarray of shape (n_features,)
        Scores between 0 and 1.
    """
    n = matrix.shape[1]
    values, vectors = eigh(matrix.T @ matrix, subset_by_index=[max(0, n - k), n - 1])
    # Where the rank is below k, the vectors that are left over are arbitrary.
    vectors = vectors[:, values > n * np.finfo(float).eps * values[-1]]
    return np.square(vectors).sum(axis=1)


def orthogonalise(matrix, chosen):
    """Take out of all columns their parts along one of them.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_features)
        Columns.
    chosen : int
        The column that becomes 0.

    Returns
    -------
    ndarray of shape (n_rows, n_features)
        A new matrix.
    """
    direction = matrix[:, chosen] / np.linalg.norm(matrix[:, chosen])
    reduced = matrix - np.outer(direction, direction @ matrix)
    # Rounding would leave a trace of what is zero by definition.
    reduced[:, chosen] = 0.0
    return reduced


def first_largest(scores):
    """Lowest index among the scores that equal the largest within rounding.

    Parameters
    ----------
    scores : ndarray of shape (n_features,)
        Scores; at least one is finite.

    Returns
    -------
    int
        Index of the winner.
    """
    largest = scores.max()
    return int(np.argmax(scores >= largest - TIE * abs(largest)))
