"""The regularisation terms of the objective."""

import numpy as np

from sklearn_agl.potentials._proximal import metric_proximal_step


class GroupLasso:
    """``sum_i strengths_i ||w_i|| + weight_decay ||inner weights||^2``.

    Parameters
    ----------
    layout : NetworkLayout
        Says which weights belong to which feature.
    strengths : ndarray of shape (n_features,)
        ``alpha c_i / N``; entries of features that the layout has dropped do not matter.
    weight_decay : float
        Applies to the weights behind the first layer.
    """

    def __init__(self, layout, strengths, weight_decay):
        present = [i for i, group in enumerate(layout.groups) if len(group)]
        self.groups = [layout.groups[i] for i in present]
        self.strengths = np.asarray(strengths, dtype=float)[present]
        self.inner_weights = layout.inner_weights
        self.weight_decay = weight_decay
        self._dual = None

    @property
    def selects(self):
        """Whether any group is penalised."""
        return bool(self.strengths.any())

    def value(self, theta):
        """Sum of both terms."""
        norms = np.array([np.linalg.norm(theta[group]) for group in self.groups])
        decay = self.weight_decay * np.sum(theta[self.inner_weights] ** 2)
        return float(self.strengths @ norms + decay)

    def step(self, theta, covariance, factor):
        """Group-lasso step in the metric of `covariance`, with the strengths times `factor`."""
        # The filter comes back after the next batch, from this dual: a coarse solution will do.
        weights, self._dual = metric_proximal_step(
            theta,
            covariance,
            self.groups,
            factor * self.strengths,
            self._dual,
            tol=1e-3,
            max_sweeps=200,
        )
        return weights
