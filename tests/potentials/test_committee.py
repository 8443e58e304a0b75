"""Committees: their mean is one potential, and their disagreement tells where they guess."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline

from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
from sklearn_agl.io import load, read_n2p2, save, write_n2p2
from sklearn_agl.potentials import HDNNPCalculator, HDNNPCommittee, predict_forces
from tests.potentials._fitted import FUNCTIONS, R_CUT, some_structures


@pytest.fixture(scope="module")
def structures():
    return some_structures()


@pytest.fixture(scope="module")
def pipe(structures):
    energies = np.random.default_rng(1).normal(size=len(structures))
    members = HDNNPRegressor((4, 3), max_epochs=2)
    committee = HDNNPCommittee(members, n_estimators=3, random_state=0)
    transformer = SymmetryFunctionTransformer(FUNCTIONS, r_cut=R_CUT)
    return make_pipeline(transformer, committee).fit(structures, energies)


@pytest.fixture(scope="module")
def features(pipe, structures):
    return pipe[0].transform(structures)


def test_mean_and_deviation_are_those_of_the_members(pipe, features):
    energies, std = pipe[-1].predict(features, return_std=True)
    of_members = np.array([one.predict(features) for one in pipe[-1].estimators_])
    assert_allclose(energies, of_members.mean(axis=0), rtol=1e-10)
    assert_allclose(std, of_members.std(axis=0, ddof=1), rtol=1e-10)
    assert (std > 0.0).all()


def test_forces_and_their_deviations_are_those_of_the_members(pipe, features):
    forces, std = pipe[-1].predict_forces(features, return_std=True)
    of_members = [one.predict_forces(features) for one in pipe[-1].estimators_]
    for s, members in enumerate(zip(*of_members, strict=True)):
        assert_allclose(forces[s], np.mean(members, axis=0), rtol=1e-9, atol=1e-10)
        apart = np.sum((np.array(members) - forces[s]) ** 2, axis=(0, 2))
        assert_allclose(std[s], np.sqrt(apart / 2), rtol=1e-7)


def test_energies_of_atoms_vary_less_than_their_sum_could(pipe, features):
    _, of_structures = pipe[-1].predict(features, return_std=True)
    of_atoms = pipe[-1].predict_atomic_std(features)
    assert [len(own) for own in of_atoms] == features.n_atoms.tolist()
    references = [one.energy_references_ for one in pipe[-1].estimators_]
    of_references = features.composition() @ np.transpose(references)
    bound = [own.sum() for own in of_atoms] + of_references.std(axis=1, ddof=1)
    assert (of_structures <= bound * (1 + 1e-10)).all()


def test_a_pipeline_with_a_committee_is_a_potential(pipe, structures, tmp_path):
    energies, forces = pipe.predict(structures), predict_forces(pipe, structures)
    atoms = structures[0].copy()
    atoms.calc = HDNNPCalculator(pipe)
    assert_allclose(atoms.get_potential_energy(), energies[0], rtol=1e-10)
    assert_allclose(atoms.get_forces(), forces[0], rtol=1e-8, atol=1e-10)
    write_n2p2(pipe, tmp_path)
    assert_allclose(read_n2p2(tmp_path).predict(structures), energies, rtol=1e-8)


def test_files_keep_the_members(pipe, structures, features, tmp_path):
    save(pipe, tmp_path / "committee.npz")
    again = load(tmp_path / "committee.npz")
    for found, expected in zip(
        again[-1].predict(features, return_std=True),
        pipe[-1].predict(features, return_std=True),
        strict=True,
    ):
        assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("hidden", [(), (5,)])
def test_shallow_networks_have_a_mean_too(hidden):
    X = np.random.default_rng(0).normal(size=(40, 3))
    committee = HDNNPCommittee(HDNNPRegressor(hidden, max_epochs=2), n_estimators=2, random_state=0)
    committee.fit(X, X[:, 0] ** 2)
    of_members = [one.predict(X) for one in committee.estimators_]
    assert_allclose(committee.predict(X), np.mean(of_members, axis=0), rtol=1e-10)


def test_a_committee_of_one_is_refused():
    with pytest.raises(ValueError, match="n_estimators"):
        HDNNPCommittee(n_estimators=1).fit(np.zeros((5, 1)), np.zeros(5))


def test_doubt_grows_outside_training():
    X = np.random.default_rng(0).uniform(-1, 1, size=(150, 2))
    committee = HDNNPCommittee(n_estimators=3, random_state=0).fit(X, np.sin(3 * X[:, 0]) + X[:, 1])
    _, inside = committee.predict(X, return_std=True)
    _, outside = committee.predict(X + 4.0, return_std=True)
    assert np.median(outside) > 10 * np.median(inside)
