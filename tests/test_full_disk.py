"""Checkpoints, memory maps and caches where there is no room."""

import errno
import resource
import shutil
from contextlib import contextmanager

import numpy as np
import pytest
from ase.build import bulk
from numpy.testing import assert_array_equal
from sklearn.pipeline import Pipeline

from sklearn_agl import HDNNPRegressor, SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.descriptors import _evaluation
from sklearn_agl.selection.runs import _checkpoint
from tests.selection._runs import assert_same_path, follow

STRUCTURES = [bulk("Al", a=a) for a in np.linspace(3.9, 4.2, 100)]
SETTINGS = {"alphas": [1e-3, 0.1, 1.0], "refit": False}


@pytest.fixture
def disk(monkeypatch):
    """A disk that takes some writes of a state; None for no limit."""
    real, room = np.savez, {"left": None}

    def savez(file, **arrays):
        if room["left"] == 0:
            file.write(b"half a file")
            raise OSError(errno.ENOSPC, "No space left on device")
        if room["left"] is not None:
            room["left"] -= 1
        real(file, **arrays)

    monkeypatch.setattr(_checkpoint.np, "savez", savez)
    return room


def test_a_run_without_room_for_its_state_comes_to_its_end(tmp_path, disk):
    disk["left"] = 2
    with pytest.warns(UserWarning, match="could not be written: No space left.*goes on"):
        path = follow(checkpoint=tmp_path, **SETTINGS)
    assert_same_path(path, follow(**SETTINGS))
    with np.load(tmp_path / "state.npz") as state:
        assert len(state["points/alpha"]) == 1  # what was there before the disk was full
    assert not list(tmp_path.glob("*.tmp"))
    disk["left"] = None
    assert_same_path(follow(checkpoint=tmp_path, **SETTINGS), path)


def test_a_full_disk_is_refused_at_the_start(tmp_path, disk):
    disk["left"] = 0
    with pytest.raises(ValueError, match="that can be written to: No space left.*another"):
        follow(checkpoint=tmp_path, **SETTINGS)


def transformer(folder):
    functions = [SymmetryFunction("G2", eta=1.0, r_cut=4.0)]
    return SymmetryFunctionTransformer(functions, memmap_folder=folder).fit([bulk("Al")])


def test_memory_map_asks_for_room_first(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=3)
    monkeypatch.setattr(_evaluation.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(ValueError, match="memmap_folder=.*are needed.*are free.*make room"):
        transformer(tmp_path).transform([bulk("Al")])
    assert not list(tmp_path.iterdir())


def test_memory_map_leaves_no_part_of_a_file(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_evaluation.Evaluation, "_blocks", fail)
    with pytest.raises(ValueError, match="memmap_folder=.*No space left"):
        transformer(tmp_path).transform([bulk("Al")])
    assert not list(tmp_path.iterdir())


def test_memory_map_in_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="memmap_folder=.*cannot be written to.*another folder"):
        transformer(tmp_path / "file").transform([bulk("Al")])


@contextmanager
def room_for(n_bytes):
    """Let the system refuse to write more to any one file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_memory_map_that_the_system_cuts_short(tmp_path):
    transform = transformer(tmp_path).transform
    with room_for(500), pytest.raises(ValueError, match="memmap_folder=.*File too large"):
        transform(STRUCTURES)
    assert not list(tmp_path.iterdir())


def test_pipeline_goes_on_without_room_for_its_cache(tmp_path):
    def fit(memory):
        model = HDNNPRegressor((2,), max_epochs=2, random_state=0)
        steps = [("features", transformer(None)), ("model", model)]
        pipe = Pipeline(steps, memory=memory).fit(STRUCTURES, np.linspace(-1.0, 1.0, 100))
        return pipe.predict(STRUCTURES)

    expected = fit(None)
    with room_for(4000), pytest.warns(Warning, match="Unable to cache to disk"):
        assert_array_equal(fit(str(tmp_path)), expected)
    for _ in range(2):  # nothing cut short is taken from the cache, then what is whole
        assert_array_equal(fit(str(tmp_path)), expected)
