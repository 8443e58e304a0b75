"""The limit on BLAS threads holds until the last of overlapping users is done."""

from threading import Event, Thread

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_agl._threads import one_blas_thread


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def allow(n_threads):
    # In a thread that ends: one that goes on would keep the right to set limits to itself.
    thread = Thread(target=lambda: threadpool_limits(n_threads, user_api="blas"))
    thread.start()
    thread.join()


@pytest.fixture(autouse=True)
def two_threads():
    np.ones((2, 2)) @ np.ones((2, 2))
    (before,) = blas_threads()
    allow(2)
    yield
    allow(before)


def test_restores_what_it_found():
    with one_blas_thread():
        assert blas_threads() == {1}
        with one_blas_thread():
            assert blas_threads() == {1}
        assert blas_threads() == {1}
    assert blas_threads() == {2}


def test_restores_after_an_error():
    with pytest.raises(KeyboardInterrupt), one_blas_thread():
        raise KeyboardInterrupt
    assert blas_threads() == {2}


def test_the_first_to_leave_does_not_lift_the_limit_of_another_thread():
    entered, may_leave = Event(), Event()

    def overlap():
        with one_blas_thread():
            entered.set()
            may_leave.wait()

    thread = Thread(target=overlap)
    with one_blas_thread():
        thread.start()
        entered.wait()
    assert blas_threads() == {1}
    with one_blas_thread():
        may_leave.set()
        thread.join()
        assert blas_threads() == {1}
    assert blas_threads() == {2}


def test_limits_under_a_limit_of_the_callers_own():
    with threadpool_limits(2, user_api="blas"):
        with one_blas_thread():
            assert blas_threads() == {1}
        assert blas_threads() == {2}
