"""Data sets of a comparison."""

from functools import cached_property

import numpy as np
from sklearn.utils import check_array

from sklearn_agl._labels import stored_derivatives
from sklearn_agl._sklearn import _get_feature_names
from sklearn_agl._validation import check_table, explain_tables, validate_energies
from sklearn_agl.features import AtomicFeatures, as_atomic_features, is_atomic
from sklearn_agl.selection.runs._checkpoint import fingerprint, identify_features


class DataSet:
    """Features and energies, checked.

    Parameters
    ----------
    name : str
        In the table.
    X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
        Features.
    y : array-like of shape (n_structures,) or None
        Energies; None for those that the structures carry.
    groups : array-like of shape (n_structures,), default=None
        For the splitter.

    Attributes
    ----------
    X : AtomicFeatures or ndarray of shape (n_structures, n_features)
        Features.
    y : ndarray of shape (n_structures,)
        Energies.
    n_features : int
        Number of columns.
    feature_names : ndarray of str of shape (n_features,)
        x0, x1, ... where they have none.
    angular : ndarray of bool of shape (n_features,) or None
        Which columns are angular functions, where that is known.
    """

    def __init__(self, name, X, y, groups=None):
        self.name, self.groups = name, groups
        if is_atomic(X):
            self.X = as_atomic_features(X).compute()
            names = self.X.feature_names
        else:
            with explain_tables(X):
                names = _get_feature_names(X)
                self.X = check_array(X, dtype=[np.float64, np.float32], ensure_all_finite=False)
            check_table(self.X)
        self.y = validate_energies(self.X, y)
        self.n_features = self.X.shape[-1]
        if names is None:
            names = [f"x{column}" for column in range(self.n_features)]
        self.feature_names = np.asarray(names, dtype=object)
        functions = getattr(self.X, "symmetry_functions", None)
        self.angular = None
        if functions is not None:
            self.angular = np.array([function.is_angular for function in functions])

    @property
    def can_be_timed(self):
        """Whether it is known what the columns are and from which structures."""
        return self.angular is not None and self.X.structures is not None

    @cached_property
    def identity(self):
        """What tells the data from others, for JSON."""
        parts = {"energies": fingerprint(self.y[:, None])}
        if isinstance(self.X, AtomicFeatures):
            parts |= identify_features(self.X)
            for name, labels in stored_derivatives(self.X, self.y).items():
                known = [own for own in labels if own is not None]
                parts[name] = fingerprint(np.concatenate(known)[None])
        else:
            parts["features"] = fingerprint(self.X)
        return parts

    def part(self, rows, columns=None):
        """Features and energies of some structures.

        Parameters
        ----------
        rows : ndarray of int
            Structures.
        columns : list of int, default=None
            Features, by default all of them.

        Returns
        -------
        X : AtomicFeatures or ndarray of shape (n_rows, n_columns)
        y : ndarray of shape (n_rows,)
        """
        X = self.X
        if columns is not None:
            X = X.take_features(columns) if isinstance(X, AtomicFeatures) else X[:, columns]
        return X[rows], self.y[rows]


def check_data(data):
    """Turn the parameter `data` into data sets.

    Parameters
    ----------
    data : dict of str to tuple
        ``(X, y)`` or ``(X, y, groups)`` by name.

    Returns
    -------
    list of DataSet

    Raises
    ------
    ValueError
        If there is none, or one of them is unsound, with its name.
    """
    if not data:
        raise ValueError("data is empty; give at least one data set, as {name: (X, y)}.")
    data_sets = []
    for name, given in data.items():
        if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
            raise ValueError(
                f"data[{name!r}] must be a tuple (X, y) or (X, y, groups), got "
                f"{type(given).__name__}."
            )
        try:
            data_sets.append(DataSet(name, *given))
        except ValueError as error:
            error.add_note(f"This is data set {name!r}.")
            raise
    return data_sets
