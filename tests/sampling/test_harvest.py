import ase.io
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.md.verlet import VelocityVerlet
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline

from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
from sklearn_agl.descriptors import symmetry_function_grid
from sklearn_agl.potentials import HDNNPCalculator, HDNNPCommittee
from sklearn_agl.sampling import Harvest

FUNCTIONS = symmetry_function_grid(r_cut=4.0, n_centered=2, n_shifted=2)


@pytest.fixture(scope="module")
def pipe():
    structures = []
    for seed in range(20):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.05, seed=seed)
        structures.append(atoms)
    energies = np.random.default_rng(0).normal(size=20)
    committee = HDNNPCommittee(HDNNPRegressor((3,), max_epochs=2), n_estimators=2, random_state=0)
    return make_pipeline(SymmetryFunctionTransformer(FUNCTIONS), committee).fit(
        structures, energies
    )


def atoms_with(pipe, stdev, seed=99):
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(stdev, seed=seed)
    atoms.calc = HDNNPCalculator(pipe)
    return atoms


def look(atoms, harvest, shift=1e-3):
    """What a step of molecular dynamics does."""
    atoms.positions[0] += shift
    atoms.get_forces()
    harvest()


@pytest.mark.filterwarnings("ignore::sklearn_agl.potentials.ExtrapolationWarning")
def test_structures_outside_the_ranges_are_kept_as_they_were(pipe, tmp_path):
    atoms, file = atoms_with(pipe, 0.4), tmp_path / "harvest.xyz"
    harvest, seen = Harvest(atoms, file, max_structures=3), []
    for _ in range(5):
        look(atoms, harvest)
        seen.append(atoms.positions.copy())
    kept = ase.io.read(file, ":")
    assert harvest.n_structures == len(kept) == 3
    for own, positions in zip(kept, seen, strict=False):
        assert_allclose(own.positions, positions, atol=1e-7)
        assert "extrapolations" in own.info["reason"]
    # Another run of the same name goes on, within the limit.
    again = Harvest(atoms, file, max_structures=4)
    for _ in range(3):
        look(atoms, again)
    assert len(ase.io.read(file, ":")) == 4


@pytest.mark.filterwarnings("ignore::sklearn_agl.potentials.ExtrapolationWarning")
def test_structures_in_a_row_are_spaced(pipe, tmp_path):
    atoms = atoms_with(pipe, 0.4)
    harvest = Harvest(atoms, tmp_path / "harvest.xyz", spacing=3)
    for _ in range(7):
        look(atoms, harvest)
    assert [own.info["call"] for own in ase.io.read(harvest.file, ":")] == [1, 4, 7]


def test_a_sound_run_leaves_nothing(pipe, tmp_path):
    atoms = atoms_with(pipe, 0.05, seed=3)  # one that training has seen
    harvest = Harvest(atoms, tmp_path / "harvest.xyz", max_doubt=np.inf)
    run = VelocityVerlet(atoms, timestep=1e-6)
    run.attach(harvest, interval=1)
    run.run(3)
    assert harvest.n_structures == 0 and not harvest.file.exists()


def test_doubt_of_a_committee_is_a_reason(pipe, tmp_path):
    atoms = atoms_with(pipe, 0.05, seed=3)
    harvest = Harvest(atoms, tmp_path / "harvest.xyz", max_doubt=0.0)
    look(atoms, harvest, shift=1e-9)
    (kept,) = ase.io.read(harvest.file, ":")
    assert "forces on atom" in kept.info["reason"]


def test_impossible_harvests_are_refused(pipe, tmp_path):
    atoms = bulk("Cu")
    atoms.calc = EMT()
    with pytest.raises(ValueError, match="EMT"):
        Harvest(atoms, tmp_path / "harvest.xyz")
    atoms = atoms_with(pipe, 0.001)
    for name in ("max_structures", "spacing"):
        with pytest.raises(ValueError, match=name):
            Harvest(atoms, tmp_path / "harvest.xyz", **{name: 0})
    single = make_pipeline(pipe[0], pipe[-1].estimators_[0])
    atoms.calc = HDNNPCalculator(single)
    with pytest.raises(ValueError, match="HDNNPCommittee"):
        Harvest(atoms, tmp_path / "harvest.xyz", max_doubt=0.1)
