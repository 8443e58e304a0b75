"""Columns that carry nothing: what counts as such, and that every estimator leaves them out."""

import pickle
import warnings

import numpy as np
import pytest
from ase.build import bulk
from numpy.testing import assert_array_equal

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AtomicFeatures,
    CURSelector,
    EvenlySpacedSelector,
    FPSSelector,
    HDNNPRegressor,
    PCovCURSelector,
    PCovFPSSelector,
    PearsonSelector,
    RandomSelector,
    SymmetryFunction,
    SymmetryFunctionTransformer,
    WaldSelector,
    group_lasso_path,
)
from sklearn_agl.features import concatenate

N_FEATURES, TINY = 6, 2
QUICK = HDNNPRegressor((3,), max_epochs=3, random_state=0)
SELECTORS = [
    AdaptiveGroupLassoSelector(QUICK, n_features_to_select=5),
    WaldSelector(5, estimator=QUICK),
    CURSelector(N_FEATURES),
    EvenlySpacedSelector(N_FEATURES),
    FPSSelector(N_FEATURES),
    PCovCURSelector(N_FEATURES),
    PCovFPSSelector(N_FEATURES),
    PearsonSelector(N_FEATURES),
    RandomSelector(N_FEATURES, random_state=0),
]


@pytest.fixture(scope="module")
def rows():
    """Three structures of 20 atoms in a row; the values of one column are of the size 1e-9."""
    rows = np.random.default_rng(0).normal(size=(3 * 20, N_FEATURES))
    rows[:, TINY] = 5.0 + 1e-9 * rows[:, TINY]
    return rows


@pytest.fixture(scope="module")
def X(rows):
    return AtomicFeatures.from_rows(np.tile(rows, (4, 1)), n_atoms=[5] * 48, min_range=1e-3)


@pytest.fixture(scope="module")
def y(X):
    return np.add.reduceat(X.atom_values[:, 0], X.offsets[:-1]) + 1e9 * np.add.reduceat(
        X.atom_values[:, TINY] - 5.0, X.offsets[:-1]
    )


def test_ranges_are_over_the_atoms_that_have_the_column(rows):
    values = rows.copy()
    values[:30, 0] = values[:, 1] = np.nan
    ranges = AtomicFeatures.from_rows(values, n_atoms=[20] * 3).ranges()
    assert ranges[0] == np.ptp(rows[30:, 0]) and np.isnan(ranges[1])
    assert_array_equal(ranges[2:], np.ptp(rows[:, 2:], axis=0))


def test_columns_below_the_threshold_are_negligible(X):
    assert X.negligible_features().tolist() == [TINY]


def test_plain_features_have_no_threshold(rows):
    assert not len(AtomicFeatures.from_rows(rows, n_atoms=[60]).negligible_features())


def test_what_is_left_out_is_no_elements_column_but_keeps_its_place(X):
    left = X.without(X.negligible_features())
    assert left.columns_of(1).tolist() == [0, 1, 3, 4, 5]
    assert left.atom_values is X.atom_values or np.shares_memory(left.atom_values, X.atom_values)
    assert not len(left.negligible_features())
    for other in (
        left[3:5],
        left[[1]],
        concatenate([left, left]),
        pickle.loads(pickle.dumps(left)),
    ):
        assert other.hidden.tolist() == [TINY] and other.min_range == 1e-3
    assert left.take_features([3, TINY]).hidden.tolist() == [1]


@pytest.mark.parametrize("selector", SELECTORS, ids=lambda selector: type(selector).__name__)
def test_every_selector_leaves_them_out_with_a_warning(selector, X, y):
    with pytest.warns(UserWarning, match="1 of 6 columns are left out.*min_range=0.001.*column 2"):
        selector.fit(X, y)
    assert not selector.support_[TINY]
    assert selector.n_features_in_ == N_FEATURES
    restored = selector.inverse_transform(selector.transform(X))
    assert_array_equal(restored.atom_values[:, TINY], 0.0)


def test_the_path_leaves_them_out(X, y):
    with pytest.warns(UserWarning, match="1 of 6 columns"):
        path = group_lasso_path(X, y, estimator=QUICK, min_features=4)
    assert not path.supports[:, TINY].any()


def test_the_regressor_does_not_learn_them_by_heart(X, y):
    with pytest.warns(UserWarning, match="1 of 6 columns"):
        model = HDNNPRegressor((3,), max_epochs=20, random_state=0).fit(X, y)
    assert model.group_norms_[TINY] == 0.0
    moved = X.atom_values.copy()
    moved[:, TINY] += 1.0
    assert_array_equal(model.predict(X.with_rows(moved)), model.predict(X))


def test_a_threshold_of_zero_keeps_everything(X, y):
    everything = AtomicFeatures.from_rows(X.atom_values, n_atoms=X.n_atoms)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = HDNNPRegressor((3,), max_epochs=20, random_state=0).fit(everything, y)
    assert model.group_norms_[TINY] > 0.0


def test_the_transformer_sets_the_threshold():
    atoms = bulk("Al", cubic=True) * 2
    atoms.rattle(0.05, seed=0)
    functions = [SymmetryFunction("G2", eta=eta) for eta in (0.1, 4.0)]
    X = SymmetryFunctionTransformer(functions, r_cut=4.0).fit_transform([atoms])
    assert X.min_range == 1e-3 and X.ranges()[1] < 1e-3
    assert X.negligible_features().tolist() == [1]
    X = SymmetryFunctionTransformer(functions, r_cut=4.0, min_range=0).fit_transform([atoms])
    assert not len(X.negligible_features())


@pytest.mark.parametrize("min_range", [-1.0, np.nan, np.inf, "much"])
def test_impossible_thresholds_are_refused(rows, min_range):
    with pytest.raises(ValueError, match="min_range must be a number of at least 0"):
        AtomicFeatures.from_rows(rows, n_atoms=[60], min_range=min_range)
