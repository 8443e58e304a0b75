import numpy as np
import pytest
from ase.build import bulk
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AdaptiveGroupLassoSelectorCV,
    AtomicFeatures,
    HDNNPRegressor,
    SymmetryFunction,
    SymmetryFunctionTransformer,
    group_lasso_path,
)
from sklearn_agl.metrics import neg_rmse_per_atom
from sklearn_agl.selection.path._feature_costs import resolve_costs
from sklearn_agl.selection.path._fit_path import PathSettings
from sklearn_agl.selection.path._penalised_fits import PenalisedFits
from tests.selection._planted import planted

NETWORK = HDNNPRegressor((4,), random_state=0)


def small(**params):
    """A selector whose fit takes a fraction of a second."""
    return AdaptiveGroupLassoSelector(NETWORK, **({"random_state": 0, "alpha": 0.1} | params))


@pytest.fixture(scope="module")
def table():
    X, y, _ = planted(0, n_samples=150, n_features=7)
    return X, y


@pytest.fixture(scope="module")
def atoms():
    """Two radial and two angular functions of rattled aluminium, and energies."""
    structures = [bulk("Al", cubic=True) * 2 for _ in range(40)]
    for seed, one in enumerate(structures):
        one.rattle(0.1, seed=seed)
    radial = [SymmetryFunction("G2", eta=eta) for eta in (0.05, 0.2)]
    angular = [SymmetryFunction("G4", eta=0.02, zeta=zeta, lambda_=-1) for zeta in (1, 4)]
    X = SymmetryFunctionTransformer(radial + angular, r_cut=5.0).fit_transform(structures)
    return X, X.values[..., 0].sum(axis=1)


def fits_with(table, costs, **params):
    """Fits that have been through the first one."""
    regressor, data = small()._validate_for_training(*table)
    settings = {"metric": "euclidean", "reweight": 0.5, "schedule": None} | params
    fits = PenalisedFits(PathSettings(regressor, **settings), data, 0, costs)
    fits.begin()
    return fits


@pytest.mark.parametrize("adaptive", [True, False])
def test_costs_over_their_mean_multiply_the_adaptive_weights(table, adaptive):
    costs = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 14.0])
    plain, priced = [fits_with(table, c, adaptive=adaptive) for c in (None, costs)]
    np.testing.assert_allclose(priced.factors, plain.factors * costs / 5.0, rtol=1e-14)


def test_the_first_fit_goes_without_costs(table):
    plain, priced = [fits_with(table, costs) for costs in (None, np.arange(1.0, 8.0))]
    assert_array_equal(priced.initial_group_norms, plain.initial_group_norms)


def test_equal_costs_are_no_costs(table):
    X, y = table
    plain = group_lasso_path(X, y, NETWORK, min_features=3, refit=False, random_state=0)
    priced = group_lasso_path(
        X, y, NETWORK, min_features=3, refit=False, random_state=0, feature_costs=[0.3] * 7
    )
    for name in ("alphas", "group_norms", "objective"):
        assert_array_equal(getattr(priced, name), getattr(plain, name))
    assert plain.feature_costs is None
    assert_array_equal(priced.feature_costs, [0.3] * 7)


@pytest.mark.parametrize("cheap", [0, 1])
@pytest.mark.parametrize("adaptive", [True, False])
def test_of_two_equal_columns_the_cheap_one_is_kept(cheap, adaptive):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    X[:, 1] = X[:, 0] + 0.01 * rng.normal(size=200)
    y = np.sin(2 * X[:, :2].mean(axis=1)) + X[:, 2]
    costs = np.full(4, 5.0)
    costs[cheap] = 1.0
    selector = small(alpha=1e-2, n_features_to_select=2, adaptive=adaptive, feature_costs=costs)
    assert_array_equal(selector.fit(X, y).get_support(indices=True), [cheap, 2])


def test_what_was_used_is_an_attribute_that_can_be_passed_again(atoms):
    X, y = atoms
    first = small(feature_costs="measured").fit(X, y)
    again = small(feature_costs=first.feature_costs_).fit(X, y)
    assert_array_equal(again.feature_costs_, first.feature_costs_)
    assert_array_equal(first.path_.feature_costs, first.feature_costs_)
    assert_array_equal(again.group_norms_, first.group_norms_)
    assert small().fit(X, y).feature_costs_ is None


