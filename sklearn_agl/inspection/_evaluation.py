"""A potential beside the labels of structures: errors, by group and element, and coverage."""

from dataclasses import dataclass, field, fields

import numpy as np
from ase.data import chemical_symbols

from sklearn_agl._labels import ENERGIES, common_energy, results_of, stored_stress
from sklearn_agl.potentials._pipelines import ends_of

ROUNDING = 1e-10
"""Relative difference between kernels, which is no extrapolation."""
EVERYTHING = "all"
CHUNK = 200
"""Structures whose features are in memory together."""


@dataclass(frozen=True)
class Errors:
    """Errors over some structures, or over the atoms of an element.

    Attributes
    ----------
    name : str
        Group or element, or "all".
    n_structures, n_atoms : int
        How many have counted.
    energy_rmse, energy_mae : float
        Per atom; NaN where no energy is known, and for an element.
    force_rmse, force_mae : float
        Of a component; NaN where no force is known.
    stress_rmse : float
        Of a component; NaN where no stress is known.
    n_extrapolations : int
        How often a function of an atom was outside the range that it had in training.
    """

    name: str
    n_structures: int
    n_atoms: int
    energy_rmse: float
    energy_mae: float
    force_rmse: float
    force_mae: float
    stress_rmse: float
    n_extrapolations: int


