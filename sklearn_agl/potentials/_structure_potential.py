"""A fitted pipeline, made ready to evaluate one structure after the other."""

import numpy as np
from ase.data import chemical_symbols

from sklearn_agl.descriptors._cells import make_batch
from sklearn_agl.descriptors._evaluation import (
    energies_and_gradients,
    evaluate_values,
    make_batches,
)
from sklearn_agl.descriptors._plan import make_plan
from sklearn_agl.descriptors._structures import check_images, check_structures
from sklearn_agl.potentials._atomic_networks import evaluate_networks, make_networks
from sklearn_agl.potentials._pipelines import ends_of, functions_behind_selectors

ROUNDING = 1e-10
"""Relative difference between kernels, which is no extrapolation."""


class StructurePotential:
    """Energies of atoms and their derivatives, for one structure at a time.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        A SymmetryFunctionTransformer, any selectors, and an HDNNPRegressor, fitted.

    Attributes
    ----------
    functions : tuple of SymmetryFunction
        Those that the potential depends on.
    ranges : ndarray of shape (n_functions, 2)
        Their smallest and largest values in training.
    lowest, highest : ndarray of shape (n_functions,)
        The same, with room for rounding: what is beyond them is an extrapolation.
    elements : ndarray of int
        Atomic numbers that the functions distinguish, ascending.
    known_elements : tuple of int
        Those that the model has a network for.
    plan : KernelPlan
    networks : Networks
    values : ndarray of shape (n_atoms, n_functions)
        Of the structure that was loaded last, NaN where a function is of another element.
    energies : ndarray of shape (n_atoms,)
        Of its atoms.

    Raises
    ------
    ValueError
        If it is no such pipeline.
    """

    def __init__(self, pipeline):
        transformer, self._model = ends_of(pipeline)
        functions = functions_behind_selectors(pipeline)
        # A potential without any weight is a constant, which is no reason to have no functions.
        used = self._model.group_norms_ > 0.0
        self._columns = np.flatnonzero(used) if used.any() else np.arange(len(functions))
        self.functions = tuple(functions[column] for column in self._columns)
        self.ranges = self._model.feature_ranges_[self._columns]
        self.elements = transformer.elements_
        self.known_elements = tuple(self._model.elements_)
        self.plan = make_plan(self.functions, self.elements)
        self.networks = make_networks(self._model, self.elements, self._columns)
        margin = ROUNDING * np.abs(self.ranges).max(axis=1)
        self.lowest, self.highest = self.ranges[:, 0] - margin, self.ranges[:, 1] + margin

    def check(self, atoms):
        """Refuse atoms that are unsound or of an unknown element."""
        if len(atoms) == 0:
            raise ValueError("The structure has no atoms; there is nothing to calculate.")
        check_structures([atoms])
        unknown = np.setdiff1d(atoms.numbers, self.known_elements)
        if unknown.size:
            known = [chemical_symbols[z] for z in self.known_elements]
            raise ValueError(
                f"The structure contains {chemical_symbols[unknown[0]]}, but the potential knows "
                f"{known} only. Train it on structures with that element."
            )
        check_images([atoms], max(function.r_cut for function in self.functions))
        make_batches([atoms], self.elements, None)

    def load(self, atoms):
        """Evaluate the functions and networks of a structure."""
        batch = make_batch([atoms], self.elements)
        self.values = evaluate_values(batch, self.plan)
        self.energies = evaluate_networks(self.networks, batch.species, self.values)

    def load_with_gradients(self, atoms):
        """The same, and the derivatives of the energy.

        Returns
        -------
        gradient : ndarray of shape (n_atoms, 3)
            By the positions.
        strain_gradient : ndarray of shape (3, 3)
            By a strain e, where positions and cell vectors r become r (1 + e).
        """
        batch = make_batch([atoms], self.elements)
        self.values, self.energies, gradient, strain = energies_and_gradients(
            batch, self.plan, self.networks
        )
        return gradient, strain[0]

    def outside_training(self):
        """Atoms and columns whose values are outside the range of the training data."""
        return np.nonzero((self.values < self.lowest) | (self.values > self.highest))
