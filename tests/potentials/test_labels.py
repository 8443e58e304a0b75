"""Training on the labels that structures carry."""

import warnings

import numpy as np
import pytest
from ase.build import bulk, fcc111
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms, FixCartesian, Hookean
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AdaptiveGroupLassoSelectorCV,
    BackwardEliminationSelector,
    HDNNPRegressor,
    StabilitySelector,
    SymmetryFunctionTransformer,
    WaldSelector,
    WeightNormSelector,
    group_lasso_path,
)
from sklearn_agl.descriptors import SymmetryFunction
from sklearn_agl.potentials.data._training_set import TrainingSet

FUNCTIONS = [SymmetryFunction("G2", eta=eta, r_cut=4.0) for eta in (0.0, 0.05, 0.2, 0.6)]
NETWORK = HDNNPRegressor((3,), stress=None, max_epochs=3, random_state=0)


def features_of(structures, **keys):
    return SymmetryFunctionTransformer(FUNCTIONS, **keys).fit_transform(structures)


def crystals(n=12, **extra):
    """Rattled copper that carries what EMT says about it, and nothing else."""
    structures = []
    for seed in range(n):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.1, seed=seed)
        atoms.calc = EMT()
        results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
        atoms.calc = SinglePointCalculator(atoms, **(results | extra))
        structures.append(atoms)
    return structures


def slabs(constraint, n=8):
    structures = []
    for seed in range(n):
        atoms = fcc111("Cu", (1, 1, 3), vacuum=6.0)
        atoms.rattle(0.1, seed=seed)
        atoms.calc = EMT()
        results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
        atoms.calc = SinglePointCalculator(atoms, **results)
        atoms.set_constraint(constraint)
        structures.append(atoms)
    return structures


@pytest.fixture(scope="module")
def labelled():
    return crystals()


@pytest.fixture(scope="module")
def features(labelled):
    return features_of(labelled)


@pytest.fixture(scope="module")
def energies(labelled):
    return np.array([atoms.get_potential_energy() for atoms in labelled])


@pytest.fixture(scope="module")
def forces(labelled):
    return [atoms.get_forces() for atoms in labelled]


def fits_alike(one, other):
    assert_array_equal(one.weights_, other.weights_)
    assert {**one.trained_on_, "energy": ""} == {**other.trained_on_, "energy": ""}


# Where labels come from
def test_forces_and_energies_of_the_structures_are_those_given(features, energies, forces):
    given = clone(NETWORK).fit(features, energies, forces)
    fits_alike(clone(NETWORK).fit(features, energies), given)
    fits_alike(clone(NETWORK).fit(features), given)
    assert given.trained_on_ == {"energy": "y", "n_energies": 12, "n_forces": 48, "n_stresses": 0}


@pytest.mark.parametrize("turn_off", ["parameter", "argument"])
def test_none_trains_on_energies_alone(features, energies, turn_off):
    bare = features_of([atoms.copy() for atoms in features.structures])
    expected = clone(NETWORK).fit(bare, energies)
    if turn_off == "parameter":
        model = clone(NETWORK).set_params(forces=None).fit(features, energies)
    else:
        model = clone(NETWORK).fit(features, energies, None)
    fits_alike(model, expected)
    assert model.trained_on_["n_forces"] == 0
    assert np.isnan(model.validation_force_rmse_)


def test_given_forces_count_whatever_the_parameter_says(features, energies, forces):
    model = clone(NETWORK).set_params(forces=None)
    fits_alike(model.fit(features, energies, forces), clone(NETWORK).fit(features, energies))


def test_a_pipeline_needs_structures_only(labelled, energies):
    pipe = make_pipeline(SymmetryFunctionTransformer(FUNCTIONS), SELECTORS[3], clone(NETWORK))
    without = clone(pipe).fit(labelled)
    assert_array_equal(pipe.fit(labelled, energies).predict(labelled), without.predict(labelled))
    assert without.score(labelled) == pipe.score(labelled, energies)
    assert without[-1].trained_on_["energy"] == "energy"


def test_the_free_energy_belongs_to_the_forces():
    structures = crystals()
    for atoms in structures:
        atoms.calc.results["free_energy"] = (
            atoms.calc.results["energy"] - 0.1 * atoms.positions.sum()
        )
    free = [atoms.calc.results["free_energy"] for atoms in structures]
    model = clone(NETWORK).fit(features_of(structures))
    fits_alike(model, clone(NETWORK).fit(features_of(structures), free, "auto"))
    assert model.trained_on_["energy"] == "free_energy"
    del structures[3].calc.results["free_energy"]
    assert clone(NETWORK).fit(features_of(structures)).trained_on_["energy"] == "energy"


def test_labels_by_name(labelled, features, energies):
    renamed = [atoms.copy() for atoms in labelled]
    for copy, atoms in zip(renamed, labelled, strict=True):
        copy.info["REF_energy"], copy.arrays["REF_forces"] = atoms.calc.results.values()
        copy.calc = SinglePointCalculator(
            copy, energy=7.0, free_energy=8.0, forces=0 * copy.positions
        )
    named = features_of(renamed, energy_key="REF_energy", forces_key="REF_forces")
    fits_alike(clone(NETWORK).fit(named), clone(NETWORK).fit(features))
    with pytest.raises(ValueError, match="forces_key='forces_dft', but no structure has that"):
        features_of(renamed, forces_key="forces_dft")


