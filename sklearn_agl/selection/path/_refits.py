"""Fits without penalty of the sets that a path finds: from its weights on, and afresh."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from joblib import delayed, effective_n_jobs
from sklearn.base import clone

from sklearn_agl.selection.runs._parallel import as_they_end

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


def stack_refits(refits):
    """Refits as arrays that a file can hold, one entry per refit, those of ragged ones in a row."""
    found = list(refits.values())
    arrays = {name: np.array([getattr(one, name) for one in found]) for name in NUMBERS}
    for name in RAGGED:
        parts = [getattr(one, name) for one in found]
        arrays[name], arrays[f"n_{name}"] = np.concatenate(parts), np.array([*map(len, parts)])
    columns = [np.array(support) for support, _ in refits]
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


class Refits:
    """Fits every set from the weights of the path, and once more afresh.

    Parameters
    ----------
    record : Record
        Takes the results down, and has those of earlier runs.
    settings : HDNNPRegressor
        Settings of the networks, without a penalty.
    data : TrainingSet
        What to train on.
    n_jobs : int or None
        How many fits at a time.
    """

    def __init__(self, record, settings, data, n_jobs):
        self._record = record
        self._settings = clone(settings).set_params(init="cold")
        self._data = data
        self._n_jobs = n_jobs
        # A number that only the surroundings give may be that of a cluster, for `finish`.
        self._n_idle = 0 if n_jobs is None else effective_n_jobs(n_jobs) - 1

    def go_on(self, point):
        """Fit the set of a point that the walk has just come to from where the walk is.

        It is done at once: later, the weights and what their solver knows would be gone.
        """
        walk, support = self._record.walk, columns_of(point)
        if walk.training.interrupted or not support or (support, "warm") in self._record.refits:
            return
        start = time.perf_counter()
        training = walk.training.branch_on(point.group_norms > 0.0, self._settings.random_state)
        n_before = len(training.net.history)
        training.improve(np.zeros(self._data.X.n_features))
        walk.interrupted = walk.training.interrupted = training.interrupted
        if not training.interrupted:
            self._record.note_refit(support, Refit.of(training, "warm", start, n_before))

    def beside(self, steps):
        """Let the threads that a path leaves idle fit the sets afresh that it has found so far.

        Parameters
        ----------
        steps : iterator of PathPoint
            What the walk does.

        Yields
        ------
        PathPoint
            The same.
        """
        if not self._n_idle:
            yield from steps
            return
        running, pool, walk = {}, ThreadPoolExecutor(self._n_idle), self._record.walk
        try:
            for point in steps:
                if not walk.interrupted:
                    for support in self._missing() - running.keys():
                        running[support] = pool.submit(self._fit, support)
                    self._take_down(running)
                yield point
            # After Ctrl-C, nobody wants to wait for a fit in another thread.
            pool.shutdown(wait=not walk.interrupted, cancel_futures=True)
            self._take_down(running)
        except KeyboardInterrupt:
            walk.interrupted = True
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def finish(self):
        """Fit all other sets afresh; after Ctrl-C, the record has those that were done."""
        # The longest first, so that no thread waits for another at the end.
        missing = sorted(self._missing(), key=len, reverse=True)
        calls = (delayed(self._fit)(support) for support in missing)
        with suppress(KeyboardInterrupt):
            self._record.follow_refits(as_they_end(calls, self._n_jobs), len(missing))

    def _missing(self):
        """Sets that have not been fitted afresh."""
        points = self._record.walk.points
        supports = {columns_of(point) for point in points}
        return supports - {()} - {own for own, init in self._record.refits if init == "cold"}

    def _take_down(self, running):
        """Hand finished fits to the record, which has some of them already."""
        for support, fit in running.items():
            known = (support, "cold") in self._record.refits
            if not known and fit.done() and not fit.cancelled():
                self._record.add_refit(*fit.result())

    def _fit(self, support):
        start = time.perf_counter()
        # Left out, not cut off: a copy of the columns would take as much memory as the features.
        weights = np.full(self._data.X.n_features, np.inf)
        weights[list(support)] = 1.0
        regressor = clone(self._settings).set_params(feature_weights=weights)
        training = regressor._train(self._data)
        if training.interrupted:
            raise KeyboardInterrupt
        return support, Refit.of(training, "cold", start)


def columns_of(point):
    """The columns of the set at a PathPoint, as a tuple of int."""
    return tuple(np.flatnonzero(point.group_norms).tolist())


class RefitTable:
    """The better refit of each set of a path.

    Parameters
    ----------
    refits : dict of (tuple of int, str) to Refit
        By the columns and by where the fit started.
    """

    def __init__(self, refits):
        self._of = {}
        for support, init in sorted(refits):
            self._of.setdefault(support, []).append(refits[support, init])

    def best(self, support):
        """The refit of the lower judgement, None without any."""
        # Of equal ones the cold one, whose key comes first.
        return min(self._of.get(support, []), key=lambda refit: refit.judgement, default=None)

    def seconds(self, support):
        """How long all refits of a set took, NaN without any."""
        return sum(refit.seconds for refit in self._of.get(support, [])) or np.nan
