"""One way through every long computation: go on, do the steps, save, print, end at Ctrl-C."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Stage:
    """A part of a run.

    Attributes
    ----------
    steps : iterable of str
        Takes a step whenever it is asked for the next item: a line about the step, which may be
        empty.
    work_left : callable
        Returns how much of the stage there is still to do, in any unit.
    conclude : callable or None
        What follows from all steps together; returns a line.
    """

    steps: Iterable[str]
    work_left: Callable[[], float]
    conclude: Callable[[], str] | None = None


class Run(Protocol):
    """A long computation that is saved after every step and may end at every step.

    Ctrl-C ends a method by KeyboardInterrupt. What has been found before then has to be consistent.

    Attributes
    ----------
    complete : bool
        Whether it came to its end.
    """

    complete: bool = False

    def begin(self) -> None:
        """Do what comes before the first step."""

    def stages(self) -> Iterator[Stage]:
        """What is still to do; the runner has finished one stage when it asks for the next."""
        ...

    def save_state(self) -> dict[str, dict[str, Any]]:
        """What `restore_state` needs to go on in another process: dicts of arrays."""
        ...

    def restore_state(self, state: dict[str, dict[str, Any]]) -> None:
        """Go on from what `save_state` gave, in the place of `begin`."""

    def table(self) -> Iterator[tuple]:
        """Rows for people to read, the first of which has the names."""
        ...

    def progress(self) -> str:
        """What has been done, as the end of the sentence "resumed from this folder ..."."""
        ...

    def is_usable(self) -> bool:
        """Whether there is a result although the rest has not been done."""
        return False


def follow(run, checkpoint, verbose):
    """Do a run, or what is left of it, to its end or to Ctrl-C.

    Parameters
    ----------
    run : Run
        What to do.
    checkpoint : Checkpoint or NoCheckpoint
        Where it is saved after each step, and where it may have been saved before.
    verbose : int
        Whether to print a line for each step, with an estimate of the time left.

    Returns
    -------
    Run
        The same.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, if what has been found is no result.
    """
    try:
        _begin(run, checkpoint, verbose)
        for stage in run.stages():
            _go_through(stage, run, checkpoint, verbose)
        run.complete = True
    except KeyboardInterrupt:
        if not run.is_usable():
            raise
    return run


def _begin(run, checkpoint, verbose):
    if checkpoint.state is None:
        run.begin()
        checkpoint.save(run.save_state, run.table)
        return
    run.restore_state(checkpoint.state)
    _print(f"resumed from {checkpoint.folder} {run.progress()}", verbose)


def _go_through(stage, run, checkpoint, verbose):
    time_left = TimeLeft(stage.work_left())
    for line in stage.steps:
        checkpoint.save(run.save_state, run.table)
        _print(line and line + time_left(stage.work_left()), verbose)
    if stage.conclude is not None:
        _print(stage.conclude(), verbose)


def _print(line, verbose):
    if line and verbose:
        print(line, flush=True)


def raise_if_interrupted(fitted):
    """Raise the KeyboardInterrupt that a training, or the fit of an estimator, has kept quiet.

    Networks end their training at Ctrl-C as if they were done, so that a fit by hand leaves a
    potential. In a run, what is left undone must not count as done.
    """
    if getattr(fitted, "interrupted", False) or getattr(fitted, "_interrupted", False):
        raise KeyboardInterrupt


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
