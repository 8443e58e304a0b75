"""The net of solvers that consist of their steps: those of users."""

from dataclasses import dataclass

import numpy as np

from sklearn_agl.potentials.data._observations import EnergyObservations
from sklearn_agl.potentials.networks._module import HDNNP
from sklearn_agl.potentials.penalties._penalty import GroupPenalty
from sklearn_agl.potentials.solvers._net import HDNNPNet


@dataclass(frozen=True)
class Batch:
    """Some structures of a training, as a solver sees them."""

    module: HDNNP
    observations: EnergyObservations
    penalty: GroupPenalty
    rows: np.ndarray

    def errors_and_gradients(self, weights):
        """Errors (n,) and their gradients (n, n_weights); the energies' errors come first."""
        return self.observations.errors_and_gradients(self.module, weights, self.rows)

    def gradient(self, weights):
        """Gradient of the mean squared error and the weight decay, (n_weights,)."""
        errors, gradients = self.errors_and_gradients(weights)
        return 2.0 / len(self.rows) * (errors @ gradients) + self.penalty.decay_gradient(weights)

    def shrink(self, weights, length):
        """Proximal step of the penalty, in place, behind a gradient step of that length."""
        self.penalty.euclidean_step(weights, length)


class State(dict):
    """What a solver keeps, with the methods that skorch's checkpoints call."""

    def state_dict(self):
        """What skorch's checkpoints save."""
        return dict(self)

    def load_state_dict(self, state):
        """Restore what `state_dict` gave."""
        self.update(state)


class StepNet(HDNNPNet):
    """A net whose batches are steps of a solver.

    Parameters
    ----------
    module, observations, penalty
        As for `HDNNPNet`.
    solver : Solver
        Takes the steps.
    **kwargs
        Handed on to skorch.
    """

    def __init__(self, module, *, observations, penalty, solver, **kwargs):
        self.solver = solver
        super().__init__(module, observations=observations, penalty=penalty, **kwargs)

    def initialize_optimizer(self, *args, **kwargs):
        """The solver's state stands where torch would have its optimizer."""
        self.optimizer_ = State(self.solver.start(self.module_.layout.n_weights))
        return self

    def solver_state(self):
        """What the solver keeps."""
        return self.optimizer_.state_dict()

    def load_solver_state(self, state):
        """Go on from what `solver_state` gave."""
        self.optimizer_.load_state_dict(state)

    def train_step(self, batch, **fit_params):
        """Take in a batch; the loss is that of the weights before the step."""
        rows, _ = batch
        weights = self.module_.get_weights()
        result = self._result(batch, self.observations.errors(self.module_, weights, rows), weights)
        seen = Batch(self.module_, self.observations, self.penalty, rows)
        self.module_.set_weights(self.solver.step(seen, weights, self.optimizer_))
        return result
