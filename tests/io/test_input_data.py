"""Structures in n2p2's input.data."""

import warnings

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.units import Bohr, Hartree
from hypothesis import HealthCheck, given, settings, strategies as st

from sklearn_agl.io import read_input_data, write_input_data

from ._folders import COMPLETE, needs_complete_numbers

numbers = st.floats(-1e3, 1e3)
vectors = st.tuples(numbers, numbers, numbers)


@st.composite
def structures(draw):
    symbols = draw(st.lists(st.sampled_from(["H", "O", "Cl"]), min_size=1, max_size=4))
    n = len(symbols)
    places = draw(st.lists(vectors, min_size=n, max_size=n))
    cell = draw(st.none() | st.just([[4.1, 0.3, 0.0], [0.0, 5.0, 1.0], [-0.1, 0.0, 6.0]]))
    atoms = Atoms(symbols, positions=places, cell=cell, pbc=cell is not None)
    atoms.set_initial_charges(draw(st.lists(numbers, min_size=n, max_size=n)))
    atoms.info["charge"] = draw(numbers)
    forces = np.array(draw(st.lists(vectors, min_size=n, max_size=n)))
    return atoms, draw(numbers), forces


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(structures(), min_size=1, max_size=3))
@pytest.mark.filterwarnings("ignore:.* a total charge")
def test_no_digit_is_lost(tmp_path_factory, drawn):
    path = tmp_path_factory.getbasetemp() / "input.data"
    given_atoms, energies, forces = zip(*drawn, strict=True)
    write_input_data(path, given_atoms, energies, forces, overwrite=True)
    read = read_input_data(path)
    assert len(read) == len(drawn)
    for atoms, (before, energy, force) in zip(read, drawn, strict=True):
        assert atoms.get_potential_energy() == energy
        assert atoms.info["charge"] == (0.0 if before.pbc.any() else before.info["charge"])
        assert (atoms.symbols == before.symbols).all()
        np.testing.assert_array_equal(atoms.positions, before.positions)
        np.testing.assert_array_equal(atoms.get_forces(), force)
        np.testing.assert_array_equal(atoms.cell.array, before.cell.array)
        np.testing.assert_array_equal(atoms.pbc, before.pbc)
        np.testing.assert_array_equal(atoms.get_initial_charges(), before.get_initial_charges())


def test_stored_results_are_written_in_other_units(tmp_path):
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=0)
    atoms.info["comment"] = "two\nlines"
    atoms.calc = EMT()
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    path = tmp_path / "input.data"
    write_input_data(path, [atoms], length_unit=Bohr, energy_unit=Hartree)
    raw = read_input_data(path)[0]
    np.testing.assert_allclose(raw.positions * Bohr, atoms.positions, rtol=1e-14)
    np.testing.assert_allclose(raw.get_potential_energy() * Hartree, energy, rtol=1e-14)
    again = read_input_data(path, length_unit=Bohr, energy_unit=Hartree)[0]
    np.testing.assert_allclose(again.cell, atoms.cell, rtol=1e-14)
    np.testing.assert_allclose(again.get_forces(), forces, rtol=1e-13, atol=1e-15)
    assert again.info["comment"] == "two lines"


def test_what_a_file_does_not_say(tmp_path):
    path = tmp_path / "input.data"
    path.write_text("begin\natom 0 0 0 H 0 0 0 0 0\nend\n")
    atoms = read_input_data(path)[0]
    assert "energy" not in atoms.calc.results
    assert not atoms.info
    assert not atoms.pbc.any()
    assert not atoms.has("initial_charges")


def copper(n=3):
    structures = [bulk("Cu", cubic=True) for _ in range(n)]
    for seed, atoms in enumerate(structures):
        atoms.rattle(0.1, seed=seed)
    return structures


