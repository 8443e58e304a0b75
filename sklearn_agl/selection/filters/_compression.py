"""All atoms' feature columns, condensed to a small matrix by one pass over the structures."""

import numpy as np

from sklearn_agl._ragged import cut
from sklearn_agl._threads import one_blas_thread

ROUNDING = 100
"""Units of machine precision, relative to a column's norm, below which a rest means nothing."""


class Moments:
    """Number of atoms of one element, and means of its columns; subclasses keep their products.

    Parameters
    ----------
    n_columns : int
        Number of columns.

    Attributes
    ----------
    count : int
        Atoms seen.
    mean : ndarray of shape (n_columns,)
        Mean over the atoms.
    """

    def __init__(self, n_columns):
        self.count = 0
        self.mean = np.zeros(n_columns)

    def add(self, values):
        """Take in more atoms, an array of shape (n_atoms, n_columns)."""
        total = self.count + len(values)
        mean = values.mean(axis=0)
        step = mean - self.mean
        rows = np.empty((len(values) + 1, len(mean)))
        np.subtract(values, mean, out=rows[:-1])
        # The shift between the two means carries the rest of the spread (Chan et al. 1979).
        rows[-1] = np.sqrt(self.count * len(values) / total) * step
        self._add_rows(rows)
        self.mean = self.mean + step * (len(values) / total)
        self.count = total

    def _shift(self, center):
        """The row that moves deviations from the mean to deviations from `center`."""
        return np.sqrt(self.count) * (self.mean - center)


class Columns(Moments):
    """Columns of one element as a root of their centred products, exact to the last digits.

    Attributes
    ----------
    root : ndarray of shape (n_rows, n_columns)
        ``root.T @ root`` is the sum over the atoms of the products of deviations from the mean,
        with at most ``n_columns`` rows.
    """

    chunk = 4096
    """Atoms looked at together: bounds the memory, whatever their number."""

    def __init__(self, n_columns):
        super().__init__(n_columns)
        self.root = np.empty((0, n_columns))

    def _add_rows(self, rows):
        # A QR decomposition keeps all digits; the sum of products would keep half of them.
        self.root = np.linalg.qr(np.vstack([self.root, rows]), mode="r")

    def around(self, center):
        """Rows whose products are those of all atoms' deviations from `center`."""
        return np.vstack([self.root, self._shift(center)[None]])


class Products(Moments):
    """Columns of one element as the sum of their centred products: half the digits, faster.

    Attributes
    ----------
    products : ndarray of shape (n_columns, n_columns)
        Sum over the atoms of the products of deviations from the mean.
    """

    chunk = 2048
    """Atoms looked at together: half as many, for the copies to stay in the cache."""

    def __init__(self, n_columns):
        super().__init__(n_columns)
        self.products = np.zeros((n_columns, n_columns))

    def _add_rows(self, rows):
        self.products += rows.T @ rows

    def around(self, center):
        """Sum of the products of all atoms' deviations from `center`."""
        shift = self._shift(center)
        return self.products + np.outer(shift, shift)

    def squares(self):
        """Sum of the squares of all atoms' values, without their means taken out."""
        return np.diag(self.products) + np.square(self._shift(0.0))


def compress(X, scaling):
    """Find a small matrix with the same products of columns as the matrix of all atoms.

    Parameters
    ----------
    X : AtomicFeatures
        Features; they may lie in a memory map.
    scaling : {"standard", "center"} or None
        "center" subtracts from every column its mean over the atoms that have it; "standard"
        also divides it by its norm, so that the products are Pearson correlations.

    Returns
    -------
    matrix : ndarray of shape (n_rows, n_features)
        ``matrix.T @ matrix`` is the Gram matrix of the scaled columns over all atoms, an atom
        having 0 in the columns of other elements. Columns that do not vary are 0.
    noise : ndarray of shape (n_features,)
        Norm that rounding may give to each column of the matrix.
    """
    # Tall, narrow QR decompositions are up to 50 times slower on two threads than on one.
    with one_blas_thread():
        elements = _sum_up(X, Columns)
    raw = _stack(elements, np.zeros(X.n_features))
    noise = ROUNDING * np.finfo(X.dtype).eps * np.linalg.norm(raw, axis=0)
    if scaling is None:
        return raw, noise
    matrix = _stack(elements, _means(elements, X.n_features))
    norms = np.linalg.norm(matrix, axis=0)
    matrix[:, norms <= noise] = 0.0
    if scaling == "center":
        return matrix, noise
    divisors = np.where(norms > noise, norms, 1.0)
    return matrix / divisors, noise / divisors


