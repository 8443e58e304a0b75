"""Checks of the features, energies and forces given to an estimator."""

import warnings
from contextlib import contextmanager

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_array, column_or_1d, validate_data

from sklearn_agl._labels import stored_energies
from sklearn_agl._numbers import (
    as_numbers,
    find_unusable,
    refuse_entries,
    refuse_other_than_arrays,
    rule_for,
)
from sklearn_agl._sklearn import _check_sample_weight
from sklearn_agl._warnings import depth_of_caller
from sklearn_agl.features import AtomicFeatures, as_atomic_features, is_atomic

FEATURES = "give AtomicFeatures, or an array of shape (n_structures, [n_atoms_max,] n_features)."
ENERGIES = "give one total energy per structure."
FORCES = "give an array of shape (n_atoms, 3) for each structure."


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
        checks = {"reset": reset, "dtype": [np.float64, np.float32], "ensure_all_finite": False}
        with explain_tables(X):
            table = validate_data(estimator, X, **checks, **check_params)
        check_table(table)
        return as_atomic_features(table)
    X = as_atomic_features(X)
    for count, kind in ((len(X), "sample(s)"), (X.n_features, "feature(s)")):
        if count == 0:
            raise ValueError(
                f"Found array with 0 {kind} (shape={X.shape}) while a minimum of 1 is required."
            )
    if X.is_computed:  # otherwise they come from a transformer, which has checked the structures
        _check_finite(X)
    if reset:
        note_columns(estimator, X)
    else:
        _check_columns(estimator, X)
    return X


def leave_out_negligible(X):
    """Leave out what carries nothing: every `fit` that looks for columns begins with this.

    Parameters
    ----------
    X : AtomicFeatures
        Checked features.

    Returns
    -------
    AtomicFeatures
        The same features, of whose negligible columns `columns_of` knows none.

    Warns
    -----
    UserWarning
        If there are any.
    """
    columns = X.negligible_features()
    if not len(columns):
        return X
    first = columns[np.argmin(X.ranges()[columns])]
    name = first if X.feature_names is None else X.feature_names[first]
    warnings.warn(
        f"{len(columns)} of {X.n_features} columns are left out: over all atoms, their values "
        f"differ by less than min_range={X.min_range:g}, those of column {name} by "
        f"{X.ranges()[first]:.1e}. Lower min_range where the features are made to keep them.",
        UserWarning,
        stacklevel=depth_of_caller(),
    )
    return X.without(columns)


def validate_energies(X, y):
    """Check total energies.

    Parameters
    ----------
    X : AtomicFeatures
        Features that the energies belong to.
    y : array-like of shape (n_structures,) or None
        Total energy of each structure; None for those that the structures carry.

    Returns
    -------
    ndarray of float of shape (n_structures,)
        The energies.

    Raises
    ------
    ValueError
        If there are more or fewer energies than structures, one is not finite, or there are none.
    """
    y = _as_vector(stored_energies(X) if y is None else y)
    if len(X) != len(y):
        raise ValueError(
            f"X has {len(X)} structures, but y has {len(y)} energies: inconsistent numbers of "
            "samples. Give one total energy per structure."
        )
    bad = find_unusable(y)
    if bad is not None:
        raise ValueError(
            f"Energy of structure {bad[0]} is {y[bad]}; energies {rule_for(y[bad])}. Leave that "
            "structure out."
        )
    return y


def _as_vector(y):
    """Energies as an array of floats."""
    refuse_other_than_arrays(y, "y", ENERGIES)
    lenient = {"ensure_2d": False, "allow_nd": True, "ensure_min_samples": 0, "dtype": None}
    try:
        y_checked = check_array(y, ensure_all_finite=False, input_name="y", **lenient)
        return column_or_1d(y_checked, warn=True).astype(np.float64)
    except (TypeError, ValueError):
        refuse_entries(y, "y")
        raise


