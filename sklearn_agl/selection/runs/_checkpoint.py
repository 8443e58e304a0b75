"""The state of a long run in a folder, from which it goes on after any kind of end."""

import csv
import hashlib
import io
import json
import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.utils import check_random_state

from sklearn_agl._files import clear_leftovers, create_file, replace_file, temporary_path
from sklearn_agl._messages import shorten
from sklearn_agl._version import __version__

STATE, TABLE = "state.npz", "path.csv"
SIZES, GEOMETRY = "atoms of each structure", "structures"
ROWS_AT_ONCE = 4096
ELSEWHERE = ("verbose", "forces", "random_state")
"""Parameters of the networks that change nothing, or that the rest of an identity tells."""


def draw_seed(random_state):
    """One number that fixes everything a run draws."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def open_checkpoint(folder, settings, random_state, data, estimator=None):
    """The checkpoint of a run, and with it the seed, drawn from `random_state`.

    Parameters
    ----------
    folder : str, path-like or None
        None for no checkpoint.
    settings, random_state, data, estimator
        What tells this run from others, see `identify`.

    Returns
    -------
    Checkpoint or NoCheckpoint
    """
    if folder is None:
        return NoCheckpoint(draw_seed(random_state))
    # Before anything is drawn.
    identity = identify(settings, random_state, data, estimator)
    seed = draw_seed(random_state)
    return Checkpoint(folder, identity, seed, partial(identify_tensors, data.X))


class NoCheckpoint:
    """Stands where no folder was given.

    Parameters
    ----------
    seed : int, default=None
        What the run draws everything from, where it draws at all.
    """

    folder = None
    state = None

    def __init__(self, seed=None):
        self.seed = seed

    def save(self, make_state, make_table):
        """Do nothing."""


class Checkpoint:
    """A folder with the state of one run.

    It may be read and written by several processes at once: files appear under their names when
    they are complete, and runs of one identity compute the same.

    Parameters
    ----------
    folder : str or path-like
        Is made if it is not there.
    identity : dict of str to object
        What tells this run from others, see `identify`.
    seed : int
        What a run that begins draws everything from.
    identify_as_before : callable, default=dict
        Returns the part of the identity that checkpoints had in place of the present one before
        features were kept as rows.

    Attributes
    ----------
    seed : int
        The one given, or that of the run in the folder.
    state : dict of dict of ndarray or None
        What was saved last, None before that.

    Raises
    ------
    ValueError
        If the folder cannot be written to, holds another run, or its state is damaged.
    """

    def __init__(self, folder, identity, seed, identify_as_before=dict):
        self.folder = Path(folder)
        self._identity = identity
        self._identify_as_before = identify_as_before
        self.seed, self.state = seed, None
        self._prepare_folder()
        if not (self.folder / STATE).exists():
            # A run without a random state shall keep its seed even if it ends at once.
            try:
                create_file(self.folder / STATE, self._state_writer({}))
            except OSError as error:
                raise self._not_writable(error) from error
        # Another process may have been faster: there is one seed in a folder.
        self._load()

    def save(self, make_state, make_table):
        """Replace what is in the folder.

        Parameters
        ----------
        make_state : callable
            Returns the state, a dict of dicts of arrays.
        make_table : callable
            Returns the rows of a table for people to read, the first of which has the names.
        """
        text = io.StringIO()
        csv.writer(text).writerows(make_table())
        with warn_if_not_written(self.folder):
            # The state first: where room is left for one of them, it is what counts.
            replace_file(self.folder / STATE, self._state_writer(make_state()))
            replace_file(self.folder / TABLE, lambda file: file.write(text.getvalue().encode()))

    def _state_writer(self, state):
        """What writes a state into a file."""
        arrays = {
            f"{part}/{name}": array
            for part, arrays in state.items()
            for name, array in arrays.items()
        }
        about = {"identity": json.dumps(self._identity), "seed": self.seed}
        return lambda file: np.savez(file, **about, **arrays)

    def _prepare_folder(self):
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in (STATE, TABLE):
                clear_leftovers(self.folder, name)
            probe = temporary_path(self.folder / "probe")
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise self._not_writable(error) from error

    def _not_writable(self, error):
        return ValueError(
            f"checkpoint={str(self.folder)!r} is no folder that can be written to: "
            f"{error.strerror}. Give another one."
        )

    def _load(self):
        path = self.folder / STATE
        try:
            # Opened here, as numpy leaves a damaged file open.
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            there = json.loads(str(arrays.pop("identity")))
            seed = int(arrays.pop("seed"))
        except PermissionError as error:
            raise reading_is_forbidden(path) from error
        except Exception as error:  # numpy, zipfile, zlib and json have one of their own each
            raise ValueError(
                f"{str(path)!r} is damaged, or no checkpoint of sklearn_agl: "
                f"{shorten(str(error))}. Delete it to begin anew."
            ) from error
        self._refuse_another_run(there)
        self.seed, self.state = seed, _nest(arrays) or None

    def _refuse_another_run(self, there):
        here = dict(self._identity)
        if SIZES not in there:
            here |= self._identify_as_before()
            for name in (SIZES, GEOMETRY):
                here.pop(name, None)
        differences = [
            shorten(f"{name} ({there.get(name)} there, {here.get(name)} here)")
            for name in {**there, **here}
            if json.dumps(there.get(name)) != json.dumps(here.get(name))
        ]
        if differences:
            raise ValueError(
                f"checkpoint={str(self.folder)!r} holds a run with other {', '.join(differences)}. "
                "Give another folder, or delete this one to begin anew."
            )


def identify(settings, random_state, data, estimator=None):
    """What tells one run from another, by names that an error message can use.

    Parameters
    ----------
    settings : dict of str to object
        Of the run, as far as they change its result.
    random_state : int, RandomState or None
        Before anything is drawn from it.
    data : TrainingSet
        What the run is trained on.
    estimator : HDNNPRegressor, default=None
        Settings of the networks, where the run's own do not have them.

    Returns
    -------
    dict of str to object
        For JSON.
    """
    params = {} if estimator is None else estimator.get_params(deep=False)
    without_effect = () if data.stresses else ("stress", "stress_weight")
    for name in (*ELSEWHERE, *without_effect):
        params.pop(name, None)
    return {
        "version of sklearn_agl": __version__,
        **identify_features(data.X),
        "energies": fingerprint(data.energies),
        "forces": data.forces and fingerprint(np.concatenate(data.forces)[None]),
        "stresses": data.stresses and fingerprint(_stack(data.stresses)),
        "sample_weight": None if data.weights is None else fingerprint(data.weights[None]),
        "groups": None if data.groups is None else fingerprint(_numbers_of(data.groups)),
        # What forces say about the weights depends on how the features change.
        GEOMETRY: data.forces and data.X.structures and fingerprint_geometry(data.X.structures),
        **{name: describe(value) for name, value in settings.items()},
        "random_state": describe(random_state),
        **{f"estimator.{name}": describe(value) for name, value in params.items()},
    }


def _stack(stresses):
    """Stresses as rows of a table; NaN for structures without one."""
    return np.array([np.full(9, np.nan) if own is None else np.ravel(own) for own in stresses])


def _numbers_of(groups):
    """Labels of any kind as numbers, one row."""
    return np.unique(groups, return_inverse=True)[1][None]


def identify_features(X):
    """What tells features from others, as a part of an identity.

    Parameters
    ----------
    X : AtomicFeatures
        Features.

    Returns
    -------
    dict of str to str
    """
    return {
        "features": fingerprint(X.atom_values),
        "atomic numbers": fingerprint(X.atom_numbers),
        SIZES: fingerprint(X.n_atoms),
    }


def identify_tensors(X):
    """What stood for features before they were kept as rows, structure by structure.

    Parameters
    ----------
    X : AtomicFeatures
        Features.

    Returns
    -------
    dict of str to str
    """
    return {
        "features": _describe_parts((one.values for one in X), X.shape, X.dtype),
        "atomic numbers": _describe_parts(
            (one.numbers for one in X), X.shape[:2], X.atom_numbers.dtype
        ),
    }


def fingerprint(array):
    """Shape, type and a hash of an array, as text."""
    firsts = range(0, len(array), ROWS_AT_ONCE)  # a copy of all of it might not fit into memory
    parts = (array[first : first + ROWS_AT_ONCE] for first in firsts)
    return _describe_parts(parts, array.shape, array.dtype)


def _describe_parts(parts, shape, dtype):
    """An array that is given part by part."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part))
    return f"{'x'.join(map(str, shape))} {dtype} with hash {digest.hexdigest()[:16]}"


