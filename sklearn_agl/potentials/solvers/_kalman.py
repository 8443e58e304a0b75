"""The extended Kalman filter: recursive Gauss-Newton over the structures."""

import numpy as np

from sklearn_agl.compiled._machine_code import kept
from sklearn_agl.potentials.networks._blas import (
    cholesky,
    divide_by_factor,
    subtract_square,
    symmetric_product,
)

compiled = kept(nogil=True)


class KalmanFilter:
    """Covariance of the weights, updated by blocks of observations.

    For observations with gradients H (one row each), residuals r and noise variance R,

        S = H P H^T + R,   K = P H^T S^-1,   theta <- theta + K r,   P <- P - K H P,

    and between blocks P <- (1 - f) P + f P_0, with P_0 the variances before any data: the share f
    of what was learned is forgotten. A block of one is the textbook filter; larger ones touch P
    less often. Only the lower triangle of P is kept up to date: `covariance` fills in the other.

    Parameters
    ----------
    n_weights : int
        Number of weights.
    prior_variance : float or ndarray of shape (n_weights,)
        The diagonal of P_0, at which P starts.

    Attributes
    ----------
    lower : ndarray of shape (n_weights, n_weights)
        P itself, in Fortran's order; above the diagonal it is out of date.
    """

    def __init__(self, n_weights, prior_variance=1.0):
        self.prior_variances = np.full(n_weights, prior_variance, dtype=float)
        self.lower = np.zeros((n_weights, n_weights), order="F")
        np.einsum("ii->i", self.lower)[:] = self.prior_variances

    @classmethod
    def from_covariance(cls, covariance, prior_variance=1.0):
        """A filter that goes on from a given P."""
        filter_ = cls(0)
        filter_.prior_variances = np.full(len(covariance), prior_variance, dtype=float)
        filter_.load_state_dict({"covariance": covariance})
        return filter_

    @property
    def covariance(self):
        """P as a full symmetric matrix, a copy."""
        lower = np.tril(self.lower)
        return lower + np.tril(lower, -1).T

    def update(self, theta, gradients, residuals, noise_variance):
        """Take in a block of observations; `theta` is changed in place.

        Parameters
        ----------
        theta : ndarray of shape (n_weights,)
            Current weights.
        gradients : ndarray of shape (n_observations, n_weights)
            Derivative of each prediction by the weights, C-contiguous.
        residuals : ndarray of shape (n_observations,)
            Observed minus predicted.
        noise_variance : float or ndarray of shape (n_observations,)
            R.

        Returns
        -------
        ndarray of shape (n_observations,)
            Innovation variances, the diagonal of S.

        Raises
        ------
        numpy.linalg.LinAlgError
            If rounding has made the covariance indefinite.
        """
        # The compiled code would take numbers of any other type for float64.
        gradients = np.ascontiguousarray(gradients, dtype=float)
        residuals = np.asarray(residuals, dtype=float)
        noise = np.full(len(residuals), noise_variance, dtype=float)
        return _update(theta, self.lower, gradients, residuals, noise)

    def forget(self, share):
        """Move the covariance back to the prior by a share of the way, from 0 to 1."""
        self.lower *= 1.0 - share
        diagonal = np.einsum("ii->i", self.lower)
        diagonal += share * self.prior_variances

    def state_dict(self):
        """What skorch's checkpoints save."""
        return {"covariance": self.covariance}

    def load_state_dict(self, state):
        """Restore what `state_dict` gave."""
        # A copy, since updates overwrite it.
        self.lower = np.array(state["covariance"], dtype=float, order="F")


@compiled
def _update(theta, lower, gradients, residuals, noise):
    """What `KalmanFilter.update` does, with one variance per observation in `noise`."""
    spread = symmetric_product(lower, gradients.T)
    innovation = np.dot(gradients, spread).T
    for i in range(noise.size):
        innovation[i, i] += noise[i]
    diagonal = np.diag(innovation).copy()
    if not cholesky(innovation):
        raise np.linalg.LinAlgError(
            "The filter's covariance is no longer positive definite. Raise process_noise or "
            "lower prior_variance in net_params."
        )
    # With L the factor of S: root = P H^T L^-T, so that root root^T = P H^T S^-1 H P.
    divide_by_factor(spread, innovation)
    whitened = residuals.copy()
    divide_by_factor(whitened.reshape(-1, 1).T, innovation)
    theta += np.dot(spread, whitened)
    subtract_square(spread, lower)
    return diagonal
