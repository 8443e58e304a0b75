"""Fits without penalty of the sets that a path finds: from its weights on, and afresh."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from joblib import delayed, effective_n_jobs
from sklearn.base import clone

from sklearn_agl.potentials._regressor import make_regressor
from sklearn_agl.selection.runs._parallel import as_they_end
from sklearn_agl.selection.runs._runner import Run, Stage, raise_if_interrupted

NUMBERS, RAGGED = ("init", "judgement", "force_rmse", "n_iter", "seconds"), ("errors", "weights")
"""Fields of a Refit: single ones, and arrays of different lengths."""


@dataclass(frozen=True)
class Refit:
    """A fit without penalty on one set of features.

    Attributes
    ----------
    init : {"warm", "cold"}
        Whether it started from the path's weights or afresh.
    judgement : float
        The smaller, the better, see `Training.judgement`.
    errors : ndarray of shape (n_held_out,)
        Predicted minus given energies per atom of the held-out structures, see
        `Training.weighted_errors`.
    force_rmse : float
        Of the forces on them; NaN without forces.
    weights : ndarray of shape (n_weights,)
        All parameters of the networks on the set.
    n_iter : int
        Epochs.
    seconds : float
        How long it took.
    """

    init: str
    judgement: float
    errors: np.ndarray
    force_rmse: float
    weights: np.ndarray
    n_iter: int
    seconds: float

    @classmethod
    def of(cls, training, init, start, n_before=0):
        """What a training has found that began at the time `start`, after `n_before` epochs."""
        held_out = training.held_out_rows
        return cls(
            init=init,
            judgement=training.judgement,
            errors=training.weighted_errors(held_out),
            force_rmse=training.force_rmse(held_out) if len(held_out) else np.nan,
            weights=training.weights,
            n_iter=len(training.net.history) - n_before,
            seconds=time.perf_counter() - start,
        )

    @property
    def rmse(self):
        """Error per atom on held-out structures, NaN without any."""
        return np.sqrt(np.mean(self.errors**2)) if len(self.errors) else np.nan

    def describe(self, n_features, number=""):
        """A line about it."""
        return (
            f"refit{number}   {self.init}   {n_features:4d} features   RMSE {self.rmse:.3e}   "
            f"{self.seconds:5.2f} s"
        )


def stack_refits(refits):
    """Refits as arrays that a file can hold, one entry per refit, those of ragged ones in a row."""
    found = list(refits.values())
    arrays = {name: np.array([getattr(one, name) for one in found]) for name in NUMBERS}
    for name in RAGGED:
        parts = [getattr(one, name) for one in found]
        arrays[name], arrays[f"n_{name}"] = np.concatenate(parts), np.array([*map(len, parts)])
    columns = [np.array(own) for own, _ in refits]
    sizes = np.array([*map(len, columns)])
    return arrays | {"columns": np.concatenate(columns), "n_columns": sizes}


def unstack_refits(arrays):
    """The refits that `stack_refits` was given; none for None."""
    if arrays is None:
        return {}
    ragged = {
        name: np.split(arrays[name], np.cumsum(arrays[f"n_{name}"])[:-1])
        for name in (*RAGGED, "columns")
    }
    found = {}
    for i, columns in enumerate(ragged["columns"]):
        numbers = {name: arrays[name][i].item() for name in NUMBERS}
        refit = Refit(**numbers, **{name: ragged[name][i] for name in RAGGED})
        found[tuple(columns.tolist()), refit.init] = refit
    return found


class RefittedPath(Run):
    """A path whose sets are fitted from its weights on, and once more afresh.

    Parameters
    ----------
    path : PenalisedFits
        Finds the sets.
    data : TrainingSet
        What to train on.
    n_jobs : int or None
        How many fits at a time.

    Attributes
    ----------
    found : dict of (tuple of int, str) to Refit
        By the columns of each set and where the fit started.
    """

    def __init__(self, path, data, n_jobs):
        self.path = path
        self.found = {}
        self._settings = clone(path.regressor).set_params(
            alpha=0.0, feature_weights=None, random_state=path.seed
        )
        self._data = data
        self._n_jobs = n_jobs
        # A number that only the surroundings give may be that of a cluster, for `_fit_missing`.
        self._n_idle = 0 if n_jobs is None else effective_n_jobs(n_jobs) - 1
        self._lines = []

    def begin(self):
        """Do the first fits of the path, the first of which is refitted at once."""
        noise = self.path.fit_without_penalty()
        self._refit_from_path()
        self.path.fit_first(noise)

    def stages(self):
        """The path, then the fits afresh that are missing."""
        for stage in self.path.stages():
            yield Stage(self._refit_beside(stage.steps), stage.work_left)
        # The longest first, so that no thread waits for another at the end.
        missing = sorted(self._missing(), key=len, reverse=True)
        yield Stage(self._fit_missing(missing), lambda: len(self._missing()))

    def save_state(self):
        """What `restore_state` needs to go on in another process: dicts of arrays."""
        refits = {"refits_of_sets": stack_refits(self.found)} if self.found else {}
        return self.path.save_state() | refits

    def restore_state(self, state):
        """Go on from what `save_state` gave, in the place of `begin`."""
        self.path.restore_state(state)
        self.found.update(unstack_refits(state.get("refits_of_sets")))

    def progress(self):
        """How far the path is."""
        return self.path.progress()

    def is_usable(self):
        """As the path: sets need no refits."""
        return self.path.is_usable()

    def table(self):
        """Rows for people to read."""
        best = BestRefits(self.found)
        return self.path.table(best.describe)

    def _refit_from_path(self):
        """Fit the set of the last point from where the path is.

        It is done at once: later, the weights and what their solver knows would be gone.
        """
        point = self.path.points[-1]
        if not point.columns or (point.columns, "warm") in self.found:
            return
        start, seed = time.perf_counter(), self._settings.random_state
        training = self.path.training.branch_on(point.group_norms > 0.0, seed)
        n_before = len(training.net.history)
        training.improve(np.zeros(self._data.X.n_features))
        raise_if_interrupted(training)
        # To be saved, and told of, along with the step that comes next.
        self._lines.append(self._add(point.columns, Refit.of(training, "warm", start, n_before)))

    def _add(self, columns, refit, number=""):
        """Keep a refit; returns a line about it."""
        self.found[columns, refit.init] = refit
        return refit.describe(len(columns), number)

    def _refit_beside(self, steps):
        """Let the threads that a path leaves idle fit the sets afresh that it has found so far."""
        running, pool = {}, ThreadPoolExecutor(max(self._n_idle, 1))
        try:
            for line in steps:
                self._refit_from_path()
                lines, self._lines = [*self._lines, line], []
                if self._n_idle:
                    for columns in self._missing() - running.keys():
                        running[columns] = pool.submit(self._fit_afresh, columns)
                yield from self._take_finished(running)
                yield "\n".join(lines)
            pool.shutdown(cancel_futures=True)
            yield from self._take_finished(running)
        finally:
            # After Ctrl-C, nobody wants to wait for a fit in another thread.
            pool.shutdown(wait=False, cancel_futures=True)

    def _take_finished(self, running):
        """Keep the fits that are done by now; yields a line about each."""
        for columns, fit in list(running.items()):
            if (columns, "cold") not in self.found and fit.done() and not fit.cancelled():
                yield self._add(*fit.result())

    def _fit_missing(self, missing):
        """Fit sets afresh; yields a line about each."""
        calls = (delayed(self._fit_afresh)(columns) for columns in missing)
        for n_done, (columns, refit) in enumerate(as_they_end(calls, self._n_jobs), 1):
            yield self._add(columns, refit, f" {n_done} of {len(missing)}")

    def _missing(self):
        """Sets that have not been fitted afresh."""
        found = {point.columns for point in self.path.points}
        return found - {()} - {columns for columns, init in self.found if init == "cold"}

    def _fit_afresh(self, columns):
        from sklearn_agl.potentials.training._starts import train  # with torch

        start = time.perf_counter()
        # Left out, not cut off: a copy of the columns would take as much memory as the features.
        weights = np.full(self._data.X.n_features, np.inf)
        weights[list(columns)] = 1.0
        regressor = clone(self._settings).set_params(init="cold", feature_weights=weights)
        training, _ = train(regressor, self._data)
        raise_if_interrupted(training)
        return columns, Refit.of(training, "cold", start)

    def selection_path(self):
        """The path with the better refit of each set."""
        path = self.path.selection_path()
        if not self.found:
            return path
        refits = BestRefits(self.found)
        best = [refits.best(point.columns) for point in self.path.points]
        unknown = np.full(len(self.path.training.held_out_rows), np.nan)
        return replace(
            path,
            refitted_rmse=np.array([np.nan if one is None else one.rmse for one in best]),
            refit_time=np.array([refits.seconds(point.columns) for point in self.path.points]),
            refit_init=np.array(["" if one is None else one.init for one in best]),
            refitted_errors=np.array([unknown if one is None else one.errors for one in best]),
            potentials=tuple(map(self._make_potential, self.path.points, best)),
        )

    def _make_potential(self, point, refit):
        """A refit as a regressor on the columns of its set; None stays None."""
        if refit is None:
            return None
        training, support = self.path.training, point.group_norms > 0
        names = getattr(self.path.regressor, "feature_names_in_", None)
        potential = make_regressor(
            clone(self._settings),
            training.potential_on(support, refit.weights),
            None if names is None else names[support],
        )
        potential.validation_rmse_, potential.validation_force_rmse_ = refit.rmse, refit.force_rmse
        potential.n_iter_, potential.init_ = refit.n_iter, refit.init
        potential.trained_on_ = training.trained_on
        return potential


class BestRefits:
    """The better refit of each set of a path.

    Parameters
    ----------
    refits : dict of (tuple of int, str) to Refit
        By the columns and by where the fit started.
    """

    def __init__(self, refits):
        self._of = {}
        for columns, init in sorted(refits):
            self._of.setdefault(columns, []).append(refits[columns, init])

    def best(self, columns):
        """The refit of the lower judgement, None without any."""
        # Of equal ones the cold one, whose key comes first.
        return min(self._of.get(columns, []), key=lambda refit: refit.judgement, default=None)

    def describe(self, columns):
        """Its error and where it started, for a table."""
        best = self.best(columns)
        return ("", "") if best is None else (best.rmse, best.init)

    def seconds(self, columns):
        """How long all refits of a set took, NaN without any."""
        return sum(refit.seconds for refit in self._of.get(columns, [])) or np.nan
