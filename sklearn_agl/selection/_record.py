"""What a run finds, as it comes: in memory, in a checkpoint's folder, and on the screen."""

import time

import numpy as np


class Record:
    """Takes down the points of a run.

    Parameters
    ----------
    walk : Walk or Elimination
        The run; it has `points`, `begin`, `save_state` and `load_state`.
    checkpoint : Checkpoint or NoCheckpoint
        Where it is kept.
    verbose : int
        Whether to print a line per point.
    strength, error : str
        Names of what `alpha` and `rmse` of the points are.

    Attributes
    ----------
    refits : dict
        Error and time of the refit of each support, a tuple of column indices.
    """

    def __init__(self, walk, checkpoint, verbose, *, strength="alpha", error="penalised RMSE"):
        self.walk = walk
        self.refits = {}
        self._checkpoint = checkpoint
        self._verbose = verbose
        self._strength = strength
        self._error = error

    def begin(self):
        """Train the first fits, or go back to where the folder says. Returns self."""
        state = self._checkpoint.state
        if state is None:
            self.walk.begin()
            self._save()
            return self
        self.walk.load_state(state)
        for support, *result in zip(*state.get("refits", {}).values(), strict=True):
            self.refits[tuple(np.flatnonzero(support))] = tuple(result)
        n_left = self.walk.points[-1].n_features
        self._print(f"resumed from {self._checkpoint.folder} at {n_left} features")
        return self

    def follow(self, steps, work_left):
        """Take down each point that comes; returns self.

        Parameters
        ----------
        steps : iterator of PathPoint
            What the walk does.
        work_left : callable
            Given the walk, how much there is still to do, in any unit.
        """
        time_left = TimeLeft(work_left(self.walk))
        for point in steps:
            self._save()
            self._print(
                f"{self._strength} {point.alpha:8.2e}   {point.n_features:4d} features   "
                f"{self._error} {point.rmse:.3e}   {point.fit_time:5.2f} s"
                f"{time_left(work_left(self.walk))}"
            )
        return self

    def follow_refits(self, refits, n_refits):
        """Take down each refit that comes.

        Parameters
        ----------
        refits : iterator of (support, error, seconds)
            The support is a tuple of column indices.
        n_refits : int
            How many they will be.
        """
        time_left = TimeLeft(n_refits)
        for n_done, refit in enumerate(refits, 1):
            self.add_refit(*refit, f" {n_done} of {n_refits}", time_left(n_refits - n_done))

    def add_refit(self, support, error, seconds, number="", time_left=""):
        """Take down a refit; `number` and `time_left` are for its line."""
        self.refits[support] = (error, seconds)
        self._save()
        self._print(
            f"refit{number}   {len(support):4d} features   RMSE {error:.3e}   {seconds:5.2f} s"
            f"{time_left}"
        )

    def _save(self):
        # What Ctrl-C has cut short is no point that a longer run would pass.
        if not self.walk.interrupted:
            self._checkpoint.save(self._state, self._table)

    def _state(self):
        state = self.walk.save_state()
        if self.refits:
            supports = np.zeros((len(self.refits), self.walk.points[0].group_norms.size), bool)
            for row, support in zip(supports, self.refits, strict=True):
                row[list(support)] = True
            errors, seconds = np.array(list(self.refits.values())).T
            state["refits"] = {"supports": supports, "errors": errors, "seconds": seconds}
        return state

    def _table(self):
        """Rows for people to read."""
        error = self._error.lower().replace(" ", "_")
        yield "n_features", self._strength, error, "refitted_rmse", "fit_time", "columns"
        for point in self.walk.points:
            support = np.flatnonzero(point.group_norms)
            refitted, _ = self.refits.get(tuple(support), ("", ""))
            numbers = point.n_features, point.alpha, point.rmse, refitted, point.fit_time
            yield *numbers, " ".join(map(str, support))

    def _print(self, line):
        if self._verbose:
            print(line, flush=True)


class TimeLeft:
    """How long a work will take, judged by what is done of it.

    Parameters
    ----------
    work : float
        How much there is to do from now on.
    """

    def __init__(self, work):
        self._work = work
        self._start = time.perf_counter()

    def __call__(self, work):
        """The end of a line of text, given how much there is still to do."""
        done = self._work - work
        if done <= 0.0 or work <= 0.0:
            return ""
        seconds = (time.perf_counter() - self._start) / done * work
        for unit, length in (("h", 3600.0), ("min", 60.0)):
            if seconds >= 2 * length:
                return f"   about {seconds / length:.0f} {unit} left"
        return f"   about {seconds:.0f} s left"
