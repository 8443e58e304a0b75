import re

import joblib
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.calculators.emt import EMT
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    CURSelector,
    HDNNPRegressor,
    PearsonSelector,
    SymmetryFunctionTransformer,
)
from sklearn_agl.descriptors import symmetry_function_grid
from sklearn_agl.metrics import neg_rmse_per_atom

FUNCTIONS = symmetry_function_grid(
    r_cut=4.5, n_centered=3, n_shifted=3, angular_eta=(0.01,), angular_zeta=(1, 4)
)
"""Six radial and four angular functions."""


def rattled(atoms, rng):
    """A copy that moved a little, with its energy."""
    atoms = atoms.copy()
    atoms.rattle(0.12, rng=rng)
    atoms.set_cell(atoms.cell * rng.uniform(0.97, 1.05), scale_atoms=True)
    atoms.calc = EMT()
    energy = atoms.get_potential_energy()
    atoms.calc = None
    return atoms, energy


def dataset(prototypes, n_structures):
    rng = np.random.default_rng(0)
    pairs = [rattled(prototypes[i % len(prototypes)], rng) for i in range(n_structures)]
    structures, energies = zip(*pairs, strict=True)
    return list(structures), np.array(energies)


@pytest.fixture(scope="module")
def copper():
    """Bulk copper of 8 atoms in a periodic cell."""
    return dataset([bulk("Cu", cubic=True) * (2, 1, 1)], 60)


@pytest.fixture(scope="module")
def mixed():
    """Ragged: an alloy, copper alone, a slab, and an oxygen molecule, periodic and not."""
    alloy = bulk("Cu", cubic=True)
    alloy.numbers[0] = 8
    slab = fcc111("Cu", (2, 2, 2), vacuum=5.0)
    small = Atoms("Cu2O", [(0, 0, 0), (2.2, 0, 0), (1.1, 1.5, 0)])
    small.cell = [9, 9, 9]
    oxygen = molecule("O2", vacuum=4.0)
    return dataset([alloy, bulk("Cu", cubic=True), slab, small, oxygen], 60)


def pipeline(selector=None, **model):
    settings = {"hidden_layer_sizes": (4,), "max_epochs": 20, "random_state": 0}
    network = HDNNPRegressor(**(settings | model))
    if selector is None:
        selector = AdaptiveGroupLassoSelector(clone(network), alpha=1e-2, random_state=0)
    return Pipeline(
        [
            ("features", SymmetryFunctionTransformer(FUNCTIONS)),
            ("select", selector),
            ("model", network),
        ]
    )


@pytest.fixture(scope="module")
def fitted(mixed):
    return pipeline().fit(*mixed)


@pytest.mark.parametrize("data", ["copper", "mixed"])
def test_from_structures_to_energies(data, request):
    structures, energies = request.getfixturevalue(data)
    parts = train_test_split(structures, energies, test_size=0.25, random_state=0)
    train, test, y_train, y_test = parts
    selector = AdaptiveGroupLassoSelector(HDNNPRegressor((4,)), n_features_to_select=0.5)
    model = pipeline(selector.set_params(random_state=0), max_epochs=40).fit(train, y_train)
    predicted = model.predict(test)
    assert predicted.shape == y_test.shape
    assert model.score(test, y_test) > 0.6
    n_atoms = np.array([len(atoms) for atoms in test])
    rmse = np.sqrt(np.mean(((predicted - y_test) / n_atoms) ** 2))
    assert_allclose(neg_rmse_per_atom(model, test, y_test), -rmse)
    assert rmse < 0.6 * np.std(y_test / n_atoms)


def test_the_model_sees_the_selected_functions_only(mixed, fitted):
    names = fitted[:-1].get_feature_names_out()
    assert len(names) == fitted["select"].n_features_ == fitted["model"].n_features_in_
    assert_array_equal(fitted["model"].feature_names_in_, names)
    all_names = fitted["features"].get_feature_names_out()
    assert_array_equal(names, all_names[fitted["select"].support_])


def test_energies_do_not_depend_on_the_description_of_a_structure(mixed, fitted):
    structures, _ = mixed
    crystal = next(atoms for atoms in structures if atoms.pbc.all())
    turned = crystal.copy()
    turned.rotate(37, (1, 2, 3), rotate_cell=True)
    shuffled = crystal[np.random.default_rng(0).permutation(len(crystal))]
    energies = fitted.predict([crystal, turned, shuffled, crystal * (2, 1, 1)])
    assert_allclose(energies, energies[0] * np.array([1, 1, 1, 2]), rtol=1e-9)


def test_a_saved_pipeline_predicts_the_same(mixed, fitted, tmp_path):
    structures, _ = mixed
    joblib.dump(fitted, tmp_path / "pipeline.joblib")
    loaded = joblib.load(tmp_path / "pipeline.joblib")
    assert_array_equal(loaded.predict(structures), fitted.predict(structures))


def test_a_clone_fits_to_the_same(mixed, fitted):
    structures, _ = mixed
    assert_array_equal(clone(fitted).fit(*mixed).predict(structures), fitted.predict(structures))


