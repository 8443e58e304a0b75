import numpy as np
import pytest

from sklearn_agl import (
    AtomicFeatures,
    EvenlySpacedSelector,
    HDNNPRegressor,
    RandomSelector,
    WeightNormSelector,
)
from sklearn_agl.selection._baselines import apportion, column_groups
from tests.selection._planted import planted_atoms

BLIND = [RandomSelector, EvenlySpacedSelector]


@pytest.mark.parametrize("selector", BLIND)
def test_each_element_gets_its_part(selector, two_elements):
    # Three columns of hydrogen, two of oxygen.
    for n, hydrogen in ((2, 1), (3, 2), (4, 2), (5, 3)):
        support = selector(n).fit(two_elements).get_support()
        assert support.sum() == n
        assert support[:3].sum() == hydrogen


@pytest.mark.parametrize("selector", BLIND)
def test_numbers_and_ranking(selector, ragged):
    for n, expected in ((None, 2), (0.8, 4), (3, 3)):
        fitted = selector(n).fit(ragged)
        assert fitted.n_features_ == expected
        assert sorted(fitted.selected_order_) == np.flatnonzero(fitted.ranking_ == 1).tolist()
    with pytest.raises(ValueError, match="n_features_to_select=6, but X has only 5"):
        selector(6).fit(ragged)


@pytest.mark.parametrize("selector", BLIND)
def test_columns_of_no_atom_are_never_chosen(selector, two_elements):
    values = two_elements.values.copy()
    values[..., 1] = np.nan
    X = AtomicFeatures(values, two_elements.numbers)
    assert not selector(4).fit(X).support_[1]
    with pytest.warns(UserWarning, match="ended with 4 of the 5 features requested: no atom"):
        assert selector(5).fit(X).n_features_ == 4


def test_random_draws_follow_the_seed(ragged):
    draws = [RandomSelector(2, random_state=seed).fit(ragged).selected_order_ for seed in range(20)]
    again = RandomSelector(2, random_state=3).fit(ragged).selected_order_
    np.testing.assert_array_equal(draws[3], again)
    assert {i for draw in draws for i in draw.tolist()} == set(range(5))


def test_every_pair_is_drawn_equally_often():
    X, state = np.ones((2, 4)), np.random.RandomState(0)
    counts = np.zeros(4)
    for _ in range(600):
        counts += RandomSelector(2, random_state=state).fit(X).support_
    # Binomial with a standard deviation of 12.
    assert np.abs(counts - 300).max() < 60


@pytest.mark.parametrize("n_features", [1, 2, 7, 22, 60])
def test_gaps_are_even(n_features):
    for n in range(1, n_features + 1):
        order = EvenlySpacedSelector(n).fit(np.ones((2, n_features))).selected_order_
        gaps = np.diff(order)
        assert len(order) == n
        if n > 1:
            assert gaps.max() - gaps.min() <= 1
        # As far from the one end as from the other, within rounding.
        assert abs(order[0] - (n_features - 1 - order[-1])) <= 1


def test_shared_columns_are_a_group(rng):
    values = rng.normal(size=(3, 2, 4))
    values[:, 0, 2], values[:, 1, 3] = np.nan, np.nan
    X = AtomicFeatures(values, np.tile([1, 8], (3, 1)))
    assert sorted(group.tolist() for group in column_groups(X)) == [[0, 1], [2], [3]]


def test_parts_sum_up(rng):
    for _ in range(50):
        sizes = rng.integers(1, 30, size=rng.integers(1, 5))
        n = int(rng.integers(1, sizes.sum() + 1))
        parts = apportion(n, sizes)
        assert parts.sum() == n
        assert (np.abs(parts - n * sizes / sizes.sum()) < 1).all()
        assert (parts <= sizes).all()


def test_weight_norms_rank_the_features(rng):
    X = rng.normal(size=(200, 6))
    estimator = HDNNPRegressor((4,), max_epochs=10)
    selector = WeightNormSelector(3, estimator=estimator, random_state=0)
    selector.fit(X, np.sin(X[:, 1]) - X[:, 4])
    assert sorted(selector.selected_order_[:2]) == [1, 4]
    norms = selector.group_norms_[selector.selected_order_]
    assert (np.diff(norms) <= 0).all()
    assert norms[-1] >= selector.group_norms_[~selector.support_].max()
    best_first = np.argsort(-selector.group_norms_)
    assert selector.ranking_[best_first].tolist() == [1, 1, 1, 2, 3, 4]


def test_weight_norms_of_atoms_ignore_the_penalty():
    X, y = planted_atoms(0)
    estimator = HDNNPRegressor((4,), alpha=1e3, feature_weights=np.arange(8.0), max_epochs=10)
    selector = WeightNormSelector(2, estimator=estimator, random_state=0).fit(X, y)
    assert selector.get_support(indices=True).tolist() == [1, 6]
    assert selector.group_norms_.all()
    assert estimator.alpha == 1e3
