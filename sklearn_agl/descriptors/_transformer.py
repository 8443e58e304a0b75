"""The estimator that turns structures into symmetry function values."""

import itertools
from numbers import Real

import numpy as np
from ase.data import atomic_numbers, chemical_symbols
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..features import AtomicFeatures
from ._codegen import compile_kernel
from ._cutoffs import CUTOFFS
from ._definitions import SymmetryFunction, expand_symmetry_functions
from ._kernels import allocate_scratch
from ._neighbors import check_structures, find_neighbors
from ._plan import make_plan
from ._presets import automatic_symmetry_functions, symmetry_function_preset
from ._progress import progress_bar

CHUNKS_PER_JOB = 8
"""Pieces of work per thread: enough to balance structures of different sizes."""


class SymmetryFunctionTransformer(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Describe every atom of every structure by atom-centred symmetry functions.

    Parameters
    ----------
    symmetry_functions : str or sequence of SymmetryFunction, default="auto"
        "auto" (a modest set for any elements), the name of a set
        (see `symmetry_function_preset`), or definitions.
    r_cut : float, default=6.0
        Cutoff radius of all functions that name none, in the structures' unit of length.
    cutoff : {"cosine", "poly2"}, default="poly2"
        Cutoff function of all functions that name none.
    elements : sequence of str or int, default=None
        Chemical symbols or atomic numbers. None: the elements seen in `fit`.
    dtype : {"float64", "float32"}, default="float64"
        Type of the result. The computation itself is done in double precision.
    n_jobs : int, default=None
        Number of threads. The result does not depend on it.
    verbose : bool or int, default=False
        Whether to show progress: a bar if tqdm is installed, else a line now and then.

    Attributes
    ----------
    elements_ : ndarray of int of shape (n_elements,)
        Atomic numbers, ascending.
    symmetry_functions_ : tuple of SymmetryFunction
        One complete definition per column: by central element (ascending atomic number), then in
        the order given, then by neighbour elements (ascending).
    n_features_out_ : int
        Number of columns.

    See Also
    --------
    sklearn_agl.descriptors.symmetry_function_preset : Named sets.
    sklearn_agl.descriptors.symmetry_function_grid : Sets by published rules.
    sklearn_agl.features.AtomicFeatures : The result.

    Notes
    -----
    Formulas: see `SymmetryFunction`. The unit of length is that of the structures; nothing is
    converted. The first use of a new kind of set compiles a kernel, which takes some seconds and
    is kept in the folder ``$SKLEARN_AGL_CACHE_DIR`` (default: the user's cache folder).

    References
    ----------
    J. Behler, J. Chem. Phys. 134, 074106 (2011).

    Examples
    --------
    >>> from ase.build import bulk
    >>> from sklearn_agl.descriptors import SymmetryFunctionTransformer
    >>> structures = [bulk("Al", cubic=True), bulk("Al") * (2, 1, 1)]
    >>> transformer = SymmetryFunctionTransformer("al-22").fit(structures)
    >>> transformer.transform(structures)
    AtomicFeatures(n_structures=2, n_atoms_max=4, n_features=22)
    >>> transformer.get_feature_names_out()[0]
    'Al|G2(Al, eta=0.0013, r_s=0, r_cut=6.8)'
    """

    _parameter_constraints: dict = {
        "symmetry_functions": [str, "array-like"],
        "r_cut": [Interval(Real, 0, None, closed="neither")],
        "cutoff": [StrOptions(set(CUTOFFS))],
        "elements": ["array-like", None],
        "dtype": [StrOptions({"float64", "float32"})],
        "n_jobs": [int, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        symmetry_functions="auto",
        *,
        r_cut=6.0,
        cutoff="poly2",
        elements=None,
        dtype="float64",
        n_jobs=None,
        verbose=False,
    ):
        self.symmetry_functions = symmetry_functions
        self.r_cut = r_cut
        self.cutoff = cutoff
        self.elements = elements
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, structures, y=None):
        """Learn the elements and complete the definitions for them.

        Parameters
        ----------
        structures : sequence of ase.Atoms
            Any mix of sizes, elements, cells and periodicity.
        y : None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a structure is unsound (see `transform`), or the definitions do not fit the elements.
        """
        structures = _check_input(structures)
        if self.elements is None:
            elements = np.unique(np.concatenate([atoms.numbers for atoms in structures]))
        else:
            elements = np.unique([_atomic_number(element) for element in self.elements])
            _check_elements(structures, elements)
        self.elements_ = elements.astype(np.int64)
        self.symmetry_functions_ = expand_symmetry_functions(
            self._definitions(), self.elements_, r_cut=self.r_cut, cutoff=self.cutoff
        )
        self.n_features_out_ = len(self.symmetry_functions_)
        return self

    def transform(self, structures):
        """Compute the symmetry functions.

        Parameters
        ----------
        structures : sequence of ase.Atoms
            Any mix of sizes, elements, cells and periodicity.

        Returns
        -------
        AtomicFeatures
            Values of shape (n_structures, n_atoms_max, n_features), with NaN where there is
            no atom and where a function belongs to another central element.

        Raises
        ------
        ValueError
            With the index of the structure and the cure: if an entry is no ase.Atoms, a structure
            is empty, has positions that are not finite, two atoms at one point, a periodic cell
            without volume, or an element that was not seen in `fit`.
        """
        check_is_fitted(self)
        structures = _check_input(structures)
        _check_elements(structures, self.elements_)
        numbers = _padded_numbers(structures)
        values = np.full((*numbers.shape, self.n_features_out_), np.nan, dtype=self.dtype)
        for row, computed in zip(values, self._compute(structures), strict=True):
            row[: len(computed)] = computed
        return AtomicFeatures(
            values,
            numbers,
            symmetry_functions=self.symmetry_functions_,
            structures=structures,
        )

    def get_feature_names_out(self, input_features=None):
        """Names of the columns.

        Parameters
        ----------
        input_features : None
            Ignored: the input has no columns.

        Returns
        -------
        ndarray of str of shape (n_features,)
        """
        check_is_fitted(self)
        return np.array([function.name for function in self.symmetry_functions_], dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        tags.no_validation = True
        return tags

    def _definitions(self):
        if isinstance(self.symmetry_functions, str):
            if self.symmetry_functions == "auto":
                return automatic_symmetry_functions(self.r_cut)
            return symmetry_function_preset(self.symmetry_functions)
        functions = list(self.symmetry_functions)
        for function in functions:
            if not isinstance(function, SymmetryFunction):
                raise ValueError(
                    "symmetry_functions must be 'auto', the name of a set, or a sequence of "
                    f"SymmetryFunction; it contains {function!r}."
                )
        if not functions:
            raise ValueError("symmetry_functions is empty; give at least one function.")
        return functions

    def _compute(self, structures):
        """Yield the values of one structure after the other, each (n_atoms, n_features)."""
        plan = make_plan(self.symmetry_functions_, self.elements_)
        n_chunks = min(len(structures), CHUNKS_PER_JOB * effective_n_jobs(self.n_jobs))
        bounds = np.linspace(0, len(structures), n_chunks + 1).astype(int)
        calls = (
            delayed(_compute_chunk)(start, structures[start:end], self.elements_, plan)
            for start, end in itertools.pairwise(bounds)
        )
        parallel = Parallel(n_jobs=self.n_jobs, prefer="threads", return_as="generator")
        with progress_bar(len(structures), "symmetry functions", self.verbose) as advance:
            for chunk in parallel(calls):
                yield from chunk
                advance(len(chunk))


def _compute_chunk(start, structures, elements, plan):
    evaluate = compile_kernel(plan.shapes, plan.cutoffs)
    results = []
    for index, atoms in enumerate(structures, start):
        species = np.searchsorted(elements, atoms.numbers)
        neighbors = find_neighbors(atoms, plan.r_cut)
        scratch = allocate_scratch(neighbors.pairs, len(atoms), len(elements))
        values = np.where(plan.defined[species], 0.0, np.nan)
        clash = evaluate(neighbors, species, plan.arrays, scratch, values)
        if clash >= 0:
            raise ValueError(
                f"Structure {index} has two atoms at one point: atom {clash} and another one at "
                f"{atoms.positions[clash].tolist()}. Remove one of them."
            )
        results.append(values)
    return results


def _check_input(structures):
    if isinstance(structures, AtomicFeatures):
        raise ValueError(
            "Got AtomicFeatures, which hold symmetry functions already; give the structures "
            "(a list of ase.Atoms), or leave this step out."
        )
    return check_structures(structures)


def _check_elements(structures, elements):
    for index, atoms in enumerate(structures):
        unknown = np.setdiff1d(atoms.numbers, elements)
        if unknown.size:
            known = [chemical_symbols[z] for z in elements]
            raise ValueError(
                f"Structure {index} contains {chemical_symbols[unknown[0]]}, but the transformer "
                f"knows {known} only. Fit it on structures with that element, or name all elements "
                "in elements=."
            )


def _atomic_number(element):
    number = atomic_numbers.get(element, 0) if isinstance(element, str) else element
    if isinstance(number, (bool, float)) or not 0 < number < len(chemical_symbols):
        raise ValueError(f"Unknown element {element!r} in elements; write for example 'Si' or 14.")
    return int(number)


def _padded_numbers(structures):
    numbers = np.zeros((len(structures), max(map(len, structures))), dtype=np.int64)
    for row, atoms in zip(numbers, structures, strict=True):
        row[: len(atoms)] = atoms.numbers
    return numbers
