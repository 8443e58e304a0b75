"""Forces as observations: slopes of the energy along random directions of each structure.

A direction moves all atoms of a structure at once. Along directions that are orthonormal, the
squared errors of the slopes have the mean of those of single force components, so that some of them
stand for all forces; as many as there are components say all that the forces say.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from sklearn_agl.descriptors._jacobian import JacobianProducts
from sklearn_agl.potentials.data._blocks import empty_blocks
from sklearn_agl.potentials.data._observations import EnergyForceObservations
from sklearn_agl.potentials.data._scaling import drop_tiny

CHUNK = 64
"""Structures whose tangents are computed together."""
MOST_DIRECTIONS = 60
MOST_BYTES = 2**28
"""What the tangents may take in memory, unless the user asks for more directions."""
BYTES_PER_NUMBER = 4 + 8
"""A tangent as it was computed, and its scaled copy in the training."""


@dataclass(frozen=True)
class DirectionalForces:
    """Forces in some directions, and how the features change along these.

    Attributes
    ----------
    forces : list of ndarray of shape (n_directions,)
        For each structure, the components of its forces in the directions.
    tangents : list of ndarray of shape (n_directions, n_atoms, n_features)
        Derivatives of the features along the directions, in single precision; NaN where a function
        belongs to another element.
    """

    forces: list
    tangents: list

    def __len__(self):
        return len(self.forces)

    def __getitem__(self, rows):
        """Those of some structures, by numbers or a mask; their arrays are shared."""
        chosen = np.arange(len(self))[rows]
        return DirectionalForces(
            [self.forces[i] for i in chosen], [self.tangents[i] for i in chosen]
        )

    def any_of(self, rows):
        """Whether one of some structures, by their numbers, has forces."""
        return any(len(self.forces[s]) for s in rows)

    def take_features(self, columns):
        """The same for some columns, by numbers or a mask."""
        return DirectionalForces(self.forces, [own[:, :, columns] for own in self.tangents])

    def observations(self, energies, blocks, X, training):
        """The observations of a training.

        Parameters
        ----------
        energies : ndarray of shape (n_structures,)
            Scaled energies per atom.
        blocks : FeatureBlocks
            Scaled features.
        X : AtomicFeatures
            The features themselves, which know each atom's element.
        training : Training
            Has the layout, the scalers, the settings and the rows to train on.

        Returns
        -------
        EnergyForceObservations
        """
        n_directions = np.array([len(forces) for forces in self.forces])
        rows = training.train_rows
        squares, weights = (
            np.concatenate([self.forces[s] for s in rows]) ** 2,
            training.sample_weight,
        )
        of_rows = np.ones(len(rows)) if weights is None else weights[rows]
        of_slopes = np.repeat(of_rows, n_directions[rows])
        deviation = np.sqrt(np.average(squares, weights=of_slopes))
        mean_number = np.average(n_directions[rows], weights=of_rows)
        weight = training.settings.force_weight / mean_number
        scale = np.sqrt(weight) / (deviation if deviation > 0 else 1.0)
        return EnergyForceObservations(
            blocks,
            energies,
            self._scaled_tangents(blocks, n_directions, X, training),
            n_directions,
            -scale * np.concatenate(self.forces),
            scale * training.energy_scaler.deviation_,
        )

    def _scaled_tangents(self, blocks, n_directions, X, training):
        layout, divisor = training.layout, training.feature_scaler.divisor_
        result = empty_blocks(blocks.counts * n_directions[:, None], blocks.widths)
        for s, tangents in enumerate(self.tangents):
            present = X.atom_numbers[X.offsets[s] : X.offsets[s + 1]]
            for e, (element, columns) in enumerate(
                zip(layout.elements, layout.columns, strict=True)
            ):
                if blocks.counts[s, e]:
                    own = tangents[:, present == element][:, :, columns] / divisor[columns]
                    own = drop_tiny(own).transpose(2, 0, 1)
                    block = result.block(s, e)
                    block[:] = own.reshape(block.shape)
        return result


def observe_forces(X, forces, n_directions, random_state):
    """Take the components of forces in random orthonormal directions.

    Parameters
    ----------
    X : AtomicFeatures
        Features that know their symmetry functions and structures.
    forces : list of ndarray of shape (n_atoms, 3)
        Forces on all atoms of each structure, checked; NaN for atoms that no direction is to move.
    n_directions : int or None
        Directions per structure; one of fewer atoms has as many as it has components. None takes as
        many as fit into `MOST_BYTES`, at most `MOST_DIRECTIONS`.
    random_state : int or numpy.random.RandomState
        Draws the directions.

    Returns
    -------
    DirectionalForces

    Raises
    ------
    ValueError
        If `X` does not know its symmetry functions and structures.
    """
    if n_directions is None:
        bytes_per_direction = BYTES_PER_NUMBER * X.n_features * int(X.n_atoms.sum())
        n_directions = int(np.clip(MOST_BYTES // bytes_per_direction, 1, MOST_DIRECTIONS))
    rng = check_random_state(random_state)
    labelled = [np.isfinite(own).all(axis=1) for own in forces]
    directions = [_draw_among(n_directions, atoms, rng) for atoms in labelled]
    components = [
        np.einsum("kac,ac->k", own, np.nan_to_num(force))
        for own, force in zip(directions, forces, strict=True)
    ]
    tangents = []
    for first in range(0, len(X), CHUNK):
        rows = slice(first, first + CHUNK)
        tangents += compute_tangents(X[rows], directions[rows])
    return DirectionalForces(components, tangents)


def _draw_among(n_directions, labelled, rng):
    """Directions (n, n_atoms, 3) that move the atoms of a mask only."""
    own = draw_directions(n_directions, np.count_nonzero(labelled), rng)
    if labelled.all():
        return own
    directions = np.zeros((len(own), len(labelled), 3))
    directions[:, labelled] = own
    return directions


def draw_directions(n_directions, n_atoms, rng):
    """Random orthonormal directions (n, n_atoms, 3), but no more than there are components."""
    n_components = 3 * n_atoms
    if n_directions >= n_components:
        return np.eye(n_components).reshape(n_components, n_atoms, 3)
    basis, _ = np.linalg.qr(rng.normal(size=(n_components, n_directions)))
    return basis.T.reshape(-1, n_atoms, 3)


def compute_tangents(X, directions):
    """Derivatives of the features of some structures along their directions, see the class."""
    return JacobianProducts.of_features(X).jvps(directions, dtype=np.float32)
