"""The features of atoms that travel between the estimators."""

import numbers as number_types
from collections.abc import Sequence
from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_agl._numbers import as_numbers
from sklearn_agl._ragged import offsets_of, pack, pad, rows_of, slots_side_by_side

ANONYMOUS_ELEMENT = 1
"""Atomic number given to the rows of plain arrays, which name no element."""

ROWS_AT_ONCE = 4096
"""Atoms that are looked at together: bounds the memory."""

USE_ROWS = "use atom_values, atom_numbers and offsets."


class AtomicFeatures:
    """Features of every atom of many structures: one row per atom, structure after structure.

    To those who ask, `values` and `numbers` show the same padded to rectangular tensors. The object
    is immutable, and can be sliced by scikit-learn's cross-validation like an array of structures.

    Parameters
    ----------
    values : array-like of shape (n_structures, n_atoms_max, n_features)
        Feature values. NaN marks slots without an atom and functions that are not defined for an
        atom's element. No copy is made where every slot holds an atom.
    numbers : array-like of int of shape (n_structures, n_atoms_max), default=None
        Atomic numbers, 0 for padding. By default every slot that holds a number is an atom of one
        anonymous element.
    symmetry_functions : sequence, default=None
        One definition per column.
    structures : sequence of ase.Atoms, default=None
        What the values were computed from.
    min_range : float, default=0.0
        Columns whose values differ by less over all atoms carry nothing: every selector and the
        regressor leave them out in `fit`, with a warning.

    Attributes
    ----------
    atom_values : ndarray of shape (n_atoms_total, n_features)
        Feature values of the atoms. A transformer's values are computed when they are needed first.
    atom_numbers : ndarray of int of shape (n_atoms_total,)
        Atomic numbers of the atoms.
    offsets : ndarray of int of shape (n_structures + 1,)
        Where each structure's atoms begin among all; the last entry is the number of all atoms.
    n_atoms : ndarray of int of shape (n_structures,)
        Atoms in each structure.
    values, numbers
        Padded, of the shapes above; made when they are asked for first, and then kept.
    symmetry_functions, structures
        As given, as tuples.
    min_range : float
        As given.
    hidden : ndarray of int
        Columns that are left out, see `without`.
    warm_start : object or None
        On what a selector has given: the weights that it has trained on these columns, for a fit
        to just the structures that it was fitted to, see `HDNNPRegressor`. Rows keep it, other
        columns do not.

    Raises
    ------
    ValueError
        If the shapes contradict each other or a structure has no atom.

    See Also
    --------
    AtomicFeatures.from_rows : From rows of atoms, without padding.
    sklearn_agl.features.concatenate : Joins several along their structures.

    Notes
    -----
    All arrays are read-only. The rows take as much memory as there are numbers, whatever the sizes
    of the structures; the estimators of this package work on them alone. The tensor takes
    n_structures times n_atoms_max rows. Asking for one that does not fit into memory is a
    MemoryError.

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
    >>> X.atom_values
    array([[1., 2.],
           [3., 4.],
           [5., 6.]])
    >>> X.offsets
    array([0, 2, 3])
    >>> X[[1]].take_features([0]).values.tolist()
    [[[5.0], [nan]]]
    """

    warm_start: Any = None

    def __init__(
        self, values, numbers=None, *, symmetry_functions=None, structures=None, min_range=0.0
    ):
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
        numbers = _check_atomic_numbers(numbers)
        if numbers.shape != values.shape[:2]:
            raise ValueError(
                f"numbers has shape {numbers.shape}, but values of shape {values.shape} "
                f"need {values.shape[:2]}."
            )
        is_atom = numbers > 0
        self._keep(
            pack(values, is_atom),
            pack(numbers, is_atom),
            np.count_nonzero(is_atom, axis=1),
            width=values.shape[1],
            slots=_slots_of(is_atom),
            symmetry_functions=symmetry_functions,
            structures=structures,
            min_range=min_range,
        )

    @classmethod
    def from_rows(
        cls,
        atom_values,
        atom_numbers=None,
        *,
        n_atoms,
        symmetry_functions=None,
        structures=None,
        min_range=0.0,
    ):
        """Features from one row per atom, structure after structure.

        Parameters
        ----------
        atom_values : array-like of shape (n_atoms_total, n_features)
            Feature values, without a copy. NaN marks functions that are not defined for an atom's
            element.
        atom_numbers : array-like of int of shape (n_atoms_total,), default=None
            Atomic numbers; by default all atoms are of one anonymous element.
        n_atoms : array-like of int of shape (n_structures,)
            Atoms in each structure.
        symmetry_functions, structures : sequence, default=None
            As in the constructor.
        min_range : float, default=0.0
            As in the constructor.

        Returns
        -------
        AtomicFeatures

        Raises
        ------
        ValueError
            If the shapes contradict each other, a structure has no atom, or an atomic number is
            not a whole number above 0.

        Examples
        --------
        >>> from sklearn_agl import AtomicFeatures
        >>> X = AtomicFeatures.from_rows([[1.0], [2.0], [3.0]], [1, 1, 8], n_atoms=[2, 1])
        >>> X.numbers
        array([[1, 1],
               [8, 0]])
        """
        if not isinstance(atom_values, np.memmap):
            atom_values = as_numbers(atom_values, "atom_values")
        if atom_values.ndim != 2:
            raise ValueError(
                "AtomicFeatures.from_rows needs atom_values of shape (n_atoms_total, n_features), "
                f"got an array of {atom_values.ndim} dimensions."
            )
        if atom_numbers is None:
            atom_numbers = np.full(len(atom_values), ANONYMOUS_ELEMENT)
        return cls._of_rows(
            atom_values,
            atom_numbers,
            n_atoms,
            symmetry_functions=symmetry_functions,
            structures=structures,
            min_range=min_range,
        )

    @classmethod
    def deferred(
        cls,
        evaluation,
        atom_numbers,
        *,
        n_atoms,
        symmetry_functions=None,
        structures=None,
        min_range=0.0,
    ):
        """Features that are computed when they are needed first.

        Columns that are dropped before, by `take_features`, are never computed.

        Parameters
        ----------
        evaluation : object
            Has `shape`, (n_atoms_total, n_features), `dtype`, ``compute()``, which returns the rows
            of all atoms, and ``take(columns)``, which returns the same for some columns.
        atom_numbers : array-like of int of shape (n_atoms_total,)
            Atomic numbers.
        n_atoms : array-like of int of shape (n_structures,)
            Atoms in each structure.
        symmetry_functions, structures : sequence, default=None
            As in the constructor.
        min_range : float, default=0.0
            As in the constructor.

        Returns
        -------
        AtomicFeatures
        """
        return cls._of_rows(
            evaluation,
            atom_numbers,
            n_atoms,
            symmetry_functions=symmetry_functions,
            structures=structures,
            min_range=min_range,
        )

    @classmethod
    def _of_rows(cls, rows, atom_numbers, n_atoms, **about):
        """See `_keep`."""
        self = cls.__new__(cls)
        self._keep(rows, atom_numbers, n_atoms, **about)
        return self

    def _keep(
        self, rows, atom_numbers, n_atoms, *, symmetry_functions, structures, min_range,
        hidden=(), width=None, slots=None,
    ):  # fmt: skip
        """Take over rows, an array or what computes one; `width` and `slots` as in `pad`."""
        is_array = isinstance(rows, np.ndarray)
        self._rows = _read_only(rows) if is_array else None
        self._evaluation = None if is_array else rows
        self.atom_numbers = _read_only(_check_atomic_numbers(atom_numbers))
        self.n_atoms = _read_only(_check_sizes(n_atoms))
        self.offsets = _read_only(offsets_of(self.n_atoms))
        self._width = int(self.n_atoms.max(initial=0)) if width is None else width
        self._slots = slots
        self._tensors = {}
        self.symmetry_functions = _as_tuple(symmetry_functions)
        self.structures = _as_tuple(structures)
        self.min_range = _check_min_range(min_range)
        self.hidden = _read_only(np.array(hidden, dtype=np.intp))
        self._ranges: np.ndarray | None = None
        self._check_lengths(len(rows) if is_array else rows.shape[0])

    def _check_lengths(self, n_rows):
        if self.atom_numbers.shape != (n_rows,):
            raise ValueError(
                f"atom_numbers has shape {self.atom_numbers.shape}, but there are {n_rows} rows of "
                f"values: it needs {(n_rows,)}."
            )
        if self.offsets[-1] != n_rows:
            raise ValueError(
                f"n_atoms adds up to {self.offsets[-1]}, but there are {n_rows} rows of values."
            )
        if not self.atom_numbers.all():
            atom = int(np.argmin(self.atom_numbers))
            raise ValueError(f"atom_numbers[{atom}] is 0, which is no atom; leave it out.")
        for name, wanted in (("symmetry_functions", self.n_features), ("structures", len(self))):
            given = getattr(self, name)
            if given is not None and len(given) != wanted:
                raise ValueError(f"{name} has {len(given)} entries, but values need {wanted}.")

    @property
    def atom_values(self) -> np.ndarray:
        """Feature values of the atoms, of shape (n_atoms_total, n_features)."""
        return self.compute()._rows

    @property
    def values(self) -> np.ndarray:
        """Feature values, padded to the shape (n_structures, n_atoms_max, n_features)."""
        return self._padded("values", self.atom_values, np.nan)

    @property
    def numbers(self) -> np.ndarray:
        """Atomic numbers, padded to the shape (n_structures, n_atoms_max)."""
        return self._padded("numbers", self.atom_numbers, 0)

    def _padded(self, name, rows, fill):
        if name not in self._tensors:
            tensor = pad(
                rows, self.n_atoms, self._width, slots=self._slots, fill=fill, cure=USE_ROWS
            )
            self._tensors[name] = _read_only(tensor)
        return self._tensors[name]

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
            self._rows, self._evaluation = _read_only(self._evaluation.compute()), None
        return self

    def __repr__(self):
        n_structures, n_atoms_max, n_features = self.shape
        return (
            f"AtomicFeatures(n_structures={n_structures}, n_atoms_max={n_atoms_max}, "
            f"n_features={n_features})"
        )

    def __len__(self) -> int:
        return len(self.n_atoms)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of `values`: (n_structures, n_atoms_max, n_features)."""
        return len(self), self._width, self.n_features

    @property
    def ndim(self) -> int:
        """Always 3."""
        return 3

    @property
    def dtype(self) -> np.dtype:
        """Type of `values`."""
        return (self._rows if self.is_computed else self._evaluation).dtype

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return (self._rows if self.is_computed else self._evaluation).shape[1]

    @property
    def elements(self) -> tuple[int, ...]:
        """Atomic numbers that occur, ascending."""
        return tuple(np.unique(self.atom_numbers).tolist())

    @property
    def feature_names(self) -> np.ndarray | None:
        """Names of the columns (ndarray of str), or None where no definitions are known."""
        if self.symmetry_functions is None:
            return None
        return np.array([function.name for function in self.symmetry_functions], dtype=object)

    def to_frame(self):
        """The features as a table of all atoms.

        Returns
        -------
        pandas.DataFrame
            One row per atom, by number of the structure and of the atom in it; the first column is
            the element, the others are the features, NaN where one is not defined for the element.
            Columns without names are called x0, x1, ...

        Raises
        ------
        ImportError
            If pandas is not installed.

        See Also
        --------
        AtomPooler : One row per structure, as scikit-learn's own estimators want it.

        Examples
        --------
        >>> from sklearn_agl import AtomicFeatures
        >>> X = AtomicFeatures.from_rows([[1.0], [2.0], [3.0]], [1, 1, 8], n_atoms=[2, 1])
        >>> X.to_frame()
                       element   x0
        structure atom
        0         0          H  1.0
                  1          H  2.0
        1         0          O  3.0
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_frame needs pandas: pip install pandas") from error
        from ase.data import chemical_symbols  # features alone do without ASE

        structures = np.repeat(np.arange(len(self)), self.n_atoms)
        atoms = np.arange(len(structures)) - self.offsets[structures]
        index = pd.MultiIndex.from_arrays([structures, atoms], names=["structure", "atom"])
        names = self.feature_names
        if names is None:
            names = [f"x{column}" for column in range(self.n_features)]
        table = pd.DataFrame(self.atom_values, index, names)
        table.insert(0, "element", [chemical_symbols[z] for z in self.atom_numbers])
        return table

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
        atoms = self._atoms_of(rows, chosen)
        structures = None
        if self.structures is not None:
            structures = [self.structures[i] for i in chosen]
        return AtomicFeatures._of_rows(
            _pick(self.atom_values, atoms),
            _pick(self.atom_numbers, atoms),
            self.n_atoms[chosen],
            width=self._width,
            slots=None if self._slots is None else _pick(self._slots, atoms),
            symmetry_functions=self.symmetry_functions,
            structures=structures,
            min_range=self.min_range,
            hidden=self.hidden,
        ).with_warm_start(self.warm_start)

    def with_warm_start(self, warm_start: Any) -> Self:
        """The same features with the weights that a selector has trained on these columns.

        Parameters
        ----------
        warm_start : object or None
            What `warm_start` shall be.

        Returns
        -------
        AtomicFeatures
            A shallow copy.
        """
        other = copy(self)
        other.warm_start = warm_start
        return other

    def __copy__(self):
        other = self.__class__.__new__(self.__class__)
        vars(other).update(vars(self))
        return other

    def _atoms_of(self, rows, chosen):
        """Row numbers of the atoms of structures; a slice, for views, where they allow it."""
        if isinstance(rows, slice):
            first, last, step = rows.indices(len(self))
            if step == 1:
                return slice(self.offsets[first], self.offsets[max(first, last)])
        return rows_of(self.offsets, chosen)

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
        if self.is_computed:
            rows = np.asarray(self._rows).take(chosen, axis=1)
        else:
            rows = self._evaluation.take(chosen)
        functions = None if functions is None else [functions[i] for i in chosen]
        return self._like(rows, functions, np.flatnonzero(np.isin(chosen, self.hidden)))

    def with_rows(self, atom_values: ArrayLike, symmetry_functions=None) -> "AtomicFeatures":
        """The same atoms with other features.

        Parameters
        ----------
        atom_values : array-like of shape (n_atoms_total, n_features)
            One row per atom.
        symmetry_functions : sequence, default=None
            One definition per column.

        Returns
        -------
        AtomicFeatures
        """
        return self._like(as_numbers(atom_values, "atom_values"), symmetry_functions)

    def without(self, columns: ArrayLike) -> "AtomicFeatures":
        """The same features, of which some columns are no element's: estimators leave them out.

        Parameters
        ----------
        columns : array-like of int
            Columns, which keep their places.

        Returns
        -------
        AtomicFeatures
            Shares its arrays with this one.
        """
        rows = self._rows if self.is_computed else self._evaluation
        return self._like(rows, self.symmetry_functions, np.union1d(self.hidden, columns))

    def _like(self, rows, symmetry_functions, hidden=()):
        return AtomicFeatures._of_rows(
            rows,
            self.atom_numbers,
            self.n_atoms,
            width=self._width,
            slots=self._slots,
            symmetry_functions=symmetry_functions,
            structures=self.structures,
            min_range=self.min_range,
            hidden=hidden,
        )

    def ranges(self) -> np.ndarray:
        """How far the values of each column reach: the largest less the smallest.

        Returns
        -------
        ndarray of shape (n_features,)
            Over the atoms that have the column; NaN if none has it.

        Examples
        --------
        >>> from sklearn_agl import AtomicFeatures
        >>> AtomicFeatures.from_rows([[1.0, 5.0], [3.0, 5.0]], n_atoms=[1, 1]).ranges()
        array([2., 0.])
        """
        if self._ranges is None:
            low, high = np.full((2, self.n_features), np.nan)
            for first in range(0, len(self.atom_values), ROWS_AT_ONCE):
                rows = self.atom_values[first : first + ROWS_AT_ONCE]
                low = np.fmin(low, np.fmin.reduce(rows, axis=0))
                high = np.fmax(high, np.fmax.reduce(rows, axis=0))
            self._ranges = _read_only(high - low)
        return self._ranges

    def negligible_features(self) -> np.ndarray:
        """Columns that carry nothing: their values differ by less than `min_range`.

        Whatever their size, standardising would lift them to that of all others, and a network
        would learn their few outliers by heart. The rule is that of n2p2's ``nnp-prune range``.

        Returns
        -------
        ndarray of int
            Column indices, without those that are left out already.

        Examples
        --------
        >>> from sklearn_agl import AtomicFeatures
        >>> rows = [[1.0, 5e-9], [3.0, 0.0]]
        >>> AtomicFeatures.from_rows(rows, n_atoms=[1, 1], min_range=1e-3).negligible_features()
        array([1])
        """
        if self.min_range == 0.0:
            return np.empty(0, dtype=np.intp)
        return np.setdiff1d(np.flatnonzero(self.ranges() < self.min_range), self.hidden)

    def columns_of(self, element: int) -> np.ndarray:
        """Columns that are defined for an element.

        Parameters
        ----------
        element : int
            Atomic number.

        Returns
        -------
        ndarray of int
            Column indices, without those that are left out; empty if the element does not occur.
        """
        atoms = self.atom_numbers == element
        if not atoms.any():
            return np.empty(0, dtype=int)
        defined = ~np.isnan(self.atom_values[np.argmax(atoms)])
        defined[self.hidden] = False
        return np.flatnonzero(defined)

    def composition(self, elements: Sequence[int] | None = None) -> np.ndarray:
        """Atoms of each element in each structure.

        Parameters
        ----------
        elements : sequence of int, default=None
            Atomic numbers; by default all that occur, ascending.

        Returns
        -------
        ndarray of int of shape (n_structures, n_elements)

        Examples
        --------
        >>> from sklearn_agl import AtomicFeatures
        >>> X = AtomicFeatures.from_rows([[1.0], [2.0], [3.0]], [1, 1, 8], n_atoms=[2, 1])
        >>> X.composition()
        array([[2, 0],
               [0, 1]])
        """
        elements = self.elements if elements is None else elements
        counts = np.empty((len(self), len(elements)), dtype=np.int64)
        for column, element in zip(counts.T, elements, strict=True):
            column[:] = np.add.reduceat(
                self.atom_numbers == element, self.offsets[:-1], dtype=np.int64
            )
        return counts

    def locate(self, atom: int) -> tuple[int, int]:
        """Where one of all atoms belongs.

        Parameters
        ----------
        atom : int
            Row of `atom_values`.

        Returns
        -------
        structure : int
            Row of `values`.
        slot : int
            Where the atom lies in that row.

        Examples
        --------
        >>> from sklearn_agl import AtomicFeatures
        >>> AtomicFeatures.from_rows([[1.0], [2.0], [3.0]], n_atoms=[1, 2]).locate(2)
        (1, 1)
        """
        structure = int(np.searchsorted(self.offsets, atom, side="right")) - 1
        slot = atom - self.offsets[structure] if self._slots is None else self._slots[atom]
        return structure, int(slot)

    def __reduce__(self):
        arrays = self.atom_values, self.atom_numbers, self.n_atoms, self._width, self._slots
        about = self.symmetry_functions, self.structures, self.min_range, self.hidden
        more = None if self.warm_start is None else {"warm_start": self.warm_start}
        return _rebuild_from_rows, (*arrays, *about), more


