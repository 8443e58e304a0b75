"""A potential beside labels whose differences are planted."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

from sklearn_agl import HDNNPRegressor, SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.inspection import (
    AngularFunctionDisplay,
    ErrorByGroupDisplay,
    ParityDisplay,
    evaluate_potential,
)
from sklearn_agl.inspection._angular_functions import angle_distribution
from sklearn_agl.potentials import predict_forces, predict_stress

FUNCTIONS = [SymmetryFunction("G2", eta=eta, r_cut=4.0) for eta in (0.1, 1.0)]
OFFSETS = np.array([0.1, -0.3, 0.2, 0.0])
"""Planted errors of energies per atom."""
GROUPS = ["a", "a", "b", "b"]


@pytest.fixture(autouse=True)
def no_open_figures():
    yield
    plt.close("all")


def make_structures(n):
    structures = []
    for seed in range(n):
        atoms = bulk("NaCl", "rocksalt", a=4.6, cubic=True)
        atoms.rattle(0.05, seed=seed)
        structures.append(atoms)
    return structures


@pytest.fixture(scope="module")
def potential():
    structures = make_structures(20)
    pipe = make_pipeline(
        SymmetryFunctionTransformer(FUNCTIONS),
        HDNNPRegressor((2,), max_epochs=1, random_state=0, atomic_energies={"Na": 0.0, "Cl": 0.0}),
    )
    return pipe.fit(structures, np.linspace(-1.0, 1.0, 20))


@pytest.fixture(scope="module")
def labelled(potential):
    """Structures whose labels are the predictions, less planted errors."""
    structures = make_structures(4)
    energies, forces = potential.predict(structures), predict_forces(potential, structures)
    stresses = predict_stress(potential, structures)
    for k, atoms in enumerate(structures):
        force = forces[k] - 0.5 * (atoms.symbols == "Cl")[:, None]
        atoms.calc = SinglePointCalculator(
            atoms, energy=energies[k] - OFFSETS[k] * len(atoms), forces=force,
            stress=stresses[k] - 0.25,
        )  # fmt: skip
    return structures


@pytest.fixture(scope="module")
def evaluation(potential, labelled):
    return evaluate_potential(potential, labelled, groups=GROUPS)


def test_errors_of_everything(evaluation):
    (own,) = evaluation.errors()
    assert_allclose(evaluation.energy_errors, OFFSETS, atol=1e-12)
    assert_allclose(own.energy_rmse, np.sqrt(np.mean(OFFSETS**2)))
    assert_allclose(own.energy_mae, 0.15)
    assert_allclose(own.force_rmse, np.sqrt(0.125))
    assert_allclose(own.force_mae, 0.25)
    assert_allclose(own.stress_rmse, 0.25)
    assert (own.n_structures, own.n_atoms) == (4, 32)


def test_errors_by_group_and_element(evaluation):
    a, b = evaluation.errors("group")
    assert (a.name, b.name) == ("a", "b")
    assert_allclose([a.energy_rmse, b.energy_rmse], np.sqrt([0.05, 0.02]))
    cl, na = evaluation.errors("element")
    assert (cl.name, na.name) == ("Cl", "Na")
    assert_allclose([cl.force_rmse, na.force_rmse], [0.5, 0.0], atol=1e-12)
    assert np.isnan(cl.energy_rmse)
    assert cl.n_atoms == na.n_atoms == 16
    with pytest.raises(ValueError, match="by must be"):
        evaluation.errors("colour")


def test_tables(evaluation):
    pytest.importorskip("pandas")
    assert evaluation.to_frame("group").index.tolist() == ["a", "b"]
    table = evaluation.coverage()
    assert len(table) == len(evaluation.symmetry_functions) == 8
    assert table.index[0] == "G2 Na-Na #0: eta 0.1"


def test_a_function_outside_its_range_is_counted(potential, labelled):
    compressed = labelled[0].copy()
    compressed.set_cell(0.8 * compressed.cell, scale_atoms=True)
    inside = evaluate_potential(potential, labelled)
    outside = evaluate_potential(potential, [compressed])
    assert outside.atom_extrapolations.min() > 0
    assert_array_equal(outside.n_outside, [4, 4, 4, 4, 4, 4, 4, 4])
    assert_allclose(outside.share_outside, 1.0)
    assert inside.atom_extrapolations.sum() == inside.n_outside.sum()


def test_what_is_missing_is_not_judged(potential, labelled):
    some = [labelled[0], labelled[1].copy()]
    (own,) = evaluate_potential(potential, some).errors()
    assert_allclose(own.energy_rmse, 0.1)
    (nothing,) = evaluate_potential(potential, [labelled[0].copy()]).errors()
    assert np.isnan([nothing.energy_rmse, nothing.force_rmse, nothing.stress_rmse]).all()


def test_results_of_another_geometry_are_no_labels(potential, labelled):
    moved = labelled[0].copy()
    moved.calc = labelled[0].calc
    moved.rattle(0.01, seed=3)
    (own,) = evaluate_potential(potential, [moved]).errors()
    assert np.isnan([own.energy_rmse, own.stress_rmse]).all()


def test_groups_for_other_structures_are_refused(potential, labelled):
    with pytest.raises(ValueError, match="Got 1 groups for 4 structures"):
        evaluate_potential(potential, labelled, groups=["a"])


@pytest.mark.parametrize("quantity", ["energy", "forces"])
def test_parity(evaluation, quantity):
    display = ParityDisplay.from_evaluation(evaluation, quantity=quantity)
    (own,) = evaluation.errors()
    assert_allclose(display.rmse_, {"energy": own.energy_rmse, "forces": own.force_rmse}[quantity])
    assert [points.get_label() for points in display.points_] == GROUPS[::2]
    drawn = np.concatenate([points.get_xdata() for points in display.points_])
    assert len(drawn) == {"energy": 4, "forces": 96}[quantity]
    lines = display.residual_ax_.lines
    residuals = np.concatenate([line.get_ydata() for line in lines[: len(display.points_)]])
    assert_allclose(np.sqrt(np.mean(residuals**2)), display.rmse_)


def test_parity_of_an_estimator_on_given_axes(potential, labelled):
    _, ax = plt.subplots()
    display = ParityDisplay.from_estimator(potential, labelled, ax=ax)
    assert display.ax_ is ax
    assert display.residual_ax_ is None


def test_many_groups_share_a_colour():
    groups = [f"g{k:02d}" for k in range(15)]
    display = ParityDisplay(np.zeros(15), np.arange(15.0), groups).plot()
    labels = [points.get_label() for points in display.points_]
    assert labels == [*groups[-9:], "others"]


def test_parity_refuses_what_it_cannot_draw():
    with pytest.raises(ValueError, match="No value is known"):
        ParityDisplay([np.nan], [1.0])
    with pytest.raises(ValueError, match="quantity must be one of"):
        ParityDisplay([1.0], [1.0], quantity="colour")
    with pytest.raises(ValueError, match="groups has 2 entries"):
        ParityDisplay([1.0], [1.0], ["a", "b"])


def test_bars(evaluation):
    display = ErrorByGroupDisplay.from_evaluation(evaluation)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["b (2)", "a (2)"]
    assert_allclose([bar.get_width() for bar in display.bars_], np.sqrt([0.02, 0.05]))
    elements = ErrorByGroupDisplay.from_evaluation(evaluation, by="element", quantity="forces")
    assert elements.ax_.get_xlabel() == "RMSE of forces (eV/Å)"
    with pytest.raises(ValueError, match="nothing to draw"):
        ErrorByGroupDisplay.from_evaluation(evaluation, by="element")


@pytest.mark.parametrize(
    ("lattice", "wanted"),
    [("fcc", [60, 90, 120, 180]), ("diamond", [109.5]), ("sc", [90, 180])],
)
def test_angles_of_crystals(lattice, wanted):
    angles, distribution = angle_distribution([bulk("Si", lattice, a=5.0)])
    # An angle at the border of two bins is in one of them.
    assert all(np.abs(angles[distribution > 0] - w).min() <= 1.0 for w in wanted)
    assert all(np.abs(np.array(wanted) - a).min() <= 1.0 for a in angles[distribution > 0])


def test_angles_of_a_molecule():
    water = Atoms("OH2", [[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    angles, distribution = angle_distribution([water], r_max=1.1)
    assert abs(angles[np.argmax(distribution)] - 90.0) <= 1.0
    with pytest.raises(ValueError, match="no angles"):
        angle_distribution([Atoms("He", [[0, 0, 0]])])


def test_angular_terms():
    functions = [
        SymmetryFunction("G5", eta=eta, zeta=zeta, lambda_=1)
        for eta in (0.1, 1.0)
        for zeta in (1, 2)
    ]
    display = AngularFunctionDisplay(functions, np.arange(181.0), np.ones(181)).plot()
    first, second = display.lines_
    assert first.get_label().endswith("(2 functions)")
    assert_allclose(first.get_ydata()[[0, 90, 180]], [2, 1, 0], atol=1e-12)
    assert_allclose(second.get_ydata()[[0, 90, 180]], [2, 0.5, 0], atol=1e-12)
    with pytest.raises(ValueError, match="no angular function"):
        AngularFunctionDisplay(FUNCTIONS, [1.0], [1.0])