def validate_forces(X, forces):
    """Check forces.

    Parameters
    ----------
    X : AtomicFeatures
        Features of the atoms that the forces act on.
    forces : sequence of array-like of shape (n_atoms, 3)
        Forces on all atoms of each structure; None for a structure, or NaN for an atom, that has
        none.

    Returns
    -------
    list of ndarray of float of shape (n_atoms, 3)
        The forces, with NaN for all components of atoms that lack one.

    Raises
    ------
    ValueError
        If there are forces for more or fewer structures or atoms, one is infinite, or all are
        missing.
    """
    refuse_other_than_arrays(forces, "forces", FORCES)
    if len(forces) != len(X):
        raise ValueError(
            f"X has {len(X)} structures, but there are forces for {len(forces)}: {FORCES}"
        )
    checked = []
    for index, (given, n_atoms) in enumerate(zip(forces, X.n_atoms, strict=True)):
        if given is None:
            checked.append(np.full((n_atoms, 3), np.nan))
            continue
        own = as_numbers(given, f"forces[{index}]", f"give an array of shape {(int(n_atoms), 3)}.")
        if own.shape != (n_atoms, 3):
            raise ValueError(
                f"Forces of structure {index} have shape {own.shape}, but its {n_atoms} atoms need "
                f"{(int(n_atoms), 3)}."
            )
        missing = np.isnan(own).any(axis=1, keepdims=True)
        bad = find_unusable(np.where(missing, 0, own))
        if bad is not None:
            raise ValueError(
                f"The force on atom {bad[0]} of structure {index} is {own[bad[0]].tolist()}; "
                f"forces {rule_for(own[bad])}. Leave it out by NaN, or by None in place of all "
                "forces of that structure."
            )
        checked.append(np.where(missing, np.nan, own).astype(np.float64, copy=False))
    if all(np.isnan(own).all() for own in checked):
        raise ValueError("No atom has a force: give forces=None to train on energies alone.")
    return checked


def validate_weights(X, sample_weight):
    """Check the weights of structures.

    Parameters
    ----------
    X : AtomicFeatures
        Features of the structures.
    sample_weight : array-like of shape (n_structures,), a number or None
        How much each structure counts.

    Returns
    -------
    ndarray of float of shape (n_structures,), or None
        The weights; None if all count alike.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or all but one are zero.
    """
    if sample_weight is None:
        return None
    weights = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True, copy=True
    )
    n_positive = np.count_nonzero(weights)
    if n_positive < 2:
        raise ValueError(
            f"Only {n_positive} of {len(weights)} structures have a sample_weight above zero; at "
            "least 2 are needed."
        )
    return None if np.all(weights == weights[0]) else weights


def validate_groups(X, groups):
    """Check the labels of structures that belong together.

    Parameters
    ----------
    X : AtomicFeatures
        Features of the structures.
    groups : array-like of shape (n_structures,) or None
        A label for each structure, of any kind that can be sorted.

    Returns
    -------
    ndarray of shape (n_structures,), or None

    Raises
    ------
    ValueError
        If there are more or fewer labels than structures.
    """
    if groups is None:
        return None
    groups = column_or_1d(groups)
    if len(groups) != len(X):
        raise ValueError(f"There are {len(groups)} groups for {len(X)} structures.")
    return groups


@contextmanager
def explain_tables(X):
    """Whatever fails within, explain first what is wrong with a table, if it is the table.

    Parameters
    ----------
    X : object
        Should be array-like of shape (n_structures, n_features).

    Raises
    ------
    ValueError, TypeError
        If `X` holds structures, is no array or has other than two dimensions; and in place of an
        error from within, if an entry is no number or rows differ in length.
    """
    refuse_structures(X)
    refuse_other_than_arrays(X, "X", FEATURES)
    _refuse_deep(X)
    try:
        yield
    except (TypeError, ValueError):
        if not issparse(X):
            refuse_entries(X, "X")
        raise


