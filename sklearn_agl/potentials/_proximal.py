"""Proximal steps of the group lasso in the metrics of the solvers: a covariance, or a diagonal."""

import numpy as np
from numba import njit

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
        P, symmetric positive definite.
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
    n_weights, n_groups, size = len(theta), len(groups), max(len(group) for group in groups)
    theta, covariance, index = _pad_groups(theta, covariance, groups, size)
    columns = covariance[:, index]
    metric = columns[index].reshape(n_groups, size, n_groups, size)
    diagonals, rotations = np.linalg.eigh(metric[np.arange(n_groups), :, np.arange(n_groups)])
    rotated = np.einsum("iab,iajc->ibjc", rotations, metric, optimize=True)
    rotated = np.einsum("jcd,ibjc->ibjd", rotations, rotated, optimize=True)
    target = np.einsum("iab,ia->ib", rotations, theta[index].reshape(n_groups, size))
    u = np.zeros((n_groups, size))
    if dual is not None:
        u += np.einsum("iab,ia->ib", rotations, dual)
        u *= np.minimum(1.0, strengths / np.maximum(np.linalg.norm(u, axis=1), 1e-300))[:, None]
    diagonals = np.maximum(diagonals, 1e-300)
    rotated = np.ascontiguousarray(rotated).reshape(n_groups, size, -1)
    zero = _dual_block_descent(rotated, diagonals, target, strengths, u, tol, max_sweeps)
    dual = np.einsum("iab,ib->ia", rotations, u)
    weights = theta - columns @ dual.ravel()
    weights[index.reshape(n_groups, size)[zero]] = 0.0
    return weights[:n_weights], dual


def _pad_groups(theta, covariance, groups, size):
    """Bring all groups to one size with the help of one more weight that is zero and stays so."""
    if all(len(group) == size for group in groups):
        return theta, covariance, np.concatenate(groups)
    index = np.full((len(groups), size), len(theta))
    for row, group in zip(index, groups, strict=True):
        row[: len(group)] = group
    return np.append(theta, 0.0), np.pad(covariance, (0, 1)), index.ravel()


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
