"""Labels that structures carry: the energies, forces and stresses that calculators have left."""

import warnings

import numpy as np
from ase.calculators.calculator import compare_atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.stress import voigt_6_to_full_3x3_stress

ENERGIES = ("free_energy", "energy")
"""Names that ASE has for a total energy. Forces and stress are derivatives of the first one, which
differs from the other where electrons have a temperature."""
DERIVATIVES = ("forces", "stress")
LABELS = (*ENERGIES, *DERIVATIVES)
GEOMETRY = {"positions", "numbers", "cell", "pbc"}
AUTO = "auto"
"""Asks for the labels that the structures carry."""
TOLERANCE = 0.1
"""Typical difference, in units of the energies' spread, beyond which energies are others."""


def is_auto(labels):
    """Whether a parameter or an argument leaves the labels to the structures."""
    return isinstance(labels, str) and labels == AUTO


def copy_with_labels(atoms, energy_key=None, forces_key=None, stress_key=None):
    """A copy of a structure that keeps the labels which belong to it.

    Parameters
    ----------
    atoms : ase.Atoms
        The structure.
    energy_key, forces_key, stress_key : str, default=None
        Names in ``atoms.info``, the forces' in ``atoms.arrays``, of labels that take the place of
        what a calculator has left.

    Returns
    -------
    ase.Atoms
        With a SinglePointCalculator, if there is any label.
    """
    labels = results_of(atoms)
    if energy_key is not None:
        labels = {name: value for name, value in labels.items() if name not in ENERGIES}
        labels["energy"] = atoms.info.get(energy_key)
    if forces_key is not None:
        labels["forces"] = atoms.arrays.get(forces_key)
    if stress_key is not None:
        labels["stress"] = atoms.info.get(stress_key)
    labels = {name: value for name, value in labels.items() if value is not None}
    copied = atoms.copy()
    if labels:
        copied.calc = SinglePointCalculator(copied, **labels)
    return copied


def results_of(atoms):
    """What the calculator of a structure has computed for just this geometry; nothing is computed.

    One calculator may serve many structures. Its results belong to the last of them. An energy of
    exactly 0 beside forces is none: ASE's reader of LAMMPS dumps sets it, since dumps have none.
    """
    results = getattr(atoms.calc, "results", None)
    if not results:
        return {}
    computed_for = getattr(atoms.calc, "atoms", atoms)
    if computed_for is not atoms and GEOMETRY.intersection(compare_atoms(computed_for, atoms)):
        return {}
    labels = {name: results[name] for name in LABELS if results.get(name) is not None}
    if np.any(labels.get("forces", 0.0)):
        labels = {n: own for n, own in labels.items() if n in DERIVATIVES or own != 0.0}
    return labels


def stored_stress(atoms):
    """The stress that the calculator of a structure has computed for just this geometry.

    Parameters
    ----------
    atoms : ase.Atoms
        The structure.

    Returns
    -------
    ndarray of shape (3, 3) or None
        None if there is none.
    """
    stress = results_of(atoms).get("stress")
    return None if stress is None else _full_stress(stress)


def _full_stress(stress):
    stress = np.asarray(stress, dtype=float)
    return voigt_6_to_full_3x3_stress(stress) if stress.shape == (6,) else stress.reshape(3, 3)


def name_of_energy(X):
    """Which energy all structures of some features carry.

    Parameters
    ----------
    X : AtomicFeatures
        Features.

    Returns
    -------
    {"free_energy", "energy"} or None
        ASE's name; None if a structure has neither.
    """
    labels = [results_of(atoms) for atoms in X.structures or ()]
    return common_energy(labels)


def common_energy(labels):
    """Which energy all labels have, as `results_of` gives them; ASE's name, or None."""
    return next((name for name in ENERGIES if labels and all(name in own for own in labels)), None)


def stored_energies(X):
    """The energies that structures carry.

    Parameters
    ----------
    X : AtomicFeatures
        Features.

    Returns
    -------
    list of float
        The free energies where all structures have one, else the energies.

    Raises
    ------
    ValueError
        If a structure has none, or `X` knows no structures.
    """
    missing = "requires y to be passed, but the target y is None"
    if getattr(X, "structures", None) is None:
        raise ValueError(f"{missing}: give the energies.")
    name = name_of_energy(X)
    if name is None:
        index = next(i for i, s in enumerate(X.structures) if "energy" not in results_of(s))
        raise ValueError(
            f"{missing}, and structure {index} carries no energy: give the energies, attach a "
            "calculator with results, or name energy_key in the SymmetryFunctionTransformer."
        )
    return [results_of(atoms)[name] for atoms in X.structures]