@dataclass(frozen=True)
class PotentialEvaluation:
    """What a potential predicts for structures, beside what these carry.

    Attributes
    ----------
    n_atoms : ndarray of int of shape (n_structures,)
        Atoms in each structure.
    atom_numbers : ndarray of int of shape (n_atoms_total,)
        Atomic numbers, structure after structure.
    groups : ndarray of str of shape (n_structures,)
        A name for each structure.
    energies, predicted_energies : ndarray of shape (n_structures,)
        Total energies, NaN where a structure carries none.
    forces, predicted_forces : ndarray of shape (n_atoms_total, 3)
        NaN where a structure carries none.
    stresses, predicted_stresses : ndarray of shape (n_structures, 3, 3)
        NaN where a structure carries none or is not periodic in three directions.
    atom_extrapolations : ndarray of int of shape (n_atoms_total,)
        How many functions of each atom are outside the range that they had in training.
    symmetry_functions : tuple of SymmetryFunction
        The functions that the potential computes.
    training_ranges, ranges : ndarray of shape (n_functions, 2)
        Smallest and largest value of each function in training and here; NaN where no atom has it.
    n_outside : ndarray of int of shape (n_functions,)
        Atoms for which each function is outside its range in training.

    See Also
    --------
    evaluate_potential : Makes it.

    Examples
    --------
    >>> import numpy as np
    >>> from ase.build import bulk
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
    >>> from sklearn_agl.inspection import evaluate_potential
    >>> structures = [bulk("Al", cubic=True) for _ in range(20)]
    >>> for seed, atoms in enumerate(structures):
    ...     atoms.rattle(0.1, seed=seed)
    >>> pipe = make_pipeline(
    ...     SymmetryFunctionTransformer("al-22"), HDNNPRegressor(max_epochs=2, random_state=0)
    ... ).fit(structures, np.linspace(-1.0, 1.0, 20))
    >>> evaluation = evaluate_potential(pipe, structures)  # which carry no labels
    >>> len(evaluation), evaluation.predicted_forces.shape, evaluation.errors()[0].energy_rmse
    (20, (80, 3), nan)
    """

    n_atoms: np.ndarray
    atom_numbers: np.ndarray
    groups: np.ndarray
    energies: np.ndarray
    predicted_energies: np.ndarray
    forces: np.ndarray
    predicted_forces: np.ndarray
    stresses: np.ndarray
    predicted_stresses: np.ndarray
    atom_extrapolations: np.ndarray
    symmetry_functions: tuple = field(repr=False)
    training_ranges: np.ndarray = field(repr=False)
    ranges: np.ndarray = field(repr=False)
    n_outside: np.ndarray = field(repr=False)

    def __len__(self):
        return len(self.n_atoms)

    def errors(self, by=None):
        """Errors of energies, forces and stress.

        Parameters
        ----------
        by : {"group", "element"}, default=None
            None: over everything.

        Returns
        -------
        list of Errors
            One for everything, or one for each group or element, in alphabetical order.

        Raises
        ------
        ValueError
            If `by` is something else.
        """
        of_atom = np.repeat(np.arange(len(self)), self.n_atoms)
        if by is None:
            everything = np.ones(len(self), dtype=bool)
            return [self._errors(EVERYTHING, everything, everything[of_atom])]
        if by == "group":
            names = sorted(set(self.groups.tolist()))
            masks = [(name, self.groups == name) for name in names]
            return [self._errors(name, own, own[of_atom]) for name, own in masks]
        if by == "element":
            symbols = np.array(chemical_symbols)[self.atom_numbers]
            return [
                self._errors(name, None, symbols == name) for name in sorted(set(symbols.tolist()))
            ]
        raise ValueError(f"by must be 'group', 'element' or None, got {by!r}.")

    def _errors(self, name, structures, atoms):
        """`structures` is None where energies and stress belong to no single one of the parts."""
        if structures is None:
            n_structures = len(np.unique(np.repeat(np.arange(len(self)), self.n_atoms)[atoms]))
            energy = stress = np.array([])
        else:
            n_structures = int(structures.sum())
            energy = self.energy_errors[structures]
            stress = (self.predicted_stresses - self.stresses)[structures]
        force = (self.predicted_forces - self.forces)[atoms]
        return Errors(
            name,
            n_structures,
            int(atoms.sum()),
            *_rmse_and_mae(energy),
            *_rmse_and_mae(force),
            _rmse_and_mae(stress)[0],
            int(self.atom_extrapolations[atoms].sum()),
        )

    @property
    def energy_errors(self):
        """Predicted minus given energy per atom: ndarray of shape (n_structures,)."""
        return (self.predicted_energies - self.energies) / self.n_atoms

    def to_frame(self, by=None):
        """The errors as a table.

        Parameters
        ----------
        by : {"group", "element"}, default=None
            As in `errors`.

        Returns
        -------
        pandas.DataFrame
            A row for each group or element, with the attributes of `Errors`.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pandas = _import_pandas("to_frame")
        rows = [[getattr(own, f.name) for f in fields(own)] for own in self.errors(by)]
        table = pandas.DataFrame(rows, columns=[f.name for f in fields(Errors)])
        return table.set_index("name")

    def coverage(self):
        """How far the structures go beyond those of the training, function by function.

        Returns
        -------
        pandas.DataFrame
            A row for each function, by its short name: the range in training, the range here, and
            the share of its atoms that are outside.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        from sklearn_agl.descriptors import short_names

        pandas = _import_pandas("coverage")
        return pandas.DataFrame(
            {
                "training_min": self.training_ranges[:, 0],
                "training_max": self.training_ranges[:, 1],
                "min": self.ranges[:, 0],
                "max": self.ranges[:, 1],
                "share_outside": self.share_outside,
            },
            index=short_names(self.symmetry_functions),
        )

    @property
    def share_outside(self):
        """Part of the atoms of each function's element for which it extrapolates."""
        symbols = np.array(chemical_symbols)[self.atom_numbers]
        n_own = np.array([np.sum(symbols == f.center) for f in self.symmetry_functions])
        return self.n_outside / np.maximum(n_own, 1)


