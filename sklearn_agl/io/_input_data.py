"""Structures in n2p2's format input.data."""

import warnings
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_numbers

from sklearn_agl._labels import common_energy, results_of
from sklearn_agl._numbers import as_numbers, refuse_other_than_arrays
from sklearn_agl.descriptors._structures import check_structures
from sklearn_agl.io._files import as_path, write_files
from sklearn_agl.io._lines import read_lines
from sklearn_agl.io._reader import check_unit


def read_input_data(file, *, length_unit=None, energy_unit=None):
    """Read structures in n2p2's format.

    Parameters
    ----------
    file : str or path
        An ``input.data``.
    length_unit, energy_unit : float, default=None
        The file's units in those of the result, for example ``ase.units.Bohr`` and
        ``ase.units.Hartree`` for a result in Å and eV. None: the file's own.

    Returns
    -------
    list of ase.Atoms
        With a SinglePointCalculator that knows the forces and, where the file has it, the energy;
        ``info["comment"]``, ``info["charge"]`` (the total charge) and ``info["set"]`` ("train" or
        "test", of ``begin set=train``) where the file has them, and initial charges where one is
        not zero.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        With file and line, if it is damaged or has no structure.

    See Also
    --------
    write_input_data : The way back.

    Notes
    -----
    ASE's own format ``"runnerdata"`` takes every file to be in Bohr and Hartree, drops comments,
    and writes ten decimals, with a header of RuNNer 2; n2p2 reads files in any unit, and this
    function loses no digit.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from ase.build import molecule
    >>> from sklearn_agl.io import read_input_data, write_input_data
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "input.data"
    ...     write_input_data(file, [molecule("H2O")], energies=[-14.2], forces=[np.zeros((3, 3))])
    ...     atoms = read_input_data(file)[0]
    >>> atoms.get_chemical_formula(), atoms.get_potential_energy()
    ('H2O', -14.2)
    """
    units = check_unit(length_unit, "length"), check_unit(energy_unit, "energy")
    path = as_path(file, "file")
    structures, current = [], None
    for line in read_lines(path):
        keyword = line.words[0]
        if current is None:
            if keyword != "begin":
                raise line.error(f"Expected begin, got {keyword!r}.")
            current = _Structure(line)
            current.read_set(line)
        elif keyword == "end":
            line.check_length(0)
            structures.append(current.finish(*units))
            current = None
        elif keyword in _Structure.readers:
            _Structure.readers[keyword](current, line)
        else:
            raise line.error(
                f"Unknown keyword {keyword!r} in a structure; there are "
                f"{', '.join([*_Structure.readers, 'end'])}."
            )
    if current is not None:
        raise current.begin.error("The structure that begins here has no end; the file is cut off.")
    if not structures:
        raise ValueError(f"{path} has no structure.")
    return structures


NEUTRAL = 10 * np.finfo(float).eps
"""Up to which total charge n2p2 takes a periodic structure for neutral."""

SETS = {"set=train": "train", "set=test": "test"}
"""Words behind `begin`, and what they become in `Atoms.info`."""


@dataclass
class _Structure:
    """What has been read of one structure."""

    begin: object
    cell: list = field(default_factory=list)
    symbols: list = field(default_factory=list)
    positions: list = field(default_factory=list)
    charges: list = field(default_factory=list)
    forces: list = field(default_factory=list)
    info: dict = field(default_factory=dict)
    energy: float | None = None

    def read_set(self, line):
        for word in line.words[1:]:
            if word not in SETS:
                raise line.error(f"Behind begin may be one of {sorted(SETS)}, got {word!r}.")
            self.info["set"] = SETS[word]

    def read_comment(self, line):
        self.info["comment"] = line.behind_keyword()

    def read_lattice(self, line):
        line.check_length(3)
        if len(self.cell) == 3:
            raise line.error("A fourth lattice vector; there must be none or three.")
        self.cell.append(_vector(line, 1, "A component of the lattice vector"))

    def read_atom(self, line):
        line.check_length(9)
        if atomic_numbers.get(line.words[4], 0) == 0:
            raise line.error(f"Unknown chemical symbol {line.words[4]!r}.")
        self.positions.append(_vector(line, 1, "A coordinate"))
        self.symbols.append(line.words[4])
        self.charges.append(line.real(5, "The charge"))
        line.real(6, "The unused number behind the charge")
        self.forces.append(_vector(line, 7, "A component of the force"))

    def read_energy(self, line):
        line.check_length(1)
        self._once(line, self.energy)
        self.energy = line.real(1, "The energy")

    def read_charge(self, line):
        line.check_length(1)
        self._once(line, self.info.get("charge"))
        self.info["charge"] = line.real(1, "The charge")

    readers = {
        "comment": read_comment,
        "lattice": read_lattice,
        "atom": read_atom,
        "energy": read_energy,
        "charge": read_charge,
    }

    def _once(self, line, before):
        if before is not None:
            raise line.error(f"A second {line.words[0]} in one structure.")

    def finish(self, length_unit, energy_unit):
        """The structure as ase.Atoms."""
        if not self.symbols:
            raise self.begin.error("The structure that begins here has no atom.")
        if len(self.cell) not in (0, 3):
            raise self.begin.error(
                f"The structure that begins here has {len(self.cell)} lattice vector(s); there "
                "must be none or three."
            )
        cell = np.array(self.cell) * length_unit if self.cell else None
        if cell is not None and np.linalg.det(cell / np.abs(cell).max(initial=1e-300)) == 0.0:
            raise self.begin.error("The lattice vectors of this structure span no volume.")
        atoms = Atoms(
            self.symbols, positions=np.array(self.positions) * length_unit, cell=cell,
            pbc=bool(self.cell), info=self.info,
        )  # fmt: skip
        if any(self.charges):
            atoms.set_initial_charges(self.charges)
        results = {"forces": np.array(self.forces) * (energy_unit / length_unit)}
        if self.energy is not None:
            results["energy"] = self.energy * energy_unit
        atoms.calc = SinglePointCalculator(atoms, **results)
        return atoms


