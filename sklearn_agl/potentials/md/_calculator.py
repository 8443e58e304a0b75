"""A fitted pipeline as an ASE calculator."""

import warnings
from numbers import Integral

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from sklearn_agl.potentials.md._structure_potential import StructurePotential

SEEN = ("positions", "numbers", "cell", "pbc")
"""What of the atoms the results depend on."""


class ExtrapolationWarning(UserWarning):
    """A symmetry function has a value that no atom had in training.

    See Also
    --------
    HDNNPCalculator : Its `on_extrapolation` says what to do then.

    Examples
    --------
    To hear nothing of it:

    >>> import warnings
    >>> from sklearn_agl.potentials import ExtrapolationWarning
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", ExtrapolationWarning)
    ...     # ... and here the molecular dynamics
    """


class ExtrapolationError(ValueError):
    """More symmetry functions than allowed had values that no atom had in training.

    See Also
    --------
    HDNNPCalculator : Its `on_extrapolation` says how many are allowed.

    Examples
    --------
    It is what ends a run of molecular dynamics, and says which atom and function did:

    >>> from sklearn_agl.potentials import ExtrapolationError
    >>> issubclass(ExtrapolationError, ValueError)
    True
    """


class HDNNPCalculator(Calculator):
    """ASE calculator of a fitted pipeline: molecular dynamics, relaxations, anything of ASE.

    Parameters
    ----------
    potential : sklearn.pipeline.Pipeline
        A SymmetryFunctionTransformer, any selectors, and an HDNNPRegressor, fitted.
    on_extrapolation : {"warn", "raise"} or int, default="warn"
        What to do when a function of an atom leaves the range it had in training
        (`feature_ranges_` of the regressor), where the potential guesses: warn once; end with an
        ExtrapolationError, at the first time or, with a number, when `n_extrapolations_` exceeds it
        (as ``maxew`` of LAMMPS' ``pair_style hdnnp`` does), with a warning at the first time.
    n_jobs : int, default=None
        Number of threads that share the atoms of a structure, from some hundred atoms on. The
        result does not depend on it.
    atoms : ase.Atoms, default=None
        Atoms to attach the calculator to, as with any calculator of ASE.

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
        If `potential` is not such a pipeline. In every calculation, if the atoms are of an element
        that the potential does not know, or unsound: positions that are not finite or too far away,
        two atoms at one point, more than 5,000 neighbours within the cutoff radius, a cell that has
        no volume or is far smaller than that radius.
    ExtrapolationError
        In a calculation, where `on_extrapolation` asks for it.

    Warns
    -----
    ExtrapolationWarning
        When a function first leaves the range it had in training, with atom, function and value.
        `reset_extrapolations` lets it warn again.

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

    def __init__(self, potential, *, on_extrapolation="warn", n_jobs=None, atoms=None):
        super().__init__(atoms=atoms)
        self.potential = potential
        self.on_extrapolation = on_extrapolation
        self.n_jobs = n_jobs
        self._limit = _check_limit(on_extrapolation)
        self._potential = StructurePotential(potential, _check_n_jobs(n_jobs))
        self.symmetry_functions_ = self._potential.functions
        self.reset_extrapolations()

    def set(self, **kwargs):
        """Refuse parameters, of which ASE would take any: there are none to set.

        Parameters
        ----------
        **kwargs
            Must be empty.

        Returns
        -------
        dict
            What has changed: nothing.

        Raises
        ------
        TypeError
            If there are any.
        """
        if kwargs:
            raise TypeError(
                f"HDNNPCalculator has no parameter {min(kwargs)!r} to set; make another one."
            )
        return {}

    def reset_extrapolations(self):
        """Count from zero again, and warn again."""
        self.n_extrapolations_ = 0

    def check_state(self, atoms, tol=1e-15):
        """Find what has changed since the last calculation; ASE calls this.

        Parameters
        ----------
        atoms : ase.Atoms
            The atoms to compare.
        tol : float, default=1e-15
            Ignored: every change counts.

        Returns
        -------
        list of str
            Of "positions", "numbers", "cell" and "pbc"; everything, if there was no calculation.
        """
        if self.atoms is None:
            return list(all_changes)
        return [
            name
            for name in SEEN
            if not np.array_equal(getattr(self.atoms, name), getattr(atoms, name))
        ]

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
        if atoms is not None:
            self.atoms = atoms.copy()
        self.results = {}  # if an error follows, there must be none
        results = self._compute({"forces", "stress"} & set(properties))
        self._look_for_extrapolations(is_new=bool(system_changes))
        self.results = results

    def _compute(self, with_forces):
        potential, results = self._potential, {}
        if with_forces:
            gradient, strain_gradient = potential.load_with_gradients(self.atoms)
            results["forces"] = -gradient
            if self.atoms.pbc.all():
                stress = strain_gradient / potential.volume
                results["stress"] = full_3x3_to_voigt_6_stress(stress)
        else:
            potential.load(self.atoms)
        energy = float(potential.energies.sum())
        return results | {"energy": energy, "free_energy": energy, "energies": potential.energies}

    def _look_for_extrapolations(self, is_new):
        """Count them, if these are new geometries, and warn or raise."""
        rows, columns = self._potential.outside_training()
        if not len(rows):
            return
        is_first = self.n_extrapolations_ == 0
        self.n_extrapolations_ += len(rows) * is_new
        if self.n_extrapolations_ > self._limit:
            raise ExtrapolationError(
                self._describe(rows[0], columns[0]) + f" There are {self.n_extrapolations_} such "
                f"cases so far, and on_extrapolation={self.on_extrapolation!r}."
            )
        if is_first and is_new:
            message = self._describe(rows[0], columns[0])
            message += " Later cases are counted in n_extrapolations_ only."
            warnings.warn(message, ExtrapolationWarning, stacklevel=4)

    def _describe(self, atom, column):
        low, high = self._potential.ranges[column]
        return (
            f"Atom {atom} ({self.atoms.symbols[atom]}) has {self._potential.functions[column].name}"
            f" = {self._potential.values[atom, column]:.6g}, which was {low:.6g} to {high:.6g} in "
            "training: the potential extrapolates. Add such structures to the training data."
        )


def _check_limit(on_extrapolation):
    """How many extrapolations are allowed."""
    if isinstance(on_extrapolation, str) and on_extrapolation in ("warn", "raise"):
        return 0 if on_extrapolation == "raise" else np.inf
    if (
        isinstance(on_extrapolation, Integral)
        and not isinstance(on_extrapolation, bool)
        and on_extrapolation >= 0
    ):
        return on_extrapolation
    raise ValueError(
        f"on_extrapolation={on_extrapolation!r} must be 'warn', 'raise', or the number of "
        "extrapolations that are allowed."
    )


def _check_n_jobs(n_jobs):
    if n_jobs is None or (isinstance(n_jobs, Integral) and not isinstance(n_jobs, bool) and n_jobs):
        return n_jobs
    raise ValueError(f"n_jobs={n_jobs!r} must be a number of threads, -1 for all cores, or None.")