def evaluate_potential(potential, structures, *, groups=None):
    """Predict energies, forces and stresses of structures, and compare them with their labels.

    Parameters
    ----------
    potential : sklearn.pipeline.Pipeline
        A SymmetryFunctionTransformer, any selectors, and an HDNNPRegressor, fitted.
    structures : sequence of ase.Atoms
        With the energies, forces and stresses that a calculator has left in them, such as those
        that ``ase.io.read`` returns; what is missing is not judged. Forces count as the calculator
        knows them, whatever constraints do to them. Of an energy and a free energy, the one counts
        that the potential was trained on.
    groups : sequence of str of shape (n_structures,), default=None
        Names of parts to judge apart, such as the trajectory or the phase of each structure.

    Returns
    -------
    PotentialEvaluation

    Raises
    ------
    ValueError
        If `potential` is no such pipeline, a structure is unsound or has an element that the
        potential does not know, or there are more or fewer groups than structures.

    See Also
    --------
    ParityDisplay, ErrorByGroupDisplay : Draw it.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from ase.calculators.emt import EMT
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
    >>> from sklearn_agl.inspection import evaluate_potential
    >>> structures = [bulk("Al", cubic=True) for _ in range(40)]
    >>> for seed, atoms in enumerate(structures):
    ...     atoms.rattle(0.1 if seed % 2 else 0.05, seed=seed)
    ...     atoms.calc = EMT()
    ...     energy = atoms.get_potential_energy()
    >>> pipe = make_pipeline(SymmetryFunctionTransformer("al-22"), HDNNPRegressor(random_state=0))
    >>> evaluation = evaluate_potential(
    ...     pipe.fit(structures[:30]), structures[30:], groups=["cold", "hot"] * 5
    ... )
    >>> [(own.name, own.n_structures) for own in evaluation.errors("group")]
    [('cold', 5), ('hot', 5)]
    >>> evaluation.coverage().shape
    (22, 5)
    """
    _, model = ends_of(potential)
    structures = list(structures)
    if groups is None:
        groups = [EVERYTHING] * len(structures)
    if not len(structures):
        raise ValueError("Got no structure. At least one is needed.")
    if len(groups) != len(structures):
        raise ValueError(f"Got {len(groups)} groups for {len(structures)} structures.")
    parts = [
        _predict(potential, model, structures[first : first + CHUNK])
        for first in range(0, len(structures), CHUNK)
    ]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in PER_ENTRY}
    lows, highs = (np.array([part["ranges"][k] for part in parts]) for k in (0, 1))
    return PotentialEvaluation(
        n_atoms=np.array([len(atoms) for atoms in structures]),
        atom_numbers=np.concatenate([atoms.numbers for atoms in structures]),
        groups=np.array([str(group) for group in groups]),
        **_labels(structures, getattr(model, "trained_on_", None) or {}),
        **columns,
        symmetry_functions=parts[0]["functions"],
        training_ranges=model.feature_ranges_,
        ranges=np.column_stack([np.fmin.reduce(lows, axis=0), np.fmax.reduce(highs, axis=0)]),
        n_outside=np.sum([part["n_outside"] for part in parts], axis=0),
    )


PER_ENTRY = (
    "predicted_energies",
    "predicted_forces",
    "predicted_stresses",
    "atom_extrapolations",
)
"""What is known of each structure or atom, and joined."""


def _predict(potential, model, structures):
    X = potential[:-1].transform(structures).compute()
    values = X.atom_values
    margin = ROUNDING * np.abs(model.feature_ranges_).max(axis=1)
    low, high = model.feature_ranges_.T
    # A function of another element is NaN, which is neither below nor above.
    outside = (values < low - margin) | (values > high + margin)
    return {
        "functions": X.symmetry_functions,
        "predicted_energies": model.predict(X),
        "predicted_forces": np.concatenate(model.predict_forces(X)),
        "predicted_stresses": model.predict_stress(X),
        "atom_extrapolations": outside.sum(axis=1),
        "ranges": (np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)),
        "n_outside": outside.sum(axis=0),
    }


def _labels(structures, trained_on):
    """Energies, forces and stresses that the structures carry."""
    labels = [results_of(atoms) for atoms in structures]
    name = trained_on.get("energy")
    if name not in ENERGIES or not any(name in own for own in labels):
        name = common_energy(labels) or "energy"
    nothing = np.full((3, 3), np.nan)
    stresses = [stored_stress(atoms) for atoms in structures]
    forces = [
        own.get("forces", np.full((len(atoms), 3), np.nan))
        for own, atoms in zip(labels, structures, strict=True)
    ]
    return {
        "energies": np.array([own.get(name, np.nan) for own in labels], dtype=float),
        "forces": np.concatenate(forces).astype(float),
        "stresses": np.array([nothing if own is None else own for own in stresses]),
    }


def _rmse_and_mae(errors):
    """Over the entries that are known; NaN where none is."""
    known = errors[np.isfinite(errors)]
    if not known.size:
        return np.nan, np.nan
    return float(np.sqrt(np.mean(known**2))), float(np.mean(np.abs(known)))


def _import_pandas(method):
    try:
        import pandas
    except ImportError as error:
        raise ImportError(f"{method} needs pandas: pip install pandas") from error
    return pandas
