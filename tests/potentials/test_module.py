import numpy as np
import torch
from torch.nn.utils import parameters_to_vector

from sklearn_agl.potentials.networks._module import HDNNP
from tests.potentials._data import random_problem


def test_weights_have_the_order_of_parameters_to_vector():
    layout, _, theta = random_problem(np.random.default_rng(0), (4, 3))
    module = HDNNP(layout, "tanh", theta)
    np.testing.assert_array_equal(parameters_to_vector(module.parameters()).detach(), theta)
    np.testing.assert_array_equal(module.get_weights(), theta)


def test_set_weights_overwrites_all_and_shares_no_memory():
    layout, _, theta = random_problem(np.random.default_rng(0), (4,))
    module = HDNNP(layout, "tanh", np.zeros_like(theta))
    module.set_weights(theta)
    expected = theta.copy()
    theta[:] = -1.0
    np.testing.assert_array_equal(module.get_weights(), expected)


def test_inner_matrices_are_the_weights_behind_the_first_layer():
    layout, _, theta = random_problem(np.random.default_rng(0), (4, 3))
    module = HDNNP(layout, "tanh", theta)
    inner = module.inner_matrices()
    assert [tuple(matrix.shape) for matrix in inner] == 2 * [(3, 4), (1, 3)]
    flat = torch.cat([matrix.ravel() for matrix in inner]).detach()
    np.testing.assert_array_equal(flat, theta[layout.inner_weights])
