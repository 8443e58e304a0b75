"""The full-batch proximal Levenberg-Marquardt method."""

import numpy as np
import torch
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

from sklearn_agl.potentials.solvers._net import HDNNPNet
from sklearn_agl.potentials.solvers._net_params import NOT_NEGATIVE, number_up_to
from sklearn_agl.potentials.solvers._solver import Solver, is_cpu

SMALLEST_DAMPING, LARGEST_DAMPING = 1e-10, 1e10
"""Below the first, rounding would spoil the factorisation; a step at the second moves nothing."""


class Damping:
    """How little the quadratic model is trusted, after Nielsen (Madsen et al. 2004).

    Parameters
    ----------
    initial : float
        Where it starts, and comes back to after `reset`.
    """

    def __init__(self, initial):
        self.initial = initial
        self.reset()

    def reset(self):
        """Forget what earlier steps have shown."""
        self.value = self.initial
        self._growth = 2.0

    def accept(self, gain):
        """Adapt to a step that kept the share `gain` of what the model had promised."""
        factor = max(1.0 / 3.0, 1.0 - (2.0 * gain - 1.0) ** 3)
        self.value = max(self.value * factor, SMALLEST_DAMPING)
        self._growth = 2.0

    def reject(self):
        """Rise ever faster with each rejection in a row."""
        self.value *= self._growth
        self._growth *= 2.0

    def state_dict(self):
        """What skorch's checkpoints save."""
        return {"value": self.value, "growth": self._growth}

    def load_state_dict(self, state):
        """Restore what `state_dict` gave."""
        self.value, self._growth = state["value"], state["growth"]


class GaussNewtonSums:
    """What the errors e of all structures and their derivatives J add up to: e^T e, J^T e, J^T J.

    The sums lie where the summands do, in numpy's arrays or on a device of torch.
    """

    def __init__(self):
        self.squared_errors = self.products = self.squares = 0.0

    def add(self, errors, jacobian):
        """Take in the errors (n,) of some structures and their derivatives (n, n_weights).

        A structure may have several errors, see `EnergyForceObservations`.
        """
        self.squared_errors += errors @ errors
        self.products += errors @ jacobian
        self.squares += jacobian.T @ jacobian


class QuadraticModel:
    """Gauss-Newton model of the mean squared error and the weight decay around some weights.

    Parameters
    ----------
    weights : ndarray of shape (n_weights,)
        Where the model is exact.
    penalty : GroupPenalty
        Knows the weight decay; its penalty of the norms is no part of the model, which is smooth.
    sums : GaussNewtonSums
        Of all structures, at these weights.
    n_structures : int
        How many these are.
    """

    def __init__(self, weights, penalty, sums, n_structures):
        self.weights = weights
        self.squared_error = float(sums.squared_errors) / n_structures
        self.gradient = 2.0 / n_structures * as_array(sums.products)
        self.gradient += penalty.decay_gradient(weights)
        self.hessian = 2.0 / n_structures * as_array(sums.squares)
        np.einsum("ii->i", self.hessian)[:] += penalty.decay_curvature(len(weights))

    def change(self, weights):
        """What the model says will be added to the squared error and the weight decay."""
        step = weights - self.weights
        return self.gradient @ step + 0.5 * step @ self.hessian @ step

    def minimise(self, damping, penalty):
        """Minimiser of model + damping / 2 ||step||^2 + group lasso.

        In the place of a concave penalty stands its tangent at `weights`, which lies above it.

        Raises
        ------
        numpy.linalg.LinAlgError
            If rounding has made the damped Hessian indefinite.
        """
        damped = self.hessian + damping * np.eye(len(self.weights))
        factor, failed = dpotrf(damped, lower=1, overwrite_a=1)
        if failed:
            raise np.linalg.LinAlgError("The damped Hessian is not positive definite.")
        target = self.weights - dpotrs(factor, self.gradient, lower=1)[0]
        if not penalty.selects:
            return target
        inverse, _ = dpotri(factor, lower=1, overwrite_c=1)
        slopes = penalty.slopes(self.weights)
        return penalty.step(target, inverse, slopes, tol=1e-12, max_sweeps=1000)


def as_array(numbers):
    """An array or a tensor of any device as an array, without a copy where none is needed."""
    return torch.as_tensor(numbers).cpu().numpy()


