"""One BLAS thread for as long as anybody here asks for it."""

from contextlib import contextmanager
from threading import Event, Lock, Thread

from threadpoolctl import threadpool_limits


@contextmanager
def one_blas_thread():
    """Keep BLAS to one thread, in this thread and in those that overlap with it.

    Products of small matrices gain nothing from a second thread, and their last bits depend on
    the number of threads. Most builds of BLAS have one pool for the whole process: were each of
    two overlapping fits to restore what it had found, the first to end would lift the other's
    limit. So a thread of its own sets the limit for the first and restores it after the last.
    """
    _Keeper.enter()
    try:
        # Builds with OpenMP have a limit for each thread.
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        _Keeper.leave()


class _Keeper(Thread):
    """Holds the process's limit while there are users: threadpoolctl obeys one thread only."""

    lock = Lock()
    n_users = 0
    current = None

    def __init__(self):
        super().__init__(name="one_blas_thread", daemon=True)
        self.holds, self.may_end = Event(), Event()

    def run(self):
        with threadpool_limits(1, user_api="blas"):
            self.holds.set()
            self.may_end.wait()

    @classmethod
    def enter(cls):
        with cls.lock:
            cls.n_users += 1
            if cls.n_users == 1:
                cls.current = cls()
                cls.current.start()
                cls.current.holds.wait()

    @classmethod
    def leave(cls):
        with cls.lock:
            cls.n_users -= 1
            if cls.n_users == 0:
                cls.current.may_end.set()
                cls.current.join()
