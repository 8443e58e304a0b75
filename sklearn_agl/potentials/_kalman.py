"""The extended Kalman filter: recursive Gauss-Newton over the structures."""

import numpy as np
from scipy.linalg.blas import dsymm, dsyrk, dtrsm, dtrsv
from scipy.linalg.lapack import dpotrf


class KalmanFilter:
    """Covariance of the weights, updated by blocks of observations.

    For observations with gradients H (one row each), residuals r and noise variance R,

        S = H P H^T + R,   K = P H^T S^-1,   theta <- theta + K r,   P <- P - K H P,

    and between blocks P <- P + q I. A block of one is the textbook filter; larger ones touch P
    less often. Only the lower triangle of P is kept up to date: `covariance` fills in the other.

    Parameters
    ----------
    n_weights : int
        Number of weights.
    prior_variance : float
        P starts at this times the identity.
    """

    def __init__(self, n_weights, prior_variance=1.0):
        self._lower = np.asfortranarray(np.eye(n_weights) * prior_variance)

    @classmethod
    def from_covariance(cls, covariance):
        """A filter that goes on from a given P."""
        filter_ = cls(0)
        filter_.load_state_dict({"covariance": covariance})
        return filter_

    @property
    def covariance(self):
        """P as a full symmetric matrix, a copy."""
        lower = np.tril(self._lower)
        return lower + np.tril(lower, -1).T

    def update(self, theta, gradients, residuals, noise_variance):
        """Take in a block of observations; `theta` is changed in place.

        The routines are BLAS's and LAPACK's own: scipy's friendlier ones cost as much in checks
        as a small block costs in arithmetic.

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
        spread = dsymm(1.0, self._lower, gradients.T, lower=1)
        innovation = gradients @ spread
        diagonal = np.einsum("ii->i", innovation)
        diagonal += noise_variance
        factor, failed = dpotrf(innovation, lower=1)
        if failed:
            raise np.linalg.LinAlgError(
                "The filter's covariance is no longer positive definite. Raise process_noise or "
                "lower prior_variance in net_params."
            )
        # With L the factor of S: root = P H^T L^-T, so that root root^T = P H^T S^-1 H P.
        root = dtrsm(1.0, factor, spread, side=1, lower=1, trans_a=1, overwrite_b=1)
        theta += root @ dtrsv(factor, residuals, lower=1)
        self._lower = dsyrk(-1.0, root, 1.0, self._lower, lower=1, overwrite_c=1)
        return diagonal

    def add_process_noise(self, variance):
        """Inflate every variance: what was learned long ago counts less."""
        diagonal = np.einsum("ii->i", self._lower)
        diagonal += variance

    def state_dict(self):
        """What skorch's checkpoints save."""
        return {"covariance": self.covariance}

    def load_state_dict(self, state):
        """Restore what `state_dict` gave."""
        # A copy, since updates overwrite it.
        self._lower = np.array(state["covariance"], order="F")
