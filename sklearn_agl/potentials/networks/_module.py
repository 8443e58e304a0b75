"""The network potential as a torch module."""

from functools import partial

import numpy as np
import torch
from torch import nn

from sklearn_agl.compiled._activations import ACTIVATIONS, NUMBERS
from sklearn_agl.potentials.networks import _gradient, _slope_gradient


class HDNNP(nn.Module):
    """One network per element; the energy is the sum over the atoms (Behler & Parrinello 2007).

    Parameters
    ----------
    layout : NetworkLayout
        Elements, columns and shapes.
    activation : str
        Name of the hidden layers' activation.
    weights : ndarray of shape (layout.n_weights,)
        Initial parameters; drawn outside, so that torch's random state stays untouched.
    """

    def __init__(self, layout, activation, weights):
        super().__init__()
        self.layout = layout
        self.activation = activation
        self.tensors = nn.ParameterList(
            nn.Parameter(torch.from_numpy(part)) for part in layout.split(weights)
        )

    def get_weights(self):
        """All parameters as one new float64 array, in the order of the layout."""
        parts = [tensor.detach().cpu().double().numpy().ravel() for tensor in self.tensors]
        return np.concatenate(parts)

    def set_weights(self, weights):
        """Overwrite all parameters from one array."""
        with torch.no_grad():
            for tensor, part in zip(self.tensors, self.layout.split(weights), strict=True):
                tensor.copy_(torch.from_numpy(part))

    def split(self, flat):
        """Cut an array in the order of the weights into parts of the parameters' shapes."""
        return self.layout.split(flat)

    def inner_matrices(self):
        """Weight matrices behind the first layer, the ones that decay."""
        depth = self.layout.starts.shape[1]
        return [tensor for i, tensor in enumerate(self.tensors[::2]) if i % depth]

    def forward(self, atoms):
        """Scaled energy per atom of each structure of a batch.

        Parameters
        ----------
        atoms : list of (features, owners, shares)
            For each element: features (n, n_columns), the structure in the batch that each atom
            belongs to (n,), and one over that structure's number of atoms (n,).

        Returns
        -------
        torch.Tensor of shape (n_structures,)
        """
        n_structures = 1 + max(int(owners.max()) for _, owners, _ in atoms if len(owners))
        result = torch.zeros(n_structures, dtype=self.tensors[0].dtype, device=atoms[0][0].device)
        layers = iter(self.tensors)
        activate = partial(ACTIVATIONS[self.activation].of_tensor, torch)
        depth = self.layout.starts.shape[1]
        for features, owners, shares in atoms:
            for layer in range(depth):
                features = nn.functional.linear(features, next(layers), next(layers))
                if layer < depth - 1:
                    features = activate(features)
            result = result.index_add(0, owners, features[:, 0] * shares)
        return result

    def energies(self, weights, blocks, rows):
        """Scaled energies per atom of the structures `rows`, compiled, (n_rows,)."""
        return _gradient.energies(weights, *self._arguments(blocks, rows))

    def energies_and_gradients(self, weights, blocks, rows):
        """Also their gradients by the weights, (n_rows, n_weights)."""
        return _gradient.energies_and_gradients(weights, *self._arguments(blocks, rows))

    def slopes(self, weights, blocks, tangents, n_directions, rows):
        """Slopes of the summed atomic energies along directions that move the features.

        Parameters
        ----------
        weights : ndarray of shape (n_weights,)
            Parameters.
        blocks : FeatureBlocks
            Features.
        tangents : FeatureBlocks
            How they change along each direction: blocks (s, e) of `counts` times n_directions
            columns, all atoms of the first direction, then those of the second, ...
        n_directions : ndarray of shape (n_structures,)
            Directions of each structure.
        rows : ndarray of int
            The structures.

        Returns
        -------
        ndarray of shape (n,)
            One for each direction of each of the structures.
        """
        arguments = self._arguments(blocks, rows)[:-1]
        return _slope_gradient.slopes(
            weights, *arguments, tangents.data, tangents.starts, n_directions, rows
        )

    def slopes_and_gradients(self, weights, blocks, tangents, n_directions, rows):
        """Also their gradients by the weights, (n, n_weights)."""
        arguments = self._arguments(blocks, rows)[:-1]
        return _slope_gradient.slopes_and_gradients(
            weights, *arguments, tangents.data, tangents.starts, n_directions, rows
        )

    def _arguments(self, blocks, rows):
        layout, kind = self.layout, NUMBERS[self.activation]
        return (
            layout.sizes, layout.starts, kind, blocks.data, blocks.starts, blocks.counts, rows
        )  # fmt: skip
