"""The code for devices of torch runs on the CPU, too, and has to agree with the compiled one."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_agl import HDNNPRegressor
from sklearn_agl.compiled._activations import ACTIVATIONS
from sklearn_agl.potentials.data._observations import EnergyObservations
from sklearn_agl.potentials.data._training_set import TrainingSet
from sklearn_agl.potentials.networks import _device_gradient
from sklearn_agl.potentials.networks._device_gradient import (
    DeviceEnergyObservations,
    DeviceFeatures,
)
from sklearn_agl.potentials.networks._module import HDNNP
from sklearn_agl.potentials.penalties._norm_penalties import Lasso
from sklearn_agl.potentials.penalties._penalty import GroupPenalty
from sklearn_agl.potentials.solvers._choice import choose_solver, solver_named
from sklearn_agl.potentials.solvers._levenberg_marquardt import (
    GaussNewtonSums,
    QuadraticModel,
    as_array,
)
from sklearn_agl.potentials.training._training import Training
from tests.potentials._data import mixed_features, random_problem

CPU = torch.device("cpu")
DEPTHS = [(), (4,), (5, 3), (4, 3, 2)]
COUNTS = ((2, 3), (1, 0), (0, 4), (6, 1), (1, 1))
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


def both_observations(blocks, seed=0):
    """The same energies for the compiled code and for torch."""
    energies = np.random.default_rng(seed).normal(size=len(blocks))
    features = DeviceFeatures(CPU)
    return (
        EnergyObservations(blocks, energies),
        DeviceEnergyObservations(blocks, energies, features),
    )


def assert_both_agree(compiled, batched, module, weights, rows):
    errors, gradients = compiled.errors_and_gradients(module, weights, rows)
    found = batched.errors_and_gradients(module, weights, rows)
    assert_allclose(as_array(found[0]), errors, rtol=1e-10, atol=1e-12)
    assert_allclose(as_array(found[1]), gradients, rtol=1e-10, atol=1e-12)
    assert_allclose(batched.errors(module, weights, rows), errors, rtol=1e-10, atol=1e-12)
    assert_allclose(
        batched.squared_error(module, weights, rows),
        compiled.squared_error(module, weights, rows),
        rtol=1e-12,
    )


@pytest.mark.parametrize("hidden", DEPTHS, ids=len)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_errors_and_gradients_are_those_of_the_compiled_code(activation, hidden):
    rng = np.random.default_rng(len(hidden))
    layout, blocks, weights = random_problem(rng, hidden, counts=COUNTS)
    module = HDNNP(layout, activation, weights)
    rows = np.array([3, 0, 1, 2, 4, 2])
    assert_both_agree(*both_observations(blocks), module, weights, rows)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_they_are_where_nodes_saturate(activation):
    layout, blocks, weights = random_problem(np.random.default_rng(1), (4,), counts=COUNTS)
    weights[: layout.starts[0, 1]] *= 30.0
    module = HDNNP(layout, activation, weights)
    assert_both_agree(*both_observations(blocks), module, weights, np.arange(5))


@pytest.mark.parametrize("columns", [((0, 1), ()), ((), (0, 2))])
def test_they_are_for_an_element_without_columns(columns):
    layout, blocks, weights = random_problem(np.random.default_rng(2), (3,), columns, COUNTS)
    module = HDNNP(layout, "tanh", weights)
    assert_both_agree(*both_observations(blocks), module, weights, np.arange(5))


def test_they_are_after_columns_have_been_dropped():
    layout, blocks, weights = random_problem(np.random.default_rng(3), (4, 3), counts=COUNTS)
    compiled, batched = both_observations(blocks)
    smaller, kept, positions = layout.without([1])
    module, rows = HDNNP(smaller, "silu", weights[kept]), np.arange(5)
    both = compiled.take(positions), batched.take(positions)
    assert_both_agree(*both, module, weights[kept], rows)
    # The old ones still work, though the device has let go of their columns.
    assert_both_agree(compiled, batched, HDNNP(layout, "silu", weights), weights, rows)


@pytest.mark.parametrize("most_bytes", [0, 2**32], ids=["streamed", "kept"])
@pytest.mark.parametrize("most_atoms", [1, 12])
def test_the_limits_on_memory_do_not_matter(monkeypatch, most_atoms, most_bytes):
    monkeypatch.setattr(_device_gradient, "MOST_ATOMS", most_atoms)
    monkeypatch.setattr(_device_gradient, "MOST_BYTES", most_bytes)
    layout, blocks, weights = random_problem(np.random.default_rng(4), (4,), counts=COUNTS)
    module = HDNNP(layout, "tanh", weights)
    assert_both_agree(*both_observations(blocks), module, weights, np.array([3, 0, 1, 2, 4]))


@pytest.mark.parametrize(("most_atoms", "largest"), [(7, 1), (14, 2), (10**6, 5)])
def test_chunks_hold_no_more_padded_atoms_than_they_may(monkeypatch, most_atoms, largest):
    monkeypatch.setattr(_device_gradient, "MOST_ATOMS", most_atoms)
    _, blocks, _ = random_problem(np.random.default_rng(4), (4,), counts=COUNTS)
    chunks = both_observations(blocks)[1]._chunks(np.arange(5))
    assert_array_equal(np.concatenate(chunks), np.arange(5))
    assert max(map(len, chunks)) == largest


def test_gradients_and_their_sums_stay_on_the_device():
    """torch's meta device has no numbers, but is an error where it meets tensors of the CPU."""
    layout, blocks, weights = random_problem(np.random.default_rng(5), (4, 3), counts=COUNTS)
    features = DeviceFeatures(torch.device("meta"))
    observations = DeviceEnergyObservations(blocks, np.zeros(5), features)
    sums = GaussNewtonSums()
    for rows in (np.arange(2), np.arange(2, 5)):
        module = HDNNP(layout, "tanh", weights)
        sums.add(*observations.errors_and_gradients(module, weights, rows))
    for tensor in (sums.squared_errors, sums.products, sums.squares):
        assert tensor.device.type == "meta"
    assert sums.squares.shape == (len(weights), len(weights))


