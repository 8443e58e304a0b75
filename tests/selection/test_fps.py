import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from skmatter.feature_selection import FPS

from sklearn_agl import AtomicFeatures, FPSSelector
from sklearn_agl.selection import CURSelector
from sklearn_agl.selection.filters import _compression
from tests.selection._data import correlated, standardised


def skmatter_picks(rows, n, **params):
    return FPS(n_to_select=n, **params).fit(rows).selected_idx_.tolist()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), first=st.integers(0, 8))
def test_same_choices_as_skmatter(seed, first):
    X = correlated(np.random.default_rng(seed), 80, 9)
    selector = FPSSelector(6, initial=first).fit(X)
    assert selector.selected_order_.tolist() == skmatter_picks(standardised(X), 6, initialize=first)


@pytest.mark.parametrize("seed", range(5))
def test_same_choices_as_skmatter_without_scaling(seed):
    X = correlated(np.random.default_rng(seed), 80, 9)
    raw = FPSSelector(6, scaling=None).fit(X)
    assert raw.selected_order_.tolist() == skmatter_picks(X, 6)
    centred = FPSSelector(6, scaling="center").fit(X)
    assert centred.selected_order_.tolist() == skmatter_picks(X - X.mean(axis=0), 6)


@pytest.mark.parametrize("seed", range(3))
def test_same_random_start_as_skmatter(rng, seed):
    X = correlated(rng, 80, 9)
    selector = FPSSelector(6, initial="random", random_state=seed).fit(X)
    expected = skmatter_picks(standardised(X), 6, initialize="random", random_state=seed)
    assert selector.selected_order_.tolist() == expected


def test_several_first_features(rng):
    X = correlated(rng, 80, 9)
    selector = FPSSelector(6, initial=[4, 2]).fit(X)
    expected = skmatter_picks(standardised(X), 6, initialize=[4, 2])
    assert selector.selected_order_.tolist() == expected
    assert FPSSelector(1, initial=np.array([4, 2])).fit(X).selected_order_.tolist() == [4]


def test_same_choices_as_skmatter_on_symmetry_functions(lj_features):
    selector = FPSSelector(12).fit(lj_features)
    assert selector.selected_order_.tolist() == skmatter_picks(standardised(lj_features), 12)


def test_scores_are_distances(rng):
    X = standardised(correlated(rng, 50, 6)) / np.sqrt(50)
    selector = FPSSelector(4).fit(X)
    order = selector.selected_order_
    expected = [
        np.linalg.norm(X[:, order[:i]] - X[:, order[i], None], axis=0).min() for i in range(1, 4)
    ]
    assert selector.scores_[0] == np.inf
    np.testing.assert_allclose(selector.scores_[1:], expected, rtol=1e-10)


@pytest.mark.parametrize("chunk", [1, 7, 20])
@pytest.mark.parametrize("scaling", ["standard", "center", None])
def test_products_of_chunks_are_those_of_the_compressed_matrix(
    ragged, two_elements, monkeypatch, chunk, scaling
):
    monkeypatch.setattr(_compression.Products, "chunk", chunk)
    for X in (AtomicFeatures(ragged), two_elements):
        matrix, expected_noise = _compression.compress(X, scaling)
        gram, noise = _compression.gram_matrix(X, scaling)
        expected = matrix.T @ matrix
        np.testing.assert_allclose(gram, expected, rtol=1e-12, atol=1e-13 * np.abs(expected).max())
        np.testing.assert_allclose(noise, expected_noise)


def test_ragged_atoms_are_rows(ragged):
    atoms = ragged[~np.isnan(ragged).any(axis=2)]
    expected = FPSSelector(4).fit(atoms).selected_order_
    for X in (ragged, AtomicFeatures(ragged)):
        np.testing.assert_array_equal(FPSSelector(4).fit(X).selected_order_, expected)


def test_scale_of_an_element_does_not_matter(two_elements):
    scaled = AtomicFeatures(two_elements.values * [1.0, 10.0, 1e-3, 1e5, 2.0], two_elements.numbers)
    expected = FPSSelector(3).fit(two_elements).selected_order_
    np.testing.assert_array_equal(FPSSelector(3).fit(scaled).selected_order_, expected)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_repeated_columns_end_the_selection(rng, dtype, offset):
    half = (rng.normal(size=(50, 4)) + offset).astype(dtype)
    X = np.hstack([half, dtype(3) * half])
    with pytest.warns(UserWarning, match="FPSSelector ended with 4 of the 6 features.*equals one"):
        selector = FPSSelector(6).fit(X)
    assert sorted(selector.selected_order_ % 4) == [0, 1, 2, 3]


def test_constant_columns_are_never_chosen(rng):
    X = np.column_stack([np.full(50, 0.1), rng.normal(size=(50, 2)), np.full(50, 1e8)])
    for initial in (None, "random"):
        with pytest.warns(UserWarning, match="ended with 2 of the 4"):
            selector = FPSSelector(4, initial=initial, random_state=0).fit(X)
        assert selector.get_support(indices=True).tolist() == [1, 2]


@pytest.mark.parametrize("initial", [None, "random"])
def test_nothing_varies(initial):
    with (
        pytest.warns(UserWarning, match="ended with 0"),
        pytest.raises(ValueError, match="FPSSelector selected none of 3 features"),
    ):
        FPSSelector(2, initial=initial).fit(np.full((20, 3), 0.1))


@pytest.mark.parametrize(
    ("initial", "message"),
    [
        (3, "initial=3, but X has only 3 features"),
        (0, "initial=0 is a constant feature"),
        ([1, 0], "initial=0 is a constant feature"),
        ([1, 1], "has an index twice"),
        ([1, -1], "initial=-1, but"),
        ([], "give one index"),
        ([0.5], "give one index"),
        ([[1, 2]], "give one index"),
    ],
)
def test_impossible_first_features(rng, initial, message):
    X = np.column_stack([np.ones(50), rng.normal(size=(50, 2))])
    with pytest.raises(ValueError, match=message):
        FPSSelector(2, initial=initial).fit(X)


def test_sizes(rng):
    X = correlated(rng, 50, 8)
    assert [FPSSelector(n).fit(X).n_features_ for n in (None, 0.25, 3)] == [4, 2, 3]


def test_ranking_as_in_the_other_selectors(rng):
    X = correlated(rng, 50, 6)
    for selector in (FPSSelector(3).fit(X), CURSelector(3).fit(X)):
        assert selector.ranking_[selector.selected_order_].tolist() == [1, 1, 1]
        assert sorted(selector.ranking_) == [1, 1, 1, 2, 2, 2]
