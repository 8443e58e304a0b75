import numpy as np
import pytest
import torch

from sklearn_agl.compiled._activations import ACTIVATIONS
from sklearn_agl.potentials.data._blocks import empty_blocks
from sklearn_agl.potentials.networks._module import HDNNP
from tests.potentials._data import random_problem

DEPTHS = [(), (4,), (5, 3), (4, 3, 2)]
N_DIRECTIONS = np.array([3, 1, 2])


def random_slopes_problem(seed, hidden):
    """Two elements, ragged structures, and a different number of directions for each."""
    rng = np.random.default_rng(seed)
    layout, blocks, theta = random_problem(rng, hidden)
    tangents = empty_blocks(blocks.counts * N_DIRECTIONS[:, None], blocks.widths)
    tangents.data[:] = rng.normal(size=tangents.data.size)
    return layout, blocks, tangents, theta


def slopes_by_torch(module, theta, blocks, tangents, rows):
    """By reverse-mode differentiation, twice."""
    parts = [torch.from_numpy(part).requires_grad_() for part in module.split(theta)]
    depth = module.layout.starts.shape[1]
    slopes = []
    for s in rows:
        total = torch.zeros(N_DIRECTIONS[s], dtype=torch.float64)
        for e in range(len(blocks.widths)):
            features = torch.from_numpy(blocks.block(s, e).T.copy()).requires_grad_()
            if not len(features):
                continue
            outputs = features
            for layer in range(depth):
                weights, bias = parts[2 * (e * depth + layer) :][:2]
                outputs = torch.nn.functional.linear(outputs, weights, bias)
                if layer < depth - 1:
                    outputs = ACTIVATIONS[module.activation].of_tensor(torch, outputs)
            (gradient,) = torch.autograd.grad(outputs.sum(), features, create_graph=True)
            moves = tangents.block(s, e).reshape(blocks.widths[e], N_DIRECTIONS[s], -1)
            total = total + torch.einsum("af,fda->d", gradient, torch.from_numpy(moves.copy()))
        slopes.append(total)
    slopes = torch.cat(slopes)
    gradients = [
        torch.autograd.grad(x, parts, retain_graph=True, allow_unused=True) for x in slopes
    ]
    gradients = [
        np.concatenate(
            [
                np.zeros(p.numel()) if g is None else g.numpy().ravel()
                for g, p in zip(row, parts, strict=True)
            ]
        )
        for row in gradients
    ]
    return slopes.detach().numpy(), np.array(gradients)


@pytest.mark.parametrize("hidden", DEPTHS, ids=len)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_slopes_and_gradients_equal_torch(activation, hidden):
    layout, blocks, tangents, theta = random_slopes_problem(len(hidden), hidden)
    module = HDNNP(layout, activation, theta)
    rows = np.array([2, 0, 1])
    expected, expected_gradients = slopes_by_torch(module, theta, blocks, tangents, rows)
    arguments = (theta, blocks, tangents, N_DIRECTIONS, rows)
    slopes, gradients = module.slopes_and_gradients(*arguments)
    np.testing.assert_allclose(slopes, expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(gradients, expected_gradients, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(module.slopes(*arguments), slopes, rtol=1e-11, atol=1e-12)


def test_a_slope_is_a_derivative_of_the_energy():
    layout, blocks, tangents, theta = random_slopes_problem(5, (4, 3))
    module = HDNNP(layout, "tanh", theta)
    step, n_atoms = 1e-5, blocks.counts.sum(axis=1)

    def moved(s, d, sign):
        data = blocks.data.copy()
        copy = type(blocks)(data, blocks.starts, blocks.counts, blocks.widths)
        for e, n in enumerate(blocks.counts[s]):
            own = tangents.block(s, e)[:, d * n : (d + 1) * n]
            copy.block(s, e)[:] += sign * step * own
        return module.energies(theta, copy, np.array([s]))[0] * n_atoms[s]

    differences = [
        (moved(s, d, 1) - moved(s, d, -1)) / (2 * step)
        for s in range(3)
        for d in range(N_DIRECTIONS[s])
    ]
    slopes = module.slopes(theta, blocks, tangents, N_DIRECTIONS, np.arange(3))
    np.testing.assert_allclose(slopes, differences, rtol=1e-7, atol=1e-9)


def test_a_structure_without_directions_has_no_slope():
    layout, blocks, _, theta = random_slopes_problem(0, (3,))
    none = np.zeros(3, dtype=int)
    tangents = empty_blocks(blocks.counts * none[:, None], blocks.widths)
    slopes, gradients = HDNNP(layout, "tanh", theta).slopes_and_gradients(
        theta, blocks, tangents, none, np.arange(3)
    )
    assert slopes.shape == (0,)
    assert gradients.shape == (0, layout.n_weights)
