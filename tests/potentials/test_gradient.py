import numpy as np
import pytest
import torch
from scipy.optimize import approx_fprime

from sklearn_agl.compiled._activations import ACTIVATIONS
from sklearn_agl.potentials.networks._module import HDNNP
from tests.potentials._data import random_problem

DEPTHS = [(), (4,), (5, 3), (4, 3, 2)]


def torch_batch(blocks):
    """The blocks as the torch module wants them."""
    n_atoms = blocks.counts.sum(axis=1)
    batch = []
    for e, width in enumerate(blocks.widths):
        owners = np.repeat(np.arange(len(blocks)), blocks.counts[:, e])
        table = np.concatenate([blocks.block(s, e).T for s in range(len(blocks))])
        assert table.shape == (len(owners), width)
        shares = torch.from_numpy(1.0 / n_atoms[owners])
        batch.append((torch.from_numpy(table), torch.from_numpy(owners), shares))
    return batch


@pytest.mark.parametrize("hidden", DEPTHS, ids=len)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_compiled_energies_and_gradients_equal_torch(activation, hidden):
    layout, blocks, theta = random_problem(np.random.default_rng(len(hidden)), hidden)
    module = HDNNP(layout, activation, theta)
    expected = module(torch_batch(blocks))
    jacobian = [
        torch.cat([part.ravel() for part in torch.autograd.grad(e, module.tensors, retain_graph=1)])
        for e in expected
    ]
    rows = np.arange(len(blocks))
    energies, gradients = module.energies_and_gradients(theta, blocks, rows)
    np.testing.assert_allclose(energies, expected.detach(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(gradients, torch.stack(jacobian), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(module.energies(theta, blocks, rows), energies, rtol=1e-12)


@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - {"relu"}))
def test_gradients_equal_finite_differences(activation):
    layout, blocks, theta = random_problem(np.random.default_rng(7), (4, 3))
    module = HDNNP(layout, activation, theta)
    for row in range(len(blocks)):
        rows = np.array([row])
        differences = approx_fprime(theta, lambda w, r=rows: module.energies(w, blocks, r)[0], 1e-7)
        gradient = module.energies_and_gradients(theta, blocks, rows)[1][0]
        np.testing.assert_allclose(gradient, differences, atol=1e-6)


def test_an_absent_element_has_no_gradient():
    layout, blocks, theta = random_problem(np.random.default_rng(1), (3,))
    module = HDNNP(layout, "tanh", theta)
    gradients = module.energies_and_gradients(theta, blocks, np.array([1, 2]))[1]
    first_of_oxygen = layout.starts[1, 0]
    assert not gradients[0, first_of_oxygen:].any()
    assert gradients[0, :first_of_oxygen].all()
    assert not gradients[1, :first_of_oxygen].any()
    assert gradients[1, first_of_oxygen:].all()


def test_rows_may_come_in_any_order_and_repeatedly():
    layout, blocks, theta = random_problem(np.random.default_rng(2), (3,))
    module = HDNNP(layout, "silu", theta)
    energies, gradients = module.energies_and_gradients(theta, blocks, np.arange(3))
    rows = np.array([2, 0, 2])
    again = module.energies_and_gradients(theta, blocks, rows)
    np.testing.assert_array_equal(again[0], energies[rows])
    np.testing.assert_array_equal(again[1], gradients[rows])


def test_zero_weights_keep_their_gradient():
    layout, blocks, theta = random_problem(np.random.default_rng(3), (4,))
    theta[layout.groups[1]] = 0.0
    module = HDNNP(layout, "tanh", theta)
    expected = module(torch_batch(blocks))
    energies, gradients = module.energies_and_gradients(theta, blocks, np.arange(3))
    np.testing.assert_allclose(energies, expected.detach(), rtol=1e-12)
    expected.sum().backward()
    summed = torch.cat([tensor.grad.ravel() for tensor in module.tensors])
    np.testing.assert_allclose(gradients.sum(axis=0), summed, rtol=1e-11, atol=1e-14)
    assert gradients[:, layout.groups[1]].any()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_element_without_columns_contributes_a_constant(activation):
    rng = np.random.default_rng(4)
    layout, blocks, theta = random_problem(rng, (3,), columns=((0, 1), ()))
    module = HDNNP(layout, activation, theta)
    energies, gradients = module.energies_and_gradients(theta, blocks, np.arange(3))
    expected = module(torch_batch(blocks))
    np.testing.assert_allclose(energies, expected.detach(), rtol=1e-12)
    assert np.isfinite(gradients).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("size", [1e3, 1e6])
def test_saturated_nodes_stay_finite(activation, size):
    layout, blocks, theta = random_problem(np.random.default_rng(5), (4,))
    theta[: layout.starts[0, 1]] *= size
    theta[layout.starts[1, 0] : layout.starts[1, 1]] *= size
    module = HDNNP(layout, activation, theta)
    energies, gradients = module.energies_and_gradients(theta, blocks, np.arange(3))
    expected = module(torch_batch(blocks))
    np.testing.assert_allclose(energies, expected.detach(), rtol=1e-10, atol=1e-10)
    expected.sum().backward()
    summed = torch.cat([tensor.grad.ravel() for tensor in module.tensors])
    np.testing.assert_allclose(gradients.sum(axis=0), summed, rtol=1e-9, atol=1e-10)
