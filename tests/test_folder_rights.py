"""Folders and files that the user may not write to or read."""

import os
import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from numpy.testing import assert_allclose
from sklearn.pipeline import Pipeline

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AdaptiveGroupLassoSelectorCV,
    BackwardEliminationSelector,
    HDNNPRegressor,
    RandomSelector,
    SymmetryFunction,
    SymmetryFunctionTransformer,
    WaldSelector,
    group_lasso_path,
)
from sklearn_agl.descriptors.kernels._compile_cache import load_kernel
from sklearn_agl.inspection import compare_selectors
from tests.selection._planted import planted

X, Y = planted(0, n_samples=60, n_features=5)[:2]
NETWORK = HDNNPRegressor((2,), max_epochs=2)
STRUCTURES = [bulk("Al", a=a) for a in np.linspace(3.9, 4.2, 12)]
FUNCTIONS = [SymmetryFunction("G2", eta=1.0, r_cut=4.0)]
NOBODY = 65534


@contextmanager
def as_ordinary_user():
    """Root may do anything: it has to be somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    try:
        os.seteuid(NOBODY)
    except PermissionError:
        pytest.skip("root may not become another user here")
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def place():
    """A folder that other users may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def read_only(place):
    folder = place / "read only"
    folder.mkdir()
    folder.chmod(0o555)
    return folder


def follow(folder):
    return group_lasso_path(X, Y, NETWORK, alphas=[0.1], checkpoint=folder, random_state=0)


def select(folder):
    AdaptiveGroupLassoSelector(NETWORK, checkpoint=folder, random_state=0).fit(X, Y)


def cross_validate(folder):
    selector = AdaptiveGroupLassoSelectorCV(NETWORK, alphas=[0.1], cv=2, random_state=0)
    selector.set_params(checkpoint=folder).fit(X, Y)


def eliminate(folder):
    WaldSelector(4, estimator=NETWORK, checkpoint=folder, random_state=0).fit(X, Y)


def eliminate_with_refits(folder):
    settings = {"estimator": NETWORK, "checkpoint": folder, "random_state": 0}
    BackwardEliminationSelector(4, **settings).fit(X, Y)


def compare(folder):
    settings = {"estimator": NETWORK, "cv": 2, "checkpoint": folder, "random_state": 0}
    compare_selectors({"random": RandomSelector()}, {"planted": (X, Y)}, [2], **settings)


def transform(folder):
    SymmetryFunctionTransformer(FUNCTIONS, memmap_folder=folder).fit_transform(STRUCTURES)


@pytest.mark.parametrize("below", ["", "new/folder"])
@pytest.mark.parametrize(
    "run", [follow, select, cross_validate, eliminate, eliminate_with_refits, compare, transform]
)
def test_read_only_folder_is_named(place, read_only, run, below):
    run(place / "writable")
    folder = str(read_only / below)
    wrong = f"checkpoint={folder!r} is no folder that can be written to"
    if run is transform:
        wrong = f"memmap_folder={folder!r} cannot be written to"
    with as_ordinary_user(), pytest.raises(ValueError) as caught:
        run(folder)
    assert f"{wrong}: Permission denied. Give another" in str(caught.value)
    assert not list(read_only.iterdir())


def test_read_only_cache_of_a_pipeline_is_named(read_only):
    """The error is joblib's."""
    steps = [("features", SymmetryFunctionTransformer(FUNCTIONS)), ("model", NETWORK)]
    pipe = Pipeline(steps, memory=str(read_only))
    with as_ordinary_user(), pytest.raises(PermissionError, match=str(read_only)):
        pipe.fit(STRUCTURES, np.arange(12.0))


@pytest.mark.parametrize("run", [follow, compare])
def test_files_of_another_user_are_named(place, run):
    folder = place / "run"
    run(folder)
    folder.chmod(0o777)
    for file in folder.iterdir():
        file.chmod(0o000)
    with as_ordinary_user(), pytest.raises(ValueError, match="may not be read.*another") as caught:
        run(folder)
    assert str(folder) in str(caught.value)


def test_results_of_another_user_are_named(place):
    folder = place / "run"
    for _ in range(2):  # files are read in the second run: root loads what it needs for that
        compare(folder)
    folder.chmod(0o777)
    results = list(folder.glob("*.json"))
    for file in results:
        file.chmod(0o000)
    with as_ordinary_user(), pytest.raises(ValueError, match=".json' may not be read"):
        compare(folder)


def test_kernels_are_compiled_in_memory(place, read_only, monkeypatch):
    source = (
        "from sklearn_agl.compiled._machine_code import kept\n"
        "evaluate = kept()(lambda x: 2.5 * x)\n"
    )
    for folder in (place / "new", read_only):
        monkeypatch.setenv("SKLEARN_AGL_CACHE_DIR", str(folder))
        with as_ordinary_user() if folder is read_only else nullcontext():
            assert_allclose(load_kernel(source).evaluate(3.0), 7.5)
    assert not list(read_only.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs files of two users")
def test_leftovers_of_another_user_are_left(place):
    """Where the sticky bit is set, as in /tmp, all may write but delete their own files only."""
    leftover = place / "symmetry_functions_1.npy.2.tmp"
    leftover.write_text("")
    os.utime(leftover, (0.0, 0.0))
    place.chmod(0o1777)
    with as_ordinary_user():
        transform(place)
    assert leftover.exists()
    transform(place)
    assert not leftover.exists()
