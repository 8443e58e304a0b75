"""What a fit is trained on, as one object."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_agl import HDNNPRegressor
from sklearn_agl.descriptors import SymmetryFunctionTransformer
from sklearn_agl.potentials.data._training_set import TrainingSet


@pytest.fixture(scope="module")
def observed(dimers):
    X = SymmetryFunctionTransformer("al-22").fit_transform(dimers)
    forces = [np.arange(6.0).reshape(2, 3) + s for s in range(len(dimers))]
    return TrainingSet.from_user(
        HDNNPRegressor(), X, np.arange(len(dimers)), forces
    ).observe_slopes(4, 0)


@pytest.fixture(scope="module")
def dimers():
    from ase import Atoms

    return [Atoms("Al2", positions=[[0, 0, 0], [0, 0, 2.5 + 0.1 * s]]) for s in range(5)]


@pytest.mark.parametrize("rows", [np.array([3, 1]), np.arange(5) > 2, slice(1, 4)])
def test_all_parts_follow_the_rows(observed, rows):
    part, chosen = observed.take(rows), np.arange(5)[rows]
    assert len(part) == len(part.X) == len(chosen)
    assert_array_equal(part.energies, chosen)
    for own, s in enumerate(chosen):
        assert_array_equal(part.forces[own], observed.forces[s])
        assert_array_equal(part.slopes.forces[own], observed.slopes.forces[s])
        assert_array_equal(part.slopes.tangents[own], observed.slopes.tangents[s])


def test_features_and_tangents_lose_the_same_columns(observed):
    part = observed.take_features([2, 5])
    assert_array_equal(part.X.values, observed.X.values[:, :, [2, 5]])
    for own, before in zip(part.slopes.tangents, observed.slopes.tangents, strict=True):
        assert_array_equal(own, before[:, :, [2, 5]])


def test_directions_are_drawn_once(observed):
    assert observed.observe_slopes(4, 1) is observed


def test_without_forces_there_is_nothing_to_observe(observed):
    data = TrainingSet.from_user(HDNNPRegressor(), observed.X, observed.energies)
    assert data.observe_slopes(4, 0).slopes is None
