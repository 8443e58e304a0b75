"""Small files, and one run of ``select`` that many tests look at."""

import json
from types import SimpleNamespace

import ase.io
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from sklearn_agl.cli import main

N_STRUCTURES = 40
FUNCTIONS = [
    {"kind": "G2", "eta": eta, "r_s": r_s, "r_cut": 4.0}
    for eta, r_s in [(0.1, 0.0), (0.5, 0.0), (2.0, 2.0), (2.0, 3.0), (4.0, 2.5)]
]
QUICK = ["--hidden-layer-sizes", "3", "--max-epochs", "3", "--no-lammps"]


def make_structures(n_structures=N_STRUCTURES):
    structures = []
    for seed in range(n_structures):
        atoms = bulk("Al", cubic=True)
        atoms.rattle(0.05 + 0.1 * (seed % 2), seed=seed)
        atoms.calc = EMT()
        atoms.get_forces()
        atoms.info["group"] = ["cold", "hot"][seed % 2]
        structures.append(atoms)
    return structures


def without_labels(structures):
    return [atoms.copy() for atoms in structures]


def with_keys(structures, energy, forces):
    """The same with labels under names that ASE does not know."""
    found = []
    for atoms in structures:
        copied = atoms.copy()
        copied.info[energy] = atoms.get_potential_energy()
        copied.arrays[forces] = atoms.get_forces()
        copied.info["REF_stress"] = atoms.get_stress(voigt=False)
        found.append(copied)
    return found


@pytest.fixture(scope="session")
def structures():
    return make_structures()


@pytest.fixture(scope="session")
def files(tmp_path_factory, structures):
    """Names of files in a folder of their own."""
    folder = tmp_path_factory.mktemp("files")
    names = SimpleNamespace(
        folder=folder,
        al=str(folder / "al.extxyz"),
        keys=str(folder / "keys.extxyz"),
        bare=str(folder / "bare.extxyz"),
        copper=str(folder / "copper.extxyz"),
        functions=str(folder / "functions.json"),
    )
    ase.io.write(names.al, structures)
    ase.io.write(names.keys, with_keys(structures, "REF_energy", "REF_forces"))
    ase.io.write(names.bare, without_labels(structures))
    ase.io.write(names.copper, [bulk("Cu", cubic=True)])
    (folder / "functions.json").write_text(json.dumps({"selected": FUNCTIONS}))
    return names


@pytest.fixture(scope="session")
def selection(tmp_path_factory, files):
    """The folder that ``select`` ends with."""
    folder = tmp_path_factory.mktemp("runs") / "selection"
    arguments = ["--symmetry-functions", files.functions, "--method", "agl,cur", "-o", str(folder)]
    assert main(["select", files.al, *arguments, *QUICK]) == 0
    return folder
