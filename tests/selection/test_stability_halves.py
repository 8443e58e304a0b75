"""How structures are drawn for the halves, and what each fit is given."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.feature_selection import (
    RFECV,
)
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline

from sklearn_agl import (
    AdaptiveGroupLassoSelectorCV,
    AtomicFeatures,
    CURSelector,
    StabilitySelector,
)
from sklearn_agl.selection._stability import draw_halves
from tests.selection._planted import planted_atoms
from tests.selection._stability import NETWORK, Log, log_of, numbered


@pytest.mark.parametrize("n_rows", [20, 21])
def test_halves_of_a_draw_are_disjoint(n_rows):
    X = numbered(n_rows)
    fits = log_of(X, 2.0 * X[:, 0])
    assert len(fits) == 10
    for first, second in zip(fits[::2], fits[1::2], strict=True):
        assert len(first["X"]) == len(second["X"]) == n_rows // 2
        assert not set(first["X"][:, 0]) & set(second["X"][:, 0])
    for fit in fits:
        assert_array_equal(fit["y"], 2.0 * fit["X"][:, 0])
    assert len({tuple(fit["X"][:, 0]) for fit in fits}) == 10


def test_every_fit_has_its_own_seed():
    seeds = [fit["seed"] for fit in log_of(numbered(20))]
    assert len(set(seeds)) == 10
    assert all(isinstance(seed, int) for seed in seeds)


@pytest.mark.parametrize("labels", [np.arange(7), list("abcdefg")])
def test_groups_are_never_split(labels):
    groups = np.random.default_rng(1).permutation(np.repeat(labels, 5))
    for first, second in zip(*[iter(log_of(numbered(35), groups=groups))] * 2, strict=True):
        ours, theirs = (set(groups[one["X"][:, 0].astype(int)]) for one in (first, second))
        assert len(ours) == len(theirs) == 3
        assert not ours & theirs
        assert len(first["X"]) == 15


@pytest.mark.parametrize("routing", [False, True])
def test_groups_go_through_a_pipeline(routing):
    Log.fits = []
    groups = np.repeat(np.arange(4), 5)
    select = StabilitySelector(Log(), threshold=0.1, n_resamples=4, random_state=0)
    pipe = Pipeline([("select", select), ("model", LinearRegression())])
    with config_context(enable_metadata_routing=routing):
        pipe.fit(
            numbered(20), np.arange(20.0), **{"groups" if routing else "select__groups": groups}
        )
    for fit in Log.fits:
        assert len(set(groups[fit["X"][:, 0].astype(int)])) == 2


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize(
    "inner",
    [
        RFECV(LinearRegression(), cv=GroupKFold(2)),
        AdaptiveGroupLassoSelectorCV(NETWORK, alphas=[0.1], cv=GroupKFold(2)),
    ],
)
def test_an_inner_selector_gets_the_groups_it_needs(planted_table, inner, routing):
    X, y, _ = planted_table
    stability = StabilitySelector(inner, n_resamples=2, threshold=0.1, random_state=0)
    with config_context(enable_metadata_routing=routing):
        stability.fit(X, y, groups=np.arange(150) // 15)
    assert stability.n_features_ > 0


def test_metadata_are_cut_like_the_structures():
    X = numbered(20)
    with config_context(enable_metadata_routing=True):
        selector = Log().set_fit_request(sample_weight=True)
        fits = log_of(X, selector=selector, sample_weight=3.0 * X[:, 0])
    for fit in fits:
        assert_array_equal(fit["weight"], 3.0 * fit["X"][:, 0])


def test_other_metadata_need_routing():
    with pytest.raises(ValueError, match="enable_metadata_routing=True"):
        log_of(numbered(20), colours=np.ones(20))


def test_both_halves_have_all_elements():
    presence = np.ones((2, 12), dtype=bool)
    presence[1, 2:] = False
    rng = np.random.RandomState(0)
    for _ in range(20):
        first, second = draw_halves(np.arange(12), presence, rng)
        assert len(set(first) & {0, 1}) == len(set(second) & {0, 1}) == 1


def test_an_element_of_one_structure_cannot_be_in_both_halves():
    X, y = planted_atoms(0, n_structures=20)
    hydrogen = np.where((X.numbers == 8) & (np.arange(20) != 7)[:, None], 0, X.numbers)
    X = AtomicFeatures(np.where((hydrogen == 0)[..., None], np.nan, X.values), hydrogen)
    with pytest.raises(ValueError, match="lacked an element.* structure 7 and 0 others"):
        StabilitySelector(CURSelector(2)).fit(X)
