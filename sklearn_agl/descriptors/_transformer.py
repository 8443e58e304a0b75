"""The estimator that turns structures into symmetry function values."""

import os
from collections.abc import Iterator
from numbers import Real

import numpy as np
from ase.data import chemical_symbols
from joblib.parallel import SequentialBackend, ThreadingBackend, get_active_backend
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_agl._elements import check_elements
from sklearn_agl._labels import copy_with_labels
from sklearn_agl._sklearn import Interval, StrOptions, _fit_context
from sklearn_agl.descriptors._containers import as_list
from sklearn_agl.descriptors._definitions import R_CUT, SymmetryFunction, expand_symmetry_functions
from sklearn_agl.descriptors._evaluation import Evaluation, make_batches, sparse_jacobian
from sklearn_agl.descriptors._jacobian import JacobianProducts
from sklearn_agl.descriptors._names import table_of_functions
from sklearn_agl.descriptors._presets import (
    BY_RADIUS,
    PRESETS,
    symmetry_function_preset,
)
from sklearn_agl.descriptors._structures import check_structures
from sklearn_agl.descriptors.kernels._cells import make_batch
from sklearn_agl.descriptors.kernels._cutoffs import CUTOFFS
from sklearn_agl.descriptors.kernels._kernel_plan import Planner
from sklearn_agl.features import AtomicFeatures


