"""Products of structures' mean features with each other and with the energies per atom."""

import numpy as np

from sklearn_agl._ragged import cut, summing_matrix
from sklearn_agl.selection.filters._compression import ROUNDING, Products, scale_gram


def structure_products(X, y, scaling):
    """Sum up the products of features and energies over all structures.

    A structure's row holds the sum of each feature over its atoms, divided by their number, and its
    energy per atom.

    Parameters
    ----------
    X : AtomicFeatures
        Features; they may lie in a memory map.
    y : ndarray of shape (n_structures,)
        Total energies.
    scaling : {"standard", "center"} or None
        "center" takes out of every column what is linear in the composition, with one element
        the mean; "standard" also gives the energies a norm of 1, and the features one of 1
        together, of which each has the same part.

    Returns
    -------
    gram : ndarray of shape (n_features + 1, n_features + 1)
        The products; the energies are the last column. Columns that do not vary are 0.
    noise : ndarray of shape (n_features + 1,)
        Norm that rounding may give to each column.
    """
    n_elements = len(X.elements)
    moments = Products(n_elements + X.n_features + 1)
    composition = X.composition()
    for piece in cut(X.offsets, Products.chunk):
        moments.add(_rows(X[piece], composition[piece], y[piece]))
    raw = moments.around(np.zeros_like(moments.mean))[n_elements:, n_elements:]
    noise = ROUNDING * np.finfo(X.dtype).eps * np.sqrt(np.diag(raw))
    if scaling is None:
        return raw, noise
    gram, noise = scale_gram(_residual_products(moments.products, n_elements), noise, scaling)
    if scaling == "standard":
        share = np.ones(len(gram))
        share[:-1] = 1.0 / np.sqrt(max(1, np.count_nonzero(np.diag(gram)[:-1])))
        return gram * share * share[:, None], noise * share
    return gram, noise


def _rows(X, composition, y):
    """Composition, mean features and energy per atom of some structures, one row each."""
    values = X.atom_values.astype(np.float64, copy=False)
    total = summing_matrix(X.offsets, np.float64)
    sums = total @ values
    if np.isnan(sums).any():  # several elements
        sums = total @ np.where(np.isnan(values), 0.0, values)
    sums[:, X.hidden] = 0.0
    return np.column_stack([composition, sums, y]) / X.n_atoms[:, None]


def _residual_products(products, n_first):
    """Products of what the first columns, as regressors, leave of the others."""
    inner, cross = products[:n_first, :n_first], products[:n_first, n_first:]
    # Fractions of all elements sum to 1, so that this matrix is singular.
    explained = cross.T @ np.linalg.pinv(inner, rcond=1e-10, hermitian=True) @ cross
    return products[n_first:, n_first:] - explained