def test_only_the_blocks_in_use_are_on_the_device():
    _, blocks, _ = random_problem(np.random.default_rng(5), (4,), counts=COUNTS)
    features = DeviceFeatures(torch.device("meta"))
    features.atoms(blocks, 0, np.array([0, 1]))
    first = features._data
    features.atoms(blocks, 1, np.array([0, 2]))
    assert features._data is first
    features.atoms(blocks.take([[0], [0, 1]]), 0, np.array([0, 1]))
    assert features._data is not first
    assert deepcopy(features)._data is None


def test_sums_of_tensors_make_the_model_that_sums_of_arrays_make():
    layout, blocks, weights = random_problem(np.random.default_rng(6), (4,), counts=COUNTS)
    module, penalty = HDNNP(layout, "tanh", weights), GroupPenalty(layout, np.ones(4), 0.1, Lasso())
    models = []
    for observations in both_observations(blocks):
        sums = GaussNewtonSums()
        for rows in (np.array([0, 1]), np.array([2, 3, 4])):
            sums.add(*observations.errors_and_gradients(module, weights, rows))
        models.append(QuadraticModel(weights, penalty, sums, 5))
    expected, found = models
    assert_allclose(found.squared_error, expected.squared_error, rtol=1e-12)
    assert_allclose(found.gradient, expected.gradient, rtol=1e-10, atol=1e-13)
    assert_allclose(found.hessian, expected.hessian, rtol=1e-10, atol=1e-13)


def fit(X, y, make_observations, **settings):
    """A training whose observations have been exchanged, and which has ended."""
    settings = HDNNPRegressor((4, 3), solver="lm", max_epochs=30, batch_size=16, **settings)
    training = Training(settings, TrainingSet(X, y), np.random.RandomState(0))
    training.observations = make_observations(training.observations)
    training.start(np.full(X.n_features, 2e-3))
    return training.run(training.epochs())


