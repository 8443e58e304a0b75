"""Lines about a training that is under way."""

import time

from skorch.callbacks import Callback

from sklearn_agl.cli._messages import say
from sklearn_agl.selection.runs._runner import TimeLeft

SECONDS = 2.0
"""Between two lines."""


class EpochTeller(Callback):
    """Says now and then which epoch it is, and how much time is left at most."""

    def on_train_begin(self, net, **kwargs):
        """Begin to count."""
        self._time_left, self._last = TimeLeft(net.max_epochs), time.perf_counter()

    def on_epoch_end(self, net, **kwargs):
        """Say it, if it is time."""
        if time.perf_counter() - self._last < SECONDS:
            return
        self._last = time.perf_counter()
        n_done = net.history[-1, "epoch"]
        loss = net.history[-1].get("judged_loss", net.history[-1]["train_loss"])
        say(
            f"epoch {n_done} of at most {net.max_epochs}   objective {loss:.3e}"
            f"{self._time_left(net.max_epochs - n_done)}"
        )
