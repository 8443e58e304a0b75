"""A network potential in training: its data, scales, weights and solver, ready to go on."""

import json
from copy import copy

import numpy as np
import torch
from scipy.linalg.lapack import dtpttr, dtrttp
from skorch.callbacks import EarlyStopping
from skorch.helper import predefined_split
from skorch.history import History

from sklearn_agl._threads import one_blas_thread
from sklearn_agl.potentials._elements import find_elements, given_references
from sklearn_agl.potentials._potential import Potential
from sklearn_agl.potentials.data._blocks import make_blocks
from sklearn_agl.potentials.data._held_out import hold_out
from sklearn_agl.potentials.data._observations import EnergyObservations
from sklearn_agl.potentials.data._scaling import EnergyScaler, FeatureScaler
from sklearn_agl.potentials.data._weighting import WeightedObservations, roots_of_weights
from sklearn_agl.potentials.networks._device_gradient import (
    DeviceEnergyObservations,
    DeviceFeatures,
)
from sklearn_agl.potentials.networks._layout import NetworkLayout, check_hidden_layer_sizes
from sklearn_agl.potentials.networks._module import HDNNP
from sklearn_agl.potentials.penalties._norm_penalties import make_norm_penalty
from sklearn_agl.potentials.penalties._penalty import GroupPenalty
from sklearn_agl.potentials.solvers._batches import StructureDataset
from sklearn_agl.potentials.solvers._choice import choose_solver
from sklearn_agl.potentials.solvers._levenberg_marquardt import GaussNewtonSums, QuadraticModel
from sklearn_agl.potentials.solvers._net_params import check_net_params
from sklearn_agl.potentials.solvers._nets import PRIOR_VARIANCE, robust_mean
from sklearn_agl.potentials.solvers._skorch_params import check_callbacks, check_device
from sklearn_agl.potentials.solvers._solver import is_cpu
from sklearn_agl.potentials.solvers._wald_statistics import condition_on_zero, wald_statistics
from sklearn_agl.potentials.training._random_state import random_state_to_arrays, take_random_state

CLOSING_SHARE = 1 / 3
"""Part of a full fit's epochs that goes over all structures at last."""
CLOSING_NOISE = 3.0
"""By what the noise counts more there, since most structures have been seen many times. Factors of
1 to 10 were tried: with little noise, smaller ones gave smaller errors, with much noise larger."""
GRADIENT_CHUNK = 128
"""Structures whose derivatives are held in memory together."""


