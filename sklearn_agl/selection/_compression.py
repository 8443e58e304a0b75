"""All atoms' feature columns, condensed to a small matrix by one pass over the structures."""

import numpy as np

from sklearn_agl._threads import one_blas_thread

CHUNK = 4096
"""Atom slots looked at together: bounds the memory, whatever the number of atoms."""

ROUNDING = 100
"""Units of machine precision, relative to a column's norm, below which a rest means nothing."""


class Columns:
    """Columns of one element: number of atoms, means, and a root of the centred products.

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
    root : ndarray of shape (n_rows, n_columns)
        ``root.T @ root`` is the sum over the atoms of the products of deviations from the mean,
        with at most ``n_columns`` rows.
    """

    def __init__(self, n_columns):
        self.count = 0
        self.mean = np.zeros(n_columns)
        self.root = np.empty((0, n_columns))

    def add(self, values):
        """Take in more atoms, an array of shape (n_atoms, n_columns)."""
        total = self.count + len(values)
        mean = values.mean(axis=0)
        step = mean - self.mean
        # The shift between the two means carries the rest of the spread (Chan et al. 1979).
        shift = np.sqrt(self.count * len(values) / total) * step
        rows = np.vstack([self.root, values - mean, shift[None]])
        # A QR decomposition keeps all digits; the sum of products would keep half of them.
        self.root = np.linalg.qr(rows, mode="r")
        self.mean = self.mean + step * (len(values) / total)
        self.count = total

    def around(self, center):
        """Rows whose products are those of all atoms' deviations from `center`."""
        shift = np.sqrt(self.count) * (self.mean - center)
        return np.vstack([self.root, shift[None]])


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
        elements = _read(X)
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


def _read(X):
    """Pairs of column indices and `Columns`, one pair per element."""
    elements = {z: (X.columns_of(z), Columns(len(X.columns_of(z)))) for z in X.elements}
    step = max(1, CHUNK // X.shape[1])
    for first in range(0, len(X), step):
        values, numbers = X.values[first : first + step], X.numbers[first : first + step]
        for element, (indices, columns) in elements.items():
            atoms = values[numbers == element]
            if len(atoms):
                columns.add(atoms[:, indices].astype(np.float64))
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