def _vector(line, first, name):
    return [line.real(first + k, name) for k in range(3)]


def write_input_data(
    file, structures, energies=None, forces=None, *, length_unit=None, energy_unit=None,
    overwrite=False,
):  # fmt: skip
    """Write structures in n2p2's format, for its training or prediction.

    Parameters
    ----------
    file : str or path
        An ``input.data``.
    structures : sequence of ase.Atoms
        Periodic in all directions or none.
    energies : array-like of shape (n_structures,), default=None
        Total energies. None: those that the structures' calculators have stored for the structures
        as they are, the free energies, whose derivatives the forces are, if all have one. Where
        only a prediction is wanted, zeros will do.
    forces : sequence of array-like of shape (n_atoms, 3), default=None
        None: those that the structures' calculators have stored, and 0 where they have none.
    length_unit, energy_unit : float, default=None
        The file's units in those of the structures, for example ``ase.units.Bohr`` and
        ``ase.units.Hartree`` to write Bohr and Hartree. None: nothing is converted.
    overwrite : bool, default=False
        Whether to replace the file.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is false.
    ValueError
        With the index of the structure, if one has no energy, is periodic in one or two directions,
        has no atom, or a number that is not finite, or if energies or forces do not belong to the
        structures.

    Warns
    -----
    UserWarning
        With the indices of the structures, if there are no forces, which n2p2 would train to be 0,
        or if a periodic structure has a total charge, which n2p2 refuses; 0 is written.

    See Also
    --------
    read_input_data : The way back.

    Notes
    -----
    The comment is ``info["comment"]``, the total charge ``info["charge"]``, by default the sum of
    the initial charges, and of a periodic structure 0. Where ``info["set"]`` is "train" or "test",
    the structure begins with ``begin set=train`` or ``begin set=test``, which newer versions of
    n2p2 take for a split that is fixed.

    Results that a calculator has of other structures or other positions do not count: where one
    calculator was shared, it only knows the last structure's energy. Nothing is computed here; call
    ``atoms.get_potential_energy()`` yourself and give the energies.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from ase.build import molecule
    >>> from sklearn_agl.io import write_input_data
    >>> structures = [molecule("H2O"), molecule("CO2")]
    >>> forces = [np.zeros((3, 3)), np.zeros((3, 3))]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "input.data"
    ...     write_input_data(file, structures, [-14.2, -22.9], forces)
    ...     file.read_text().count("begin")
    2
    """
    length = check_unit(length_unit, "length")
    energy = check_unit(energy_unit, "energy")
    path = as_path(file, "file")
    structures = check_structures(structures)
    for name, given in (("energies", energies), ("forces", forces)):
        if given is not None:
            refuse_other_than_arrays(given, name)
        if given is not None and len(given) != len(structures):
            raise ValueError(f"Got {len(given)} {name} for {len(structures)} structures.")
    labels = [results_of(atoms) for atoms in structures]
    if energies is None:
        energies = _stored_energies(structures, labels)
    if forces is None:
        forces = [own.get("forces") for own in labels]
    parts = [
        _structure_text(i, atoms, energies[i], forces[i], length, energy)
        for i, atoms in enumerate(structures)
    ]
    _warn_of_missing(forces)
    _warn_of_charges(structures)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_files({path: "".join(parts).encode()}, overwrite=overwrite)


