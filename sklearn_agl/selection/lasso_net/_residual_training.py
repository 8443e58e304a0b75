"""A network potential with skip connections in training, under LassoNet's penalty."""

from dataclasses import dataclass

import numpy as np

from sklearn_agl.compiled._activations import NUMBERS
from sklearn_agl.potentials.data._scaling import EnergyScaler, FeatureScaler
from sklearn_agl.potentials.networks._chunks import make_chunks
from sklearn_agl.potentials.networks._layout import NetworkLayout
from sklearn_agl.potentials.training._random_state import (
    random_state_to_arrays,
    take_random_state,
)
from sklearn_agl.selection.lasso_net._residual_network import run_epoch, squared_error


@dataclass
class State:
    """Where a training stands: the weights, and what Adam knows besides."""

    weights: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    n_steps: int = 0

    @classmethod
    def begin(cls, weights):
        """Before the first step."""
        return cls(weights, np.zeros_like(weights), np.zeros_like(weights))

    def take(self, kept):
        """A copy with some of the weights only."""
        arrays = (self.weights[kept], self.mean[kept], self.square[kept])
        return State(*arrays, self.n_steps)

    def copy(self):
        """A copy of all."""
        return self.take(np.arange(len(self.weights)))


class ResidualTraining:
    """Networks with a linear skip connection, one per element, and the data that they learn from.

    Parameters
    ----------
    X : AtomicFeatures
        Features, checked.
    y : ndarray of shape (n_structures,)
        Total energies, checked.
    hidden_layer_sizes : tuple of int
        Nodes of the hidden layers, at least one layer.
    activation : str
        One of `ACTIVATIONS`.
    bound : float
        M, the hierarchy coefficient.
    weight_decay : float
        Of the weights behind the first layer.
    batch_size : int
        Structures per step of Adam.
    validation_fraction : float
        Part of the structures to hold out; 0 for none.
    rng : numpy.random.RandomState
        Draws the held-out structures, the weights and the order of the batches.
    """

    def __init__(
        self, X, y, *, hidden_layer_sizes, activation, bound, weight_decay, batch_size,
        validation_fraction, rng,
    ):  # fmt: skip
        self.bound, self.weight_decay, self.rng = bound, weight_decay, rng
        columns = tuple(X.columns_of(z) for z in X.elements)
        self.layout = NetworkLayout(X.elements, columns, X.n_features, hidden_layer_sizes)
        self._activation = NUMBERS[activation]
        order = rng.permutation(len(X))
        n_held_out = min(int(np.ceil(validation_fraction * len(X))), len(X) - 1)
        rows, held_out = order[n_held_out:], order[:n_held_out]
        scaler = FeatureScaler("standard").fit(X, np.sort(rows))
        counts = X.composition()
        self.energy_scaler = EnergyScaler().fit(counts[rows], y[rows])
        targets = self.energy_scaler.scale(counts, y)
        self.chunks = make_chunks(X, rows, self.layout, scaler, targets, batch_size)
        self.judges = self.chunks
        if n_held_out:
            self.judges = make_chunks(X, held_out, self.layout, scaler, targets, batch_size)
        self.state = State.begin(self._random_weights(np.ptp(scaler.ranges_, axis=1) > 0.0))

    def _random_weights(self, varies):
        """Initial weights; a feature that does not vary gets no skip weight."""
        skip = [
            self.rng.uniform(-1.0, 1.0, len(columns)) / np.sqrt(max(len(columns), 1))
            for columns in self.layout.columns
        ]
        skip = np.where(varies[np.concatenate(self.layout.columns)], np.concatenate(skip), 0.0)
        return np.concatenate([self.layout.random_weights(self.rng), skip])

    @property
    def skip_norms(self):
        """Size of each feature's skip weights, (n_features,): 0 for those that have left."""
        skip = self.state.weights[self.layout.n_weights :]
        columns = np.concatenate(self.layout.columns)
        return np.sqrt(np.bincount(columns, skip**2, minlength=self.layout.n_features))

    def _penalty(self, strength):
        weights, layout = self.state.weights, self.layout
        decay = self.weight_decay * np.sum(weights[layout.inner_weights] ** 2)
        return decay + strength * np.abs(weights[layout.n_weights :]).sum()

    def squared_error(self, chunks):
        """Mean squared error of the scaled energies per atom."""
        layout = self.layout
        return squared_error(
            self.state.weights, layout.sizes, layout.starts, self._activation, _arrays(chunks)
        )

    def objective(self, chunks, strength):
        """Squared error and penalties."""
        return self.squared_error(chunks) + self._penalty(strength)

    def run(self, strength, *, lr, max_epochs, patience, tol=0.01, restore=False):
        """Train until the objective on the held-out structures has stopped to fall.

        Parameters
        ----------
        strength : float
            Penalty of the skip weights.
        lr : float
            Learning rate.
        max_epochs : int
            When to stop in any case.
        patience : int
            Epochs without a fall of the objective by the part `tol` after which to stop.
        tol : float
            See `patience`.
        restore : bool
            Go back to the weights of the lowest objective.
        """
        best = lowest = self.objective(self.judges, strength)
        best_state, misses = self.state.copy(), 0
        for _ in range(max_epochs):
            self._epoch(strength, lr)
            value = self.objective(self.judges, strength)
            if value < lowest and restore:
                lowest, best_state = value, self.state.copy()
            if value < (1.0 - tol) * best:
                best, misses = value, 0
            else:
                misses += 1
            if misses >= patience:
                break
        if restore:
            self.state = best_state

    def _epoch(self, strength, lr):
        layout, state, batches = self.layout, self.state, self.chunks.batches
        decay = np.zeros_like(state.weights)
        decay[layout.inner_weights] = self.weight_decay
        order = self.rng.permutation(len(batches) - 1)
        run_epoch(
            state.weights, state.mean, state.square, state.n_steps, layout.sizes, layout.starts,
            self._activation, _arrays(self.chunks), batches, order, lr, decay, strength, self.bound,
        )  # fmt: skip
        state.n_steps += len(order)

    def drop_absent(self):
        """Take the features without skip weights out of the networks and the data for good."""
        gone = np.setdiff1d(np.concatenate(self.layout.columns), np.flatnonzero(self.skip_norms))
        if len(gone):
            self._drop(gone)

    def to_arrays(self):
        """What `load_arrays` needs to come back to this moment in another process."""
        state = vars(self.state) | random_state_to_arrays(self.rng)
        state["columns"] = np.unique(np.concatenate(self.layout.columns))
        return {name: np.asarray(value) for name, value in state.items()}

    def load_arrays(self, arrays):
        """Go on from what `to_arrays` gave."""
        state = dict(arrays)
        gone = np.setdiff1d(np.concatenate(self.layout.columns), state.pop("columns"))
        if len(gone):
            self._drop(gone)
        take_random_state(self.rng, state)
        self.state = State(**state | {"n_steps": int(state["n_steps"])})

    def _drop(self, gone):
        layout, kept, positions = self.layout.without(gone)
        skip_kept = np.flatnonzero(~np.isin(np.concatenate(self.layout.columns), gone))
        self.state = self.state.take(np.concatenate([kept, self.layout.n_weights + skip_kept]))
        judges = self.judges
        self.chunks = self.chunks.take(positions)
        self.judges = self.chunks if judges is self.chunks else judges.take(positions)
        self.layout = layout


def _arrays(chunks):
    """What the compiled code wants to know."""
    return (
        chunks.data, chunks.starts, chunks.bounds, chunks.counts, chunks.sums, chunks.targets,
    )  # fmt: skip
