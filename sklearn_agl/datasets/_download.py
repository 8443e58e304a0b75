"""Files of published data sets: where they lie, and how they get there."""

import os
from pathlib import Path


def get_data_home(data_home: str | os.PathLike | None = None) -> Path:
    """Folder of the downloaded data sets.

    Parameters
    ----------
    data_home : str or path-like, default=None
        The folder; by default the one that the environment variable ``SKLEARN_AGL_DATA`` names, or
        ``~/sklearn_agl_data``. It need not exist.

    Returns
    -------
    Path
        The folder, with ``~`` expanded.

    Examples
    --------
    >>> from sklearn_agl.datasets import get_data_home
    >>> get_data_home("data").name
    'data'
    """
    if not isinstance(data_home, (str, os.PathLike, type(None))):
        raise TypeError(f"data_home must be a str or a path, got {type(data_home).__name__}.")
    chosen = data_home or os.environ.get("SKLEARN_AGL_DATA") or Path("~") / "sklearn_agl_data"
    return Path(chosen).expanduser()


def fetch_file(url, path, download_if_missing):
    """Download a file unless it is there.

    Parameters
    ----------
    url : str
        Address of the file.
    path : Path
        Where it is, or goes.
    download_if_missing : bool
        Whether it may be downloaded.

    Raises
    ------
    OSError
        If the file is missing and may not be, or cannot be, downloaded.
    ImportError
        If it has to be downloaded, and pooch is not installed.
    """
    if path.exists():
        return
    by_hand = f"Download {url} by hand and save it as {path}."
    if not download_if_missing:
        raise OSError(f"{path} is missing, and download_if_missing is False. {by_hand}")
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            'Downloading needs pooch: pip install "sklearn-agl[data]". Or do without: ' + by_hand
        ) from error
    try:
        # The publisher gives no checksum; the content is checked once it has been read.
        pooch.retrieve(url, known_hash=None, fname=path.name, path=path.parent)
    except OSError as error:
        raise OSError(f"{url} cannot be downloaded: {error}. {by_hand}") from error