def _stored_energies(structures, labels):
    name = common_energy(labels)
    if name is None:
        missing = [i for i, own in enumerate(labels) if "energy" not in own]
        raise ValueError(
            f"{_name_structures(missing)} no energy that a calculator has stored for the positions "
            f"as they are{_other_places(structures[missing[0]])}. Give energies=, which may be "
            "zeros where only a prediction is wanted."
        )
    return [own[name] for own in labels]


def _other_places(atoms):
    """Where else the energy may be, as the end of a sentence."""
    keys = [key for key in atoms.info if "energy" in str(key).lower()]
    return f", but info[{keys[0]!r}]" if keys else ""


def _warn_of_missing(forces):
    missing = [i for i, own in enumerate(forces) if own is None]
    if missing:
        warnings.warn(
            f"{_name_structures(missing)} no forces that a calculator has stored; 0 is written, "
            "which n2p2 takes for the truth if use_short_forces is in its input.nn. Give forces= "
            "where you have them.",
            stacklevel=3,
        )


def _name_structures(indices):
    """The first of some structures, as the beginning of a sentence about what they have."""
    if len(indices) == 1:
        return f"Structure {indices[0]} has"
    more = f" and {len(indices) - 5} more" if len(indices) > 5 else ""
    return f"Structures {', '.join(map(str, indices[:5]))}{more} have"


def _total_charge(i, atoms):
    charge = atoms.info.get("charge", atoms.get_initial_charges().sum())
    return as_numbers([charge], f"info['charge'] of structure {i}")[0]


def _warn_of_charges(structures):
    charged = [
        i
        for i, atoms in enumerate(structures)
        if atoms.pbc.all() and abs(_total_charge(i, atoms)) > NEUTRAL
    ]
    if charged:
        first = charged[0]
        warnings.warn(
            f"{_name_structures(charged)} periodic boundaries and a total charge "
            f"({_total_charge(first, structures[first]):g} of structure {first}), which n2p2 "
            "refuses; 0 is written. A short-range potential does not use it.",
            stacklevel=3,
        )


def _structure_text(i, atoms, energy, forces, length_unit, energy_unit):
    if atoms.pbc.any() and not atoms.pbc.all():
        raise ValueError(
            f"Structure {i} is periodic in {np.count_nonzero(atoms.pbc)} of 3 directions; n2p2 "
            "knows structures that are periodic in all directions or none."
        )
    forces = np.zeros((len(atoms), 3)) if forces is None else as_numbers(forces, f"forces[{i}]")
    if forces.shape != (len(atoms), 3):
        raise ValueError(
            f"Forces of structure {i} have shape {forces.shape}, but need {(len(atoms), 3)}."
        )
    positions = _words(i, "positions", atoms.positions / length_unit)
    forces = _words(i, "forces", forces / (energy_unit / length_unit))
    charges = _words(i, "charges", atoms.get_initial_charges())
    energy = as_numbers([energy], f"energies of structure {i}")[0]
    charge = _words(i, "charge", 0.0 if atoms.pbc.all() else _total_charge(i, atoms))
    lines = _head(i, atoms, length_unit)
    for symbol, own, place, force in zip(atoms.symbols, charges, positions, forces, strict=True):
        lines.append(f"atom {' '.join(place)} {symbol} {own} 0.0 {' '.join(force)}")
    lines += [f"energy {_words(i, 'energy', energy / energy_unit)}", f"charge {charge}", "end", ""]
    return "\n".join(lines)


def _head(i, atoms, length_unit):
    """Lines before the first atom."""
    mark = f"set={atoms.info.get('set')}"
    lines = [f"begin {mark}" if mark in SETS else "begin"]
    if "comment" in atoms.info:
        # One line, whatever it holds: n2p2 reads up to its end.
        lines.append("comment " + " ".join(str(atoms.info["comment"]).splitlines()).strip())
    if atoms.pbc.all():
        cell = _words(i, "cell", atoms.cell.array / length_unit)
        lines += ["lattice " + " ".join(row) for row in cell]
    return lines


def _words(i, name, numbers):
    """Numbers as text that gives every digit back, in nested lists of the array's shape."""
    numbers = np.asarray(numbers, dtype=float)
    if not np.isfinite(numbers).all():
        raise ValueError(f"Structure {i}: {name} must not contain NaN or infinity.")
    return np.vectorize(lambda number: repr(float(number)), otypes=[object])(numbers).tolist()
