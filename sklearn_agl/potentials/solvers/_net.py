"""The skorch net that all solvers share: its losses are the documented objective."""

import torch
from skorch import NeuralNetRegressor
from skorch.callbacks import EarlyStopping
from torch import nn

from sklearn_agl.potentials.data._observations import sum_of_squares
from sklearn_agl.potentials.solvers._batches import RowBatches


class HDNNPNet(NeuralNetRegressor):
    """A skorch net whose losses are the documented objective.

    Batches hold row numbers; the features themselves stay in `observations`.

    Parameters
    ----------
    module : torch.nn.Module
        An `HDNNP` with its initial weights.
    observations : EnergyObservations
        Features of all structures, and what is known about their energies.
    penalty : GroupPenalty
        Penalty of the group norms, and weight decay.
    **kwargs
        Handed on to skorch.
    """

    def __init__(self, module, *, observations, penalty, **kwargs):
        self.observations = observations
        self.penalty = penalty
        kwargs.setdefault("criterion", nn.MSELoss)
        kwargs.setdefault("iterator_train", RowBatches)
        kwargs.setdefault("iterator_valid", RowBatches)
        kwargs.setdefault("iterator_valid__batch_size", -1)
        super().__init__(module, **kwargs)

    def forget_data(self):
        """Let go of the features, which a fitted net has no use for."""
        self.observations = None

    def draw_weights(self, rows):
        """Begin at weights that suit the structures `rows`; by default at those that are there."""

    def solver_state(self):
        """What the solver has learned besides the weights, as a dict of arrays and numbers."""
        raise NotImplementedError

    def load_solver_state(self, state):
        """Go on from what `solver_state` gave."""
        raise NotImplementedError

    def fit_loop(self, X, y=None, epochs=None, **kwargs):
        """Note where this call starts, and whether a Ctrl-C ended it."""
        self.first_epoch_ = len(self.history)
        self.n_epochs_ = self.max_epochs if epochs is None else epochs
        self.interrupted_ = False
        try:
            return super().fit_loop(X, y, epochs, **kwargs)
        except KeyboardInterrupt:
            self.interrupted_ = not self._stopped_early()
            raise

    def _stopped_early(self):
        """Whether early stopping ended the training, which skorch does like a Ctrl-C."""
        return any(
            isinstance(callback, EarlyStopping) and callback.misses_ == callback.patience
            for _, callback in self.callbacks_
        )

    def validation_step(self, batch, **fit_params):
        """Objective on held-out structures, from the compiled energies."""
        rows, _ = batch
        weights = self.module_.get_weights()
        errors = self.observations.errors(self.module_, weights, rows)
        return self._result(batch, errors, weights)

    def _result(self, batch, errors, weights):
        """What skorch expects of a step; `errors` are predicted minus observed, energies first."""
        rows, targets = batch
        loss = sum_of_squares(errors) / len(rows) + self.penalty.value(weights)
        predicted = targets + errors[: len(rows)]
        return {"loss": torch.tensor(loss), "y_pred": torch.from_numpy(predicted)}
