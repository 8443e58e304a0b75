"""A fitted pipeline as an ASE calculator."""

import warnings

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from sklearn_agl.potentials._structure_potential import StructurePotential


class ExtrapolationWarning(UserWarning):
    """A symmetry function has a value that no atom had in training.

    Examples
    --------
    To end a run where the potential begins to guess:

    >>> import warnings
    >>> from sklearn_agl.potentials import ExtrapolationWarning
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", ExtrapolationWarning)
    ...     # ... and here the molecular dynamics
    """


class HDNNPCalculator(Calculator):
    """ASE calculator of a fitted pipeline: molecular dynamics, relaxations, anything of ASE.

    Parameters
    ----------
    potential : sklearn.pipeline.Pipeline
        A SymmetryFunctionTransformer, any selectors, and an HDNNPRegressor, fitted.
    **kwargs
        Handed on to ``ase.calculators.calculator.Calculator``.

    Attributes
    ----------
    potential : sklearn.pipeline.Pipeline
        As given. Changing it later changes nothing here.
    symmetry_functions_ : tuple of SymmetryFunction
        The functions that are evaluated: those behind the selectors, without any whose weights
        are all zero.
    n_extrapolations_ : int
        How often a function of an atom was outside the range it had in training, over all
        geometries so far.

    Raises
    ------
    ValueError
        If `potential` is not such a pipeline; in a calculation, if the atoms are unsound or of
        an element that the potential does not know.

    Warns
    -----
    ExtrapolationWarning
        When a function first leaves the range it had in training (`feature_ranges_` of the
        regressor): there the potential guesses. `reset_extrapolations` lets it warn again.

    See Also
    --------
    sklearn_agl.potentials.predict_forces : Forces of many structures at once.

    Notes
    -----
    Properties: energy, free_energy (the same number), energies (of the atoms), forces, and the
    stress of structures that are periodic in three directions. Nothing is converted: ASE works in
    eV and Å, so the potential should be trained in these.

    The first calculation with a new kind of set compiles a kernel for exactly the chosen functions,
    which takes some seconds and is kept on disk (see `SymmetryFunctionTransformer`).

    Examples
    --------
    >>> import numpy as np
    >>> from ase.build import bulk
    >>> from ase.calculators.emt import EMT
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
    >>> from sklearn_agl.potentials import HDNNPCalculator
    >>> structures = [bulk("Al", cubic=True) * (1, 1, 2) for _ in range(40)]
    >>> for seed, atoms in enumerate(structures):
    ...     atoms.rattle(0.1, seed=seed)
    ...     atoms.calc = EMT()
    >>> energies = np.array([atoms.get_potential_energy() for atoms in structures])
    >>> pipe = make_pipeline(SymmetryFunctionTransformer("al-22"), HDNNPRegressor(random_state=0))
    >>> atoms = structures[0].copy()
    >>> atoms.calc = HDNNPCalculator(pipe.fit(structures, energies))
    >>> atoms.get_forces().shape, atoms.get_stress().shape
    ((8, 3), (6,))
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012

    def __init__(self, potential, **kwargs):
        super().__init__(**kwargs)
        self.potential = potential
        self._potential = StructurePotential(potential)
        self.symmetry_functions_ = self._potential.functions
        self.reset_extrapolations()

    def reset_extrapolations(self):
        """Count from zero again, and warn again."""
        self.n_extrapolations_ = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        """Compute properties; ASE calls this when they are asked for.

        Parameters
        ----------
        atoms : ase.Atoms, default=None
            By default those of the last calculation.
        properties : sequence of str, default=("energy",)
            Energies are always computed, forces and stress together if one of them is asked for.
        system_changes : sequence of str, default=tuple(all_changes)
            What has changed since the last calculation.
        """
        if not isinstance(self.atoms if atoms is None else atoms, Atoms):
            given = type(atoms).__name__
            raise ValueError(f"atoms is of type {given}; give ase.Atoms to calculate.")
        super().calculate(atoms, list(properties), list(system_changes))
        if set(system_changes) - {"positions"}:
            self._potential.check(self.atoms)
        if {"forces", "stress"} & set(properties):
            gradients = self._potential.load_with_gradients(self.atoms)
            self._store_energies(system_changes)
            self._store_forces(*gradients)
        elif system_changes:
            self._potential.load(self.atoms)
            self._store_energies(system_changes)

    def _store_energies(self, system_changes):
        energies = self._potential.energies
        self.results = {"energies": energies, "energy": float(energies.sum())}
        self.results["free_energy"] = self.results["energy"]
        if not system_changes:  # these geometries have been counted
            return
        rows, columns = self._potential.outside_training()
        if len(rows) and self.n_extrapolations_ == 0:
            self._warn(rows[0], columns[0])
        self.n_extrapolations_ += len(rows)

    def _store_forces(self, gradient, strain_gradient):
        self.results["forces"] = -gradient
        if self.atoms.pbc.all():
            stress = strain_gradient / self.atoms.get_volume()
            self.results["stress"] = full_3x3_to_voigt_6_stress(stress)

    def _warn(self, atom, column):
        low, high = self._potential.ranges[column]
        warnings.warn(
            f"Atom {atom} ({self.atoms.symbols[atom]}) has {self._potential.functions[column].name}"
            f" = {self._potential.values[atom, column]:.6g}, which was {low:.6g} to {high:.6g} in "
            "training: the potential extrapolates. Add such structures to the training data. Later "
            "cases are counted in n_extrapolations_ only.",
            ExtrapolationWarning,
            stacklevel=4,
        )
