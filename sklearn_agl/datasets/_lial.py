"""The lithium-aluminium data set of Liu and Mo (2024)."""

import io
import json
import zipfile
from functools import partial
from os import PathLike
from pathlib import PurePosixPath

import ase.io
import numpy as np
from sklearn.utils import Bunch

from sklearn_agl._sklearn import validate_params
from sklearn_agl.datasets._download import get_data_home
from sklearn_agl.datasets._published import Content, as_bunch, fetch_structures, labelled

ADDRESS = "https://raw.githubusercontent.com/mogroupumd/Li-Al_MLIP_datasets"
FILES = ("Data.json", "poscars.zip")

# Every folder at the commit that brought it.
COMMITS = {
    "Train": "a862fd57cdfaf9733631579883e86ff0ca488987",
    "Validation": "33404edb09f0f16d4888f5f96cc5c90aad05cc56",
    "Retrain": "f43cbf52911fc3c21d0c8ae7cef9c9decbea9a29",
    "Vacancy": "82871dcb32eacaaddcc36de37286b952360f6fa7",
    "Slabs": "ebfef6f02daa3b315ab19f13e630d4e9b59839a6",
    "bcc-fcc": "0e3dd4d38c56f5984152dded2d301d410576ada0",
    "Test/A-Fig1c": "309ef0769e436fa4a34249233151117fa48f87e4",
    "Test/B-Fig1d": "309ef0769e436fa4a34249233151117fa48f87e4",
}
CONTENTS = {
    "Train": Content(356, 39198, -116007.18009, 25616.98998),
    "Validation": Content(66, 6894, -20414.05055, 7280.21616),
    "Retrain": Content(414, 44812, -126870.23408, 50174.59659),
    "Vacancy": Content(350, 38502, -106132.42649, 2848.81028),
    "Slabs": Content(420, 87520, -226208.19038, 9461.51426),
    "bcc-fcc": Content(701, 88668, -277865.57345, 12010.68310),
    "Test/A-Fig1c": Content(957, 98522, -281722.41350, 31257.71321),
    "Test/B-Fig1d": Content(432, 38844, -113464.45745, 8412.74930),
}

DESCRIPTION = """\
Li-Al: {n_structures} structures of 29 to 240 atoms in {n_sets} sets, of Liu and Mo (2024)

Crystals at rest and under strain, liquids, molecular dynamics, vacancies and slabs of many
alloys, computed with density functional theory. Energies are totals in eV, forces in eV/Å, lengths
in Å. 123 structures of "Retrain" have a twin of equal energy in "Train".

Source: https://github.com/mogroupumd/Li-Al_MLIP_datasets
Licence: none stated
Please cite: Y. Liu, Y. Mo, "Assessing the accuracy of machine learning interatomic potentials in
predicting the elemental orderings: A case study of Li-Al alloys", Acta Mater. 268, 119742 (2024).
"""


@validate_params(
    {"data_home": [str, PathLike, None], "download_if_missing": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def fetch_lial(
    *, data_home: str | PathLike | None = None, download_if_missing: bool = True
) -> Bunch:
    """Load the lithium-aluminium set of Liu and Mo, and download it where necessary.

    It has crystals, strained crystals, liquids, molecular dynamics, vacancies and slabs of Li-Al
    alloys, computed with density functional theory, in the eight sets of the authors.

    ============  ==========
    set           structures
    ============  ==========
    Train         356
    Validation    66
    Retrain       414
    Vacancy       350
    Slabs         420
    bcc-fcc       701
    Test/A-Fig1c  957
    Test/B-Fig1d  432
    ============  ==========

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of downloaded data sets, see `get_data_home`.
    download_if_missing : bool, default=True
        Whether files that are not in `data_home` are downloaded; this needs pooch.

    Returns
    -------
    Bunch
        With

        - `structures`, a list of `ase.Atoms` with energy and forces attached (Å, eV, eV/Å);
          ``info["set"]`` names the set and ``info["group"]`` is the authors' label, which says what
          kind of structure it is;
        - `energies`, ndarray of shape (n_structures,), total energies in eV;
        - `forces`, a list of arrays of shape (n_atoms, 3) in eV/Å;
        - `sets`, ndarray of str of shape (n_structures,), the sets, in the order above;
        - `groups`, ndarray of str of shape (n_structures,), the labels;
        - `DESCR`, source, licence and what to cite.

    Raises
    ------
    OSError
        If a file is missing and is not, or cannot be, downloaded. The message says where to put it.
    ImportError
        If a file has to be downloaded and pooch is not installed.
    ValueError
        If a file does not hold what it should.

    Notes
    -----
    123 structures of "Retrain" have a twin of equal energy in "Train": do not split these two from
    each other.

    References
    ----------
    .. [1] Y. Liu, Y. Mo, Acta Mater. 268, 119742 (2024).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_agl.datasets import fetch_lial
    >>> lial = fetch_lial()  # doctest: +SKIP
    >>> train = np.flatnonzero(lial.sets == "Train")  # doctest: +SKIP
    >>> structures = [lial.structures[i] for i in train]  # doctest: +SKIP
    """
    home = get_data_home(data_home) / "lial"
    structures = [
        atoms for name in COMMITS for atoms in _fetch_set(name, home, download_if_missing)
    ]
    return as_bunch(
        structures,
        DESCRIPTION.format(n_structures=len(structures), n_sets=len(COMMITS)),
        sets=np.array([atoms.info["set"] for atoms in structures]),
    )


def _fetch_set(name, home, download_if_missing):
    folder = f"{ADDRESS}/{COMMITS[name]}/{name}"
    addresses = {home / name / file: f"{folder}/{file}" for file in FILES}
    read = partial(_read_set, name=name)
    return fetch_structures(read, addresses, CONTENTS[name], download_if_missing)


def _read_set(data_path, archive_path, *, name):
    """Structures in the order of the table, whose index is the name of the structure's file."""
    data = json.loads(data_path.read_bytes())
    columns = (data[key] for key in ("Index", "Energies", "Forces", "Labels"))
    with zipfile.ZipFile(archive_path) as archive:
        members = {PurePosixPath(member).name: member for member in archive.namelist()}
        structures = []
        for index, energy, forces, label in zip(*columns, strict=True):
            text = archive.read(members[f"{index}.POSCAR.vasp"]).decode()
            atoms = ase.io.read(io.StringIO(text), format="vasp")
            # Taken apart, because fixed atoms ("selective dynamics") would show no forces.
            parts = atoms.numbers, atoms.positions, atoms.cell
            structures.append(labelled(*parts, energy, forces, set=name, group=label))
    return structures
