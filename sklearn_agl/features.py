"""The per-atom feature tensor that travels between the estimators."""

import numbers as number_types
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_agl._numbers import as_numbers

ANONYMOUS_ELEMENT = 1
"""Atomic number given to the rows of plain arrays, which name no element."""


class AtomicFeatures:
    """Features of every atom of many structures, padded to one rectangular tensor.

    The object is immutable, costs no copy of its arrays, and can be sliced by scikit-learn's
    cross-validation like an array of structures.

    Parameters
    ----------
    values : array-like of shape (n_structures, n_atoms_max, n_features)
        Feature values. NaN marks slots without an atom and functions that are not defined for an
        atom's element.
    numbers : array-like of int of shape (n_structures, n_atoms_max), default=None
        Atomic numbers, 0 for padding. By default every slot that holds a number is an atom of one
        anonymous element.
    symmetry_functions : sequence, default=None
        One definition per column.
    structures : sequence of ase.Atoms, default=None
        What the values were computed from.

    Attributes
    ----------
    values, numbers, symmetry_functions, structures
        As given, as read-only arrays and tuples. A transformer's values are computed when they
        are needed first.
    n_atoms : ndarray of int of shape (n_structures,)
        Atoms in each structure.

    Raises
    ------
    ValueError
        If the shapes contradict each other or a structure has no atom.

    Examples
    --------
    Two structures, of two atoms and of one atom, with two features:

    >>> from sklearn_agl import AtomicFeatures
    >>> nan = float("nan")
    >>> X = AtomicFeatures([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [nan, nan]]])
    >>> X
    AtomicFeatures(n_structures=2, n_atoms_max=2, n_features=2)
    >>> X.n_atoms
    array([2, 1])
    >>> X[[1]].take_features([0]).values.tolist()
    [[[5.0], [nan]]]
    """

    def __init__(self, values, numbers=None, *, symmetry_functions=None, structures=None):
        if not isinstance(values, np.memmap):  # which tells the name of its file
            values = as_numbers(values, "values")
        if values.ndim != 3:
            raise ValueError(
                "AtomicFeatures needs values of shape (n_structures, n_atoms_max, n_features), "
                f"got an array of {values.ndim} dimensions."
            )
        if numbers is None:
            if not values.shape[2]:
                raise ValueError("values has no feature, so that numbers must say where atoms are.")
            numbers = np.where(np.isnan(values).all(axis=2), 0, ANONYMOUS_ELEMENT)
        self._values, self._evaluation = _read_only(values), None
        self._describe(numbers, symmetry_functions, structures)

    @classmethod
    def deferred(cls, evaluation, numbers, *, symmetry_functions=None, structures=None):
        """Features that are computed when they are needed first.

        Columns that are dropped before, by `take_features`, are never computed.

        Parameters
        ----------
        evaluation : object
            Has `shape`, `dtype`, ``compute()`` and ``take(columns)``.
        numbers : array-like of int of shape (n_structures, n_atoms_max)
            Atomic numbers, 0 for padding.
        symmetry_functions, structures : sequence, default=None
            As in the constructor.

        Returns
        -------
        AtomicFeatures
        """
        self = cls.__new__(cls)
        self._values, self._evaluation = None, evaluation
        self._describe(numbers, symmetry_functions, structures)
        return self

    def _describe(self, numbers, symmetry_functions, structures):
        self.numbers = _read_only(_check_atomic_numbers(numbers))
        self.symmetry_functions = _as_tuple(symmetry_functions)
        self.structures = _as_tuple(structures)
        self._check_shapes()
        self.n_atoms = _read_only(np.count_nonzero(self.numbers, axis=1))
        if len(self) and not self.n_atoms.all():
            raise ValueError(f"Structure {int(np.argmin(self.n_atoms))} has no atom; leave it out.")

    @property
    def values(self) -> np.ndarray:
        """Feature values, of shape (n_structures, n_atoms_max, n_features)."""
        return self.compute()._values

    @property
    def is_computed(self) -> bool:
        """Whether the values are there, or will be computed when they are needed."""
        return self._evaluation is None

    def compute(self) -> Self:
        """Compute the values now if they are not there yet.

        Returns
        -------
        self
        """
        if self._evaluation is not None:
            self._values, self._evaluation = _read_only(self._evaluation.compute()), None
        return self

    def _check_shapes(self):
        n_structures, n_atoms_max, n_features = self.shape
        if self.numbers.shape != (n_structures, n_atoms_max):
            raise ValueError(
                f"numbers has shape {self.numbers.shape}, but values of shape {self.shape} "
                f"need {(n_structures, n_atoms_max)}."
            )
        for name, wanted in (("symmetry_functions", n_features), ("structures", n_structures)):
            given = getattr(self, name)
            if given is not None and len(given) != wanted:
                raise ValueError(f"{name} has {len(given)} entries, but values need {wanted}.")

    def __repr__(self):
        n_structures, n_atoms_max, n_features = self.shape
        return (
            f"AtomicFeatures(n_structures={n_structures}, n_atoms_max={n_atoms_max}, "
            f"n_features={n_features})"
        )

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of `values`: (n_structures, n_atoms_max, n_features)."""
        return (self._values if self.is_computed else self._evaluation).shape

    @property
    def ndim(self) -> int:
        """Always 3."""
        return 3

    @property
    def dtype(self) -> np.dtype:
        """Type of `values`."""
        return (self._values if self.is_computed else self._evaluation).dtype

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.shape[2]

    @property
    def elements(self) -> tuple[int, ...]:
        """Atomic numbers that occur, ascending."""
        return tuple(int(z) for z in np.unique(self.numbers) if z)

    @property
    def feature_names(self) -> np.ndarray | None:
        """Names of the columns (ndarray of str), or None where no definitions are known."""
        if self.symmetry_functions is None:
            return None
        return np.array([function.name for function in self.symmetry_functions], dtype=object)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self.values, dtype=dtype, copy=copy)

    def __getitem__(self, rows: Any) -> "AtomicFeatures":
        """Structures `rows`: any scikit-learn row index; a single integer gives one structure."""
        if isinstance(rows, tuple):
            if len(rows) != 2 or rows[1] is not Ellipsis:
                raise IndexError(
                    "AtomicFeatures takes row indices only; use take_features for columns and "
                    "values for the bare array."
                )
            rows = rows[0]
        if isinstance(rows, number_types.Integral):
            rows = [rows]
        chosen = np.arange(len(self))[rows]
        structures = None
        if self.structures is not None:
            structures = [self.structures[i] for i in chosen]
        return AtomicFeatures(
            self.values[rows],
            self.numbers[rows],
            symmetry_functions=self.symmetry_functions,
            structures=structures,
        )

    def take_features(self, columns: ArrayLike) -> "AtomicFeatures":
        """Keep some columns.

        Parameters
        ----------
        columns : array-like of bool of shape (n_features,) or of int
            Mask or indices.

        Returns
        -------
        AtomicFeatures
            The same structures with the chosen columns.
        """
        chosen = np.arange(self.n_features)[np.asarray(columns)]
        functions = self.symmetry_functions
        about = {
            "symmetry_functions": None if functions is None else [functions[i] for i in chosen],
            "structures": self.structures,
        }
        if not self.is_computed:
            return AtomicFeatures.deferred(self._evaluation.take(chosen), self.numbers, **about)
        return AtomicFeatures(self._values[:, :, chosen], self.numbers, **about)

    def columns_of(self, element: int) -> np.ndarray:
        """Columns that are defined for an element.

        Parameters
        ----------
        element : int
            Atomic number.

        Returns
        -------
        ndarray of int
            Column indices; empty if the element does not occur.
        """
        atoms = self.numbers == element
        if not atoms.any():
            return np.empty(0, dtype=int)
        first = np.unravel_index(np.argmax(atoms), atoms.shape)
        return np.flatnonzero(~np.isnan(self.values[first]))

    def __reduce__(self):
        return _rebuild, (self.values, self.numbers, self.symmetry_functions, self.structures)


def concatenate(parts: Sequence[AtomicFeatures]) -> AtomicFeatures:
    """Join feature tensors of the same columns along their structures.

    Parameters
    ----------
    parts : sequence of AtomicFeatures
        Their numbers of atoms may differ; the shorter ones are padded.

    Returns
    -------
    AtomicFeatures
        All structures in order.

    Raises
    ------
    ValueError
        If the parts have different numbers of features.
    """
    if len({part.n_features for part in parts}) != 1:
        raise ValueError(
            f"Cannot join features of {[part.n_features for part in parts]} columns; "
            "compute them with the same symmetry functions."
        )
    width = max(part.shape[1] for part in parts)
    padding = [((0, 0), (0, width - part.shape[1])) for part in parts]
    structures = None
    if all(part.structures is not None for part in parts):
        structures = [atoms for part in parts for atoms in part.structures]
    return AtomicFeatures(
        np.concatenate(
            [
                np.pad(part.values, (*pad, (0, 0)), constant_values=np.nan)
                for part, pad in zip(parts, padding, strict=True)
            ]
        ),
        np.concatenate(
            [np.pad(part.numbers, pad) for part, pad in zip(parts, padding, strict=True)]
        ),
        symmetry_functions=parts[0].symmetry_functions,
        structures=structures,
    )


def as_atomic_features(X: AtomicFeatures | ArrayLike) -> AtomicFeatures:
    """View a 2-D or 3-D array as AtomicFeatures: a row of a 2-D array is a structure of one atom.

    Parameters
    ----------
    X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
        In a 3-D array, rows of NaN are padding.

    Returns
    -------
    AtomicFeatures
        `X` itself if it is one already.
    """
    if isinstance(X, AtomicFeatures):
        return X
    X = np.asarray(X)
    if X.ndim != 2:
        return AtomicFeatures(X)
    return AtomicFeatures(X[:, None, :], np.full((len(X), 1), ANONYMOUS_ELEMENT))


def is_atomic(X: object) -> bool:
    """Whether `X` holds per-atom features (AtomicFeatures or a 3-D array), not a 2-D table."""
    return isinstance(X, AtomicFeatures) or (isinstance(X, np.ndarray) and X.ndim == 3)


def _read_only(array):
    view = array.view()
    view.flags.writeable = False
    return view


def _check_atomic_numbers(numbers):
    """Atomic numbers as integers."""
    array = np.asarray(numbers)
    if array.dtype.kind in "iu" and (not array.size or array.min() >= 0):
        return array
    array = as_numbers(numbers, "numbers")
    bad = np.argwhere(~((array >= 0) & (array % 1 == 0)))
    if bad.size:
        place = tuple(bad[0].tolist())
        raise ValueError(
            f"numbers{list(place)} is {array[place]:g}; atomic numbers are whole and not negative, "
            "0 for padding."
        )
    return array.astype(np.int64)


def _as_tuple(sequence):
    return None if sequence is None else tuple(sequence)


def _rebuild(values, numbers, symmetry_functions, structures):
    return AtomicFeatures(
        values, numbers, symmetry_functions=symmetry_functions, structures=structures
    )
