import numpy as np
import pytest

from sklearn_agl.potentials.data._blocks import make_blocks
from sklearn_agl.potentials.data._scaling import FeatureScaler
from sklearn_agl.potentials.networks._layout import NetworkLayout
from sklearn_agl.potentials.solvers._batches import RowBatches, StructureDataset
from tests.potentials._data import COLUMNS, mixed_features


@pytest.fixture
def X():
    return mixed_features(np.random.default_rng(0))


@pytest.fixture
def blocks(X):
    layout = NetworkLayout((1, 8), tuple(map(np.array, COLUMNS.values())), X.n_features, (2,))
    return make_blocks(X, layout, FeatureScaler("standard").fit(X, np.arange(len(X))))


def test_blocks_hold_the_scaled_features(X, blocks):
    for e, (z, columns) in enumerate(COLUMNS.items()):
        for s in range(len(X)):
            expected = []
            for column in columns:
                everywhere = X.values[:, :, column][~np.isnan(X.values[:, :, column])]
                here = X.values[s, X.numbers[s] == z, column]
                expected.append((here - everywhere.mean()) / everywhere.std())
            assert blocks.counts[s, e] == np.count_nonzero(X.numbers[s] == z)
            np.testing.assert_allclose(blocks.block(s, e), expected, rtol=1e-10, atol=1e-12)


def test_taken_columns_are_copies_of_the_blocks(blocks):
    kept = [np.array([2, 0]), np.array([], dtype=int)]
    taken = blocks.take(kept)
    for s in range(len(blocks)):
        np.testing.assert_array_equal(taken.block(s, 0), blocks.block(s, 0)[[2, 0]])
        assert taken.block(s, 1).shape == (0, blocks.counts[s, 1])
    assert not np.shares_memory(taken.data, blocks.data)


def test_batches_visit_every_row_once(blocks):
    dataset = StructureDataset(np.arange(12.0) * 10, np.array([1, 3, 4, 7, 9]))
    batches = RowBatches(dataset, 2, np.random.RandomState(0))
    assert len(batches) == 3
    passes = [list(batches) for _ in range(2)]
    for batches_of_pass in passes:
        rows = np.concatenate([rows for rows, _ in batches_of_pass])
        targets = np.concatenate([targets for _, targets in batches_of_pass])
        assert sorted(rows) == [1, 3, 4, 7, 9]
        np.testing.assert_array_equal(targets, 10.0 * rows)


def test_batches_keep_their_order_without_a_generator(blocks):
    dataset = StructureDataset(np.zeros(12), np.array([4, 1, 7]))
    assert [list(rows) for rows, _ in RowBatches(dataset, 2)] == [[4, 1], [7]]
