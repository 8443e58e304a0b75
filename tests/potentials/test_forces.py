"""Forces and stress against finite differences, n2p2, and their symmetries."""

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.transform import Rotation
from sklearn.pipeline import make_pipeline

from sklearn_agl import AtomicFeatures, CURSelector, HDNNPRegressor, SymmetryFunctionTransformer
from sklearn_agl.compiled._activations import ACTIVATIONS
from sklearn_agl.potentials import predict_forces, predict_stress
from tests.descriptors._n2p2 import read_structure
from tests.descriptors.test_n2p2 import COMPLETE, needs_complete_numbers, read_structures
from tests.potentials._data import mixed_features
from tests.potentials._fitted import n2p2_pipeline, some_structures, trained_pipeline

STEP = 1e-5


@pytest.fixture(scope="module")
def structures():
    return some_structures()


@pytest.fixture(scope="module")
def pipe(structures):
    return trained_pipeline(structures)


def central_difference(function):
    """Derivative at 0, of fourth order."""
    near = function(STEP) - function(-STEP)
    far = function(2 * STEP) - function(-2 * STEP)
    return (8.0 * near - far) / (12.0 * STEP)


def moved(atoms, step):
    """For each atom and direction, a copy in which it has moved."""
    copies = []
    for atom, axis in np.ndindex(len(atoms), 3):
        copies.append(atoms.copy())
        copies[-1].positions[atom, axis] += step
    return copies


def strained(atoms, strain):
    atoms = atoms.copy()
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    return atoms


@pytest.mark.parametrize("kind", ["standard", "minmax", None])
def test_feature_gradients_equal_finite_differences(kind):
    rng = np.random.default_rng(0)
    X = mixed_features(rng)
    model = HDNNPRegressor((4, 3), scaling=kind, max_epochs=2, random_state=0)
    model.fit(X, rng.normal(size=len(X)))
    energies, gradients = model.potential_.atomic_energies(X)
    assert_allclose(np.add.reduceat(energies, X.offsets[:-1]), model.predict(X), rtol=1e-12)
    gradients = np.nan_to_num(X.with_rows(gradients).values)

    def changed(atom, column, step):
        values = X.values.copy()
        values[:, atom, column] += step
        return model.predict(AtomicFeatures(values, X.numbers))

    for atom in range(X.shape[1]):
        for column in range(X.n_features):
            expected = central_difference(lambda h, a=atom, c=column: changed(a, c, h))
            assert_allclose(gradients[:, atom, column], expected, atol=2e-8)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(), (5,), (4, 3)])
def test_every_network_has_a_gradient(activation, hidden):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    model = HDNNPRegressor(hidden, activation, max_epochs=2, random_state=0).fit(X, X[:, 0] ** 2)
    _, gradients = model.potential_.atomic_energies(AtomicFeatures(X[:, None]))
    for column, direction in enumerate(np.eye(3)):
        expected = central_difference(lambda h, d=direction: model.predict(X + h * d))
        assert_allclose(gradients[:, column], expected, atol=1e-7)


def test_forces_equal_finite_differences(pipe, structures):
    forces = predict_forces(pipe, structures)
    scale = max(np.abs(own).max() for own in forces)
    for atoms, own in zip(structures, forces, strict=True):
        assert own.shape == (len(atoms), 3)
        expected = central_difference(lambda h, s=atoms: pipe.predict(moved(s, h)))
        assert_allclose(own.ravel(), -expected, atol=1e-7 * scale)


def test_stress_equals_finite_differences(pipe, structures):
    stress = predict_stress(pipe, structures)
    assert stress.shape == (len(structures), 3, 3)
    for atoms, own in zip(structures, stress, strict=True):
        if not atoms.pbc.all():
            assert np.isnan(own).all()
            continue
        for i, j in np.ndindex(3, 3):
            strain = np.zeros((3, 3))
            strain[i, j] = 1.0
            expected = central_difference(
                lambda h, s=atoms, e=strain: pipe.predict([strained(s, h * e)])[0]
            )
            volume = atoms.get_volume()
            assert_allclose(own[i, j] * volume, expected, atol=1e-7 * np.abs(own * volume).max())


