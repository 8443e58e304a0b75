"""The skorch nets: what happens with one batch, solver by solver."""

import numpy as np
import torch

from sklearn_agl.potentials.penalties._proximal import diagonal_proximal_step
from sklearn_agl.potentials.solvers._kalman import KalmanFilter
from sklearn_agl.potentials.solvers._net import HDNNPNet
from sklearn_agl.potentials.solvers._net_params import COUNT, PAIR, POSITIVE, one_of
from sklearn_agl.potentials.solvers._solver import Solver
from sklearn_agl.potentials.solvers._weight_prior import draw_from_prior, match_spread

FEW_STRUCTURES = 1_200
"""Up to here the Kalman filter makes its full number of passes."""
PRIOR_VARIANCE = 0.1
"""Of the weights behind the first layer, before the Kalman filter has seen any data."""
GOING_ON = 0.01
"""Share of the usual process noise where the filter goes on from what it has learned."""
SPREAD_SAMPLE = 500
"""Structures that are looked at, at most, to learn how much energies of the prior vary."""
SMALLEST_PART = 0.01
"""Squared error in training, as part of that on held-out structures, below which it says nothing
about the noise: networks with more weights than structures can go through every energy."""
OUTLIER = 20.0
"""Squared errors count up to this times their median: for normal errors, up to three deviations."""


