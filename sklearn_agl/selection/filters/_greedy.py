"""Greedy choice of columns, each made orthogonal to those chosen before it."""

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, eigsh

from sklearn_agl._threads import one_blas_thread
from sklearn_agl.selection.filters._compression import ROUNDING

TIE = 1e-10
"""Relative difference below which two scores are equal, and the lower index wins."""

DENSE = 64
"""Number of columns up to which all eigenvectors are found as soon as the leading ones."""

REFRESH = 1e-3
"""Part of the trace at which updated products have lost three digits and are computed anew."""


class GramColumns:
    """Columns that are known by their products.

    Parameters
    ----------
    gram : ndarray of shape (n_columns, n_columns)
        Products of the columns; changed in place.
    noise : ndarray of shape (n_columns,)
        Norm below which a column counts as 0.
    """

    def __init__(self, gram, noise):
        self.gram = gram
        # Products have twice the digits of what they are made of.
        rounding = np.sqrt(ROUNDING * np.finfo(float).eps * np.maximum(np.diag(gram), 0.0))
        self.noise = np.maximum(noise, rounding)

    @property
    def norms(self):
        """Norms of the columns as they are now, ndarray of shape (n_columns,)."""
        return np.sqrt(np.maximum(np.diag(self.gram), 0.0))

    @property
    def free(self):
        """Columns that are not combinations of those taken: ndarray of bool (n_columns,)."""
        return self.norms > self.noise

    def take(self, chosen):
        """Make all columns orthogonal to the chosen one."""
        along = self.gram[chosen] / np.sqrt(self.gram[chosen, chosen])
        self._subtract(along, chosen)

    def _subtract(self, along, chosen):
        self.gram -= np.outer(along, along)
        # Rounding would leave a trace of what is zero by definition.
        self.gram[chosen] = self.gram[:, chosen] = 0.0


class RootColumns(GramColumns):
    """Columns of a matrix, whose small rests keep all digits.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_columns)
        Columns.
    noise : ndarray of shape (n_columns,)
        Norm below which a column counts as 0.
    """

    def __init__(self, matrix, noise):
        super().__init__(matrix.T @ matrix, noise)
        self.matrix, self.noise = matrix.copy(), noise
        self._trace = np.trace(self.gram)

    @property
    def norms(self):
        """Norms of the columns as they are now, ndarray of shape (n_columns,)."""
        return np.sqrt(np.einsum("ij,ij->j", self.matrix, self.matrix))

    def take(self, chosen):
        """Make all columns orthogonal to the chosen one."""
        direction = self.matrix[:, chosen] / np.linalg.norm(self.matrix[:, chosen])
        along = direction @ self.matrix
        self.matrix -= np.outer(direction, along)
        self.matrix[:, chosen] = 0.0
        self._subtract(along, chosen)
        if np.trace(self.gram) < REFRESH * self._trace:
            self.gram = self.matrix.T @ self.matrix
            self._trace = np.trace(self.gram)


# Many small decompositions: threads would wait for each other most of the time.
@one_blas_thread()
def choose_by_leverage(columns, wanted, k, recompute_every, weigh):
    """Choose columns of largest leverage, making all others orthogonal to each.

    Parameters
    ----------
    columns : GramColumns
        Columns; `take` is called for every choice.
    wanted : int
        Number of columns to choose, if there are so many.
    k : int
        Number of eigenvectors in the score.
    recompute_every : int
        Compute the scores anew after so many choices; 0 keeps the first ones.
    weigh : callable
        Gives the matrix whose eigenvectors count, from `columns` and the indices of those that
        are free.

    Returns
    -------
    order : list of int
        Chosen columns.
    scores : list of float
        Leverage score of each at the time of choice.
    """
    order, scores = [], []
    while len(order) < wanted:
        free = np.flatnonzero(columns.free)
        if not len(free):
            break
        if not order or (recompute_every and len(order) % recompute_every == 0):
            leverage = np.zeros(len(columns.noise))
            leverage[free] = leverage_scores(weigh(columns, free), k)
        chosen = int(free[first_largest(leverage[free])])
        order.append(chosen)
        scores.append(float(leverage[chosen]))
        columns.take(chosen)
    return order, scores


def leverage_scores(gram, k):
    """Sum of the squared components of the k leading eigenvectors, for every column.

    Parameters
    ----------
    gram : ndarray of shape (n_features, n_features)
        Symmetric and positive semidefinite.
    k : int
        Number of eigenvectors; all of them if there are fewer.

    Returns
    -------
    ndarray of shape (n_features,)
        Scores between 0 and 1.
    """
    values, vectors = _leading_eigenvectors(gram, min(k, len(gram)))
    # Where the rank is below k, the vectors that are left over are arbitrary.
    vectors = vectors[:, values > len(gram) * np.finfo(float).eps * values.max()]
    return np.square(vectors).sum(axis=1)


def _leading_eigenvectors(gram, k):
    n = len(gram)
    if n > DENSE and k < n // 8:
        # A start of its own that no block of the matrix is orthogonal to.
        start = np.random.RandomState(0).normal(size=n)
        try:
            return eigsh(gram, k, v0=start)
        except (ArpackError, ArpackNoConvergence):
            pass  # eigenvalues too close to each other
    return eigh(gram, subset_by_index=[n - k, n - 1])


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


def check_first(index, varies):
    """Refuse a first feature that cannot be chosen.

    Parameters
    ----------
    index : int
        What the user has given as `initial`.
    varies : ndarray of bool of shape (n_features,)
        Features that can be chosen.

    Raises
    ------
    ValueError
        If there is no such feature, or it is constant.
    """
    if not 0 <= index < len(varies):
        raise ValueError(
            f"initial={index}, but X has only {len(varies)} features; the first has index 0."
        )
    if not varies[index]:
        raise ValueError(f"initial={index} is a constant feature; choose another.")
