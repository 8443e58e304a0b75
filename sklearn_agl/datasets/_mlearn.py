"""The data sets of Zuo et al. (2020), one per element."""

import io
import json
import tarfile
from os import PathLike

import ase.io
import numpy as np
from sklearn.utils import Bunch

from sklearn_agl._sklearn import StrOptions, validate_params
from sklearn_agl.datasets._download import get_data_home
from sklearn_agl.datasets._published import Content, as_bunch, fetch_structures, labelled

ADDRESS = "https://raw.githubusercontent.com"
COMMIT = "a04d3b6ecaac47c27aa8f7e452c16a5c9a2a8cff"
REPOSITORY = f"materialsvirtuallab/mlearn/{COMMIT}"
PARTS = {"train": "training.json", "test": "test.json"}
# The authors' repository has copper's part for testing only; others have converted the set.
COMMIT_OF_ARCHIVE = "292aa09542d4bc6bdf67c710169bf486df1dd12a"
ARCHIVE = f"ACEsuit/ACEData/{COMMIT_OF_ARCHIVE}/minibenchmarks/ZuoEtAl2020.tar.gz"

DESCRIPTION = """\
{element}: {n_train} structures for training and {n_test} for testing, of Zuo et al. (2020)

Ground state, strained crystals, surfaces, molecular dynamics at several temperatures, and molecular
dynamics with a vacancy, computed with density functional theory (PBE). Energies are totals in eV,
forces in eV/Å, lengths in Å. A few of the structures for testing have a twin of equal energy among
those for training.

Source: {source}
Licence: BSD-3-Clause, Copyright (c) 2019, Materials Virtual Lab
Please cite: Y. Zuo, C. Chen, X. Li, Z. Deng, Y. Chen, J. Behler, G. Csányi, A. V. Shapeev,
A. P. Thompson, M. A. Wood, S. P. Ong, "Performance and cost assessment of machine learning
interatomic potentials", J. Phys. Chem. A 124, 731 (2020).
"""
SOURCE = f"https://github.com/materialsvirtuallab/mlearn, commit {COMMIT[:8]}"
SOURCE_OF_COPPER = f"""\
{SOURCE} (for testing), and the same set converted, at
https://github.com/ACEsuit/ACEData, commit {COMMIT_OF_ARCHIVE[:8]} (for training; no licence stated
there, and the groups of the structures are unknown)"""

CONTENTS = {
    "Cu": {
        "train": Content(262, 27416, -108998.23459, 33528.78382),
        "test": Content(31, 3178, -12536.17792, 4303.77586),
    },
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

    =======  ===  ===  ===  ===
    element   Cu   Li   Mo   Si
    train    262  241  194  214
    test      31   29   23   25
    =======  ===  ===  ===  ===

    Parameters
    ----------
    element : {"Cu", "Li", "Mo", "Si"}
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
          says what kind of structure it is (Å, eV, eV/Å), ``"unknown"`` for training with Cu;
        - `energies`, ndarray of shape (n_structures,), total energies in eV;
        - `forces`, a list of arrays of shape (n_atoms, 3) in eV/Å;
        - `groups`, ndarray of str of shape (n_structures,), the kinds of structures;
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
    n_train, n_test = len(parts["train"]), len(parts["test"])
    source = SOURCE_OF_COPPER if element == "Cu" else SOURCE
    return as_bunch(
        parts["train"] + parts["test"],
        DESCRIPTION.format(element=element, n_train=n_train, n_test=n_test, source=source),
        train=np.arange(n_train),
        test=np.arange(n_train, n_train + n_test),
    )


def _fetch_part(element, part, data_home, download_if_missing):
    folder = get_data_home(data_home) / "mlearn"
    if (element, part) == ("Cu", "train"):
        path, url, read = folder / "ZuoEtAl2020.tar.gz", ARCHIVE, _read_archived_copper
    else:
        path = folder / f"{element}_{PARTS[part]}"
        url, read = f"{REPOSITORY}/data/{element}/{PARTS[part]}", _read_entries
    expected = CONTENTS[element][part]
    return fetch_structures(read, {path: f"{ADDRESS}/{url}"}, expected, download_if_missing)


def _read_entries(path):
    return [_read_structure(entry) for entry in json.loads(path.read_bytes())]


def _read_structure(entry):
    structure, outputs = entry["structure"], entry["outputs"]
    return labelled(
        [site["species"][0]["element"] for site in structure["sites"]],
        [site["xyz"] for site in structure["sites"]],
        structure["lattice"]["matrix"],
        outputs["energy"],
        outputs["forces"],
        group=entry["group"],
    )


def _read_archived_copper(path):
    with tarfile.open(path) as archive:
        text = archive.extractfile("ZuoEtAl2020/Cu_train.xyz").read().decode()
    return [
        labelled(
            frame.numbers,
            frame.positions,
            frame.cell,
            frame.get_potential_energy(),
            frame.arrays["force"],
            group="unknown",
        )
        for frame in ase.io.read(io.StringIO(text), ":", format="extxyz")
    ]
