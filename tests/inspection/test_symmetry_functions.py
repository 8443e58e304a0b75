import numpy as np
import pytest
from ase.build import bulk, molecule
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline

from sklearn_agl import EvenlySpacedSelector, HDNNPRegressor
from sklearn_agl.descriptors import SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.inspection import SymmetryFunctionDisplay
from sklearn_agl.inspection._radial_distribution import radial_distribution

RADIAL = SymmetryFunction("G2", eta=0.5, r_s=1.0, r_cut=4.0, cutoff="cosine")
ANGULAR = SymmetryFunction("G4", eta=0.5, zeta=1, lambda_=1, r_cut=4.0)
OTHER = SymmetryFunction("G2", eta=2.0, r_cut=4.0)
DISTANCES = np.linspace(0, 5, 51)


def test_lines_are_the_radial_functions():
    other = SymmetryFunction("G2", eta=2.0, r_cut=5.0)
    display = SymmetryFunctionDisplay([RADIAL, ANGULAR, other], "poly2", DISTANCES, DISTANCES)
    first, second = display.plot(length_unit="σ").lines_
    r = DISTANCES
    cosine = np.where(r < 4, 0.5 * (1 + np.cos(np.pi * r / 4)), 0)
    assert_allclose(first.get_ydata(), np.exp(-0.5 * (r - 1) ** 2) * cosine, atol=1e-14)
    x = r / 5
    poly2 = 1 + x**3 * ((15 - 6 * x) * x - 10)
    assert_allclose(second.get_ydata(), np.exp(-2 * r**2) * poly2, atol=1e-14)
    assert display.ax_.get_xlabel() == "distance (σ)"
    display.figure_.canvas.draw()


def test_labels_name_elements_where_there_are_several():
    mixed = SymmetryFunction("G2", eta=1.0, r_cut=4.0, center="Si", neighbors="O")
    plain = SymmetryFunction("G2", eta=1.0, r_cut=4.0, center="Si", neighbors="Si")
    display = SymmetryFunctionDisplay([mixed, plain], "poly2", DISTANCES, DISTANCES).plot()
    assert display.lines_[0].get_label().startswith("Si–O")
    assert display.lines_[1].get_label().startswith(r"$\eta$")


def test_from_structures_reaches_to_the_largest_cutoff():
    display = SymmetryFunctionDisplay.from_structures([bulk("Si")], [RADIAL], n_bins=50)
    assert display.distances.shape == display.rdf.shape == (50,)
    assert display.distances[-1] < 4.0 < display.distances[-1] + 0.05


def test_radial_distribution_counts_the_shells_of_a_crystal():
    crystal = bulk("Cu", cubic=True)
    distances, rdf = radial_distribution([crystal], r_max=4.0, n_bins=400)
    shell_volumes = 4 * np.pi * distances**2 * (4.0 / 400)
    coordination = rdf * shell_volumes * len(crystal) / crystal.get_volume()
    nearest = np.abs(distances - 3.61 / np.sqrt(2)) < 0.1
    assert_allclose(coordination[nearest].sum(), 12, rtol=1e-4)
    assert_allclose(coordination.sum(), 18, rtol=1e-4)


def test_radial_distribution_of_a_gas_without_order_is_one():
    rng = np.random.default_rng(0)
    gas = bulk("Cu", cubic=True) * 5
    gas.set_scaled_positions(rng.random((len(gas), 3)))
    distances, rdf = radial_distribution([gas, gas], r_max=8.0, n_bins=8)
    assert_allclose(rdf[2:], 1.0, atol=0.05)


def test_radial_distribution_needs_a_density():
    with pytest.raises(ValueError, match="Structure 1 is not periodic"):
        radial_distribution([bulk("Cu"), molecule("H2O")], r_max=3.0)


@pytest.mark.parametrize(
    "functions, message",
    [
        ([ANGULAR], "no radial function"),
        ([], "no radial function"),
        ([SymmetryFunction("G2", eta=1.0)], "no cutoff radius"),
    ],
)
def test_functions_that_cannot_be_drawn(functions, message):
    with pytest.raises(ValueError, match=message):
        SymmetryFunctionDisplay(functions, "poly2", DISTANCES, DISTANCES)


def test_bad_cutoff_and_lengths():
    with pytest.raises(ValueError, match="cutoff must be one of"):
        SymmetryFunctionDisplay([RADIAL], "square", DISTANCES, DISTANCES)
    with pytest.raises(ValueError, match="rdf has 3 entries"):
        SymmetryFunctionDisplay([RADIAL], "poly2", DISTANCES, [1.0, 2.0, 3.0])


def rattled_crystals():
    crystals = [bulk("Al", cubic=True) for _ in range(6)]
    for seed, atoms in enumerate(crystals):
        atoms.rattle(0.1, seed=seed)
    return crystals


def test_from_estimator_draws_the_functions_of_a_transformer():
    crystals = rattled_crystals()
    transformer = SymmetryFunctionTransformer([ANGULAR, RADIAL, OTHER], cutoff="tanhu")
    display = SymmetryFunctionDisplay.from_estimator(transformer.fit(crystals), crystals)
    assert len(display.lines_) == 2 and display.cutoff == "tanhu"


def test_from_estimator_draws_what_passes_the_selectors():
    crystals = rattled_crystals()
    transformer = SymmetryFunctionTransformer("al-22", min_range=0)
    chosen = EvenlySpacedSelector(2)  # columns 5 and 16, which is angular
    model = HDNNPRegressor((2,), max_epochs=1)
    potential = make_pipeline(transformer, chosen, model).fit(crystals, np.arange(6.0))
    (line,) = SymmetryFunctionDisplay.from_estimator(potential, crystals).lines_
    assert line.get_label() == r"$\eta$ = 1.85, $r_s$ = 0"
    with pytest.raises(ValueError, match="must be a fitted Pipeline"):
        SymmetryFunctionDisplay.from_estimator(chosen, crystals)


def test_a_long_legend_names_some_of_the_functions():
    functions = [SymmetryFunction("G2", eta=0.1 * k, r_cut=4.0) for k in range(1, 41)]
    display = SymmetryFunctionDisplay(functions, "poly2", DISTANCES, DISTANCES).plot()
    legend = display.ax_.get_legend()
    assert len(display.lines_) == 40
    assert len(legend.get_texts()) == 18
    assert legend.get_title().get_text() == "18 of 40 functions"
    assert legend.get_texts()[-1].get_text() == display.lines_[-1].get_label()
