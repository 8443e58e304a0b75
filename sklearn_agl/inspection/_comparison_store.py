"""Finished parts of a comparison, each in a file of its own."""

import hashlib
import json
from pathlib import Path

from sklearn_agl._files import clear_leftovers, create_file
from sklearn_agl._messages import shorten
from sklearn_agl._version import __version__
from sklearn_agl.selection.runs._checkpoint import (
    Checkpoint,
    describe,
    draw_seed,
    reading_is_forbidden,
    warn_if_not_written,
)


def open_store(folder, random_state):
    """Where the parts of a comparison are kept, and with it the seed.

    Parameters
    ----------
    folder : str, path-like or None
        None for nowhere.
    random_state : int, RandomState or None
        Before anything is drawn from it.

    Returns
    -------
    Store or NoStore

    Raises
    ------
    ValueError
        If the folder cannot be written to, or holds a comparison with another random state or of
        another version of the package.
    """
    if folder is None:
        return NoStore(draw_seed(random_state))
    identity = {
        "run": "compare_selectors",
        "version of sklearn_agl": __version__,
        "random_state": describe(random_state),
    }
    checkpoint = Checkpoint(folder, identity, draw_seed(random_state))
    clear_leftovers(checkpoint.folder, "*.json")
    return Store(checkpoint.folder, checkpoint.seed)


class NoStore:
    """Stands where no folder was given.

    Parameters
    ----------
    seed : int
        What the run draws everything from.
    """

    def __init__(self, seed):
        self.seed = seed

    def recall(self, identity):
        """Return None: nothing is kept."""

    def keep(self, identity, result):
        """Return the result: nothing is kept."""
        return result


class Store:
    """A folder of JSON files, one for each result.

    A file is found by everything that its result depends on, so that a larger comparison finds the
    parts of a smaller one, and several processes may work on one folder. It has a checksum, so that
    no number changes unnoticed.

    Parameters
    ----------
    folder : Path
        Is there.
    seed : int
        What the run draws everything from.
    """

    def __init__(self, folder, seed):
        self.seed = seed
        self._folder = Path(folder)

    def recall(self, identity):
        """The result that was kept under an identity, or None.

        Parameters
        ----------
        identity : dict of str to object
            For JSON.

        Returns
        -------
        dict or None

        Raises
        ------
        ValueError
            If the file is damaged, or may not be read.
        """
        path = self._path(identity)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["checksum"] != _checksum(identity, content["result"]):
                raise ValueError("the checksum is not that of the content")
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise reading_is_forbidden(path) from error
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise ValueError(
                f"{str(path)!r} is damaged: {shorten(repr(error))}. Delete it to have it computed "
                "again."
            ) from error
        return content["result"]

    def keep(self, identity, result):
        """Write a result, unless another process was faster.

        Parameters
        ----------
        identity, result : dict of str to object
            For JSON.

        Returns
        -------
        dict
            The result that counts: of processes on one folder, that of the first.
        """
        checksum = _checksum(identity, result)
        content = {"identity": identity, "result": result, "checksum": checksum}
        text = json.dumps(content, indent=1)
        with warn_if_not_written(self._folder):
            create_file(self._path(identity), lambda file: file.write(text.encode()))
            return self.recall(identity)
        return result

    def _path(self, identity):
        return self._folder / f"{identity['part']}-{_checksum(identity)[:24]}.json"


def _checksum(*contents):
    """Of what JSON gives back as it was."""
    return hashlib.sha256(
        b"".join(json.dumps(content, sort_keys=True).encode() for content in contents)
    ).hexdigest()