def stored_derivatives(X, y, wanted=DERIVATIVES):
    """The forces and stresses that structures carry, without what constraints hide from others.

    Parameters
    ----------
    X : AtomicFeatures
        Features.
    y : ndarray of shape (n_structures,)
        The energies that they are to be trained on with.
    wanted : collection of str, default=("forces", "stress")
        Which of the two to look for.

    Returns
    -------
    dict of str to list
        What there is, by name: forces (n_atoms, 3) and stresses (3, 3), None where a structure has
        none. Empty if no structure has any, `X` cannot be differentiated, or the energies are
        others than those that the structures carry. Only structures that are periodic in three
        directions have a stress.

    Warns
    -----
    UserWarning
        If the energies are others.
    """
    if X.structures is None or X.symmetry_functions is None:
        return {}
    labels = [results_of(atoms) for atoms in X.structures]
    for atoms, own in zip(X.structures, labels, strict=True):
        if "stress" in own:
            own["stress"] = _full_stress(own["stress"]) if atoms.pbc.all() else None
    found = {name: [own.get(name) for own in labels] for name in wanted}
    found = {name: of_all for name, of_all in found.items() if any(o is not None for o in of_all)}
    if found and not _belong_to(y, labels, X):
        warnings.warn(
            "The energies given are not those that the structures carry (up to a constant per atom "
            f"of each element), so that the {' and the '.join(found)} they carry were left out. "
            f"Give forces that belong to these energies, or {'=None and '.join(found)}=None to "
            "train on energies alone.",
            UserWarning,
            stacklevel=2,
        )
        return {}
    return found


def _belong_to(y, labels, X):
    """Whether given energies are the stored ones, but for a constant per atom of each element."""
    for name in ENERGIES:
        rows = np.flatnonzero([name in own for own in labels])
        if not len(rows):
            continue
        stored = np.array([labels[s][name] for s in rows], dtype=np.float64)
        counts = [[np.sum(X.structures[s].numbers == z) for z in X.elements] for s in rows]
        counts = np.array(counts)
        spread = np.median(np.abs(_residual(stored, counts)))
        differences = (y[rows] - stored) / counts.sum(axis=1), _residual(y[rows] - stored, counts)
        if min(np.median(np.abs(own)) for own in differences) <= TOLERANCE * spread:
            return True
    return not any(name in own for own in labels for name in ENERGIES)


def _residual(energies, counts):
    """Energies per atom, less a constant per atom of each element that fits most of them."""
    n_atoms = counts.sum(axis=1)
    fractions, per_atom = counts / n_atoms[:, None], energies / n_atoms
    rows = np.arange(len(per_atom))
    for _ in range(2):
        constants = np.linalg.lstsq(fractions[rows], per_atom[rows], rcond=None)[0]
        residual = per_atom - fractions @ constants
        # The second time without those that one wrong energy might be among.
        rows = np.argsort(np.abs(residual))[: -(-len(residual) // 2)]
    return residual


def check_constraints(X, forces):
    """Refuse, or warn of, forces that ASE's constraints have set to zero.

    Parameters
    ----------
    X : AtomicFeatures
        Features.
    forces : list of ndarray of shape (n_atoms, 3)
        Forces on all atoms of each structure; NaN where there are none.

    Raises
    ------
    ValueError
        If forces are the structure's own ones, but for what its constraints have changed.

    Warns
    -----
    UserWarning
        If the forces on all constrained atoms are exactly zero, and nothing tells what they were.
    """
    suspects = []
    for index, (atoms, own) in enumerate(zip(X.structures or (), forces, strict=False)):
        if not atoms.constraints:
            continue
        if _are_constrained(own, atoms, results_of(atoms).get("forces")):
            raise ValueError(
                f"Constraints have changed the forces of structure {index}, so that they are no "
                "derivatives of its energy: take atoms.get_forces(apply_constraint=False), or "
                'forces="auto" for the forces that the structures carry.'
            )
        if _vanish_where_constrained(own, atoms):
            suspects.append(index)
    if suspects:
        warnings.warn(
            f"The forces on all constrained atoms of structure {suspects[0]} are exactly zero, and "
            f"so in {len(suspects) - 1} others: a constraint seems to have changed them, and they "
            "are no derivatives of the energy. Take atoms.get_forces(apply_constraint=False).",
            UserWarning,
            stacklevel=2,
        )


def _constrain(forces, atoms):
    changed = np.array(forces, dtype=np.float64)
    for constraint in atoms.constraints:
        constraint.adjust_forces(atoms, changed)
    return changed


def _are_constrained(forces, atoms, stored):
    """Whether they are the stored ones, as constraints have changed them."""
    if stored is None or np.allclose(forces, stored, rtol=1e-8, equal_nan=True):
        return False
    return np.allclose(forces, _constrain(stored, atoms), rtol=1e-8, equal_nan=True)


def _vanish_where_constrained(forces, atoms):
    """Whether they are zero wherever constraints would make them zero, but not everywhere."""
    hidden = _constrain(np.ones_like(forces), atoms) == 0.0
    return hidden.any() and not forces[hidden].any() and forces.any()
