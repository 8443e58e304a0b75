"""The learning-rate finder of the published protocol, as a skorch callback."""

from copy import deepcopy
from itertools import chain, islice, repeat
from numbers import Integral, Real

import numpy as np
from skorch.callbacks import Callback

HOPELESS = 4.0
"""The search ends where the smoothed loss is this many times the lowest one."""
SAFETY = 10.0
"""How far below the rate of the lowest loss training is safe. The place of the steepest descent,
which is also in use, is found by the noise between small batches."""


class LearningRateFinder(Callback):
    """Set the learning rate by a range test before the first epoch.

    The rate rises exponentially from batch to batch; a tenth of the one with the lowest smoothed
    loss is kept (L. N. Smith, WACV 2017, 464). Weights and optimizer then start anew.

    Parameters
    ----------
    lowest, highest : float, default=1e-6, 1.0
        Range of the test.
    n_steps : int, default=100
        Batches that the whole range takes.
    smoothing : float, default=0.9
        Weight of the past in the running mean of the loss.

    Attributes
    ----------
    lr_ : float
        The learning rate that was found.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_agl import HDNNPRegressor
    >>> from sklearn_agl.potentials import LearningRateFinder
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> model = HDNNPRegressor(
    ...     solver="adamw", max_epochs=5, callbacks=[LearningRateFinder()], random_state=0
    ... ).fit(X, X[:, 0])
    >>> 1e-7 < model.net_.optimizer_.param_groups[0]["lr"] <= 0.1
    True
    """

    def __init__(self, lowest=1e-6, highest=1.0, n_steps=100, smoothing=0.9):
        self.lowest = lowest
        self.highest = highest
        self.n_steps = n_steps
        self.smoothing = smoothing

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Find the rate, unless the net is trained already."""
        if len(net.history):
            return
        self._check_parameters()
        weights = deepcopy(net.module_.state_dict())
        rates = np.geomspace(self.lowest, self.highest, self.n_steps)
        losses = self._test(net, net.get_dataset(X, y), rates)
        net.module_.load_state_dict(weights)
        net.initialize_optimizer()
        self.lr_ = float(rates[np.nanargmin(losses)] / SAFETY)
        _set_rate(net, self.lr_)

    def _check_parameters(self):
        numbers = (self.lowest, self.highest, self.smoothing)
        if not all(isinstance(number, Real) for number in numbers):
            raise ValueError(f"lowest, highest and smoothing must be numbers, got {numbers!r}.")
        if not 0.0 < self.lowest < self.highest < np.inf:
            raise ValueError(
                f"lowest={self.lowest} and highest={self.highest} must be positive, "
                "the first one smaller."
            )
        if not isinstance(self.n_steps, Integral) or self.n_steps < 1:
            raise ValueError(f"n_steps={self.n_steps} must be a whole number above 0.")
        if not 0.0 <= self.smoothing < 1.0:
            raise ValueError(f"smoothing={self.smoothing} must be at least 0 and below 1.")

    def _test(self, net, dataset, rates):
        """Smoothed loss at each rate, as far as training at it makes sense."""
        passes = (net.get_iterator(dataset, training=True) for _ in repeat(None))
        mean, losses = 0.0, []
        for step, batch in enumerate(islice(chain.from_iterable(passes), len(rates))):
            _set_rate(net, rates[step])
            loss = net.train_step(batch)["loss"].item()
            mean = self.smoothing * mean + (1.0 - self.smoothing) * loss
            losses.append(mean / (1.0 - self.smoothing ** (step + 1)))
            if not losses[-1] < HOPELESS * min(losses):
                break
        return np.array(losses)


def _set_rate(net, rate):
    for group in net.optimizer_.param_groups:
        group["lr"] = rate
