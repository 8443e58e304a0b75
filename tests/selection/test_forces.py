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
    HDNNPRegressor,
    SymmetryFunction,
    SymmetryFunctionTransformer,
    WaldSelector,
    group_lasso_path,
)
from sklearn_agl.metrics import neg_rmse_per_atom

FUNCTIONS = [
    SymmetryFunction("G2", eta=12.0, r_s=r_s, r_cut=2.6) for r_s in (0.9, 1.1, 1.3, 1.6, 1.9, 2.2)
]
NEEDED = [1, 4]
NETWORK = HDNNPRegressor((4,), max_epochs=12, n_force_directions=9)


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
    ],
    ids=["down", "alpha", "wald", "cv"],
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


@pytest.mark.parametrize(
    "selector", [AdaptiveGroupLassoSelector(NETWORK), WaldSelector(estimator=NETWORK)]
)
def test_bad_forces_are_named(data, features, selector):
    _, energies, forces = data
    with pytest.raises(ValueError, match="forces for 39"):
        selector.fit(features, energies, forces=forces[1:])