def concatenate(parts: Sequence[AtomicFeatures]) -> AtomicFeatures:
    """Join features of the same columns along their structures.

    Parameters
    ----------
    parts : sequence of AtomicFeatures
        Their numbers of atoms may differ.

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
    structures = slots = None
    if all(part.structures is not None for part in parts):
        structures = [atoms for part in parts for atoms in part.structures]
    if any(part._slots is not None for part in parts):
        slots = np.concatenate(
            [
                slots_side_by_side(part.n_atoms) if part._slots is None else part._slots
                for part in parts
            ]
        )
    return AtomicFeatures._of_rows(
        np.concatenate([part.atom_values for part in parts]),
        np.concatenate([part.atom_numbers for part in parts]),
        np.concatenate([part.n_atoms for part in parts]),
        width=max(part.shape[1] for part in parts),
        slots=slots,
        symmetry_functions=parts[0].symmetry_functions,
        structures=structures,
        min_range=parts[0].min_range,
        hidden=parts[0].hidden,
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
    return AtomicFeatures.from_rows(X, n_atoms=np.ones(len(X), dtype=int))


def is_atomic(X: object) -> bool:
    """Whether `X` holds per-atom features (AtomicFeatures or a 3-D array), not a 2-D table."""
    return isinstance(X, AtomicFeatures) or (isinstance(X, np.ndarray) and X.ndim == 3)


def _read_only(array):
    view = array.view()
    view.flags.writeable = False
    return view


def _pick(array, rows):
    """A view for a slice, else a copy, which `take` makes in half the time that an index needs."""
    return array[rows] if isinstance(rows, slice) else np.asarray(array).take(rows, axis=0)


def _slots_of(is_atom):
    """Where the atoms of each structure lie, None if that is from the first slot on."""
    if np.all(is_atom[:, :-1] >= is_atom[:, 1:]):
        return None
    return np.nonzero(is_atom)[1]


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


def _check_sizes(n_atoms):
    """Numbers of atoms as integers."""
    array = np.asarray(n_atoms)
    if array.dtype.kind not in "iu":
        array = as_numbers(n_atoms, "n_atoms")
    bad = np.flatnonzero(~((array >= 1) & (array % 1 == 0)))
    if array.ndim != 1 or bad.size:
        raise ValueError(_wrong_sizes(array, bad))
    return array.astype(np.int64, copy=False)


def _wrong_sizes(array, bad):
    if array.ndim != 1:
        return f"n_atoms has {array.ndim} dimensions; give one number of atoms per structure."
    if array[bad[0]] == 0:
        return f"Structure {bad[0]} has no atom; leave it out."
    return f"n_atoms[{bad[0]}] is {array[bad[0]]:g}; it must be a whole number above 0."


def _check_min_range(min_range):
    if not isinstance(min_range, number_types.Real) or not 0.0 <= min_range < np.inf:
        raise ValueError(f"min_range must be a number of at least 0, got {min_range!r}.")
    return float(min_range)


def _as_tuple(sequence):
    return None if sequence is None else tuple(sequence)


def _rebuild_from_rows(
    atom_values, atom_numbers, n_atoms, width, slots, symmetry_functions, structures, min_range,
    hidden,
):  # fmt: skip
    return AtomicFeatures._of_rows(
        atom_values,
        atom_numbers,
        n_atoms,
        width=width,
        slots=slots,
        symmetry_functions=symmetry_functions,
        structures=structures,
        min_range=min_range,
        hidden=hidden,
    )


def _rebuild(values, numbers, symmetry_functions, structures):
    """What pickles ask for that were written when the values were padded."""
    return AtomicFeatures(
        values, numbers, symmetry_functions=symmetry_functions, structures=structures
    )
