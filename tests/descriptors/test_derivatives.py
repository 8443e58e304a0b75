"""Products with the Jacobian against finite differences, each other, and their symmetries."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_agl import AtomicFeatures
from sklearn_agl.descriptors import SymmetryFunction, SymmetryFunctionTransformer, _evaluation
from sklearn_agl.descriptors._jacobian import JacobianProducts

from ._examples import EVERY_KIND, crystal_and_molecules, every_example

STEP = 1e-5


@pytest.fixture(scope="module")
def structures():
    return crystal_and_molecules()


@pytest.fixture(scope="module")
def fitted(structures):
    return SymmetryFunctionTransformer(EVERY_KIND, r_cut=3.0).fit(structures)


def random_moves(structures, seed=1):
    rng = np.random.default_rng(seed)
    displacements = [rng.normal(size=(len(atoms), 3)) for atoms in structures]
    return displacements, rng.normal(size=(len(structures), 3, 3))


def moved(structures, displacements, strains, step):
    result = []
    for atoms, displacement, strain in zip(structures, displacements, strains, strict=True):
        deformation = np.eye(3) + step * strain
        atoms = atoms.copy()
        atoms.positions = atoms.positions @ deformation + step * displacement
        atoms.set_cell(atoms.cell.array @ deformation)
        result.append(atoms)
    return result


def finite_differences(transformer, structures, displacements, strains):
    """Central differences of fourth order."""

    def values(step):
        return transformer.transform(moved(structures, displacements, strains, step)).values

    near, far = values(STEP) - values(-STEP), values(2 * STEP) - values(-2 * STEP)
    return (8.0 * near - far) / (12.0 * STEP)


@every_example
def test_jvp_equals_finite_differences(structures, functions):
    transformer = SymmetryFunctionTransformer(functions, r_cut=3.0).fit(structures)
    moves = random_moves(structures)
    expected = finite_differences(transformer, structures, *moves)
    scale = 1.0 + np.nanmax(np.abs(expected))
    assert_allclose(transformer.jvp(structures, *moves), expected, rtol=1e-7, atol=1e-8 * scale)


@every_example
def test_vjp_is_the_transpose_of_jvp(structures, functions):
    transformer = SymmetryFunctionTransformer(functions, r_cut=3.0).fit(structures)
    displacements, strains = random_moves(structures)
    changes = transformer.jvp(structures, displacements, strains)
    vectors = np.random.default_rng(2).normal(size=changes.shape)
    gradients, strain_gradients = transformer.vjp(structures, vectors)
    for i in range(len(structures)):
        other = np.sum(gradients[i] * displacements[i]) + np.sum(strain_gradients[i] * strains[i])
        assert_allclose(np.nansum(vectors[i] * changes[i]), other, rtol=1e-11, atol=1e-12)


def test_atoms_with_more_neighbors_than_there_is_room_for_at_first():
    few, many = bulk("Al", cubic=True) * 2, bulk("Al", a=2.1, cubic=True) * 2
    for seed, atoms in enumerate((few, many)):
        atoms.rattle(0.05, seed=seed)
    functions = [SymmetryFunction("G4", eta=0.1, zeta=zeta, lambda_=1) for zeta in (1, 2)]
    transformer = SymmetryFunctionTransformer(functions, r_cut=4.5).fit([few])
    vectors = np.random.default_rng(3).normal(size=(2, len(few), 2))
    together, _ = transformer.vjp([few, many], vectors)
    displacements, strains = random_moves([few, many])
    changes = transformer.jvp([few, many], displacements, 0.0 * strains)
    for i in range(2):
        other = np.sum(together[i] * displacements[i])
        assert_allclose(np.sum(vectors[i] * changes[i]), other, rtol=1e-11)


def random_directions(structures, numbers, seed=8):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, len(a), 3)) for n, a in zip(numbers, structures, strict=True)]


def assert_same_one_by_one(products, changes, directions):
    """Compare many changes at once with those along one direction after the other."""
    for k in range(max(map(len, directions))):
        moves = [own[k] if k < len(own) else np.zeros(own.shape[1:]) for own in directions]
        expected = products.jvp(moves)
        scale = np.nanmax(np.abs(expected))
        for s, own in enumerate(changes):
            if k < len(own):
                one = expected[s, : own.shape[1]]
                assert_allclose(own[k], one, rtol=1e-10, atol=1e-12 * scale)


@every_example
def test_many_directions_at_once_equal_one_after_the_other(structures, functions):
    transformer = SymmetryFunctionTransformer(functions, r_cut=3.0).fit(structures)
    products = JacobianProducts.of_features(transformer.transform(structures))
    for numbers in ((1, 1, 1, 1), (3, 21, 9, 0)):
        directions = random_directions(structures, numbers)
        changes = products.jvps(directions)
        assert [len(own) for own in changes] == list(numbers)
        assert_same_one_by_one(products, changes, directions)


def test_many_directions_of_many_neighbors_fill_the_stream_more_than_once():
    rng = np.random.default_rng(9)
    crystal = bulk("Cu", cubic=True).repeat(2)
    crystal.numbers[::3] = 47
    crystal.rattle(0.1, rng=rng)
    functions = [
        SymmetryFunction("G2", eta=0.1),
        *[
            SymmetryFunction(kind, eta=0.01, r_s=r_s, zeta=zeta, lambda_=1, weighted=weighted)
            for kind in ("G4", "G5")
            for r_s in (0.0, 0.5)
            for zeta in (1, 7)
            for weighted in (False, True)
        ],
    ]
    transformer = SymmetryFunctionTransformer(functions, r_cut=6.5).fit([crystal])
    X = transformer.transform([crystal])
    directions = random_directions([crystal], [9])
    products = JacobianProducts.of_features(X.take_features(np.arange(0, X.n_features, 3)))
    assert_same_one_by_one(products, products.jvps(directions), directions)


def test_many_directions_in_pieces_and_threads_give_the_same(fitted, structures, monkeypatch):
    X = fitted.transform(structures)
    directions = random_directions(structures, (20, 17, 9, 3))
    expected = JacobianProducts.of_features(X).jvps(directions)
    monkeypatch.setattr(_evaluation, "BYTES_PER_PIECE", 1)
    changes = JacobianProducts.of_features(X, n_jobs=2).jvps(directions, dtype=np.float32)
    for one, other in zip(expected, changes, strict=True):
        assert other.dtype == np.float32
        assert_array_equal(one.astype(np.float32), other)


def test_jacobian_holds_the_same_numbers(fitted, structures):
    displacements, _ = random_moves(structures)
    changes = fitted.jvp(structures, displacements)
    for jacobian, displacement, change in zip(
        fitted.jacobian(structures), displacements, changes, strict=True
    ):
        n_atoms = len(displacement)
        assert jacobian.shape == (n_atoms * fitted.n_features_out_, n_atoms * 3)
        product = (jacobian @ displacement.ravel()).reshape(n_atoms, -1)
        assert_allclose(product, np.nan_to_num(change[:n_atoms]), rtol=1e-10, atol=1e-12)


def test_moving_or_turning_everything_changes_nothing(fitted, structures):
    rng = np.random.default_rng(3)
    turn = rng.normal(size=(3, 3))
    turn -= turn.T
    shifts = [np.tile(rng.normal(size=3), (len(atoms), 1)) for atoms in structures]
    changes = fitted.jvp(structures, shifts, np.tile(turn, (len(structures), 1, 1)))
    assert np.nanmax(np.abs(changes)) < 1e-12


def test_forces_balance_and_the_stress_is_symmetric(fitted, structures):
    shape = fitted.transform(structures).shape
    gradients, strain_gradients = fitted.vjp(
        structures, np.random.default_rng(4).normal(size=shape)
    )
    for gradient, strain in zip(gradients, strain_gradients, strict=True):
        assert_allclose(gradient.sum(axis=0), 0.0, atol=1e-11)
        assert_allclose(strain, strain.T, atol=1e-11)


def test_what_is_not_defined_does_not_count(fitted, structures):
    values = fitted.transform(structures).values
    vectors = np.random.default_rng(5).normal(size=values.shape)
    gradients, _ = fitted.vjp(structures, vectors)
    marked, _ = fitted.vjp(structures, np.where(np.isnan(values), np.nan, vectors))
    for one, two in zip(gradients, marked, strict=True):
        assert_array_equal(one, two)


def test_number_of_jobs_does_not_change_a_digit(fitted, structures):
    many = structures * 4
    vectors = np.random.default_rng(6).normal(size=fitted.transform(many).shape)
    one = fitted.vjp(many, vectors)
    two = SymmetryFunctionTransformer(EVERY_KIND, r_cut=3.0, n_jobs=2).fit(many).vjp(many, vectors)
    assert_array_equal(np.concatenate(one[0]), np.concatenate(two[0]))
    assert_array_equal(one[1], two[1])


@pytest.mark.parametrize(
    "third", [[0, 0, -1.5], [0, 0, 2.6], [0, 0, 3.0], [0, 0, np.nextafter(3.0, 0.0)]]
)
def test_straight_lines_and_the_cutoff_radius_give_finite_derivatives(fitted, third):
    line = [Atoms("OHH", positions=[[0, 0, 0], [0, 0, 1.2], third])]
    shape = fitted.transform(line).shape
    gradients, _ = fitted.vjp(line, np.ones(shape))
    assert np.isfinite(gradients[0]).all()
    assert np.isfinite(np.nan_to_num(fitted.jvp(line, gradients))).all()


def test_pair_of_atoms_by_hand():
    pair = [Atoms("H2", positions=[[0, 0, 0], [0, 0, 1.5]])]
    function = SymmetryFunction("G2", eta=0.2, r_s=0.5, r_cut=3.0, cutoff="cosine")
    gradients, strain = (
        SymmetryFunctionTransformer([function]).fit(pair).vjp(pair, np.ones((1, 2, 1)))
    )
    # exp(-0.2) [f_c' - 2 * 0.2 * 1.0 * f_c] for each atom, f_c = 1 / 2, f_c' = -pi / 6
    slope = 2.0 * np.exp(-0.2) * (-np.pi / 6.0 - 0.2)
    assert_allclose(gradients[0], [[0, 0, -slope], [0, 0, slope]], rtol=1e-12, atol=1e-15)
    assert_allclose(strain[0], np.diag([0.0, 0.0, 1.5 * slope]), rtol=1e-12, atol=1e-15)


def test_wrong_shapes_are_refused(fitted, structures):
    with pytest.raises(ValueError, match=r"vectors has shape \(1, 2, 3\), but needs \(4, 5, "):
        fitted.vjp(structures, np.zeros((1, 2, 3)))
    with pytest.raises(ValueError, match="displacements for 1 structures, but there are 4"):
        fitted.jvp(structures, [np.zeros((5, 3))])
    wrong = [np.zeros((len(atoms), 3)) for atoms in structures]
    wrong[2] = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"structure 2 have shape \(2, 3\), but need \(3, 3\)"):
        fitted.jvp(structures, wrong)
    products = JacobianProducts.of_features(fitted.transform(structures))
    with pytest.raises(ValueError, match=r"structure 0 have shape \(5, 3\), but need \(5, 5, 3\)"):
        products.jvps([np.zeros((len(atoms), 3)) for atoms in structures])
    with pytest.raises(ValueError, match=r"strains has shape \(3, 3\), but needs \(4, 3, 3\)"):
        fitted.jvp(structures, [np.zeros((len(a), 3)) for a in structures], np.eye(3))


def test_features_give_the_same_products_as_their_transformer(fitted, structures):
    X = fitted.transform(structures)
    columns = np.arange(0, X.n_features, 3)
    displacements, strains = random_moves(structures)
    vectors = np.random.default_rng(7).normal(size=X.shape)
    kept = np.isin(np.arange(X.n_features), columns)
    expected = (
        fitted.vjp(structures, vectors * kept),
        fitted.jvp(structures, displacements, strains),
    )
    products = JacobianProducts.of_features(X.take_features(columns))
    gradients, strain_gradients = products.vjp(vectors[:, :, columns])
    assert_allclose(
        np.concatenate(gradients), np.concatenate(expected[0][0]), rtol=1e-10, atol=1e-11
    )
    assert_allclose(strain_gradients, expected[0][1], rtol=1e-10, atol=1e-11)
    changes = products.jvp(displacements, strains)
    assert_allclose(changes, expected[1][:, :, columns], rtol=1e-10, atol=1e-11)


def test_sliced_features_keep_their_padding(fitted, structures):
    X = fitted.transform(structures)[[3, 2]]
    products = JacobianProducts.of_features(X)
    assert products.shape == X.shape == (2, 5, fitted.n_features_out_)
    changes = products.jvp(random_moves([structures[3], structures[2]])[0])
    assert_array_equal(np.isnan(changes), np.isnan(X.values))


def test_derivatives_belong_to_the_values_even_if_structures_move_later(fitted, structures):
    atoms = structures[0].copy()
    X = fitted.transform([atoms])
    atoms.positions[0] += 0.1
    vectors = np.ones(X.shape)
    gradients, _ = JacobianProducts.of_features(X).vjp(vectors)
    expected, _ = fitted.vjp([structures[0]], vectors)
    assert_allclose(gradients[0], expected[0], rtol=1e-10, atol=1e-11)


def test_features_without_structures_or_functions_have_no_derivatives(fitted, structures):
    X = fitted.transform(structures)
    with pytest.raises(ValueError, match="features that know their symmetry_functions"):
        JacobianProducts.of_features(AtomicFeatures(X.values, X.numbers, structures=structures))
    bare = AtomicFeatures(X.values, X.numbers, symmetry_functions=X.symmetry_functions)
    with pytest.raises(ValueError, match="features that know their structures"):
        JacobianProducts.of_features(bare)
