"""Every way that `device` takes, on a graphics card: the same results as on the CPU, and how fast.

    python benchmarks/check_gpu.py

Takes about five minutes at most, as no check begins after four, and needs no network. Prints a line
of JSON per check and ends with status 1 if one has failed. Levenberg–Marquardt computes in double
precision on the card, so that its predictions have to be those of the CPU up to rounding. AdamW
computes in single precision and adds in another order: both have to leave a small part of the
spread of the energies. At last, both train on 28,000 structures of 256 atoms and 22 functions, on
the card and on the CPU of the same machine; the features there are random numbers, since times do
not depend on them.

Without a card it says so, and takes the CPU and small data, which shows that the checks can run,
and nothing about a card.
"""

import argparse
import contextlib
import pickle
import platform
import sys
import tempfile
import time
import traceback
import warnings
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from _records import TRAINING, parse
from ase import Atoms
from ase.calculators.emt import EMT
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from skorch.callbacks import LRScheduler

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    HDNNPRegressor,
    SymmetryFunctionTransformer,
    group_lasso_path,
)
from sklearn_agl.compiled._activations import ACTIVATIONS
from sklearn_agl.features import AtomicFeatures
from sklearn_agl.io import load, save
from sklearn_agl.potentials.networks import _device_gradient

ROUNDING = 1e-6
"""How far two fits in double precision may differ, relative to the spread of the energies."""

LEARNT = 0.4
"""What a short fit in single precision may leave of the spread of the energies."""

LEAST = 30.0
"""Seconds that have to be left for another check to begin."""


class Problem:
    """Data for the checks, each made when it is needed first."""

    def __init__(self, device):
        self.device = device
        rng = np.random.default_rng(0)
        self.X = rng.normal(size=(240, 6))
        self.y = np.sin(self.X[:, 0]) + self.X[:, 1] * self.X[:, 2]

    @cached_property
    def structures(self):
        """Small clusters."""
        return [clusters(seed) for seed in range(60)]

    @cached_property
    def energies(self):
        """Of the clusters."""
        return np.array([atoms.get_potential_energy() for atoms in self.structures])

    @cached_property
    def atoms(self):
        """Features of the clusters."""
        transformer = SymmetryFunctionTransformer(r_cut=5.0)
        return transformer.fit_transform(self.structures).compute()

    def network(self, solver, device=None, **settings):
        """A small network that trains for a short time."""
        common = {"hidden_layer_sizes": (8, 6), "forces": None, "random_state": 0}
        common |= {"solver": solver, "device": device or self.device}
        return HDNNPRegressor(**common | {"max_epochs": 15 if solver == "lm" else 150} | settings)


def clusters(seed):
    """3 to 9 atoms of copper and gold, so that elements and sizes are uneven."""
    rng = np.random.default_rng(seed)
    size = 3 + seed % 7
    grid = np.stack(np.meshgrid(*[range(3)] * 3), axis=-1).reshape(-1, 3)[:size]
    symbols = rng.choice(["Cu", "Au"], size)
    atoms = Atoms(symbols, 2.6 * grid + rng.normal(scale=0.1, size=(size, 3)))
    atoms.calc = EMT()
    return atoms


def same_as_on_cpu(problem, X, y, **settings):
    """Levenberg–Marquardt on both: the largest difference of predictions, relative."""
    found = [
        problem.network("lm", device, **settings).fit(X, y).predict(X)
        for device in (problem.device, "cpu")
    ]
    difference = float(np.abs(found[0] - found[1]).max() / np.std(y))
    if not difference <= ROUNDING:
        raise AssertionError(f"predictions differ by {difference:.1e} of the spread")
    return {"largest difference": difference}


def learns(model, X, y):
    """What a fit leaves of the spread; too much of it is an error."""
    left = float(np.sqrt(np.mean((model.predict(X) - y) ** 2)) / np.std(y))
    if not left <= LEARNT:
        raise AssertionError(f"the fit leaves {left:.2f} of the spread")
    return {"left of the spread": left}


def refuses(model, X, y, word, **fit_settings):
    """An error that says why; on the CPU there is nothing to refuse."""
    if model.device == "cpu":
        return {"remark": "nothing to refuse on the CPU"}
    try:
        model.fit(X, y, **fit_settings)
    except ValueError as error:
        if word in str(error):
            return {"message": str(error)}
        raise
    raise AssertionError("no error")


def lm_of_a_table(problem):
    return same_as_on_cpu(problem, problem.X, problem.y)


def lm_of_two_elements_and_uneven_sizes(problem):
    return same_as_on_cpu(problem, problem.atoms, problem.energies)


def lm_in_small_batches(problem):
    return same_as_on_cpu(problem, problem.atoms, problem.energies, batch_size=7)


