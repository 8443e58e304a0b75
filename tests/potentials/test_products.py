import numpy as np
import pytest
from numba import njit
from numpy.testing import assert_allclose

from sklearn_agl.potentials.networks import _matrix_products as _products

# The products are for compiled callers only.


@njit
def multiply(a, b, c, sizes):
    _products.multiply(a, b, c, sizes[0], sizes[1], sizes[2])


@njit
def multiply_transposed(a, b, c, sizes):
    _products.multiply_transposed(a, b, c, sizes[0], sizes[1], sizes[2])


@njit
def add_outer_product(a, b, c, sizes, distance_a, distance_b):
    rows, inner, columns = sizes
    _products.add_outer_product(a, b, c, rows, inner, columns, distance_a, distance_b)


# By blocks and by BLAS; sizes that blocks of three divide, and all that they leave over.
N_ATOMS = (1, 8, 127, 128, 200)
SHAPES = [(1, 1), (1, 15), (2, 4), (3, 3), (4, 2), (5, 7), (15, 22), (16, 32), (23, 23)]


@pytest.mark.parametrize("n_atoms", N_ATOMS)
@pytest.mark.parametrize(("n_rows", "n_inner"), [*SHAPES, (4, 0)])
def test_products_are_those_of_numpy(n_rows, n_inner, n_atoms):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(n_rows, n_inner)), rng.normal(size=(n_inner, n_atoms))
    c = np.full((n_rows + 1, n_atoms), np.nan)
    c[n_rows] = 1.0
    sizes = (n_rows, n_inner, n_atoms)
    multiply(a.ravel(), b.ravel(), c.ravel(), sizes)
    assert_allclose(c[:n_rows], a @ b, atol=1e-13)
    c[:n_rows] = np.nan
    multiply_transposed(np.ascontiguousarray(a.T).ravel(), b.ravel(), c.ravel(), sizes)
    assert_allclose(c[:n_rows], a @ b, atol=1e-13)
    assert_allclose(c[n_rows], 1.0)


@pytest.mark.parametrize("n_atoms", N_ATOMS)
@pytest.mark.parametrize(("n_rows", "n_columns"), SHAPES)
def test_outer_products_are_those_of_numpy(n_rows, n_columns, n_atoms):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(n_rows, n_atoms + 2)), rng.normal(size=(n_columns, n_atoms + 5))
    c = rng.normal(size=(n_rows, n_columns))
    expected = c + a[:, :n_atoms] @ b[:, :n_atoms].T
    sizes = (n_rows, n_atoms, n_columns)
    add_outer_product(a.ravel(), b.ravel(), c.ravel(), sizes, n_atoms + 2, n_atoms + 5)
    assert_allclose(c, expected, atol=1e-13)