class Training:
    """Everything one fit needs; a path keeps it and goes on from penalty to penalty.

    Parameters
    ----------
    settings : HDNNPRegressor
        Its parameters, validated.
    data : TrainingSet
        Features, energies, and the slopes to train on as well, if there are any.
    rng : numpy.random.RandomState
        Draws the held-out structures, the weights and the order of the structures.
    excluded : collection of int, default=()
        Columns that the networks never see.
    held_out : ndarray of int, default=None
        The structures to hold out, ascending; by default they are drawn.
    """

    def __init__(self, settings, data, rng, excluded=(), held_out=None):
        check_device(settings.device)
        check_callbacks(settings.callbacks)
        self.settings = settings
        self.rng = rng
        self.interrupted = False
        self._norm_penalty = make_norm_penalty(settings.penalty, settings.concavity)
        data = data.without_weightless()
        X, self.sample_weight = data.X, data.weights
        elements = find_elements(X, settings.elements)
        columns = [np.setdiff1d(X.columns_of(z), list(excluded)) for z in elements]
        hidden = check_hidden_layer_sizes(settings.hidden_layer_sizes)
        self.layout = self.first_layout = NetworkLayout(
            elements, tuple(columns), X.n_features, hidden
        )
        self.held_out_rows = self._draw_held_out(data) if held_out is None else held_out
        self.train_rows = np.setdiff1d(np.arange(len(X)), self.held_out_rows)
        of_solver = settings.solver, self.layout, settings.weight_decay, settings.device
        self.solver = choose_solver(*of_solver)
        on_forces = data.slopes is not None and data.slopes.any_of(self.train_rows)
        self.solver.check_device(settings.device, on_forces)
        check_net_params(settings.net_params, self.solver, settings.get_params(deep=False))
        self._defaults = self.solver.default_settings(len(self.train_rows))
        self.feature_scaler = FeatureScaler(settings.scaling).fit(X, self.train_rows, data.weights)
        blocks = make_blocks(X, self.layout, self.feature_scaler)
        composition, rows = blocks.counts, self.train_rows
        self._untrained = np.flatnonzero(~composition[rows].any(axis=0))
        self.trained_on = data.describe()
        self.repulsion, energies = data.repulsion, data.network_energies
        weights = self._weights_of(rows)
        given = given_references(settings.atomic_energies, elements)
        self.energy_scaler = EnergyScaler().fit(composition[rows], energies[rows], weights, given)
        self.targets = self.energy_scaler.scale(composition, energies)
        self.has_slopes = on_forces
        if not on_forces:
            self.observations = self._observe_energies(blocks)
        else:
            self.observations = data.slopes.observations(self.targets, blocks, X, self)
        if data.weights is not None:
            roots = roots_of_weights(data.weights, self.train_rows, self.held_out_rows)
            self.observations = WeightedObservations(self.observations, roots)

    def _weights_of(self, rows):
        return None if self.sample_weight is None else self.sample_weight[rows]

    def _observe_energies(self, blocks):
        device = self.settings.device
        if self.solver.observes_on_device and not is_cpu(device):
            features = DeviceFeatures(torch.device(device))
            return DeviceEnergyObservations(blocks, self.targets, features)
        return EnergyObservations(blocks, self.targets)

    def _draw_held_out(self, data):
        """Structures to hold back for early stopping, if there are enough of them."""
        if not self.settings.early_stopping:
            return np.empty(0, dtype=int)
        fraction = self.settings.validation_fraction
        composition = data.X.composition()
        return hold_out(composition, data.energies, fraction, self.rng, data.groups)

    def start(self, strengths):
        """Begin at random weights, with penalty `strengths` (n_features,)."""
        weights = self.layout.random_weights(self.rng)
        for e in self._untrained:
            weights[self.layout.output_layer(e)] = 0.0
        self.net = self._make_net(weights, strengths)
        self.net.draw_weights(self.train_rows)

    def set_strengths(self, strengths):
        """Change the penalty; the next `run` goes on from the present weights.

        It does so in a new net, so that callbacks and learning rates begin alike whether this
        process has trained the weights or found them in a checkpoint.
        """
        self.restore_state(self.save_state())
        self.net.penalty = self._make_penalty(strengths)

    def _setting(self, name):
        """A setting, or where it is None, its default."""
        value = getattr(self.settings, name)
        return self._defaults[name] if value is None else value

    def epochs(self, share=1.0):
        """A part of the epochs of a full fit, at least one."""
        return max(1, round(share * self._setting("max_epochs")))

    def run(self, epochs):
        """Train for some epochs more, unless a Ctrl-C has ended it all. Returns self."""
        if self.interrupted:
            return self
        dataset = StructureDataset(self.targets, self.train_rows)
        held_out = StructureDataset(self.targets, self.held_out_rows)
        self.net.train_split = predefined_split(held_out) if len(held_out) else None
        with one_blas_thread():
            self.net.partial_fit(dataset, epochs=epochs)
        self.net.train_split = None
        self.interrupted = self.net.interrupted_
        return self

    def improve(self, strengths):
        """Train on with penalty `strengths`, and keep the better weights, by `judgement`.

        The present ones stay if those that follow are no better. Returns self.
        """
        self.set_strengths(strengths)
        before, judgement = self.net, self.judgement
        self.set_strengths(strengths)
        self.run(self.epochs())
        if not self.judgement < judgement:
            self.net = before
        return self

    def begin_at(self, state, rng):
        """Begin at given weights, and with what their solver knew, if that is given, too.

        Parameters
        ----------
        state : dict of str to ndarray or float
            "weights", and nothing else or the parts of the `solver_state`.
        rng : numpy.random.RandomState
            Draws the order of the structures from here on.
        """
        self.rng = rng
        self.net = self._make_net(state["weights"], np.zeros(self.layout.n_features))
        if len(state) > 1:
            self.net.load_solver_state(state)

    def branch(self, seed):
        """A training of its own from here on, on the same data, which draws from a new seed."""
        other = copy(self)
        other.rng = np.random.RandomState(seed)
        other.restore_state(self.save_state())
        return other

    def branch_on(self, support, seed):
        """The same on the features of a mask, all others left out.

        With the Kalman filter, the other weights move to what it expects without them.
        """
        other = self.branch(seed)
        gone = np.setdiff1d(np.concatenate(self.layout.columns), np.flatnonzero(support))
        needed = self.group_norms[gone] > 0.0
        if needed.any() and self.solver.keeps_covariance:
            other.condition_on_absence(gone[needed])
            gone = gone[~needed]
        if len(gone):
            other.drop(gone)
        return other

    def learn_held_out(self):
        """Train on all structures at last, where the solver knows how much noise to believe in.

        The passes are a third of a full fit's, but no more than served until the best weights were
        found. Nothing is held out any more: errors on held-out structures have to be taken before.
        """
        if not self.solver.learns_noise or not len(self.held_out_rows) or self.interrupted:
            return
        judged = [epoch["judged_loss"] for epoch in self.net.history if "judged_loss" in epoch]
        n_passes = self.epochs(CLOSING_SHARE)
        if judged:
            n_passes = min(n_passes, 1 + int(np.argmin(judged)))
        self.train_rows = np.sort(np.concatenate([self.train_rows, self.held_out_rows]))
        self.held_out_rows = self.held_out_rows[:0]
        penalty = self.net.penalty
        self.restore_state(self.save_state())
        self.net.penalty = penalty
        self.net.trust_noise(CLOSING_NOISE)
        self.run(n_passes)

    def potential(self):
        """The Potential of the present weights."""
        return self._potential_of(self.layout, self.feature_scaler, self.weights)

    def potential_on(self, support, weights):
        """The Potential of some columns, a mask, with weights from a fit to these alone."""
        layout, _ = self.first_layout.take(np.flatnonzero(support))
        return self._potential_of(layout, self.feature_scaler.take(support), weights)

    def _potential_of(self, layout, feature_scaler, weights):
        activation, energy_scaler = self.settings.activation, self.energy_scaler
        networks = Potential(layout, activation, weights, feature_scaler, energy_scaler)
        return networks.with_repulsion(self.repulsion)

    def refuse_divergence(self):
        """Raise an error if the weights are no longer numbers."""
        if not np.isfinite(self.weights).all():
            raise ValueError(
                f"The training with solver={self.solver} has diverged: its weights are not "
                f"finite. Lower lr (now {self.settings.lr}), or take solver='kalman'."
            )

    def drop(self, columns):
        """Take features out of the networks, the data and the filter's covariance for good."""
        self._restore_without(columns, self.save_state())

    def _restore_without(self, columns, state):
        """Go on from a state of the present layout, without some features."""
        layout, kept, positions = self.layout.without(columns)
        of_weights = {
            name: value[np.ix_(*[kept] * value.ndim)]
            for name, value in state.items()
            if isinstance(value, np.ndarray)
        }
        observations = self.observations.take(positions)
        self.restore_state(state | of_weights | {"layout": layout, "observations": observations})

    def wald_statistics(self):
        """What the covariance of the weights says about each feature: how needed it is.

        Returns
        -------
        ndarray of shape (n_features,)
            0 for features that have left.
        """
        return wald_statistics(self.weights, self._covariance(), self.layout.groups)

    def _covariance(self):
        """Of the weights: the filter's own, with the other solvers that of a Gauss-Newton model."""
        if self.solver.keeps_covariance:
            return self.net.optimizer_.covariance
        model = self._quadratic_model()
        weights, rows = self._weights_of(self.train_rows), self.train_rows
        n_structures = len(rows) if weights is None else weights.sum()
        precision = model.hessian * n_structures / (2.0 * model.squared_error)
        # The filter's own prior: without one, weights that change nothing would have no variance.
        precision += np.eye(len(precision)) / PRIOR_VARIANCE
        return np.linalg.inv(precision)

    def _quadratic_model(self):
        """The objective without the group penalty around the present weights."""
        weights, rows = self.weights, self.train_rows
        sums = GaussNewtonSums()
        for chunk in np.array_split(rows, -(-len(rows) // GRADIENT_CHUNK)):
            sums.add(*self.observations.errors_and_gradients(self.net.module_, weights, chunk))
        return QuadraticModel(weights, self.net.penalty, sums, len(rows))

    def condition_on_absence(self, columns):
        """Move all weights to what the filter expects without some features, and drop these."""
        state = self.save_state()
        for column in columns:
            state["weights"], state["covariance"] = condition_on_zero(
                state["weights"], state["covariance"], self.layout.groups[column]
            )
        self._restore_without(columns, state)

    def save_state(self):
        """The state for `restore_state`; every axis of its arrays is one of weights."""
        return {
            "layout": self.layout,
            "observations": self.observations,
            "weights": self.weights,
            # The losses of single batches would only grow in number.
            "history": [{**epoch, "batches": []} for epoch in self.net.history],
            **self.net.solver_state(),
        }

    def restore_state(self, state):
        """Restore what `save_state` returned; the penalty has to be set again."""
        state = dict(state)
        self.layout, self.observations = state.pop("layout"), state.pop("observations")
        self.net = self._make_net(state.pop("weights"), np.zeros(self.layout.n_features))
        self.net.history_ = History(state.pop("history"))
        self.net.load_solver_state(state)

    def to_arrays(self):
        """The state as arrays, for a file; `load_arrays` restores it in another process."""
        state = self.save_state()
        del state["observations"]
        state["columns"] = np.unique(np.concatenate(state.pop("layout").columns))
        state["history"] = _to_bytes(state["history"])
        if "covariance" in state:
            state["covariance"] = dtrttp(state["covariance"], uplo="L")[0]
        state |= random_state_to_arrays(self.rng)
        return {name: np.asarray(value) for name, value in state.items()}

    def load_arrays(self, arrays):
        """Restore what `to_arrays` returned; the penalty has to be set again."""
        state = dict(arrays)
        gone = np.setdiff1d(np.concatenate(self.layout.columns), state.pop("columns"))
        state["layout"], _, positions = self.layout.without(gone)
        state["observations"] = self.observations.take(positions)
        state["history"] = json.loads(state["history"].tobytes())
        if "covariance" in state:
            lower = dtpttr(state["layout"].n_weights, state["covariance"], uplo="L")[0]
            state["covariance"] = lower + np.tril(lower, -1).T
        take_random_state(self.rng, state)
        self.restore_state(state)

    def _make_net(self, weights, strengths):
        settings = self.settings
        module = HDNNP(self.layout, settings.activation, weights)
        params = {
            "lr": settings.lr,
            "batch_size": self._setting("batch_size"),
            "max_epochs": self._setting("max_epochs"),
            "device": settings.device,
            "verbose": int(settings.verbose),
            "iterator_train__rng": self.rng,
            "callbacks": self._callbacks(),
            **(settings.net_params or {}),
        }
        penalty = self._make_penalty(strengths)
        of_training = {"observations": self.observations, "penalty": penalty}
        try:
            net = self.solver.make_net(self.has_slopes, module, **of_training, **params)
            return net.initialize()
        except (TypeError, ValueError) as error:
            if not settings.net_params:
                raise
            raise ValueError(
                f"net_params={settings.net_params!r} do not suit solver {self.solver}: {error}"
            ) from error

    def _make_penalty(self, strengths):
        return GroupPenalty(self.layout, strengths, self.settings.weight_decay, self._norm_penalty)

    def _callbacks(self):
        callbacks = list(self.settings.callbacks or [])
        if len(self.held_out_rows):
            patience, monitor = self._setting("n_iter_no_change"), self.solver.judged_by
            stop = EarlyStopping(
                monitor, patience=patience, threshold=0.0, load_best=True, sink=_discard
            )
            callbacks.append(("early_stopping", stop))
        return callbacks

    @property
    def weights(self):
        """Present parameters, flat."""
        return self.net.module_.get_weights()

    @property
    def judged_on(self):
        """Structures that errors are taken from: the held-out ones, if there are any."""
        return self.held_out_rows if len(self.held_out_rows) else self.train_rows

    @property
    def group_norms(self):
        """Euclidean norm of each feature's first-layer weights, (n_features,)."""
        return self.layout.group_norms(self.weights)

    def squared_error(self, rows):
        """The part of the objective that comes from data, over the structures `rows`."""
        return float(self.observations.squared_error(self.net.module_, self.weights, rows))

    def squared_error_of_mean(self, rows):
        """What `squared_error` would be if the networks gave the mean energy, and no forces."""
        nothing = np.zeros_like(self.weights)
        return float(self.observations.squared_error(self.net.module_, nothing, rows))

    def weighted_errors(self, rows):
        """Predicted minus given energies per atom, in the user's units, (n_rows,).

        Each is multiplied by the root of its structure's weight, relative to their mean, so that
        the mean of the squares is the weighted one.
        """
        errors = self.observations.energy_errors(self.net.module_, self.weights, rows)
        weights = self._weights_of(rows)
        if weights is not None:
            errors = errors * np.sqrt(weights / np.mean(weights))
        return errors * self.energy_scaler.deviation_

    def robust_error(self, rows):
        """Like `squared_error`, but a robust mean over the structures `rows`."""
        observations = self.observations
        errors = observations.errors(self.net.module_, self.weights, rows)
        return float(robust_mean(observations.squared_errors(errors, rows)))

    @property
    def judgement(self):
        """What early stopping and the choice between starts look at: the smaller, the better.

        It is the objective on held-out structures or on the others, whichever is larger, so that no
        few held-out structures that happen to be easy decide.
        """
        error = max(self.robust_error(self.judged_on), self.robust_error(self.train_rows))
        return error + self.net.penalty.value(self.weights)

    def rmse_per_atom(self, rows):
        """Root mean squared error of the energy per atom, in the user's units."""
        return np.sqrt(np.mean(self.weighted_errors(rows) ** 2))

    def force_rmse(self, rows):
        """Root mean squared error of the forces in the directions seen; NaN without forces."""
        error = self.observations.slope_rmse(self.net.module_, self.weights, rows)
        return error * self.energy_scaler.deviation_

    def objective(self, rows):
        """The penalised objective over the structures `rows`, a pure number."""
        return self.squared_error(rows) + self.net.penalty.value(self.weights)

    def optimality_violation(self):
        """How far the weights are from a minimum of the objective, see `GroupPenalty.violation`."""
        return self.net.penalty.violation(self.weights, self._quadratic_model().gradient)


def _to_bytes(history):
    """Epochs as JSON. Callbacks may have noted anything: what is no number becomes text."""
    text = json.dumps(history, default=lambda value: getattr(value, "tolist", value.__repr__)())
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _discard(message):
    """For the messages of callbacks."""