def lm_with_features_in_the_memory_of_the_host(problem):
    with changed(_device_gradient, "MOST_BYTES", 0):
        return same_as_on_cpu(problem, problem.atoms, problem.energies)


def lm_with_few_atoms_at_once(problem):
    with changed(_device_gradient, "MOST_ATOMS", 20):
        return same_as_on_cpu(problem, problem.atoms, problem.energies)


def lm_with_a_penalty(problem):
    return same_as_on_cpu(problem, problem.X, problem.y, alpha=1e-3)


def lm_of_each_activation(problem):
    found = {
        name: same_as_on_cpu(problem, problem.X, problem.y, activation=name, max_epochs=5)
        for name in ACTIVATIONS
    }
    return {name: part["largest difference"] for name, part in found.items()}


def lm_refuses_forces(problem):
    forces = [atoms.get_forces() for atoms in problem.structures]
    model = problem.network("lm")
    return refuses(model, problem.atoms, problem.energies, "forces", forces=forces)


def kalman_refuses_the_device(problem):
    return refuses(problem.network("kalman"), problem.X, problem.y, "kalman")


def auto_takes_a_solver_for_the_device(problem):
    expected = "kalman" if problem.device == "cpu" else "adamw"
    nets = [
        problem.network(solver, max_epochs=3).fit(problem.X, problem.y).net_
        for solver in ("auto", expected)
    ]
    if type(nets[0]) is not type(nets[1]):
        raise AssertionError(f"the net is a {type(nets[0]).__name__}")
    return {"solver": expected}


def adamw_of_a_table(problem):
    model = problem.network("adamw").fit(problem.X, problem.y)
    return learns(model, problem.X, problem.y)


def adamw_of_two_elements_and_uneven_sizes(problem):
    model = problem.network("adamw").fit(problem.atoms, problem.energies)
    return learns(model, problem.atoms, problem.energies)


def adamw_on_forces(problem):
    forces = [atoms.get_forces() for atoms in problem.structures]
    model = problem.network("adamw", n_force_directions=4)
    model.fit(problem.atoms, problem.energies, forces=forces)
    return learns(model, problem.atoms, problem.energies)


def adamw_with_weights_starts_and_a_schedule(problem):
    schedule = LRScheduler("CosineAnnealingLR", T_max=150)
    model = problem.network("adamw", n_init=2, callbacks=[("schedule", schedule)])
    weights = np.random.default_rng(1).uniform(0.5, 1.5, len(problem.y))
    return learns(model.fit(problem.X, problem.y, sample_weight=weights), problem.X, problem.y)


def a_fitted_model_travels(problem):
    """Copies give the same predictions, also where there is no card: weights are numpy's."""
    model = problem.network("adamw").fit(problem.X, problem.y)
    expected = model.predict(problem.X)
    with tempfile.TemporaryDirectory() as folder:
        save(model, Path(folder) / "model.npz")
        copies = load(Path(folder) / "model.npz"), pickle.loads(pickle.dumps(model))
    for copy in copies:
        np.testing.assert_array_equal(copy.predict(problem.X), expected)
    clone(model).fit(problem.X[:50], problem.y[:50])
    return {}


def a_selector_chooses_the_same(problem):
    supports = [
        AdaptiveGroupLassoSelector(
            problem.network("lm", device), n_features_to_select=3, random_state=0
        )
        .fit(problem.X, problem.y)
        .get_support()
        for device in (problem.device, "cpu")
    ]
    np.testing.assert_array_equal(*supports)
    return {"chosen": np.flatnonzero(supports[0]).tolist()}


def a_path_with_refits_in_another_thread(problem):
    network = problem.network("adamw", max_epochs=10)
    path = group_lasso_path(problem.X, problem.y, network, min_features=3, n_jobs=2, random_state=0)
    return {"points": len(path)}


def a_path_goes_on_from_its_checkpoint(problem):
    network = problem.network("adamw", max_epochs=10)
    settings = {"min_features": 3, "refit": False, "random_state": 0}
    with tempfile.TemporaryDirectory() as parent:
        settings["checkpoint"] = Path(parent) / "checkpoint"
        first, second = (
            group_lasso_path(problem.X, problem.y, network, **settings) for _ in range(2)
        )
    np.testing.assert_array_equal(first.supports, second.supports)
    return {"points": len(first)}


def cross_validation_in_two_processes(problem):
    scores = cross_val_score(problem.network("lm"), problem.X, problem.y, cv=2, n_jobs=2)
    if not np.isfinite(scores).all():
        raise AssertionError(f"scores are {scores}")
    return {"scores": scores.tolist()}


