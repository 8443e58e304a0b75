"""What users give in place of a list of structures, and what they should give instead."""

import os
from collections.abc import Iterator, Mapping

import numpy as np
from ase import Atom, Atoms


def as_list(structures):
    """A list of what a container holds.

    Parameters
    ----------
    structures : iterable
        A list, an array, a column of a table, a trajectory or a generator of structures. An array
        of one column, (n_structures, 1), is what scikit-learn's ensembles take and hand on.

    Returns
    -------
    list
        Not checked any further.

    Raises
    ------
    ValueError
        With the cure, if it is something that structures have to be taken out of first.
    """
    if _is_column(structures):
        structures = structures[:, 0]
    cure = _cure_of_container(structures)
    if cure:
        raise ValueError(cure)
    try:
        found = list(structures)
    except TypeError:
        raise ValueError(
            f"Expected a sequence of ase.Atoms, got {type(structures).__name__}."
        ) from None
    if not found:
        used = ": what has gone through a generator once is gone; make a list of it first"
        raise ValueError(
            f"Got no structure{used if isinstance(structures, Iterator) else ''}. At least one is "
            "needed."
        )
    return found


def _is_column(structures):
    """Whether it is an array of one column of structures."""
    column = isinstance(structures, np.ndarray) and structures.shape[1:] == (1,)
    return column and isinstance(structures[0, 0], Atoms)


def _cure_of_container(structures):
    if isinstance(structures, Atoms):
        return "Got one ase.Atoms; put it into a list: [atoms]."
    if isinstance(structures, (str, os.PathLike)):
        return f"Got the name of a file; read it: {_reading(structures)}."
    if isinstance(structures, Mapping):
        return "Got a dict; give the structures in it: list(structures.values())."
    if hasattr(structures, "columns"):
        return f"Got a {type(structures).__name__}; give the column with the structures: " + (
            f"X[{_column_of(structures)!r}]."
        )
    if hasattr(structures, "select") and hasattr(structures, "count"):
        return (
            "Got a database; give the structures of its rows: [row.toatoms() for row in "
            "database.select()]."
        )
    if isinstance(structures, np.ndarray) and structures.ndim > 1:
        return (
            f"Got an array of shape {structures.shape}: np.array(...) has split the structures "
            "into atoms. Give the list itself, or for an ensemble of scikit-learn a column: "
            "X = np.empty((n, 1), dtype=object), X[:, 0] = structures."
        )
    return None


def _column_of(table):
    """Name of the first column with structures, or an example of one."""
    for name in table.columns:
        column = table[name]
        if len(column) and isinstance(next(iter(column)), Atoms):
            return name
    return "atoms"


def _reading(name):
    return f'ase.io.read({os.fspath(name)!r}, ":")'


def cure_of_entry(structure):
    """What to do with something in a list of structures that is no structure.

    Parameters
    ----------
    structure : object
        Anything but ase.Atoms.

    Returns
    -------
    str
        The end of a sentence.
    """
    if isinstance(structure, (str, os.PathLike)):
        return f"read the file it names: {_reading(structure)}."
    if isinstance(structure, Atom):
        return "an atom, not a structure; put the ase.Atoms into a list: [atoms]."
    for method in ("toatoms", "to_ase_atoms"):
        if hasattr(structure, method):
            return f"convert it with its method {method}()."
    if _holds_structures(structure):
        return "join such parts into one list: [atoms for part in parts for atoms in part]."
    return "convert it to ase.Atoms."


def _holds_structures(structure):
    try:
        return len(structure) > 0 and isinstance(structure[0], Atoms)
    except (TypeError, LookupError):
        return False
