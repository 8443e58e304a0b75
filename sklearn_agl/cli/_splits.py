"""Which structures train a potential and which judge it."""

import numpy as np
from sklearn.model_selection import GroupShuffleSplit

from sklearn_agl.cli._messages import CommandError

KINDS = AUTO, FILES, STRETCHES, RANDOM = "auto", "files", "stretches", "random"
"""Groups that no key of ``info`` makes."""
N_STRETCHES = 20
"""Stretches of consecutive structures that all files together are cut into."""
SHORTEST = 2
"""Structures of a stretch."""
FEWEST_FILES = 5
"""From this number on, files are groups: fewer make no test set of a fifth."""
N_TRIES = 50
"""Splits that are drawn, of which the one counts whose test part has the wanted size best, of those
with all elements among the training structures."""


def make_groups(data, groups):
    """What may not be torn apart by a split.

    Parameters
    ----------
    data : Data
        Structures.
    groups : str
        "files", "stretches" (of consecutive structures of a file), "random" (each structure on its
        own), "auto" (files if there are at least five, else stretches) or a key of ``info``.

    Returns
    -------
    groups : ndarray of int of shape (n_structures,)
        Numbers of the groups.
    description : str
        What they are.
    """
    if groups == AUTO:
        groups = FILES if len(data.files) >= FEWEST_FILES else STRETCHES
    if groups == RANDOM:
        return np.arange(len(data)), "single structures, drawn at random"
    if groups == FILES:
        return data.file_of, f"whole files ({len(data.files)})"
    if groups == STRETCHES:
        numbers = _stretches(data.file_of)
        return numbers, f"stretches of consecutive structures ({numbers[-1] + 1})"
    names = [str(atoms.info.get(groups, "")) for atoms in data.structures]
    if not any(names):
        there = sorted({str(key) for atoms in data.structures for key in atoms.info})
        raise CommandError(
            f"--groups {groups}: no structure has info[{groups!r}]; there are "
            f"{', '.join(map(repr, there)) or 'none'}. Or give files, stretches or random."
        )
    found, numbers = np.unique(names, return_inverse=True)
    return numbers, f"structures of one {groups} ({len(found)})"


def split(data, groups, test_size, random_state):
    """Rows to train on and rows to test on.

    Parameters
    ----------
    data : Data
        Structures.
    groups : ndarray of int of shape (n_structures,)
        What stays together.
    test_size : float
        Part of the structures to test on, as near as groups allow; 0 for none.
    random_state : int
        Draws them.

    Returns
    -------
    train, test : ndarray of int
        Ascending.
    """
    rows = np.arange(len(data))
    if test_size == 0.0:
        return rows, rows[:0]
    if len(np.unique(groups)) < 2:
        raise CommandError(
            "All structures are of one group, so that none is left to test on. Give --groups "
            "stretches, or --test-size 0 to do without a test."
        )
    elements = set(np.concatenate([atoms.numbers for atoms in data.structures]).tolist())
    splitter = GroupShuffleSplit(N_TRIES, test_size=test_size, random_state=random_state)
    splits = [
        (train, test)
        for train, test in splitter.split(rows, groups=groups)
        if set(np.concatenate([data.structures[i].numbers for i in train]).tolist()) == elements
    ]
    if splits:
        # Groups may differ in size.
        train, test = min(splits, key=lambda own: abs(len(own[1]) - test_size * len(rows)))
        return np.sort(train), np.sort(test)
    raise CommandError(
        f"In {N_TRIES} splits, the training structures never had all elements. Choose other "
        "--groups, such as random, or a smaller --test-size."
    )


def _stretches(file_of):
    """Numbers of stretches that are about equally long, and each in one file."""
    length = max(SHORTEST, -(-len(file_of) // N_STRETCHES))
    numbers, first = np.empty(len(file_of), dtype=int), 0
    for file in np.unique(file_of):
        own = np.flatnonzero(file_of == file)
        n_stretches = max(1, round(len(own) / length))
        numbers[own] = first + np.arange(len(own)) * n_stretches // len(own)
        first += n_stretches
    return numbers