@pytest.mark.parametrize("early_stopping", [True, False])
def test_a_whole_fit_is_that_of_the_compiled_code(early_stopping):
    X = mixed_features(np.random.default_rng(0), n_structures=60)
    known = np.nan_to_num(X.values)
    y = np.tanh(known[:, :, 0]).sum(axis=1) + known[:, :, 1].sum(axis=1)

    def move(observations):
        features = DeviceFeatures(CPU)
        return DeviceEnergyObservations(observations.blocks, observations.energies, features)

    expected = fit(X, y, lambda observations: observations, early_stopping=early_stopping)
    found = fit(X, y, move, early_stopping=early_stopping)
    assert len(found.net.history) == len(expected.net.history) > 5
    assert_allclose(found.weights, expected.weights, rtol=1e-6, atol=1e-8)
    assert_array_equal(found.group_norms == 0.0, expected.group_norms == 0.0)
    rows = expected.judged_on
    assert_allclose(found.rmse_per_atom(rows), expected.rmse_per_atom(rows), rtol=1e-6)
    assert_allclose(found.net.history[:, "train_loss"], expected.net.history[:, "train_loss"])
    expected_variances, variances = expected._covariance(), found._covariance()
    assert_allclose(variances, expected_variances, atol=1e-5 * np.abs(expected_variances).max())


# Which solver may have a device


def test_kalman_refuses_a_device_and_names_solvers_that_do_not():
    with pytest.raises(ValueError, match=r"device='meta'.*solver='kalman'.*'lm' or 'adamw'"):
        HDNNPRegressor(device="meta").fit(np.eye(3), np.arange(3.0))


def test_levenberg_marquardt_takes_forces_on_the_cpu_only():
    with pytest.raises(ValueError, match="solver='lm' trains on forces on the CPU only"):
        solver_named("lm").check_device("meta", on_forces=True)
    solver_named("lm").check_device("meta", on_forces=False)
    solver_named("adamw").check_device("meta", on_forces=True)


@pytest.mark.parametrize("solver", ["kalman", "lm", "adamw"])
@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
def test_the_cpu_is_for_all(solver, device):
    solver_named(solver).check_device(device, on_forces=True)


def test_levenberg_marquardt_needs_double_precision(monkeypatch):
    def refuse(*size, device, dtype):
        raise TypeError(f"no {dtype} on {device}")

    monkeypatch.setattr(torch, "empty", refuse)
    with pytest.raises(ValueError, match=r"double precision.*device='meta'.*solver='adamw'"):
        solver_named("lm").check_device("meta", on_forces=False)


def test_the_automatic_solver_for_a_device_is_one_that_uses_it():
    layout, _, _ = random_problem(np.random.default_rng(0), (3,))
    assert choose_solver("auto", layout, 0.0, "cuda").name == "adamw"
    assert choose_solver("lm", layout, 0.0, "cuda").name == "lm"


@pytest.mark.parametrize(
    ("solver", "device", "kind"),
    [
        ("lm", "meta", DeviceEnergyObservations),
        ("lm", "cpu", EnergyObservations),
        ("adamw", "meta", EnergyObservations),
    ],
)
def test_the_device_chooses_the_code_for_levenberg_marquardt(solver, device, kind):
    X = mixed_features(np.random.default_rng(0))
    settings = HDNNPRegressor(solver=solver, device=device)
    training = Training(settings, TrainingSet(X, np.arange(12.0)), np.random.RandomState(0))
    assert type(training.observations) is kind


@needs_cuda
@pytest.mark.parametrize(("solver", "tolerance"), [("lm", 1e-6), ("adamw", 1e-2)])
def test_a_fit_on_a_gpu_is_that_on_the_cpu(solver, tolerance):
    X = mixed_features(np.random.default_rng(0), n_structures=60)
    known = np.nan_to_num(X.values)
    y = np.tanh(known[:, :, 0]).sum(axis=1) + known[:, :, 1].sum(axis=1)
    settings = {"solver": solver, "alpha": 0.01, "max_epochs": 20, "random_state": 0}
    expected = HDNNPRegressor((4, 3), **settings).fit(X, y)
    found = HDNNPRegressor((4, 3), device="cuda", **settings).fit(X, y)
    assert next(found.net_.module_.parameters()).is_cuda
    assert_allclose(found.predict(X), expected.predict(X), atol=tolerance * np.ptp(y))
    assert_array_equal(found.group_norms_ == 0.0, expected.group_norms_ == 0.0)
