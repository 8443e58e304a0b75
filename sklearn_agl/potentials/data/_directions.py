"""Forces and stresses as observations: slopes of the energy along directions of each structure.

A direction moves all atoms of a structure at once. Along directions that are orthonormal, the
squared errors of the slopes have the mean of those of single force components, so that some of them
stand for all forces; as many as there are components say all that the forces say. The stress is
six slopes more, along strains of the structure.
"""

from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np
from sklearn.utils import check_random_state

from sklearn_agl.descriptors._jacobian import JacobianProducts
from sklearn_agl.potentials.data._blocks import empty_blocks
from sklearn_agl.potentials.data._observations import EnergyForceObservations
from sklearn_agl.potentials.data._scaling import drop_tiny


def orthonormal_strains():
    """An orthonormal basis of the symmetric matrices, (6, 3, 3)."""
    products = [np.outer(a, b) for a, b in combinations_with_replacement(np.eye(3), 2)]
    symmetric = [product + product.T for product in products]
    return np.array([own / np.linalg.norm(own) for own in symmetric])


CHUNK = 64
"""Structures whose tangents are computed together."""
MOST_DIRECTIONS = 60
MOST_BYTES = 2**28
"""What the tangents may take in memory, unless the user asks for more directions."""
BYTES_PER_NUMBER = 4 + 8
"""A tangent as it was computed, and its scaled copy in the training."""
STRAINS = orthonormal_strains()
"""Six symmetric ones, which are all that a stress says."""


@dataclass(frozen=True)
class DirectionalForces:
    """Forces in some directions, and how the features change along these.

    Attributes
    ----------
    forces : list of ndarray of shape (n_directions,)
        For each structure, the components of its forces in the directions. The last ones belong to
        strains: there, they are minus the virial per atom.
    tangents : list of ndarray of shape (n_directions, n_atoms, n_features)
        Derivatives of the features along the directions, in single precision; NaN where a function
        belongs to another element. Those along strains are divided by the number of atoms.
    n_strains : ndarray of int of shape (n_structures,)
        How many of each structure's directions are strains: `STRAINS` or none.
    """

    forces: list
    tangents: list
    n_strains: np.ndarray

    def __len__(self):
        return len(self.forces)

    def __getitem__(self, rows):
        """Those of some structures, by numbers or a mask; their arrays are shared."""
        chosen = np.arange(len(self))[rows]
        return DirectionalForces(
            [self.forces[i] for i in chosen],
            [self.tangents[i] for i in chosen],
            self.n_strains[chosen],
        )

    def any_of(self, rows):
        """Whether one of some structures, by their numbers, has forces or a stress."""
        return any(len(self.forces[s]) for s in rows)

    def take_features(self, columns):
        """The same for some columns, by numbers or a mask."""
        return replace(self, tangents=[own[:, :, columns] for own in self.tangents])

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
        scale, ratio = self._scales(training)
        n_directions = np.array([len(forces) for forces in self.forces])
        factors = [np.ones(n) for n in n_directions]
        for own, n in zip(factors, self.n_strains, strict=True):
            own[len(own) - n :] = ratio
        forces = [own * factor for own, factor in zip(self.forces, factors, strict=True)]
        return EnergyForceObservations(
            blocks,
            energies,
            self._scaled_tangents(blocks, factors, X, training),
            n_directions,
            self.n_strains,
            -scale * np.concatenate(forces),
            scale * training.energy_scaler.deviation_,
        )

    def _scales(self, training):
        """What forces are multiplied by, and what virials are multiplied by beforehand."""
        settings, rows = training.settings, training.train_rows
        weights = None if training.sample_weight is None else training.sample_weight[rows]
        cut = [
            np.split(self.forces[s], [len(self.forces[s]) - n])
            for s, n in zip(rows, self.n_strains[rows], strict=True)
        ]
        of_forces = scale_of([forces for forces, _ in cut], settings.force_weight, weights)
        of_virials = scale_of([virials for _, virials in cut], settings.stress_weight, weights)
        scale = of_forces or of_virials
        return scale, of_virials / scale

    def _scaled_tangents(self, blocks, factors, X, training):
        layout, divisor = training.layout, training.feature_scaler.divisor_
        n_directions = np.array([len(own) for own in factors])
        result = empty_blocks(blocks.counts * n_directions[:, None], blocks.widths)
        for s, tangents in enumerate(self.tangents):
            present = X.atom_numbers[X.offsets[s] : X.offsets[s + 1]]
            for e, (element, columns) in enumerate(
                zip(layout.elements, layout.columns, strict=True)
            ):
                if blocks.counts[s, e]:
                    own = tangents[:, present == element][:, :, columns] / divisor[columns]
                    own = drop_tiny(own * factors[s][:, None, None]).transpose(2, 0, 1)
                    block = result.block(s, e)
                    block[:] = own.reshape(block.shape)
        return result