def memory_is_given_back(problem):
    """What stays on the card after the fits above, in MB."""
    if problem.device == "cpu":
        return {"remark": "no card"}
    for solver in ("lm", "adamw"):
        problem.network(solver).fit(problem.X, problem.y)
    left = torch.cuda.memory_allocated() / 1e6
    if left > 64.0:
        raise AssertionError(f"{left:.0f} MB are still allocated")
    return {"MB": left}


CHECKS = [
    lm_of_a_table,
    lm_of_two_elements_and_uneven_sizes,
    lm_in_small_batches,
    lm_with_features_in_the_memory_of_the_host,
    lm_with_few_atoms_at_once,
    lm_with_a_penalty,
    lm_of_each_activation,
    lm_refuses_forces,
    kalman_refuses_the_device,
    auto_takes_a_solver_for_the_device,
    adamw_of_a_table,
    adamw_of_two_elements_and_uneven_sizes,
    adamw_on_forces,
    adamw_with_weights_starts_and_a_schedule,
    a_fitted_model_travels,
    a_selector_chooses_the_same,
    a_path_with_refits_in_another_thread,
    a_path_goes_on_from_its_checkpoint,
    cross_validation_in_two_processes,
    memory_is_given_back,
]


def large_problem(n_structures, n_atoms, n_features):
    """Random features, and energies that a network can learn."""
    rng = np.random.default_rng(0)
    values = rng.random((n_structures, n_atoms, n_features), dtype=np.float64)
    energies = np.tanh(values[:, :, :4].sum(axis=-1)).sum(axis=1)
    return AtomicFeatures(values), energies


def time_epochs(X, y, solver, device):
    """Seconds of the last of two epochs, and of the whole fit."""
    model = HDNNPRegressor(
        solver=solver, device=device, forces=None, max_epochs=2, n_iter_no_change=2, random_state=0
    )
    start = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - start
    return {"s per epoch": model.net_.history[-1]["dur"], "s of the fit": seconds}


def at_scale(problem, solver, device):
    """Times of one solver on one device, and the most memory on the card."""
    on_card = device != "cpu"
    if on_card:
        torch.cuda.reset_peak_memory_stats()
    times = time_epochs(*problem, solver, device)
    peak = {"GiB on the card": torch.cuda.max_memory_allocated() / 2**30} if on_card else {}
    return times | peak


@contextlib.contextmanager
def changed(module, name, value):
    """A module's constant is another one for a while."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def judge(call):
    """What a check finds, and whether it has passed."""
    start = time.perf_counter()
    try:
        found = {"ok": True, **call()}
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        found = {"ok": False, "error": f"{type(error).__name__}: {error}", "where": place}
    return found | {"s": time.perf_counter() - start}


def describe(device):
    """The card and what drives it."""
    about = {"device": device, "torch": torch.__version__, "python": platform.python_version()}
    if device == "cpu":
        return about | {"remark": "no CUDA device here: small data on the CPU instead"}
    card = torch.cuda.get_device_properties(device)
    return about | {"card": card.name, "GiB": card.total_memory / 2**30, "CUDA": torch.version.cuda}


def main():
    """Run all checks, then both solvers at scale, while there is time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-structures", type=int, help="at scale; 28,000, or 200 without a card")
    parser.add_argument("--n-atoms", type=int, default=256, help="of each of these")
    parser.add_argument("--seconds", type=float, default=270.0, help="after which no check begins")
    arguments, record = parse(parser, TRAINING)
    warnings.simplefilter("ignore")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    end = time.perf_counter() + arguments.seconds
    with record:
        record.add("Machine", **describe(device))
        failed = run(record, arguments, device, end)
    sys.exit(failed)


def run(record, arguments, device, end):
    """Add a row for each check; returns 1 if one has failed, else 0."""
    failed, problem = False, Problem(device)
    for check in CHECKS:
        found = judge(partial(check, problem)) if time_is_left(end) else LATE
        failed |= not found["ok"]
        record.add("Checks", check=check.__name__.replace("_", " "), **found)
    n_structures = arguments.n_structures or (200 if device == "cpu" else 28_000)
    large = large_problem(n_structures, arguments.n_atoms, 22)
    for solver in ("adamw", "lm"):
        for place in dict.fromkeys([device, "cpu"]):
            row = {"solver": solver, "device": place, "structures": n_structures}
            call = partial(at_scale, large, solver, place)
            row |= judge(call) if time_is_left(end) else LATE
            failed |= not row["ok"]
            record.add("At scale", **row)
    return int(failed)


LATE = {"ok": False, "error": "there was no time left"}


def time_is_left(end):
    """Whether another check may begin."""
    return time.perf_counter() < end - LEAST


if __name__ == "__main__":
    main()