def test_energies_of_other_structures_are_never_written(tmp_path):
    structures, shared = copper(3), EMT()
    for atoms in structures:
        atoms.calc = shared
        atoms.get_potential_energy()
    with pytest.raises(ValueError, match="^Structures 0, 1 have no energy that a calculator"):
        write_input_data(tmp_path / "input.data", structures)
    energies = [atoms.get_potential_energy() for atoms in structures]
    forces = [atoms.get_forces() for atoms in structures]
    write_input_data(tmp_path / "input.data", structures, energies, forces)
    read = read_input_data(tmp_path / "input.data")
    assert [atoms.get_potential_energy() for atoms in read] == energies


def test_energies_of_other_positions_are_never_written(tmp_path):
    (atoms,) = copper(1)
    atoms.calc = SinglePointCalculator(atoms, energy=1.0, forces=np.ones((4, 3)))
    atoms.rattle(0.1)
    with pytest.raises(ValueError, match="^Structure 0 has no energy .* as they are. Give"):
        write_input_data(tmp_path / "input.data", [atoms])
    with pytest.warns(UserWarning, match="^Structure 0 has no forces"):
        write_input_data(tmp_path / "input.data", [atoms], [1.0])
    assert not read_input_data(tmp_path / "input.data")[0].get_forces().any()


def test_missing_energies_are_named_with_where_they_may_be(tmp_path):
    structures = copper(9)
    for atoms in structures:
        atoms.info["REF_energy"] = 1.0
    message = r"^Structures 0, 1, 2, 3, 4 and 4 more have no energy .*but info\['REF_energy'\]"
    with pytest.raises(ValueError, match=message):
        write_input_data(tmp_path / "input.data", structures)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("charge", [None, 1])
def test_total_charges_that_n2p2_refuses(tmp_path, charge):
    """Charges of an analysis that do not add up to 0, and a charged defect."""
    path = tmp_path / "input.data"
    atoms = bulk("NaCl", "rocksalt", a=5.6, cubic=True)
    atoms.set_initial_charges([0.8461, -0.8460] * 4)
    if charge is not None:
        atoms.info["charge"] = charge
    forces = [np.zeros((8, 3))]
    with pytest.warns(UserWarning, match="^Structure 0 has periodic boundaries and a total charge"):
        write_input_data(path, [atoms], [0.0], forces)
    (again,) = read_input_data(path)
    assert again.info["charge"] == 0.0
    np.testing.assert_array_equal(again.get_initial_charges(), atoms.get_initial_charges())
    atoms.set_initial_charges([0.1, -0.1] * 4)  # neutral but for rounding
    atoms.info.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_input_data(path, [atoms], [0.0], forces, overwrite=True)


def test_sets_and_comments_survive(tmp_path):
    path = tmp_path / "input.data"
    structures = [molecule("H2O") for _ in range(4)]
    for atoms, chosen in zip(structures, ("train", "test", "validation", None), strict=True):
        atoms.info = {"comment": "run #3,  set=x ! done"}
        if chosen:
            atoms.info["set"] = chosen
    write_input_data(path, structures, np.zeros(4), [np.zeros((3, 3))] * 4)
    begins = [line for line in path.read_text().splitlines() if line.startswith("begin")]
    assert begins == ["begin set=train", "begin set=test", "begin", "begin"]
    read = read_input_data(path)
    assert [atoms.info.get("set") for atoms in read] == ["train", "test", None, None]
    assert {atoms.info["comment"] for atoms in read} == {"run #3,  set=x ! done"}


@needs_complete_numbers
def test_files_of_n2p2():
    atoms = read_input_data(COMPLETE / "h2o_rpbe_potential" / "input.data")[0]
    assert atoms.get_chemical_formula() == "H720O360"
    assert atoms.cell[1, 1] == 44.571144109503649
    assert atoms.info["comment"] == "Generated from -, TIMESTEP: 20000000"
    aluminium = read_input_data(COMPLETE / "n2p2_angular" / "input.data")
    assert aluminium[0].get_forces()[0, 0] == 0.535927499902351556


