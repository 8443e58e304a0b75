"""Files of other programs, small ones made here: what ASE reads of them is trained on as it is."""

import ase.db
import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase.io import Trajectory
from numpy.testing import assert_allclose

from sklearn_agl import HDNNPRegressor, SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl._labels import stored_derivatives, stored_energies
from sklearn_agl.io import write_input_data

FUNCTIONS = [SymmetryFunction("G2", eta=1.0, r_cut=2.9)]
ENERGIES = np.array([-7.5, -7.25, -7.125])
FORCES = [np.array([[0.5 * (k + 1), 0.25, 0.0], [-0.5 * (k + 1), -0.25, 0.0]]) for k in range(3)]
CELL = "3 0 0", "0 3 0", "0 0 3"


def structures(*, labelled=True):
    found = []
    for k, (energy, forces) in enumerate(zip(ENERGIES, FORCES, strict=True)):
        atoms = Atoms("Cu2", [[0, 0, 0], [1.5, 1.5, 1.5 + 0.1 * k]], cell=[3, 3, 3], pbc=True)
        if labelled:
            atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
        found.append(atoms)
    return found


def labels(read, **params):
    """Energies and forces that training sees."""
    X = SymmetryFunctionTransformer(FUNCTIONS, **params).fit_transform(read)
    energies = stored_energies(X)
    return energies, stored_derivatives(X, np.array(energies)).get("forces")


def assert_labels(read, **params):
    energies, forces = labels(read, **params)
    assert_allclose(energies, ENERGIES)
    assert_allclose(forces, FORCES)


@pytest.mark.parametrize("name", ["a.extxyz", "a.traj", "a.db", "a.json"])
def test_files_of_ase(tmp_path, name):
    ase.io.write(tmp_path / name, structures())
    assert_labels(ase.io.read(tmp_path / name, ":"))


def test_trajectories_and_rows_as_they_are(tmp_path):
    ase.io.write(tmp_path / "a.traj", structures())
    with Trajectory(tmp_path / "a.traj") as trajectory:
        assert_labels(trajectory)
    database = ase.db.connect(tmp_path / "a.db")
    for atoms in structures():
        database.write(atoms)
    assert_labels([row.toatoms() for row in database.select()])


@pytest.mark.parametrize(
    ("energy", "forces"),
    [
        ("REF_energy", "REF_forces"),
        ("dft_energy", "dft_forces"),
        ("E", "F"),
        ("energy_ref", "force"),
        ("TotEnergy", "force"),
    ],
)
def test_keys_of_extended_xyz(tmp_path, energy, forces):
    found = structures(labelled=False)
    for atoms, own, vectors in zip(found, ENERGIES, FORCES, strict=True):
        atoms.info[energy] = own
        atoms.arrays[forces] = vectors
    ase.io.write(tmp_path / "a.extxyz", found)
    read = ase.io.read(tmp_path / "a.extxyz", ":")
    assert_labels(read, energy_key=energy, forces_key=forces)


def test_key_of_free_energies_in_extended_xyz(tmp_path):
    """Forces are derivatives of the free energy, not of the other one."""
    path = tmp_path / "a.extxyz"
    path.write_text(
        "".join(
            f'2\nLattice="{" ".join(CELL)}" Properties=species:S:1:pos:R:3:forces:R:3 '
            f'energy=1.0 free_energy={energy} stress="0 0 0 0 0 0 0 0 0" pbc="T T T"\n'
            + "".join(
                f"Cu {x} {x} {x} {' '.join(map(str, force))}\n"
                for x, force in zip((0.0, 1.5), forces, strict=True)
            )
            for energy, forces in zip(ENERGIES, FORCES, strict=True)
        )
    )
    assert_labels(ase.io.read(path, ":"))


def varray(name, rows):
    return f'<varray name="{name}">' + "".join(f"<v>{row}</v>" for row in rows) + "</varray>"


def vasprun(energies, forces):
    """What VASP's vasprun.xml has of a few ionic steps."""
    positions = varray("positions", ("0 0 0", "0.5 0.5 0.5"))
    structure = f"<crystal>{varray('basis', CELL)}</crystal>{positions}"
    steps = []
    for energy, own in zip(energies, forces, strict=True):
        own_energies = (
            f'<energy><i name="e_fr_energy">{energy}</i><i name="e_wo_entrp">{energy + 0.1}</i>'
            f'<i name="e_0_energy">{energy + 0.05}</i></energy>'
        )
        own_forces = varray("forces", [" ".join(map(str, row)) for row in own])
        steps.append(
            f"<calculation><scstep>{own_energies}</scstep><structure>{structure}</structure>"
            f"{own_forces}{own_energies}</calculation>"
        )
    atoms = "<rc><c>Cu</c><c>1</c></rc>" * 2
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?><modeling><incar/><kpoints/><parameters/>'
        f'<atominfo><atoms>2</atoms><array name="atoms"><set>{atoms}</set></array></atominfo>'
        f'<structure name="initialpos">{structure}</structure>{"".join(steps)}</modeling>'
    )


