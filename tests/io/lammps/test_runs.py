"""Runs of LAMMPS: integrators, several ranks, restarts, other pair styles beside ours."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_agl.potentials.md._structure_potential import StructurePotential
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
from tests.potentials._fitted import some_structures

pytestmark = needs_lammps

START = ["velocity all create 0.02 4928 loop geom", "timestep 0.004", "thermo_modify norm no"]
STATE = "print 'STATE $(pe:%.17g) $(etotal:%.17g) $(pxx:%.17g) $(vol:%.17g)'"


@pytest.fixture(scope="module")
def crystal():
    """A triclinic crystal of 8 cells."""
    return some_structures(1)[0] * (2, 2, 2)


@pytest.fixture
def begin(crystal, potential, tmp_path):
    """Commands that set up the crystal with the potential."""
    write_data(tmp_path / "start.data", crystal, np.where(crystal.numbers == 1, 1, 2), 2)
    return [*setup("start.data", crystal), *use(potential), *START]


def states(commands, folder, n_ranks=1):
    return printed(run_well(commands, folder, n_ranks), "STATE")


def test_constant_energy_run_keeps_it(begin, tmp_path):
    commands = [*begin, "fix integrate all nve", "run 0", STATE, "run 200", STATE]
    before, after = states(commands, tmp_path)
    assert abs(after[0] - before[0]) > 1e-3  # it does move
    assert abs(after[1] - before[1]) < 1e-3 * abs(after[0] - before[0])


def test_two_ranks_end_where_one_does(begin, tmp_path):
    commands = [*begin, "fix integrate all nve", "run 100", STATE]
    commands.append(f"write_dump all custom end.dump x y z vx vy vz fx fy fz {DIGITS}")
    ends = []
    for n_ranks in (1, 2):
        state = states(commands, tmp_path, n_ranks)
        ends.append((state, read_dump(tmp_path / "end.dump")))
    assert_allclose(ends[0][0], ends[1][0], rtol=1e-9)
    assert_allclose(ends[0][1], ends[1][1], atol=1e-8)


def test_restart_goes_on(begin, potential, tmp_path):
    whole = [*begin, "fix integrate all nve", "run 40", STATE]
    halves = [*begin, "fix integrate all nve", "run 20", "write_restart half.restart", "clear"]
    halves += ["read_restart half.restart", *use(potential), "timestep 0.004"]
    halves += ["thermo_modify norm no", "fix integrate all nve", "run 20", STATE]
    assert_allclose(states(halves, tmp_path), states(whole, tmp_path), rtol=1e-9)


@pytest.mark.parametrize(
    "commands",
    [
        ["fix integrate all npt temp 0.02 0.02 0.4 tri 0.0 0.0 4.0", "run 30"],
        ["minimize 0.0 1.0e-6 30 100"],
        ["fix integrate all nve", "run_style respa 2 2 pair 2", "run 10"],
    ],
    ids=["npt", "minimize", "respa"],
)
def test_where_a_run_ends_the_properties_are_right(begin, pipeline, crystal, tmp_path, commands):
    """Cells of any shape, atoms that left the box."""
    commands = [*begin, *commands, "run 0", STATE]
    commands.append(f"write_dump all custom end.dump x y z fx fy fz {DIGITS} triclinic/general no")
    commands.append(
        "print 'CELL $(lx:%.17g) $(ly:%.17g) $(lz:%.17g) $(xy:%.17g) $(xz:%.17g) $(yz:%.17g)'"
    )
    output = run_well(commands, tmp_path)
    lx, ly, lz, xy, xz, yz = printed(output, "CELL")[0]
    rows = read_dump(tmp_path / "end.dump")
    atoms = crystal.copy()
    atoms.set_cell([[lx, 0, 0], [xy, ly, 0], [xz, yz, lz]])
    atoms.positions = rows[:, :3]
    reference = StructurePotential(pipeline)
    gradient, _ = reference.load_with_gradients(atoms)
    assert_allclose(printed(output, "STATE")[0, 0], reference.energies.sum(), rtol=1e-10)
    assert_allclose(rows[:, 3:], -gradient, atol=1e-10 * np.abs(gradient).max())


def test_another_style_beside_ours_adds_up(begin, potential, tmp_path):
    hybrid = "pair_style hybrid/overlay agl zbl 1.0 2.0"
    coefficients = [f"pair_coeff * * agl {potential / 'potential.agl'} H O"]
    zbl = ["pair_coeff 1 1 zbl 1 1", "pair_coeff 1 2 zbl 1 8", "pair_coeff 2 2 zbl 8 8"]
    alone = ["pair_style zbl 1.0 2.0", *(line.replace(" zbl", "") for line in zbl)]
    end = ["run 0", STATE, f"write_dump all custom end.dump fx fy fz {DIGITS}"]
    results = []
    for style in ([], [hybrid, *coefficients, *zbl], alone):
        state = states([*begin, *style, *end], tmp_path)
        results.append(np.append(read_dump(tmp_path / "end.dump"), state[0, 0]))
    assert_allclose(results[1], results[0] + results[2], rtol=1e-10)


def test_a_style_for_some_of_the_types_only(begin, potential, pipeline, crystal, tmp_path):
    commands = [
        *begin,
        "pair_style hybrid/overlay agl zero 3.2",
        f"pair_coeff * * agl {potential / 'potential.agl'} NULL O",
        "pair_coeff * * zero",
        "run 0",
        STATE,
    ]
    reference = StructurePotential(pipeline)
    reference.load_with_gradients(crystal[crystal.numbers == 8])
    assert_allclose(states(commands, tmp_path)[0, 0], reference.energies.sum(), rtol=1e-10)


def test_excluded_pairs_do_not_see_each_other(begin, pipeline, crystal, tmp_path):
    commands = [*begin, "neigh_modify exclude type 1 2", "run 0", STATE]
    reference, energy = StructurePotential(pipeline), 0.0
    for number in (1, 8):
        reference.load_with_gradients(crystal[crystal.numbers == number])
        energy += reference.energies.sum()
    assert_allclose(states(commands, tmp_path)[0, 0], energy, rtol=1e-10)


@pytest.mark.parametrize("modify", ["shift yes", "tail yes", "table 0", "mix arithmetic"])
def test_pair_modify_changes_nothing(begin, tmp_path, modify):
    plain = states([*begin, "run 0", STATE], tmp_path)
    changed = states([*begin, f"pair_modify {modify}", "run 0", STATE], tmp_path)
    assert_allclose(changed, plain, rtol=1e-12)


def test_atoms_come_and_go(begin, potential, pipeline, crystal, tmp_path):
    end = ["run 0", STATE]
    half = ["group some id <= 24", "delete_atoms group some compress no"]
    few = ["group rest id > 25", "delete_atoms group rest compress no"]
    empty = ["delete_atoms group all compress no"]
    commands = [*begin, "run 0", *half, *end, *few, *end, *empty, *end]
    reference, energies = StructurePotential(pipeline), []
    for atoms in (crystal[24:], crystal[24:25]):
        reference.load_with_gradients(atoms)
        energies.append(reference.energies.sum())
    for n_ranks in (1, 2):
        found = states(commands, tmp_path, n_ranks)[:, 0]
        assert_allclose(found, [*energies, 0.0], rtol=1e-10)
