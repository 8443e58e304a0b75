"""What a fit is trained on, checked once where it comes from the user."""

from dataclasses import dataclass, replace

import numpy as np

from sklearn_agl._labels import (
    AUTO,
    DERIVATIVES,
    check_constraints,
    is_auto,
    name_of_energy,
    stored_derivatives,
)
from sklearn_agl._validation import (
    validate_energies,
    validate_forces,
    validate_groups,
    validate_weights,
)
from sklearn_agl.compiled._pair_terms import ZBL
from sklearn_agl.features import AtomicFeatures
from sklearn_agl.potentials._elements import find_elements
from sklearn_agl.potentials._repulsion import Repulsion, make_repulsion
from sklearn_agl.potentials.data._directions import DirectionalForces, observe_forces


@dataclass(frozen=True)
class TrainingSet:
    """Features of some structures, and what is known about their energies.

    Attributes
    ----------
    X : AtomicFeatures
        Features, checked.
    energies : ndarray of shape (n_structures,)
        Total energies.
    source : {"y", "free_energy", "energy"}
        Where the energies are from: given, or one of those that ASE knows, from the structures.
    forces : list of ndarray of shape (n_atoms, 3) or None
        Forces on all atoms of each structure; NaN for atoms that have none.
    stresses : list of ndarray of shape (3, 3) or None
        Stress of each structure, with ASE's sign; NaN where there is none.
    slopes : DirectionalForces or None
        The forces in the directions that training looks at, once these are drawn.
    repulsion : Repulsion or None
        The pair term beside the networks, which have to give what it leaves. The slopes are without
        it, energies and forces are as given.
    weights : ndarray of shape (n_structures,) or None
        How much each structure counts; None if all count alike.
    groups : ndarray of shape (n_structures,) or None
        Labels of structures that are held out together; None if each stands for itself.
    """

    X: AtomicFeatures
    energies: np.ndarray
    source: str = "y"
    forces: list | None = None
    stresses: list | None = None
    slopes: DirectionalForces | None = None
    repulsion: Repulsion | None = None
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None

    @classmethod
    def from_user(cls, settings, X, y, forces=AUTO, sample_weight=None, groups=None):
        """Check what the user has given.

        Parameters
        ----------
        settings : HDNNPRegressor
            Its parameter `forces` says what "auto" means, `stress`, whether stresses are taken from
            the structures, and `repulsion`, which pair term is beside the networks.
        X : AtomicFeatures
            Features, checked by `validate_features`, which needs the estimator.
        y : array-like of shape (n_structures,) or None
            Total energies; None for those that the structures carry.
        forces : "auto", sequence of array-like of shape (n_atoms, 3) or None, default="auto"
            Forces on all atoms of each structure.
        sample_weight : array-like of shape (n_structures,), default=None
            How much each structure counts; 0 leaves it out.
        groups : array-like of shape (n_structures,), default=None
            Labels of structures that are held out together.

        Returns
        -------
        TrainingSet

        Raises
        ------
        ValueError
            If energies or forces are not finite, their numbers do not match the structures, or a
            constraint has changed the forces; see also `make_repulsion`.
        """
        source = "y" if y is not None else name_of_energy(X)
        energies = validate_energies(X, y)
        stored = stored_derivatives(X, energies, _wanted(settings, forces))
        if is_auto(forces):
            forces = stored.get("forces")
        if forces is not None:
            forces = validate_forces(X, forces)
            check_constraints(X, forces)
        weights = validate_weights(X, sample_weight)
        groups = validate_groups(X, groups)
        elements = find_elements(X, settings.elements)
        repulsion = make_repulsion(settings.repulsion, X, elements)
        return cls(
            X,
            energies,
            source,
            forces,
            stored.get("stress"),
            repulsion=repulsion,
            weights=weights,
            groups=groups,
        )

    def __len__(self):
        return len(self.energies)

    def describe(self):
        """What there is to train on, as the attribute `trained_on_` has it."""
        labelled = [np.isfinite(own).all(axis=1) for own in self.forces or ()]
        return {
            "energy": self.source,
            "n_energies": len(self),
            "n_forces": int(sum(map(np.count_nonzero, labelled))),
            "n_stresses": sum(own is not None for own in self.stresses or ()),
        }

    def __str__(self):
        about = self.describe()
        kind = {"y": "energies", "energy": "energies of the structures"}
        text = f"{len(self)} {kind.get(self.source, 'free energies of the structures')}"
        forces = f"forces on {about['n_forces']} of {self.X.n_atoms.sum()} atoms"
        stresses = f", {about['n_stresses']} stresses" if about["n_stresses"] else ""
        return f"{text}, {forces if about['n_forces'] else 'no forces'}{stresses}"

    def take(self, rows):
        """Some of the structures, by numbers or a mask."""
        chosen = np.arange(len(self))[rows]
        return TrainingSet(
            self.X[rows],
            self.energies[rows],
            self.source,
            self.forces and [self.forces[s] for s in chosen],
            self.stresses and [self.stresses[s] for s in chosen],
            self.slopes and self.slopes[rows],
            self.repulsion,
            None if self.weights is None else self.weights[rows],
            None if self.groups is None else self.groups[rows],
        )

    def without_weightless(self):
        """The structures that count at all."""
        return self if self.weights is None or self.weights.all() else self.take(self.weights > 0)

    def take_features(self, columns):
        """Some of the features, by numbers or a mask."""
        slopes = self.slopes and self.slopes.take_features(columns)
        return replace(self, X=self.X.take_features(columns), slopes=slopes)

    def observe_slopes(self, n_directions, random_state):
        """Take the forces in random directions, and the stresses, unless that has been done.

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
        if self.slopes is not None or (self.forces is None and self.stresses is None):
            return self
        forces, stresses = self._complete_labels()
        if self._has_pair_labels:
            pairs = self.repulsion.sums(self.X.structures)
            volumes = [atoms.cell.volume or np.nan for atoms in self.X.structures]
            forces = [own + of_pairs for own, of_pairs in zip(forces, pairs.gradients, strict=True)]
            of_all = zip(stresses, pairs.strain, volumes, strict=True)
            stresses = [own - strain / volume for own, strain, volume in of_all]
        slopes = observe_forces(self.X, forces, stresses, n_directions, random_state)
        return replace(self, slopes=slopes)

    def _complete_labels(self):
        """Forces and stresses of all structures: NaN where there are none, or none that count."""
        forces, stresses = self.forces or [None] * len(self), self.stresses or [None] * len(self)
        counts = np.ones(len(self)) if self.weights is None else self.weights
        nothing = [np.full((n, 3), np.nan) for n in self.X.n_atoms]
        return (
            [
                n if f is None or not c else f
                for n, f, c in zip(nothing, forces, counts, strict=True)
            ],
            [
                np.full((3, 3), np.nan) if s is None or not c else s
                for s, c in zip(stresses, counts, strict=True)
            ],
        )

    @property
    def network_energies(self):
        """What the pair term leaves to the networks, (n_structures,)."""
        if not self._has_pair_labels:
            return self.energies
        return self.energies - self.repulsion.sums(self.X.structures).totals

    @property
    def _has_pair_labels(self):
        """Whether labels have a part in the pair term: cores begin where there is no structure."""
        return self.repulsion is not None and self.repulsion.kind == ZBL


def _wanted(settings, forces):
    """Which labels beside the energies shall come from the structures."""
    if not (is_auto(forces) and is_auto(settings.forces)):
        return ()
    return DERIVATIVES if is_auto(settings.stress) else ("forces",)
