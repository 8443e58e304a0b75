"""Checks of the features, energies and forces given to an estimator."""

import numpy as np
from sklearn.utils.validation import check_array, column_or_1d, validate_data

from sklearn_agl.features import as_atomic_features, is_atomic


def validate_features(estimator, X, *, reset, **check_params):
    """Check the features given to an estimator and note or compare their number and names.

    Parameters
    ----------
    estimator : BaseEstimator
        Gets `n_features_in_` and, where names are known, `feature_names_in_`.
    X : AtomicFeatures or array-like
        2-D input passes through scikit-learn's own checks.
    reset : bool
        True in `fit`, False afterwards.
    **check_params
        Handed on to scikit-learn for 2-D input.

    Returns
    -------
    AtomicFeatures
        The checked features.

    Raises
    ------
    ValueError
        If a value is missing or infinite, or the columns are not those of `fit`.
    """
    if not is_atomic(X):
        refuse_structures(X)
        X = validate_data(estimator, X, reset=reset, dtype=[np.float64, np.float32], **check_params)
        return as_atomic_features(X)
    X = as_atomic_features(X)
    if len(X) == 0:
        raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required.")
    if X.is_computed:  # otherwise they come from a transformer, which has checked the structures
        _check_finite(X)
    _check_columns(estimator, X, reset)
    return X


def validate_energies(X, y):
    """Check total energies.

    Parameters
    ----------
    X : AtomicFeatures
        Features that the energies belong to.
    y : array-like of shape (n_structures,)
        Total energy of each structure.

    Returns
    -------
    ndarray of float of shape (n_structures,)
        The energies.

    Raises
    ------
    ValueError
        If there are more or fewer energies than structures, or one is not finite.
    """
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None: give the energies.")
    y = check_array(y, ensure_2d=False, dtype=None, ensure_all_finite=False, input_name="y")
    y = column_or_1d(y, warn=True)
    if y.dtype.kind not in "biuf":
        y = y.astype(np.float64)
    if len(X) != len(y):
        raise ValueError(
            f"X has {len(X)} structures, but y has {len(y)} energies: inconsistent numbers of "
            "samples. Give one total energy per structure."
        )
    bad = np.flatnonzero(~np.isfinite(y))
    if bad.size:
        raise ValueError(
            f"Energy of structure {bad[0]} is {y[bad[0]]}; energies must not contain NaN or "
            "infinity. Leave that structure out."
        )
    return y.astype(np.float64)


def validate_forces(X, forces):
    """Check forces.

    Parameters
    ----------
    X : AtomicFeatures
        Features of the atoms that the forces act on.
    forces : sequence of array-like of shape (n_atoms, 3) or None
        Forces on all atoms of each structure.

    Returns
    -------
    list of ndarray of float of shape (n_atoms, 3), or None
        The forces.

    Raises
    ------
    ValueError
        If there are forces for more or fewer structures or atoms, or one is not finite.
    """
    if forces is None:
        return None
    if len(forces) != len(X):
        raise ValueError(
            f"X has {len(X)} structures, but there are forces for {len(forces)}: give an array of "
            "shape (n_atoms, 3) for each structure."
        )
    checked = []
    for index, (given, n_atoms) in enumerate(zip(forces, X.n_atoms, strict=True)):
        own = np.asarray(given, dtype=np.float64)
        if own.shape != (n_atoms, 3):
            raise ValueError(
                f"Forces of structure {index} have shape {own.shape}, but its {n_atoms} atoms need "
                f"{(int(n_atoms), 3)}."
            )
        bad = np.flatnonzero(~np.isfinite(own).all(axis=1))
        if bad.size:
            raise ValueError(
                f"The force on atom {bad[0]} of structure {index} is {own[bad[0]].tolist()}; "
                "forces must not contain NaN or infinity. Leave that structure out."
            )
        checked.append(own)
    return checked


def refuse_structures(X):
    """Say what to do when structures arrive where features are wanted.

    Parameters
    ----------
    X : object
        Input of an estimator.

    Raises
    ------
    ValueError
        If `X` is an ``ase.Atoms`` or a list of them.
    """
    first = X[0] if isinstance(X, (list, tuple)) and len(X) else X
    if type(first).__name__ == "Atoms":
        raise ValueError(
            "This step needs features, not structures: put a SymmetryFunctionTransformer before "
            "it in a Pipeline, or transform the structures first."
        )


def _check_finite(X):
    """Every column of an element must be a finite number for all its atoms."""
    for element in X.elements:
        defined = np.zeros(X.n_features, dtype=bool)
        for _, _, values in _atoms_of(X, element):
            defined |= ~np.isnan(values).all(axis=0)
        for rows, slots, values in _atoms_of(X, element):
            bad = ~np.isfinite(values[:, defined]).all(axis=1)
            bad |= np.isinf(values).any(axis=1)
            if bad.any():
                raise ValueError(
                    f"Features of structure {rows[bad][0]}, atom {slots[bad][0]} contain NaN or "
                    "infinity. Only padding and functions of other elements may be NaN."
                )


def _atoms_of(X, element, chunk=256):
    """Structure numbers, slots and values of one element's atoms, some structures at a time.

    Together they might take as much memory as the features themselves.
    """
    for first in range(0, len(X), chunk):
        here = slice(first, first + chunk)
        rows, slots = np.nonzero(X.numbers[here] == element)
        yield first + rows, slots, X.values[here][rows, slots]


def _check_columns(estimator, X, reset):
    names = X.feature_names
    if reset:
        estimator.n_features_in_ = X.n_features
        if names is not None:
            estimator.feature_names_in_ = names
        elif hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
        return
    kind = type(estimator).__name__
    if X.n_features != estimator.n_features_in_:
        raise ValueError(
            f"X has {X.n_features} features, but {kind} is expecting "
            f"{estimator.n_features_in_} features as input."
        )
    known = getattr(estimator, "feature_names_in_", None)
    if names is not None and known is not None and not np.array_equal(names, known):
        differing = int(np.argmax(names != known))
        raise ValueError(
            f"Column {differing} is {names[differing]}, but {kind} was fitted with "
            f"{known[differing]} there. Compute the features with the same transformer."
        )
