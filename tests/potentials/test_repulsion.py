"""The pair term beside the networks: formulas, continuity, and everything that must carry it."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import all_changes
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.data import covalent_radii
from ase.units import Bohr, Hartree
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_agl import (
    AtomicFeatures,
    HDNNPRegressor,
    SymmetryFunction,
    SymmetryFunctionTransformer,
    WeightNormSelector,
)
from sklearn_agl.descriptors._pairs import closest_distances
from sklearn_agl.io import load, save
from sklearn_agl.potentials import HDNNPCalculator, predict_forces, predict_stress
from sklearn_agl.potentials._repulsion import core_repulsion, universal_repulsion
from tests.potentials._fitted import R_CUT, some_structures, trained_pipeline

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_agl.potentials.ExtrapolationWarning")
KINDS = ("auto", "zbl")


@pytest.fixture(scope="module")
def structures():
    return some_structures()


@pytest.fixture(scope="module")
def pipes(structures):
    return {kind: trained_pipeline(structures, repulsion=kind) for kind in (*KINDS, None)}


@pytest.fixture
def close(structures):
    """A crystal whose atoms 0 and 1 are nearer to each other than any in training."""
    atoms = structures[0].copy()
    atoms.positions[1] = atoms.positions[0] + [0.3, 0.25, 0.2]
    return atoms


def in_lammps(z1, z2, r):
    """Unswitched energy in eV, as LAMMPS' documentation of ``pair_style zbl`` gives it."""
    a = 0.46850 / (z1**0.23 + z2**0.23)
    x = r / a
    screening = (
        0.18175 * np.exp(-3.19980 * x)
        + 0.50986 * np.exp(-0.94229 * x)
        + 0.28022 * np.exp(-0.40290 * x)
        + 0.02817 * np.exp(-0.20162 * x)
    )
    return 14.39964548 * z1 * z2 / r * screening


def test_universal_potential_is_that_of_lammps_but_for_a_constant_inside():
    repulsion = universal_repulsion((13, 29), 6.0)
    inner = 0.5 * (covalent_radii[13] + covalent_radii[29])
    r = np.linspace(0.05, inner, 40)
    energies, _ = repulsion.evaluate(13, 29, r)
    shift = energies - in_lammps(13, 29, r)
    assert_allclose(shift, shift[-1], atol=1e-7 * energies[0])
    assert shift[0] < 0


def test_universal_potential_is_switched_off_by_the_polynomial_of_lammps():
    repulsion = universal_repulsion((13,), 6.0)
    end, step = 2 * covalent_radii[13], 1e-4
    stencil = np.array([[1, -8, 0, 8, -1], [-1, 16, -30, 16, -1]]) / 12
    five = in_lammps(13, 13, end + step * np.arange(-2, 3))
    slope, curvature = stencil @ five / [step, step**2]
    width = end / 2
    a = (-3 * slope + width * curvature) / width**2
    b = (2 * slope - width * curvature) / width**3
    c = -five[2] + width / 2 * slope - width**2 / 12 * curvature
    r = np.linspace(0.2, end, 30)
    t = np.maximum(r - width, 0.0)
    expected = in_lammps(13, 13, r) + a / 3 * t**3 + b / 4 * t**4 + c
    assert_allclose(repulsion.evaluate(13, 13, r)[0], expected, rtol=1e-6, atol=1e-6)


