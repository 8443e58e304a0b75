"""Fits side by side."""

from joblib import Parallel

from sklearn_agl._threads import one_blas_thread


def in_threads(calls, n_jobs):
    """Run independent fits, in threads unless ``joblib.parallel_config`` asks for something else.

    Parameters
    ----------
    calls : iterable
        Of ``joblib.delayed`` calls.
    n_jobs : int or None
        How many at a time.

    Yields
    ------
    object
        What the calls return, in their order and as soon as it is there.
    """
    yield from _run(calls, n_jobs, "generator")


def as_they_end(calls, n_jobs):
    """Run independent fits as `in_threads` does, but yield each result when its fit ends."""
    yield from _run(calls, n_jobs, "generator_unordered")


def _run(calls, n_jobs, return_as):
    with one_blas_thread():
        yield from Parallel(n_jobs=n_jobs, prefer="threads", return_as=return_as)(calls)
