"""The calculator against the pipeline, finite differences and what ASE expects of it."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.emt import EMT
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.filters import FrechetCellFilter
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_agl import CURSelector, HDNNPRegressor, SymmetryFunctionTransformer
from sklearn_agl.potentials import (
    ExtrapolationError,
    ExtrapolationWarning,
    HDNNPCalculator,
    predict_forces,
    predict_stress,
)
from tests.potentials._fitted import FUNCTIONS, some_structures, trained_pipeline


@pytest.fixture(scope="module")
def structures():
    return some_structures()


@pytest.fixture(scope="module")
def pipe(structures):
    return trained_pipeline(structures, CURSelector(12), early_stopping=False)


@pytest.fixture(scope="module")
def copper():
    """A potential that has learned something, and structures of its kind."""
    structures = []
    for seed in range(60):
        atoms = bulk("Cu", cubic=True)
        atoms.set_cell(atoms.cell.array * (0.97 + 0.001 * seed), scale_atoms=True)
        atoms.rattle(0.12, seed=seed)
        atoms.calc = EMT()
        structures.append(atoms)
    energies = np.array([atoms.get_potential_energy() for atoms in structures])
    pipe = make_pipeline(
        SymmetryFunctionTransformer(FUNCTIONS, r_cut=4.5),
        HDNNPRegressor((6,), forces=None, random_state=0, max_epochs=60),
    )
    return pipe.fit(structures, energies)


def with_calculator(atoms, pipe):
    atoms = atoms.copy()
    atoms.calc = HDNNPCalculator(pipe)
    return atoms


def test_results_are_those_of_the_pipeline(pipe, structures):
    calculator = HDNNPCalculator(pipe)
    energies, forces = pipe.predict(structures), predict_forces(pipe, structures)
    stress = predict_stress(pipe, structures)
    for i, atoms in enumerate(structures):
        atoms = atoms.copy()
        atoms.calc = calculator
        assert_allclose(atoms.get_potential_energy(), energies[i], rtol=1e-12)
        assert_allclose(atoms.get_potential_energies().sum(), energies[i], rtol=1e-12)
        assert_allclose(atoms.get_potential_energy(force_consistent=True), energies[i], rtol=1e-12)
        assert_allclose(atoms.get_forces(), forces[i], rtol=1e-9, atol=1e-11)
        if atoms.pbc.all():
            assert_allclose(atoms.get_stress(voigt=False), stress[i], rtol=1e-9, atol=1e-11)
        else:
            with pytest.raises(PropertyNotImplementedError):
                atoms.get_stress()


def test_forces_and_stress_equal_those_of_ase(pipe, structures):
    for atoms in structures[:3]:
        atoms = with_calculator(atoms, pipe)
        atoms.calc.n_extrapolations_ = 1  # no warning at the border of the range
        expected = calculate_numerical_forces(atoms, eps=1e-4)
        assert_allclose(atoms.get_forces(), expected, atol=1e-5 * np.abs(expected).max())
        if atoms.pbc.all():
            expected = calculate_numerical_stress(atoms, eps=1e-5)
            assert_allclose(atoms.get_stress(), expected, atol=1e-5 * np.abs(expected).max())


def test_selected_functions_are_evaluated_only(structures):
    pipe = trained_pipeline(structures, CURSelector(12))
    chosen = [
        function
        for function, kept in zip(pipe[0].symmetry_functions_, pipe[1].get_support(), strict=True)
        if kept
    ]
    assert HDNNPCalculator(pipe).symmetry_functions_ == tuple(chosen)


def test_functions_without_weights_are_not_evaluated(structures):
    weights = np.where(np.arange(20) % 3, 1.0, np.inf)
    pipe = trained_pipeline(structures, feature_weights=weights)
    atoms = with_calculator(structures[0], pipe)
    assert len(atoms.calc.symmetry_functions_) == np.count_nonzero(np.isfinite(weights))
    assert_allclose(atoms.get_potential_energy(), pipe.predict(structures[:1])[0], rtol=1e-12)
    assert_allclose(atoms.get_forces(), predict_forces(pipe, structures[:1])[0], atol=1e-11)


@pytest.mark.filterwarnings("ignore::sklearn_agl.potentials.ExtrapolationWarning")
def test_forces_bring_energy_and_stress_with_them(pipe, structures, monkeypatch):
    atoms = with_calculator(structures[0], pipe)
    loads, original = [], type(atoms.calc._potential).load_with_gradients
    monkeypatch.setattr(
        type(atoms.calc._potential),
        "load_with_gradients",
        lambda *args: loads.append(1) or original(*args),
    )
    atoms.get_forces()
    atoms.get_stress()
    energy = atoms.get_potential_energy()
    assert len(loads) == 1
    assert_allclose(energy, with_calculator(atoms, pipe).get_potential_energy(), rtol=1e-13)
    atoms.positions[0, 0] += 0.01
    moved = atoms.get_forces()
    assert len(loads) == 2
    assert_array_equal(moved, with_calculator(atoms, pipe).get_forces())


def test_forces_after_an_energy_count_its_extrapolations_once(pipe, structures):
    atoms = with_calculator(structures[0], pipe)
    atoms.set_cell(0.8 * atoms.cell.array, scale_atoms=True)
    with pytest.warns(ExtrapolationWarning):
        atoms.get_potential_energy()
    before = atoms.calc.n_extrapolations_
    atoms.get_forces()
    assert atoms.calc.n_extrapolations_ == before > 0


def test_leaving_the_training_range_warns_once_and_counts(pipe, structures):
    atoms = with_calculator(structures[0], pipe)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        atoms.get_potential_energy()
    assert atoms.calc.n_extrapolations_ == 0
    atoms.set_cell(0.8 * atoms.cell.array, scale_atoms=True)
    with pytest.warns(ExtrapolationWarning, match=r"Atom \d+ \([HO]\) has [HO]\|G.* in training"):
        atoms.get_potential_energy()
    first = atoms.calc.n_extrapolations_
    assert first > 0
    atoms.rattle(0.001)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        atoms.get_potential_energy()
    assert atoms.calc.n_extrapolations_ > first
    atoms.calc.reset_extrapolations()
    assert atoms.calc.n_extrapolations_ == 0
    atoms.rattle(0.001)
    with pytest.warns(ExtrapolationWarning):
        atoms.get_potential_energy()


def test_a_training_value_at_the_border_is_none(pipe, structures):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ExtrapolationWarning)
        for atoms in structures:
            with_calculator(atoms, pipe).get_potential_energy()


def test_energy_is_conserved_in_molecular_dynamics(copper):
    atoms = with_calculator(bulk("Cu", cubic=True) * 2, copper)
    atoms.calc.n_extrapolations_ = 1  # no warning: the crystal at rest was not in the data
    atoms.set_velocities(np.random.default_rng(0).normal(scale=0.01, size=(len(atoms), 3)))
    totals, kinetic = [], []
    dynamics = VelocityVerlet(atoms, timestep=1.0 * units.fs)
    dynamics.attach(lambda: totals.append(atoms.get_total_energy()))
    dynamics.attach(lambda: kinetic.append(atoms.get_kinetic_energy()))
    dynamics.run(150)
    assert np.ptp(totals) < 0.02 * np.ptp(kinetic)


def test_relaxing_the_cell_finds_zero_forces_and_stress(copper):
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.05, seed=100)
    atoms = with_calculator(atoms, copper)
    atoms.calc.n_extrapolations_ = 1
    before = atoms.get_potential_energy()
    assert BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-3, steps=200)
    assert atoms.get_potential_energy() < before
    assert np.abs(atoms.get_forces()).max() < 1e-3
    assert np.abs(atoms.get_stress()).max() < 1e-3


def test_copies_give_the_same_results(pipe, structures):
    calculator = HDNNPCalculator(pipe)
    expected = with_calculator(structures[0], pipe).get_forces()
    for copied in (copy.deepcopy(calculator), pickle.loads(pickle.dumps(calculator))):
        atoms = structures[0].copy()
        atoms.calc = copied
        assert_array_equal(atoms.get_forces(), expected)


@pytest.mark.parametrize(
    ("potential", "message"),
    [
        (HDNNPRegressor(), "must be a fitted Pipeline .* got HDNNPRegressor"),
        (make_pipeline(SymmetryFunctionTransformer(), HDNNPRegressor()), "is not fitted"),
        (make_pipeline(CURSelector(3), HDNNPRegressor()), "first step .* CURSelector"),
        (make_pipeline(SymmetryFunctionTransformer(), CURSelector(3)), "last step .* CURSelector"),
    ],
)
def test_what_is_no_potential_is_refused(potential, message):
    with pytest.raises(ValueError, match=message):
        HDNNPCalculator(potential)


def test_steps_that_do_more_than_select_are_refused(structures):
    doubling = FunctionTransformer(_double)
    pipe = trained_pipeline(structures, doubling)
    with pytest.raises(ValueError, match="Step 'functiontransformer' .* does not only select"):
        HDNNPCalculator(pipe)
    assert HDNNPCalculator(trained_pipeline(structures, "passthrough")).symmetry_functions_


def _double(X):
    return type(X)(
        2 * X.values,
        X.numbers,
        symmetry_functions=X.symmetry_functions,
        structures=X.structures,
    )


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (Atoms(), "has no atoms"),
        (Atoms("HHe", positions=[[0, 0, 0], [0, 0, 1]]), r"contains He, .* knows \['H', 'O'\]"),
        (Atoms("HO"), "two atoms at one point"),
        (Atoms("H", positions=[[np.nan, 0, 0]]), "not finite"),
    ],
)
def test_unsound_atoms_are_refused(pipe, atoms, message):
    atoms.calc = HDNNPCalculator(pipe)
    with pytest.raises(ValueError, match=message):
        atoms.get_potential_energy()


def _move(atoms, change):
    """A copy of atoms to which something bad has happened."""
    atoms = atoms.copy()
    if change == "collapsed":
        atoms.set_cell(1e-3 * atoms.cell.array)
    elif change == "flat":
        atoms.cell[1] = atoms.cell[0]
    elif change == "coincident":
        atoms.positions[1] = atoms.positions[0] - atoms.cell.array[2]
    elif change == "crowded":
        atoms.set_cell(0.05 * atoms.cell.array, scale_atoms=True)
    else:
        atoms.positions[-1, 1] = float(change)
    return atoms


BAD_CHANGES = {
    "nan": "not finite",
    "inf": "not finite",
    "1e10": "farther than",
    "coincident": "two atoms at one point",
    "collapsed": "too small",
    "flat": "no volume",
    "crowded": "more than 5000 neighbours",
}


@pytest.mark.filterwarnings("ignore::sklearn_agl.potentials.ExtrapolationWarning")
@pytest.mark.parametrize("change", BAD_CHANGES)
def test_atoms_that_become_unsound_are_refused_at_every_step(pipe, structures, change):
    calculator = HDNNPCalculator(pipe)
    good = structures[0].copy()
    good.calc = calculator
    expected = good.get_forces()
    bad = _move(good, change)
    for _ in range(2):
        for compute in (calculator.get_forces, calculator.get_potential_energy):
            with pytest.raises(ValueError, match=BAD_CHANGES[change]):
                compute(bad)
    assert_array_equal(calculator.get_forces(good), expected)


def test_a_wrong_word_about_what_has_changed_does_no_harm(pipe, structures):
    calculator = HDNNPCalculator(pipe)
    calculator.calculate(structures[0], ["forces"])
    with pytest.raises(ValueError, match="too small"):
        calculator.calculate(_move(structures[0], "collapsed"), ["forces"], ["positions"])
    with pytest.raises(ValueError, match="not finite"):
        calculator.calculate(_move(structures[0], "nan"), ["energy"], [])


def test_extrapolations_end_a_run_where_they_are_not_allowed(pipe, structures):
    atoms = structures[0].copy()
    atoms.calc = HDNNPCalculator(pipe, on_extrapolation="raise")
    energy = atoms.get_potential_energy()
    squeezed = atoms.copy()
    squeezed.set_cell(0.8 * atoms.cell.array, scale_atoms=True)
    squeezed.calc = atoms.calc
    for _ in range(2):
        with pytest.raises(ExtrapolationError, match=r"Atom \d+ \([HO]\) has [HO]\|G.* = .* was"):
            squeezed.get_forces()
        assert not atoms.calc.results
    assert atoms.get_potential_energy() == energy


def test_so_many_extrapolations_are_allowed_and_no_more(pipe, structures):
    atoms = with_calculator(structures[0], pipe)
    atoms.set_cell(0.8 * atoms.cell.array, scale_atoms=True)
    with pytest.warns(ExtrapolationWarning):
        atoms.get_forces()
    n = atoms.calc.n_extrapolations_
    atoms.calc = HDNNPCalculator(pipe, on_extrapolation=n)
    with pytest.warns(ExtrapolationWarning):
        atoms.get_forces()
    atoms.rattle(1e-6)
    with pytest.raises(ExtrapolationError, match=f"There are {2 * n} such .*on_extrapolation={n}"):
        atoms.get_forces()
    with pytest.raises(ExtrapolationError):
        HDNNPCalculator(pipe, on_extrapolation=n - 1).get_potential_energy(atoms)


@pytest.mark.parametrize("value", ["ignore", -1, 1.5, True, None])
def test_other_ways_to_treat_extrapolations_are_refused(pipe, value):
    with pytest.raises(ValueError, match="on_extrapolation=.* must be 'warn', 'raise'"):
        HDNNPCalculator(pipe, on_extrapolation=value)


@pytest.mark.parametrize("value", [0, 1.5, True, "all"])
def test_bad_numbers_of_threads_are_refused(pipe, value):
    with pytest.raises(ValueError, match="n_jobs=.* must be a number of threads"):
        HDNNPCalculator(pipe, n_jobs=value)


def test_unknown_arguments_are_refused(pipe):
    with pytest.raises(TypeError, match="threads"):
        HDNNPCalculator(pipe, threads=2)
    with pytest.raises(TypeError, match="no parameter 'n_jobs'"):
        HDNNPCalculator(pipe).set(n_jobs=2)


def test_threads_share_a_structure_and_change_nothing(copper):
    atoms = bulk("Cu", cubic=True) * (4, 5, 5)
    atoms.rattle(0.1, seed=1)
    single = HDNNPCalculator(copper)
    single.n_extrapolations_ = 1
    expected = {name: single.get_property(name, atoms) for name in ("forces", "stress", "energies")}
    shared = HDNNPCalculator(copper, n_jobs=3)
    shared.n_extrapolations_ = 1
    assert_allclose(predict_forces(copper, [atoms])[0], expected["forces"], atol=1e-11)
    for name, values in expected.items():
        assert_array_equal(shared.get_property(name, atoms), values)
    atoms.positions[7] = atoms.positions[390]
    with pytest.raises(ValueError, match="two atoms at one point"):
        shared.get_forces(atoms)


def test_memory_that_is_kept_grows_with_the_neighbours(copper):
    calculator = HDNNPCalculator(copper)
    calculator.n_extrapolations_ = 1
    atoms = bulk("Cu", cubic=True)
    for scale in (1.1, 0.5, 0.9):
        scaled = atoms.copy()
        scaled.set_cell(scale * atoms.cell.array, scale_atoms=True)
        expected = predict_forces(copper, [scaled])[0]
        forces = calculator.get_forces(scaled)
        assert_allclose(forces, expected, atol=1e-10 * max(np.abs(expected).max(), 1.0))