def test_core_is_as_high_as_two_atoms_can_swing_at_eight_tenths(pipes):
    model = pipes["auto"][-1]
    swings = model.potential_.energy_swings()
    weights = list(model.potential_.layout.split(model.weights_))
    deviation = model.potential_.energy_scaler.deviation_
    assert_allclose(swings, [2 * deviation * np.abs(weights[i]).sum() for i in (4, 10)])
    for i, j in ((0, 0), (0, 1), (1, 1)):
        first, second = model.elements_[i], model.elements_[j]
        reach = model.repulsion_.reach[i, j]
        height, _ = model.repulsion_.evaluate(first, second, np.array([0.8]) * reach)
        assert_allclose(height, swings[i] + swings[j], rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_pair_terms_are_twice_continuously_differentiable(pipes, kind):
    repulsion = pipes[kind][-1].repulsion_
    for i, j in ((0, 0), (0, 1), (1, 1)):
        pair, end = (repulsion.elements[i], repulsion.elements[j]), repulsion.reach[i, j]
        r = np.linspace(0.2 * end, 1.1 * end, 400)
        step = 1e-5 * end
        energies, slopes = repulsion.evaluate(*pair, r)
        expected = repulsion.evaluate(*pair, r + step)[0] - repulsion.evaluate(*pair, r - step)[0]
        assert_allclose(slopes, expected / (2 * step), rtol=1e-5, atol=1e-4 * energies.max() / end)
        assert (np.diff(energies[r < end]) < 0).all() and (energies[r >= end] == 0).all()
        # Zero with its first two derivatives: less than the cube of the distance from the end.
        near = repulsion.evaluate(*pair, end * (1 - np.array([1e-2, 1e-3, 1e-4])))
        assert (near[0][1:] < 2e-3 * near[0][:-1]).all()
        assert (-near[1][1:] < 2e-2 * -near[1][:-1]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_forces_and_stress_are_derivatives(pipes, close, kind):
    close.calc = HDNNPCalculator(pipes[kind])
    forces, stress = close.get_forces(), close.get_stress()
    expected = calculate_numerical_forces(close, eps=1e-5)
    assert_allclose(forces, expected, atol=1e-7 * np.abs(forces).max())
    expected = calculate_numerical_stress(close, eps=1e-6)
    assert_allclose(stress, expected, atol=1e-6 * np.abs(stress).max())


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_and_calculator_agree(pipes, close, structures, kind):
    batch = [close, *structures]
    energies, forces = pipes[kind].predict(batch), predict_forces(pipes[kind], batch)
    stress = predict_stress(pipes[kind], batch)
    without = pipes[None].predict(batch)
    assert energies[0] > without[0] + 0.1
    assert_array_equal(energies[1:], without[1:])
    for index in (0, 1):
        atoms = batch[index].copy()
        atoms.calc = HDNNPCalculator(pipes[kind])
        assert_allclose(atoms.get_potential_energy(), energies[index], rtol=1e-12)
        assert_allclose(atoms.get_potential_energies().sum(), energies[index], rtol=1e-12)
        scale = np.abs(forces[index]).max()
        assert_allclose(atoms.get_forces(), forces[index], atol=1e-10 * scale)
        assert_allclose(atoms.get_potential_energy(), energies[index], rtol=1e-12)
        assert_allclose(atoms.get_stress(voigt=False), stress[index], atol=1e-10 * scale)


@pytest.mark.parametrize("kind", KINDS)
def test_symmetries(pipes, close, kind):
    energy = pipes[kind].predict([close])[0]
    turned = close.copy()
    turned.rotate(40.0, (1, 2, 3), rotate_cell=True)
    turned.positions += [5.0, -3.0, 0.4]
    permuted = close[np.random.default_rng(0).permutation(len(close))]
    assert_allclose(pipes[kind].predict([turned, permuted]), energy, rtol=1e-10)
    assert_allclose(pipes[kind].predict([close * (2, 1, 1)]), 2 * energy, rtol=1e-10)


def test_auto_changes_nothing_in_training(pipes, structures):
    with_core, without = pipes["auto"][-1], pipes[None][-1]
    assert_array_equal(with_core.weights_, without.weights_)
    assert_array_equal(pipes["auto"].predict(structures), pipes[None].predict(structures))
    for core, plain in zip(
        predict_forces(pipes["auto"], structures), predict_forces(pipes[None], structures),
        strict=True,
    ):  # fmt: skip
        assert_array_equal(core, plain)


def test_cores_begin_at_the_closest_distances(pipes, structures):
    reach = pipes["auto"][-1].repulsion_.reach
    for i, first in enumerate("HO"):
        for j, second in enumerate("HO"):
            closest = np.inf
            for atoms in structures:
                repeated = atoms * [3 if periodic else 1 for periodic in atoms.pbc]
                distances = repeated.get_all_distances()
                distances[np.diag_indices(len(distances))] = np.inf
                pairs = np.ix_(repeated.symbols == first, repeated.symbols == second)
                closest = min(closest, distances[pairs].min())
            assert_allclose(reach[i, j], closest, rtol=1e-12)


def test_closest_distances_over_many_structures_of_all_sizes():
    rng = np.random.default_rng(0)
    structures = [
        Atoms(rng.choice(["Al", "Cu"], n), positions=rng.uniform(0, 3 * n ** (1 / 3), (n, 3)))
        for n in rng.integers(2, 30, 40)
    ]
    expected = np.full((2, 2), np.inf)
    for atoms in structures:
        distances = atoms.get_all_distances() + np.diag(np.full(len(atoms), np.inf))
        for i, first in enumerate((13, 29)):
            for j, second in enumerate((13, 29)):
                pairs = distances[np.ix_(atoms.numbers == first, atoms.numbers == second)]
                expected[i, j] = min(expected[i, j], pairs.min(initial=np.inf))
    expected[expected >= 2.0] = np.inf
    of_pairs, of_images = closest_distances(structures, np.array([13, 29]), 2.0)
    assert_allclose(of_pairs, expected)
    assert np.isinf(of_images).all()


def test_pairs_that_training_has_not_seen_have_cores_too():
    closest = np.array([[2.0, np.inf], [np.inf, np.inf]])
    nowhere = np.full((2, 2), np.inf)
    repulsion = core_repulsion((13, 29), closest, nowhere, 6.0)
    radii = covalent_radii[[13, 29]]
    assert_allclose(repulsion.reach, 2.0 * (radii[:, None] + radii) / (2 * radii[0]))
    assert_allclose(core_repulsion((13, 29), closest, nowhere, 2.1).reach.max(), 2.1)
    assert core_repulsion((13, 29), nowhere, nowhere, 6.0) is None


def test_images_of_an_atom_are_no_pairs():
    alloy = bulk("Cu", cubic=True)
    alloy.symbols[0] = "Au"
    alloy.rattle(0.05, seed=0)
    of_pairs, of_images = closest_distances([alloy], np.array([29, 79]), 5.0)
    assert np.isinf(of_pairs[1, 1])
    reach = core_repulsion((29, 79), of_pairs, of_images, 5.0).reach
    assert 1.5 < reach[1, 1] < 3.0
    crystal = closest_distances([bulk("Cu")], np.array([29]), 5.0)
    assert_allclose(core_repulsion((29,), *crystal, 5.0).reach, 3.61 / 2**0.5)


def test_networks_learn_what_the_universal_potential_leaves():
    repulsion, structures = universal_repulsion((14,), 6.0), []
    for seed in range(8):
        atoms = bulk("Si", cubic=True)
        atoms.set_cell(0.85 * atoms.cell.array, scale_atoms=True)
        atoms.rattle(0.1, seed=seed)
        structures.append(atoms)
    rest = np.random.default_rng(0).normal(size=8)
    forces_left = list(np.random.default_rng(1).normal(size=(8, 8, 3)))
    sums = repulsion.sums(structures)
    forces = [own - pairs for own, pairs in zip(forces_left, sums.gradients, strict=True)]
    assert np.ptp(sums.totals) > 1.0
    learned = make_pipeline(
        SymmetryFunctionTransformer([SymmetryFunction("G2", eta=0.1)], r_cut=4.0),
        HDNNPRegressor((2,), max_epochs=2, repulsion="zbl", random_state=0),
    )
    expected = clone(learned).set_params(hdnnpregressor__repulsion=None)
    learned.fit(structures, rest + sums.totals, hdnnpregressor__forces=forces)
    expected.fit(structures, rest, hdnnpregressor__forces=forces_left)
    assert_allclose(learned[-1].weights_, expected[-1].weights_, rtol=1e-6)
    total = expected.predict(structures) + sums.totals
    assert_allclose(learned.predict(structures), total, rtol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_regressors_of_selectors_have_it(structures, kind):
    energies = np.random.default_rng(0).normal(size=len(structures))
    X = trained_pipeline(structures)[0].transform(structures)
    selector = WeightNormSelector(
        3, estimator=HDNNPRegressor((4,), max_epochs=2, repulsion=kind, random_state=0)
    )
    model = selector.fit(X, energies).estimator_
    assert (model.repulsion_.reach > 0).all()


def test_energies_alone_have_it_in_the_calculator(pipes, close):
    calculator = HDNNPCalculator(pipes["auto"])
    calculator.calculate(close, ["energy"], all_changes)
    assert_allclose(calculator.results["energy"], pipes["auto"].predict([close])[0], rtol=1e-12)


def test_functions_that_end_early_do_not_cut_the_pair_term_off(structures):
    functions = [SymmetryFunction("G2", eta=0.3, r_cut=1.2), SymmetryFunction("G2", eta=0.1)]
    energies = np.arange(len(structures), dtype=float)
    weights = np.array([1, 1, np.inf, np.inf] * 2)  # those that end at R_CUT have none
    pipe = make_pipeline(
        SymmetryFunctionTransformer(functions, r_cut=R_CUT, min_range=0),
        HDNNPRegressor((3,), max_epochs=2, feature_weights=weights, random_state=0),
    ).fit(structures, energies)
    reach = pipe[-1].repulsion_.reach[0, 1]
    assert reach > 1.2
    atoms = Atoms("HO", positions=[[0, 0, 0], [0, 0, 0.95 * reach]])
    calculator = HDNNPCalculator(pipe)
    assert len(calculator.symmetry_functions_) == 4
    assert_allclose(calculator.get_potential_energy(atoms), pipe.predict([atoms])[0], rtol=1e-12)
    assert_allclose(calculator.get_forces(atoms), predict_forces(pipe, [atoms])[0], rtol=1e-9)
    assert calculator.get_forces(atoms)[1, 2] > 0


def test_tables_and_own_descriptors_have_none():
    X = np.random.default_rng(0).normal(size=(20, 3))
    model = HDNNPRegressor((2,), max_epochs=1, random_state=0).fit(X, X[:, 0])
    assert model.repulsion_ is None
    with pytest.raises(ValueError, match="needs features that know their structures"):
        clone(model).set_params(repulsion="zbl").fit(X, X[:, 0])


def test_features_without_structures(pipes, structures):
    X = pipes["zbl"][0].transform(structures)
    bare = AtomicFeatures(X.values, X.numbers, symmetry_functions=X.symmetry_functions)
    assert_array_equal(pipes["auto"][-1].predict(bare), pipes["auto"][-1].predict(X))
    with pytest.raises(ValueError, match="repulsion='zbl' needs features that know"):
        pipes["zbl"][-1].predict(bare)


def test_a_reach_beyond_the_cutoff_radius_is_refused():
    cesium = [bulk("Cs", cubic=True) for _ in range(4)]
    for seed, atoms in enumerate(cesium):
        atoms.rattle(0.1, seed=seed)
    functions = [SymmetryFunction("G2", eta=0.1)]
    pipe = make_pipeline(
        SymmetryFunctionTransformer(functions, r_cut=4.0), HDNNPRegressor(repulsion="zbl")
    )
    with pytest.raises(ValueError, match=r"reaches 4.88 for the pair Cs-Cs, .* r_cut=4\. Raise"):
        pipe.fit(cesium, np.arange(4.0))


@pytest.mark.parametrize("dummy", [0, 100])
def test_elements_without_radius_are_refused(dummy):
    with pytest.raises(ValueError, match="needs the covalent radius of every element; atomic num"):
        universal_repulsion((dummy,), 6.0)


def test_unknown_kinds_are_refused(structures):
    with pytest.raises(ValueError, match="'repulsion' parameter of HDNNPRegressor must be"):
        trained_pipeline(structures, repulsion="hard")


def test_unsound_structures_are_refused_in_prediction(pipes, structures):
    X = pipes["auto"][0].transform(structures).compute()
    X.structures[2].positions[0] = np.nan
    with pytest.raises(ValueError, match="Structure 2 has a position that is not finite"):
        pipes["auto"][-1].predict(X)
    foreign = pipes["auto"][0].transform(structures).compute()
    foreign.structures[1].numbers[0] = 79
    with pytest.raises(ValueError, match="Structure 1 contains Au, which was not in training"):
        pipes["auto"][-1].predict(foreign)


def test_constants_are_those_of_the_literature():
    assert_allclose(Hartree * Bohr, 14.39964548, rtol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_potentials_keep_it(pipes, close, structures, kind, tmp_path):
    save(pipes[kind], tmp_path / "potential.npz")
    loaded = load(tmp_path / "potential.npz")
    batch = [close, *structures]
    assert_array_equal(loaded.predict(batch), pipes[kind].predict(batch))
    expected = predict_forces(pipes[kind], batch)
    for own, other in zip(predict_forces(loaded, batch), expected, strict=True):
        assert_array_equal(own, other)
