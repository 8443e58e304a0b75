"""Selection with forces."""

import numpy as np
import pytest
import sklearn
from ase.build import bulk
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AdaptiveGroupLassoSelectorCV,
    BackwardEliminationSelector,
    CURSelector,
    HDNNPRegressor,
    StabilitySelector,
    SymmetryFunction,
    SymmetryFunctionTransformer,
    WaldSelector,
    WeightNormSelector,
    group_lasso_path,
)
from sklearn_agl.metrics import neg_rmse_per_atom
from sklearn_agl.potentials._regressor import fit_regressor
from sklearn_agl.potentials.data._training_set import TrainingSet
from sklearn_agl.selection._stability import draw_halves
from sklearn_agl.selection.runs._checkpoint import draw_seed

FUNCTIONS = [
    SymmetryFunction("G2", eta=12.0, r_s=r_s, r_cut=2.6) for r_s in (0.9, 1.1, 1.3, 1.6, 1.9, 2.2)
]
NEEDED = [1, 4]
NETWORK = HDNNPRegressor((4,), max_epochs=12, n_force_directions=9)
ONCE = AdaptiveGroupLassoSelector(NETWORK, n_features_to_select=2)


@pytest.fixture(scope="module")
def data():
    """Crystals, stretched and rattled; a potential of two functions gives energies and forces."""
    rng = np.random.RandomState(0)
    structures = []
    for _ in range(40):
        atoms = bulk("Ar", "fcc", a=1.6 * rng.uniform(0.95, 1.1), cubic=True).repeat((2, 1, 1))
        atoms.rattle(0.1, rng=rng)
        structures.append(atoms)
    X = SymmetryFunctionTransformer([FUNCTIONS[i] for i in NEEDED]).fit_transform(structures)
    values = np.nan_to_num(X.values).sum(axis=1)
    potential = HDNNPRegressor((3,), random_state=0).fit(
        X, np.sin(values).sum(axis=1) + values @ [1, 2]
    )
    return structures, potential.predict(X), potential.predict_forces(X)


@pytest.fixture(scope="module")
def features(data):
    return SymmetryFunctionTransformer(FUNCTIONS).fit_transform(data[0])


@pytest.mark.parametrize(
    "selector",
    [
        AdaptiveGroupLassoSelector(NETWORK, n_features_to_select=2, random_state=0),
        AdaptiveGroupLassoSelector(NETWORK, alpha=0.05, random_state=0),
        WaldSelector(2, estimator=NETWORK, random_state=0),
        AdaptiveGroupLassoSelectorCV(NETWORK, alphas=[0.02, 0.2], cv=2, random_state=0),
        BackwardEliminationSelector(2, estimator=NETWORK, cv=2, random_state=0),
        StabilitySelector(ONCE, n_resamples=4, random_state=0),
    ],
    ids=["down", "alpha", "wald", "cv", "backward", "stability"],
)
def test_the_functions_behind_energies_and_forces_are_found(data, features, selector):
    _, energies, forces = data
    selector = sklearn.clone(selector).fit(features, energies, forces=forces)
    assert_array_equal(np.flatnonzero(selector.support_), NEEDED)


def test_path_and_refits_train_on_forces_and_resume(data, features, tmp_path):
    _, energies, forces = data
    settings = {"alphas": [0.01, 0.1], "random_state": 0, "forces": forces}
    path = group_lasso_path(features, energies, NETWORK, checkpoint=tmp_path, **settings)
    again = group_lasso_path(features, energies, NETWORK, checkpoint=tmp_path, **settings)
    plain = group_lasso_path(features, energies, NETWORK, alphas=[0.01, 0.1], random_state=0)
    assert_array_equal(path.group_norms, again.group_norms)
    assert (path.group_norms != plain.group_norms).any()
    assert (path.refitted_rmse != plain.refitted_rmse).any()


def test_a_checkpoint_notices_other_forces(data, features, tmp_path):
    _, energies, forces = data
    settings = {"alphas": [0.1], "refit": False, "random_state": 0, "checkpoint": tmp_path}
    group_lasso_path(features, energies, NETWORK, forces=forces, **settings)
    with pytest.raises(ValueError, match="other forces"):
        group_lasso_path(features, energies, NETWORK, forces=forces[::-1], **settings)