class SymmetryFunctionTransformer(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Describe every atom of every structure by atom-centred symmetry functions.

    Parameters
    ----------
    symmetry_functions : str, path or sequence of SymmetryFunction, default="auto"
        Two sets are for any elements and follow `r_cut`: "auto", with 8 radial functions per
        neighbour element and 8 angular ones per pair, and "rich", candidates to select from, with
        28 and 72; both are weighted from five elements on. Else the name of a set (see
        `symmetry_function_preset`), definitions, or an ``input.nn`` of n2p2 or RuNNer in the
        structures' unit of length (`sklearn_agl.io.read_symmetry_functions` converts units).
    r_cut : float, default=6.0
        Cutoff radius of all functions that name none, in the structures' unit of length.
    cutoff : str, default="poly2"
        Cutoff function of all functions that name none: "cosine", "tanh", "tanhu", "exp", "poly1",
        "poly2", "poly3", "poly4" or "hard".
    elements : sequence of str or int, default=None
        Chemical symbols or atomic numbers. None: the elements seen in `fit`.
    min_range : float, default=1e-3
        Functions whose values differ by less over all atoms carry nothing. The result tells which
        these are (`AtomicFeatures.negligible_features`), and every selector and the regressor leave
        them out in `fit`, with a warning. A neighbour within reach adds up to 1 to a value. With 0,
        nothing is left out.
    dtype : {"float64", "float32"}, default="float64"
        Type of the result. The computation itself is done in double precision.
    energy_key, forces_key, stress_key : str, default=None
        Names of the energy and the stress in ``atoms.info`` and of the forces in ``atoms.arrays``,
        such as "REF_energy" and "REF_forces", that potentials and selectors behind this step shall
        train on. By default those that a calculator has left in the structure.
    memmap_folder : str or path, default=None
        Folder in which `transform` writes its values to a new file and maps it into memory, for
        results that are larger than memory: one row per atom. The file,
        ``X.atom_values.filename``, is yours to remove.
    n_jobs : int, default=None
        Number of threads, or of whatever ``joblib.parallel_config`` asks for. The result does not
        depend on it.
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
    converted.

    `transform` checks and copies the structures and returns at once; the values are computed when
    they are needed first. So a pipeline with a selector behind this step evaluates in ``predict``
    the selected functions only. `fit_transform`, a `memmap_folder`, a ``joblib.parallel_config``
    around the call and ``X.compute()`` compute at once.

    The first use of a new kind of set compiles a kernel, which takes some seconds and
    is kept in the folder ``$SKLEARN_AGL_CACHE_DIR`` (default: the user's cache folder).

    References
    ----------
    J. Behler, J. Chem. Phys. 134, 074106 (2011);
    M. Gastegger et al., J. Chem. Phys. 148, 241709 (2018).

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
        "symmetry_functions": [str, os.PathLike, "array-like"],
        "r_cut": [R_CUT],
        "cutoff": [StrOptions(set(CUTOFFS))],
        "elements": ["array-like", None],
        "min_range": [Interval(Real, 0, None, closed="left")],
        "dtype": [StrOptions({"float64", "float32"})],
        "energy_key": [str, None],
        "forces_key": [str, None],
        "stress_key": [str, None],
        "memmap_folder": [str, os.PathLike, None],
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
        min_range=1e-3,
        dtype="float64",
        energy_key=None,
        forces_key=None,
        stress_key=None,
        memmap_folder=None,
        n_jobs=None,
        verbose=False,
    ):
        self.symmetry_functions = symmetry_functions
        self.r_cut = r_cut
        self.cutoff = cutoff
        self.elements = elements
        self.min_range = min_range
        self.dtype = dtype
        self.energy_key = energy_key
        self.forces_key = forces_key
        self.stress_key = stress_key
        self.memmap_folder = memmap_folder
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
            If a structure is unsound (see `transform`), the definitions do not fit the elements, or
            no structure has a label of the name given.
        """
        structures = _check_input(structures)
        self._check_keys(structures)
        if self.elements is None:
            elements = np.unique(np.concatenate([atoms.numbers for atoms in structures]))
        else:
            elements = check_elements(self.elements)
            _check_elements(structures, elements)
        self.elements_ = elements.astype(np.int64)
        self.symmetry_functions_ = expand_symmetry_functions(
            self._definitions(), self.elements_, r_cut=self.r_cut, cutoff=self.cutoff
        )
        self.n_features_out_ = len(self.symmetry_functions_)
        self._planner = Planner(self.symmetry_functions_, self.elements_)
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
            One row per atom, with NaN where a function belongs to another central element; its
            `values` are of shape (n_structures, n_atoms_max, n_features), with NaN also where
            there is no atom.

        Raises
        ------
        ValueError
            With the index of the structure and the cure: if an entry is no ase.Atoms, a structure
            is empty, has positions that are not finite or too far away, two atoms at one point, a
            periodic cell without volume or far smaller than the cutoff radius, or an element that
            was not seen in `fit`.
        """
        structures, batches = self._batches(structures)
        numbers = np.concatenate([atoms.numbers for atoms in structures])
        evaluation = Evaluation(
            batches=batches,
            planner=self._planner,
            columns=None,
            shape=(len(numbers), self.n_features_out_),
            dtype=np.dtype(self.dtype),
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        # Copies: derivatives must belong to the values, even if the structures change later.
        keys = self.energy_key, self.forces_key, self.stress_key
        copies = [copy_with_labels(atoms, *keys) for atoms in structures]
        about = {
            "n_atoms": [len(atoms) for atoms in structures],
            "symmetry_functions": self.symmetry_functions_,
            "structures": copies,
            "min_range": self.min_range,
        }
        if self.memmap_folder is not None:
            rows = evaluation.compute_into_file(self.memmap_folder)
            return AtomicFeatures.from_rows(rows, numbers, **about)
        X = AtomicFeatures.deferred(evaluation, numbers, **about)
        if _in_parallel_context():
            X.compute()
        return X

    def fit_transform(self, structures, y=None, **fit_params):
        """Fit, then compute the symmetry functions of the same structures at once.

        Parameters
        ----------
        structures : sequence of ase.Atoms
            Any mix of sizes, elements, cells and periodicity.
        y : None
            Ignored.
        **fit_params
            Ignored.

        Returns
        -------
        AtomicFeatures
            As from `transform`.
        """
        if isinstance(structures, Iterator):
            structures = as_list(structures)  # which can be gone through once only
        return self.fit(structures).transform(structures).compute()

    def vjp(self, structures, vectors):
        r"""Product of vectors with the Jacobian: derivatives of one number per structure.

        With :math:`v = \partial E / \partial G` these are the gradients
        :math:`\partial E / \partial r` (forces with the other sign) and the derivatives by a
        homogeneous strain (the virial with the other sign; divided by the volume, the stress).

        Parameters
        ----------
        structures : sequence of ase.Atoms
            Any mix of sizes, elements, cells and periodicity.
        vectors : array-like of shape (n_structures, n_atoms_max, n_features)
            One number per value of `transform`. Padding, and what is NaN there, is ignored.

        Returns
        -------
        gradients : list of ndarray of shape (n_atoms, 3)
            Per structure, the derivatives of ``sum(vectors * values)`` by the positions.
        strain_gradients : ndarray of shape (n_structures, 3, 3)
            The derivatives by strains e, where positions and cell vectors r become r (1 + e).

        Raises
        ------
        ValueError
            If the vectors have the wrong shape; for unsound structures see `transform`.

        Examples
        --------
        >>> import numpy as np
        >>> from ase import Atoms
        >>> from sklearn_agl import SymmetryFunction, SymmetryFunctionTransformer
        >>> pair = [Atoms("H2", positions=[[0, 0, 0], [0, 0, 1.5]])]
        >>> functions = [SymmetryFunction("G1", r_cut=3.0, cutoff="cosine")]
        >>> transformer = SymmetryFunctionTransformer(functions).fit(pair)
        >>> gradients, _ = transformer.vjp(pair, np.ones((1, 2, 1)))
        >>> gradients[0].round(3)  # of two times f_c(1.5): pi / 6 for each atom
        array([[ 0.   ,  0.   ,  1.047],
               [ 0.   ,  0.   , -1.047]])
        """
        return self._products(structures).vjp(vectors)

    def jvp(self, structures, displacements, strains=None):
        """Product of the Jacobian with vectors: change of the values when atoms move.

        Parameters
        ----------
        structures : sequence of ase.Atoms
            Any mix of sizes, elements, cells and periodicity.
        displacements : sequence of array-like of shape (n_atoms, 3)
            How the atoms of each structure move.
        strains : array-like of shape (n_structures, 3, 3), default=None
            How space deforms: positions and cell vectors r become r (1 + e).

        Returns
        -------
        ndarray of shape (n_structures, n_atoms_max, n_features)
            The change of every value of `transform` to first order, NaN where that is NaN.

        Raises
        ------
        ValueError
            If a displacement has the wrong shape; for unsound structures see `transform`.
        """
        return self._products(structures).jvp(displacements, strains)

    def jacobian(self, structures):
        """The whole Jacobian of each structure, as a sparse matrix.

        For products with vectors, `vjp` and `jvp` cost a small fraction of this.

        Parameters
        ----------
        structures : sequence of ase.Atoms
            Any mix of sizes, elements, cells and periodicity.

        Returns
        -------
        list of scipy.sparse.csr_array of shape (n_atoms * n_features, n_atoms * 3)
            Row ``i * n_features + m`` holds the derivatives of function m of atom i, column
            ``j * 3 + c`` those by component c of atom j.
        """
        structures, _ = self._batches(structures)
        plan = self._planner.plan()
        return [sparse_jacobian(make_batch([atoms], self.elements_), plan) for atoms in structures]

    def set_output(self, *, transform=None):
        """Do nothing: features of atoms are no table, whatever the steps behind this one return.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Ignored here, so that ``Pipeline.set_output`` reaches steps that make tables, such as
            `AtomPooler`. ``X.to_frame()`` is a table of all atoms.

        Returns
        -------
        self
        """
        return self

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

    def to_frame(self):
        """The functions as a table, one row for each column of the result.

        Returns
        -------
        pandas.DataFrame
            Kind, central element, neighbours, and the parameters that any of them has, under names
            such as "G2 #7", of kind and column.

        Raises
        ------
        ImportError
            If pandas is not installed.

        Examples
        --------
        >>> from ase.build import bulk
        >>> from sklearn_agl import SymmetryFunctionTransformer
        >>> table = SymmetryFunctionTransformer("al-22").fit([bulk("Al")]).to_frame()
        >>> print(table.iloc[[7, 21]].to_string())
               kind center neighbors     eta    r_s  zeta  lambda_  r_cut cutoff
        G2 #7    G2     Al        Al  1.8500  2.035   NaN      NaN    6.8  poly2
        G4 #21   G4     Al     Al-Al  0.0013  0.000  64.0      1.0    6.8  poly2
        """
        check_is_fitted(self)
        return table_of_functions(self.symmetry_functions_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        tags.no_validation = True
        return tags

    def _check_keys(self, structures):
        """Refuse names of labels that no structure has."""
        places = {"energy_key": "info", "forces_key": "arrays", "stress_key": "info"}
        for name, place in places.items():
            key = getattr(self, name)
            if key is not None and not any(key in getattr(atoms, place) for atoms in structures):
                raise ValueError(
                    f"{name}={key!r}, but no structure has that in its {place}; structure 0 has "
                    f"{sorted(getattr(structures[0], place))}."
                )

    def _definitions(self):
        if isinstance(self.symmetry_functions, (str, os.PathLike)):
            return self._named_definitions(self.symmetry_functions)
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

    def _named_definitions(self, name):
        if name in BY_RADIUS:
            return BY_RADIUS[name](self.r_cut, len(self.elements_))
        if name not in PRESETS and _is_path(name):
            from sklearn_agl.io import read_symmetry_functions  # it imports this module

            return read_symmetry_functions(name)
        return symmetry_function_preset(name)

    def _batches(self, structures):
        """Checked structures and their batches."""
        check_is_fitted(self)
        structures = _check_input(structures)
        _check_elements(structures, self.elements_)
        r_cut = max(function.r_cut for function in self.symmetry_functions_)
        return structures, make_batches(structures, self.elements_, r_cut, self.n_jobs)

    def _products(self, structures):
        _, batches = self._batches(structures)
        return JacobianProducts(self._planner.plan(), batches, n_jobs=self.n_jobs)


def _is_path(name):
    """Whether a name that is no set's is meant as that of a file."""
    return isinstance(name, os.PathLike) or name.endswith(".nn") or os.path.exists(name)


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


def _in_parallel_context():
    """Whether joblib was told where to run: then the work must be done there, not later."""
    backend, n_jobs = get_active_backend(prefer="threads")
    return not isinstance(backend, (SequentialBackend, ThreadingBackend)) or n_jobs not in (None, 1)
