"""Training on stresses."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from numpy.testing import assert_allclose
from sklearn.base import clone

from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
from sklearn_agl.descriptors import symmetry_function_grid
from sklearn_agl.potentials.data._training_set import TrainingSet
from sklearn_agl.potentials.training._training import Training

FUNCTIONS = symmetry_function_grid(r_cut=4.5, n_centered=3, n_shifted=2)
NETWORK = HDNNPRegressor((6,), random_state=0)


@pytest.fixture(scope="module")
def structures():
    """Strained, rattled crystals of copper with all labels, and clusters, which have no stress."""
    rng, structures = np.random.RandomState(0), []
    for i in range(40):
        if i % 5:
            atoms = bulk("Cu", cubic=True)
            strain = np.eye(3) + rng.normal(scale=0.02, size=(3, 3))
            atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
        else:
            atoms = Atoms("Cu3", positions=[[0, 0, 0], [2.4, 0, 0], [0, 2.5, 0]])
        atoms.rattle(0.05, rng=rng)
        atoms.calc = EMT()
        labels = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
        if atoms.pbc.all():
            labels["stress"] = atoms.get_stress()
        atoms.calc = SinglePointCalculator(atoms, **labels)
        structures.append(atoms)
    return structures


@pytest.fixture(scope="module")
def features(structures):
    return SymmetryFunctionTransformer(FUNCTIONS).fit_transform(structures)


def given_stresses(structures):
    return np.array([atoms.get_stress(voigt=False) for atoms in structures])


def stress_error(model, X):
    crystals = X[[i for i in range(len(X)) if X.structures[i].pbc.all()]]
    errors = model.predict_stress(crystals) - given_stresses(crystals.structures)
    return np.sqrt(np.mean(errors**2))


def test_objective_is_the_documented_one(features):
    settings = clone(NETWORK).set_params(
        force_weight=0.7, stress_weight=0.2, n_force_directions=100, early_stopping=False
    )
    model = clone(settings).set_params(max_epochs=2).fit(features)
    settings._validate_params()
    settings.n_features_in_ = features.n_features
    rng = np.random.RandomState(0)
    data = TrainingSet.from_user(settings, features, None).observe_slopes(100, rng)
    training = Training(settings, data, rng)
    training.start(np.zeros(features.n_features))
    training.net.module_.set_weights(model.weights_)
    energies, forces = data.energies, np.vstack(data.forces)
    scale = training.energy_scaler.deviation_
    energy_part = np.mean(((model.predict(features) - energies) / features.n_atoms / scale) ** 2)
    force_errors = np.vstack(model.predict_forces(features)) - forces
    crystals = features[np.flatnonzero(features.n_atoms == 4)]
    sizes = np.array([atoms.cell.volume for atoms in crystals.structures]) / crystals.n_atoms
    virials = given_stresses(crystals.structures) * sizes[:, None, None]
    errors = model.predict_stress(crystals) * sizes[:, None, None] - virials
    expected = energy_part
    expected += 0.7 * np.mean(force_errors**2) / np.mean(forces**2)
    expected += 0.2 * np.mean(errors**2) / np.mean(virials**2)
    assert_allclose(training.squared_error(training.train_rows), expected, rtol=1e-5)
    rmse = np.sqrt(np.mean(force_errors**2))
    assert_allclose(training.force_rmse(training.train_rows), rmse, rtol=1e-5)


@pytest.mark.parametrize("solver", ["kalman", "lm"])
def test_stresses_get_better_when_they_are_trained_on(features, solver):
    train, test = features[:30], features[30:]
    model = clone(NETWORK).set_params(solver=solver)
    without = clone(model).set_params(stress=None).fit(train)
    with_stresses = clone(model).set_params(stress_weight=0.3).fit(train)
    assert (without.trained_on_["n_stresses"], with_stresses.trained_on_["n_stresses"]) == (0, 24)
    assert stress_error(with_stresses, test) < 0.9 * stress_error(without, test)


def test_energies_alone_are_energies_alone(features):
    for model, forces in ((clone(NETWORK).set_params(forces=None), "auto"), (NETWORK, None)):
        model = clone(model).set_params(max_epochs=1).fit(features, forces=forces)
        assert model.trained_on_["n_stresses"] == model.trained_on_["n_forces"] == 0


def test_stresses_of_other_energies_are_left_out(features):
    energies = np.random.default_rng(0).normal(size=len(features))
    with pytest.warns(UserWarning, match="the forces and the stress they carry were left out"):
        model = clone(NETWORK).set_params(max_epochs=1).fit(features, energies)
    assert model.trained_on_["n_stresses"] == 0


def test_stresses_under_a_name_of_their_own(structures):
    named = []
    for atoms in structures:
        copied = atoms.copy()
        copied.info["REF_energy"] = atoms.get_potential_energy()
        copied.arrays["REF_forces"] = atoms.get_forces()
        if atoms.pbc.all():
            copied.info["REF_stress"] = atoms.get_stress(voigt=False).tolist()
        named.append(copied)
    keys = {name: f"REF_{name.removesuffix('_key')}" for name in ("energy_key", "forces_key")}
    transformer = SymmetryFunctionTransformer(FUNCTIONS, stress_key="REF_stress", **keys)
    model = clone(NETWORK).set_params(max_epochs=2)
    again = clone(model).fit(transformer.fit_transform(named))
    plain = clone(model).fit(SymmetryFunctionTransformer(FUNCTIONS).fit_transform(structures))
    assert again.trained_on_ == plain.trained_on_
    assert_allclose(again.weights_, plain.weights_)


def test_networks_learn_what_a_pair_term_leaves(features):
    zbl = clone(NETWORK).set_params(repulsion="zbl", stress_weight=0.3)
    data = TrainingSet.from_user(zbl, features, None)
    slopes = data.observe_slopes(1, 0)
    pairs = data.repulsion.sums(features.structures).strain
    plain = TrainingSet.from_user(NETWORK, features, None).observe_slopes(1, 0).slopes
    for s in range(1, 5):
        of_pairs = slopes.slopes.forces[s][-6:] - plain.forces[s][-6:]
        assert_allclose(np.sum(of_pairs**2), np.sum((pairs[s] / 4) ** 2), rtol=1e-6)
