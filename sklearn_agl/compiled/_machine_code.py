"""Machine code on disk that is checked before it runs, and compiled anew where that is needed.

numba's cache raises errors where there is no folder for it, where the disk is full and where a file
is damaged, and runs what it finds. Here all of these mean that the function is compiled once more.
"""

import hashlib
import io
import os
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from numba import njit

from sklearn_agl._version import __version__
from sklearn_agl.compiled._numba import FunctionCache, IndexDataCacheFile, set_cache

LENGTH = hashlib.sha256().digest_size
PACKAGE = Path(__file__).parents[1]
MARKS = b"numba", b"_jit import", b"_machine_code import"
"""What is in every module of the package that has compiled code."""


def kept(**options):
    """Numba's ``njit``, with machine code that later processes find on the disk.

    Parameters
    ----------
    **options
        As for ``njit``, without `cache`.

    Returns
    -------
    callable
        Decorates functions that are called from Python.
    """

    def decorate(function):
        compiled = njit(**options)(function)
        # numba's error where no folder can be written, as without a home, or in memory only.
        with suppress(RuntimeError):
            set_cache(compiled, CheckedCache(function))
        return compiled

    return decorate


class CheckedCache(FunctionCache):
    """The cache of one function, which costs time where it fails, and nothing else.

    Parameters
    ----------
    py_func : function
        What is compiled.
    """

    def __init__(self, py_func):
        super().__init__(py_func)
        stamp = self._impl.locator.get_source_stamp(), __version__, fingerprint_of_sources()
        self._cache_file = CheckedFiles(self._cache_path, self._impl.filename_base, stamp)

    def save_overload(self, sig, data):
        """Write machine code if that is possible."""
        with suppress(OSError):
            super().save_overload(sig, data)


class CheckedFiles(IndexDataCacheFile):
    """numba's files with a checksum at their end: damaged ones count as missing."""

    def _load_index(self):
        return super()._load_index() if _is_intact(self._index_path) else {}

    def _load_data(self, name):
        if not _is_intact(self._data_path(name)):
            raise OSError("damaged")  # which numba takes for a file that is not there
        return super()._load_data(name)

    @contextmanager
    def _open_for_write(self, filepath):
        content = io.BytesIO()
        yield content
        with super()._open_for_write(filepath) as file:
            # What numba unpickles ends before the checksum.
            file.write(content.getvalue() + checksum_of(content.getvalue()))
            file.flush()
            os.fsync(file.fileno())


@cache
def fingerprint_of_sources():
    """Tells all compiled code of the package from that of another state of it, as bytes.

    numba notices changes in the file of a function only, not in those of what that calls.
    """
    texts = (path.read_bytes() for path in sorted(PACKAGE.rglob("*.py")))
    compiled = (text for text in texts if any(mark in text for mark in MARKS))
    return hashlib.sha256(b"".join(compiled)).digest()


def _is_intact(path):
    try:
        with open(path, "rb") as file:
            return is_intact(file.read())
    except OSError:
        return False


def is_intact(content):
    """Whether bytes end in their checksum."""
    return content[-LENGTH:] == checksum_of(content[:-LENGTH])


def checksum_of(content):
    """What is written behind a content, to notice damage."""
    return hashlib.sha256(content).digest()