def fingerprint_geometry(structures):
    """Of positions, cells and periodicity, as `fingerprint`."""
    rows = [(atoms.positions, atoms.cell.array, atoms.pbc[None]) for atoms in structures]
    return fingerprint(np.concatenate([np.concatenate(own) for own in rows])[None])


def describe(value):
    """A setting as something that JSON can hold and that is the same in every process."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.random.RandomState):
        _, keys, position, *_ = value.get_state()
        return f"RandomState, {fingerprint(np.append(keys, position))}"
    if isinstance(value, Mapping):
        return {str(key): describe(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, (list, tuple)):
        return [describe(part) for part in value]
    if isinstance(value, partial):
        return [describe(part) for part in (value.func, value.args, value.keywords)]
    if hasattr(value, "__array__"):
        return np.asarray(value).tolist()
    if hasattr(value, "get_params"):
        return [_name(type(value)), describe(value.get_params(deep=False))]
    return _name(value if hasattr(value, "__qualname__") else type(value))


def _name(thing):
    return f"{thing.__module__}.{thing.__qualname__}"


def _nest(arrays):
    state = {}
    for key, array in arrays.items():
        part, name = key.split("/")
        state.setdefault(part, {})[name] = array
    return state


def reading_is_forbidden(path):
    """The error for a file that other rights than ours protect."""
    return ValueError(
        f"{str(path)!r} may not be read: Permission denied. Give another folder as checkpoint, or "
        "ask the owner of this one."
    )


@contextmanager
def warn_if_not_written(folder):
    """Turn failed writes, as on a full disk, into a warning: a long run is worth more.

    Parameters
    ----------
    folder : Path
        Where the writes go.

    Warns
    -----
    UserWarning
        If a write fails. What was in the folder before stays there.
    """
    try:
        yield
    except OSError as error:
        warnings.warn(
            f"The checkpoint in {str(folder)!r} could not be written: {error.strerror}. The run "
            "goes on; what was saved before is kept, and later steps are saved once there is room.",
            UserWarning,
            stacklevel=3,
        )
