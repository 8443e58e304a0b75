import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from skmatter.feature_selection import PCovCUR, PCovFPS

from sklearn_agl import AtomicFeatures, CURSelector, PCovCURSelector, PCovFPSSelector
from sklearn_agl.selection.filters import _compression
from tests.selection._data import correlated, standardised
from tests.selection._planted import planted_atoms

BOTH = [PCovCURSelector, PCovFPSSelector]


def table(seed, n_rows=80, n_features=9):
    rng = np.random.default_rng(seed)
    X = correlated(rng, n_rows, n_features)
    return X, X[:, :3] @ rng.normal(size=3) + rng.normal(size=n_rows) + 3.0


def of_unit_variance(X, y):
    """Features of variance 1 together, and energies of variance 1."""
    return standardised(X) / np.sqrt(X.shape[1]), (y - y.mean()) / y.std()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    mixing=st.sampled_from([0.1, 0.5, 0.9, 1.0]),
    k=st.sampled_from([1, 3]),
    recompute_every=st.integers(0, 3),
)
def test_same_choices_as_skmatter_cur(seed, mixing, k, recompute_every):
    X, y = table(seed)
    params = {"mixing": mixing, "k": k, "recompute_every": recompute_every}
    expected = PCovCUR(n_to_select=6, **params).fit(*of_unit_variance(X, y)).selected_idx_
    selector = PCovCURSelector(6, **params).fit(X, y)
    assert selector.selected_order_.tolist() == expected.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_same_choices_as_skmatter_by_energies_alone(seed):
    # The covariance has one eigenvector only: with k above 1, scikit-matter takes arbitrary ones.
    X, y = table(seed)
    expected = PCovCUR(n_to_select=6, mixing=0.0).fit(*of_unit_variance(X, y)).selected_idx_
    selector = PCovCURSelector(6, mixing=0.0).fit(X, y)
    assert selector.selected_order_.tolist() == expected.tolist()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    mixing=st.sampled_from([0.0, 0.1, 0.5, 0.9]),
    first=st.integers(0, 8),
)
def test_same_choices_as_skmatter_fps(seed, mixing, first):
    X, y = table(seed)
    rows, energies = of_unit_variance(X, y)
    expected = PCovFPS(n_to_select=6, mixing=mixing, initialize=first).fit(rows, energies)
    selector = PCovFPSSelector(6, mixing=mixing, initial=first).fit(X, y)
    assert selector.selected_order_.tolist() == expected.selected_idx_.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_same_choices_as_skmatter_without_scaling(seed):
    X, y = table(seed)
    centred = X - X.mean(axis=0), y - y.mean()
    for scaling, data in ((None, (X, y)), ("center", centred)):
        cur, fps = (one(6, scaling=scaling).fit(X, y) for one in BOTH)
        expected = PCovCUR(n_to_select=6).fit(*data).selected_idx_
        assert cur.selected_order_.tolist() == expected.tolist()
        expected = PCovFPS(n_to_select=6).fit(*data).selected_idx_
        assert fps.selected_order_.tolist() == expected.tolist()


def test_features_alone_are_cur_on_tables():
    X, y = table(0)
    alone = PCovCURSelector(6, mixing=1.0).fit(X, y)
    np.testing.assert_array_equal(alone.selected_order_, CURSelector(6).fit(X).selected_order_)
    np.testing.assert_allclose(alone.scores_, CURSelector(6).fit(X).scores_, rtol=1e-9)


@pytest.mark.parametrize("selector", BOTH)
def test_atoms_count_by_their_mean(selector, ragged, rng):
    y = rng.normal(size=len(ragged))
    n_atoms = AtomicFeatures(ragged).n_atoms
    means = np.nansum(ragged, axis=1) / n_atoms[:, None]
    expected = selector(3).fit(means, y / n_atoms)
    for X in (ragged, AtomicFeatures(ragged)):
        found = selector(3).fit(X, y)
        np.testing.assert_array_equal(found.selected_order_, expected.selected_order_)
        np.testing.assert_allclose(found.scores_, expected.scores_, rtol=1e-9)


