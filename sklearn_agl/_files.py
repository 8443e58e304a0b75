"""Files that appear under their names when they are complete."""

import os
import time
import uuid
from contextlib import suppress

HOUR = 3600.0
"""Seconds after which no other process can still be writing a temporary file."""


def temporary_path(path):
    """A name beside `path` that no other process uses.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Path
    """
    return path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")


def replace_file(path, fill):
    """Replace a file as a whole: a kill leaves the old one or the new one.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    fill : callable
        Gets a binary file to write to.
    """
    temporary = temporary_path(path)
    try:
        with open(temporary, "xb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def clear_leftovers(folder, pattern):
    """Delete what kills have left in the middle of a write, but not what is being written.

    Parameters
    ----------
    folder : Path
        May not be writable: what cannot be deleted stays.
    pattern : str
        Names of the files that were to be complete.
    """
    for file in folder.glob(f"{pattern}.*.tmp"):
        # Another process may be faster, and files of other users are theirs.
        with suppress(FileNotFoundError, PermissionError):
            if time.time() - file.stat().st_mtime > HOUR:
                file.unlink()