def scale_of(parts, weight, sample_weight):
    """What makes the mean over structures of the sums of squares the weight of their term.

    Parameters
    ----------
    parts : list of ndarray
        Some slopes of each structure to train on; there may be none at all.
    weight : float
        Of the term in the objective.
    sample_weight : ndarray or None
        How much each of the structures counts.

    Returns
    -------
    float
        0 without any slopes.
    """
    sizes, slopes = np.array([*map(len, parts)]), np.concatenate(parts)
    if not len(slopes):
        return 0.0
    counts = np.ones(len(parts)) if sample_weight is None else sample_weight
    deviation = np.sqrt(np.average(slopes**2, weights=np.repeat(counts, sizes)))
    mean_number = np.average(sizes, weights=counts)
    return np.sqrt(weight / mean_number) / (deviation if deviation > 0 else 1.0)


def observe_forces(X, forces, stresses, n_directions, random_state):
    """Take the components of forces in random orthonormal directions, and those of stresses.

    Parameters
    ----------
    X : AtomicFeatures
        Features that know their symmetry functions and structures.
    forces : list of ndarray of shape (n_atoms, 3)
        Forces on all atoms of each structure, checked; NaN for atoms that no direction is to move.
    stresses : list of ndarray of shape (3, 3)
        Stress of each structure, with ASE's sign; NaN where it is not known.
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
    directions = [_draw_for_labelled(n_directions, atoms, rng) for atoms in labelled]
    components = [
        np.einsum("kac,ac->k", own, np.nan_to_num(force))
        for own, force in zip(directions, forces, strict=True)
    ]
    tangents = []
    for first in range(0, len(X), CHUNK):
        rows = slice(first, first + CHUNK)
        tangents += compute_tangents(X[rows], directions[rows])
    without = DirectionalForces(components, tangents, np.zeros(len(X), dtype=int))
    return _add_strains(without, X, stresses)


def _add_strains(slopes, X, stresses):
    """Also the stresses, as far as they are known."""
    forces, tangents, n_strains = [*slopes.forces], [*slopes.tangents], slopes.n_strains.copy()
    rows = np.flatnonzero([np.isfinite(own).all() for own in stresses])
    for first in range(0, len(rows), CHUNK):
        chunk = rows[first : first + CHUNK]
        for s, own in zip(chunk, compute_strain_tangents(X[chunk]), strict=True):
            virial = X.structures[s].cell.volume * stresses[s] / X.n_atoms[s]
            forces[s] = np.append(forces[s], -np.einsum("kab,ab->k", STRAINS, virial))
            tangents[s] = np.concatenate([tangents[s], own])
            n_strains[s] = len(STRAINS)
    return DirectionalForces(forces, tangents, n_strains)


def _draw_for_labelled(n_directions, labelled, rng):
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


def compute_strain_tangents(X):
    """Derivatives of the features along `STRAINS`, per atom of the structure, see the class."""
    products, at_rest = JacobianProducts.of_features(X), [np.zeros((n, 3)) for n in X.n_atoms]
    changes = [products.jvp(at_rest, np.tile(strain, (len(X), 1, 1))) for strain in STRAINS]
    return [
        np.stack([of_strain[s, :n] for of_strain in changes]).astype(np.float32) / n
        for s, n in enumerate(X.n_atoms)
    ]
