import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from skmatter.feature_selection import CUR

from sklearn_agl import AtomicFeatures
from sklearn_agl.selection import CURSelector
from sklearn_agl.selection.filters import _compression, _greedy
from tests.selection._data import correlated, standardised


def skmatter_picks(rows, n, **params):
    # skmatter orthogonalises its input in place.
    return CUR(n_to_select=n, **params).fit(rows.copy()).selected_idx_.tolist()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), k=st.sampled_from([1, 3]))
def test_same_choices_as_skmatter(seed, k):
    X = correlated(np.random.default_rng(seed), 80, 9)
    selector = CURSelector(6, k=k).fit(X)
    assert selector.selected_order_.tolist() == skmatter_picks(standardised(X), 6, k=k)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 3])
def test_same_choices_as_skmatter_without_scaling(seed, k):
    X = correlated(np.random.default_rng(seed), 80, 9)
    raw = CURSelector(6, k=k, scaling=None).fit(X)
    assert raw.selected_order_.tolist() == skmatter_picks(X, 6, k=k)
    centred = CURSelector(6, k=k, scaling="center").fit(X)
    assert centred.selected_order_.tolist() == skmatter_picks(X - X.mean(axis=0), 6, k=k)


@pytest.mark.parametrize("recompute_every", [0, 2, 3])
def test_same_choices_as_skmatter_with_rare_scores(rng, recompute_every):
    X = correlated(rng, 80, 9)
    selector = CURSelector(6, recompute_every=recompute_every).fit(X)
    expected = skmatter_picks(standardised(X), 6, recompute_every=recompute_every)
    assert selector.selected_order_.tolist() == expected


@pytest.mark.parametrize("k", [1, 3])
def test_same_choices_as_skmatter_among_many(rng, k):
    # The spectrum falls by ten orders of magnitude, more than products hold.
    X = correlated(rng, 300, 120) @ np.diag(0.8 ** np.arange(120))
    X = X @ np.linalg.qr(rng.normal(size=(120, 120)))[0]
    selector = CURSelector(60, k=k).fit(X)
    assert selector.selected_order_.tolist() == skmatter_picks(standardised(X), 60, k=k)


def test_leading_eigenvectors_alone_make_the_same_choices(rng, monkeypatch):
    values = np.full((40, 6, 100), np.nan)
    values[:, :3, :60] = correlated(rng, 120, 60).reshape(40, 3, 60)
    values[:, 3:, 60:] = correlated(rng, 120, 40).reshape(40, 3, 40)
    X = AtomicFeatures(values, np.tile([1, 1, 1, 8, 8, 8], (40, 1)))
    few = CURSelector(40).fit(X)
    monkeypatch.setattr(_greedy, "DENSE", 100)
    np.testing.assert_array_equal(few.selected_order_, CURSelector(40).fit(X).selected_order_)


@pytest.mark.parametrize("k", [1, 3])
def test_same_choices_as_skmatter_on_symmetry_functions(lj_features, k):
    selector = CURSelector(12, k=k).fit(lj_features)
    assert selector.selected_order_.tolist() == skmatter_picks(standardised(lj_features), 12, k=k)


@pytest.mark.parametrize("n", [5, 7, 8])
def test_lennard_jones_loses_the_functions_of_the_first_shell(lj_features, n):
    # Sandberg et al. (2024): CUR leaves out functions 7, 8 and 9, which the energy needs most.
    chosen = CURSelector(n).fit(lj_features).selected_order_
    assert not {6, 7, 8} & set(chosen.tolist())


def test_ragged_atoms_are_rows(ragged):
    atoms = ragged[~np.isnan(ragged).any(axis=2)]
    expected = CURSelector(4).fit(atoms)
    for X in (ragged, AtomicFeatures(ragged)):
        selector = CURSelector(4).fit(X)
        np.testing.assert_array_equal(selector.selected_order_, expected.selected_order_)
        np.testing.assert_allclose(selector.scores_, expected.scores_)


@pytest.mark.parametrize("chunk", [1, 7, 20])
def test_chunks_do_not_matter(ragged, monkeypatch, chunk):
    expected, noise = _compression.compress(AtomicFeatures(ragged), "standard")
    monkeypatch.setattr(_compression.Columns, "chunk", chunk)
    matrix, _ = _compression.compress(AtomicFeatures(ragged), "standard")
    np.testing.assert_allclose(matrix.T @ matrix, expected.T @ expected, atol=1e-13)
    assert len(matrix) <= ragged.shape[2] + 1


