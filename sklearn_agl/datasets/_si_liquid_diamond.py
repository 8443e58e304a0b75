"""Liquid silicon and perturbed diamond, of a workshop at Princeton (2023)."""

from functools import partial
from os import PathLike

import numpy as np
from sklearn.utils import Bunch

from sklearn_agl._sklearn import validate_params
from sklearn_agl.datasets._download import get_data_home
from sklearn_agl.datasets._published import Content, as_bunch, fetch_structures, labelled

COMMIT = "fc7780f94b347afabad78e3e9b84de288468175e"
ADDRESS = "https://raw.githubusercontent.com/CSIprinceton/workshop-july-2023"
FOLDER = "hands-on-sessions/day-2/4-first-model/example-data"
FILES = ("box.raw", "coord.raw", "energy.raw", "force.raw")

CONTENTS = {
    "liquid-si-64/trajectory-lammps-1700K-10000bar": Content(101, 6464, -689167.17764, 9519.89115),
    "liquid-si-64/trajectory-lammps-1700K-1bar": Content(101, 6464, -689161.34776, 9628.75948),
    "liquid-si-64/trajectory-lammps-1700K-neg10000bar": Content(
        101, 6464, -689184.06561, 9651.72832
    ),
    "perturbations-si-64/0.01A-1p": Content(100, 6400, -685690.71881, 2905.48698),
    "perturbations-si-64/0.05A-2p": Content(100, 6400, -685472.72847, 9221.76502),
    "perturbations-si-64/0.1A-3p": Content(100, 6400, -684983.07141, 16675.10381),
    "perturbations-si-64/0.2A-5p": Content(100, 6400, -683285.76237, 33564.44426),
}

DESCRIPTION = """\
Si: {n_structures} structures of 64 atoms, liquid and diamond, of Piaggi and Lee (2023)

The liquid at 1700 K and three pressures, sampled with the Stillinger-Weber potential, and the
diamond crystal with atoms displaced and cells strained at random, in "0.05A-2p" by at most
0.05 Å and 2 %, computed with density functional theory (PBE). Energies are totals in eV, forces in
eV/Å, lengths in Å.

Source: https://github.com/CSIprinceton/workshop-july-2023, commit {commit}
Licence: none stated
Please cite: P. Piaggi, T. Lee, "Basics of preparing training data", workshop "Deep Modeling for
Molecular Simulation", Princeton University, July 2023.
"""


@validate_params(
    {"data_home": [str, PathLike, None], "download_if_missing": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def fetch_si_liquid_diamond(
    *, data_home: str | PathLike | None = None, download_if_missing: bool = True
) -> Bunch:
    """Load liquid silicon and perturbed diamond, and download them where necessary.

    The training data of a workshop on machine-learned potentials, computed with density functional
    theory: 64 atoms each, in seven groups.

    ================================================  ==========
    group                                             structures
    ================================================  ==========
    liquid-si-64/trajectory-lammps-1700K-10000bar     101
    liquid-si-64/trajectory-lammps-1700K-1bar         101
    liquid-si-64/trajectory-lammps-1700K-neg10000bar  101
    perturbations-si-64/0.01A-1p                      100
    perturbations-si-64/0.05A-2p                      100
    perturbations-si-64/0.1A-3p                       100
    perturbations-si-64/0.2A-5p                       100
    ================================================  ==========

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
          ``info["group"]`` names the group;
        - `energies`, ndarray of shape (n_structures,), total energies in eV;
        - `forces`, a list of arrays of shape (n_atoms, 3) in eV/Å;
        - `groups`, ndarray of str of shape (n_structures,), the groups, in the order above;
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
    The liquid was sampled at 1700 K with the potential of Stillinger and Weber [1]_, every 10 ps.
    In the crystals, each coordinate is displaced and each length of the cell is changed by a
    uniform random number, in "0.05A-2p" by at most 0.05 Å and 2 %.

    References
    ----------
    .. [1] F. H. Stillinger, T. A. Weber, Phys. Rev. B 31, 5262 (1985).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_agl.datasets import fetch_si_liquid_diamond
    >>> silicon = fetch_si_liquid_diamond()  # doctest: +SKIP
    >>> liquid = np.flatnonzero(np.char.startswith(silicon.groups, "liquid"))  # doctest: +SKIP
    """
    home = get_data_home(data_home) / "si_liquid_diamond"
    structures = [
        atoms for group in CONTENTS for atoms in _fetch_group(group, home, download_if_missing)
    ]
    return as_bunch(structures, DESCRIPTION.format(n_structures=len(structures), commit=COMMIT[:8]))


def _fetch_group(group, home, download_if_missing):
    folder = f"{group}/extracted-confs" if group.startswith("liquid") else group
    addresses = {
        home / folder / file: f"{ADDRESS}/{COMMIT}/{FOLDER}/{folder}/{file}" for file in FILES
    }
    read = partial(_read_system, group=group)
    return fetch_structures(read, addresses, CONTENTS[group], download_if_missing)


def _read_system(*paths, group):
    """Structures of DeePMD-kit's raw files, which have a line per structure."""
    columns = [np.loadtxt(path, ndmin=2) for path in paths]
    structures = []
    for box, coord, (energy,), force in zip(*columns, strict=True):
        symbols, positions = ["Si"] * (len(coord) // 3), coord.reshape(-1, 3)
        structures.append(
            labelled(symbols, positions, box.reshape(3, 3), energy, force, group=group)
        )
    return structures
