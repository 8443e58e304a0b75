"""Training on forces."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from sklearn_agl import AtomicFeatures, HDNNPRegressor, SymmetryFunctionTransformer
from sklearn_agl.descriptors import symmetry_function_grid
from sklearn_agl.metrics import neg_rmse_per_atom
from sklearn_agl.potentials.data._directions import draw_directions
from sklearn_agl.potentials.data._training_set import TrainingSet
from sklearn_agl.potentials.training._training import Training

FUNCTIONS = symmetry_function_grid(r_cut=4.5, n_centered=3, n_shifted=2)


@pytest.fixture(scope="module")
def data():
    """Crystals and clusters of copper and gold, ragged, with the forces of a potential of ASE."""
    rng = np.random.RandomState(0)
    structures = []
    for i in range(40):
        if i % 4:
            atoms = bulk("Cu", cubic=True).repeat((1, 1, 1 + i % 2))
        else:
            atoms = Atoms("Cu3", positions=[[0, 0, 0], [2.4, 0, 0], [0, 2.5, 0]])
        atoms.symbols[0] = "Au" if i % 3 else "Cu"
        atoms.rattle(0.15, rng=rng)
        atoms.calc = EMT()
        structures.append(atoms)
    energies = np.array([atoms.get_potential_energy() for atoms in structures])
    return structures, energies, [atoms.get_forces() for atoms in structures]


@pytest.fixture(scope="module")
def features(data):
    return SymmetryFunctionTransformer(FUNCTIONS).fit_transform(data[0])


def network(**params):
    return HDNNPRegressor(**({"hidden_layer_sizes": (6,), "random_state": 0} | params))


def force_error(model, X, forces):
    return np.sqrt(np.mean((np.vstack(model.predict_forces(X)) - np.vstack(forces)) ** 2))


@pytest.mark.parametrize("n_atoms", [1, 2, 9])
@pytest.mark.parametrize("n_directions", [1, 4, 50])
def test_directions_are_orthonormal(n_directions, n_atoms):
    directions = draw_directions(n_directions, n_atoms, np.random.RandomState(0))
    flat = directions.reshape(len(directions), -1)
    assert directions.shape == (min(n_directions, 3 * n_atoms), n_atoms, 3)
    assert_allclose(flat @ flat.T, np.eye(len(flat)), atol=1e-12)


def test_objective_is_the_documented_one(data, features):
    # With all directions, its force term is that of the components themselves.
    _, energies, forces = data
    settings = network(force_weight=0.7, early_stopping=False, n_force_directions=1000)
    model = clone(settings).set_params(max_epochs=2).fit(features, energies, forces=forces)
    settings._validate_params()
    settings.n_features_in_ = features.n_features
    rng = np.random.RandomState(0)
    observed = TrainingSet.from_user(settings, features, energies, forces).observe_slopes(1000, rng)
    training = Training(settings, observed, rng)
    training.start(np.zeros(features.n_features))
    training.net.module_.set_weights(model.weights_)
    scale = model.potential_.energy_scaler.deviation_
    energy_part = np.mean(((model.predict(features) - energies) / features.n_atoms / scale) ** 2)
    flat = np.vstack(forces)
    force_part = force_error(model, features, forces) ** 2 / np.mean(flat**2)
    found = training.squared_error(training.train_rows)
    assert_allclose(found, energy_part + 0.7 * force_part, rtol=1e-5)
    assert_allclose(
        training.rmse_per_atom(training.train_rows), scale * np.sqrt(energy_part), rtol=1e-10
    )


@pytest.mark.parametrize(
    ("params", "share"),
    [
        ({"solver": "kalman"}, 0.9),
        ({"solver": "lm"}, 0.2),
        ({"solver": "adamw", "batch_size": 4, "max_epochs": 200}, 0.85),
    ],
)
def test_forces_get_better_when_they_are_trained_on(data, features, params, share):
    _, energies, forces = data
    train, test = slice(0, 30), slice(30, 40)
    model = network(**params)
    without = clone(model).fit(features[train], energies[train], forces=None)
    with_forces = clone(model).fit(features[train], energies[train], forces=forces[train])
    before, after = [force_error(m, features[test], forces[test]) for m in (without, with_forces)]
    assert after < share * before


def test_errors_on_held_out_structures_are_in_the_users_units(data, features, monkeypatch):
    monkeypatch.setattr(Training, "learn_held_out", lambda training: None)
    _, energies, forces = data
    rows = slice(0, None, 4)  # clusters, of which all nine directions are seen
    model = network(max_epochs=5).fit(features[rows], energies[rows], forces=forces[rows])
    settings = network(max_epochs=5)
    settings.n_features_in_ = features.n_features
    order = np.random.RandomState(0)
    own = TrainingSet.from_user(settings, features, energies, forces).take(rows)
    own = own.observe_slopes(None, order)
    held_out = Training(settings, own, order).held_out_rows
    X, own = features[rows][held_out], [forces[rows][i] for i in held_out]
    assert_allclose(model.validation_force_rmse_, force_error(model, X, own), rtol=1e-5)
    assert np.isnan(network().fit(features, energies, forces=None).validation_force_rmse_)


def test_same_seed_same_weights(data, features):
    _, energies, forces = data
    a, b = [network(max_epochs=3).fit(features, energies, forces=forces) for _ in range(2)]
    assert_array_equal(a.weights_, b.weights_)


def test_excluded_features_are_as_if_they_were_not_there(data, features):
    _, energies, forces = data
    weights = np.where(np.arange(features.n_features) % 2, 1.0, np.inf)
    model = network(feature_weights=weights, max_epochs=3)
    left_out = model.fit(features, energies, forces=forces)
    cut_off = clone(model).set_params(feature_weights=None)
    cut_off.fit(features.take_features(np.isfinite(weights)), energies, forces=forces)
    assert_allclose(left_out.weights_, cut_off.weights_, rtol=1e-9, atol=1e-12)


def test_a_pipeline_and_a_grid_search_pass_forces_on(data):
    structures, energies, forces = data
    pipeline = Pipeline(
        [("features", SymmetryFunctionTransformer(FUNCTIONS)), ("model", network(max_epochs=2))]
    )
    search = GridSearchCV(
        pipeline, {"model__force_weight": [0.1, 1.0]}, scoring=neg_rmse_per_atom, cv=2,
        error_score="raise",
    )  # fmt: skip
    search.fit(structures, energies, model__forces=forces)
    best = clone(search.best_estimator_).fit(structures, energies, model__forces=forces)
    assert_array_equal(best.predict(structures), search.best_estimator_.predict(structures))
    energies_only = clone(best).fit(structures, energies, model__forces=None)
    assert (energies_only.predict(structures) != best.predict(structures)).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f[:-1], "X has 40 structures, but there are forces for 39"),
        (lambda f: [*f[:3], f[3][:2], *f[4:]], r"Forces of structure 3 have shape \(2, 3\), but"),
        (lambda f: [*f[:3], f[3] * np.inf, *f[4:]], "The force on atom 0 of structure 3 is"),
    ],
)
def test_bad_forces_are_named(data, features, change, message):
    _, energies, forces = data
    with pytest.raises(ValueError, match=message):
        network().fit(features, energies, forces=change(forces))


def test_features_must_know_their_structures(data, features):
    _, energies, forces = data
    with pytest.raises(ValueError, match="SymmetryFunctionTransformer"):
        network().fit(AtomicFeatures(features.values, features.numbers), energies, forces=forces)


def test_molecules_without_a_cell():
    structures = [molecule("H2O") for _ in range(12)]
    for i, atoms in enumerate(structures):
        atoms.rattle(0.05, seed=i)
        atoms.calc = EMT()
    energies = np.array([atoms.get_potential_energy() for atoms in structures])
    forces = [atoms.get_forces() for atoms in structures]
    X = SymmetryFunctionTransformer(FUNCTIONS).fit_transform(structures)
    model = network(solver="lm", early_stopping=False).fit(X, energies, forces=forces)
    assert force_error(model, X, forces) < 0.5 * np.std(np.vstack(forces))
