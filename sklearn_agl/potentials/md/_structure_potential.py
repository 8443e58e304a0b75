"""A fitted pipeline, made ready to evaluate one structure after the other."""

import itertools

import numpy as np
from ase.data import chemical_symbols

from sklearn_agl.compiled._pair_terms import no_pair_terms
from sklearn_agl.descriptors._pairs import add_pairs
from sklearn_agl.descriptors._steps import StepEvaluator
from sklearn_agl.descriptors._structures import check_images, check_positions, check_structures
from sklearn_agl.descriptors.kernels._cells import make_batch
from sklearn_agl.descriptors.kernels._kernel_plan import make_plan, see_so_far
from sklearn_agl.potentials._pipelines import ends_of, functions_behind_selectors
from sklearn_agl.potentials.networks._atomic_networks import evaluate_networks, make_networks

ROUNDING = 1e-10
"""Relative difference between kernels, which is no extrapolation."""


class StructurePotential:
    """Energies of atoms and their derivatives, for one structure at a time.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        A SymmetryFunctionTransformer, any selectors, and an HDNNPRegressor, fitted.
    n_jobs : int or None
        Number of threads that share the atoms of a structure.

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
    pairs : PairTerms
        What comes on top.
    values : ndarray of shape (n_atoms, n_functions)
        Of the structure that was loaded last, NaN where a function is of another element.
    energies : ndarray of shape (n_atoms,)
        Of its atoms.
    volume : float
        Of its cell.

    Raises
    ------
    ValueError
        If it is no such pipeline.
    """

    def __init__(self, pipeline, n_jobs=None):
        transformer, model = ends_of(pipeline)
        functions, potential = functions_behind_selectors(pipeline), model.potential_
        used = potential.group_norms != 0.0
        # A potential without any weight is a constant, which is no reason to have no functions.
        used |= not used.any()
        potential = potential.without(np.flatnonzero(~used))
        self.functions = tuple(itertools.compress(functions, used))
        self.ranges = potential.ranges
        self.elements = transformer.elements_
        self.known_elements = potential.elements
        repulsion, nothing = potential.repulsion, no_pair_terms(len(self.elements))
        self.pairs = nothing if repulsion is None else repulsion.terms(self.elements)
        self.plan = see_so_far(make_plan(self.functions, self.elements), self.pairs.reach)
        self.networks = make_networks(potential, self.elements)
        self._evaluator = StepEvaluator(self.plan, self.networks, self.pairs, n_jobs)
        self._frame = self._batch = self.volume = None
        margin = ROUNDING * np.abs(self.ranges).max(axis=1)
        self.lowest, self.highest = self.ranges[:, 0] - margin, self.ranges[:, 1] + margin

    def load(self, atoms):
        """Evaluate the functions and networks of a structure.

        Raises
        ------
        ValueError
            If the atoms are unsound or of an unknown element.
        """
        batch = self._make_batch(atoms)
        self.values = self._evaluator.values(batch)
        self.energies = evaluate_networks(self.networks, batch.species, self.values)
        add_pairs(batch, self.pairs, self.energies, np.zeros((len(atoms), 3)), np.zeros((1, 3, 3)))

    def load_with_gradients(self, atoms):
        """The same, and the derivatives of the energy.

        Returns
        -------
        gradient : ndarray of shape (n_atoms, 3)
            By the positions.
        strain_gradient : ndarray of shape (3, 3)
            By a strain e, where positions and cell vectors r become r (1 + e).
        """
        batch = self._make_batch(atoms)
        self.values, self.energies, gradient, strain_gradient = self._evaluator.forces(batch)
        return gradient, strain_gradient

    def _make_batch(self, atoms):
        """Sound atoms in the form that compiled code takes.

        Whatever makes the atoms unsound is found at every step: by a look at the positions, by
        compiled code where atoms meet, and by everything else once, until it changes.
        """
        frame = (atoms.numbers.tobytes(), atoms.cell.array.tobytes(), atoms.pbc.tobytes())
        if frame == self._frame:
            check_positions(0, atoms.positions)
            return self._batch._replace(positions=np.array(atoms.positions, dtype=np.float64))
        self._frame = None
        self._check(atoms)
        self._batch, self.volume = make_batch([atoms], self.elements), atoms.cell.volume
        self._frame = frame
        return self._batch

    def _check(self, atoms):
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
        check_images([atoms], self.plan.arrays.r_cut)

    def outside_training(self):
        """Atoms and columns whose values are outside the range of the training data."""
        return np.nonzero((self.values < self.lowest) | (self.values > self.highest))