def check_table(table):
    """Refuse a table with entries that nothing can be computed with.

    Parameters
    ----------
    table : ndarray of float of shape (n_structures, n_features)
        Features.

    Raises
    ------
    ValueError
        If an entry is NaN, infinite or too large, with its row and column.
    """
    bad = find_unusable(table)
    if bad is not None:
        raise ValueError(
            f"Feature {bad[1]} of structure {bad[0]} is {table[bad]}; X {rule_for(table[bad])}. "
            "Leave that structure out."
        )


def _refuse_deep(X):
    """Refuse more dimensions than two, which only an array and AtomicFeatures may have."""
    if isinstance(X, (list, tuple)):
        if not len(X):
            raise ValueError(f"X is empty; {FEATURES}")
        if isinstance(X[0], AtomicFeatures):
            raise ValueError(
                "X is a list of AtomicFeatures; join them with sklearn_agl.features.concatenate."
            )
        if getattr(X[0], "ndim", 0) > 1 or isinstance(X[0], (list, tuple)) and np.ndim(X[0][0]):
            raise ValueError(
                "X is a list of arrays of more than one dimension; give one array of shape "
                "(n_structures, n_atoms_max, n_features), with rows of NaN where a structure has "
                "fewer atoms."
            )
    elif getattr(X, "ndim", 0) > 3:
        raise ValueError(f"X has {X.ndim} dimensions; {FEATURES}")


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
        if all(find_unusable(values) is None for _, values in _atoms_of(X, element)):
            continue
        defined = np.zeros(X.n_features, dtype=bool)
        for _, values in _atoms_of(X, element):
            defined |= ~np.isnan(values).all(axis=0)
        for atoms, values in _atoms_of(X, element):
            bad = ~np.isfinite(values[:, defined]).all(axis=1)
            bad |= np.isinf(values).any(axis=1)
            if bad.any():
                structure, slot = X.locate(atoms[bad][0])
                raise ValueError(
                    f"Features of structure {structure}, atom {slot} contain NaN or "
                    "infinity. Only padding and functions of other elements may be NaN."
                )
            bad = find_unusable(values[:, defined])
            if bad is not None:
                value, column = values[:, defined][bad], np.flatnonzero(defined)[bad[1]]
                structure, slot = X.locate(atoms[bad[0]])
                raise ValueError(
                    f"Feature {column} of structure {structure}, atom {slot} is "
                    f"{value}; features {rule_for(value)}. Leave that structure out."
                )


def _atoms_of(X, element, chunk=4096):
    """Row numbers and values of one element's atoms, some at a time.

    Together they might take as much memory as the features themselves.
    """
    for first in range(0, len(X.atom_numbers), chunk):
        here = slice(first, first + chunk)
        atoms = np.flatnonzero(X.atom_numbers[here] == element)
        rows = X.atom_values[here]
        yield first + atoms, rows if len(atoms) == len(rows) else rows[atoms]


def note_columns(estimator, X):
    """Let an estimator know the number and, where there are any, the names of the columns.

    Parameters
    ----------
    estimator : BaseEstimator
        Gets `n_features_in_` and `feature_names_in_`.
    X : AtomicFeatures
        Features.
    """
    estimator.n_features_in_ = X.n_features
    if X.feature_names is not None:
        estimator.feature_names_in_ = X.feature_names
    elif hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def _check_columns(estimator, X):
    names = X.feature_names
    kind = type(estimator).__name__
    known = getattr(estimator, "feature_names_in_", None)
    if X.n_features != estimator.n_features_in_:
        missing = [] if names is None or known is None else [n for n in known if n not in names]
        raise ValueError(
            f"X has {X.n_features} features, but {kind} is expecting "
            f"{estimator.n_features_in_} features as input."
            + (f" There is no {missing[0]}." if missing else "")
        )
    if names is not None and known is not None and not np.array_equal(names, known):
        differing = int(np.argmax(names != known))
        raise ValueError(
            f"Column {differing} is {names[differing]}, but {kind} was fitted with "
            f"{known[differing]} there. Compute the features with the same transformer."
        )
