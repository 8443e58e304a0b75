import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from numpy.testing import assert_array_equal

from sklearn_agl import SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.descriptors import _costs, measure_costs


def rattled(atoms, seed=0):
    atoms.rattle(0.1, seed=seed)
    return atoms


@pytest.fixture(scope="module")
def aluminium():
    return [rattled(bulk("Al", cubic=True) * 3, seed) for seed in range(10)]


@pytest.fixture(scope="module")
def functions(aluminium):
    """Three radial functions, and two angular groups of two and one functions."""
    given = [
        SymmetryFunction("G4", eta=0.01, zeta=1, lambda_=1),
        *(SymmetryFunction("G2", eta=eta) for eta in (0.05, 0.1, 0.2)),
        SymmetryFunction("G4", eta=0.02, zeta=1, lambda_=1),
        SymmetryFunction("G4", eta=0.02, zeta=4, lambda_=-1),
    ]
    return SymmetryFunctionTransformer(given, r_cut=5.0).fit(aluminium).symmetry_functions_


@pytest.fixture
def stopwatch(monkeypatch):
    """Time is what the test says: a function of the chosen columns, in seconds."""

    def use(seconds_of):
        monkeypatch.setattr(_costs, "_race", lambda calls, _: {c: seconds_of(c) for c in calls})

    return use


def test_angular_functions_cost_more_than_radial_ones(aluminium, functions):
    # Other work can only make them longer.
    costs = np.min([measure_costs(functions, aluminium, duration=0.1) for _ in range(5)], axis=0)
    assert costs.shape == (6,)
    assert (costs > 0).all()
    assert costs[[0, 4, 5]].min() > costs[1:4].max()


def test_functions_that_are_evaluated_together_cost_the_same(aluminium, functions):
    costs = measure_costs(functions, aluminium, duration=0.0)
    assert costs[1] == costs[2] == costs[3]
    assert costs[4] == costs[5] != costs[0]


def test_radial_functions_divide_their_time_and_a_group_does_not(aluminium, functions, stopwatch):
    n_atoms = 5 * 108  # structures that are enough
    microseconds = {(): 1.0, (1, 2, 3): 4.0, (1, 2, 3, 0): 10.0, (1, 2, 3, 4, 5): 24.0}
    stopwatch(lambda columns: 1e-6 * n_atoms * microseconds[columns])
    costs = measure_costs(functions, aluminium)
    np.testing.assert_allclose(costs, [6.0, 1.0, 1.0, 1.0, 20.0, 20.0])


def test_noise_makes_no_function_free(aluminium, functions, stopwatch):
    stopwatch(lambda columns: {(): 2.0, (1, 2, 3): 1.9}.get(columns, 5.0))
    costs = measure_costs(functions, aluminium)
    np.testing.assert_allclose(costs[1:4] / costs[0], 0.5 * 0.01, rtol=0.1)


def test_without_neighbors_everything_has_a_positive_cost(functions):
    assert (measure_costs(functions, [Atoms("Al")], duration=0.0) > 0).all()


def test_functions_of_an_element_that_is_rare_cost_little(aluminium):
    alloy = [atoms.copy() for atoms in aluminium]
    for atoms in alloy:
        atoms.symbols[:2] = "Ni"
    transformer = SymmetryFunctionTransformer(
        [SymmetryFunction("G4", eta=0.02, zeta=1, lambda_=1, neighbors=("Al", "Al"))], r_cut=5.0
    )
    functions = transformer.fit(alloy).symmetry_functions_
    assert [function.center for function in functions] == ["Al", "Ni"]
    al, ni = measure_costs(functions, alloy, duration=0.2)
    assert ni < 0.2 * al


def test_weighted_functions_and_elements_that_do_not_occur(aluminium):
    given = [SymmetryFunction("G2", eta=0.1, weighted=True)]
    transformer = SymmetryFunctionTransformer(given, elements=["Al", "Ni"]).fit(aluminium)
    costs = measure_costs(transformer.symmetry_functions_, aluminium, duration=0.0)
    assert costs.shape == (2,)
    assert 0 < costs[1] < costs[0]


def test_a_sample_of_the_structures_is_enough(aluminium):
    assert_array_equal([len(one) for one in _costs._sample(aluminium)], [108] * 5)
    assert len(_costs._sample(aluminium[:2])) == 2


@pytest.mark.parametrize(
    "function",
    [
        SymmetryFunction("G2", eta=1.0, r_cut=5.0, cutoff="poly2", neighbors="Al"),
        SymmetryFunction("G2", eta=1.0, r_cut=5.0, cutoff="poly2", center="Al"),
        SymmetryFunction("G2", eta=1.0, cutoff="poly2", center="Al", neighbors="Al"),
    ],
)
def test_incomplete_definitions_are_named(aluminium, functions, function):
    with pytest.raises(ValueError, match="function 6.* not complete.*symmetry_functions_"):
        measure_costs([*functions, function], aluminium)


def test_there_must_be_a_function_and_a_structure(aluminium, functions):
    with pytest.raises(ValueError, match="symmetry_functions is empty"):
        measure_costs([], aluminium)
    with pytest.raises(ValueError, match="no structure"):
        measure_costs(functions, [])
