"""Structures that count more or less than others in the objective."""

from dataclasses import dataclass, replace

import numpy as np

from sklearn_agl.potentials.data._observations import EnergyObservations, sum_of_squares


@dataclass(frozen=True)
class WeightedObservations:
    """Observations, each multiplied by the root of its structure's weight.

    So the sum of squares is a weighted one, whatever solver takes it in.

    Attributes
    ----------
    inner : EnergyObservations
        What is observed.
    roots : ndarray of shape (n_structures,)
        Roots of the weights.
    """

    inner: EnergyObservations
    roots: np.ndarray

    def __getattr__(self, name):
        # Before `inner` is there, as in a copy that is being made, there is nothing to ask.
        if name.startswith("__") or name == "inner":
            raise AttributeError(name)
        return getattr(self.inner, name)

    def take(self, positions):
        """The same with some columns only, see `FeatureBlocks.take`."""
        return replace(self, inner=self.inner.take(positions))

    def errors(self, module, weights, rows):
        """Predicted minus observed, weighted, (n,): first the energies, one per structure."""
        errors = self.inner.errors(module, weights, rows)
        return errors * self._factors(rows, errors)

    def errors_and_gradients(self, module, weights, rows):
        """Also their gradients by the weights, (n, n_weights)."""
        errors, gradients = self.inner.errors_and_gradients(module, weights, rows)
        factors = self._factors(rows, errors)
        return errors * factors, gradients * factors[:, None]

    def squared_error(self, module, weights, rows):
        """Sum of each structure's squared errors, averaged over the structures `rows`."""
        return sum_of_squares(self.errors(module, weights, rows)) / len(rows)

    def _factors(self, rows, errors):
        factors = self.roots[rows][self.inner.owners(rows)]
        # Errors on a device are torch's tensors.
        return errors.new_tensor(factors) if hasattr(errors, "new_tensor") else factors


def roots_of_weights(weights, *parts):
    """Roots of the structures' weights, which have a mean of 1 in each part.

    Then the sum over a part, divided by its number of structures, is a weighted mean.

    Parameters
    ----------
    weights : ndarray of shape (n_structures,)
        Positive.
    *parts : ndarray of int
        Structures to train on, and held-out ones.

    Returns
    -------
    ndarray of shape (n_structures,)
    """
    relative = np.array(weights, dtype=np.float64)
    for rows in parts:
        if len(rows):
            relative[rows] /= relative[rows].mean()
    return np.sqrt(relative)