@needs_complete_numbers
@pytest.mark.parametrize("folder", ["n2p2_lj", "n2p2_al", "h2o_rpbe_potential"])
def test_forces_equal_n2p2(folder):
    if folder == "h2o_rpbe_potential":
        structures = [read_structure(COMPLETE / folder / "input.data")]
        expected = np.load(COMPLETE / folder / "predictions.npz")
    else:
        structures = read_structures(folder, {"n2p2_lj": "Ar", "n2p2_al": "Al"}[folder])
        expected = np.load(COMPLETE / folder / "potential_predictions.npz")
    pipe = n2p2_pipeline(COMPLETE / folder, structures)
    assert_allclose(pipe.predict(structures), np.ravel(expected["energy"]), rtol=1e-10)
    forces = np.stack(predict_forces(pipe, structures))
    reference = expected["forces"].reshape(forces.shape)
    assert_allclose(forces, reference, rtol=0, atol=1e-10 * np.abs(reference).max())


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_forces_turn_with_the_structure_and_balance(pipe, seed):
    rotation = Rotation.random(random_state=seed).as_matrix()
    before = some_structures(3, seed=seed)
    after = [atoms.copy() for atoms in before]
    for atoms in after:
        atoms.positions = atoms.positions @ rotation.T
        atoms.set_cell(atoms.cell.array @ rotation.T)
    forces = predict_forces(pipe, before)
    for atoms, own, turned in zip(before, forces, predict_forces(pipe, after), strict=True):
        scale = 1.0 + np.abs(own).max()
        assert_allclose(turned, own @ rotation.T, atol=1e-10 * scale)
        assert_allclose(own.sum(axis=0), 0.0, atol=1e-11 * scale)
        if not atoms.pbc.any():
            torque = np.cross(atoms.positions, own).sum(axis=0)
            assert_allclose(torque, 0.0, atol=1e-10 * scale)
    stress = predict_stress(pipe, before[:1])[0]
    turned = predict_stress(pipe, after[:1])[0]
    assert_allclose(stress, stress.T, atol=1e-11 * (1.0 + np.abs(stress).max()))
    assert_allclose(turned, rotation @ stress @ rotation.T, atol=1e-10)


def test_a_selection_has_forces_of_its_functions_only(structures):
    pipe = trained_pipeline(structures, CURSelector(8))
    X = pipe[:-1].transform(structures)
    assert X.n_features == 8
    forces = pipe[-1].predict_forces(X)
    gradients = np.zeros((*X.shape[:2], len(pipe[0].symmetry_functions_)))
    own = X.with_rows(pipe[-1].potential_.atomic_energies(X)[1])
    gradients[:, :, pipe[1].get_support()] = own.values
    expected, _ = pipe[0].vjp(structures, gradients)
    for own, other in zip(forces, expected, strict=True):
        assert_allclose(own, -other, rtol=1e-10, atol=1e-12)


def test_the_order_of_structures_does_not_matter(pipe, structures):
    X = pipe[:-1].transform(structures)
    rows = [7, 1, 4]
    some = pipe[-1].predict_forces(X[rows])
    for row, own in zip(rows, some, strict=True):
        assert_allclose(own, predict_forces(pipe, structures)[row], rtol=1e-11, atol=1e-13)


def test_features_alone_have_no_forces(pipe, structures):
    X = pipe[:-1].transform(structures)
    with pytest.raises(ValueError, match="that know their symmetry_functions, but these do not"):
        pipe[-1].predict_forces(X.values)
    with pytest.raises(ValueError, match="SymmetryFunctionTransformer"):
        pipe[-1].predict_stress(AtomicFeatures(X.values, X.numbers))


def test_pipelines_of_other_kinds_are_refused(pipe, structures):
    with pytest.raises(ValueError, match="fitted Pipeline, got HDNNPRegressor"):
        predict_forces(pipe[-1], structures)
    with pytest.raises(ValueError, match="CURSelector, cannot predict_stress"):
        predict_stress(make_pipeline(SymmetryFunctionTransformer(), CURSelector(2)), structures)
    with pytest.raises(ValueError, match="Structure 0 contains He"):
        predict_forces(pipe, [Atoms("He")])


def test_the_ranges_are_those_of_the_training_data(structures):
    pipe = trained_pipeline(structures, early_stopping=False)
    values = pipe[0].transform(structures).values
    ranges = pipe[-1].feature_ranges_
    assert_array_equal(ranges[:, 0], np.nanmin(values, axis=(0, 1)))
    assert_array_equal(ranges[:, 1], np.nanmax(values, axis=(0, 1)))
