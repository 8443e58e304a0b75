"""Files that appear under their names when they are complete."""

import os
import uuid


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
