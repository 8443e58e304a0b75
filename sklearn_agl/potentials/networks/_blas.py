"""BLAS and LAPACK for compiled code.

scipy's wrappers hold Python's lock, so that threads wait for each other. The routines behind them
need no lock, and scipy gives their addresses. Compiled code knows them by name, since an address
would keep numba from caching it on disk.

All matrices are in Fortran order, but for those of the last two functions.
"""

import numpy as np
from llvmlite import binding
from numba import njit, types
from numba.extending import get_cython_function_address

# Fortran takes every argument by reference.
LEFT, RIGHT, LOWER, NON_UNIT, PLAIN, TRANSPOSED = (np.array([ord(c)], "u1") for c in "LRLNNT")
PANEL = 256
"""Columns of a symmetric matrix that are multiplied at a time."""
MINUS_ONE, ZERO, ONE = (np.array([value]) for value in (-1.0, 0.0, 1.0))

# For compiled callers only; wrappers for Python would take as long to compile as the rest.
helper = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def _routine(module, name, n_arguments):
    """A Fortran routine that compiled code can call."""
    symbol = f"sklearn_agl_{name}"
    binding.add_symbol(symbol, get_cython_function_address(f"scipy.linalg.{module}", name))
    return types.ExternalFunction(symbol, types.void(*[types.voidptr] * n_arguments))


_dgemm = _routine("cython_blas", "dgemm", 13)
_dsymm = _routine("cython_blas", "dsymm", 12)
_dsyrk = _routine("cython_blas", "dsyrk", 10)
_dtrsm = _routine("cython_blas", "dtrsm", 11)
_dpotrf = _routine("cython_lapack", "dpotrf", 5)


@helper
def symmetric_product(a, b):
    """``a @ b`` for a symmetric matrix `a`, of which the lower triangle is read.

    By panels of columns: below the diagonal general products, which OpenBLAS has the faster code
    for, from 1,000 rows on by a third.
    """
    n, k = b.shape
    c = np.zeros((k, n)).T
    b_flat, c_flat = b.T.ravel(), c.T.ravel()
    for first in range(0, n, PANEL):
        width = min(PANEL, n - first)
        below = first + width
        panel = a.T[first:below].ravel()
        _add_symmetric_product(panel[first:], b_flat[first:], c_flat[first:], width, k, n)
        if below < n:
            sizes = n - below, k, width, n
            _add_product(PLAIN, panel[below:], b_flat[first:], c_flat[below:], *sizes)
            sizes = width, k, n - below, n
            _add_product(TRANSPOSED, panel[below:], b_flat[below:], c_flat[first:], *sizes)
    return c


@helper
def _add_symmetric_product(a, b, c, n, k, distance):
    """``c += a @ b`` for a symmetric n x n matrix; columns lie `distance` apart, in all three."""
    sizes = np.array([n, k, distance], np.int32)
    m, n, ld = sizes[0:].ctypes, sizes[1:].ctypes, sizes[2:].ctypes
    _dsymm(
        LEFT.ctypes, LOWER.ctypes, m, n, ONE.ctypes, a.ctypes, ld, b.ctypes, ld, ONE.ctypes,
        c.ctypes, ld,
    )  # fmt: skip


@helper
def _add_product(form, a, b, c, n_rows, n_columns, n_inner, distance):
    """``c += a @ b``, or of `a` transposed; columns lie `distance` apart, in all three."""
    sizes = np.array([n_rows, n_columns, n_inner, distance], np.int32)
    m, n, k, ld = sizes[0:].ctypes, sizes[1:].ctypes, sizes[2:].ctypes, sizes[3:].ctypes
    _dgemm(
        form.ctypes, PLAIN.ctypes, m, n, k, ONE.ctypes, a.ctypes, ld, b.ctypes, ld, ONE.ctypes,
        c.ctypes, ld,
    )  # fmt: skip


@helper
def subtract_square(a, c):
    """``c -= a @ a.T``, the lower triangle only."""
    n, k = np.array([a.shape[0]], np.int32).ctypes, np.array([a.shape[1]], np.int32).ctypes
    _dsyrk(LOWER.ctypes, PLAIN.ctypes, n, k, MINUS_ONE.ctypes, a.ctypes, n, ONE.ctypes, c.ctypes, n)


@helper
def cholesky(a):
    """Overwrite the lower triangle of `a` by its factor; False if `a` is not positive definite."""
    n, info = np.array([a.shape[0]], np.int32), np.zeros(1, np.int32)
    _dpotrf(LOWER.ctypes, n.ctypes, a.ctypes, n.ctypes, info.ctypes)
    return info[0] == 0


@helper
def divide_by_factor(a, factor):
    """``a @ inv(factor).T`` in place, for a lower triangular `factor`."""
    m, n = np.array([a.shape[0]], np.int32).ctypes, np.array([a.shape[1]], np.int32).ctypes
    _dtrsm(
        RIGHT.ctypes, LOWER.ctypes, TRANSPOSED.ctypes, NON_UNIT.ctypes, m, n, ONE.ctypes,
        factor.ctypes, n, a.ctypes, m,
    )  # fmt: skip


# The rest is for matrices in C order, as flat arrays that start where the matrix does. `c` has
# n_rows and n_columns. Fortran sees the transposed problem.


@helper
def multiply(a, b, c, n_rows, n_inner, n_columns):
    """``c = a @ b``."""
    sizes = np.array([n_columns, n_rows, n_inner], np.int32)
    n, m, k = sizes[0:].ctypes, sizes[1:].ctypes, sizes[2:].ctypes
    _dgemm(
        PLAIN.ctypes, PLAIN.ctypes, n, m, k, ONE.ctypes, b.ctypes, n, a.ctypes, k, ZERO.ctypes,
        c.ctypes, n,
    )  # fmt: skip


@helper
def multiply_transposed(a, b, c, n_rows, n_inner, n_columns):
    """``c = a.T @ b``, with `a` of shape (n_inner, n_rows)."""
    sizes = np.array([n_columns, n_rows, n_inner], np.int32)
    n, m, k = sizes[0:].ctypes, sizes[1:].ctypes, sizes[2:].ctypes
    _dgemm(
        PLAIN.ctypes, TRANSPOSED.ctypes, n, m, k, ONE.ctypes, b.ctypes, n, a.ctypes, m, ZERO.ctypes,
        c.ctypes, n,
    )  # fmt: skip
