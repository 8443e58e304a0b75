"""Paths that users give, and what may be written there."""

import errno
import glob
import os
from pathlib import Path

from sklearn_agl._files import clear_leftovers, follow_links, replace_files


def as_path(value, name):
    """A file or folder as a Path; an error with the parameter's name if it cannot be one."""
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name} must be a str or a path, got {type(value).__name__}.")
    return Path(value)


def check_replaceable(paths, *, overwrite):
    """Refuse to replace files, unless that is asked for, and those that are protected.

    Parameters
    ----------
    paths : iterable of Path
    overwrite : bool
        Whether to replace files that exist.

    Raises
    ------
    FileExistsError
        If a file exists and `overwrite` is false.
    PermissionError
        If a file may not be written.
    """
    for path in paths:
        if not overwrite and path.exists():
            raise FileExistsError(
                f"{path} exists; write elsewhere, or replace it with overwrite=True."
            )
        _refuse_protected(path)


def write_files(contents, *, overwrite):
    """Write several files that belong together, completely or not at all.

    Parameters
    ----------
    contents : dict of Path to bytes
        The last one is what makes the others count: it disappears first and appears last, so that
        no reader mixes old and new files.
    overwrite : bool
        Whether to replace files that exist.

    Raises
    ------
    FileExistsError
        If a file exists and `overwrite` is false.
    OSError
        With the path, if it cannot be written, also for lack of room.
    ValueError
        If one exists and is no regular file.
    """
    check_replaceable(contents, overwrite=overwrite)
    for path in contents:
        target = follow_links(path)
        clear_leftovers(target.parent, glob.escape(target.name))
    replace_files({path: lambda file, own=own: file.write(own) for path, own in contents.items()})


def _refuse_protected(path):
    """Replacing a file needs no right to write to it, but the owner has meant something by that."""
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "The file is protected from writing", str(path))
