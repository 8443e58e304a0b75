"""Files that appear under their names when they are complete, and are then safe from power cuts."""

import os
import stat
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

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
    """Replace a file as a whole: a kill or a power cut leaves the old one or the new one.

    Parameters
    ----------
    path : Path
        The file; it need not exist. A link is followed, and a file keeps its rights.
    fill : callable
        Gets a binary file to write to.

    Raises
    ------
    OSError
        With the path, if it cannot be written.
    ValueError
        If there is something that is no regular file.
    """
    replace_files({path: fill})


def replace_files(fills):
    """Replace files that belong together.

    Parameters
    ----------
    fills : dict of Path to callable
        As in `replace_file`. Of several files, the last one is what makes the others count: it
        disappears first and appears last, so that nobody mixes old and new files.

    Raises
    ------
    OSError, ValueError
        As in `replace_file`, before any file has changed if that can be known.
    """
    targets = {path: follow_links(path) for path in fills}
    temporary = {path: temporary_path(target) for path, target in targets.items()}
    try:
        for path, fill in fills.items():
            _write(path, targets[path], temporary[path], fill)
        *others, last = fills
        if others:
            targets[last].unlink(missing_ok=True)
        for path in others:
            os.replace(temporary[path], targets[path])
        # On the disk as well, the last one comes last.
        _sync_folders([targets[path] for path in others])
        os.replace(temporary[last], targets[last])
        _sync_folders([targets[last]])
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)


def create_file(path, fill):
    """Write a file unless there is one: of several processes that try, one succeeds.

    Parameters
    ----------
    path : Path
        The file. It is complete whenever it is there.
    fill : callable
        Gets a binary file to write to.

    Raises
    ------
    OSError
        With the path, if it cannot be written.
    """
    temporary = temporary_path(path)
    try:
        _write(path, path, temporary, fill)
        with naming(path):
            _give_name(temporary, path)
        _sync_folders([path])
    finally:
        temporary.unlink(missing_ok=True)


def _give_name(temporary, path):
    """Like a renaming that never replaces a file."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    except OSError:
        # This file system has no hard links; between these lines another process may be faster.
        if not path.exists():
            os.replace(temporary, path)


def follow_links(path):
    """The place that a name stands for.

    Parameters
    ----------
    path : Path
        Of a regular file, a link to one, or of nothing yet.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If there is something else.
    """
    target = Path(os.path.realpath(path))
    with suppress(FileNotFoundError), naming(path):
        if not stat.S_ISREG(target.stat().st_mode):
            raise ValueError(f"{str(path)!r} is no regular file. Give the name of a file.")
    return target


@contextmanager
def naming(path):
    """Errors of the system from within name the file that the user knows.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OSError
    """
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _write(path, target, temporary, fill):
    with naming(path):
        with open(temporary, "xb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            _copy_rights(target.stat(), temporary)


def _copy_rights(there, temporary):
    if hasattr(os, "chown"):
        # Only root may give files away; others keep what they wrote.
        with suppress(PermissionError):
            os.chown(temporary, there.st_uid, there.st_gid)
    temporary.chmod(stat.S_IMODE(there.st_mode))


def _sync_folders(paths):
    """Names are safe when their folder is on the disk; not every system can do that, or need it."""
    for folder in {path.parent for path in paths}:
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


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
