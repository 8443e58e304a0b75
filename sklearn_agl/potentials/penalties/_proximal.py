"""Proximal steps of the group lasso in the metrics of the solvers: a covariance, or a diagonal."""

import numpy as np

from sklearn_agl.compiled._machine_code import kept

TILE = 32
"""Rows and columns that are copied at a time."""

MEMORY = 5
"""Sweeps between two looks at the gap, which an extrapolation looks back on."""

compiled = kept(error_model="numpy", nogil=True)


def metric_proximal_step(
    theta, covariance, groups, strengths, dual=None, *, tol=1e-4, max_sweeps=1000
):
    """Group lasso step in the metric of a covariance P.

    Solves ``min_w 1/2 (w - theta)^T P^-1 (w - theta) + sum_i strengths_i ||w_i||`` through its
    dual, ``min_u 1/2 u^T P u - theta^T u`` with ``||u_i|| <= strengths_i``, which needs P itself
    and no inverse: ``w = theta - P u``. A group whose u_i lies inside its ball is exactly zero.
    Block coordinate descent over the balls, with Anderson's extrapolation; each block is a
    trust-region problem in P_ii, made diagonal once.

    Parameters
    ----------
    theta : ndarray of shape (n_weights,)
        All weights, penalised or not.
    covariance : ndarray of shape (n_weights, n_weights)
        P, symmetric positive definite; only its lower triangle is read, and the upper one is
        overwritten.
    groups : list of ndarray of int
        Indices of the penalised groups.
    strengths : ndarray of shape (n_groups,)
        Penalty of each group's norm.
    dual : ndarray of shape (n_groups, group_size), default=None
        Where to start, from an earlier call; zeros by default.
    tol : float, default=1e-4
        Duality gap at which to stop, relative to the primal objective; and squared change of the
        dual solution in the last sweep, relative to its square.
    max_sweeps : int, default=1000
        Sweeps over the groups after which to stop in any case.

    Returns
    -------
    weights : ndarray of shape (n_weights,)
        The minimiser.
    dual : ndarray of shape (n_groups, group_size)
        The dual solution, to start the next call from.
    """
    covariance, index = np.asfortranarray(covariance), _padded(groups)
    _mirror(covariance)
    diagonals, rotations = np.linalg.eigh(_diagonal_blocks(covariance, index))
    u = np.zeros(index.shape)
    if dual is not None:
        u += dual
        _project(u, strengths)
    eigen = np.maximum(diagonals, 1e-300), rotations
    return _dual_block_descent(theta, covariance.T, index, *eigen, strengths, u, tol, max_sweeps), u


def _padded(groups):
    """Indices of all groups as one array (n_groups, size), -1 where a group is smaller."""
    index = np.full((len(groups), max(len(group) for group in groups)), -1)
    for row, group in zip(index, groups, strict=True):
        row[: len(group)] = group
    return index


@compiled
def _mirror(matrix):
    """Overwrite the upper triangle by the lower one, tile by tile, which the cache can hold."""
    n = len(matrix)
    for top in range(0, n, TILE):
        for left in range(0, top + 1, TILE):
            for column in range(left, min(left + TILE, n)):
                for row in range(max(top, column), min(top + TILE, n)):
                    matrix[column, row] = matrix[row, column]


def _diagonal_blocks(matrix, index):
    """P_ii of every group, (n_groups, size, size); zero for a weight that is not there."""
    blocks = matrix[index[:, :, None], index[:, None, :]]
    missing = index < 0
    blocks[missing[:, :, None] | missing[:, None, :]] = 0.0
    return blocks


def diagonal_proximal_step(theta, step_lengths, groups, strengths):
    """Group lasso step where every weight has its own step length, in place.

    Solves ``min_w 1/2 sum_k (w_k - theta_k)^2 / step_lengths_k + sum_i strengths_i ||w_i||``.

    Parameters
    ----------
    theta : ndarray of shape (n_weights,)
        Weights; overwritten.
    step_lengths : ndarray of shape (n_weights,)
        Step length of each weight, positive; a group whose lengths are all zero stays as it is.
    groups : list of ndarray of int
        Indices of each group.
    strengths : array-like of shape (n_groups,)
        Penalty of each group's norm.
    """
    for group, strength in zip(groups, strengths, strict=True):
        if strength > 0.0 and step_lengths[group].any():
            shift = _trust_region_shift(theta[group], step_lengths[group], strength)
            theta[group] *= shift / (step_lengths[group] + shift)


@compiled
def _dual_block_descent(theta, metric, index, diagonals, rotations, strengths, u, tol, max_sweeps):
    """Minimise over the balls; overwrites `u`, returns w = theta - metric u.

    The columns of a group's rotation are the eigenvectors of its block of `metric`.
    """
    w = theta.copy()
    _subtract_all(w, metric, index, u)
    zero = np.zeros(len(u), dtype=np.bool_)
    history = np.empty((MEMORY + 1, u.size))
    history[0] = u.ravel()
    for left in range(max_sweeps, 0, -MEMORY):
        for k in range(MEMORY):
            _sweep(w, metric, index, diagonals, rotations, strengths, u, zero)
            history[k + 1] = u.ravel()
        close = _relative_gap(theta, w, index, u, strengths) <= tol
        if (close and _last_change(history) <= tol) or left <= MEMORY:
            break
        _extrapolate(theta, metric, index, strengths, history, u, w)
        history[0] = u.ravel()
    for i in np.flatnonzero(zero):
        for k in index[i]:
            if k >= 0:
                w[k] = 0.0
    return w


