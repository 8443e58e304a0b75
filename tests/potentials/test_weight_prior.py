import numpy as np
import pytest

from sklearn_agl import HDNNPRegressor
from sklearn_agl.potentials.data._held_out import hold_out
from sklearn_agl.potentials.networks._module import HDNNP
from sklearn_agl.potentials.solvers._weight_prior import draw_from_prior, match_spread
from tests.potentials._data import random_problem


@pytest.fixture
def prior():
    layout, blocks, _ = random_problem(np.random.default_rng(0), hidden=(4, 3))
    weights = layout.random_weights(np.random.RandomState(0))
    return layout, blocks, *draw_from_prior(layout, 0.1, weights)


def gradients(layout, blocks, weights):
    rows = np.arange(len(blocks))
    return HDNNP(layout, "tanh", weights).energies_and_gradients(weights, blocks, rows)[1]


def test_first_layers_share_their_variance_among_the_inputs(prior):
    layout, _, _, variances = prior
    for e, n_inputs in enumerate(layout.sizes[:, 0]):
        first = slice(layout.starts[e, 0], layout.starts[e, 0] + n_inputs * 4)
        np.testing.assert_allclose(variances[first], 0.1 / n_inputs)
    assert variances[layout.groups[1]][0] != variances[layout.inner_weights][0] == 0.1


@pytest.mark.parametrize("shrink", [1.0, 1e-3])
def test_energies_of_the_prior_vary_as_the_data_do(prior, shrink):
    """Drawn from the prior around the weights, energies have a variance of one: by sampling."""
    layout, blocks, weights, variances = prior
    # Structures that hardly differ: as crystals that were shaken a little.
    blocks.data[:] = 1.0 + shrink * blocks.data
    match_spread(layout, weights, variances, gradients(layout, blocks, weights))
    slopes = gradients(layout, blocks, weights)
    steps = np.random.default_rng(1).normal(size=(20_000, layout.n_weights)) * np.sqrt(variances)
    energies = steps @ slopes.T
    # The scale of the last layer changes what the layers before it do, by the same factor.
    assert np.var(energies, axis=1).mean() == pytest.approx(1.0, rel=0.05)


def test_structures_that_do_not_differ_leave_the_prior_alone(prior):
    layout, blocks, weights, variances = prior
    one = gradients(layout, blocks, weights)[:1]
    before = weights.copy(), variances.copy()
    match_spread(layout, weights, variances, np.repeat(one, 5, axis=0))
    np.testing.assert_array_equal(weights, before[0])
    np.testing.assert_array_equal(variances, before[1])


def test_held_out_structures_come_from_all_over_the_energies():
    energies = np.random.default_rng(0).normal(size=100)
    for seed in range(20):
        held_out = hold_out(np.ones((100, 1)), energies, 0.1, np.random.RandomState(seed))
        ranks = np.sort(np.argsort(np.argsort(energies))[held_out])
        np.testing.assert_array_equal(ranks // 10, np.arange(10))


def test_nothing_is_held_out_where_nothing_would_be_left():
    for n, fraction in ((2, 0.9), (1, 0.1), (5, 1.0)):
        rng = np.random.RandomState(0)
        assert not len(hold_out(np.ones((n, 1)), np.arange(n), fraction, rng))


def test_groups_are_held_out_as_a_whole():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), rng.integers(1, 9, 40)).astype(str)
    energies = rng.normal(size=len(groups))
    composition = np.ones((len(groups), 1))
    for seed in range(20):
        held_out = hold_out(composition, energies, 0.2, np.random.RandomState(seed), groups)
        assert set(groups[held_out]).isdisjoint(np.delete(groups, held_out))
        assert 0.2 * len(groups) <= len(held_out) < 0.2 * len(groups) + 8


def test_no_group_takes_more_than_half_of_the_structures():
    groups = np.repeat(["most", "few", "some"], [80, 5, 15])
    for seed in range(10):
        rng = np.random.RandomState(seed)
        held_out = hold_out(np.ones((100, 1)), np.arange(100.0), 0.1, rng, groups)
        assert len(held_out) >= 5 and "most" not in groups[held_out]


def test_a_single_group_cannot_be_held_out():
    X, y = np.random.default_rng(0).normal(size=(2, 30))
    with pytest.raises(ValueError, match="one group .*early_stopping=False"):
        HDNNPRegressor((), max_epochs=1).fit(X[:, None], y, groups=np.zeros(30))
    with pytest.raises(ValueError, match="29 groups for 30 structures"):
        HDNNPRegressor((), max_epochs=1).fit(X[:, None], y, groups=np.zeros(29))