def test_the_potential_of_the_last_step_has_the_priced_weights(table):
    X, y = table
    costs = np.arange(1.0, 8.0)
    plain, priced = [small(feature_costs=c, alpha=1e-3).fit(X, y) for c in (None, costs)]
    ratio = priced.estimator_.feature_weights / plain.estimator_.feature_weights
    np.testing.assert_allclose(ratio, costs / 4.0, rtol=1e-14)


def test_measured_angular_functions_cost_more(atoms):
    X, _ = atoms
    costs = resolve_costs("measured", X)
    assert costs.shape == (4,)
    assert (costs > 0).all()
    assert costs[2:].min() > costs[:2].max()


def test_a_search_over_alpha_finds_what_the_cv_class_finds(table):
    X, y = table
    costs, alphas = np.arange(1.0, 8.0), [0.01, 0.5, 2.0]
    pipe = Pipeline([("select", small(feature_costs=costs)), ("model", NETWORK)])
    search = GridSearchCV(pipe, {"select__alpha": alphas}, scoring=neg_rmse_per_atom, cv=3)
    search.fit(X, y)
    selector = AdaptiveGroupLassoSelectorCV(
        NETWORK, alphas=alphas, cv=3, random_state=0, feature_costs=costs
    ).fit(X, y)
    scores = [one.cv_results_["mean_test_score"] for one in (search, selector)]
    assert_array_equal(*scores)
    assert_array_equal(selector.support_, search.best_estimator_["select"].support_)
    assert_array_equal(selector.feature_costs_, costs)


def test_cross_validation_measures_once(atoms, monkeypatch):
    X, y = atoms
    calls = []

    def measure(symmetry_functions, structures):
        calls.append(len(structures))
        return np.arange(1.0, 5.0)

    monkeypatch.setattr("sklearn_agl.selection.path._feature_costs.measure_costs", measure)
    selector = AdaptiveGroupLassoSelectorCV(
        NETWORK, alphas=[1e-3], cv=2, random_state=0, feature_costs="measured"
    ).fit(X, y)
    assert calls == [40]
    assert_array_equal(selector.feature_costs_, [1.0, 2.0, 3.0, 4.0])


@pytest.mark.parametrize(
    ("costs", "words"),
    [
        ([1.0, 2.0], ["shape (2,)", "7 features"]),
        (np.ones((7, 1)), ["shape (7, 1)", "7 features"]),
        ([1.0, 2.0, 0.0, 1.0, 1.0, 1.0, 1.0], ["feature_costs[2] is 0.0", "positive"]),
        ([1.0, -2.0, 1.0, 1.0, 1.0, 1.0, 1.0], ["feature_costs[1] is -2.0", "positive"]),
        ([1.0, np.nan, 1.0, 1.0, 1.0, 1.0, 1.0], ["feature_costs[1] is nan", "finite"]),
        ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, np.inf], ["feature_costs[6] is inf", "finite"]),
        ("measured", ["feature_costs='measured'", "no symmetry_functions", "numbers"]),
        ("timed", ["feature_costs", "'timed'", "'measured'"]),
    ],
)
@pytest.mark.parametrize("kind", ["selector", "path", "cv"])
def test_bad_costs_are_named(table, costs, words, kind):
    X, y = table
    with pytest.raises(ValueError) as caught:
        if kind == "selector":
            small(feature_costs=costs).fit(X, y)
        elif kind == "path":
            group_lasso_path(X, y, NETWORK, feature_costs=costs)
        else:
            AdaptiveGroupLassoSelectorCV(NETWORK, feature_costs=costs).fit(X, y)
    for word in words:
        assert word in str(caught.value)


def test_features_that_know_no_structures_cannot_be_timed(atoms):
    X, y = atoms
    bare = AtomicFeatures(X.values, X.numbers, symmetry_functions=X.symmetry_functions)
    with pytest.raises(ValueError, match="X has no structures"):
        small(feature_costs="measured").fit(bare, y)
