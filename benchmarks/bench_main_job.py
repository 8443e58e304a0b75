"""The figures of the main job: accuracy and time of training, path and refits over several seeds.

Run on one core of an otherwise idle machine::

    python benchmarks/bench_main_job.py
    python benchmarks/bench_main_job.py --data Si.extxyz --symmetry-functions directional-60

A seed draws the split, the held-out structures and all weights; the structures stay the same.
Prints one JSON object per seed; the record has means, deviations and ranges over the seeds.
"""

import argparse
import json
import time

import ase.io
import numpy as np
from _common import train_and_test, without_labels
from _records import ALL, parse
from sklearn.model_selection import train_test_split

from sklearn_agl import (
    CURSelector,
    HDNNPRegressor,
    PearsonSelector,
    SymmetryFunctionTransformer,
    WaldSelector,
    group_lasso_path,
)
from sklearn_agl.datasets import make_lennard_jones


def load(arguments):
    """Features and energies, from a file or from our own molecular dynamics."""
    if arguments.data:
        structures = ase.io.read(arguments.data, ":")
        energies = np.array([atoms.get_potential_energy() for atoms in structures])
    else:
        structures, energies = make_lennard_jones(1500, random_state=0, n_jobs=2)
    transformer = SymmetryFunctionTransformer(arguments.symmetry_functions, n_jobs=2)
    return transformer.fit_transform(without_labels(structures)), energies


def test_error(X, y, train, test, columns, seed):
    """RMSE per atom on the test structures, times 1000, and seconds of training."""
    error, seconds = train_and_test(X, y, train, test, columns, seed)
    return 1e3 * error, seconds


def run_seed(X, y, seed, sizes, n_starts):
    """All figures of one seed."""
    train, test = train_test_split(np.arange(len(X)), test_size=0.2, random_state=seed)
    angular = np.array([function.is_angular for function in X.symmetry_functions])

    def errors(columns):
        return [test_error(X, y, train, test, columns, seed + k)[0] for k in range(n_starts)]

    first, seconds = test_error(X, y, train, test, np.arange(X.n_features), seed)
    start = time.perf_counter()
    path = group_lasso_path(X[train], y[train], random_state=seed)
    path_and_refits = time.perf_counter() - start
    start = time.perf_counter()
    wald = WaldSelector(min(sizes), random_state=seed).fit(X[train], y[train])
    result = {
        "seed": seed,
        "training_s": round(seconds, 2),
        "all": errors(np.arange(X.n_features)),
        "path_s": round(float(path.fit_time.sum()), 1),
        "path_and_refits_s": round(path_and_refits, 1),
        "wald_s": round(time.perf_counter() - start, 1),
        "sets": {},
    }
    for size in sizes:
        support, of_wald = [first_support(p, size) for p in (path, wald.path_)]
        n = int(support.sum())
        result["sets"][size] = {
            "columns": (np.flatnonzero(support) + 1).tolist(),
            "angular": int(support[angular].sum()),
            "columns of Wald": (np.flatnonzero(of_wald) + 1).tolist(),
            "AGL": errors(support),
            "Wald": errors(of_wald),
            "CUR": errors(CURSelector(n).fit(X[train]).get_support()),
            "Pearson": errors(PearsonSelector(n).fit(X[train]).get_support()),
        }
    return result


def first_support(path, size):
    """The first set of a path with at most `size` features."""
    return path.supports[np.flatnonzero(path.n_features <= size)[0]]


def summarise(results, sizes, record):
    """Means over the seeds: of test errors, and of times."""

    def row(values):
        means = np.array([np.mean(v) for v in values])
        deviation = means.std(ddof=1) if len(means) > 1 else 0.0
        return {
            "mean": means.mean(),
            "sd": deviation,
            "lowest": means.min(),
            "highest": means.max(),
        }

    errors = "Test errors"
    record.add(errors, selector="all", **row([r["all"] for r in results]))
    for size in sizes:
        for method in ("AGL", "Wald", "CUR", "Pearson"):
            values = [r["sets"][size][method] for r in results]
            record.add(errors, selector=method, functions=size, **row(values))
    for size in sizes:
        angular = [[r["sets"][size]["angular"]] for r in results]
        record.add("Angular functions in the sets of AGL", functions=size, **row(angular))
    for part in ("training_s", "path_s", "path_and_refits_s", "wald_s"):
        record.add("Seconds", part=part.removesuffix("_s"), **row([[r[part]] for r in results]))


def main():
    """Parse the arguments and run all seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="structures with energies, any format that ASE reads")
    parser.add_argument("--symmetry-functions", default="lj-22")
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 7, 5])
    parser.add_argument("--n-seeds", type=int, default=5)
    parser.add_argument("--n-starts", type=int, default=2)
    arguments, record = parse(parser, ALL)
    X, y = load(arguments)
    # The first call loads compiled code, which is no part of training.
    HDNNPRegressor(max_epochs=1, alpha=1e-3).fit(X[:40], y[:40])
    results = []
    for seed in range(arguments.n_seeds):
        results.append(run_seed(X, y, seed, arguments.sizes, arguments.n_starts))
        print(json.dumps(results[-1], default=float), flush=True)
    with record:
        summarise(results, arguments.sizes, record)


if __name__ == "__main__":
    main()
