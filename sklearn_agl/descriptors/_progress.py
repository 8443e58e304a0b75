"""Progress of long work, with or without tqdm."""

import contextlib
import sys
import time

SECONDS_BETWEEN_LINES = 5.0


@contextlib.contextmanager
def progress_bar(total, label, verbose):
    """Show how far some work has come.

    Parameters
    ----------
    total : int
        Amount of work.
    label : str
        What is being done.
    verbose : bool or int
        Whether to show anything.

    Yields
    ------
    callable
        To be called with the amount of work just done.
    """
    if not verbose:
        yield lambda amount: None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        yield _Lines(total, label)
        return
    with tqdm(total=total, desc=label) as bar:
        yield bar.update


class _Lines:
    """Plain lines on the error stream, some seconds apart."""

    def __init__(self, total, label):
        self._total, self._label = total, label
        self._done, self._next = 0, 0.0

    def __call__(self, amount):
        self._done += amount
        now = time.monotonic()
        if now >= self._next or self._done >= self._total:
            self._next = now + SECONDS_BETWEEN_LINES
            print(f"{self._label}: {self._done} of {self._total}", file=sys.stderr)
