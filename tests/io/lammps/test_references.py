"""n2p2's own numbers, in LAMMPS."""

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.units import Bohr, Hartree
from numpy.testing import assert_allclose

from sklearn_agl.io import read_input_data, read_n2p2, write_lammps
from tests.io._folders import COMPLETE, SMALL, STRUCTURES, needs_complete_numbers
from tests.io.lammps._lammps import (
    DIGITS,
    needs_lammps,
    printed,
    read_dump,
    run_well,
    setup,
    use,
    write_data,
)

pytestmark = needs_lammps

ATOMIC = {"length_unit": Bohr, "energy_unit": Hartree}


def in_lammps(folder, structures, tmp_path, units="lj", **scales):
    """Energies and forces in the potential's own units; cells come to LAMMPS turned."""
    pipeline = read_n2p2(folder)
    write_lammps(pipeline, tmp_path / "potential", units=units, **scales)
    length, energy = scales.get("length_unit", 1.0), scales.get("energy_unit", 1.0)
    commands, turns = [], []
    elements = sorted({symbol for atoms in structures for symbol in atoms.symbols})
    for number, atoms in enumerate(structures):
        cell, turn = atoms.cell.standard_form()
        turned = Atoms(atoms.symbols, atoms.positions @ turn.T * length, pbc=atoms.pbc)
        turned.cell = cell * length
        types = [1 + elements.index(symbol) for symbol in atoms.symbols]
        write_data(tmp_path / f"{number}.data", turned, types, len(elements))
        turns.append(turn)
        commands += ["clear", *setup(f"{number}.data", turned, units)]
        commands += [*use(tmp_path / "potential", " ".join(elements)), "thermo_modify norm no"]
        commands += ["run 0", "print 'ENERGY $(pe:%.17g)'"]
        commands.append(f"write_dump all custom {number}.dump fx fy fz {DIGITS}")
    energies = printed(run_well(commands, tmp_path), "ENERGY")[:, 0] / energy
    forces = [read_dump(tmp_path / f"{number}.dump") @ turn for number, turn in enumerate(turns)]
    return energies, [own * length / energy for own in forces]


def crystals(symbol, positions, cells):
    return [
        Atoms([symbol] * len(own), own, cell=cell, pbc=True)
        for own, cell in zip(positions, cells, strict=True)
    ]


def check(found, energies, forces):
    assert_allclose(found[0], energies, rtol=1e-10)
    assert_allclose(np.concatenate(found[1]), forces, atol=1e-10 * max(np.abs(forces).max(), 1.0))


def test_lennard_jones(tmp_path):
    expected = np.load(SMALL / "prediction.npz")
    structures = crystals("Ar", expected["positions"][None], expected["cell"][None])
    found = in_lammps(SMALL, structures, tmp_path)
    check(found, expected["energy"], expected["forces"])


@needs_complete_numbers
def test_aluminium(tmp_path):
    folder = COMPLETE / "n2p2_al"
    given, expected = (
        np.load(folder / "structures.npz"),
        np.load(folder / "potential_predictions.npz"),
    )
    structures = crystals("Al", given["positions"], given["cell"])
    found = in_lammps(folder, structures, tmp_path, "metal")
    check(found, expected["energy"], np.concatenate(expected["forces"]))


@needs_complete_numbers
def test_water(tmp_path):
    folder = COMPLETE / "h2o_rpbe_potential"
    structures = list(read_input_data(folder / "input.data"))
    expected = np.load(folder / "predictions.npz")
    found = in_lammps(folder, structures, tmp_path, "metal", **ATOMIC)
    check(found, expected["energy"], expected["forces"])


@needs_complete_numbers
@pytest.mark.parametrize("symbol", ["Cu", "Si"])
def test_published(symbol, tmp_path):
    """But for cells so small that n2p2's forces are not the derivatives of its energies."""
    folder = COMPLETE / f"zuo_{symbol.lower()}"
    expected = np.load(folder / "n2p2_predictions.npz")
    forces = np.split(expected["forces"], np.cumsum(expected["n_atoms"])[:-1])
    structures = [
        Atoms(a.numbers, a.positions / Bohr, cell=a.cell / Bohr, pbc=True)
        for a in ase.io.read(STRUCTURES / f"mlearn_{symbol}.extxyz.gz", ":")
        if a.info["split"] == "test"
    ]
    r_cut = max(f.r_cut for f in read_n2p2(folder)[0].symmetry_functions_)
    large = [
        i for i, s in enumerate(structures) if 1.0 / s.cell.reciprocal().lengths().max() > r_cut
    ]
    assert len(large) > len(structures) / 2
    found = in_lammps(folder, [structures[i] for i in large], tmp_path, "metal", **ATOMIC)
    check(found, expected["energy"][large], np.concatenate([forces[i] for i in large]))
