"""Matrix products with as many columns as there are atoms.

BLAS is at its best with larger matrices. Where they are small and the atoms many, blocks of three
rows by three columns are faster: they stay in registers while a loop runs over the atoms, so that
each number that is loaded serves three products.

Matrices are in C order, as flat arrays that start where the matrix does.
"""

from sklearn_agl.compiled._machine_code import kept
from sklearn_agl.potentials.networks import _blas

MANY_ATOMS = 128
FEW_WEIGHTS = 512
"""Where blocks were faster than OpenBLAS: from so many atoms, up to so many elements."""

helper = kept(
    fastmath=True,
    error_model="numpy",
    nogil=True,
    no_cpython_wrapper=True,
    no_cfunc_wrapper=True,
)


@helper
def multiply(a, b, c, n_rows, n_inner, n_columns):
    """``c = a @ b``, of `n_rows` and `n_columns`."""
    if _suits_blocks(n_rows * n_inner, n_columns):
        _multiply_by_blocks(a, n_inner, 1, b, c, n_rows, n_inner, n_columns)
    else:
        _blas.multiply(a, b, c, n_rows, n_inner, n_columns)


@helper
def multiply_transposed(a, b, c, n_rows, n_inner, n_columns):
    """``c = a.T @ b``, with `a` of shape (n_inner, n_rows)."""
    if _suits_blocks(n_rows * n_inner, n_columns):
        _multiply_by_blocks(a, 1, n_rows, b, c, n_rows, n_inner, n_columns)
    else:
        _blas.multiply_transposed(a, b, c, n_rows, n_inner, n_columns)


@helper
def _suits_blocks(n_weights, n_atoms):
    # BLAS refuses matrices without elements.
    return n_weights == 0 or (n_weights <= FEW_WEIGHTS and n_atoms >= MANY_ATOMS)


@helper
def _multiply_by_blocks(a, down, right, b, c, n_rows, n_inner, n_columns):
    """The element (h, f) of the first matrix is ``a[h * down + f * right]``."""
    n = n_columns
    c[: n_rows * n] = 0.0
    h = 0
    while h + 2 < n_rows:
        targets = _three_rows(c[h * n :], n, n)
        f = 0
        while f + 2 < n_inner:
            _add_block(
                a[h * down + f * right :], down, right, _three_rows(b[f * n :], n, n), targets
            )
            f += 3
        while f < n_inner:
            _add_column(a[h * down + f * right :], down, b[f * n : (f + 1) * n], targets)
            f += 1
        h += 3
    while h < n_rows:
        for f in range(n_inner):
            _add_row(a[h * down + f * right], b[f * n : (f + 1) * n], c[h * n : (h + 1) * n])
        h += 1


@helper
def _three_rows(matrix, distance, n):
    """The first `n` elements of the first three rows, which lie `distance` apart."""
    return matrix[:n], matrix[distance : distance + n], matrix[2 * distance : 2 * distance + n]


@helper
def _add_block(a, down, right, sources, targets):
    """Add a 3 x 3 matrix times three rows to three others."""
    a00, a01, a02 = a[0], a[right], a[2 * right]
    a10, a11, a12 = a[down], a[down + right], a[down + 2 * right]
    a20, a21, a22 = a[2 * down], a[2 * down + right], a[2 * down + 2 * right]
    x, y, z = sources
    u, v, w = targets
    for i in range(u.size):
        u[i] += a00 * x[i] + a01 * y[i] + a02 * z[i]
        v[i] += a10 * x[i] + a11 * y[i] + a12 * z[i]
        w[i] += a20 * x[i] + a21 * y[i] + a22 * z[i]


@helper
def _add_column(a, down, source, targets):
    a0, a1, a2 = a[0], a[down], a[2 * down]
    u, v, w = targets
    for i in range(u.size):
        u[i] += a0 * source[i]
        v[i] += a1 * source[i]
        w[i] += a2 * source[i]


@helper
def _add_row(factor, source, target):
    for i in range(target.size):
        target[i] += factor * source[i]


@helper
def add_outer_product(a, b, c, n_rows, n_inner, n_columns, distance_a, distance_b):
    """``c += a @ b.T``, the rows of `a` and `b` lying `distance_a` and `distance_b` apart."""
    n = n_inner
    h = 0
    while h + 2 < n_rows:
        lefts = _three_rows(a[h * distance_a :], distance_a, n)
        f = 0
        while f + 2 < n_columns:
            rights = _three_rows(b[f * distance_b :], distance_b, n)
            _add_dots_of_three(lefts, rights, c[h * n_columns + f :], n_columns)
            f += 3
        while f < n_columns:
            right = b[f * distance_b : f * distance_b + n]
            _add_dots_with_three(lefts, right, c[h * n_columns + f :], n_columns)
            f += 1
        h += 3
    while h < n_rows:
        left = a[h * distance_a : h * distance_a + n]
        for f in range(n_columns):
            c[h * n_columns + f] += _dot(left, b[f * distance_b : f * distance_b + n])
        h += 1


@helper
def _add_dots_of_three(lefts, rights, c, down):
    """Add the scalar products of three rows with three others to a 3 x 3 matrix."""
    u, v, w = lefts
    x, y, z = rights
    ux = uy = uz = vx = vy = vz = wx = wy = wz = 0.0
    for i in range(u.size):
        ux += u[i] * x[i]
        uy += u[i] * y[i]
        uz += u[i] * z[i]
        vx += v[i] * x[i]
        vy += v[i] * y[i]
        vz += v[i] * z[i]
        wx += w[i] * x[i]
        wy += w[i] * y[i]
        wz += w[i] * z[i]
    c[0] += ux
    c[1] += uy
    c[2] += uz
    c[down] += vx
    c[down + 1] += vy
    c[down + 2] += vz
    c[2 * down] += wx
    c[2 * down + 1] += wy
    c[2 * down + 2] += wz


@helper
def _add_dots_with_three(lefts, right, c, down):
    u, v, w = lefts
    uz = vz = wz = 0.0
    for i in range(u.size):
        uz += u[i] * right[i]
        vz += v[i] * right[i]
        wz += w[i] * right[i]
    c[0] += uz
    c[down] += vz
    c[2 * down] += wz


@helper
def _dot(left, right):
    total = 0.0
    for i in range(left.size):
        total += left[i] * right[i]
    return total
