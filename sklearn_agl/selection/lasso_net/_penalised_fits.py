"""LassoNet's path: from a dense network to a sparse one, as the penalty rises."""

import time

import numpy as np

from sklearn_agl.selection.path._path import PathPoint, PathRun, stack_points, unstack_points
from sklearn_agl.selection.runs._runner import Stage

FIRST_STRENGTH = 1e-4
"""Where the search for the beginning of the path starts, in units of the energies' variance."""
SEARCH_RATIO = 2.0
"""Ratio of the strengths tried before features begin to leave."""
PATIENCE = 12
"""Steps without a fall of the objective by the part `TOLERANCE` after which a fit ends."""
TOLERANCE = 0.01
DENSE_TOLERANCE = 1e-3
"""The same for the first fit, whose patience is a setting."""


class LassoNetFits(PathRun):
    """A training that goes from penalty to penalty, and loses features for good.

    What Ctrl-C cuts short is no point, unless it is the first fit.

    Parameters
    ----------
    selector : LassoNetSelector
        Settings, validated; it has noted the columns of the features.
    training : ResidualTraining
        What it goes on with, at its initial weights.
    n_features : int
        When to stop.

    Attributes
    ----------
    strength_of_next, ratio : float
        Penalty of the next fit, and its ratio to the one after that.
    """

    strength = "lambda"

    def __init__(self, selector, training, n_features):
        self.regressor = selector
        self.training = training
        self.points = []
        self._n_features = n_features
        self.strength_of_next, self.ratio = FIRST_STRENGTH, SEARCH_RATIO

    def begin(self):
        """Fit all features that vary, without a penalty."""
        start, selector = time.perf_counter(), self.regressor
        self.training.drop_absent()
        try:
            self.training.run(
                0.0,
                lr=selector.lr,
                max_epochs=selector.max_epochs,
                patience=selector.n_iter_no_change,
                tol=DENSE_TOLERANCE,
                restore=True,
            )
        finally:
            self.points.append(self._measure(0.0, start))
            self.initial_group_norms = self.points[0].group_norms

    def stages(self):
        """One: the fits under a rising penalty."""
        yield Stage(self._raise_penalty(), self._work_left)

    def save_state(self):
        """What `restore_state` needs to go on in another process: dicts of arrays."""
        return {
            "training": self.training.to_arrays(),
            "points": stack_points(self.points),
            "next": {"strength": np.array(self.strength_of_next), "ratio": np.array(self.ratio)},
        }

    def restore_state(self, state):
        """Go on from what `save_state` gave, in the place of `begin`."""
        self.training.load_arrays(state["training"])
        self.points = unstack_points(state["points"])
        self.initial_group_norms = self.points[0].group_norms
        self.strength_of_next = float(state["next"]["strength"])
        self.ratio = float(state["next"]["ratio"])

    def _measure(self, strength, start):
        training = self.training
        rmse = np.sqrt(training.squared_error(training.judges)) * training.energy_scaler.deviation_
        return PathPoint(
            alpha=strength,
            group_norms=training.skip_norms,
            objective=training.objective(training.chunks, strength),
            rmse=rmse,
            fit_time=time.perf_counter() - start,
        )

    def _fit(self, strength):
        start, selector = time.perf_counter(), self.regressor
        self.training.run(
            strength,
            lr=selector.path_lr,
            max_epochs=selector.path_max_epochs,
            patience=-(-PATIENCE // (len(self.training.chunks.batches) - 1)),
            tol=TOLERANCE,
        )
        return self._measure(strength, start)

    def _raise_penalty(self):
        """Raise the penalty until few enough features are left; yields a line for each fit.

        It doubles while no feature leaves. The first step that loses one is taken back, and from
        there on the steps are those of the setting.
        """
        finest = 1.0 + self.regressor.path_multiplier
        while self.points[-1].n_features > self._n_features:
            before = self.training.state.copy()
            point = self._fit(self.strength_of_next)
            if self.ratio > finest and point.n_features < self.points[-1].n_features:
                self.training.state = before
                self.strength_of_next = self.strength_of_next / self.ratio * finest
                self.ratio = finest
                continue
            self.training.drop_absent()
            self.strength_of_next *= self.ratio
            yield self.keep(point)

    def _work_left(self):
        """How much of the way is left: features, on a logarithmic scale."""
        return np.log(max(self.points[-1].n_features, self._n_features) / self._n_features)
