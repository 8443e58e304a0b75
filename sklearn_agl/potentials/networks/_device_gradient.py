"""Energies of network potentials and their gradients by the weights, on a torch device.

The numbers are those of `_gradient`, here for many structures at once, as products of batches of
matrices. The layout is (structures, nodes, atoms). Structures with fewer atoms of an element than
others are padded with copies of their last one, which have no share in the energy.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from sklearn_agl.compiled._activations import ACTIVATIONS
from sklearn_agl.potentials.data._observations import EnergyObservations

MOST_ATOMS = 2**16
"""Atoms, padding included, whose features and activations are computed with together."""
MOST_BYTES = 2**32
"""Features beyond this stay in the host's memory; the device sees some structures at a time."""


class DeviceFeatures:
    """Features in the memory of a device: those of the blocks that were asked for last.

    A path keeps the blocks of many sets of columns; only those in use shall fill the device.

    Parameters
    ----------
    device : torch.device
        Where to compute.
    """

    def __init__(self, device):
        self.device = device
        self._blocks = self._data = None

    def __deepcopy__(self, memo):
        # The copy may train in another thread, with other columns.
        return DeviceFeatures(self.device)

    def atoms(self, blocks, e, rows):
        """Atoms of element number `e` in the structures `rows`, each of which has some.

        Returns
        -------
        features : torch.Tensor of shape (n_rows, n_columns, n_atoms_max)
            Scaled features, on the device.
        shares : torch.Tensor of shape (n_rows, n_atoms_max)
            One over the structure's number of atoms of all elements, 0 for padding.
        """
        data = self._load(blocks)
        counts, starts, totals = (
            torch.from_numpy(numbers)[:, None].to(data.device)
            for numbers in (
                blocks.counts[rows, e],
                blocks.starts[rows, e],
                blocks.counts[rows].sum(axis=1),
            )
        )
        slots = torch.arange(blocks.counts[rows, e].max(), device=data.device)
        columns = torch.arange(blocks.widths[e], device=data.device)
        atoms = torch.minimum(slots, counts - 1)
        index = (starts + counts * columns)[:, :, None] + atoms[:, None, :]
        shares = (slots < counts).double() / totals
        return data[index].to(self.device), shares.to(self.device)

    def _load(self, blocks):
        if self._blocks is not blocks:
            # First make room, then fill it.
            self._blocks = self._data = None
            data = torch.from_numpy(blocks.data)
            self._data = data.to(self.device) if blocks.data.nbytes <= MOST_BYTES else data
            self._blocks = blocks
        return self._data


@dataclass(frozen=True)
class DeviceEnergyObservations(EnergyObservations):
    """Energies per atom, whose gradients are computed on a torch device.

    Attributes
    ----------
    features : DeviceFeatures
        The device, and what of the blocks is there.
    """

    features: DeviceFeatures

    def energy_errors(self, module, weights, rows):
        """Predicted minus observed energies of the structures `rows`, an array (n_rows,)."""
        with torch.no_grad():
            errors = [self._errors(module, weights, chunk) for chunk in self._chunks(rows)]
        return torch.cat(errors).cpu().numpy()

    def errors_and_gradients(self, module, weights, rows):
        """Also their gradients by the weights, (n_rows, n_weights); both are on the device."""
        parts = [self._errors_and_gradients(module, weights, chunk) for chunk in self._chunks(rows)]
        errors, gradients = zip(*parts, strict=True)
        return torch.cat(errors), torch.cat(gradients)

    def _chunks(self, rows):
        n_atoms = len(rows) * self.blocks.counts[rows].sum(axis=1).max()
        return np.array_split(rows, min(len(rows), -(-n_atoms // MOST_ATOMS)))

    def _errors(self, module, weights, rows):
        errors = -self._observed(rows)
        for present, _, passed in self._passes(module, weights, rows):
            errors[present] += passed.energies
        return errors

    def _errors_and_gradients(self, module, weights, rows):
        errors = -self._observed(rows)
        gradients = errors.new_zeros(len(rows), len(weights))
        for present, own_weights, passed in self._passes(module, weights, rows):
            errors[present] += passed.energies.detach()
            gradients[present, own_weights] = passed.gradients()
        return errors, gradients

    def _observed(self, rows):
        return torch.from_numpy(self.energies[rows]).to(self.features.device)

    def _passes(self, module, weights, rows):
        """Passes through the networks, with the structures and the weights that take part."""
        layout, activate = module.layout, partial(ACTIVATIONS[module.activation].of_tensor, torch)
        weights = torch.from_numpy(weights).to(self.features.device)
        for e, (sizes, starts) in enumerate(zip(layout.sizes, layout.starts, strict=True)):
            present = np.flatnonzero(self.blocks.counts[rows, e])
            if len(present):
                atoms = self.features.atoms(self.blocks, e, rows[present])
                layers = list(_layers(weights, sizes, starts))
                own_weights = slice(starts[0], starts[-1] + sizes[-2] + 1)
                present = torch.from_numpy(present).to(self.features.device)
                yield present, own_weights, Pass(layers, activate, *atoms)


def _layers(weights, sizes, starts):
    """Matrix (n_out, n_in) and bias (n_out, 1) of each layer of an element's network."""
    for start, n_in, n_out in zip(starts, sizes[:-1], sizes[1:], strict=True):
        middle, end = start + n_in * n_out, start + (n_in + 1) * n_out
        yield weights[start:middle].view(n_out, n_in), weights[middle:end, None]


class Pass:
    """A pass of some structures' atoms through the network of one element.

    Parameters
    ----------
    layers : list of (matrix, bias)
        The network.
    activate : callable
        Activation of the hidden layers.
    features, shares : torch.Tensor
        See `DeviceFeatures.atoms`.

    Attributes
    ----------
    energies : torch.Tensor of shape (n_structures,)
        The atoms' part in the energy per atom.
    """

    def __init__(self, layers, activate, features, shares):
        self._inputs, self._outputs = [], []
        for matrix, bias in layers:
            self._inputs.append(activate(self._outputs[-1]) if self._outputs else features)
            self._outputs.append((matrix @ self._inputs[-1] + bias).requires_grad_())
        self.energies = (self._outputs[-1][:, 0] * shares).sum(dim=1)

    def gradients(self):
        """Gradients of the energies by the network's weights, (n_structures, n_own_weights)."""
        deltas = torch.autograd.grad(self.energies.sum(), self._outputs)
        parts = []
        for inputs, delta in zip(self._inputs, deltas, strict=True):
            # The sum over the atoms of the outer products of delta and input.
            parts += [(delta @ inputs.detach().mT).flatten(1), delta.sum(dim=2)]
        return torch.cat(parts, dim=1)
