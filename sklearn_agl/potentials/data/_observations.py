"""What a potential is trained on: energies, or energies and forces, with the features behind them.

Each structure gives one observation or several. Forces are scaled such that the sum of a
structure's squared errors, averaged over the structures, is the smooth part of the objective.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sklearn_agl.potentials.data._blocks import FeatureBlocks


@dataclass(frozen=True)
class EnergyObservations:
    """Energies per atom.

    Attributes
    ----------
    blocks : FeatureBlocks
        Scaled features of all structures.
    energies : ndarray of shape (n_structures,)
        Scaled energies per atom.
    """

    blocks: FeatureBlocks
    energies: np.ndarray

    n_per_structure = 1
    """Observations that one structure gives, at most."""
    roots = None
    """Roots of the structures' weights, where these differ."""

    def owners(self, rows):
        """Which of the structures `rows` each error belongs to, (n,)."""
        return np.arange(len(rows))

    def take(self, positions):
        """The same with some columns only, see `FeatureBlocks.take`."""
        return replace(self, blocks=self.blocks.take(positions))

    def energy_errors(self, module, weights, rows):
        """Predicted minus observed energies of the structures `rows`, (n_rows,)."""
        return module.energies(weights, self.blocks, rows) - self.energies[rows]

    def errors(self, module, weights, rows):
        """Predicted minus observed, (n,): first the energies, one per structure."""
        return self.energy_errors(module, weights, rows)

    def energies_and_gradients(self, module, weights, rows):
        """Predicted energies of the structures `rows`, and their gradients by the weights."""
        return module.energies_and_gradients(weights, self.blocks, rows)

    def errors_and_gradients(self, module, weights, rows):
        """Also their gradients by the weights, (n, n_weights)."""
        predicted, gradients = self.energies_and_gradients(module, weights, rows)
        return predicted - self.energies[rows], gradients

    def squared_errors(self, errors, rows):
        """Sum of the squares of each structure's errors, (n_rows,), given `errors` of `rows`."""
        return np.bincount(self.owners(rows), errors**2, minlength=len(rows))

    def slope_rmse(self, module, weights, rows):
        """Error of slopes in units of those of the networks; NaN, since none are observed."""
        return np.nan

    def squared_error(self, module, weights, rows):
        """Sum of each structure's squared errors, averaged over the structures `rows`."""
        return sum_of_squares(self.errors(module, weights, rows)) / len(rows)


@dataclass(frozen=True)
class EnergyForceObservations(EnergyObservations):
    """Energies per atom, and slopes of the energy along some directions of each structure.

    Attributes
    ----------
    tangents : FeatureBlocks
        How the scaled features change along the directions, see `HDNNP.slopes`.
    n_directions : ndarray of int of shape (n_structures,)
        Directions of each structure.
    n_strains : ndarray of int of shape (n_structures,)
        How many of these are strains; they are the last ones.
    slopes : ndarray of shape (n_directions.sum(),)
        Scaled slopes: what the forces say about them, with the other sign.
    slope_scale : float
        Scaled slopes per slope of the networks.
    """

    tangents: FeatureBlocks
    n_directions: np.ndarray
    n_strains: np.ndarray
    slopes: np.ndarray
    slope_scale: float

    @property
    def n_per_structure(self):
        """Observations that one structure gives, at most."""
        return 1 + int(self.n_directions.max())

    def owners(self, rows):
        """Which of the structures `rows` each error belongs to, (n,)."""
        structures = np.arange(len(rows))
        return np.concatenate([structures, np.repeat(structures, self.n_directions[rows])])

    def take(self, positions):
        """The same with some columns only, see `FeatureBlocks.take`."""
        return replace(super().take(positions), tangents=self.tangents.take(positions))

    def slope_errors(self, module, weights, rows):
        """Predicted minus observed slopes of the structures `rows`."""
        predicted = module.slopes(weights, self.blocks, self.tangents, self.n_directions, rows)
        return self.slope_scale * predicted - self._slopes_of(rows)

    def slope_rmse(self, module, weights, rows):
        """Error of the forces' slopes, not the strains', in the networks' units; or NaN."""
        n_directions, n_strains = self.n_directions[rows], self.n_strains[rows]
        last = np.cumsum(n_directions)
        is_strain = np.arange(n_directions.sum()) >= np.repeat(last - n_strains, n_directions)
        errors = self.slope_errors(module, weights, rows)[~is_strain]
        return np.sqrt(np.mean(errors**2)) / self.slope_scale if len(errors) else np.nan

    def errors(self, module, weights, rows):
        """Predicted minus observed, (n,): first the energies, one per structure."""
        energies = super().errors(module, weights, rows)
        return np.concatenate([energies, self.slope_errors(module, weights, rows)])

    def errors_and_gradients(self, module, weights, rows):
        """Also their gradients by the weights, (n, n_weights)."""
        errors, gradients = super().errors_and_gradients(module, weights, rows)
        predicted, slope_gradients = module.slopes_and_gradients(
            weights, self.blocks, self.tangents, self.n_directions, rows
        )
        slope_errors = self.slope_scale * predicted - self._slopes_of(rows)
        slope_gradients *= self.slope_scale
        return (
            np.concatenate([errors, slope_errors]),
            np.concatenate([gradients, slope_gradients]),
        )

    @cached_property
    def _slopes_by_structure(self):
        return np.split(self.slopes, np.cumsum(self.n_directions)[:-1])

    def _slopes_of(self, rows):
        return np.concatenate([self._slopes_by_structure[s] for s in rows])


def sum_of_squares(errors):
    """As numpy's mean of the squares has it, before the division."""
    return np.sum(errors**2)
