"""Neighbours against those that ASE finds, and atoms that share a place."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.neighborlist import neighbor_list
from hypothesis import given, settings, strategies as st
from numba import njit
from numpy.testing import assert_allclose

from sklearn_agl.compiled._jit import LOOPS
from sklearn_agl.descriptors import SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.descriptors.kernels._cells import make_batch, make_cells
from sklearn_agl.descriptors.kernels._neighbors import (
    AROUND_ROWS,
    collect,
    four_at_once,
    make_around,
    one_by_one,
)
from sklearn_agl.descriptors.kernels._packing import has_avx2


@njit(**LOOPS)
def fill(batch, cells, r_cut, around, pairs):
    """Atom, neighbour and vector of all pairs; returns their number."""
    n_pairs = 0
    for slot in range(len(cells.order)):
        for p in range(collect(slot, 0, batch, cells, r_cut, around)):
            if around[3, p] > 0.0:
                pairs[n_pairs, 0] = cells.order[slot]
                pairs[n_pairs, 1] = cells.order[int(around[4, p])]
                for axis in range(3):
                    pairs[n_pairs, 2 + axis] = around[axis, p]
                n_pairs += 1
    return n_pairs


def collect_all(batch, r_cut):
    cells = make_cells(batch, r_cut)
    pairs = np.empty((cells.capacity[0] * len(cells.order), 5))
    return pairs[: fill(batch, cells, r_cut, make_around(cells), pairs)]


def in_order(pairs):
    return pairs[np.lexsort(np.round(pairs, 6).T[::-1])]


def assert_same_neighbors(atoms, r_cut):
    found = in_order(collect_all(make_batch([atoms], np.unique(atoms.numbers)), r_cut))
    i, j, vectors = neighbor_list("ijD", atoms, r_cut)
    assert_allclose(found, in_order(np.column_stack([i, j, vectors])), atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**20),
    n_atoms=st.integers(1, 9),
    pbc=st.tuples(*[st.booleans()] * 3),
    lengths=st.tuples(*[st.floats(0.8, 9.0)] * 3),
    r_cut=st.floats(0.5, 4.0),
)
def test_neighbors_are_those_of_ase(seed, n_atoms, pbc, lengths, r_cut):
    rng = np.random.default_rng(seed)
    cell = np.diag(lengths) @ (np.eye(3) + rng.uniform(-0.3, 0.3, (3, 3)))
    positions = rng.uniform(-6.0, 9.0, (n_atoms, 3))
    assert_same_neighbors(Atoms("H" * n_atoms, positions=positions, cell=cell, pbc=pbc), r_cut)


def test_many_atoms_in_a_flat_cell():
    rng = np.random.default_rng(0)
    cell = [[40.0, 0, 0], [0, 30.0, 0], [3.0, 1.0, 1.5]]
    atoms = Atoms("H200", positions=rng.uniform(0, 30, (200, 3)), cell=cell, pbc=[1, 0, 1])
    assert_same_neighbors(atoms, 2.5)


def test_two_molecules_far_apart():
    atoms = molecule("C6H6")
    far = atoms.copy()
    far.translate([0, 5000.0, 0])
    assert_same_neighbors(atoms + far, 3.0)


@pytest.mark.parametrize("pbc", [True, False])
@pytest.mark.parametrize("shift", [0.0, 4.0, -8.0])
def test_atoms_at_one_point_are_found_across_the_boundary(pbc, shift):
    atoms = Atoms("HHO", positions=[[1, 1, 3.9999999], [1, 1, 4.0 + shift], [0, 2, 2]])
    atoms.set_cell([4.0, 4.0, 4.0])
    atoms.pbc = pbc
    transformer = SymmetryFunctionTransformer([SymmetryFunction("G1")])
    transformer.fit([atoms])
    if not pbc and shift:
        transformer.transform([atoms])
        return
    with pytest.raises(ValueError, match="Structure 1 has two atoms at one point: atom [01] "):
        transformer.transform([Atoms("H"), atoms])


@pytest.mark.skipif(not has_avx2(), reason="the processor has no AVX2")
def test_both_ways_to_append_a_run_of_atoms_agree():
    places = np.random.default_rng(0).uniform(-1.0, 1.0, (3, 24))
    lengths = []
    for first, last in [(0, 0), (0, 1), (2, 5), (3, 7), (0, 20)]:
        arounds = np.zeros((2, AROUND_ROWS, 40))
        for make, around in zip((one_by_one, four_at_once), arounds, strict=True):
            append = callable_from_python(make())
            lengths.append(append((0.1, -0.2, 0.3), places, first, last, 1.0, around, 2))
        assert lengths[-2] == lengths[-1]
        assert_allclose(*arounds[:, :, : lengths[-1]], rtol=1e-14)
    assert 2 < max(lengths) < 22


def callable_from_python(append):
    @njit(**LOOPS)
    def call(shift, places, first, last, limit, around, n):
        return append(shift, places, first, last, limit, around, n)

    return call
