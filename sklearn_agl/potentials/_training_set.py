"""What a fit is trained on, checked once where it comes from the user."""

from dataclasses import dataclass, replace

import numpy as np

from sklearn_agl._validation import validate_energies, validate_forces
from sklearn_agl.features import AtomicFeatures
from sklearn_agl.potentials._directions import DirectionalForces, observe_forces


@dataclass(frozen=True)
class TrainingSet:
    """Features of some structures, and what is known about their energies.

    Attributes
    ----------
    X : AtomicFeatures
        Features, checked.
    energies : ndarray of shape (n_structures,)
        Total energies.
    forces : list of ndarray of shape (n_atoms, 3) or None
        Forces on all atoms of each structure.
    slopes : DirectionalForces or None
        The forces in the directions that training looks at, once these are drawn.
    """

    X: AtomicFeatures
    energies: np.ndarray
    forces: list | None = None
    slopes: DirectionalForces | None = None

    @classmethod
    def from_user(cls, X, y, forces=None):
        """Check what the user has given.

        Parameters
        ----------
        X : AtomicFeatures
            Features, checked by `validate_features`, which needs the estimator.
        y : array-like of shape (n_structures,)
            Total energies.
        forces : sequence of array-like of shape (n_atoms, 3), default=None
            Forces on all atoms of each structure.

        Returns
        -------
        TrainingSet

        Raises
        ------
        ValueError
            If energies or forces are not finite, or their numbers do not match the structures.
        """
        return cls(X, validate_energies(X, y), validate_forces(X, forces))

    def __len__(self):
        return len(self.energies)

    def take(self, rows):
        """Some of the structures, by numbers or a mask."""
        chosen = np.arange(len(self))[rows]
        return TrainingSet(
            self.X[rows],
            self.energies[rows],
            self.forces and [self.forces[s] for s in chosen],
            self.slopes and self.slopes[rows],
        )

    def take_features(self, columns):
        """Some of the features, by numbers or a mask."""
        slopes = self.slopes and self.slopes.take_features(columns)
        return replace(self, X=self.X.take_features(columns), slopes=slopes)

    def observe_slopes(self, n_directions, random_state):
        """Take the forces in random directions, unless that has been done.

        Parameters
        ----------
        n_directions : int or None
            Directions per structure, see `observe_forces`.
        random_state : int or numpy.random.RandomState
            Draws the directions.

        Returns
        -------
        TrainingSet

        Raises
        ------
        ValueError
            If `X` does not know its symmetry functions and structures.
        """
        if self.slopes is not None or self.forces is None:
            return self
        slopes = observe_forces(self.X, self.forces, n_directions, random_state)
        return replace(self, slopes=slopes)
