"""What a run finds, as it comes: in memory, in a checkpoint's folder, and on the screen."""

import time

from sklearn_agl.selection.path._refits import RefitTable, columns_of, stack_refits, unstack_refits


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
    refits : dict of (tuple of int, str) to Refit
        By the columns of each set and where the fit started.
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
        self.refits.update(unstack_refits(state.get("refits_of_sets")))
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
        refits : iterator of (support, Refit)
            The support is a tuple of column indices.
        n_refits : int
            How many they will be.
        """
        time_left = TimeLeft(n_refits)
        for n_done, refit in enumerate(refits, 1):
            self.add_refit(*refit, f" {n_done} of {n_refits}", time_left(n_refits - n_done))

    def add_refit(self, support, refit, number="", time_left=""):
        """Take down a refit and save it; `number` and `time_left` are for its line."""
        self.note_refit(support, refit, number, time_left)
        self._save()

    def note_refit(self, support, refit, number="", time_left=""):
        """Take down a refit, to be saved along with the point that comes next."""
        self.refits[support, refit.init] = refit
        self._print(
            f"refit{number}   {refit.init}   {len(support):4d} features   RMSE {refit.rmse:.3e}   "
            f"{refit.seconds:5.2f} s{time_left}"
        )

    def _save(self):
        # What Ctrl-C has cut short is no point that a longer run would pass.
        if not self.walk.interrupted:
            self._checkpoint.save(self._state, self._table)

    def _state(self):
        state = self.walk.save_state()
        if self.refits:
            state["refits_of_sets"] = stack_refits(self.refits)
        return state

    def _table(self):
        """Rows for people to read."""
        error = self._error.lower().replace(" ", "_")
        refits = RefitTable(self.refits)
        about = "refitted_rmse", "refit_init", "fit_time", "columns"
        yield "n_features", self._strength, error, *about
        for point in self.walk.points:
            support = columns_of(point)
            best = refits.best(support)
            refit = ("", "") if best is None else (best.rmse, best.init)
            numbers = point.n_features, point.alpha, point.rmse, *refit, point.fit_time
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
