"""What is outside the range of the training: counted, told, and the end of a run."""

import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_agl.potentials import ExtrapolationWarning, HDNNPCalculator
from sklearn_agl.potentials.md._structure_potential import StructurePotential
from tests.io.lammps._lammps import (
    error_of,
    needs_lammps,
    printed,
    run_well,
    setup,
    use,
    write_data,
)
from tests.potentials._fitted import some_structures

pytestmark = needs_lammps

LINE = re.compile(
    r"pair agl: (\d+) extrapolations until step (\d+); the first at step (\d+): atom (\d+) has "
    r"(.*) = (\S+), which was (\S+) to (\S+) in training"
)


@pytest.fixture(scope="module")
def dense():
    """A crystal denser than what the potential was trained with."""
    atoms = some_structures(1)[0] * (2, 2, 2)
    atoms.set_cell(0.93 * atoms.cell, scale_atoms=True)
    return atoms


@pytest.fixture
def commands(dense, potential, tmp_path):
    """A function that gives the commands for a run with options of the pair style."""
    write_data(tmp_path / "start.data", dense, np.where(dense.numbers == 1, 1, 2), 2)

    def of(options, *others):
        return [*setup("start.data", dense), *use(potential, options=options), *others]

    return of


@pytest.fixture(scope="module")
def calculator(pipeline, dense):
    """The calculator, after it has seen the crystal."""
    calculator = HDNNPCalculator(pipeline)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        calculator.get_potential_energy(dense)
    return calculator


@pytest.mark.parametrize("n_ranks", [1, 2])
def test_cases_are_counted_and_the_first_is_told(
    commands, pipeline, dense, calculator, tmp_path, n_ranks
):
    reference = StructurePotential(pipeline)
    reference.load(dense)
    others = ["compute count all pair agl", "thermo_style custom step c_count[1]", "run 0"]
    others.append("print 'COUNT $(c_count[1])'")
    output = run_well(commands("", *others), tmp_path, n_ranks)
    count, _, _, atom, function, value, low, high = LINE.search(output).groups()
    assert int(count) == calculator.n_extrapolations_ > 100
    assert printed(output, "COUNT")[0, 0] == calculator.n_extrapolations_
    column = [f.name for f in reference.functions].index(function)
    assert value == f"{reference.values[int(atom) - 1, column]:.6g}"
    assert_allclose([float(low), float(high)], reference.ranges[column], rtol=1e-5, atol=1e-8)
    assert not float(low) <= float(value) <= float(high)


def test_a_line_per_interval(commands, calculator, tmp_path):
    others = ["fix integrate all nve", "timestep 0.0", "run 7"]
    output = run_well(commands("interval 3", *others), tmp_path)
    n = calculator.n_extrapolations_
    found = [tuple(map(int, line[:3])) for line in LINE.findall(output)]
    assert found == [(n, 0, 0), (3 * n, 3, 1), (3 * n, 6, 4)]


def test_lines_can_be_switched_off(commands, tmp_path):
    assert not LINE.search(run_well(commands("showew no", "run 0"), tmp_path))


@pytest.mark.parametrize("n_ranks", [1, 2])
def test_a_limit_ends_the_run(commands, calculator, tmp_path, n_ranks):
    n = calculator.n_extrapolations_
    others = ["fix integrate all nve", "timestep 0.0", "run 2"]
    message = error_of(commands(f"maxew {n - 1}", *others), tmp_path, n_ranks)
    assert f"maxew={n - 1}" in message
    run_well(commands(f"maxew {3 * n}", *others), tmp_path, n_ranks)
    assert "maxew" in error_of(commands(f"maxew {3 * n - 1}", *others), tmp_path, 1)


def test_counting_anew_in_every_interval(commands, calculator, tmp_path):
    n = calculator.n_extrapolations_
    others = ["fix integrate all nve", "timestep 0.0", "run 6"]
    run_well(commands(f"interval 1 resetew yes maxew {n}", *others), tmp_path)


def test_inside_the_range_there_is_nothing_to_tell(potential, pipeline, tmp_path):
    atoms = some_structures(1)[0]
    write_data(tmp_path / "start.data", atoms, np.where(atoms.numbers == 1, 1, 2), 2)
    commands = [*setup("start.data", atoms), *use(potential, options="maxew 0"), "run 0"]
    assert not LINE.search(run_well(commands, tmp_path))
