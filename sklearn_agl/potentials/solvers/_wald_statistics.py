"""What the filter's covariance says about features that are not needed.

P is the covariance of the weights, so that the Wald statistic of the hypothesis "all first-layer
weights of feature i are zero" is ``w_i^T (P_ii)^-1 w_i``. It does not depend on how scale is shared
between the layers, which makes norms alone unreliable. To take a feature out means to condition on
its weights being zero: the group form of optimal brain surgeon (B. Hassibi, D. G. Stork, NeurIPS 5,
164 (1993)).
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve


def wald_statistics(weights, covariance, groups):
    """Statistic of each group of weights.

    Parameters
    ----------
    weights : ndarray of shape (n_weights,)
        Estimates.
    covariance : ndarray of shape (n_weights, n_weights)
        Their covariance, positive definite.
    groups : sequence of ndarray of int
        Indices of each group.

    Returns
    -------
    ndarray of shape (n_groups,)
        0 for an empty group.
    """
    statistics = np.zeros(len(groups))
    for i, group in enumerate(groups):
        if len(group):
            factor = cho_factor(covariance[np.ix_(group, group)], lower=True)
            statistics[i] = weights[group] @ cho_solve(factor, weights[group])
    return statistics


def condition_on_zero(weights, covariance, group):
    """Estimates and covariance, given that the weights of a group are zero.

    Parameters
    ----------
    weights : ndarray of shape (n_weights,)
        Estimates.
    covariance : ndarray of shape (n_weights, n_weights)
        Their covariance, positive definite.
    group : ndarray of int
        Indices of the weights that are zero.

    Returns
    -------
    weights : ndarray of shape (n_weights,)
        Zero for the group.
    covariance : ndarray of shape (n_weights, n_weights)
        Zero in the rows and columns of the group.
    """
    factor = cho_factor(covariance[np.ix_(group, group)], lower=True)
    columns = covariance[:, group]
    weights = weights - columns @ cho_solve(factor, weights[group])
    covariance = covariance - columns @ cho_solve(factor, columns.T)
    weights[group] = covariance[group] = covariance[:, group] = 0.0
    return weights, covariance
