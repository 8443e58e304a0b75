"""Proximal steps of the group lasso in the metrics of the solvers: a covariance, or a diagonal."""

import numpy as np
from numba import njit
from scipy.linalg.blas import dsymv

compiled = njit(cache=True, error_model="numpy", nogil=True)


def metric_proximal_step(
    theta, covariance, groups, strengths, dual=None, *, tol=1e-4, max_sweeps=1000
):
    """Group lasso step in the metric of a covariance P.

    Solves ``min_w 1/2 (w - theta)^T P^-1 (w - theta) + sum_i strengths_i ||w_i||`` through its
    dual, ``min_u 1/2 u^T P u - theta^T u`` with ``||u_i|| <= strengths_i``, which needs P itself
    and no inverse: ``w = theta - P u``. A group whose u_i lies inside its ball is exactly zero.
    Block coordinate descent over the balls; each block is a trust-region problem in P_ii, made
    diagonal once.

    Parameters
    ----------
    theta : ndarray of shape (n_weights,)
        All weights, penalised or not.
    covariance : ndarray of shape (n_weights, n_weights)
        P, symmetric positive definite; only its lower triangle is read.
    groups : list of ndarray of int
        Indices of the penalised groups.
    strengths : ndarray of shape (n_groups,)
        Penalty of each group's norm.
    dual : ndarray of shape (n_groups, group_size), default=None
        Where to start, from an earlier call; zeros by default.
    tol : float, default=1e-4
        Duality gap at which to stop, relative to the primal objective.
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
    diagonals, rotations = np.linalg.eigh(_diagonal_blocks(covariance, index))
    metric = _rotated_blocks(covariance, index, rotations)
    # The position of a missing weight is -1, where this zero is.
    target = np.einsum("iab,ia->ib", rotations, np.append(theta, 0.0)[index])
    u = np.zeros(index.shape)
    if dual is not None:
        u += np.einsum("iab,ia->ib", rotations, dual)
        norms = np.linalg.norm(u, axis=1)
        outside = norms > strengths
        u *= np.divide(strengths, norms, out=np.ones_like(norms), where=outside)[:, None]
    diagonals = np.maximum(diagonals, 1e-300)
    zero = _dual_block_descent(metric, diagonals, target, strengths, u, tol, max_sweeps)
    dual = np.einsum("iab,ib->ia", rotations, u)
    spread = np.zeros(len(theta) + 1)
    spread[index] = dual
    weights = theta - dsymv(1.0, covariance, spread[:-1], lower=1)
    for group in np.flatnonzero(zero):
        weights[groups[group]] = 0.0
    return weights, dual


def _padded(groups):
    """Indices of all groups as one array (n_groups, size), -1 where a group is smaller."""
    index = np.full((len(groups), max(len(group) for group in groups)), -1)
    for row, group in zip(index, groups, strict=True):
        row[: len(group)] = group
    return index


@compiled
def _entry(lower, row, column):
    """Of a symmetric matrix with a valid lower triangle; 0 for a weight that is not there."""
    if row < 0 or column < 0:
        return 0.0
    return lower[max(row, column), min(row, column)]


@compiled
def _diagonal_blocks(lower, index):
    """P_ii of every group, (n_groups, size, size)."""
    n_groups, size = index.shape
    blocks = np.empty((n_groups, size, size))
    for i in range(n_groups):
        for a in range(size):
            for b in range(size):
                blocks[i, a, b] = _entry(lower, index[i, a], index[i, b])
    return blocks


@compiled
def _rotated_blocks(lower, index, rotations):
    """R_i^T P_ij R_j for all pairs of groups, (n_groups, size, n_groups * size).

    Block by block, since whole arrays of that size would be written and read several times.
    """
    n_groups, size = index.shape
    result = np.empty((n_groups, size, n_groups * size))
    block, half = np.empty((size, size)), np.empty((size, size))
    for i in range(n_groups):
        for j in range(i + 1):
            for a in range(size):
                for c in range(size):
                    block[a, c] = _entry(lower, index[i, a], index[j, c])
            half[:] = 0.0
            for a in range(size):
                for b in range(size):
                    _subtract(half[b], block[a], -rotations[i, a, b])
            block[:] = 0.0
            for b in range(size):
                for c in range(size):
                    _subtract(block[b], rotations[j, c], -half[b, c])
            for b in range(size):
                for d in range(size):
                    result[i, b, j * size + d] = block[b, d]
                    result[j, d, i * size + b] = block[b, d]
    return result


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
def _dual_block_descent(metric, diagonals, target, strengths, u, tol, max_sweeps):
    """Minimise over the balls in rotated coordinates; overwrites `u`, returns which groups vanish.

    `metric` is (n_groups, size, n_groups * size); `w` follows u as target - metric u.
    """
    n_groups, size = u.shape
    w = target.copy().ravel()
    for i in range(n_groups):
        for a in range(size):
            _subtract(w, metric[i, a], u[i, a])
    zero = np.zeros(n_groups, dtype=np.bool_)
    r = np.empty(size)
    for sweep in range(max_sweeps):
        for i in range(n_groups):
            for a in range(size):
                r[a] = w[i * size + a] + diagonals[i, a] * u[i, a]
            shift = _trust_region_shift(r, diagonals[i], strengths[i])
            zero[i] = shift == 0.0
            for a in range(size):
                step = r[a] / (diagonals[i, a] + shift) - u[i, a]
                u[i, a] += step
                _subtract(w, metric[i, a], step)
        if sweep % 5 == 4 and _relative_gap(w, u, target, strengths) <= tol:
            break
    return zero


@compiled
def _subtract(w, row, factor):
    """w -= factor * row, without a temporary."""
    if factor != 0.0:
        for k in range(w.size):
            w[k] -= factor * row[k]


@compiled
def _relative_gap(w, u, target, strengths):
    """Duality gap of w = target - P u, relative to the primal objective."""
    n_groups, size = u.shape
    gap, value = 0.0, 0.0
    for i in range(n_groups):
        squared, product, quadratic = 0.0, 0.0, 0.0
        for a in range(size):
            squared += w[i * size + a] ** 2
            product += w[i * size + a] * u[i, a]
            quadratic += u[i, a] * (target[i, a] - w[i * size + a])
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
