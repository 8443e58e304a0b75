"""Nothing that the package does makes a padded tensor: only who asks for one gets it."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from sklearn.model_selection import cross_val_score

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    HDNNPRegressor,
    SymmetryFunction,
    SymmetryFunctionTransformer,
)
from sklearn_agl.inspection import compare_selectors
from sklearn_agl.metrics import neg_rmse_per_atom
from tests.test_estimator_checks import NOT_ON_TABLES, QUICK, public_estimators

FUNCTIONS = [SymmetryFunction("G2", eta=eta, r_cut=4.0) for eta in (0.01, 0.05, 0.2, 0.8)]
ESTIMATORS = [one for one in public_estimators() if one.__name__ not in NOT_ON_TABLES]


@pytest.fixture(scope="module")
def uneven():
    """Dimers beside a crystal of 32 atoms, energies and forces."""
    distances = np.linspace(2.0, 3.5, 30)
    structures = [Atoms("Al2", positions=np.eye(3)[[0, 0]] * [[1], [1 + r]]) for r in distances]
    structures.insert(7, bulk("Al", cubic=True) * 2)
    energies = np.append(np.exp(-distances), 0.0)
    return structures, energies, [np.zeros((len(atoms), 3)) for atoms in structures]


@pytest.fixture
def X(uneven, monkeypatch):
    """Features of these, on a day on which every tensor fails."""
    monkeypatch.setattr("sklearn_agl.features.pad", None)
    X = SymmetryFunctionTransformer(FUNCTIONS).fit_transform(uneven[0])
    with pytest.raises(TypeError):
        X.values  # noqa: B018
    return X


@pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda kind: kind.__name__)
def test_estimators(X, uneven, kind):
    _, energies, _ = uneven
    params = QUICK.get(kind.__name__, {})
    if "random_state" in kind().get_params():
        params = params | {"random_state": 0}
    estimator = kind(**params).fit(X, energies)
    if hasattr(estimator, "predict"):
        assert np.isfinite(estimator.predict(X[::2])).all()
    else:
        assert len(estimator.transform(X[::2])) == 16
    if hasattr(estimator, "inverse_transform"):
        assert estimator.inverse_transform(estimator.transform(X)).n_features == 4


@pytest.mark.parametrize("solver", ["kalman", "lm", "adamw"])
def test_forces_and_scores(X, uneven, solver):
    _, energies, forces = uneven
    model = HDNNPRegressor((3,), solver=solver, max_epochs=2, random_state=0)
    assert len(model.fit(X, energies, forces=forces).predict_forces(X)) == len(X)
    assert model.predict_stress(X).shape == (len(X), 3, 3)
    assert np.isfinite(model.score(X, energies))
    assert np.isfinite(cross_val_score(model, X, energies, scoring=neg_rmse_per_atom, cv=3)).all()


def test_checkpoints_and_comparisons(X, uneven, tmp_path):
    _, energies, _ = uneven
    estimator = HDNNPRegressor((3,), max_epochs=2)
    selector = AdaptiveGroupLassoSelector(
        estimator, n_features_to_select=2, random_state=0, checkpoint=tmp_path / "path"
    )
    selector.fit(X, energies)
    assert selector.fit(X, energies).n_features_ <= 2
    selector.set_params(checkpoint=None)
    table = compare_selectors(
        {"AGL": selector},
        {"Al": (X, energies)},
        n_features_to_select=2,
        estimator=estimator,
        cv=2,
        checkpoint=tmp_path / "comparison",
        random_state=0,
    )
    assert len(table)
