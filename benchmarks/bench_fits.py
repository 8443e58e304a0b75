"""How far fits of the same data scatter with the seed: median and worst test error.

    python benchmarks/bench_fits.py --seeds 50
    python benchmarks/bench_fits.py --seeds 50 --data FILE.extxyz ...

A seed draws the held-out structures, the weights and the order of the structures; the structures to
train on and to test stay the same. Fits are those of ``HDNNPRegressor(forces=None)`` otherwise.
"""

import argparse
import time
import warnings
from pathlib import Path

import ase.io
import numpy as np
from _records import FUNCTIONS, TRAINING, parse
from ase.build import bulk, fcc111
from ase.calculators.emt import EMT
from sklearn.datasets import load_diabetes, make_friedman1

from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.features import as_atomic_features


def shaken(make, n, stdev):
    """Copper with EMT energies: structures ``make(seed)``, rattled."""
    structures = []
    for seed in range(n):
        atoms = make(seed)
        atoms.rattle(stdev, seed=seed)
        atoms.calc = EMT()
        structures.append(atoms)
    energies = np.array([atoms.get_potential_energy() for atoms in structures])
    return SymmetryFunctionTransformer().fit_transform(structures), energies


def slabs(seed):
    return fcc111("Cu", (2, 2, 4), vacuum=8.0)


def crystals(seed):
    return bulk("Cu", cubic=True) * (1, 1, 1 + seed % 2)


def planted():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(600, 20))
    y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.5 * X[:, 3] ** 2 + 0.1 * rng.normal(size=600)
    return as_atomic_features(X), y


def problems():
    """Name, features, energies, number to train on; the structures behind those are to test on."""
    X, y = shaken(slabs, 300, 0.08)
    for n in (20, 30, 50, 100, 200):
        chosen = np.r_[:n, 220:300]
        yield f"slabs {n}", X[chosen], y[chosen], n
    yield "crystals 100", *shaken(crystals, 200, 0.1), 100
    structures, y = make_lennard_jones(1600, random_state=0)
    order = np.random.RandomState(0).permutation(1600)
    X, y = SymmetryFunctionTransformer("lj-22").fit_transform(structures)[order], y[order]
    for n in (100, 407, 1200):
        chosen = np.r_[:n, 1200:1600]
        yield f"Lennard-Jones {n}", X[chosen], y[chosen], n
    X, y = load_diabetes(return_X_y=True)
    order = np.random.RandomState(0).permutation(len(y))
    yield "diabetes", as_atomic_features(X[order]), y[order], 330
    X, y = make_friedman1(600, noise=1.0, random_state=0)
    yield "Friedman", as_atomic_features(X), y, 300
    yield "planted", *planted(), 300


def problems_of(files):
    """The same for files that ASE reads: a random fifth is for the test."""
    for file in files:
        structures = ase.io.read(file, ":")
        order = np.random.RandomState(0).permutation(len(structures))
        y = np.array([atoms.get_potential_energy() for atoms in structures])[order]
        X = SymmetryFunctionTransformer().fit_transform(structures)[order]
        yield Path(file).name.split(".")[0], X, y, int(0.8 * len(y))


def measure(X, y, n_train, seeds):
    """Test errors per atom, one for each seed, and seconds per fit."""
    train, test, errors, start = X[:n_train], X[n_train:], [], time.process_time()
    for seed in range(seeds):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = HDNNPRegressor(forces=None, random_state=seed).fit(train, y[:n_train])
        errors.append(np.sqrt(np.mean(((model.predict(test) - y[n_train:]) / test.n_atoms) ** 2)))
    return np.array(errors), (time.process_time() - start) / seeds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--data", nargs="+", help="files with structures and energies")
    arguments, record = parse(parser, [*FUNCTIONS, *TRAINING])
    with record:
        for name, X, y, n_train in problems_of(arguments.data) if arguments.data else problems():
            errors, seconds = measure(X, y, n_train, arguments.seeds)
            row = {
                "mean alone": 1e3 * np.std(y[n_train:] / X[n_train:].n_atoms),
                "median": 1e3 * np.median(errors),
                "worst": 1e3 * errors.max(),
                "worst / median": errors.max() / np.median(errors),
                "s per fit": seconds,
            }
            record.add("Test errors", data=name, **row)


if __name__ == "__main__":
    main()
