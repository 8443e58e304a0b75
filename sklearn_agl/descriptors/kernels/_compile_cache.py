"""Keeps generated kernel sources in a folder of the user, so that processes share machine code.

numba caches the machine code of a function beside its source file. A generated source is therefore
written to disk once, under a name made from its content, and imported from there. The folder is
``$SKLEARN_AGL_CACHE_DIR`` or the user's cache folder; where it cannot be written, kernels are
compiled in memory.
"""

import errno
import hashlib
import linecache
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from sklearn_agl._files import replace_file
from sklearn_agl.compiled._machine_code import (
    LENGTH,
    checksum_of,
    fingerprint_of_sources,
    is_intact,
)

ROOM = 20e6
"""Bytes; the machine code of a set takes about one hundredth of it."""


def load_kernel(source):
    """Import generated source.

    Parameters
    ----------
    source : str
        Module that decorates functions with `sklearn_agl.compiled._machine_code.kept`.

    Returns
    -------
    module
        From the cache folder if that is possible, else from memory.
    """
    name = f"sklearn_agl_kernel_{fingerprint(source)}"
    module = ModuleType(name)
    sys.modules[name] = module  # numba's cached code refers to its module by name
    # The text at hand is what runs: a file, and Python's own translation of it, may be damaged.
    exec(compile(source, _file_of(name, source), "exec"), module.__dict__)
    return module


def _file_of(name, source):
    """The file with the source, beside which numba keeps machine code, or a name that is none."""
    try:
        path = cache_folder() / f"{name}.py"
        _check_room(path.parent)
        _keep(path, source.encode())
        return str(path)
    except (OSError, RuntimeError, ValueError):  # no room, no right, no home, no regular file
        filename = f"<{name}>"
        # With its lines known, numba can read the source and tracebacks can show it.
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        return filename


def cached_bytes(name, make):
    """Content of a file of the cache folder, made anew if it is missing or damaged.

    Parameters
    ----------
    name : str
    make : callable
        Returns the content.

    Returns
    -------
    bytes
    """
    path = cache_folder() / name
    with suppress(OSError):
        found = path.read_bytes()
        if is_intact(found):
            return found[:-LENGTH]
    content = make()
    with suppress(OSError, ValueError):
        _check_room(path.parent)
        replace_file(path, lambda file: file.write(content + checksum_of(content)))
    return content


def cache_folder():
    """Folder of generated sources and their machine code."""
    chosen = os.environ.get("SKLEARN_AGL_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "sklearn_agl"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    else:
        base = os.environ.get("XDG_CACHE_HOME")
    return Path(base or Path.home() / ".cache") / "sklearn_agl"


def fingerprint(source):
    """Tells generated source, and all that it calls, from any other."""
    return hashlib.sha256(fingerprint_of_sources() + source.encode()).hexdigest()[:16]


def _check_room(folder):
    """Refuse a nearly full disk, on which machine code would be the last straw."""
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < ROOM:
        raise OSError(errno.ENOSPC, f"less than {ROOM / 1e6:.0f} MB are free", str(folder))


def _keep(path, content):
    """Write a file unless it is there as it should be; other processes never see half of it."""
    if not path.exists() or path.read_bytes() != content:
        replace_file(path, lambda file: file.write(content))
