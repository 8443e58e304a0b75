"""What the loaders of published data sets share: reading, checking and handing on."""

import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from gzip import BadGzipFile

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import ParseError
from ase.io.extxyz import XYZError
from sklearn.utils import Bunch

from sklearn_agl.datasets._download import fetch_file

DAMAGED = (
    ValueError,
    LookupError,
    TypeError,
    RuntimeError,
    EOFError,
    BadGzipFile,
    ParseError,
    XYZError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What the readers raise for a file that is cut short, or is none of its kind."""


@dataclass(frozen=True)
class Content:
    """What tells whether a file holds what it should; the publisher gives no checksums."""

    n_structures: int
    n_atoms: int
    energy: float
    force: float

    @classmethod
    def of(cls, structures):
        """Numbers of structures and atoms, total energy (eV), sum of all |F| components (eV/Å)."""
        energies = [atoms.get_potential_energy() for atoms in structures]
        forces = [np.abs(atoms.get_forces()).sum() for atoms in structures]
        n_atoms = sum(len(atoms) for atoms in structures)
        return cls(len(structures), n_atoms, float(np.sum(energies)), float(np.sum(forces)))

    def agrees_with(self, other):
        """Whether numbers are equal and sums are, to the rounding of eight printed decimals."""
        counts = (self.n_structures, self.n_atoms) == (other.n_structures, other.n_atoms)
        sums = np.subtract((self.energy, self.force), (other.energy, other.force))
        return counts and bool(np.all(np.abs(sums) < 1e-3))


def fetch_structures(read, addresses, expected, download_if_missing):
    """Structures of files that belong together, downloaded where necessary and checked.

    Parameters
    ----------
    read : callable
        Takes the paths of the files, gives the structures.
    addresses : dict of Path to str
        Where each file is, or goes, and where it comes from.
    expected : Content
        What the files should hold.
    download_if_missing : bool
        Whether the files may be downloaded.

    Returns
    -------
    list of ase.Atoms

    Raises
    ------
    OSError, ImportError
        As `fetch_file` does.
    ValueError
        If the files cannot be read or hold something else.
    """
    for path, url in addresses.items():
        fetch_file(url, path, download_if_missing)
    names = " or ".join(map(str, addresses))
    try:
        structures = read(*addresses)
    except DAMAGED as error:
        raise ValueError(f"{names} is damaged; delete it and try again.") from error
    found = Content.of(structures)
    if not found.agrees_with(expected):
        raise ValueError(
            f"{names} does not hold the data set: {found}, expected {expected}. Delete it and try "
            "again."
        )
    return structures


def labelled(symbols, positions, cell, energy, forces, **info):
    """One periodic structure (Å) with its energy (eV) and forces (eV/Å)."""
    atoms = Atoms(symbols, positions=positions, cell=cell, pbc=True, info=info)
    forces = np.reshape(forces, (len(atoms), 3))
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
    return atoms


def as_bunch(structures, description, **others):
    """What every loader returns, and what is its own."""
    return Bunch(
        structures=structures,
        energies=np.array([atoms.get_potential_energy() for atoms in structures]),
        forces=[atoms.get_forces() for atoms in structures],
        groups=np.array([atoms.info["group"] for atoms in structures]),
        **others,
        DESCR=description,
    )
