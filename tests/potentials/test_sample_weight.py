"""Structures that count more or less than others."""

import numpy as np
import pytest
import sklearn
from ase.build import bulk
from ase.calculators.emt import EMT
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AdaptiveGroupLassoSelectorCV,
    BackwardEliminationSelector,
    CURSelector,
    HDNNPRegressor,
    StabilitySelector,
    SymmetryFunctionTransformer,
    WaldSelector,
    WeightNormSelector,
    group_lasso_path,
)
from sklearn_agl.descriptors import SymmetryFunction
from sklearn_agl.metrics import neg_rmse_per_atom, rmse_per_atom

pytestmark = pytest.mark.filterwarnings("ignore:After 5 epochs")

EXACT = {"solver": "lm", "early_stopping": False, "max_epochs": 5, "random_state": 0}
"""Settings of a fit in which the order of the structures plays no part."""
WEIGHTS = np.array([2, 1, 0, 3, 1, 1, 0, 1, 2, 1])
TWICE = np.repeat(np.arange(10), WEIGHTS)


@pytest.fixture(scope="module")
def features():
    structures = []
    for seed in range(10):
        atoms = bulk("Cu", cubic=True) * (1, 1, 1 + seed % 2)
        if seed % 3 == 0:
            atoms.symbols[0] = "Au"
        atoms.rattle(0.1, seed=seed)
        atoms.calc = EMT()
        atoms.get_potential_energy()
        structures.append(atoms)
    functions = [SymmetryFunction("G2", eta=eta, r_cut=4.0) for eta in (0.0, 0.2)]
    return SymmetryFunctionTransformer(functions).fit_transform(structures)


@pytest.fixture(scope="module")
def energies(features):
    return np.array([atoms.get_potential_energy() for atoms in features.structures])


@pytest.mark.parametrize("forces", ["auto", None])
@pytest.mark.parametrize("scaling", ["standard", "sigma", "minmax", None])
def test_a_weight_of_two_is_the_structure_twice(features, energies, forces, scaling):
    settings = EXACT | {"n_force_directions": 1000, "forces": forces, "scaling": scaling}
    model = HDNNPRegressor((3,), **settings)
    weighted = clone(model).fit(features, energies, sample_weight=WEIGHTS)
    repeated = clone(model).fit(features[TWICE], energies[TWICE])
    assert_allclose(weighted.weights_, repeated.weights_, rtol=1e-6)
    assert_allclose(weighted.predict(features), repeated.predict(features), rtol=1e-8)
    unweighted = clone(model).fit(features, energies)
    assert np.abs(unweighted.predict(features) - weighted.predict(features)).max() > 1e-4


@pytest.mark.parametrize("forces", ["auto", None])
@pytest.mark.parametrize("solver", ["kalman", "lm", "adamw"])
def test_a_weight_of_zero_leaves_a_structure_out(features, energies, solver, forces):
    model = HDNNPRegressor((3,), solver=solver, forces=forces, max_epochs=3, random_state=0)
    weights, kept = (WEIGHTS > 0).astype(float), WEIGHTS > 0
    weighted = clone(model).fit(features, energies, sample_weight=weights)
    alone = clone(model).fit(features[kept], energies[kept])
    assert_array_equal(weighted.weights_, alone.weights_)
    assert weighted.trained_on_ == alone.trained_on_


@pytest.mark.parametrize("solver", ["kalman", "lm", "adamw"])
def test_equal_weights_are_none(features, energies, solver):
    model = HDNNPRegressor((3,), solver=solver, max_epochs=3, random_state=0)
    plain = clone(model).fit(features, energies)
    for weight in (3.0, np.full(10, 0.2)):
        weighted = clone(model).fit(features, energies, sample_weight=weight)
        assert_array_equal(weighted.weights_, plain.weights_)


@pytest.mark.parametrize("forces", ["auto", None])
@pytest.mark.parametrize("solver", ["kalman", "lm", "adamw"])
def test_what_counts_more_is_fitted_better(solver, forces, features, energies):
    # Two halves that contradict each other: the fit has to take sides.
    both = np.tile(np.arange(10), 2)
    contradiction = np.concatenate([energies, energies[::-1]])
    if forces is None:
        settings = {"forces": None}
    else:
        settings = {"force_weight": 0.01, "n_force_directions": 3}
    model = HDNNPRegressor((3,), solver=solver, early_stopping=False, random_state=0, **settings)
    own = [atoms.get_forces() for atoms in features.structures] * 2 if forces else None
    errors = []
    for weights in (np.repeat([10.0, 0.1], 10), np.repeat([0.1, 10.0], 10)):
        fitted = clone(model).fit(features[both], contradiction, own, sample_weight=weights)
        errors.append(-neg_rmse_per_atom(fitted, features, energies))
    assert errors[0] < 0.5 * errors[1]


