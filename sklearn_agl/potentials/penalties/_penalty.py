"""The regularisation terms of the objective."""

import numpy as np

from sklearn_agl._numbers import as_numbers
from sklearn_agl.potentials.penalties._proximal import metric_proximal_step


class GroupPenalty:
    """``sum_i rho(||w_i||, strengths_i) + weight_decay ||inner weights||^2``.

    rho is linear for the group lasso, or concave.

    Parameters
    ----------
    layout : NetworkLayout
        Says which weights belong to which feature.
    strengths : ndarray of shape (n_features,)
        ``alpha c_i / N``; entries of features that the layout has dropped do not matter.
    weight_decay : float
        Applies to the weights behind the first layer.
    norm_penalty : Penalty
        rho.
    """

    def __init__(self, layout, strengths, weight_decay, norm_penalty):
        present = [i for i, group in enumerate(layout.groups) if len(group)]
        self.groups = [layout.groups[i] for i in present]
        self.strengths = np.asarray(strengths, dtype=float)[present]
        self.inner_weights = layout.inner_weights
        self.weight_decay = weight_decay
        self.norm_penalty = norm_penalty
        self._dual = None

    @property
    def selects(self):
        """Whether any group is penalised."""
        return bool(self.strengths.any())

    def value(self, theta):
        """Sum of both terms."""
        decay = self.weight_decay * np.sum(theta[self.inner_weights] ** 2)
        return self.of_norms(theta) + float(decay)

    def of_norms(self, theta):
        """The part that selects, ``sum_i rho(||w_i||, strengths_i)``."""
        return float(self.norm_penalty.value(self._norms(theta), self.strengths).sum())

    def slopes(self, theta):
        """Derivative of each group's penalty by its norm, (n_groups,); the strengths for the lasso.

        A group lasso of these strengths is a tangent to the penalty at `theta`, and as that is
        concave in the norms, lies nowhere below it (local linear approximation, Zou & Li 2008).
        """
        return self.norm_penalty.slope(self._norms(theta), self.strengths)

    def _norms(self, theta):
        return np.array([np.linalg.norm(theta[group]) for group in self.groups])

    def decay_gradient(self, theta):
        """Derivative of the weight decay by every weight, (n_weights,)."""
        return self.decay_curvature(len(theta)) * theta

    def decay_curvature(self, n_weights):
        """Diagonal of the weight decay's Hessian, (n_weights,)."""
        curvature = np.zeros(n_weights)
        curvature[self.inner_weights] = 2.0 * self.weight_decay
        return curvature

    def violation(self, theta, gradient):
        """How far some weights are from the conditions for a minimum of the objective.

        With g the gradient of its smooth part and s_i the slope of feature i's penalty:
        ``||g_i|| <= s_i`` for features whose weights are zero, ``g_i = -s_i w_i / ||w_i||`` for the
        others, and ``g_k = 0`` for weights that belong to no feature.

        Parameters
        ----------
        theta : ndarray of shape (n_weights,)
            Weights.
        gradient : ndarray of shape (n_weights,)
            Gradient of the smooth part of the objective: squared error and weight decay.

        Returns
        -------
        float
            The largest violation, in the Euclidean norm of each feature's weights.
        """
        gradient = gradient.copy()
        worst = 0.0
        for group, slope, norm in zip(
            self.groups, self.slopes(theta), self._norms(theta), strict=True
        ):
            if norm > 0.0:
                excess = np.linalg.norm(gradient[group] + slope * theta[group] / norm)
            else:
                excess = np.linalg.norm(gradient[group]) - slope
            worst = max(worst, excess)
            gradient[group] = 0.0
        return float(max(worst, np.abs(gradient).max()))

    def euclidean_step(self, theta, length):
        """Proximal step of a given length, exact for every penalty; `theta` is changed in place."""
        norms = self._norms(theta)
        shrunk = self.norm_penalty.shrink(norms, self.strengths, length)
        for group, before, after in zip(self.groups, norms, shrunk, strict=True):
            theta[group] *= after / before if before > 0.0 else 0.0

    def step(self, theta, covariance, slopes, *, tol=1e-3, max_sweeps=200):
        """Group-lasso step in the metric of `covariance`, with strengths of (n_groups,).

        Only the lower triangle of `covariance` is read, and the upper one overwritten. Each call
        starts from the dual solution of the last one. A coarse tolerance will do for a solver that
        soon comes back.
        """
        weights, self._dual = metric_proximal_step(
            theta,
            covariance,
            self.groups,
            slopes,
            self._dual,
            tol=tol,
            max_sweeps=max_sweeps,
        )
        return weights


def check_strengths(alpha, feature_weights, n_features):
    """Turn a strength and factors into the penalty of each feature's norm.

    Parameters
    ----------
    alpha : float
        Strength of the penalty.
    feature_weights : array-like of shape (n_features,) or None
        Factors; None for 1.
    n_features : int
        How many there are.

    Returns
    -------
    strengths : ndarray of shape (n_features,)
        ``alpha c_i / N``, 0 where a factor is infinite.
    excluded : ndarray of int
        Features whose factor is infinite.

    Raises
    ------
    ValueError
        If there are more or fewer factors, one is negative or NaN, or all are infinite.
    """
    if feature_weights is None:
        weights = np.ones(n_features)
    else:
        weights = as_numbers(feature_weights, "feature_weights").astype(float)
    if weights.shape != (n_features,):
        raise ValueError(
            f"feature_weights has shape {weights.shape}, but X has {n_features} features: give one "
            "number for each."
        )
    bad = np.flatnonzero(np.isnan(weights) | (weights < 0))
    if bad.size:
        raise ValueError(
            f"feature_weights[{bad[0]}] is {weights[bad[0]]}; they must not be negative or NaN."
        )
    excluded = np.flatnonzero(np.isinf(weights))
    if len(excluded) == n_features:
        raise ValueError("All feature_weights are infinite, which leaves no feature.")
    return alpha / n_features * np.where(np.isinf(weights), 0.0, weights), excluded
