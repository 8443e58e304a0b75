import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector

from sklearn_agl.potentials.networks._layout import NetworkLayout
from sklearn_agl.potentials.networks._module import HDNNP
from tests.potentials._data import random_problem


def torch_networks(layout):
    """Each element's network as nested torch Linear layers."""
    networks = []
    for sizes in layout.sizes:
        pairs = zip(sizes[:-1], sizes[1:], strict=True)
        layers = [torch.nn.Linear(int(n_in), int(n_out)) for n_in, n_out in pairs]
        networks.append(torch.nn.Sequential(*layers).double())
    return torch.nn.ModuleList(networks)


@pytest.mark.parametrize("hidden", [(), (4,), (4, 3)])
def test_groups_are_the_columns_of_the_first_linear_layer(hidden):
    layout, _, _ = random_problem(np.random.default_rng(0), hidden)
    networks = torch_networks(layout)
    theta = parameters_to_vector(networks.parameters()).detach().numpy()
    assert len(theta) == layout.n_weights
    for feature, group in enumerate(layout.groups):
        expected = [
            network[0].weight.detach().numpy()[:, list(own).index(feature)]
            for network, own in zip(networks, layout.columns, strict=True)
            if feature in own
        ]
        np.testing.assert_array_equal(theta[group], np.concatenate(expected))


def test_inner_weights_are_the_matrices_behind_the_first_layer():
    layout, _, _ = random_problem(np.random.default_rng(0), (4, 3))
    networks = torch_networks(layout)
    theta = parameters_to_vector(networks.parameters()).detach().numpy()
    inner = [layer.weight.detach().numpy().ravel() for net in networks for layer in net[1:]]
    np.testing.assert_array_equal(theta[layout.inner_weights], np.concatenate(inner))


def test_group_norms_of_a_feature_nobody_sees_are_zero():
    layout = NetworkLayout((1,), (np.array([0, 2]),), 3, (2,))
    theta = np.arange(layout.n_weights, dtype=float)
    np.testing.assert_allclose(layout.group_norms(theta), [np.hypot(0, 2), 0, np.hypot(1, 3)])


@pytest.mark.parametrize("hidden", [(), (4, 3)])
@pytest.mark.parametrize("gone", [[1], [0, 3], [0, 1, 2], []])
def test_dropping_features_of_zero_weight_changes_no_prediction(hidden, gone):
    layout, blocks, theta = random_problem(np.random.default_rng(1), hidden)
    for column in gone:
        theta[layout.groups[column]] = 0.0
    rows = np.arange(len(blocks))
    expected = HDNNP(layout, "tanh", theta).energies(theta, blocks, rows)
    smaller, kept, positions = layout.without(gone)
    assert smaller.n_weights == len(kept)
    assert smaller.n_features == layout.n_features
    module = HDNNP(smaller, "tanh", theta[kept])
    found = module.energies(theta[kept], blocks.take(positions), rows)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


def test_dropping_twice_equals_dropping_at_once():
    layout, _, _ = random_problem(np.random.default_rng(1), (4,))
    first, kept_first, _ = layout.without([1])
    second, kept_second, _ = first.without([3])
    both, kept, _ = layout.without([3, 1])
    np.testing.assert_array_equal(kept_first[kept_second], kept)
    np.testing.assert_array_equal(second.sizes, both.sizes)


def test_random_weights_lie_within_the_bounds_of_torch_linear():
    layout = NetworkLayout((1,), (np.arange(25),), 25, (400, 16))
    theta = layout.random_weights(np.random.RandomState(0))
    for start, n_in, n_out in zip(layout.starts[0], (25, 400, 16), (400, 16, 1), strict=True):
        weights = theta[start : start + n_in * n_out] * np.sqrt(n_in)
        assert np.abs(weights).max() <= 1.0
        assert np.abs(weights).max() > 0.8
    assert theta[-1] == 0.0
