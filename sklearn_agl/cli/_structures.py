"""Structures with their labels from any files."""

import bz2
import gzip
import lzma
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import ase.io
import numpy as np
from ase.io.formats import UnknownFileTypeError, parse_filename

from sklearn_agl._labels import common_energy, copy_with_labels, results_of
from sklearn_agl.cli._messages import CommandError
from sklearn_agl.io import read_input_data

STDIN = "-"
N2P2 = "n2p2"
"""Name of n2p2's format, which ASE takes to be in Bohr and Hartree."""
OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
PARTS = ("config_type", "group", "label", "phase", "type", "segment", "split")
"""Keys of ``info`` by which data sets commonly name their parts."""
FEWEST_PARTS, MOST_PARTS = 2, 60


@dataclass(frozen=True)
class Data:
    """Structures and where they come from.

    Attributes
    ----------
    structures : list of ase.Atoms
        As read.
    files : list of str
        Names of the files.
    file_of : ndarray of int of shape (n_structures,)
        Which file each structure is from.
    energy_key, forces_key, stress_key : str or None
        Where the labels are that no calculator of ASE knows.
    notes : list of str
        What was guessed.
    """

    structures: list
    files: list
    file_of: np.ndarray
    energy_key: str | None = None
    forces_key: str | None = None
    stress_key: str | None = None
    notes: tuple = ()

    def __len__(self):
        return len(self.structures)

    @property
    def keys(self):
        """Parameters of a transformer that say where labels are."""
        return {
            "energy_key": self.energy_key,
            "forces_key": self.forces_key,
            "stress_key": self.stress_key,
        }

    def where(self, index):
        """Name of a structure for messages."""
        first = int(np.flatnonzero(self.file_of == self.file_of[index])[0])
        return f"structure {index - first} of {self.files[self.file_of[index]]}"

    def labelled(self, rows=None):
        """Copies whose calculators know the labels, all of them or those of some rows."""
        rows = range(len(self)) if rows is None else rows
        keys = tuple(self.keys.values())
        if not any(keys):
            return [self.structures[row] for row in rows]
        return [copy_with_labels(self.structures[row], *keys) for row in rows]

    def parts(self, key=None):
        """A name for each structure, to tell errors apart by.

        Parameters
        ----------
        key : str, default=None
            A key of ``info``. By default the first of some customary ones that makes parts, else
            the files, if there are several.

        Returns
        -------
        list of str or None
            None where there is nothing to tell apart.
        """
        for name in [key] if key else PARTS:
            values = [str(atoms.info.get(name, "")) for atoms in self.structures]
            if key or FEWEST_PARTS <= len(set(values)) <= MOST_PARTS:
                return values
        if len(self.files) > 1:
            return [Path(self.files[k]).name for k in self.file_of]
        return None


def read_structures(options, *, energies=True):
    """Read structures and find their labels.

    Parameters
    ----------
    options : argparse.Namespace
        With those of `add_structures`: `files`, "-" for standard input, where ``name@slice`` takes
        some of the structures, as in ASE; `format`, ASE's name of it or "n2p2"; the keys of the
        labels, which are looked for where they are None; and the units of n2p2's files.
    energies : bool, default=True
        Whether all structures need an energy.

    Returns
    -------
    Data
    """
    files = options.files
    parts = [_read(name, options) for name in files]
    structures = [atoms for part in parts for atoms in part]
    file_of = np.repeat(np.arange(len(files)), [len(part) for part in parts])
    data = Data(structures, list(files), file_of)
    energy_key, about_energy = _find_energy(data, options.energy_key)
    forces_key, about_forces = _find_forces(data, options.forces_key)
    notes = tuple(note for note in (about_energy, about_forces) if note)
    if options.stress_key is not None:
        _check_key(options.stress_key, "stress", "info", [atoms.info for atoms in structures])
    keys = energy_key, forces_key, options.stress_key
    data = Data(structures, list(files), file_of, *keys, notes)
    if energies:
        _check_energies(data)
    return data


def reading_code(name, options):
    """Python that reads a file as `read_structures` does.

    Parameters
    ----------
    name : str
    options : argparse.Namespace

    Returns
    -------
    str
    """
    if name == STDIN:
        return 'ase.io.read("/dev/stdin", ":", format="extxyz")'
    path, index = _split_name(name)
    if _is_n2p2(path, options.format):
        units = "".join(f", {name}={value}" for name, value in _units(options).items())
        return f"read_input_data({str(path.resolve())!r}{units})[{index!r}]"
    suffix = "" if options.format is None else f", format={options.format!r}"
    return f"ase.io.read({str(path.resolve())!r}, {index!r}{suffix})"


def _split_name(name):
    """Path and slice; a name may have an @ of its own."""
    if Path(name).exists():
        return Path(name), slice(None)
    plain, index = parse_filename(name)
    # One structure is a list of one.
    return Path(plain), slice(index, index + 1 or None) if isinstance(index, int) else index


def _is_n2p2(path, file_format):
    return file_format == N2P2 or (file_format is None and _first_word(path) == "begin")


