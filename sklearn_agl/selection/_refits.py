"""Fits without penalty of the sets that a path finds."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
from joblib import delayed, effective_n_jobs
from sklearn.base import clone

from sklearn_agl.selection._parallel import as_they_end


class Refits:
    """Fits every set once, with all features as they are.

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
        self._settings = settings
        self._data = data
        self._n_jobs = n_jobs
        # A number that only the surroundings give may be that of a cluster, for `finish`.
        self._n_idle = 0 if n_jobs is None else effective_n_jobs(n_jobs) - 1

    def beside(self, steps):
        """Let the threads that a path leaves idle fit the sets that it has found so far.

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
        """Fit all other sets; after Ctrl-C, the record has those that were done."""
        # The longest first, so that no thread waits for another at the end.
        missing = sorted(self._missing(), key=len, reverse=True)
        calls = (delayed(self._fit)(support) for support in missing)
        with suppress(KeyboardInterrupt):
            self._record.follow_refits(as_they_end(calls, self._n_jobs), len(missing))

    def _missing(self):
        points = self._record.walk.points
        supports = {tuple(np.flatnonzero(point.group_norms)) for point in points}
        return supports - {()} - self._record.refits.keys()

    def _take_down(self, running):
        """Hand finished fits to the record, which has some of them already."""
        for support, fit in running.items():
            if support not in self._record.refits and fit.done() and not fit.cancelled():
                self._record.add_refit(*fit.result())

    def _fit(self, support):
        start = time.perf_counter()
        # Left out, not cut off: a copy of the columns would take as much memory as the features.
        weights = np.full(self._data.X.n_features, np.inf)
        weights[list(support)] = 1.0
        regressor = clone(self._settings).set_params(feature_weights=weights)
        error = regressor._fit(self._data).validation_rmse_
        if regressor._interrupted:
            raise KeyboardInterrupt
        return support, error, time.perf_counter() - start
