"""Processes that use one folder at the same time."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
from ase.build import bulk
from numpy.testing import assert_array_equal
from sklearn.pipeline import Pipeline

from sklearn_agl import HDNNPRegressor, SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.descriptors.kernels._compile_cache import load_kernel
from tests._children import FIND_TESTS

STRUCTURES = [
    [bulk(symbol, "fcc", a=a, cubic=True) for a in np.linspace(3.8, 4.4, 20)]
    for symbol in ("Al", "Cu")
]
"""For each process its own, of equal shapes."""

ENERGIES = np.linspace(-1.0, 1.0, 20)
PROGRAM = """
import multiprocessing, os, signal, sys
from pathlib import Path
from sklearn_agl.descriptors._evaluation import Evaluation
from tests import test_shared_folders as shared

def meet_in_the_middle(barrier, die):
    def blocks(evaluation):
        for i, block in enumerate(real(evaluation)):
            yield block
            if i == 0:
                barrier.wait(60)
                if die:
                    os.kill(os.getpid(), signal.SIGKILL)
    real, Evaluation._blocks = Evaluation._blocks, blocks

def child(job, number, folder, barrier, die=False):
    barrier.wait(60)
    if job == "transform":
        meet_in_the_middle(barrier, die)
    getattr(shared, job)(number, Path(folder))

job, folder, *numbers = sys.argv[1:]
context = multiprocessing.get_context("fork")
barrier = context.Barrier(len(numbers))
children = [
    context.Process(target=child, args=(job, int(n.strip("!")), folder, barrier, "!" in n))
    for n in numbers
]
for process in children:
    process.start()
for process in children:
    process.join()
print(*[process.exitcode for process in children])
"""
"""Starts processes that do a job at once; one with a ! is killed in the middle of its first file,
when the others are in the middle of theirs."""


def run_at_once(job, folder, *numbers, **environment):
    """The exit codes of the processes."""
    command = [sys.executable, "-c", FIND_TESTS + PROGRAM, job, str(folder), *numbers]
    environment = {**os.environ, **environment}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return [int(code) for code in done.stdout.split()]


def transformer(**params):
    functions = [SymmetryFunction("G2", eta=eta, r_cut=4.5) for eta in (0.5, 1.0, 2.0)]
    return SymmetryFunctionTransformer(functions, **params)


def transform(number, folder):
    """Write a memory map, and give it a name that tells who wrote it."""
    mapped = transformer(memmap_folder=folder).fit_transform(STRUCTURES[number])
    os.rename(mapped.atom_values.filename, folder / f"{number}.npy")


def train(number, folder):
    """Fit a pipeline whose first step is kept in joblib's cache."""
    np.save(folder / f"{number}.npy", train_with(folder / "cache"))


def train_with(cache):
    model = HDNNPRegressor((3,), max_epochs=2, random_state=0)
    pipe = Pipeline([("features", transformer()), ("model", model)], memory=cache and str(cache))
    return pipe.fit(STRUCTURES[0], ENERGIES).predict(STRUCTURES[0])


def test_memory_maps(tmp_path):
    assert run_at_once("transform", tmp_path, "0", "1", "1!") == [0, 0, -signal.SIGKILL]
    for number, structures in enumerate(STRUCTURES):
        expected = transformer().fit_transform(structures).atom_values
        assert_array_equal(np.load(tmp_path / f"{number}.npy"), expected)
    # A file that was cut short never has the name of a complete one, and goes after an hour.
    (leftover,) = set(tmp_path.iterdir()) - {tmp_path / "0.npy", tmp_path / "1.npy"}
    assert leftover.suffix == ".tmp"
    transform(0, tmp_path)
    assert leftover.exists()
    os.utime(leftover, (0.0, time.time() - 7200.0))
    transform(0, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.npy", "1.npy"]


def compile_kernel(number, folder):
    source = (
        "from sklearn_agl.compiled._machine_code import kept\n"
        "evaluate = kept()(lambda x: 2.5 * x)\n"
    )
    np.save(folder / f"{number}.npy", load_kernel(source).evaluate(3.0))


def test_caches_of_pipelines(tmp_path):
    assert run_at_once("train", tmp_path, "0", "1") == [0, 0]
    expected = train_with(None)
    for number in range(2):
        assert_array_equal(np.load(tmp_path / f"{number}.npy"), expected)
    assert_array_equal(train_with(tmp_path / "cache"), expected)
    assert len(list((tmp_path / "cache").rglob("output.pkl"))) == 1


def test_caches_of_kernels(tmp_path):
    kernels = tmp_path / "kernels"
    codes = run_at_once("compile_kernel", tmp_path, "0", "1", SKLEARN_AGL_CACHE_DIR=str(kernels))
    assert codes == [0, 0]
    assert [np.load(tmp_path / f"{number}.npy") for number in range(2)] == [7.5, 7.5]
    assert len(list(kernels.glob("*.py"))) == 1
    assert not list(kernels.glob("*.tmp"))
