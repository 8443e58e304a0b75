"""Runs with a checkpoint that get a SIGKILL."""

import subprocess
import sys

import numpy as np
import pytest

from tests._children import FIND_TESTS
from tests.selection._runs import assert_same_path, assert_same_selector, eliminate, follow, lm_path

KILLS = """
import os, signal, sys, time
from pathlib import Path
from tests.selection import _runs as runs

def die_in_writing(n_left):
    def savez(file, **arrays):
        nonlocal n_left
        if n_left == 0:
            file.write(b"half a file")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        n_left -= 1
        real(file, **arrays)
    real, runs.np.savez = runs.np.savez, savez

def kill_after(child, folder, n_files):
    seen = set()
    while len(seen) < n_files:
        seen |= {path.stat().st_mtime_ns for path in folder.glob("state.npz")}
        time.sleep(1e-4)
    os.kill(child, signal.SIGKILL)

for job in sys.argv[1:]:
    call, folder, how, n = job.split(",")
    child = os.fork()
    if child == 0:
        if how == "inside":
            die_in_writing(int(n))
        getattr(runs, call)(checkpoint=folder)
        os._exit(0)
    if how == "outside":
        kill_after(child, Path(folder), int(n))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
"""
"""Children of one process, since it takes seconds to import torch, die one after the other."""


@pytest.fixture(scope="module")
def killed(tmp_path_factory, whole_path):
    """A folder with what kills have left of several runs."""
    folder = tmp_path_factory.mktemp("killed")
    jobs = [
        ("follow", "path", "inside", 3),
        # A run that goes on does not write before it has found something new: in the refits.
        ("follow", "path", "inside", len(whole_path) - 2 + 2),
        ("lm_path", "lm", "inside", 4),
        ("eliminate", "first", "outside", 1),
        ("eliminate", "later", "outside", 4),
    ]
    arguments = [f"{call},{folder / name},{how},{n}" for call, name, how, n in jobs]
    subprocess.run([sys.executable, "-c", FIND_TESTS + KILLS, *arguments], check=True)
    return folder


def test_path_that_is_killed_again_and_again_ends_as_one_without_a_break(killed, whole_path):
    with np.load(killed / "path" / "state.npz") as state:
        assert len(state["points/alpha"]) == len(whole_path)
        assert 0 < len(state["refits_of_sets/init"]) < 2 * len(set(whole_path.refitted_rmse))
    assert len(list((killed / "path").glob("*.tmp"))) == 2
    assert_same_path(follow(checkpoint=killed / "path"), whole_path)


def test_levenberg_marquardt_goes_on_after_a_kill(killed):
    assert_same_path(lm_path(checkpoint=killed / "lm"), lm_path())


@pytest.mark.parametrize("name", ["first", "later"])
def test_elimination_killed_from_outside_goes_on(killed, whole_elimination, name):
    assert_same_selector(eliminate(checkpoint=killed / name), whole_elimination)