def _units(options):
    """Those of n2p2's files."""
    return {"length_unit": options.length_unit, "energy_unit": options.energy_unit}


def _read(name, options):
    """The structures of one file."""
    if name == STDIN:
        return _read_stdin(options)
    path, index = _split_name(name)
    if path.is_dir():
        raise CommandError(f"{name} is a folder; name the files in it.")
    if not path.exists():
        raise CommandError(f"There is no file {name}.")
    with tempfile.TemporaryDirectory() as folder:
        return _parse(_unpacked(path, Path(folder)), index, name, options)


def _read_stdin(options):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stdin.extxyz"
        path.write_text(sys.stdin.read())
        return _parse(path, slice(None), "standard input", options)


def _unpacked(path, folder):
    """The file, or what is in it if it is compressed; ASE reads compressed files very slowly."""
    if path.suffix not in OPENERS:
        return path
    unpacked = folder / path.stem
    with OPENERS[path.suffix](path, "rb") as source, open(unpacked, "wb") as target:
        shutil.copyfileobj(source, target)
    return unpacked


def _parse(path, index, name, options):
    if _is_n2p2(path, options.format):
        return read_input_data(path, **_units(options))[index]
    try:
        structures = ase.io.read(
            path, index=index, format=options.format, do_not_split_by_at_sign=True
        )
    except UnknownFileTypeError:
        raise CommandError(
            f"{name} is in no format that ASE guesses. Name it: --format extxyz, for example."
        ) from None
    except Exception as error:  # the readers of ASE have many of their own
        text = " ".join(str(error).split()) or type(error).__name__
        raise CommandError(
            f"{name} cannot be read: {text}. If the format is not what its name says, name it "
            "with --format."
        ) from error
    if not structures:
        raise CommandError(f"{name} has no structure.")
    return structures


def _first_word(path):
    with open(path, "rb") as file:
        words = file.read(200).split(None, 1)
    return words[0].decode("ascii", "replace") if words else ""


def _find_energy(data, key):
    """The key of the energies, None for those of calculators; and what to say of it."""
    known = common_energy([results_of(atoms) for atoms in data.structures]) is not None
    candidates = _keys_in_all([_numbers_of(atoms) for atoms in data.structures])
    if key is not None:
        _check_key(key, "energy", "info", [atoms.info for atoms in data.structures])
        return key, None
    if known:
        others = f"; --energy-key {candidates[0]} would take others" if candidates else ""
        return None, f"energies: those of the files' calculator results{others}" if others else None
    return _guess(data, candidates, "energy", "info")


def _find_forces(data, key):
    candidates = _keys_in_all([_vectors_of(atoms) for atoms in data.structures])
    if key is not None:
        _check_key(key, "forces", "arrays", [atoms.arrays for atoms in data.structures])
        return key, None
    if any("forces" in results_of(atoms) for atoms in data.structures):
        return None, None
    return _guess(data, candidates, "forces", "arrays")


def _guess(data, candidates, what, place):
    if len(candidates) > 1:
        raise CommandError(
            f"{data.files[0]}: several entries of {place} may be the {what}: "
            f"{', '.join(candidates)}. Say which: --{what}-key {candidates[0]}"
        )
    if not candidates:
        return None, None
    return candidates[0], f"{what}: taken from {place}[{candidates[0]!r}], the only candidate"


def _check_key(key, what, place, dictionaries):
    if not any(key in own for own in dictionaries):
        there = sorted({name for own in dictionaries for name in own} - {"numbers", "positions"})
        raise CommandError(
            f"--{what}-key {key}: no structure has {place}[{key!r}]; there are "
            f"{', '.join(map(repr, there)) or 'none'}."
        )


def _numbers_of(atoms):
    """Keys that may be an energy."""
    return {
        key
        for key, value in atoms.info.items()
        if "energy" in str(key).lower() and np.ndim(value) == 0 and np.isreal(value)
        and not isinstance(value, (str, bytes, bool))
    }  # fmt: skip


def _vectors_of(atoms):
    """Keys that may be forces."""
    return {
        key
        for key, value in atoms.arrays.items()
        if "force" in str(key).lower() and np.shape(value) == (len(atoms), 3)
    }


def _keys_in_all(sets):
    return sorted(set.intersection(*sets)) if sets else []


def _check_energies(data):
    """Refuse structures without an energy."""
    if data.energy_key is not None:
        missing = [i for i, s in enumerate(data.structures) if s.info.get(data.energy_key) is None]
    else:
        labels = [results_of(atoms) for atoms in data.structures]
        if common_energy(labels):
            return
        missing = [i for i, own in enumerate(labels) if "energy" not in own]
    if not missing:
        return
    there = sorted({str(key) for i in missing for key in data.structures[i].info})
    about = f"its info has {', '.join(map(repr, there[:8]))}" if there else "its info is empty"
    raise CommandError(
        f"{data.where(missing[0])} has no energy ({len(missing)} of {len(data)} have none; "
        f"{about}). Name the key of the energies with --energy-key, or leave such structures out."
    )