GOOD = """begin
comment one atom
lattice 3 0 0
lattice 0 3 0
lattice 0 0 3
atom 0 0 0 H 0.1 0 1 2 3
energy -1
charge 0.1
end
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("begin", "", r"line 2: Expected begin, got 'comment'"),
        ("begin", "begin set=all", r"line 1: Behind begin may be one of .*, got 'set=all'"),
        ("end", "", r"line 1: The structure that begins here has no end"),
        ("lattice 3 0 0", "", r"line 1: .* has 2 lattice vector\(s\)"),
        ("lattice 3 0 0", "lattice 0 0 0", r"line 1: .* span no volume"),
        ("lattice 3 0 0", "lattice 3 0", r"line 3: lattice needs 3 value"),
        ("atom 0 0 0 H", "lattice 1 1 1\natom 0 0 0 H", r"line 6: A fourth lattice vector"),
        ("atom 0 0 0 H 0.1 0 1 2 3", "", r"line 1: .* has no atom"),
        ("0.1 0 1 2 3", "0.1 0 1 2", r"line 6: atom needs 9 value"),
        ("atom 0 0 0 H", "atom 0 0 nan H", r"line 6: A coordinate must be a number, got 'nan'"),
        ("atom 0 0 0 H", "atom 0 0 0 Xx", r"line 6: Unknown chemical symbol 'Xx'"),
        ("energy -1", "energy -1 eV", r"line 7: energy needs 1 value"),
        ("energy -1", "energy -1\nenergy -1", r"line 8: A second energy"),
        (
            "energy -1",
            "energy " + 10**6 * "1" + "x",
            r"line 7: The energy must be a number, got '1",
        ),
        ("energy -1", "enrgy -1", r"line 7: Unknown keyword 'enrgy'"),
        (GOOD, "\n", r"has no structure"),
    ],
)
def test_damaged_files_are_named(tmp_path, old, new, message):
    path = tmp_path / "input.data"
    path.write_text(GOOD)
    assert len(read_input_data(path)) == 1
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ValueError, match=f"input.data.*{message}") as caught:
        read_input_data(path)
    assert len(str(caught.value)) < 1000


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.data does not exist"):
        read_input_data(tmp_path / "nowhere.data")


WATER = molecule("H2O")


@pytest.mark.parametrize(
    ("atoms", "energies", "forces", "message"),
    [
        (Atoms(), [0.0], None, "Structure 0 has no atom"),
        (
            Atoms("H", cell=[3, 3, 3], pbc=(1, 1, 0)), [0.0], [np.zeros((1, 3))],
            "Structure 0 is periodic in 2",
        ),
        (Atoms("H", info={"charge": "+"}), [0.0], None, r"info\['charge'\] of structure 0\[0\]"),
        (WATER, [1.0, 2.0], None, "Got 2 energies for 1 structures"),
        (WATER, [np.nan], [np.zeros((3, 3))], "Structure 0: energy must not contain NaN"),
        (WATER, [0.0], [np.zeros((2, 3))], r"Forces of structure 0 have shape \(2, 3\)"),
        (WATER, [0.0], [np.full((3, 3), np.inf)], "Structure 0: forces must not contain NaN"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:.* no forces")
def test_unsound_structures_are_named(tmp_path, atoms, energies, forces, message):
    path = tmp_path / "input.data"
    with pytest.raises(ValueError, match=message):
        write_input_data(path, [atoms], energies, forces)
    assert not path.exists()


def test_files_are_replaced_only_when_asked(tmp_path):
    path = tmp_path / "input.data"
    zeros = [np.zeros((3, 3))]
    write_input_data(path, [WATER], [0.0], zeros)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        write_input_data(path, [WATER], [0.0], zeros)
    write_input_data(path, [WATER, WATER], [0.0, 0.0], zeros * 2, overwrite=True)
    assert len(read_input_data(path)) == 2