def test_grid_search_over_alpha_from_structures(mixed):
    structures, energies = mixed
    grid = {"select__alpha": [1e-3, 10.0]}
    search = GridSearchCV(pipeline(), grid, scoring=neg_rmse_per_atom, cv=2, error_score="raise")
    search.fit(structures, energies)
    scores = search.cv_results_["mean_test_score"]
    assert (scores < 0).all()
    assert scores[0] != scores[1]
    assert search.best_estimator_["select"].alpha == search.best_params_["select__alpha"]
    assert search.predict(structures).shape == energies.shape


def test_grid_search_in_two_processes_equals_one(mixed):
    structures, energies = mixed
    X = SymmetryFunctionTransformer(FUNCTIONS).fit_transform(structures)
    grid = {"select__alpha": [1e-3, 1.0]}
    settings = {"scoring": neg_rmse_per_atom, "cv": 2, "error_score": "raise"}
    scores = [
        GridSearchCV(pipeline()[1:], grid, n_jobs=n_jobs, **settings)
        .fit(X, energies)
        .cv_results_["mean_test_score"]
        for n_jobs in (None, 2)
    ]
    assert_allclose(scores[1], scores[0], rtol=1e-9)


def test_grid_search_over_selectors(copper):
    structures, energies = copper
    network = HDNNPRegressor((4,), max_epochs=20, random_state=0)
    selectors = [
        AdaptiveGroupLassoSelector(network, n_features_to_select=4, random_state=0),
        CURSelector(4),
        PearsonSelector(4),
    ]
    search = GridSearchCV(
        pipeline(), {"select": selectors}, scoring=neg_rmse_per_atom, cv=2, error_score="raise"
    )
    search.fit(structures, energies)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_["model"].n_features_in_ == 4
    assert search.best_estimator_["select"].n_features_ == 4


def test_cross_validation_reports_errors_per_atom(copper):
    structures, energies = copper
    scores = cross_val_score(pipeline(), structures, energies, scoring=neg_rmse_per_atom, cv=2)
    assert (scores < 0).all()
    assert (scores > -np.std(energies / 8)).all()


# Bad input


def message_of(call):
    with pytest.raises(ValueError) as caught:
        call()
    return str(caught.value)


def test_an_empty_selection_names_an_alpha_that_works(mixed):
    model = pipeline().set_params(select__alpha=1e6)
    message = message_of(lambda: model.fit(*mixed))
    assert "selected none of" in message
    alpha = float(re.search(r"alpha=(\S+),", message).group(1))
    model.set_params(select__alpha=alpha).fit(*mixed)
    assert model["model"].n_features_in_ > 0


def no_atoms(atoms):
    return "Cu"


def empty(atoms):
    return Atoms()


def with_nan(atoms):
    atoms.positions[1, 2] = np.nan
    return atoms


def coincident(atoms):
    atoms.positions[1] = atoms.positions[0]
    return atoms


def flat_cell(atoms):
    atoms.cell[2] = atoms.cell[0]
    atoms.pbc = True
    return atoms


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (no_atoms, ["tructure 3", "str", "ase.io.read"]),
        (empty, ["tructure 3", "no atom"]),
        (with_nan, ["tructure 3", "position", "nan"]),
        (coincident, ["tructure 3", "one point", "Remove"]),
        (flat_cell, ["tructure 3", "cell"]),
    ],
)
@pytest.mark.parametrize("method", ["fit", "predict"])
def test_bad_structures_are_named_by_their_index(mixed, fitted, spoil, words, method):
    structures, energies = mixed
    structures = [*structures[:3], spoil(structures[3].copy()), *structures[4:]]
    if method == "fit":
        message = message_of(lambda: pipeline().fit(structures, energies))
    else:
        message = message_of(lambda: fitted.predict(structures))
    for word in words:
        assert word in message


def test_an_element_not_seen_in_fit_is_named(mixed, fitted):
    structures, _ = mixed
    gold = structures[1].copy()
    gold.numbers[:] = 79
    message = message_of(lambda: fitted.predict([structures[0], gold]))
    for word in ("Structure 1", "Au", "Cu"):
        assert word in message


def test_energies_must_be_as_many_as_structures(mixed):
    structures, energies = mixed
    message = message_of(lambda: pipeline().fit(structures, energies[:-1]))
    assert "60" in message
    assert "59" in message


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_energies_are_named_by_their_index(mixed, bad):
    structures, energies = mixed
    energies = energies.copy()
    energies[7] = bad
    message = message_of(lambda: pipeline().fit(structures, energies))
    assert "structure 7" in message
    assert str(bad) in message


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"select__alpha": -1e-3}, ["alpha", "-0.001"]),
        ({"model__alpha": -1e-3}, ["alpha", "-0.001"]),
        ({"select__n_features_to_select": 99}, ["n_features_to_select=99", "features"]),
        ({"select": CURSelector(99)}, ["n_features_to_select=99", "features"]),
        ({"select": PearsonSelector(99)}, ["n_features_to_select=99", "features"]),
    ],
)
def test_bad_parameters_are_named_with_their_values(mixed, params, words):
    message = message_of(lambda: pipeline().set_params(**params).fit(*mixed))
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    "step", [HDNNPRegressor(), AdaptiveGroupLassoSelector(), CURSelector(), PearsonSelector()]
)
def test_structures_without_a_transformer_get_advice(mixed, step):
    message = message_of(lambda: step.fit(*mixed))
    assert "SymmetryFunctionTransformer" in message