OUTCAR_HEAD = """ vasp.6.3.0 18Jan22 (build) complex
 POTCAR:    PAW_PBE Cu 22Jun2005
 POTCAR:    PAW_PBE Cu 22Jun2005
   VRHFIN =Cu: d10 p1
   TITEL  = PAW_PBE Cu 22Jun2005
   ISPIN  =      1    spin polarized calculation?
   ions per type =               2
   k-points           NKPTS =      1   k-points in BZ   NKDIM =   1   number of bands NBANDS= 16
 Following reciprocal coordinates: k-points in reciprocal lattice and weights:
   0.00000000  0.00000000  0.00000000      1.000
"""


def outcar(energies, forces):
    """What VASP's OUTCAR has of a few ionic steps."""
    lattice = "      direct lattice vectors                 reciprocal lattice vectors\n" + "".join(
        f"     {row[0]:.9f}  {row[1]:.9f}  {row[2]:.9f}     0.3  0.0  0.0\n"
        for row in 3 * np.eye(3)
    )
    steps = [
        f"--------------------------------------- Iteration {k:6d}(   1)  ---------------\n"
        f"{lattice}"
        " POSITION                                       TOTAL-FORCE (eV/Angst)\n"
        " ----------------------------------------------------------------------\n"
        + "".join(
            f"   {x:.5f} {x:.5f} {x:.5f}   {own[0]:.6f} {own[1]:.6f} {own[2]:.6f}\n"
            for x, own in zip((0.0, 1.5), rows, strict=True)
        )
        + " ----------------------------------------------------------------------\n"
        "  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)\n"
        "  ---------------------------------------------------\n"
        f"  free  energy   TOTEN  =     {energy:14.8f} eV\n\n"
        f"  energy  without entropy= {energy + 0.1:14.8f}  "
        f"energy(sigma->0) = {energy + 0.05:14.8f}\n"
        for k, (energy, rows) in enumerate(zip(energies, forces, strict=True), start=1)
    ]
    return OUTCAR_HEAD + "".join(steps)


@pytest.mark.parametrize(("name", "write"), [("vasprun.xml", vasprun), ("OUTCAR", outcar)])
def test_files_of_vasp(tmp_path, name, write):
    """The free energy, whose derivatives the forces are, not the one for zero broadening."""
    (tmp_path / name).write_text(write(ENERGIES, FORCES))
    read = ase.io.read(tmp_path / name, ":")
    assert_labels(read)
    assert_allclose(read[0].get_potential_energy(), ENERGIES[0] + 0.05)


def dump(forces):
    """What LAMMPS' dump has of a few steps: no energies."""
    return "".join(
        f"ITEM: TIMESTEP\n{k}\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n"
        "0 3\n0 3\n0 3\nITEM: ATOMS id element x y z fx fy fz\n"
        f"1 Cu 0 0 0 {' '.join(map(str, first))}\n2 Cu 1.5 1.5 1.5 {' '.join(map(str, second))}\n"
        for k, (first, second) in enumerate(forces)
    )


def test_dumps_of_lammps_have_forces_and_no_energies(tmp_path):
    """ASE's reader makes the energies 0; nobody shall train on that."""
    (tmp_path / "a.lammpstrj").write_text(dump(FORCES))
    read = ase.io.read(tmp_path / "a.lammpstrj", ":")
    X = SymmetryFunctionTransformer(FUNCTIONS).fit_transform(read)
    with pytest.raises(ValueError, match="structure 0 carries no energy"):
        HDNNPRegressor((2,), max_epochs=1).fit(X, None)
    with pytest.raises(ValueError, match="^Structures 0, 1, 2 have no energy"):
        write_input_data(tmp_path / "input.data", read)
    assert_allclose(stored_derivatives(X, ENERGIES)["forces"], FORCES)


def test_constraints_in_files_hide_no_forces(tmp_path):
    found = structures()
    for atoms in found:
        atoms.set_constraint(FixAtoms([0]))
    ase.io.write(tmp_path / "a.traj", found)
    assert_labels(ase.io.read(tmp_path / "a.traj", ":"))
