"""LassoNet's path: from a dense network to a sparse one, as the penalty rises."""

import time

import numpy as np

from sklearn_agl.selection.path._penalised_fits import PathPoint

FIRST_STRENGTH = 1e-4
"""Where the search for the beginning of the path starts, in units of the energies' variance."""
SEARCH_RATIO = 2.0
"""Ratio of the strengths tried before features begin to leave."""
PATIENCE = 12
"""Steps without a fall of the objective by the part `TOLERANCE` after which a fit ends."""
TOLERANCE = 0.01
DENSE_TOLERANCE = 1e-3
"""The same for the first fit, whose patience is a setting."""


class LassoNetWalk:
    """A training that goes from penalty to penalty, and loses features for good.

    Parameters
    ----------
    selector : LassoNetSelector
        Settings, validated; it has noted the columns of the features.
    training : ResidualTraining
        What it goes on with, at its initial weights.

    Attributes
    ----------
    points : list of PathPoint
        The dense fit, and one for each penalty.
    initial_group_norms : ndarray of shape (n_features,)
        Sizes of the skip weights in the dense fit.
    interrupted : bool
        Whether Ctrl-C ended a fit; what it has cut short is no point, unless it is the dense fit.
    """

    costs = None
    """The path knows of none."""

    def __init__(self, selector, training):
        self.regressor = selector
        self.training = training
        self.points = []
        self.interrupted = False

    def begin(self):
        """Fit all features that vary, without a penalty."""
        start = time.perf_counter()
        selector = self.regressor
        self.training.drop_absent()
        self._run(
            0.0,
            lr=selector.lr,
            max_epochs=selector.max_epochs,
            patience=selector.n_iter_no_change,
            tol=DENSE_TOLERANCE,
            restore=True,
        )
        self.points.append(self._look_around(0.0, start))
        self.initial_group_norms = self.points[0].group_norms

    def _run(self, strength, **settings):
        try:
            self.training.run(strength, **settings)
        except KeyboardInterrupt:
            self.interrupted = True

    def _look_around(self, strength, start):
        training = self.training
        rmse = np.sqrt(training.squared_error(training.judges)) * training.energy_scaler.deviation_
        return PathPoint(
            alpha=strength,
            group_norms=training.skip_norms,
            objective=training.objective(training.chunks, strength),
            rmse=rmse,
            fit_time=time.perf_counter() - start,
        )

    def _go_to(self, strength):
        """Train at a strength."""
        start = time.perf_counter()
        selector = self.regressor
        self._run(
            strength,
            lr=selector.path_lr,
            max_epochs=selector.path_max_epochs,
            patience=-(-PATIENCE // (len(self.training.chunks.batches) - 1)),
            tol=TOLERANCE,
        )
        return self._look_around(strength, start)

    def run(self, n_features):
        """Raise the penalty until at most `n_features` are left, or Ctrl-C ends a fit.

        It doubles while no feature leaves. The first step that loses one is taken back, and from
        there on the steps are those of the setting.

        Parameters
        ----------
        n_features : int
            When to stop.

        Yields
        ------
        PathPoint
            One for each penalty.
        """
        ratio, strength = SEARCH_RATIO, FIRST_STRENGTH
        finest = 1.0 + self.regressor.path_multiplier
        while self.points[-1].n_features > n_features and not self.interrupted:
            memory = self.training.state.copy()
            point = self._go_to(strength)
            if self.interrupted:
                return
            if ratio > finest and point.n_features < self.points[-1].n_features:
                self.training.state = memory
                strength, ratio = strength / ratio * finest, finest
                continue
            self.training.drop_absent()
            self.points.append(point)
            yield point
            strength *= ratio


def steps_left(n_features, walk):
    """About how much of the way to `n_features` is left: features, on a logarithmic scale."""
    return np.log(max(walk.points[-1].n_features, n_features) / n_features)
