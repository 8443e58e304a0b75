"""Potentials and sets of functions from files."""

import json
from dataclasses import asdict
from pathlib import Path

from sklearn.pipeline import Pipeline

from sklearn_agl import SymmetryFunction
from sklearn_agl.cli._messages import CommandError
from sklearn_agl.io import load, read_n2p2, read_symmetry_functions

SELECTION = "selection.json"


def load_potential(name, *, length_unit=None, energy_unit=None):
    """A fitted pipeline from a file of `save`, or from a folder of n2p2.

    Parameters
    ----------
    name : str
    length_unit, energy_unit : float, default=None
        Of n2p2's files, see `read_n2p2`.

    Returns
    -------
    sklearn.pipeline.Pipeline
    """
    path = Path(name)
    if not path.exists():
        raise CommandError(f"There is no potential {name}.")
    if path.is_dir():
        if (path / "input.nn").exists():
            return read_n2p2(path, length_unit=length_unit, energy_unit=energy_unit)
        if (path / "potential.npz").exists():  # what select and fit have written
            return load(path / "potential.npz")
        raise CommandError(f"{name} has neither an input.nn nor a potential.npz.")
    potential = load(path)
    if not isinstance(potential, Pipeline) or not hasattr(potential[-1], "predict_forces"):
        raise CommandError(
            f"{name} holds no potential but a {type(potential).__name__}; give a pipeline of a "
            "SymmetryFunctionTransformer and an HDNNPRegressor."
        )
    return potential


def find_symmetry_functions(name, length_unit=None):
    """What ``--symmetry-functions`` names, for the transformer.

    Parameters
    ----------
    name : str
        A preset, an ``input.nn``, a ``selection.json`` or a folder with one of these.
    length_unit : float, default=None
        Of an ``input.nn``, see `read_symmetry_functions`.

    Returns
    -------
    str or list of SymmetryFunction
    """
    path = Path(name)
    if path.is_dir() and (path / SELECTION).exists():
        path = path / SELECTION
    if path.suffix == ".json":
        return read_selection(path)
    if length_unit is not None and path.exists():
        return read_symmetry_functions(path, length_unit=length_unit)
    return name


def read_selection(path):
    """The functions of a ``selection.json``.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of SymmetryFunction
    """
    if not path.exists():
        raise CommandError(f"There is no file {path}.")
    try:
        selected = json.loads(path.read_text())["selected"]
        return [SymmetryFunction(**_definition(one)) for one in selected]
    except (ValueError, TypeError, KeyError) as error:
        raise CommandError(f"{path} is no selection that sklearn-agl wrote: {error}.") from error


def describe(function):
    """A function as a dictionary for JSON, with its name.

    Parameters
    ----------
    function : SymmetryFunction

    Returns
    -------
    dict
    """
    known = {name: value for name, value in asdict(function).items() if value is not None}
    return {"name": function.name} | known


def _definition(described):
    return {name: value for name, value in described.items() if name != "name"}