@compiled
def _sweep(w, metric, index, diagonals, rotations, strengths, u, zero):
    """Minimise over one ball after the other; `zero` becomes which groups vanish."""
    size = u.shape[1]
    r, before, step = np.empty(size), np.empty(size), np.empty(size)
    for i in range(len(u)):
        _multiply(u[i], rotations[i], before)
        _take(w, index[i], step)
        _multiply(step, rotations[i], r)
        r += diagonals[i] * before
        shift = _trust_region_shift(r, diagonals[i], strengths[i])
        zero[i] = shift == 0.0
        r /= diagonals[i] + shift
        r -= before
        _multiply(r, rotations[i].T, step)
        u[i] += step
        _subtract(w, metric, index[i], step)


@compiled
def _last_change(history):
    """Relative change of u in the last sweep, squared: the gap is blind to errors below 1e-8."""
    last = history[-1]
    return np.sum((last - history[-2]) ** 2) / max(np.sum(last**2), 1e-300)


@compiled
def _extrapolate(theta, metric, index, strengths, history, u, w):
    """Anderson's extrapolation of the last sweeps, taken only if it lowers the dual objective.

    After Bertrand & Massias (AISTATS 2021): where the metric is ill-conditioned, sweeps creep.
    """
    steps = history[1:] - history[:-1]
    products = np.dot(steps, steps.T)
    trace = np.trace(products)
    if not 0.0 < trace < np.inf:
        return
    products += 1e-10 * trace * np.eye(MEMORY)
    shares = np.linalg.solve(products, np.ones(MEMORY))
    guess = np.dot(shares / shares.sum(), history[1:]).reshape(u.shape)
    _project(guess, strengths)
    found = theta.copy()
    _subtract_all(found, metric, index, guess)
    if _dual_objective(theta, found, index, guess) < _dual_objective(theta, w, index, u):
        u[:], w[:] = guess, found


@compiled
def _project(u, strengths):
    """Shorten every u_i that lies outside its ball."""
    for i in range(len(u)):
        norm = np.sqrt(np.sum(u[i] ** 2))
        if norm > strengths[i]:
            u[i] *= strengths[i] / norm


@compiled
def _dual_objective(theta, w, index, u):
    """1/2 u^T P u - theta^T u, where w = theta - P u."""
    total = 0.0
    for i in range(len(u)):
        for a in range(index.shape[1]):
            k = index[i, a]
            if k >= 0:
                total -= 0.5 * u[i, a] * (theta[k] + w[k])
    return total


@compiled
def _subtract_all(w, metric, index, u):
    """``w -= metric u``, all groups."""
    for i in range(len(u)):
        _subtract(w, metric, index[i], u[i])


@compiled
def _take(vector, index, result):
    """``result = vector[index]``, with 0 for a weight that is not there."""
    for a in range(index.size):
        result[a] = vector[index[a]] if index[a] >= 0 else 0.0


@compiled
def _multiply(row, matrix, result):
    """``result = row @ matrix``, without a temporary."""
    result[:] = 0.0
    for a in range(row.size):
        for b in range(result.size):
            result[b] += row[a] * matrix[a, b]


@compiled
def _subtract(w, metric, index, factors):
    """``w -= factors @ metric[index]``, without a temporary."""
    for a in range(index.size):
        factor = factors[a]
        if index[a] >= 0 and factor != 0.0:
            row = metric[index[a]]
            for k in range(w.size):
                w[k] -= factor * row[k]


@compiled
def _relative_gap(theta, w, index, u, strengths):
    """Duality gap of w = theta - P u, relative to the primal objective."""
    gap, value = 0.0, 0.0
    for i in range(len(u)):
        squared, product, quadratic = 0.0, 0.0, 0.0
        for a in range(index.shape[1]):
            k = index[i, a]
            if k >= 0:
                squared += w[k] ** 2
                product += w[k] * u[i, a]
                quadratic += u[i, a] * (theta[k] - w[k])
        gap += strengths[i] * np.sqrt(squared) - product
        value += strengths[i] * np.sqrt(squared) + 0.5 * quadratic
    return gap / max(value, 1e-300)


@compiled
def _trust_region_shift(r, diagonal, radius):
    """The smallest shift >= 0 with || r / (diagonal + shift) || <= radius (Newton on 1/norm)."""
    if radius == 0.0:
        return np.inf
    shift = 0.0
    for _ in range(50):
        squared, slope = 0.0, 0.0
        for a in range(r.size):
            scaled = r[a] / (diagonal[a] + shift)
            squared += scaled**2
            slope += scaled**2 / (diagonal[a] + shift)
        norm = np.sqrt(squared)
        if norm <= radius * (1.0 + 1e-10):
            break
        shift += (norm / radius - 1.0) * squared / slope
    return shift
