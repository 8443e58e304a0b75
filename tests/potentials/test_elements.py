"""Elements that are named, since some structures of a cross-validation do not have them."""

import warnings

import numpy as np
import pytest
from ase.build import bulk
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_agl import (
    AdaptiveGroupLassoSelectorCV,
    AtomicFeatures,
    BackwardEliminationSelector,
    CURSelector,
    HDNNPRegressor,
    SymmetryFunctionTransformer,
)
from sklearn_agl.io import load, read_n2p2, save, write_n2p2
from sklearn_agl.potentials import predict_forces

ELEMENTS = ["Au", "Cu"]


def make_structures():
    """Copper, and gold in the last ones only."""
    structures = [bulk("Cu", cubic=True) for _ in range(24)]
    for seed, atoms in enumerate(structures):
        atoms.rattle(0.1, seed=seed)
        if seed >= 16:
            atoms.symbols[0] = "Au"
    return structures


STRUCTURES = make_structures()
ENERGIES = np.array([-3.0 * len(s) - (s.numbers == 79).sum() for s in STRUCTURES])
ENERGIES = ENERGIES + 0.1 * np.random.default_rng(0).normal(size=24)


def network(**params):
    return HDNNPRegressor((2,), max_epochs=2, random_state=0, **params)


def features():
    rng = np.random.default_rng(0)
    values = np.full((24, 2, 4), np.nan)
    values[:, 0, :2] = rng.normal(size=(24, 2))
    numbers = np.tile([29, 0], (24, 1))
    values[16:, 1, 2:] = rng.normal(size=(8, 2))
    numbers[16:, 1] = 79
    return AtomicFeatures(values, numbers), rng.normal(size=24)


def pipeline(**params):
    return make_pipeline(
        SymmetryFunctionTransformer(r_cut=4.0, elements=ELEMENTS),
        CURSelector(6),
        network(**params),
    )


def test_every_fold_has_a_score():
    settings = {"cv": KFold(3)}  # not shuffled
    with pytest.warns(UserWarning, match="No structure has Au, named in elements"):
        scores = cross_val_score(pipeline(elements=ELEMENTS), STRUCTURES, ENERGIES, **settings)
    assert np.isfinite(scores).all()
    with pytest.warns(Warning, match="name all elements in elements="):
        scores = cross_val_score(pipeline(), STRUCTURES, ENERGIES, **settings)
    assert np.isnan(scores).sum() == 1


def test_atoms_of_named_elements_have_the_mean_energy(tmp_path):
    with pytest.warns(UserWarning, match="No structure has Au"):
        pipe = pipeline(elements=ELEMENTS).fit(STRUCTURES[:16], ENERGIES[:16])
    model = pipe[-1]
    assert model.elements_ == (29, 79)
    # With one element, its reference is the mean.
    assert_allclose(model.energy_references_[1], model.energy_references_[0])
    gold = bulk("Au", a=3.6, cubic=True)
    gold.rattle(0.1, seed=0)
    assert_allclose(pipe.predict([gold]), 4 * model.energy_references_[1])
    assert not predict_forces(pipe, [gold])[0].any()
    save(pipe, tmp_path / "a.npz")
    write_n2p2(pipe, tmp_path / "n2p2")
    for again in (load(tmp_path / "a.npz"), read_n2p2(tmp_path / "n2p2")):
        assert_allclose(again.predict(STRUCTURES), pipe.predict(STRUCTURES), rtol=1e-12)


@pytest.mark.parametrize("solver", ["kalman", "lm", "adamw"])
def test_named_elements_change_nothing_for_the_others(solver):
    X, y = features()
    plain = network(solver=solver).fit(X[:16], y[:16])
    with pytest.warns(UserWarning, match="No structure has Au"):
        named = network(solver=solver, elements=[79]).fit(X[:16], y[:16])
    assert_allclose(named.predict(X[:16]), plain.predict(X[:16]), rtol=1e-6)
    copper = AtomicFeatures(X[16:].values[:, :1], X[16:].numbers[:, :1])
    gold = named.predict(X[16:]) - named.predict(copper)
    assert_allclose(gold, named.energy_references_[1], rtol=1e-6)
    assert_allclose(named.predict(copper), plain.predict(copper), rtol=1e-6)


def test_elements_that_are_there_need_no_naming():
    X, y = features()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)  # two epochs lead nowhere
        named = network(elements=ELEMENTS).fit(X, y)
    assert_array_equal(named.predict(X), network().fit(X, y).predict(X))


@pytest.mark.parametrize(
    "selector",
    [
        AdaptiveGroupLassoSelectorCV(alphas=[0.1], cv=KFold(3), random_state=0),
        BackwardEliminationSelector(3, cv=KFold(3), random_state=0),
    ],
)
def test_splits_inside_a_selection(selector):
    X, y = features()
    selector.set_params(estimator=network())
    with pytest.raises(ValueError, match="atomic number 79.* name all elements in the regressor's"):
        selector.fit(X, y)
    selector.set_params(estimator=network(elements=ELEMENTS)).fit(X, y)
    assert selector.n_features_


@pytest.mark.parametrize(("elements", "message"), [([], "is empty"), (["Xx"], "'Xx' in elements")])
def test_bad_elements_are_named(elements, message):
    with pytest.raises(ValueError, match=message):
        network(elements=elements).fit(*features())