def test_metadata_routing_slices_forces_per_fold(data):
    structures, energies, forces = data
    with sklearn.config_context(enable_metadata_routing=True):
        selector = AdaptiveGroupLassoSelector(NETWORK, random_state=0).set_fit_request(forces=True)
        pipeline = Pipeline(
            [
                ("features", SymmetryFunctionTransformer(FUNCTIONS)),
                ("select", selector),
                ("model", NETWORK.set_params(random_state=0).set_fit_request(forces=True)),
            ]
        )
        search = GridSearchCV(
            pipeline, {"select__alpha": [0.02, 0.2]}, scoring=neg_rmse_per_atom, cv=2,
            error_score="raise",
        )  # fmt: skip
        search.fit(structures, energies, forces=forces)
        by_hand = sklearn.clone(search.best_estimator_)
        by_hand.fit(structures, energies, forces=forces)
    assert_array_equal(by_hand.predict(structures), search.predict(structures))


def test_elimination_trains_and_judges_as_by_hand(data, features):
    _, energies, forces = data
    train, test = np.arange(30), np.arange(30, 40)
    settings = {"estimator": NETWORK, "cv": [(train, test)], "random_state": 0}
    everything = BackwardEliminationSelector(len(FUNCTIONS), **settings)
    found = everything.fit(features, energies, forces=forces).errors_
    seed = draw_seed(0)
    data = TrainingSet.from_user(NETWORK, features, energies, forces)
    observed = data.observe_slopes(NETWORK.n_force_directions, seed)
    model = sklearn.clone(NETWORK).set_params(random_state=seed)
    fit_regressor(model.fit(features, energies), observed.take(train))
    assert_array_equal(found, -neg_rmse_per_atom(model, features[test], energies[test]))


def test_weight_norms_are_those_of_a_fit_on_forces(data, features):
    _, energies, forces = data
    model = sklearn.clone(NETWORK).set_params(random_state=0)
    selector = WeightNormSelector(estimator=model).fit(features, energies, forces=forces)
    model.fit(features, energies, forces=forces)
    assert_array_equal(selector.group_norms_, model.group_norms_)


def test_each_half_has_the_forces_of_its_structures(data, features):
    _, energies, forces = data
    stability = StabilitySelector(ONCE, n_resamples=2, random_state=0)
    supports = stability.fit(features, energies, forces=forces).supports_
    rng = np.random.RandomState(0)
    presence = (features.numbers > 0).any(axis=1)[None]
    for support, rows in zip(
        supports, draw_halves(np.arange(len(features)), presence, rng), strict=True
    ):
        one = sklearn.clone(ONCE).set_params(random_state=rng.randint(np.iinfo(np.int32).max))
        one.fit(features[rows], energies[rows], forces=[forces[i] for i in rows])
        assert_array_equal(support, one.support_)


@pytest.mark.parametrize("routing", [False, True])
def test_forces_reach_a_stability_selector_in_a_pipeline(data, features, routing):
    _, energies, forces = data
    with sklearn.config_context(enable_metadata_routing=routing):
        inner = sklearn.clone(ONCE)
        model = sklearn.clone(NETWORK).set_params(random_state=0)
        if routing:
            inner.set_fit_request(forces=True)
            model.set_fit_request(forces=True)
        select = StabilitySelector(inner, n_resamples=2, random_state=0)
        pipeline = Pipeline([("select", select), ("model", model)])
        params = (
            {"forces": forces} if routing else {"select__forces": forces, "model__forces": forces}
        )
        pipeline.fit(features, energies, **params)
    direct = StabilitySelector(ONCE, n_resamples=2, random_state=0)
    direct.fit(features, energies, forces=forces)
    assert_array_equal(pipeline["select"].supports_, direct.supports_)


def test_the_default_inner_selector_asks_for_forces():
    with sklearn.config_context(enable_metadata_routing=True):
        router = StabilitySelector().get_metadata_routing()
        routed = router.route_params(caller="fit", params={"forces": [1.0]})
    assert routed.selector.fit == {"forces": [1.0]}


def test_an_inner_selector_without_forces_is_named(data, features):
    _, energies, forces = data
    with pytest.raises(ValueError, match="CURSelector does not train on forces"):
        StabilitySelector(CURSelector(2)).fit(features, energies, forces=forces)


@pytest.mark.parametrize(
    "selector",
    [
        AdaptiveGroupLassoSelector(NETWORK),
        WaldSelector(estimator=NETWORK),
        BackwardEliminationSelector(estimator=NETWORK),
        StabilitySelector(ONCE),
        WeightNormSelector(estimator=NETWORK),
    ],
)
def test_bad_forces_are_named(data, features, selector):
    _, energies, forces = data
    with pytest.raises(ValueError, match="forces for 39"):
        selector.fit(features, energies, forces=forces[1:])
