"""The table of activations against torch's own derivatives."""

import numpy as np
import pytest
import torch

from sklearn_agl.compiled._activations import ACTIVATIONS, NUMBERS, activate, activate_twice
from sklearn_agl.compiled._machine_code import kept


@kept()
def run(number, z, slope, z_again, slope_again, curvature):
    activate(number, z, slope)
    activate_twice(number, z_again, slope_again, curvature)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_slopes_and_curvatures(name):
    z = np.concatenate([np.linspace(-45.0, 45.0, 46), np.linspace(-3.0, 3.0, 50)])
    tensor = torch.from_numpy(z.copy()).requires_grad_()
    values = ACTIVATIONS[name].of_tensor(torch, tensor)
    (slopes,) = torch.autograd.grad(values.sum(), tensor, create_graph=True)
    curvatures = np.zeros_like(z)
    if slopes.requires_grad:
        curvatures = torch.autograd.grad(slopes.sum(), tensor)[0].numpy()
    found, own, again, own_again, curvature = z.copy(), z + 1.0, z.copy(), z + 1.0, z + 1.0
    run(NUMBERS[name], found, own, again, own_again, curvature)
    np.testing.assert_allclose(found, values.detach(), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(own, slopes.detach(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(again, found, rtol=1e-14)
    np.testing.assert_allclose(own_again, own, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(curvature, curvatures, rtol=1e-11, atol=1e-14)
