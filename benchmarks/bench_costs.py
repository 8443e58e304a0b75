"""What costs in the penalty buy: error against time per atom, with `feature_costs` and without.

Run on one core of an otherwise idle machine::

    python benchmarks/bench_costs.py --data Si.extxyz

A seed draws the split, the held-out structures and all weights. Both paths of a seed start from the
same fits. Of the sets of a path that keep within a budget of time, the one with the lowest
refitted error on held-out structures is taken, and trained anew for its error on the test
structures. Times are those of the kernel compiled for all functions, which a pipeline's `predict`
runs; "own" is the time of a transformer of the chosen functions alone, with a kernel of its own,
which takes seconds to compile. Prints one JSON object per path and then the tables of `RESULTS.md`.
"""

import argparse
import json

import ase.io
import numpy as np
from bench_main_job import test_error
from bench_symmetry_functions import race
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer, group_lasso_path

MICRO = 1e6
MILLI = 1e3
N_STRUCTURES = 20
"""Structures whose evaluation is timed."""


def time_of(transformer, structures, columns=None):
    """Best microseconds per atom of a call as `predict` makes it."""

    def call():
        X = transformer.transform(structures)
        return (X if columns is None else X.take_features(columns)).values

    call()
    return MICRO * race({"": call}, 3)[""] / sum(map(len, structures))


def follow(X, y, train, seed, transformer, structures, costs):
    """Every set of a path with its errors and its time."""
    path = group_lasso_path(
        X[train], y[train], feature_costs=costs, min_features=2, random_state=seed
    )
    angular = np.array([function.is_angular for function in X.symmetry_functions])
    first_of_each = np.unique(path.supports, axis=0, return_index=True)[1]
    return [
        {
            "columns": np.flatnonzero(support).tolist(),
            "angular": int(support[angular].sum()),
            "refitted": MILLI * float(path.refitted_rmse[point]),
            "time": time_of(transformer, structures, np.flatnonzero(support)),
        }
        for point in np.sort(first_of_each)
        if (support := path.supports[point]).any()
    ]


def choose(sets, budget):
    """The set with the lowest refitted error within a budget, or None."""
    affordable = [one for one in sets if one["time"] <= budget]
    return min(affordable, key=lambda one: one["refitted"], default=None)


def complete(one, X, y, train, test, seed, structures):
    """Add the error on the test structures, and the time of a kernel of the chosen functions."""
    if "test" in one:
        return
    functions = [X.symmetry_functions[column] for column in one["columns"]]
    own = SymmetryFunctionTransformer(functions).fit(structures)
    one["own"] = time_of(own, structures)
    one["test"] = test_error(X, y, train, test, one["columns"], seed)[0]


def run_seed(X, y, seed, budgets):
    """Both paths of one seed, and what they offer within each budget."""
    train, test = train_test_split(np.arange(len(X)), test_size=0.2, random_state=seed)
    structures = list(X.structures[:: len(X) // N_STRUCTURES])
    transformer = SymmetryFunctionTransformer(X.symmetry_functions).fit(structures)
    chosen = {}
    for name, costs in (("columns", None), ("time", "measured")):
        sets = follow(X, y, train, seed, transformer, structures, costs)
        print(json.dumps({"seed": seed, "penalty on": name, "sets": sets}), flush=True)
        chosen[name] = [choose(sets, budget) for budget in budgets]
        for one in filter(None, chosen[name]):
            complete(one, X, y, train, test, seed, structures)
    return chosen


def print_table(results, budgets):
    """Print mean and range over the seeds for each budget and penalty."""
    print("| budget | penalty on | functions | angular | time | own | refitted | test |")
    print("|---|---|---|---|---|---|---|---|")
    for row, budget in enumerate(budgets):
        for name in results[0]:
            found = [result[name][row] for result in results]
            cells = [f"none in {found.count(None)} seeds"] + [""] * 5
            if None not in found:
                cells = [summary([len(one["columns"]) for one in found], 0)]
                cells += [summary([one[key] for one in found], 0) for key in ("angular",)]
                cells += [summary([one[key] for one in found], 1) for key in ("time", "own")]
                cells += [summary([one[key] for one in found], 2) for key in ("refitted", "test")]
            print(f"| {budget:g} | {name} | {' | '.join(cells)} |")


def summary(values, digits):
    """Mean and range."""
    mean = f"{np.mean(values):.{max(digits, 1)}f}"
    return f"{mean} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def main():
    """Parse the arguments and run all seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="structures with energies")
    parser.add_argument("--symmetry-functions", default="b-60")
    parser.add_argument("--budgets", type=float, nargs="+", default=[4, 6, 8, 10])
    parser.add_argument("--n-seeds", type=int, default=3)
    arguments = parser.parse_args()
    structures = ase.io.read(arguments.data, ":")
    y = np.array([atoms.get_potential_energy() for atoms in structures])
    X = SymmetryFunctionTransformer(arguments.symmetry_functions).fit_transform(structures)
    # The first call loads compiled code, which is no part of any time.
    HDNNPRegressor(max_epochs=1, alpha=1e-3).fit(X[:40], y[:40])
    with threadpool_limits(1):
        results = [run_seed(X, y, seed, arguments.budgets) for seed in range(arguments.n_seeds)]
    print_table(results, arguments.budgets)


if __name__ == "__main__":
    main()