class LevenbergMarquardtNet(HDNNPNet):
    """Proximal Levenberg-Marquardt method over all structures at once.

    An epoch is one step. Its batches add up to the quadratic model of the smooth part of the
    objective, on the device where the observations are; then, on the CPU, the weights move to the
    minimum of the damped model plus the group lasso. A step that does not lower the objective is
    taken anew with more damping, so that the objective never rises. The training ends where the
    optimality conditions hold, or where no step lowers the objective by more than rounding.

    Parameters
    ----------
    module, observations, penalty
        As for `HDNNPNet`.
    damping : float, default=1.0
        Initial damping.
    tol : float, default=1e-6
        Violation of the optimality conditions at which to stop.
    **kwargs
        Handed on to skorch.
    """

    def __init__(self, module, *, observations, penalty, damping=1.0, tol=1e-6, **kwargs):
        self.damping = damping
        self.tol = tol
        # The order of the structures does not matter, and so shall not change the rounding.
        kwargs["iterator_train__rng"] = None
        super().__init__(module, observations=observations, penalty=penalty, **kwargs)

    def initialize_optimizer(self, *args, **kwargs):
        """The damping is all that one step hands on to the next."""
        self.optimizer_ = Damping(self.damping)
        return self

    def solver_state(self):
        """The damping."""
        return self.optimizer_.state_dict()

    def load_solver_state(self, state):
        """Go on from what `solver_state` gave."""
        self.optimizer_.load_state_dict({name: float(state[name]) for name in ("value", "growth")})

    def forget_data(self):
        """Let go of the sums, too, which a Ctrl-C may have left."""
        super().forget_data()
        self._sums = None

    def fit_loop(self, *args, **kwargs):
        """Start anew: the penalty or the weights may have changed since the last call."""
        self.finished_ = False
        return super().fit_loop(*args, **kwargs)

    def on_epoch_begin(self, *args, **kwargs):
        """End the training as early stopping would, before an epoch that could bring nothing."""
        if self.finished_:
            raise KeyboardInterrupt
        super().on_epoch_begin(*args, **kwargs)

    @property
    def has_ended(self):
        """Whether something other than the number of epochs has ended the training."""
        return self.finished_ or self.interrupted_

    def _stopped_early(self):
        return self.finished_ or super()._stopped_early()

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Add up what the model is made of; then take the step, once it is complete."""
        if training:
            self._sums = GaussNewtonSums()
        super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
        if training:
            dataset, weights = iterator.dataset, self.module_.get_weights()
            self._step(QuadraticModel(weights, self.penalty, self._sums, len(dataset)), dataset)
            self._sums = None

    def train_step(self, batch, **fit_params):
        """Add a batch to the sums; the loss is that of the weights before the step."""
        rows, _ = batch
        weights = self.module_.get_weights()
        errors, jacobian = self.observations.errors_and_gradients(self.module_, weights, rows)
        self._sums.add(errors, jacobian)
        return self._result(batch, as_array(errors), weights)

    def _step(self, model, dataset):
        """Move to lower values of the objective, if that is still possible."""
        penalty, damping = self.penalty, self.optimizer_
        violation = penalty.violation(model.weights, model.gradient)
        self.history.record("violation", violation)
        self.finished_ = violation <= self.tol
        while not self.finished_:
            weights, gain = self._try_step(model, dataset)
            if gain > 1e-3:
                damping.accept(gain)
                self.module_.set_weights(weights)
                return
            damping.reject()
            self.finished_ = damping.value > LARGEST_DAMPING
        if damping.value > LARGEST_DAMPING:
            damping.reset()

    def _try_step(self, model, dataset):
        """Where the model leads, and the share of the decrease it promises that is true."""
        penalty = self.penalty
        try:
            weights = model.minimise(self.optimizer_.value, penalty)
        except np.linalg.LinAlgError:
            return model.weights, 0.0
        squared_error = self.observations.squared_error(self.module_, weights, dataset.rows)
        before = model.squared_error + penalty.value(model.weights)
        penalty_change = penalty.of_norms(weights) - penalty.of_norms(model.weights)
        promised = -(model.change(weights) + penalty_change)
        decrease = before - squared_error - penalty.value(weights)
        beyond_rounding = promised > np.finfo(float).eps * before
        return weights, decrease / promised if beyond_rounding else 0.0


class LevenbergMarquardt(Solver):
    """The Levenberg-Marquardt method over all structures at once."""

    name = "lm"
    net = LevenbergMarquardtNet
    rules = {"damping": number_up_to(LARGEST_DAMPING), "tol": NOT_NEGATIVE}
    matrix = "Hessian"
    is_second_order = finds_minimum = observes_on_device = True
    max_epochs, batch_size, n_iter_no_change = 200, 256, 40

    def memory(self, layout, weight_decay):
        """Bytes of the sums, the Hessian, and two matrices to damp and factorise."""
        return 8 * 4 * layout.n_weights**2

    def check_device(self, device, on_forces):
        """Refuse a device with forces, or one without double precision."""
        if is_cpu(device):
            return
        if on_forces:
            raise ValueError(
                f"solver='lm' trains on forces on the CPU only, but device={device!r}. Leave "
                "device='cpu', or fit without forces."
            )
        try:
            torch.empty(0, device=device, dtype=torch.float64)
        except TypeError as error:
            raise ValueError(
                f"solver='lm' needs double precision, which device={device!r} does not have. Leave "
                "device='cpu', or take solver='adamw'."
            ) from error
