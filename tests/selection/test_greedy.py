import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from sklearn_agl import (
    CURSelector,
    FPSSelector,
    PCovCURSelector,
    PCovFPSSelector,
    PearsonSelector,
)
from sklearn_agl.selection.filters._greedy import GramColumns, RootColumns, leverage_scores
from tests.selection._data import correlated

GREEDY = [CURSelector, FPSSelector, PCovCURSelector, PCovFPSSelector, PearsonSelector]


@pytest.mark.parametrize("selector", GREEDY)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rank=st.integers(1, 4), n=st.integers(1, 9))
def test_no_feature_is_chosen_twice(selector, seed, rank, n):
    rng = np.random.default_rng(seed)
    X = correlated(rng, 20, 5, rank=rank)
    # Repeated, constant and small columns, in any order.
    X = np.column_stack([X, X[:, :2], np.ones(20), 1e-6 * X[:, 2]])[:, rng.permutation(9)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        chosen = selector(n).fit(X, rng.normal(size=20))
    order = chosen.selected_order_.tolist()
    assert len(set(order)) == len(order) <= n
    assert (np.ptp(X[:, order], axis=0) > 0).all()
    assert len(chosen.scores_) == len(order)
    assert set(np.flatnonzero(chosen.ranking_ == 1)) == set(order)


def test_columns_by_products_are_those_of_the_matrix(rng):
    matrix = rng.normal(size=(30, 8))
    gram, root = GramColumns(matrix.T @ matrix, np.zeros(8)), RootColumns(matrix, np.zeros(8))
    for chosen in (3, 0, 7):
        gram.take(chosen)
        root.take(chosen)
        np.testing.assert_allclose(gram.gram, root.matrix.T @ root.matrix, atol=1e-12)
        np.testing.assert_allclose(root.gram, root.matrix.T @ root.matrix, atol=1e-12)
        np.testing.assert_allclose(gram.norms, root.norms, atol=1e-12)
    assert np.flatnonzero(~gram.free).tolist() == [0, 3, 7]


def test_products_are_renewed_before_their_digits_are_lost(rng):
    # Each column is a hundredth of the one before it, in a direction of its own.
    matrix = np.linalg.qr(rng.normal(size=(30, 7)))[0] * 100.0 ** -np.arange(7)
    matrix[:, 1:] += matrix[:, :1] @ rng.normal(size=(1, 6))
    columns = RootColumns(matrix, np.zeros(7))
    for chosen in range(6):
        columns.take(chosen)
    assert columns.gram[6, 6] == pytest.approx(1e-24, rel=1e-2)


@pytest.mark.parametrize("k", [1, 3])
def test_leverage_is_that_of_all_eigenvectors(rng, k):
    matrix = correlated(rng, 200, 100)
    _, _, right = np.linalg.svd(matrix)
    expected = np.square(right[:k]).sum(axis=0)
    np.testing.assert_allclose(leverage_scores(matrix.T @ matrix, k), expected, atol=1e-9)
