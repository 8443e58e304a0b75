"""Converted copies of the published data sets, where they are present."""

import gzip
import io
from pathlib import Path

import ase.io
import pytest

FOLDER = Path(__file__).parents[3] / "shared" / "data"


def read_copy(name, only=""):
    """Structures of a converted copy whose comment line has a text."""
    path = FOLDER / f"{name}.extxyz.gz"
    if not path.exists():
        pytest.skip("the converted copy is not there")
    chosen = []
    with gzip.open(path, "rt") as file:
        for count in file:
            comment, *rows = (next(file) for _ in range(int(count) + 1))
            if only in comment:
                chosen += [count, comment, *rows]
    return ase.io.read(io.StringIO("".join(chosen)), ":", format="extxyz")
