"""The compiled kernels against the plain implementation, and the invariances of the functions."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import given, settings, strategies as st
from numba import njit
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from sklearn_agl.compiled._jit import LOOPS
from sklearn_agl.descriptors import SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.descriptors.kernels._triplets import (
    LANES,
    STREAM_WIDTH,
    four_at_once,
    has_avx2,
    one_by_one,
)

from ._examples import crystal_and_molecules, every_example
from ._plain import evaluate_all

FUNCTIONS = [
    SymmetryFunction("G2", eta=0.3),
    SymmetryFunction("G2", eta=4.0, r_s=1.5),
    SymmetryFunction("G2", eta=0.0, r_cut=2.5),
    SymmetryFunction("G2", eta=1.0, center="O", neighbors="H", cutoff="cosine"),
    *[
        SymmetryFunction("G4", eta=eta, r_s=r_s, zeta=zeta, lambda_=lambda_)
        for eta, r_s in ((0.1, 0.0), (0.6, 1.2))
        for zeta in (1, 3, 16)
        for lambda_ in (-1, 1)
    ],
    SymmetryFunction("G4", eta=0.2, zeta=2.5, lambda_=1, neighbors=("O", "H")),
    SymmetryFunction("G4", eta=0.2, zeta=2, lambda_=-1, r_cut=2.2, cutoff="cosine"),
]
ALL_PERIODICITIES = [[a, b, c] for a in (False, True) for b in (False, True) for c in (False, True)]


def transformer(**parameters):
    parameters = {
        "symmetry_functions": FUNCTIONS,
        "r_cut": 3.0,
        "elements": ["H", "O"],
    } | parameters
    return SymmetryFunctionTransformer(**parameters)


def values_of(atoms, **parameters):
    return transformer(**parameters).fit_transform([atoms]).values[0]


def random_structure(
    seed, n_atoms=6, pbc=False, cell=((3.1, 0, 0), (0.9, 2.7, 0), (-0.6, 0.4, 2.9))
):
    rng = np.random.default_rng(seed)
    positions = rng.uniform(-2.0, 4.0, size=(n_atoms, 3))
    return Atoms(rng.choice(["H", "O"], n_atoms), positions=positions, cell=cell, pbc=pbc)


def assert_as_plain(atoms, atol=1e-14, **parameters):
    fitted = transformer(**parameters).fit([atoms])
    expected = evaluate_all(atoms, fitted.symmetry_functions_)
    assert_allclose(fitted.transform([atoms]).values[0], expected, rtol=1e-10, atol=atol)


@every_example
def test_every_kind_and_cutoff_is_as_in_the_plain_implementation(functions):
    for atoms in crystal_and_molecules():
        assert_as_plain(atoms, symmetry_functions=functions)


@pytest.mark.parametrize("pbc", ALL_PERIODICITIES)
def test_molecules_wires_slabs_and_crystals_are_as_in_the_plain_implementation(pbc):
    assert_as_plain(random_structure(seed=sum(pbc), pbc=pbc))


def test_structures_of_more_triplets_than_a_stream_holds():
    rng = np.random.default_rng(0)
    atoms = Atoms("H3O2", positions=rng.uniform(0, 2.2, (5, 3)), cell=[2.2] * 3, pbc=True)
    assert_as_plain(atoms, r_cut=4.5, symmetry_functions=[FUNCTIONS[0], FUNCTIONS[4], FUNCTIONS[8]])


def test_an_atom_with_more_neighbors_than_are_taken_at_a_time():
    rng = np.random.default_rng(0)
    positions = np.concatenate([np.zeros((1, 3)), rng.normal(size=(700, 3))])
    function = SymmetryFunction("G4", eta=0.2, zeta=4, lambda_=-1, r_cut=4.0, center="O")
    values = values_of(Atoms("OH700", positions=positions), symmetry_functions=[function])

    def cutoff(distance):
        return np.polyval([-6, 15, -10, 0, 0, 1], np.minimum(distance / 4.0, 1.0))

    first, second = np.triu_indices(700, k=1)
    a, b = positions[1:][first], positions[1:][second]
    r_a, r_b, r_ab = (np.linalg.norm(v, axis=1) for v in (a, b, b - a))
    cosine = np.einsum("ij,ij->i", a, b) / (r_a * r_b)
    weight = np.exp(-0.2 * (r_a**2 + r_b**2 + r_ab**2)) * cutoff(r_a) * cutoff(r_b) * cutoff(r_ab)
    assert_allclose(values[0, 0], 0.125 * np.sum((1 - cosine) ** 4 * weight), rtol=1e-10)


random_cells = given(
    seed=st.integers(0, 2**20),
    n_atoms=st.integers(1, 4),
    pbc=st.sampled_from(ALL_PERIODICITIES),
    lengths=st.tuples(*[st.floats(1.6, 5.0)] * 3),
    skew=st.tuples(*[st.floats(-0.8, 0.8)] * 3),
)


def random_cell(seed, n_atoms, pbc, lengths, skew):
    cell = np.diag(lengths)
    cell[1, 0], cell[2, 0], cell[2, 1] = skew
    return random_structure(seed, n_atoms, pbc, cell)


@settings(max_examples=25, deadline=None)
@random_cells
def test_random_cells_are_as_in_the_plain_implementation(**parameters):
    assert_as_plain(random_cell(**parameters))


@settings(max_examples=50, deadline=None)
@random_cells
def test_random_cells_keep_their_values_under_all_that_leaves_them_the_same(seed, **parameters):
    rng = np.random.default_rng(seed)
    atoms = random_cell(seed, **parameters)
    values = values_of(atoms)
    assert not np.isinf(values).any()
    same = atoms * np.where(atoms.pbc, rng.integers(1, 3, 3), 1)
    expected = np.tile(values, (len(same) // len(atoms), 1))
    order = rng.permutation(len(same))
    same, expected = same[order], expected[order]
    turn = Rotation.random(random_state=seed).as_matrix()
    same.set_cell(same.cell.array @ turn.T)
    same.positions = (same.positions + rng.uniform(-9.0, 9.0, 3)) @ turn.T
    assert_allclose(values_of(same), expected, rtol=1e-9, atol=1e-14)
    single = values_of(same, dtype="float32")
    assert_allclose(single, expected.astype(np.float32), rtol=1e-6, atol=1e-14)


def test_neighbors_without_cell_vectors_along_open_directions():
    atoms = random_structure(seed=3, pbc=[True, False, False], cell=np.diag([3.0, 0.0, 0.0]))
    assert_as_plain(atoms)


def test_lone_atom_has_zeros():
    assert_allclose(values_of(Atoms("H"))[0, : len(FUNCTIONS) - 1].max(), 0.0)
    fitted = transformer().fit([Atoms("O")])
    values = fitted.transform([Atoms("O")]).values[0, 0]
    own = [f.center == "O" for f in fitted.symmetry_functions_]
    assert (values[own] == 0.0).all()


def test_atoms_beyond_the_cutoff_do_not_count():
    assert np.nanmax(values_of(Atoms("H2", positions=[[0, 0, 0], [0, 0, 3.0 + 1e-9]]))) == 0.0


def test_wrapping_atoms_into_the_cell_does_not_matter():
    atoms = random_structure(seed=4, n_atoms=3, pbc=True)
    wrapped = atoms.copy()
    wrapped.wrap()
    assert_allclose(values_of(wrapped), values_of(atoms), rtol=1e-10, atol=1e-15)


def test_straight_angles_give_no_nan_for_broken_powers():
    line = Atoms("H3", positions=[[0, 0, 0], [0.1, 0.3, 0.7], [0.2, 0.6, 1.4]])
    functions = [
        SymmetryFunction("G4", eta=0.1, zeta=zeta, lambda_=lambda_)
        for zeta in (0.5, 2.5)
        for lambda_ in (-1, 1)
    ]
    # The root of the rounding error of 1 ± cos is what can be asked for.
    assert_as_plain(line, symmetry_functions=functions, elements=["H"], atol=1e-7)


def test_very_narrow_functions_underflow_to_zero():
    atoms = Atoms("H3", positions=[[0, 0, 0], [0, 0, 1.5], [0, 1.5, 0]])
    functions = [
        SymmetryFunction("G2", eta=1e6),
        SymmetryFunction("G4", eta=1e6, zeta=1, lambda_=1),
        SymmetryFunction("G4", eta=1e6, r_s=0.5, zeta=1, lambda_=1),
    ]
    values = values_of(atoms, symmetry_functions=functions, elements=["H"])
    assert (np.abs(values) < 1e-300).all()


def test_single_precision_is_the_rounded_result():
    atoms = random_structure(seed=5, pbc=True)
    single, double = values_of(atoms, dtype="float32"), values_of(atoms)
    assert single.dtype == np.float32
    assert_allclose(single, double.astype(np.float32), rtol=0, atol=0)


def test_perfect_crystal_gives_equal_atoms():
    values = SymmetryFunctionTransformer("al-22").fit_transform([bulk("Al", cubic=True)]).values[0]
    assert_allclose(values, np.tile(values[0], (4, 1)), rtol=1e-10)


@pytest.mark.skipif(not has_avx2(), reason="the processor has no AVX2")
@pytest.mark.parametrize("shifted, indexed", [(False, False), (True, True)])
@pytest.mark.parametrize("narrow", [0.0, 1.0])
def test_both_ways_to_append_triplets_agree(shifted, indexed, narrow):
    near, blocks = neighbor_rows(9), neighbor_rows(24)
    blocks = np.ascontiguousarray(blocks.reshape(8, 6, LANES).transpose(1, 0, 2))
    lengths = []
    for first, last in [(0, 0), (0, 1), (0, 3), (0, 4), (4, 9), (8, 24)]:
        streams = np.zeros((2, 8, STREAM_WIDTH))
        for make, stream in zip((one_by_one, four_at_once), streams, strict=True):
            append = callable_from_python(make(shifted, indexed))
            lengths.append(append(near, 2, blocks, first, last, 1.0, narrow, stream, 3))
        assert lengths[-2] == lengths[-1]
        assert_allclose(*streams[:, :, : lengths[-1]], rtol=1e-12, atol=1e-15)
    assert max(lengths) > 5


def neighbor_rows(n):
    """Rows of `near` for some neighbours: vector, distance, square, inverse, weight, place."""
    rng = np.random.default_rng(n)
    vectors = rng.uniform(-1, 1, (3, n))
    square = (vectors**2).sum(axis=0)
    return np.vstack([vectors, square**0.5, square, square**-0.5, rng.uniform(size=n), range(n)])


def callable_from_python(append):
    @njit(**LOOPS)
    def call(near, j, blocks, first, last, limit, narrow, stream, n):
        return append(near, j, blocks, first, last, limit, narrow, stream, n)

    return call
