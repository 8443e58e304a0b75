"""Networks with a skip connection: their gradient, their data and their training."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Lasso

from sklearn_agl.compiled._activations import ACTIVATIONS
from sklearn_agl.features import as_atomic_features
from sklearn_agl.selection.lasso_net._residual_network import make_room, squared_error_and_gradient
from sklearn_agl.selection.lasso_net._residual_training import ResidualTraining, _arrays
from tests.selection._planted import planted, planted_atoms


def make_training(X, y, **params):
    settings = {
        "hidden_layer_sizes": (4, 3),
        "activation": "tanh",
        "bound": 10.0,
        "weight_decay": 0.0,
        "batch_size": 16,
        "validation_fraction": 0.0,
        "rng": np.random.RandomState(0),
    }
    return ResidualTraining(as_atomic_features(X), y, **(settings | params))


def error_and_gradient(training, weights):
    layout, chunks = training.layout, _arrays(training.chunks)
    gradient = np.empty_like(weights)
    error = squared_error_and_gradient(
        weights,
        layout.sizes,
        layout.starts,
        training._activation,
        chunks,
        0,
        len(training.chunks.bounds) - 1,
        make_room(layout.sizes, chunks),
        gradient,
    )
    return error, gradient


@pytest.fixture(scope="module")
def atoms():
    return planted_atoms(0, n_structures=40)


def by_hand(X, y, training):
    """Mean squared error of the scaled energies, atom by atom, for tanh."""
    layout, weights = training.layout, training.state.weights
    skips = np.split(weights[layout.n_weights :], np.cumsum(layout.sizes[:, 0])[:-1])
    energies = np.zeros(len(X))
    for e, element in enumerate(layout.elements):
        atoms = X.values[X.numbers == element][:, layout.columns[e]]
        atoms = (atoms - atoms.mean(axis=0)) / atoms.std(axis=0)
        values = atoms
        for layer, start in enumerate(layout.starts[e]):
            n_in, n_out = layout.sizes[e, layer : layer + 2]
            matrix = weights[start : start + n_in * n_out].reshape(n_out, n_in)
            values = values @ matrix.T + weights[start + n_in * n_out :][:n_out]
            if layer < len(layout.starts[e]) - 1:
                values = np.tanh(values)
        owner = np.nonzero(X.numbers == element)[0]
        np.add.at(energies, owner, values[:, 0] + atoms @ skips[e])
    composition = np.stack([(X.numbers == z).sum(axis=1) for z in layout.elements], axis=1)
    n_atoms = composition.sum(axis=1)
    return np.mean((energies / n_atoms - training.energy_scaler.scale(composition, y)) ** 2)


def test_error_is_that_of_the_formula(atoms):
    training = make_training(*atoms)
    assert_allclose(training.squared_error(training.chunks), by_hand(*atoms, training), rtol=1e-10)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_gradient_is_that_of_finite_differences(atoms, activation):
    training = make_training(*atoms, activation=activation)
    weights = training.state.weights
    _, gradient = error_and_gradient(training, weights)
    step = 1e-6
    for k in range(len(weights)):
        shifted = [weights + sign * step * (np.arange(len(weights)) == k) for sign in (1, -1)]
        up, down = (error_and_gradient(training, one)[0] for one in shifted)
        assert_allclose(gradient[k], (up - down) / (2 * step), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_batches_only_divide_the_structures(atoms, batch_size):
    X, y = atoms
    one, other = make_training(X, y), make_training(X, y, batch_size=batch_size)
    assert len(other.chunks.batches) - 1 == -(-len(X) // batch_size)
    weights = one.state.weights
    expected, gradient = error_and_gradient(one, weights)
    error, found = error_and_gradient(other, weights)
    assert_allclose(error, expected, rtol=1e-12)
    assert_allclose(found, gradient, atol=1e-14)


def test_absent_features_change_nothing_when_they_are_dropped(atoms):
    training = make_training(*atoms)
    training.run(0.0, lr=0.01, max_epochs=3, patience=3, tol=0.0)
    layout, weights = training.layout, training.state.weights
    absent = [0, 5]
    for column in absent:
        weights[layout.groups[column]] = 0.0
        weights[layout.n_weights + column] = 0.0
    before = training.objective(training.chunks, 0.1)
    training.drop_absent()
    assert_array_equal(np.concatenate(training.layout.columns), [1, 2, 3, 4, 6, 7])
    assert_array_equal(training.skip_norms == 0.0, np.isin(np.arange(8), absent))
    assert_allclose(training.objective(training.chunks, 0.1), before, rtol=1e-12)


def test_an_element_may_lose_all_its_features(atoms):
    training = make_training(*atoms)
    weights, layout = training.state.weights, training.layout
    weights[layout.n_weights : layout.n_weights + 4] = 0.0
    for column in range(4):
        weights[layout.groups[column]] = 0.0
    before = training.squared_error(training.chunks)
    training.drop_absent()
    assert_allclose(training.squared_error(training.chunks), before, rtol=1e-12)
    training.run(0.01, lr=0.01, max_epochs=2, patience=2, tol=0.0)
    assert np.isfinite(training.state.weights).all()


def test_without_hierarchy_it_is_the_lasso():
    X, y, _ = planted(0, n_samples=200, n_features=8)
    training = make_training(X, y, bound=0.0, batch_size=200)
    for lr in (0.01, 0.001, 0.0001):
        training.run(0.3, lr=lr, max_epochs=1500, patience=1500, tol=0.0)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    lasso = Lasso(alpha=0.15).fit(scaled, (y - y.mean()) / y.std())
    skip = training.state.weights[training.layout.n_weights :]
    assert_array_equal(training.skip_norms > 0, lasso.coef_ != 0)
    # Features that have left are still in the layout.
    assert_allclose(skip, lasso.coef_, atol=1e-3)


def test_training_keeps_the_hierarchy(atoms):
    training = make_training(*atoms, bound=0.5)
    training.run(0.05, lr=0.01, max_epochs=5, patience=5, tol=0.0)
    weights, layout = training.state.weights, training.layout
    for column in range(8):
        skip = weights[layout.n_weights + column]
        assert np.abs(weights[layout.groups[column]]).max() <= 0.5 * abs(skip) * (1 + 1e-12)
