"""A fitted potential: the numbers of its networks, and what can be computed from them."""

from dataclasses import dataclass, replace

import numpy as np

from sklearn_agl.compiled._activations import NUMBERS
from sklearn_agl.compiled._pair_terms import ZBL
from sklearn_agl.descriptors._jacobian import JacobianProducts
from sklearn_agl.potentials._repulsion import Repulsion
from sklearn_agl.potentials.data._blocks import make_blocks
from sklearn_agl.potentials.data._scaling import EnergyScaler, FeatureScaler
from sklearn_agl.potentials.networks._feature_gradients import outputs_and_slopes
from sklearn_agl.potentials.networks._gradient import energies
from sklearn_agl.potentials.networks._layout import NetworkLayout


@dataclass(frozen=True, eq=False)
class Potential:
    """Networks from features to energies, in the user's units, and the pair term beside them.

    The energy of an atom is ``deviation`` times the output of its element's network, plus the
    element's ``reference``. Features are checked by the regressor, before they come here.

    Attributes
    ----------
    layout : NetworkLayout
        Elements, columns and shapes of the networks.
    activation : str
        Activation of the hidden layers.
    weights : ndarray of shape (n_weights,)
        All weights and biases in the order of the layout.
    feature_scaler : FeatureScaler
        Offsets, divisors and ranges of the features.
    energy_scaler : EnergyScaler
        Deviation and references.
    repulsion : Repulsion or None
        The pair term.
    """

    layout: NetworkLayout
    activation: str
    weights: np.ndarray
    feature_scaler: FeatureScaler
    energy_scaler: EnergyScaler
    repulsion: Repulsion | None = None

    @property
    def elements(self):
        """Atomic numbers, ascending."""
        return self.layout.elements

    @property
    def ranges(self):
        """Smallest and largest value of each feature in training, (n_features, 2)."""
        return self.feature_scaler.ranges_

    @property
    def group_norms(self):
        """Euclidean norm of the first-layer weights that leave each feature, (n_features,)."""
        return self.layout.group_norms(self.weights)

    @property
    def layers(self):
        """For each element, the weights (n_out, n_in) and biases (n_out,) of its layers."""
        parts = iter(self.layout.split(self.weights))
        return [[(next(parts), next(parts)) for _ in starts] for starts in self.layout.starts]

    def energies(self, X):
        """Total energies of the structures of `X`, AtomicFeatures, (n_structures,)."""
        layout, kind = self.layout, NUMBERS[self.activation]
        blocks = make_blocks(X, layout, self.feature_scaler)
        scaled = energies(
            self.weights, layout.sizes, layout.starts, kind, blocks.data, blocks.starts,
            blocks.counts, np.arange(len(X)),
        )  # fmt: skip
        totals = self.energy_scaler.unscale(blocks.counts, scaled)
        pairs = self._pair_sums(X)
        return totals if pairs is None else totals + pairs.totals

    def gradients(self, X):
        """Derivatives of the total energies by the positions and by a strain.

        Parameters
        ----------
        X : AtomicFeatures
            Features that know their structures and symmetry functions.

        Returns
        -------
        gradients : list of ndarray of shape (n_atoms, 3)
        strain_gradients : ndarray of shape (n_structures, 3, 3)

        Raises
        ------
        ValueError
            If the features do not know their structures or functions.
        """
        products = JacobianProducts.of_features(X)
        _, by_features = self.atomic_energies(X)
        gradients, strain_gradients = products.vjp_of_rows(by_features)
        pairs = self._pair_sums(X)
        if pairs is None:
            return gradients, strain_gradients
        summed = [own + pair for own, pair in zip(gradients, pairs.gradients, strict=True)]
        return summed, strain_gradients + pairs.strain

    def atomic_energies(self, X):
        """Energies that the networks give single atoms, and their derivatives by the features.

        Parameters
        ----------
        X : AtomicFeatures

        Returns
        -------
        energies : ndarray of shape (n_atoms_total,)
            Without the pair term.
        gradients : ndarray of shape (n_atoms_total, n_features)
            0 for what an element's network does not see.
        """
        layout, scaler = self.layout, self.energy_scaler
        blocks = make_blocks(X, layout, self.feature_scaler)
        outputs, slopes = outputs_and_slopes(self.weights, layout, self.activation, blocks)
        energies, gradients = np.zeros(len(X.atom_numbers)), np.zeros(X.atom_values.shape)
        for e, (element, columns) in enumerate(zip(layout.elements, layout.columns, strict=True)):
            factors = scaler.deviation_ / self.feature_scaler.divisor_[columns]
            for s in np.flatnonzero(blocks.counts[:, e]):
                first, last = X.offsets[s], X.offsets[s + 1]
                atoms = first + np.flatnonzero(X.atom_numbers[first:last] == element)
                energies[atoms] = outputs.block(s, e)[0] * scaler.deviation_ + scaler.references_[e]
                gradients[atoms[:, None], columns] = slopes.block(s, e).T * factors
        return energies, gradients

    def _pair_sums(self, X):
        """Sums of the pair term, or None without one."""
        if self.repulsion is None:
            return None
        if X.structures is not None:
            return self.repulsion.sums(X.structures)
        if self.repulsion.kind == ZBL:
            raise ValueError(
                "A potential with repulsion='zbl' needs features that know their structures, as "
                "those of a SymmetryFunctionTransformer do."
            )
        return None

    def without(self, features):
        """The potential of the other features, which are then counted from zero.

        Parameters
        ----------
        features : collection of int
            Their weights are lost.

        Returns
        -------
        Potential
        """
        columns = np.setdiff1d(np.arange(self.layout.n_features), list(features))
        layout, kept_weights = self.layout.take(columns)
        return replace(
            self,
            layout=layout,
            weights=self.weights[kept_weights],
            feature_scaler=self.feature_scaler.take(columns),
        )

    def with_repulsion(self, repulsion):
        """The same beside a pair term, or None; a core becomes as high as the energies can swing.

        Parameters
        ----------
        repulsion : Repulsion or None

        Returns
        -------
        Potential
        """
        strengthened = repulsion and repulsion.with_strengths(self.energy_swings())
        return replace(self, repulsion=strengthened)

    def energy_swings(self):
        """How far the energy of an atom can swing, by element.

        The bound is strict where the last nodes give between -1 and 1, as with tanh; with other
        activations it says what a change of all of them by 2 can do.
        """
        last = [layers[-1][0] for layers in self.layers]
        return np.array([2.0 * self.energy_scaler.deviation_ * np.abs(w).sum() for w in last])