class KalmanNet(HDNNPNet):
    """Extended Kalman filter with the group-lasso step in its own metric.

    A batch is taken in by blocks of observations; after the batch, the weights move to the minimum
    of the filter's quadratic model plus the batch's share of the penalty, if that is concave of its
    tangent at the weights before the batch.

    The noise variance R is the geometric mean of the squared errors on the structures that are
    trained on and on held-out ones, after each pass. To first order in weights per structure, the
    one lies as far below the variance of the noise as the other lies above it (Akaike 1970). Within
    a call it never rises. Both are robust means, so that no handful of structures decides.

    Parameters
    ----------
    module, observations, penalty
        As for `HDNNPNet`.
    block_size : int, default=32
        Observations per update of the covariance.
    prior_variance : float, default=0.1
        Initial variance of the weights behind the first layer, see `draw_from_prior`; those of the
        last layer are scaled, see `match_spread`.
    process_noise : tuple of float, default=(1.0, 1e-5)
        Rate at which the filter forgets, per pass, in the first and in the last epoch of a call: a
        rate of 1 leaves a share of 1/e of what was learned.
    **kwargs
        Handed on to skorch.
    """

    def __init__(
        self,
        module,
        *,
        observations,
        penalty,
        block_size=32,
        prior_variance=PRIOR_VARIANCE,
        process_noise=(1.0, 1e-5),
        **kwargs,
    ):
        self.block_size = block_size
        self.prior_variance = prior_variance
        self.process_noise = process_noise
        super().__init__(module, observations=observations, penalty=penalty, **kwargs)

    def initialize_optimizer(self, *args, **kwargs):
        """The filter stands where torch would have its optimizer."""
        self.optimizer_ = KalmanFilter(self.module_.layout.n_weights, self.prior_variance)
        self.noise_variance_ = 1.0
        self.noise_is_known_ = False
        self.goes_on_ = False
        return self

    def draw_weights(self, rows):
        """Begin at weights that are drawn from the prior for the structures `rows`."""
        layout, drawn = self.module_.layout, self.module_.get_weights()
        weights, variances = draw_from_prior(layout, self.prior_variance, drawn)
        sample = rows[:: -(-len(rows) // SPREAD_SAMPLE)]
        _, gradients = self.observations.energies_and_gradients(self.module_, weights, sample)
        match_spread(layout, weights, variances, gradients)
        self.module_.set_weights(weights)
        self.optimizer_ = KalmanFilter(layout.n_weights, variances)

    def solver_state(self):
        """The covariance before and after the data, and the noise that the filter believes in."""
        return {
            "covariance": self.optimizer_.covariance,
            "prior_variances": self.optimizer_.prior_variances,
            "noise_variance": self.noise_variance_,
        }

    def load_solver_state(self, state):
        """Go on from what `solver_state` gave."""
        variances = state.get("prior_variances", self.prior_variance)
        self.optimizer_ = KalmanFilter.from_covariance(state["covariance"], variances)
        self.noise_variance_ = float(state["noise_variance"])
        self.goes_on_ = True

    def trust_noise(self, factor):
        """Believe in what the noise has been found to be, times a factor, from now on."""
        self.noise_variance_ *= factor
        self.noise_is_known_ = True

    def fit_loop(self, *args, **kwargs):
        """Begin to estimate the noise anew; the next call goes on from this one."""
        self._lowest_noise_variance = np.inf
        try:
            return super().fit_loop(*args, **kwargs)
        finally:
            self.goes_on_ = True

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """One pass over the structures, after the weight decay, which is one more observation.

        The order matters: a group-lasso step has to come last, for its zeros to last.
        """
        if training:
            self._n_structures = len(iterator.dataset)
            self._decay()
        super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
        if iterator is not None:
            self._look_back(iterator.dataset.rows, training)

    def _look_back(self, rows, training):
        """Note the errors of a pass: for the noise, and for what early stopping watches."""
        weights = self.module_.get_weights()
        errors = self.observations.errors(self.module_, weights, rows)
        energy_error = robust_mean(errors[: len(rows)] ** 2)
        error = robust_mean(self.observations.squared_errors(errors, rows))
        if training:
            self._noise = self._training_energy_error = energy_error
            self._training_error = error
        else:
            believed = max(self._training_energy_error, SMALLEST_PART * energy_error)
            self._noise = np.sqrt(believed * energy_error)
            # Held-out structures that happen to be easy say nothing while training is not done.
            judged = max(error, self._training_error) + self.penalty.value(weights)
            self.history.record("judged_loss", judged)

    def on_epoch_end(self, *args, **kwargs):
        """Believe in the noise that this epoch has shown."""
        super().on_epoch_end(*args, **kwargs)
        if not self.noise_is_known_:
            self._lowest_noise_variance = min(self._lowest_noise_variance, self._noise)
            self.noise_variance_ = max(self._lowest_noise_variance, 1e-12)

    def train_step(self, batch, **fit_params):
        """Take in a batch; the loss is that of the predictions before each update."""
        rows, _ = batch
        weights = self.module_.get_weights()
        slopes = self.penalty.slopes(weights)
        size = max(1, self.block_size // self.observations.n_per_structure)
        blocks = [rows[block] for block in _slices(len(rows), size)]
        errors = [self._update(weights, block) for block in blocks]
        # The energies of all structures, then the rest, as the other solvers have it.
        errors = np.concatenate(
            [own[: len(block)] for own, block in zip(errors, blocks, strict=True)]
            + [own[len(block) :] for own, block in zip(errors, blocks, strict=True)]
        )
        if self.penalty.selects:
            factor = len(rows) / (2.0 * self.noise_variance_)
            weights = self.penalty.step(weights, self.optimizer_.lower, factor * slopes)
        self.module_.set_weights(weights)
        return self._result(batch, errors, weights)

    def _update(self, weights, rows):
        errors, gradients = self.observations.errors_and_gradients(self.module_, weights, rows)
        self.optimizer_.update(weights, gradients, -errors, self.noise_variance_)
        rate = self._forgetting_rate() * len(rows) / self._n_structures
        self.optimizer_.forget(1.0 - np.exp(-rate))
        if not self.goes_on_ and len(self.history) == 1:
            self._learn_noise_from_unseen(errors[: len(rows)])
        return errors

    def _learn_noise_from_unseen(self, errors):
        """In the first pass, errors before each update are those on structures never seen."""
        seen = 0.5 * (self.noise_variance_ + robust_mean(errors**2))
        self.noise_variance_ = min(self.noise_variance_, seen)

    def _forgetting_rate(self):
        first, last = self.process_noise
        if self.goes_on_:
            first *= GOING_ON
        first = max(first, last)
        n_left = self.n_epochs_ - (len(self.history) - self.first_epoch_)
        return last * (first / last) ** (n_left / max(self.n_epochs_ - 1, 1))

    def _decay(self):
        """Observe every inner weight to be zero, as precisely as the weight decay asks."""
        inner = self.penalty.inner_weights
        if self.penalty.weight_decay == 0.0 or not len(inner):
            return
        weights = self.module_.get_weights()
        pick = np.zeros((len(inner), len(weights)))
        pick[np.arange(len(inner)), inner] = 1.0
        variance = self.noise_variance_ / (self._n_structures * self.penalty.weight_decay)
        self.optimizer_.update(weights, pick, -weights[inner], variance)
        self.module_.set_weights(weights)


class Kalman(Solver):
    """The extended Kalman filter.

    It learns from each structure at once: with many, it needs fewer passes, and the group lasso,
    which it meets once per batch, does not have to follow after every 128 of them.
    """

    name = "kalman"
    net = KalmanNet
    rules = {"block_size": COUNT, "prior_variance": POSITIVE, "process_noise": PAIR}
    judged_by = "judged_loss"
    matrix = "covariance"
    is_second_order = keeps_covariance = learns_noise = True
    n_iter_no_change = 15

    def default_settings(self, n_structures):
        """30 passes, for many structures fewer by the root of their number."""
        passes = round(30 * np.sqrt(FEW_STRUCTURES / max(n_structures, FEW_STRUCTURES)))
        sizes = {"max_epochs": passes, "batch_size": max(128, n_structures // 10)}
        return super().default_settings(n_structures) | sizes

    def memory(self, layout, weight_decay):
        """Bytes of the covariance, and of the weight decay.

        The decay is taken in as one observation of each inner weight. That needs their gradients,
        the product of these with the covariance, and that with the gradients again.
        """
        n_decaying = len(layout.inner_weights) if weight_decay else 0
        return 8 * (layout.n_weights + n_decaying) ** 2


def robust_mean(squares):
    """Mean of squares of which none counts more than `OUTLIER` times their median."""
    bound = OUTLIER * np.median(squares)
    return np.mean(np.minimum(squares, bound) if bound > 0.0 else squares)


class AdamWNet(HDNNPNet):
    """Adam with a proximal step after each batch, in the metric of Adam's own step lengths.

    There, a concave penalty is replaced by its tangent at the weights before the batch; with the
    plain learning rate, its step is exact.

    With the plain learning rate in place of the metric, as often seen, the iterates settle at the
    minimum of another objective (Yun, Lozano & Yang 2021). Weight decay is part of the loss.

    Parameters
    ----------
    module, observations, penalty
        As for `HDNNPNet`.
    proximal_metric : {"adam", "euclidean"}, default="adam"
        Adam's step lengths, or the plain learning rate for every weight, which is what has been
        published.
    **kwargs
        Handed on to skorch.
    """

    def __init__(self, module, *, observations, penalty, proximal_metric="adam", **kwargs):
        self.proximal_metric = proximal_metric
        kwargs.setdefault("optimizer", torch.optim.AdamW)
        kwargs.setdefault("optimizer__weight_decay", 0.0)
        super().__init__(module, observations=observations, penalty=penalty, **kwargs)

    def initialize_module(self, *args, **kwargs):
        """Also turn the features into tensors, once."""
        super().initialize_module(*args, **kwargs)
        self.module_.float()
        blocks = self.observations.blocks
        self._features, self._first = [], []
        for e, width in enumerate(blocks.widths):
            atoms = [blocks.block(s, e).T for s in range(len(blocks))]
            table = np.concatenate(atoms) if atoms else np.empty((0, width))
            self._features.append(torch.from_numpy(table).float().to(self.device))
            self._first.append(np.cumsum(blocks.counts[:, e]) - blocks.counts[:, e])
        return self

    def forget_data(self):
        """Let go of the tensors, too."""
        super().forget_data()
        self._features = self._first = None

    def solver_state(self):
        """Adam's averages, each as one array in the order of the weights; nothing at the start."""
        states = [self.optimizer_.state.get(tensor, {}) for tensor in self.module_.tensors]
        flat = {
            name: np.concatenate([state[name].cpu().double().numpy().ravel() for state in states])
            for name in states[0]
            if name != "step"
        }
        return flat | ({"step": float(states[0]["step"])} if flat else {})

    def load_solver_state(self, state):
        """Go on from what `solver_state` gave."""
        if "step" not in state:
            return
        tensors = self.module_.tensors
        for tensor in tensors:
            self.optimizer_.state[tensor] = {"step": torch.tensor(float(state["step"]))}
        for name in state.keys() - {"step"}:
            for tensor, part in zip(tensors, self.module_.split(state[name]), strict=True):
                self.optimizer_.state[tensor][name] = torch.from_numpy(part).to(tensor)

    def infer(self, x, **fit_params):
        """Predict the structures of the row numbers `x`."""
        counts = self.observations.blocks.counts[x]
        share = torch.from_numpy(1.0 / counts.sum(axis=1)).float().to(self.device)
        atoms = []
        for e, (features, first) in enumerate(zip(self._features, self._first, strict=True)):
            owners = np.repeat(np.arange(len(x)), counts[:, e])
            ends = np.cumsum(counts[:, e])
            within = np.arange(len(owners)) - np.repeat(ends - counts[:, e], counts[:, e])
            index = torch.from_numpy(first[x][owners] + within).to(self.device)
            owners = torch.from_numpy(owners).to(self.device)
            atoms.append((features[index], owners, share[owners]))
        return self.module_(atoms)

    def get_loss(self, y_pred, y_true, X=None, *args, **kwargs):
        """Mean squared error and weight decay: the smooth part of the objective."""
        y_true = torch.as_tensor(y_true, dtype=y_pred.dtype, device=y_pred.device)
        if self.observations.roots is not None:
            roots = torch.from_numpy(self.observations.roots[X]).to(y_pred)
            y_pred, y_true = roots * y_pred, roots * y_true
        loss = self.criterion_(y_pred, y_true)
        for tensor in self.module_.inner_matrices():
            loss = loss + self.penalty.weight_decay * tensor.square().sum()
        return loss

    def train_step(self, batch, **fit_params):
        """One Adam step and the proximal step that belongs to it."""
        if not self.penalty.selects:
            return super().train_step(batch, **fit_params)
        slopes = self.penalty.slopes(self.module_.get_weights())
        step = super().train_step(batch, **fit_params)
        weights = self.module_.get_weights()
        if self.proximal_metric == "euclidean":
            self.penalty.euclidean_step(weights, self.optimizer_.param_groups[0]["lr"])
        else:
            diagonal_proximal_step(weights, self._step_lengths(), self.penalty.groups, slopes)
        self.module_.set_weights(weights)
        return step

    def _step_lengths(self):
        """What Adam multiplies each averaged gradient with, in the order of the layout."""
        group = self.optimizer_.param_groups[0]
        lengths = []
        for tensor in self.module_.tensors:
            state = self.optimizer_.state[tensor]
            correction = 1.0 - group["betas"][1] ** float(state["step"])
            root = (state["exp_avg_sq"] / correction).sqrt() + group["eps"]
            lengths.append((group["lr"] / root).cpu().double().numpy().ravel())
        return np.concatenate(lengths)


class ForceAdamWNet(AdamWNet):
    """Adam on energies and forces, with their compiled gradients."""

    def train_step_single(self, batch, **fit_params):
        """Loss of a batch; its gradient is left where torch would have left it."""
        rows, _ = batch
        weights = self.module_.get_weights()
        errors, gradients = self.observations.errors_and_gradients(self.module_, weights, rows)
        gradient = 2.0 / len(rows) * (errors @ gradients) + self.penalty.decay_gradient(weights)
        for tensor, part in zip(self.module_.tensors, self.module_.split(gradient), strict=True):
            tensor.grad = torch.from_numpy(part).to(tensor)
        return self._result(batch, errors, weights)


class AdamW(Solver):
    """Adam in mini-batches."""

    name = "adamw"
    net, force_net = AdamWNet, ForceAdamWNet
    rules = {"proximal_metric": one_of("adam", "euclidean")}
    has_torch_optimizer = True

    def check_device(self, device, on_forces):
        """Any device will do."""


def _slices(n, size):
    return [slice(first, first + size) for first in range(0, n, size)]
