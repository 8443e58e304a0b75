import math

import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.datasets._lennard_jones import _fcc_sites, _is_liquid
from sklearn_agl.datasets._molecular_dynamics import (
    energy_and_forces,
    langevin,
    neighbor_list,
)

SMALL = {"n_atoms": 32, "r_cut": 1.5, "equilibration_steps": 100, "sampling_interval": 20}


def liquid_configuration(n_atoms=32, density=0.9):
    length = (n_atoms / density) ** (1 / 3)
    rng = np.random.default_rng(0)
    return length * _fcc_sites(n_atoms) + rng.normal(0, 0.05, (3, n_atoms)), length


def potential(positions, length, r_cut):
    forces = np.empty_like(positions)
    lists = neighbor_list(positions, length, r_cut)
    return energy_and_forces(positions, length, r_cut, *lists, forces), forces


def kinetic_temperature(velocities):
    return (velocities**2).mean()


@pytest.fixture(scope="module")
def small_sample():
    return make_lennard_jones(
        7, temperatures=[0.6, 1.2], densities=[0.9, 1.0], random_state=0, **SMALL
    )


def test_energies_and_forces_equal_ase(small_sample):
    structures, energies = small_sample
    for atoms, energy in zip(structures, energies, strict=True):
        forces = atoms.get_forces()
        atoms = atoms.copy()
        atoms.calc = LennardJones(sigma=1, epsilon=1, rc=SMALL["r_cut"], smooth=False)
        assert_allclose(energy, atoms.get_potential_energy(), rtol=1e-12)
        assert_allclose(forces, atoms.get_forces(), atol=1e-10)


def test_forces_are_minus_the_gradient_of_the_energy():
    positions, length = liquid_configuration()
    r_cut, step = 1.5, 1e-6
    _, forces = potential(positions, length, r_cut)
    for axis, i in [(0, 0), (1, 13), (2, 31)]:
        moved = positions.copy()
        moved[axis, i] += step
        above, _ = potential(moved, length, r_cut)
        moved[axis, i] -= 2 * step
        below, _ = potential(moved, length, r_cut)
        assert_allclose(forces[axis, i], (below - above) / (2 * step), rtol=1e-6)


def test_energy_is_shifted_to_zero_at_the_cutoff():
    positions = np.array([[0.0, 1.4999999], [0.0, 0.0], [0.0, 0.0]])
    energy, _ = potential(positions, length=10.0, r_cut=1.5)
    assert_allclose(energy, 0.0, atol=1e-6)
    positions[0, 1] = 1.1
    energy, _ = potential(positions, length=10.0, r_cut=1.5)
    assert_allclose(energy, 4 * (1.1**-12 - 1.1**-6 - 1.5**-12 + 1.5**-6))


def test_without_friction_the_total_energy_is_conserved():
    # A cutoff of half the box, where the steps of the truncated force are small.
    positions, length = liquid_configuration(n_atoms=108, density=0.9)
    r_cut = length / 2
    rng = np.random.default_rng(0)
    velocities = rng.normal(0, 1, positions.shape)

    def total_energy():
        return potential(positions, length, r_cut)[0] + 0.5 * (velocities**2).sum()

    before = total_energy()
    langevin(positions, velocities, length, r_cut, 1.0, 0.0, 0.001, 2000, rng)
    assert abs(total_energy() - before) / 108 < 5e-3


def test_verlet_list_gives_the_energy_of_a_fresh_list():
    positions, length = liquid_configuration()
    rng = np.random.default_rng(0)
    velocities = rng.normal(0, 1, positions.shape)
    energy = langevin(positions, velocities, length, 1.6, 1.0, 1.0, 0.005, 500, rng)
    assert_allclose(energy, potential(positions, length, 1.6)[0], rtol=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 1.5])
def test_thermostat_reaches_the_temperature(temperature):
    positions, length = liquid_configuration()
    rng = np.random.default_rng(0)
    velocities = np.zeros_like(positions)
    arguments = (positions, velocities, length, 1.6, temperature, 2.0, 0.005)
    langevin(*arguments, 1000, rng)
    measured = []
    for _ in range(400):
        langevin(*arguments, 50, rng)
        measured.append(kinetic_temperature(velocities))
    # 400 samples of 96 velocities: standard error of the mean 0.7 %, and BAOAB's own bias.
    assert_allclose(np.mean(measured), temperature, rtol=0.03)


