"""Files that are written completely or not at all."""

import os
from pathlib import Path


def as_path(value, name):
    """A file or folder as a Path; an error with the parameter's name if it cannot be one."""
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name} must be a str or a path, got {type(value).__name__}.")
    return Path(value)


def write_files(folder, texts, *, overwrite):
    """Write several files that belong together.

    Parameters
    ----------
    folder : str or path
        Made if it does not exist.
    texts : dict of str to str
        Content by file name. The last one is what makes the others count: it disappears first and
        appears last, so that no reader mixes old and new files.
    overwrite : bool
        Whether to replace files that exist.

    Raises
    ------
    FileExistsError
        If a file exists and `overwrite` is false.
    """
    folder = Path(folder)
    for name in texts:
        if not overwrite and (folder / name).exists():
            raise FileExistsError(
                f"{folder / name} exists; write elsewhere, or replace it with overwrite=True."
            )
    folder.mkdir(parents=True, exist_ok=True)
    temporary = {name: folder / f".{name}.{os.getpid()}.tmp" for name in texts}
    try:
        for name, text in texts.items():
            temporary[name].write_text(text, encoding="utf-8")
        (folder / list(texts)[-1]).unlink(missing_ok=True)
        for name in texts:
            os.replace(temporary[name], folder / name)
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)
