"""Errors of energies per atom, as functions and as scorers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import root_mean_squared_error
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sklearn_agl._numbers import as_numbers, find_unusable, rule_for
from sklearn_agl._sklearn import _num_samples
from sklearn_agl.features import as_atomic_features, is_atomic


def rmse_per_atom(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    n_atoms: ArrayLike,
    sample_weight: ArrayLike | None = None,
) -> float:
    r"""Root mean square error of the energy per atom.

    .. math::

        \sqrt{\frac{1}{S} \sum_s \left( \frac{\hat E_s - E_s}{n_s} \right)^2}

    over S structures of :math:`n_s` atoms.

    Parameters
    ----------
    y_true : array-like of shape (n_structures,)
        Total energies.
    y_pred : array-like of shape (n_structures,)
        Predicted total energies.
    n_atoms : array-like of int of shape (n_structures,) or int
        Atoms in each structure.
    sample_weight : array-like of shape (n_structures,), default=None
        How much each structure counts in the mean.

    Returns
    -------
    float
        The error, in the unit of the energies.

    Raises
    ------
    ValueError
        If the lengths differ, a value is not finite, or a structure has no atom, or all weights are
        zero.

    Examples
    --------
    >>> from sklearn_agl.metrics import rmse_per_atom
    >>> rmse_per_atom([10.0, 20.0], [12.0, 20.0], n_atoms=[1, 2])
    1.4142135623730951
    """
    true, predicted = _energies(y_true, "y_true"), _energies(y_pred, "y_pred")
    if not len(true):
        raise ValueError("y_true is empty; give at least one energy.")
    sizes = _sizes(n_atoms, len(true))
    for name, given in (("y_pred", predicted), ("n_atoms", sizes)):
        if given.shape != true.shape:
            raise ValueError(
                f"y_true has shape {true.shape}, but {name} has shape {given.shape}; "
                "give one entry per structure."
            )
    errors = (predicted - true) / sizes
    if sample_weight is None:
        return float(np.sqrt(np.mean(np.square(errors))))
    return float(
        root_mean_squared_error(errors, np.zeros_like(errors), sample_weight=sample_weight)
    )


def neg_rmse_per_atom(
    estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Scorer for cross-validation: the error per atom with a minus sign, so that more is better.

    Parameters
    ----------
    estimator : estimator
        A fitted regressor of total energies, or a pipeline that ends with one.
    X : sequence of ase.Atoms, AtomicFeatures or array-like
        What `estimator` predicts from. It also tells the number of atoms: in a 3-D array, rows of
        NaN are padding; a row of a 2-D array is a structure of one atom.
    y : array-like of shape (n_structures,)
        Total energies.
    sample_weight : array-like of shape (n_structures,), default=None
        How much each structure counts in the mean.

    Returns
    -------
    float
        Negative `rmse_per_atom`.

    Raises
    ------
    ValueError
        If `X` and `y` have different lengths.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn_agl.metrics import neg_rmse_per_atom
    >>> X = np.arange(20.0).reshape(-1, 1)
    >>> scores = cross_val_score(Ridge(1e-6), X, X[:, 0], scoring=neg_rmse_per_atom)
    >>> bool(scores.min() > -1e-5)
    True
    """
    if not hasattr(estimator, "predict"):
        raise ValueError(f"estimator is of type {type(estimator).__name__}, which cannot predict.")
    check_consistent_length(X, y)
    return -rmse_per_atom(y, estimator.predict(X), count_atoms(X), sample_weight)


def count_atoms(X: Any) -> np.ndarray:
    """Number of atoms of each structure.

    Parameters
    ----------
    X : sequence of ase.Atoms, AtomicFeatures or array-like
        Structures or their features.

    Returns
    -------
    ndarray of int of shape (n_structures,)
        Numbers of atoms; 1 for each row of a 2-D array.

    Raises
    ------
    ValueError
        If a structure has no atom.
    """
    if is_atomic(X):
        return as_atomic_features(X).n_atoms
    if _num_samples(X) and _holds_structures(X):
        return np.array([len(structure) for structure in X])
    return np.ones(_num_samples(X), dtype=int)


def _sizes(n_atoms: Any, n_structures: int) -> np.ndarray:
    if np.isscalar(n_atoms):
        n_atoms = [n_atoms] * n_structures
    sizes = as_numbers(n_atoms, "n_atoms")
    bad = np.flatnonzero(~((sizes >= 1) & (sizes % 1 == 0)))
    if bad.size:
        first = np.ravel(sizes)[bad[0]]
        if first == 0:
            raise ValueError(f"Structure {bad[0]} has no atom; leave it out.")
        raise ValueError(
            f"n_atoms of structure {bad[0]} is {first:g}; it must be a whole number above 0."
        )
    return sizes


def _holds_structures(X: Any) -> bool:
    """Whether the entries are ase.Atoms, which no table holds."""
    return not hasattr(X, "shape") and hasattr(X[0], "get_positions")


def _energies(values: Any, name: str) -> np.ndarray:
    values = column_or_1d(as_numbers(values, name))
    bad = find_unusable(values)
    if bad is not None:
        raise ValueError(
            f"{name} of structure {bad[0]} is {values[bad]}; it {rule_for(values[bad])}."
        )
    return values.astype(np.float64, copy=False)