@pytest.mark.parametrize("selector", BOTH)
def test_energies_of_free_atoms_do_not_matter(selector):
    X, y = planted_atoms(0)
    shifted = y + 7.0 * (X.numbers == 1).sum(axis=1) - 1e3 * (X.numbers == 8).sum(axis=1)
    before, after = selector(4).fit(X, y), selector(4).fit(X, shifted)
    np.testing.assert_array_equal(before.selected_order_, after.selected_order_)
    np.testing.assert_allclose(before.scores_, after.scores_, rtol=1e-6)


def test_planted_features_come_first():
    X, y = planted_atoms(0)
    assert sorted(PCovCURSelector(2, mixing=0.1).fit(X, y).selected_order_) == [1, 6]
    assert set(PCovFPSSelector(3, mixing=0.1, initial=0).fit(X, y).selected_order_) == {0, 1, 6}


@pytest.mark.parametrize("selector", BOTH)
@pytest.mark.parametrize("chunk", [1, 7])
def test_chunks_do_not_matter(selector, chunk, monkeypatch):
    X, y = planted_atoms(0)
    expected = selector(4).fit(X, y)
    monkeypatch.setattr(_compression.Products, "chunk", chunk)
    found = selector(4).fit(X, y)
    np.testing.assert_array_equal(found.selected_order_, expected.selected_order_)
    np.testing.assert_allclose(found.scores_, expected.scores_, rtol=1e-9)


@pytest.mark.parametrize("recompute_every", [0, 1, 2])
def test_repeated_columns_are_never_chosen_together(rng, recompute_every):
    half = correlated(rng, 50, 4)
    X = np.hstack([half, -3.0 * half])
    with pytest.warns(UserWarning, match="PCovCURSelector ended with 4 of the 6 features"):
        selector = PCovCURSelector(6, recompute_every=recompute_every).fit(X, half[:, 0])
    assert sorted(selector.selected_order_ % 4) == [0, 1, 2, 3]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rank_ends_the_selection(rng, dtype):
    X = correlated(rng, 50, 8, rank=3).astype(dtype)
    with pytest.warns(UserWarning, match="ended with 3 of the 6"):
        selector = PCovCURSelector(6).fit(X, X[:, 0] ** 2)
    assert len(set(selector.selected_order_.tolist())) == 3


def test_equal_columns_end_the_sampling(rng):
    half = rng.normal(size=(50, 4))
    with pytest.warns(UserWarning, match="PCovFPSSelector ended with 4 of the 6 features"):
        selector = PCovFPSSelector(6).fit(np.hstack([half, 2.0 * half]), half[:, 0])
    assert sorted(selector.selected_order_ % 4) == [0, 1, 2, 3]


@pytest.mark.parametrize("selector", BOTH)
def test_constant_columns_are_never_chosen(selector, rng):
    X = np.column_stack([np.full(50, 0.1), rng.normal(size=(50, 2)), np.full(50, 1e8)])
    with pytest.warns(UserWarning, match="ended with 2 of the 4"):
        chosen = selector(4).fit(X, X[:, 1])
    assert chosen.get_support(indices=True).tolist() == [1, 2]


@pytest.mark.parametrize("selector", BOTH)
def test_constant_energies_tell_nothing(selector, rng):
    X = correlated(rng, 50, 5)
    constant, alone = selector(3).fit(X, np.ones(50)), selector(3, mixing=1.0).fit(X, X[:, 0])
    np.testing.assert_array_equal(constant.selected_order_, alone.selected_order_)


@pytest.mark.parametrize("selector", BOTH)
def test_energies_are_needed(selector, ragged):
    with pytest.raises(ValueError, match="requires y"):
        selector(2).fit(ragged, None)
