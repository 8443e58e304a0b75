"""The data sets of Zuo et al. (2020), one per element."""

import json
from dataclasses import dataclass
from os import PathLike

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_params

from sklearn_agl.datasets._download import fetch_file, get_data_home

COMMIT = "a04d3b6ecaac47c27aa8f7e452c16a5c9a2a8cff"
ADDRESS = "https://raw.githubusercontent.com/materialsvirtuallab/mlearn"
PARTS = {"train": "training.json", "test": "test.json"}

DESCRIPTION = """\
{element}: {n_train} structures for training and {n_test} for testing, of Zuo et al. (2020)

Ground state, strained crystals, surfaces, molecular dynamics at several temperatures, and molecular
dynamics with a vacancy, computed with density functional theory (PBE). Energies are totals in eV,
forces in eV/Å, lengths in Å. A few of the structures for testing have a twin of equal energy among
those for training.

Source: https://github.com/materialsvirtuallab/mlearn, commit {commit}
Licence: BSD-3-Clause, Copyright (c) 2019, Materials Virtual Lab
Please cite: Y. Zuo, C. Chen, X. Li, Z. Deng, Y. Chen, J. Behler, G. Csányi, A. V. Shapeev,
A. P. Thompson, M. A. Wood, S. P. Ong, "Performance and cost assessment of machine learning
interatomic potentials", J. Phys. Chem. A 124, 731 (2020).
"""


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


CONTENTS = {
    "Li": {
        "train": Content(241, 11576, -20995.98124, 6695.87482),
        "test": Content(29, 1320, -2379.31660, 816.55948),
    },
    "Mo": {
        "train": Content(194, 10087, -105406.93257, 29175.11905),
        "test": Content(23, 1189, -12414.04924, 3387.25025),
    },
    "Si": {
        "train": Content(214, 13233, -67723.70553, 21868.42456),
        "test": Content(25, 1525, -7730.51219, 2590.37774),
    },
}


@validate_params(
    {
        "element": [StrOptions(set(CONTENTS))],
        "data_home": [str, PathLike, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_mlearn(
    element: str,
    *,
    data_home: str | PathLike | None = None,
    download_if_missing: bool = True,
) -> Bunch:
    """Load one of the data sets of Zuo et al., and download it where necessary.

    The set was computed with density functional theory, to compare kinds of potentials: crystals,
    strained crystals, surfaces, vacancies and molecular dynamics of one element.

    =======  ===  ===  ===
    element   Li   Mo   Si
    train    241  194  214
    test      29   23   25
    =======  ===  ===  ===

    Parameters
    ----------
    element : {"Li", "Mo", "Si"}
        Symbol of the element.
    data_home : str or path-like, default=None
        Folder of downloaded data sets, see `get_data_home`.
    download_if_missing : bool, default=True
        Whether files that are not in `data_home` are downloaded; this needs pooch.

    Returns
    -------
    Bunch
        With

        - `structures`, a list of `ase.Atoms` with energy and forces attached; ``info["group"]``
          says what kind of structure it is (Å, eV, eV/Å);
        - `energies`, ndarray of shape (n_structures,), total energies in eV;
        - `forces`, a list of arrays of shape (n_atoms, 3) in eV/Å;
        - `train`, `test`, ndarrays of int: the authors' own split, as indices of structures;
        - `DESCR`, source, licence and what to cite.

    Raises
    ------
    OSError
        If a file is missing and is not, or cannot be, downloaded. The message says where to put it.
    ImportError
        If a file has to be downloaded and pooch is not installed.
    ValueError
        If a file does not hold what it should.

    References
    ----------
    .. [1] Y. Zuo et al., J. Phys. Chem. A 124, 731 (2020).

    Examples
    --------
    >>> from sklearn_agl.datasets import fetch_mlearn
    >>> silicon = fetch_mlearn("Si")  # doctest: +SKIP
    >>> train = [silicon.structures[i] for i in silicon.train]  # doctest: +SKIP
    """
    parts = {part: _fetch_part(element, part, data_home, download_if_missing) for part in PARTS}
    structures = parts["train"] + parts["test"]
    n_train, n_test = len(parts["train"]), len(parts["test"])
    return Bunch(
        structures=structures,
        energies=np.array([atoms.get_potential_energy() for atoms in structures]),
        forces=[atoms.get_forces() for atoms in structures],
        train=np.arange(n_train),
        test=np.arange(n_train, n_train + n_test),
        DESCR=DESCRIPTION.format(
            element=element, n_train=n_train, n_test=n_test, commit=COMMIT[:8]
        ),
    )


def _fetch_part(element, part, data_home, download_if_missing):
    path = get_data_home(data_home) / "mlearn" / f"{element}_{PARTS[part]}"
    url = f"{ADDRESS}/{COMMIT}/data/{element}/{PARTS[part]}"
    fetch_file(url, path, download_if_missing)
    try:
        structures = [_read_structure(entry) for entry in json.loads(path.read_bytes())]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged; delete it and try again.") from error
    found, expected = Content.of(structures), CONTENTS[element][part]
    if not found.agrees_with(expected):
        raise ValueError(
            f"{path} does not hold the data set: {found}, expected {expected}. Delete it and try "
            "again."
        )
    return structures


def _read_structure(entry):
    structure, outputs = entry["structure"], entry["outputs"]
    atoms = Atoms(
        [site["species"][0]["element"] for site in structure["sites"]],
        positions=[site["xyz"] for site in structure["sites"]],
        cell=structure["lattice"]["matrix"],
        pbc=True,
        info={"group": entry["group"]},
    )
    atoms.calc = SinglePointCalculator(atoms, energy=outputs["energy"], forces=outputs["forces"])
    return atoms
