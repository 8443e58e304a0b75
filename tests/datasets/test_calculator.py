import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.fd import calculate_numerical_forces
from ase.calculators.lj import LennardJones
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_agl.datasets import LennardJonesCalculator, make_lennard_jones

SMALL = {"n_atoms": 32, "r_cut": 1.5, "equilibration_steps": 50, "sampling_interval": 10}


@pytest.fixture
def crystal():
    atoms = bulk("Ar", cubic=True, a=1.6) * 2
    atoms.rattle(0.05, seed=0)
    return atoms


def test_energy_and_forces_equal_ase(crystal):
    other = crystal.copy()
    crystal.calc = LennardJonesCalculator(r_cut=1.5)
    other.calc = LennardJones(sigma=1, epsilon=1, rc=1.5, smooth=False)
    assert_allclose(crystal.get_potential_energy(), other.get_potential_energy(), rtol=1e-12)
    assert_allclose(crystal.get_forces(), other.get_forces(), atol=1e-10)


def test_forces_are_minus_the_gradient_of_the_energy(crystal):
    crystal.calc = LennardJonesCalculator(r_cut=1.5)
    numerical = calculate_numerical_forces(crystal, eps=1e-5, iatoms=[0, 17])
    assert_allclose(crystal.get_forces()[[0, 17]], numerical, rtol=1e-5, atol=1e-5)


def test_it_is_the_potential_of_the_data_set():
    structures, energies = make_lennard_jones(
        2, temperatures=[1.0], densities=[0.9], random_state=0, **SMALL
    )
    for atoms, energy in zip(structures, energies, strict=True):
        copy = atoms.copy()
        copy.calc = LennardJonesCalculator(r_cut=SMALL["r_cut"])
        assert copy.get_potential_energy() == energy
        assert_array_equal(copy.get_forces(), atoms.get_forces())


def test_unwrapped_positions_change_nothing(crystal):
    crystal.calc = LennardJonesCalculator(r_cut=1.5)
    expected = crystal.get_forces()
    crystal.positions[3] += 5 * crystal.cell[0]
    assert_allclose(crystal.get_forces(), expected, atol=1e-9)


@pytest.mark.parametrize(
    "cell, pbc", [([4, 4, 5], True), ([4, 4, 4], [True, True, False]), (np.eye(3) * 4 + 0.1, True)]
)
def test_other_cells_are_refused(cell, pbc):
    atoms = Atoms("Ar2", positions=[[0, 0, 0], [1.1, 0, 0]], cell=cell, pbc=pbc)
    atoms.calc = LennardJonesCalculator(r_cut=1.5)
    with pytest.raises(ValueError, match="not a periodic cube"):
        atoms.get_potential_energy()


def test_short_boxes_are_refused(crystal):
    crystal.calc = LennardJonesCalculator(r_cut=1.7)
    with pytest.raises(ValueError, match=r"r_cut=1.7 exceeds half the box length, 1.6"):
        crystal.get_potential_energy()
