"""Fitted estimators in one file, without pickle."""

import io
import json
import math
import zipfile

import numpy as np

from sklearn_agl._messages import shorten
from sklearn_agl._version import __version__
from sklearn_agl.io._files import as_path, write_files
from sklearn_agl.io._states import ESTIMATORS
from sklearn_agl.io._values import CODECS, KINDS_OF_NUMBERS, Store, expect, parse_json

FORMAT = "sklearn_agl"
VERSION = 2
"""Version 1 knew no repulsion."""
DESCRIPTION, ARRAY = "estimator.json", ".npy"
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that equal estimators make equal files."""


def save(estimator, path):
    """Save an estimator or a pipeline in a file that `load` reads without running code from it.

    Parameters
    ----------
    estimator : estimator or sklearn.pipeline.Pipeline
        Of this package, fitted or not; in pipelines and for tables also scikit-learn's
        StandardScaler, MinMaxScaler, VarianceThreshold and SelectKBest.
    path : str or path
        The file, by custom with the ending ``.npz``. An existing one is replaced as a whole, when
        the new one is complete and on the disk; a link is followed, and the file keeps its rights.

    Raises
    ------
    ValueError
        If the estimator has something that no file can hold, with its name: an estimator of
        another class, or a parameter that is an object, such as a callback or a RandomState. If
        `path` is a folder, a device or a pipe, or in a folder that does not exist.
    OSError
        With the path, if it cannot be written, also for lack of room.

    See Also
    --------
    load : The way back.
    write_n2p2 : For LAMMPS and n2p2.

    Notes
    -----
    The file is a zip archive, uncompressed: a description in JSON and the arrays in numpy's own
    format, so that ``numpy.load(path)`` shows what is in it, each with a checksum. It holds all
    parameters and all that was learned but:

    - of `HDNNPRegressor` the skorch net `net_`: its history and callbacks, and the solver's memory
      (the covariance of the Kalman filter, the averages of Adam), which nothing but the fit needs;
    - of selectors, the weights that they hand on to a fit right behind them;
    - the parameters that name places on a disk, `checkpoint`, `memmap_folder` and `memory`, which
      are None afterwards.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklearn_agl import HDNNPRegressor
    >>> from sklearn_agl.io import load, save
    >>> X = np.random.default_rng(0).normal(size=(50, 3))
    >>> model = HDNNPRegressor((3,), max_epochs=2, random_state=0).fit(X, X[:, 0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, Path(folder) / "model.npz")
    ...     again = load(Path(folder) / "model.npz")
    >>> np.array_equal(again.predict(X), model.predict(X))
    True
    """
    path = as_path(path, "path")
    if path.is_dir() or not path.parent.is_dir():
        wrong = "is a folder" if path.is_dir() else "would be in a folder that does not exist"
        raise ValueError(f"path={str(path)!r} {wrong}. Give the name of a file.")
    try:
        content = _pack(estimator)
        # What `load` would refuse is not written.
        _unpack(content)
    except ValueError as error:
        raise ValueError(
            f"This {type(estimator).__name__} cannot be saved: {error}. Set such a parameter to "
            "None, or use joblib.dump, which pickles."
        ) from error
    write_files({path: content}, overwrite=True)


def load(path):
    """Load what `save` has saved; nothing in the file can make this run code.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    estimator or sklearn.pipeline.Pipeline
        With the same parameters and the same predictions, to the bit.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        With the file and what is wrong, if it is damaged, of a newer version, or holds anything
        that `save` does not write.

    See Also
    --------
    save : The way there.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_agl import CURSelector
    >>> from sklearn_agl.io import load, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(CURSelector(7), Path(folder) / "selector.npz")
    ...     load(Path(folder) / "selector.npz")
    CURSelector(n_features_to_select=7)
    """
    path = as_path(path, "path")
    if path.is_dir():
        raise ValueError(f"path={str(path)!r} is a folder. Give the name of a file.")
    content = path.read_bytes()
    try:
        return _unpack(content)
    except Exception as error:  # zipfile, json, numpy and the estimators have many of their own
        problem = shorten(str(error) or type(error).__name__)
        raise ValueError(f"{path} cannot be loaded: {problem}.") from error


def _pack(estimator):
    """The bytes of the file."""
    store = Store({}, CODECS | ESTIMATORS)
    described = {
        "format": FORMAT,
        "version": VERSION,
        "written_by": f"sklearn_agl {__version__}",
        "estimator": store.encode(estimator),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        text = json.dumps(described, allow_nan=False)
        archive.writestr(zipfile.ZipInfo(DESCRIPTION, EARLIEST), text)
        for name, array in store.arrays.items():
            archive.writestr(zipfile.ZipInfo(name + ARRAY, EARLIEST), _array_bytes(array))
    return file.getvalue()


def _unpack(content):
    """The estimator in the bytes of a file."""
    members = _members(content)
    if DESCRIPTION not in members:
        raise ValueError("it is no file of sklearn_agl.io.save")
    described = expect(parse_json(members.pop(DESCRIPTION)), dict)
    _check_version(described)
    arrays = {name.removesuffix(ARRAY): _array(name, own) for name, own in members.items()}
    store = Store(arrays, CODECS | ESTIMATORS)
    estimator = store.decode(described["estimator"])
    if arrays:
        raise ValueError(f"it has an array too many, {min(arrays)!r}")
    if type(estimator).__name__ not in ESTIMATORS:
        raise ValueError("it holds no estimator")
    return estimator


def _check_version(described):
    version = described.get("version")
    if described.get("format") != FORMAT or type(version) is not int or version < 1:
        raise ValueError("it does not say which version of the format it has")
    if version > VERSION:
        raise ValueError(
            f"it has version {version} of the format, written by "
            f"{str(described.get('written_by'))[:40]}, but this sklearn_agl {__version__} knows "
            f"version {VERSION}; update sklearn_agl"
        )
    if described.keys() != {"format", "version", "written_by", "estimator"}:
        raise ValueError(f"its description has the unexpected parts {sorted(described)[:9]}")


def _members(content):
    """Members of the archive, which take no more memory than the file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        infos = archive.infolist()
        if len({info.filename for info in infos}) < len(infos):
            raise ValueError("two members have one name")
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
            raise ValueError("it is compressed, which no file of sklearn_agl.io.save is")
        if sum(info.file_size for info in infos) > len(content):
            raise ValueError("its members promise more than the file holds")
        return {info.filename: archive.read(info) for info in infos}


def _array_bytes(array):
    file = io.BytesIO()
    little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    np.lib.format.write_array(file, little, version=(1, 0), allow_pickle=False)
    return file.getvalue()


def _array(name, content):
    """The array in a member; its header must promise just as much as there is."""
    file = io.BytesIO(content)
    if not name.endswith(ARRAY) or np.lib.format.read_magic(file) != (1, 0):
        raise ValueError(f"the member {name[:40]!r} is no array that sklearn_agl.io.save writes")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
    if fortran_order or dtype.kind not in KINDS_OF_NUMBERS or dtype.byteorder == ">":
        raise ValueError(f"array {name!r} is of a kind that sklearn_agl.io.save does not write")
    if math.prod(shape) * dtype.itemsize != len(content) - file.tell() or min(shape, default=0) < 0:
        raise ValueError(f"array {name!r} is shorter or longer than its header says")
    values = np.frombuffer(content, dtype, offset=file.tell()).reshape(shape)
    # A copy can be written to, and has the byte order of this machine.
    return values.astype(dtype.newbyteorder("="))