def test_figures_are_weighted_means(features, energies):
    model = HDNNPRegressor((3,), max_epochs=3, random_state=0).fit(features, energies)
    predicted, n_atoms = model.predict(features), features.n_atoms
    error = rmse_per_atom(energies[TWICE], predicted[TWICE], n_atoms[TWICE])
    assert_allclose(rmse_per_atom(energies, predicted, n_atoms, WEIGHTS), error)
    assert_allclose(-neg_rmse_per_atom(model, features, energies, WEIGHTS), error)
    assert_allclose(
        model.score(features, energies, sample_weight=WEIGHTS),
        r2_score((energies / n_atoms)[TWICE], (predicted / n_atoms)[TWICE]),
    )


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], "Only 1 of 10 structures"),
        (np.zeros(10), "Only 0 of 10|[Ss]ample weights"),
        (-np.ones(10), "Negative"),
        (np.full(10, np.nan), "NaN"),
        (np.ones(9), "sample_weight.shape"),
    ],
)
def test_bad_weights_are_refused(features, energies, weights, message):
    with pytest.raises(ValueError, match=message):
        HDNNPRegressor().fit(features, energies, sample_weight=weights)


NETWORK = HDNNPRegressor((3,), **EXACT)
SPLITS = list(KFold(2).split(np.arange(10)))
REPEATED_SPLITS = [[np.flatnonzero(np.isin(TWICE, rows)) for rows in split] for split in SPLITS]


@pytest.mark.parametrize(
    "selector",
    [
        AdaptiveGroupLassoSelector(NETWORK, n_features_to_select=2),
        AdaptiveGroupLassoSelectorCV(NETWORK, alphas=[1e-4, 1e-2]),
        BackwardEliminationSelector(3, estimator=NETWORK),
        WeightNormSelector(2, estimator=NETWORK),
    ],
    ids=lambda one: type(one).__name__,
)
def test_selectors_weigh_as_the_networks_do(features, energies, selector):
    cv = "cv" in selector.get_params()
    weighted, repeated = [
        clone(selector).set_params(**{"cv": splits} if cv else {}).set_params(random_state=0)
        for splits in (SPLITS, REPEATED_SPLITS)
    ]
    weighted.fit(features, energies, None, sample_weight=WEIGHTS)
    repeated.fit(features[TWICE], energies[TWICE], None)
    assert_array_equal(weighted.ranking_, repeated.ranking_)
    for name in ("group_norms_", "errors_"):
        if hasattr(weighted, name):
            assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-5)
    if hasattr(weighted, "cv_results_"):
        scores = [one.cv_results_["mean_test_score"] for one in (weighted, repeated)]
        assert_allclose(*scores, rtol=1e-5)


def test_a_path_weighs_as_the_networks_do(features, energies):
    options = {"estimator": NETWORK, "forces": None, "min_features": 2, "random_state": 0}
    weighted = group_lasso_path(features, energies, sample_weight=WEIGHTS, **options)
    repeated = group_lasso_path(features[TWICE], energies[TWICE], **options)
    assert_array_equal(weighted.supports, repeated.supports)
    assert_allclose(weighted.group_norms, repeated.group_norms, rtol=1e-5)


def test_elimination_and_halves_take_weights(features, energies):
    kept = WEIGHTS > 0
    wald = WaldSelector(2, estimator=HDNNPRegressor((3,), max_epochs=3), random_state=0)
    weighted = clone(wald).fit(features, energies, sample_weight=1.0 * kept)
    assert_array_equal(weighted.statistics_, wald.fit(features[kept], energies[kept]).statistics_)
    settings = {"n_resamples": 2, "n_features_to_select": 2, "random_state": 0}
    plain, weighted = [
        StabilitySelector(wald, **settings).fit(features, energies, **weights)
        for weights in ({}, {"sample_weight": np.full(10, 2.0)})
    ]
    assert_array_equal(weighted.supports_, plain.supports_)
    with pytest.raises(ValueError, match="CURSelector does not know of sample_weight"):
        StabilitySelector(CURSelector(2), **settings).fit(features, sample_weight=WEIGHTS)


def test_weights_are_routed_to_fit_and_score():
    rng = np.random.default_rng(0)
    X, weights = rng.normal(size=(40, 4)), rng.uniform(size=40)
    y = X[:, 0] + X[:, 1] ** 2
    with sklearn.config_context(enable_metadata_routing=True):
        network = HDNNPRegressor((3,), max_epochs=3, random_state=0)
        plain = make_pipeline(CURSelector(2), network).fit(X, y)
        assert plain.score(X, y) == network.score(plain[:-1].transform(X), y)
        assert np.isfinite(
            cross_validate(plain, X, y, cv=2, error_score="raise")["test_score"]
        ).all()
        network = clone(network).set_fit_request(sample_weight=True)
        network.set_score_request(sample_weight=True)
        select = WaldSelector(2, estimator=clone(network), random_state=0)
        pipe = make_pipeline(select.set_fit_request(sample_weight=True), network)
        search = GridSearchCV(pipe, {"hdnnpregressor__alpha": [0.0]}, cv=2, error_score="raise")
        search.fit(X, y, sample_weight=weights)
        best = clone(pipe).fit(X, y, sample_weight=weights)
        assert_array_equal(search.predict(X), best.predict(X))
        score = best.score(X, y, sample_weight=weights)
        assert score == pytest.approx(r2_score(y, best.predict(X), sample_weight=weights))