def gram_matrix(X, scaling):
    """Sum up the products of columns over all atoms.

    Parameters
    ----------
    X : AtomicFeatures
        Features; they may lie in a memory map.
    scaling : {"standard", "center"} or None
        As for `compress`.

    Returns
    -------
    gram : ndarray of shape (n_features, n_features)
        What the matrix of `compress` gives, to half the digits where columns depend on each
        other, in less time. Rows and columns of features that do not vary are 0.
    noise : ndarray of shape (n_features,)
        Norm that rounding of the features may give to each column.
    """
    elements = _sum_up(X, Products)
    squares = np.zeros(X.n_features)
    for indices, columns in elements:
        squares[indices] += columns.squares()
    noise = ROUNDING * np.finfo(X.dtype).eps * np.sqrt(squares)
    if scaling is None:
        return _sum(elements, np.zeros(X.n_features)), noise
    return scale_gram(_sum(elements, _means(elements, X.n_features)), noise, scaling)


def scale_gram(gram, noise, scaling):
    """Make columns that do not vary 0, and with "standard" scaling all others of norm 1.

    Parameters
    ----------
    gram : ndarray of shape (n_features, n_features)
        Products of centred columns.
    noise : ndarray of shape (n_features,)
        Norm below which a column does not vary.
    scaling : {"standard", "center"}
        What to do.

    Returns
    -------
    gram : ndarray of shape (n_features, n_features)
        A new matrix.
    noise : ndarray of shape (n_features,)
        In its units.
    """
    norms = np.sqrt(np.maximum(np.diag(gram), 0.0))
    varies = norms > noise
    divisors = np.where(varies & (scaling == "standard"), norms, 1.0)
    factors = varies / divisors
    return gram * factors * factors[:, None], noise / divisors


def _sum_up(X, kind):
    """Pairs of column indices and `Moments` of some kind, one pair per element."""
    elements = {z: (X.columns_of(z), kind(len(X.columns_of(z)))) for z in X.elements}
    for piece in cut(X.offsets, kind.chunk):
        here = slice(X.offsets[piece.start], X.offsets[piece.stop])
        values, numbers = X.atom_values[here], X.atom_numbers[here]
        for element, (indices, columns) in elements.items():
            chosen = numbers == element
            if chosen.any():
                atoms = values if chosen.all() else values[chosen]
                atoms = atoms if len(indices) == X.n_features else atoms[:, indices]
                columns.add(atoms.astype(np.float64, copy=False))
    return list(elements.values())


def _means(elements, n_features):
    """Mean of each column over the atoms that have it."""
    total, count = np.zeros(n_features), np.zeros(n_features)
    for indices, columns in elements:
        total[indices] += columns.count * columns.mean
        count[indices] += columns.count
    return total / np.maximum(count, 1)


def _stack(elements, center):
    """The rows of all elements around `center`, 0 where an element lacks a column."""
    blocks = []
    for indices, columns in elements:
        rows = columns.around(center[indices])
        block = np.zeros((len(rows), len(center)))
        block[:, indices] = rows
        blocks.append(block)
    return np.vstack(blocks)


def _sum(elements, center):
    """The products of all elements' columns around `center`."""
    total = np.zeros((len(center), len(center)))
    for indices, columns in elements:
        own = columns.around(center[indices])
        if len(indices) == len(center):  # adding through indices takes three times as long
            total += own
        else:
            total[np.ix_(indices, indices)] += own
    return total