def test_structure_i_belongs_to_state_i_modulo_n_states(small_sample):
    structures, energies = small_sample
    assert len(structures) == len(energies) == 7
    states = [(0.6, 0.9), (0.6, 1.0), (1.2, 0.9), (1.2, 1.0)]
    for i, atoms in enumerate(structures):
        assert atoms.info["state"] == i % 4
        assert (atoms.info["temperature"], atoms.info["density"]) == states[i % 4]
        assert_allclose(len(atoms) / atoms.get_volume(), states[i % 4][1])


def test_structures_are_wrapped_periodic_argon(small_sample):
    for atoms in small_sample[0]:
        assert atoms.pbc.all()
        assert set(atoms.symbols) == {"Ar"}
        scaled = atoms.get_scaled_positions(wrap=False)
        assert (scaled >= 0).all() and (scaled < 1 + 1e-9).all()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_same_seed_same_structures_whatever_n_jobs(small_sample, n_jobs):
    structures, energies = make_lennard_jones(
        7, temperatures=[0.6, 1.2], densities=[0.9, 1.0], random_state=0, n_jobs=n_jobs, **SMALL
    )
    assert_array_equal(energies, small_sample[1])
    for atoms, expected in zip(structures, small_sample[0], strict=True):
        assert_array_equal(atoms.positions, expected.positions)


def test_more_structures_continue_the_same_simulations(small_sample):
    _, energies = make_lennard_jones(
        9, temperatures=[0.6, 1.2], densities=[0.9, 1.0], random_state=0, **SMALL
    )
    assert_array_equal(energies[:7], small_sample[1])


def test_other_seed_other_structures(small_sample):
    _, energies = make_lennard_jones(
        7, temperatures=[0.6, 1.2], densities=[0.9, 1.0], random_state=1, **SMALL
    )
    assert not np.isclose(energies, small_sample[1]).any()


def test_fewer_structures_than_states():
    structures, energies = make_lennard_jones(
        1, temperatures=[0.6, 1.2], densities=[0.9, 1.0], random_state=0, **SMALL
    )
    assert len(structures) == len(energies) == 1


@pytest.mark.parametrize(
    "temperature, density, liquid",
    [
        (0.5, 0.9, False),
        (0.75, 0.9, True),
        (0.75, 0.95, False),
        (1.5, 1.0, True),
        (1.5, 1.1, False),
    ],
)
def test_which_states_are_melted(temperature, density, liquid):
    assert _is_liquid(temperature, density) == liquid


def test_liquid_diffuses_and_solid_does_not():
    def mean_squared_displacement(temperature, density):
        arguments = {"temperatures": [temperature], "densities": [density], "random_state": 0}
        structures, _ = make_lennard_jones(
            2, 108, r_cut=2.2, sampling_interval=1000, equilibration_steps=500, **arguments
        )
        first, last = (atoms.get_scaled_positions() for atoms in structures)
        moved = (last - first - np.rint(last - first)) * structures[0].cell.lengths()
        return ((moved - moved.mean(axis=0)) ** 2).sum(axis=1).mean()

    assert mean_squared_displacement(0.6, 1.0) < 0.05
    assert mean_squared_displacement(1.5, 0.9) > 0.5


def test_progress_counts_the_structures(capsys):
    arguments = {"temperatures": [0.6, 1.2], "densities": [0.9], "random_state": 0, **SMALL}
    make_lennard_jones(3, verbose=True, **arguments)
    assert "3/3" in capsys.readouterr().err.replace(" of ", "/")
    make_lennard_jones(3, **arguments)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"n_atoms": 100}, "nearest valid numbers are 32 and 108"),
        ({"r_cut": 3.2}, "lower r_cut, or raise n_atoms to 500"),
        ({"temperatures": [0.5, -1.0]}, "temperatures must be"),
        ({"temperatures": [np.nan]}, "temperatures contains NaN"),
        ({"densities": [[0.9]]}, "densities must be"),
        ({"densities": []}, "minimum of 1 is required"),
        ({"n_structures": 0}, "n_structures"),
        ({"sampling_interval": 0}, "sampling_interval"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_lennard_jones(**arguments)


@pytest.mark.parametrize("n_atoms", [4, 32, 108, 256, 500])
def test_fcc_sites_have_twelve_nearest_neighbors(n_atoms):
    positions = _fcc_sites(n_atoms)
    n_cells = round((n_atoms / 4) ** (1 / 3))
    starts, _ = neighbor_list(positions, 1.0, 1.01 / (math.sqrt(2) * n_cells))
    # A box of one cell sees each of the other three atoms once only.
    assert_array_equal(np.diff(starts), 12 if n_cells > 1 else 3)
