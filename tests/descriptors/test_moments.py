"""Wide angular functions without pairs of neighbours, against those with them."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from numpy.polynomial.legendre import legval
from numpy.testing import assert_allclose

from sklearn_agl.descriptors import SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.descriptors._costs import _data_of_a_step
from sklearn_agl.descriptors._evaluation import bind
from sklearn_agl.descriptors._jacobian import JacobianProducts
from sklearn_agl.descriptors.kernels._moment_plan import plan_moments
from sklearn_agl.descriptors.kernels._moments import HIGHEST_DEGREE, NO_SET, expand

from ._plain import evaluate_all

SETS = (
    (0.05, 0.5, (2, HIGHEST_DEGREE // 2)),
    (0.3, 1.0, (2, HIGHEST_DEGREE // 2)),
    (0.1, 0.5, (3,)),
)
FUNCTIONS = [
    SymmetryFunction("G2", eta=0.2),
    SymmetryFunction("G5", eta=0.1, r_s=0.2, zeta=2.5, lambda_=1),
    SymmetryFunction("G5", eta=0.1, r_s=0.5, zeta=3, lambda_=1, r_cut=2.6),
    *[
        SymmetryFunction("G5", eta=eta, r_s=r_s, zeta=zeta, lambda_=lambda_, weighted=weighted)
        for eta, r_s, zetas in SETS
        for zeta in zetas
        for lambda_ in (-1, 1)
        for weighted in (False, True)
    ],
]
"""Several sets of moments, with and without weights, pairs of elements, two shells."""


@pytest.fixture(scope="module")
def structures():
    crystal = bulk("NaCl", "rocksalt", a=4.6, cubic=True)
    crystal.rattle(0.2, seed=1)
    slab = crystal[:5]
    slab.pbc = [True, True, False]
    return [slab, Atoms("Na")]


@pytest.fixture(scope="module")
def transformer(structures):
    return SymmetryFunctionTransformer(FUNCTIONS, r_cut=4.0).fit(structures)


def plan_that_goes(transformer, *, by_moments):
    """The plan with costs that leave no choice."""
    plan = transformer._planner.plan()
    costs = np.zeros_like(plan.arrays.costs)
    if by_moments:
        costs[:, 0] = -np.arange(len(costs))
    return plan._replace(arrays=plan.arrays._replace(costs=costs))


def products(transformer, structures, *, by_moments):
    batches = transformer._batches(structures)[1]
    return JacobianProducts(plan_that_goes(transformer, by_moments=by_moments), batches)


def values_by_moments(transformer, structures):
    transformer._planner._plans[None] = plan_that_goes(transformer, by_moments=True)
    values = transformer.transform(structures).values
    transformer._planner._plans.clear()
    return values


def assert_equal_to_rounding(first, second):
    assert_allclose(first, second, rtol=1e-12, atol=1e-14 * np.nanmax(np.abs(second)))


@pytest.mark.parametrize("zeta", [1, 2, 5, 16, HIGHEST_DEGREE])
@pytest.mark.parametrize("lambda_", [-1, 1])
def test_expansions_are_the_powers(zeta, lambda_):
    x = np.linspace(-1.0, 1.0, 101)
    expected = 2.0 ** (1 - zeta) * (1 + lambda_ * x) ** zeta
    assert_allclose(legval(x, expand(zeta, lambda_)), expected, atol=1e-14)


def test_values_equal_the_sums_over_pairs(transformer, structures):
    values = values_by_moments(transformer, structures)
    for own, atoms in zip(values, structures, strict=True):
        expected = evaluate_all(atoms, transformer.symmetry_functions_)
        assert_equal_to_rounding(own[: len(atoms)], expected)


def test_products_equal_those_by_pairs(transformer, structures):
    rng = np.random.default_rng(0)
    moments, pairs = (
        products(transformer, structures, by_moments=choice) for choice in (True, False)
    )
    displacements = [rng.normal(size=(len(atoms), 3)) for atoms in structures]
    strains = rng.normal(size=(len(structures), 3, 3))
    changes = pairs.jvp(displacements, strains)
    assert_equal_to_rounding(moments.jvp(displacements, strains), changes)
    vectors = rng.normal(size=changes.shape)
    for own, other in zip(moments.vjp(vectors), pairs.vjp(vectors), strict=True):
        for first, second in zip(own, other, strict=True):
            assert_allclose(first, second, rtol=1e-11, atol=1e-10)
    directions = [rng.normal(size=(3, len(atoms), 3)) for atoms in structures]
    for first, second in zip(moments.jvps(directions), pairs.jvps(directions), strict=True):
        assert_equal_to_rounding(first, second)


def test_energies_and_forces_equal_those_by_pairs(transformer, structures):
    batch, found = transformer._batches(structures)[1][0], []
    for choice in (True, False):
        plan = plan_that_goes(transformer, by_moments=choice)
        data = _data_of_a_step(batch, plan)
        bind(plan, batch, "forces")(data)
        found.append((data.energies, data.values, data.gradient, data.strain))
    for first, second in zip(*found, strict=True):
        assert_equal_to_rounding(first, second)


def test_changes_equal_finite_differences(transformer, structures):
    rng, step = np.random.default_rng(3), 1e-4
    moves = [rng.normal(size=(len(atoms), 3)) for atoms in structures]

    def values(times):
        moved = [atoms.copy() for atoms in structures]
        for atoms, move in zip(moved, moves, strict=True):
            atoms.positions += times * step * move
        return values_by_moments(transformer, moved)

    near, far = values(1) - values(-1), values(2) - values(-2)
    expected = (8.0 * near - far) / (12.0 * step)
    changes = products(transformer, structures, by_moments=True).jvp(moves)
    assert_allclose(changes, expected, rtol=1e-7, atol=1e-9 * np.nanmax(np.abs(expected)))


def test_rounding_is_that_of_the_square_of_the_radial_sum():
    atoms = bulk("Si", cubic=True) * 2
    atoms.rattle(0.1, seed=0)
    functions = [SymmetryFunction("G2", eta=0.1, r_s=0.5)]
    functions += [
        SymmetryFunction("G5", eta=0.1, r_s=0.5, zeta=zeta, lambda_=lambda_)
        for zeta in (1, HIGHEST_DEGREE)
        for lambda_ in (-1, 1)
    ]
    transformer = SymmetryFunctionTransformer(functions, r_cut=5.0).fit([atoms])
    pairs = transformer.transform([atoms]).values[0]
    moments = values_by_moments(transformer, [atoms])[0]
    scale = pairs[:, :1] ** 2
    assert pairs[:, 1:].min() < 1e-2 * scale.min()  # where much cancels
    assert_allclose(moments / scale, pairs / scale, rtol=0, atol=1e-14)


def sets_of(functions):
    transformer = SymmetryFunctionTransformer(functions, r_cut=4.0).fit(
        [bulk("NaCl", "rocksalt", a=5.6)]
    )
    return transformer._planner.plan().arrays


def test_groups_with_a_power_that_is_not_whole_or_too_high_go_by_pairs():
    for zeta in (2.5, HIGHEST_DEGREE + 1):
        arrays = sets_of([SymmetryFunction("G5", eta=0.1, zeta=z, lambda_=1) for z in (1, zeta)])
        assert not len(arrays.sets)
        assert set(arrays.groups["set"]) == {NO_SET}


def test_pairs_of_elements_and_weighted_functions_share_a_set():
    arrays = sets_of(
        [
            SymmetryFunction("G5", eta=0.1, zeta=zeta, lambda_=1, weighted=weighted)
            for zeta in (1, 3)
            for weighted in (False, True)
        ]
    )
    assert arrays.sets.tolist() == [(0.1, 0.0, 3)] * 2  # one per central element
    assert np.diff(arrays.product_starts).tolist() == [6, 6]


def test_nothing_is_left_to_pairs_once_all_sets_go_by_moments():
    arrays = sets_of([SymmetryFunction("G5", eta=eta, zeta=2, lambda_=1) for eta in (0.1, 0.2)])
    costs = arrays.costs.reshape(2, 3, -1)
    by_atom, by_neighbor, by_pair = costs[..., 0], costs[..., 1:3], costs[..., 3:]
    assert not by_atom[:, 0].any() and not by_neighbor[:, 0].any() and not by_pair[:, -1].any()
    assert (np.diff(by_neighbor, axis=1) > 0).all()
    # The pair (second, first) is that of (first, second).
    assert (np.diff(by_pair[..., [0, 1, 3]], axis=1) < 0).all() and not by_pair[..., 2].any()


def test_no_group_has_no_set():
    assert plan_moments([], 0, 1).set_of_group == []
