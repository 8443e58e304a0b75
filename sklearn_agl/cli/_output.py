"""The folder that a training ends with."""

import json
import os
import tempfile
from pathlib import Path

import numpy as np

from sklearn_agl._version import __version__
from sklearn_agl.cli._messages import CommandError, one_line, say
from sklearn_agl.cli._potentials import SELECTION, describe
from sklearn_agl.io import save, write_lammps, write_n2p2

POTENTIAL, REPORT, SCRIPT = "potential.npz", "report.html", "reproduce.py"
N2P2, LAMMPS, CHECKPOINT = "n2p2", "lammps", "checkpoint"
FILES = (POTENTIAL, SELECTION, REPORT, SCRIPT, N2P2, LAMMPS)


def open_folder(name, *, overwrite):
    """Make the folder, before hours of training, and see that it takes files.

    Parameters
    ----------
    name : str
    overwrite : bool
        Whether results that are there may be replaced.

    Returns
    -------
    Path
    """
    folder = Path(name)
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"{name} is a file; give another --output.")
    there = [file for file in FILES if (folder / file).exists()]
    if there and not overwrite:
        raise CommandError(
            f"{name} has a {there[0]} already. Give another --output, or --overwrite."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CommandError(
            f"{name} cannot be written to: {os.strerror(error.errno)}. Give another --output."
        ) from error
    return folder


def write_potential(folder, potential, *, with_lammps):
    """Write the potential in all the forms that it can have.

    Parameters
    ----------
    folder : Path
    potential : sklearn.pipeline.Pipeline
    with_lammps : bool
        Whether to compile a plugin.

    Returns
    -------
    list of str
        What could not be written, and why.
    """
    save(potential, folder / POTENTIAL)
    missing = []
    try:
        write_n2p2(potential, folder / N2P2, overwrite=True)
    except ValueError as error:
        missing.append(f"No potential for n2p2: {one_line(error)}")
    if with_lammps:
        try:
            write_lammps(potential, folder / LAMMPS, overwrite=True)
        except (ImportError, OSError, RuntimeError) as error:
            missing.append(f"No plugin for LAMMPS: {one_line(error)}")
    for note in missing:
        say(note)
    return missing


def write_selection(folder, task, functions, candidates, about):
    """Write what was found, for programs and for ``--symmetry-functions``.

    Parameters
    ----------
    folder : Path
    task : Task
        Data and split.
    functions, candidates : sequence of SymmetryFunction
        Those of the potential, and those that there were to choose from.
    about : dict
        More to tell.
    """
    content = {
        "written_by": f"sklearn_agl {__version__}",
        "selected": [describe(function) for function in functions],
        "columns": [candidates.index(function) for function in functions],
        "n_candidates": len(candidates),
        "files": [str(Path(name).resolve()) if name != "-" else name for name in task.data.files],
        **task.data.keys,
        "split": {
            "kept_together": task.split_by,
            "train": task.train.tolist(),
            "test": task.test.tolist(),
            "groups": task.groups,
        },
        **about,
    }
    text = json.dumps(_plain(content), indent=1, allow_nan=False)
    (folder / SELECTION).write_text(text + "\n")


def _plain(value):
    """The same in types that JSON has; NaN becomes None."""
    if isinstance(value, dict):
        return {str(name): _plain(own) for name, own in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(own) for own in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