def test_results_of_another_geometry_are_no_labels(labelled):
    moved = [atoms.copy() for atoms in labelled]
    shared = EMT()
    for atoms in moved:
        atoms.calc = shared
        atoms.get_forces()
    data = TrainingSet.from_user(NETWORK, features_of(moved), np.arange(12.0))
    assert [np.isfinite(own).all() for own in data.forces] == [False] * 11 + [True]
    with pytest.raises(ValueError, match="structure 0 carries no energy"):
        clone(NETWORK).fit(features_of(moved))


def test_structures_are_not_touched(labelled):
    before = [atoms.calc for atoms in labelled]
    features_of(labelled)
    assert [atoms.calc for atoms in labelled] == before


@pytest.mark.parametrize("of_energy", [lambda y: 2 * y, lambda y: np.roll(y, 1)])
def test_forces_of_other_energies_are_left_out(features, energies, of_energy):
    with pytest.warns(UserWarning, match="not those that the structures carry"):
        model = clone(NETWORK).fit(features, of_energy(energies))
    assert model.trained_on_["n_forces"] == 0


def test_an_offset_or_one_wrong_energy_does_not_part_energies_and_forces(features, energies):
    shifted = energies + 4 * 3.5
    shifted[2] += 1000.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert TrainingSet.from_user(NETWORK, features, shifted).forces is not None


def test_a_verbose_fit_says_what_it_is_trained_on(features, energies, capsys):
    clone(NETWORK).set_params(verbose=1).fit(features, energies)
    assert "trains on 12 energies, forces on 48 of 48 atoms" in capsys.readouterr().out
    WaldSelector(2, estimator=NETWORK, verbose=1).fit(features, energies, None)
    assert "WaldSelector trains on 12 energies, no forces" in capsys.readouterr().out


SELECTORS = [
    AdaptiveGroupLassoSelector(NETWORK, n_features_to_select=2, random_state=0),
    AdaptiveGroupLassoSelectorCV(NETWORK, alphas=[1e-3, 1e-2], cv=2, random_state=0),
    BackwardEliminationSelector(3, estimator=NETWORK, random_state=0),
    WaldSelector(2, estimator=NETWORK, random_state=0),
    WeightNormSelector(2, estimator=NETWORK, random_state=0),
]


@pytest.mark.parametrize("selector", SELECTORS, ids=lambda one: type(one).__name__)
def test_selectors_take_the_labels_of_the_structures(selector, features, energies, forces):
    ours, given, alone = [
        clone(selector).fit(features, *labels)
        for labels in ([], [energies, forces], [energies, None])
    ]
    assert_array_equal(ours.ranking_, given.ranking_)
    for name in ("group_norms_", "statistics_", "errors_"):
        if hasattr(ours, name):
            assert_array_equal(getattr(ours, name), getattr(given, name))
            assert not np.array_equal(getattr(ours, name), getattr(alone, name))
    assert ours.trained_on_["n_forces"] == 48
    assert alone.trained_on_["n_forces"] == 0
    alone = clone(selector).set_params(estimator=clone(NETWORK).set_params(forces=None))
    assert alone.fit(features, energies).trained_on_["n_forces"] == 0


def test_a_path_takes_the_labels_of_the_structures(features, energies, forces):
    ours = group_lasso_path(features, estimator=NETWORK, random_state=0)
    given = group_lasso_path(features, energies, NETWORK, forces=forces, random_state=0)
    assert_array_equal(ours.group_norms, given.group_norms)
    assert_array_equal(ours.refitted_rmse, given.refitted_rmse)


def test_each_half_takes_the_labels_of_its_structures(features, energies, forces):
    inner = WeightNormSelector(2, estimator=clone(NETWORK).set_params(early_stopping=False))
    stability = StabilitySelector(inner, n_features_to_select=2, n_resamples=4, random_state=0)
    ours = clone(stability).fit(features)
    assert_array_equal(ours.supports_, clone(stability).fit(features, energies, forces).supports_)


# Missing labels
@pytest.mark.parametrize("solver", ["kalman", "lm", "adamw"])
def test_atoms_without_a_force_take_no_part(features, energies, forces, solver):
    # Whatever is put in their place, the fit must be the same as without them.
    settings = clone(NETWORK).set_params(solver=solver, n_force_directions=1000)
    partly = [own.copy() for own in forces]
    partly[1][2] = np.nan
    partly[4] = None
    partly[5][0, 1] = np.nan
    model = clone(settings).fit(features, energies, partly)
    assert model.trained_on_["n_forces"] == 48 - 1 - 4 - 1
    also = [own if own is None else own.copy() for own in partly]
    also[5][0] = np.nan
    fits_alike(model, clone(settings).fit(features, energies, also))