@pytest.mark.parametrize("scaling", ["standard", "center", None])
def test_compressed_products(ragged, scaling):
    rows = ragged[~np.isnan(ragged).any(axis=2)]
    expected = {
        "standard": np.corrcoef(rows.T),
        "center": np.cov(rows.T, bias=True) * len(rows),
        None: rows.T @ rows,
    }
    matrix, _ = _compression.compress(AtomicFeatures(ragged), scaling)
    np.testing.assert_allclose(matrix.T @ matrix, expected[scaling], rtol=1e-10, atol=1e-12)


def test_elements_are_orthogonal(two_elements):
    matrix, _ = _compression.compress(two_elements, "standard")
    gram = matrix.T @ matrix
    assert not gram[:3, 3:].any()
    hydrogen = two_elements.values[:, :2, :3].reshape(-1, 3)
    np.testing.assert_allclose(gram[:3, :3], np.corrcoef(hydrogen.T), atol=1e-14)


def test_scale_of_an_element_does_not_matter(two_elements):
    scaled = AtomicFeatures(two_elements.values * [1.0, 10.0, 1e-3, 1e5, 2.0], two_elements.numbers)
    np.testing.assert_array_equal(
        CURSelector(3).fit(scaled).selected_order_,
        CURSelector(3).fit(two_elements).selected_order_,
    )


def test_shared_columns_of_several_elements(rng):
    values = correlated(rng, 60, 4).reshape(20, 3, 4)
    numbers = np.tile([1, 8, 8], (20, 1))
    matrix, _ = _compression.compress(AtomicFeatures(values, numbers), "standard")
    expected = np.corrcoef(values.reshape(-1, 4).T)
    np.testing.assert_allclose(matrix.T @ matrix, expected, atol=1e-13)


@pytest.mark.parametrize("scaling", ["standard", "center", None])
@pytest.mark.parametrize("recompute_every", [0, 1, 2])
def test_repeated_columns_are_never_chosen_together(rng, scaling, recompute_every):
    half = correlated(rng, 50, 4)
    X = np.hstack([half, -3.0 * half])
    selector = CURSelector(4, scaling=scaling, recompute_every=recompute_every).fit(X)
    assert sorted(selector.selected_order_ % 4) == [0, 1, 2, 3]


def test_rank_ends_the_selection(rng):
    X = correlated(rng, 50, 8, rank=3)
    with pytest.warns(UserWarning, match="CURSelector ended with 3 of the 6 features"):
        selector = CURSelector(6).fit(X)
    assert selector.n_features_ == 3
    assert len(set(selector.selected_order_.tolist())) == 3


def test_single_precision_knows_its_rank(rng):
    X = correlated(rng, 50, 8, rank=3).astype(np.float32)
    with pytest.warns(UserWarning, match="ended with 3 of the 6"):
        CURSelector(6).fit(X)


def test_constant_columns_are_never_chosen(rng):
    X = np.column_stack([np.full(50, 0.1), rng.normal(size=(50, 2)), np.full(50, 1e8)])
    with pytest.warns(UserWarning, match="ended with 2 of the 4"):
        selector = CURSelector(4).fit(X)
    assert selector.get_support(indices=True).tolist() == [1, 2]


def test_nothing_varies():
    with (
        pytest.warns(UserWarning, match="ended with 0"),
        pytest.raises(ValueError, match="CURSelector selected none of 3 features"),
    ):
        CURSelector(2).fit(np.full((20, 3), 0.1))


def test_scores_are_leverages_at_the_time_of_choice(rng):
    X = correlated(rng, 50, 4)
    selector = CURSelector(2).fit(X)
    _, _, right = np.linalg.svd(standardised(X))
    assert selector.scores_[0] == pytest.approx((right[0] ** 2).max())
    assert ((selector.scores_ > 0) & (selector.scores_ <= 1)).all()


def test_energies_are_ignored(ragged):
    with_energies = CURSelector(3).fit(ragged, np.arange(10))
    np.testing.assert_array_equal(with_energies.support_, CURSelector(3).fit(ragged).support_)
