"""Products with the Jacobian of the symmetry functions of some structures."""

import itertools

import numpy as np
from joblib import Parallel, delayed

from sklearn_agl._numbers import as_numbers, refuse_other_than_arrays
from sklearn_agl._ragged import pad
from sklearn_agl.descriptors._definitions import check_complete, elements_of
from sklearn_agl.descriptors._evaluation import (
    jacobian_vector_product,
    jacobian_vector_products,
    make_batches,
    vector_jacobian_product,
)
from sklearn_agl.descriptors._structures import check_structures
from sklearn_agl.descriptors.kernels._kernel_plan import make_plan


def check_origin(X):
    """Refuse features that do not know their symmetry functions and structures."""
    for name in ("symmetry_functions", "structures"):
        if getattr(X, name, None) is None:
            raise ValueError(
                f"Derivatives by the positions need features that know their {name}, but these "
                "do not. Compute them with a SymmetryFunctionTransformer, or give the "
                "AtomicFeatures both symmetry_functions and structures."
            )


class JacobianProducts:
    """The Jacobian of some symmetry functions at some structures, ready to be multiplied.

    The geometry is copied, so that one object serves any number of products.

    Parameters
    ----------
    plan : KernelPlan
        The symmetry functions.
    batches : tuple of Batch
        The structures, with the element numbers of the plan.
    n_atoms_max : int, default=None
        Width that vectors are padded to, by default the size of the largest structure.
    n_jobs : int, default=None
        Number of threads.

    Attributes
    ----------
    shape : tuple of (int, int, int)
        Of the values: structures, atoms of the largest one, functions.
    """

    def __init__(self, plan, batches, *, n_atoms_max=None, n_jobs=None):
        self._plan, self._batches, self._n_jobs = plan, batches, n_jobs
        self._sizes = np.concatenate([np.diff(batch.starts) for batch in batches]).tolist()
        width = max(self._sizes) if n_atoms_max is None else n_atoms_max
        self.shape = (len(self._sizes), width, plan.defined.shape[1])

    @classmethod
    def of_features(cls, X, n_jobs=None):
        """The Jacobian of features that know their symmetry functions and structures.

        Parameters
        ----------
        X : AtomicFeatures
            As a SymmetryFunctionTransformer gives them, with or without a selector behind it. Only
            the functions of its columns are evaluated, by a kernel of their own.
        n_jobs : int, default=None
            Number of threads.

        Returns
        -------
        JacobianProducts

        Raises
        ------
        ValueError
            If the features do not know their symmetry functions or structures, or the structures
            are unsound.
        """
        check_origin(X)
        check_complete(X.symmetry_functions)
        structures = check_structures(X.structures)
        elements = elements_of(X.symmetry_functions, structures)
        plan = make_plan(X.symmetry_functions, elements)
        batches = make_batches(structures, elements, plan.arrays.r_cut, n_jobs)
        return cls(plan, batches, n_atoms_max=X.shape[1], n_jobs=n_jobs)

    def vjp(self, vectors):
        """Derivatives of ``sum(vectors * values)``; see `SymmetryFunctionTransformer.vjp`.

        Parameters
        ----------
        vectors : array-like of shape (n_structures, n_atoms_max, n_functions)
            Whatever belongs to no atom, or to a function of another element, is ignored.

        Returns
        -------
        gradients : list of ndarray of shape (n_atoms, 3)
        strain_gradients : ndarray of shape (n_structures, 3, 3)

        Raises
        ------
        ValueError
            If the vectors have the wrong shape.
        """
        vectors = as_numbers(vectors, "vectors").astype(np.float64, copy=False)
        if vectors.shape != self.shape:
            raise ValueError(f"vectors has shape {vectors.shape}, but needs {self.shape}.")
        is_atom = np.arange(self.shape[1]) < np.reshape(self._sizes, (-1, 1))
        return self.vjp_of_rows(vectors[is_atom])

    def vjp_of_rows(self, vectors):
        """What `vjp` gives, from vectors without padding.

        Parameters
        ----------
        vectors : ndarray of shape (n_atoms_total, n_functions)
            One row per atom, structure after structure.

        Returns
        -------
        gradients : list of ndarray of shape (n_atoms, 3)
        strain_gradients : ndarray of shape (n_structures, 3, 3)
        """
        results = self._map(vector_jacobian_product, [(vectors[own],) for own in self._atoms()])
        gradients = [
            gradient
            for batch, (all_gradients, _) in zip(self._batches, results, strict=True)
            for gradient in np.split(all_gradients, batch.starts[1:-1])
        ]
        return gradients, np.concatenate([strain for _, strain in results])

    def jvp(self, displacements, strains=None):
        """Change of the values when atoms move; see `SymmetryFunctionTransformer.jvp`.

        Parameters
        ----------
        displacements : sequence of array-like of shape (n_atoms, 3)
            How the atoms of each structure move.
        strains : array-like of shape (n_structures, 3, 3), default=None
            How space deforms.

        Returns
        -------
        ndarray of shape (n_structures, n_atoms_max, n_functions)
            NaN where there is no atom, or a function belongs to another element.

        Raises
        ------
        ValueError
            If a displacement or the strains have the wrong shape.
        """
        moves = np.concatenate(self._check_displacements(displacements, ndim=2))
        strains = np.zeros((len(self._sizes), 3, 3)) if strains is None else strains
        strains = np.asarray(strains, dtype=np.float64)
        if strains.shape != (len(self._sizes), 3, 3):
            raise ValueError(
                f"strains has shape {strains.shape}, but needs {(len(self._sizes), 3, 3)}."
            )
        pieces = zip(self._rows(), self._atoms(), strict=True)
        changes = self._map(
            jacobian_vector_product, [(moves[atoms], strains[rows]) for rows, atoms in pieces]
        )
        defined = self._plan.defined
        rows = [
            np.where(defined[batch.species], change, np.nan)
            for batch, change in zip(self._batches, changes, strict=True)
        ]
        return pad(
            np.concatenate(rows),
            np.asarray(self._sizes),
            self.shape[1],
            cure="give structures of similar sizes together.",
        )

    def jvps(self, displacements, dtype=np.float64):
        """Changes of the values along many displacements at once, far cheaper than one by one.

        Parameters
        ----------
        displacements : sequence of array-like of shape (n_directions, n_atoms, 3)
            For each structure, several ways to move its atoms; their number may differ.
        dtype : dtype, default=numpy.float64
            Of the result; computed is in double precision.

        Returns
        -------
        list of ndarray of shape (n_directions, n_atoms, n_functions)
            NaN where a function belongs to another element.

        Raises
        ------
        ValueError
            If displacements have the wrong shape.
        """
        displacements = self._check_displacements(displacements, ndim=3)
        arguments = [(_pad_directions(displacements[rows]), dtype) for rows in self._rows()]
        results = self._map(jacobian_vector_products, arguments)
        changes = [
            block
            for batch, all_changes in zip(self._batches, results, strict=True)
            for block in np.split(all_changes, batch.starts[1:-1], axis=1)
        ]
        return [block[: len(own)] for block, own in zip(changes, displacements, strict=True)]

    def _map(self, product, arguments):
        return Parallel(n_jobs=self._n_jobs, prefer="threads")(
            delayed(product)(batch, self._plan, *own)
            for batch, own in zip(self._batches, arguments, strict=True)
        )

    def _rows(self):
        """The structures of each batch."""
        return _slices([len(batch.cells) for batch in self._batches])

    def _atoms(self):
        """The atoms of each batch."""
        return _slices([len(batch.positions) for batch in self._batches])

    def _check_displacements(self, displacements, ndim):
        refuse_other_than_arrays(displacements, "displacements")
        displacements = [
            as_numbers(rows, f"displacements[{index}]").astype(np.float64, copy=False)
            for index, rows in enumerate(displacements)
        ]
        if len(displacements) != len(self._sizes):
            raise ValueError(
                f"Got displacements for {len(displacements)} structures, but there are "
                f"{len(self._sizes)}."
            )
        for index, (n_atoms, rows) in enumerate(zip(self._sizes, displacements, strict=True)):
            needed = (*rows.shape[: ndim - 2], n_atoms, 3)
            if rows.shape != needed:
                raise ValueError(
                    f"Displacements of structure {index} have shape {rows.shape}, but need "
                    f"{needed}."
                )
        return displacements


def _slices(lengths):
    """Consecutive slices of some lengths."""
    return [slice(a, b) for a, b in itertools.pairwise(np.cumsum([0, *lengths]))]


def _pad_directions(displacements):
    """Put structures side by side, each with as many displacements as the one with the most."""
    n_atoms = sum(own.shape[1] for own in displacements)
    result, start = np.zeros((max(map(len, displacements)), n_atoms, 3)), 0
    for own in displacements:
        result[: len(own), start : start + own.shape[1]] = own
        start += own.shape[1]
    return result