def test_the_force_term_is_the_mean_over_the_labelled_atoms(features, energies, forces):
    settings = clone(NETWORK).set_params(early_stopping=False, n_force_directions=1000, forces=None)
    partly = [own.copy() for own in forces]
    partly[0][1:] = np.nan
    partly[3] = None
    model = clone(settings).fit(features, energies, partly)
    predicted = model.predict_forces(features)
    pairs = [(p, f) for p, f in zip(predicted, partly, strict=True) if f is not None]
    errors = np.concatenate([(p - f)[np.isfinite(f)] for p, f in pairs])
    known = np.concatenate([f[np.isfinite(f)] for _, f in pairs])
    error = (model.predict(features) - energies) / 4 / model.potential_.energy_scaler.deviation_
    expected = np.mean(error**2) + 0.3 * np.mean(errors**2) / np.mean(known**2)
    data = TrainingSet.from_user(settings, features, energies, partly).observe_slopes(1000, 0)
    from sklearn_agl.potentials.training._training import Training

    training = Training(settings, data, np.random.RandomState(0))
    training.start(np.zeros(features.n_features))
    training.net.module_.set_weights(model.weights_)
    assert_allclose(training.squared_error(training.train_rows), expected, rtol=1e-5)


def test_forces_on_held_out_structures_only_are_none_to_train_on(features, energies, forces):
    few = [None] * 12
    for s in range(12):
        few[s] = forces[s]
        model = clone(NETWORK).fit(features, energies, few)
        assert np.isfinite(model.weights_).all()
        few[s] = None


def test_no_force_at_all_is_an_error(features, energies):
    with pytest.raises(ValueError, match="No atom has a force"):
        clone(NETWORK).fit(features, energies, [None] * 12)


# Constraints
@pytest.mark.parametrize("constraint", [FixAtoms([0]), FixCartesian([0, 1], mask=[0, 0, 1])])
def test_constraints_do_not_touch_the_forces_of_the_structures(constraint):
    structures = slabs(constraint)
    free = [atoms.get_forces(apply_constraint=False) for atoms in structures]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = TrainingSet.from_user(NETWORK, features_of(structures), None)
    for own, true in zip(data.forces, free, strict=True):
        assert_array_equal(own, true)


@pytest.mark.parametrize("constraint", [FixAtoms([0]), FixCartesian([0, 1], mask=[0, 0, 1])])
def test_constrained_forces_are_refused_or_warned_of(constraint):
    structures = slabs(constraint)
    X, y = features_of(structures), [atoms.get_potential_energy() for atoms in structures]
    constrained = [atoms.get_forces() for atoms in structures]
    with pytest.raises(ValueError, match="Constraints have changed the forces of structure 0"):
        clone(NETWORK).fit(X, y, constrained)
    for atoms in structures:
        atoms.calc = None
    with pytest.warns(UserWarning, match="exactly zero, and so in 7 others"):
        clone(NETWORK).fit(features_of(structures), y, constrained)


def test_constraints_that_take_nothing_away_are_no_reason_to_warn():
    structures = slabs(Hookean(0, 1, k=5.0, rt=1.0), n=4)
    forces = [atoms.get_forces(apply_constraint=False) for atoms in structures]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TrainingSet.from_user(NETWORK, features_of(structures), None, forces)


def test_a_comparison_takes_the_labels_of_the_structures(features, energies, tmp_path):
    pytest.importorskip("pandas")
    from sklearn_agl.inspection import compare_selectors

    settings = {"cv": 2, "checkpoint": tmp_path, "random_state": 0}
    selectors = {"norms": WeightNormSelector(estimator=NETWORK)}
    bare = features_of([atoms.copy() for atoms in features.structures])
    tables = [
        compare_selectors(selectors, {"Cu": data}, [2], estimator=NETWORK, **settings)
        for data in ((features, None), (features, energies), (bare, energies))
    ]
    errors = [table["test_rmse"].tolist() for table in tables]
    assert errors[0] == errors[1] != errors[2]


# Energies of atoms
def test_given_energies_of_atoms(features, energies):
    mean = energies.mean() / 4
    fitted = clone(NETWORK).fit(features, energies)
    for atomic_energies in ({"Cu": 7.0}, {29: -100.0, "Au": 3.0}):
        given = clone(NETWORK).set_params(atomic_energies=atomic_energies)
        given.fit(features, energies)
        assert_allclose(given.energy_references_, fitted.energy_references_)
        assert_allclose(given.predict(features), fitted.predict(features))
    assert_allclose(given.energy_references_, mean, atol=0.05)


@pytest.mark.parametrize(
    ("atomic_energies", "message"),
    [
        ({"Cu": "1"}, r"atomic_energies\['Cu'\] is '1'"),
        ({"Xx": 1.0}, "Xx"),
        ({"Cu": np.nan}, "nan"),
    ],
)
def test_bad_energies_of_atoms(features, energies, atomic_energies, message):
    with pytest.raises(ValueError, match=message):
        clone(NETWORK).set_params(atomic_energies=atomic_energies).fit(features, energies)
