"""Ctrl-C in work that consists of fits which end early by themselves."""

import signal
from contextlib import suppress


class Interrupts:
    """Remembers that there was a Ctrl-C.

    Many fits end at Ctrl-C with what they have, as if they were done. Within a ``with`` block, the
    signal raises KeyboardInterrupt as ever, and `check` raises it again later. Only the main thread
    can listen; in others, nothing changes. An error that leaves the block after a Ctrl-C becomes a
    KeyboardInterrupt: where compiled code calls Python, as a compiler does, the first one is lost,
    and what was to be made is missing.
    """

    def __init__(self):
        self.happened = False

    def __enter__(self):
        self._before = None
        if callable(signal.getsignal(signal.SIGINT)):
            with suppress(ValueError):  # not the main thread
                self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, kind, error, traceback):
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if self.happened and isinstance(error, Exception):
            raise KeyboardInterrupt from error

    def _note(self, number, frame):
        self.happened = True
        self._before(number, frame)

    def check(self):
        """Raise KeyboardInterrupt if there was a Ctrl-C."""
        if self.happened:
            raise KeyboardInterrupt
