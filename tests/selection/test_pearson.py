import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from sklearn_agl import AtomicFeatures
from sklearn_agl.selection import PearsonSelector
from tests.selection._data import correlated


def plain_greedy(rows, first, n):
    correlation = np.abs(np.corrcoef(rows.T))
    order = [first]
    while len(order) < n:
        rest = [i for i in range(rows.shape[1]) if i not in order]
        order.append(min(rest, key=lambda i: max(correlation[i, j] for j in order)))
    return order


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), first=st.integers(0, 8))
def test_same_choices_as_a_plain_loop(seed, first):
    X = correlated(np.random.default_rng(seed), 40, 9)
    selector = PearsonSelector(6, initial=first).fit(X)
    assert selector.selected_order_.tolist() == plain_greedy(X, first, 6)


def test_first_feature_is_the_most_typical(rng):
    X = correlated(rng, 40, 9)
    typical = int(np.abs(np.corrcoef(X.T)).mean(axis=0).argmax())
    assert PearsonSelector(5).fit(X).selected_order_.tolist() == plain_greedy(X, typical, 5)


def test_lennard_jones(lj_features):
    rows = lj_features.reshape(-1, lj_features.shape[2])
    selector = PearsonSelector(8).fit(lj_features)
    assert selector.selected_order_.tolist() == plain_greedy(rows, selector.selected_order_[0], 8)


def test_scores_are_the_largest_correlations(rng):
    X = correlated(rng, 40, 9)
    selector = PearsonSelector(4).fit(X)
    order = selector.selected_order_
    correlation = np.abs(np.corrcoef(X.T))
    expected = [0.0] + [correlation[order[i], order[:i]].max() for i in range(1, 4)]
    np.testing.assert_allclose(selector.scores_, expected, rtol=1e-10)


def test_ragged_atoms_are_rows(ragged):
    atoms = ragged[~np.isnan(ragged).any(axis=2)]
    expected = PearsonSelector(4).fit(atoms).selected_order_
    for X in (ragged, AtomicFeatures(ragged)):
        np.testing.assert_array_equal(PearsonSelector(4).fit(X).selected_order_, expected)


def test_each_element_gets_its_first_feature_early(two_elements):
    order = PearsonSelector(2).fit(two_elements).selected_order_
    assert sorted(order >= 3) == [False, True]


def test_repeated_columns_are_never_chosen_together(rng):
    half = correlated(rng, 50, 4)
    X = np.hstack([half, -3.0 * half])
    with pytest.warns(UserWarning, match="PearsonSelector ended with 4 of the 8 features"):
        selector = PearsonSelector(8).fit(X)
    # Among equals the lowest index wins.
    assert selector.get_support(indices=True).tolist() == [0, 1, 2, 3]


def test_constant_columns_are_never_chosen(rng):
    X = np.column_stack([np.full(50, 0.1), rng.normal(size=(50, 2))])
    with pytest.warns(UserWarning, match="ended with 2 of the 3"):
        assert PearsonSelector(3).fit(X).get_support(indices=True).tolist() == [1, 2]


def test_impossible_first_features(rng):
    X = np.column_stack([np.ones(50), rng.normal(size=(50, 2))])
    with pytest.raises(ValueError, match="initial=3, but X has only 3 features"):
        PearsonSelector(2, initial=3).fit(X)
    with pytest.raises(ValueError, match="initial=0 is a constant feature"):
        PearsonSelector(2, initial=0).fit(X)
