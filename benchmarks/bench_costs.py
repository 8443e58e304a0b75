"""What costs in the penalty buy: error against time per atom, with `feature_costs` and without.

Run on one core::

    python benchmarks/bench_costs.py --data Si.extxyz

A seed draws the split, the held-out structures and all weights. Both paths of a seed start from the
same fits. Every set of a path is trained anew without penalty. Of the sets that keep within a
budget of time, the one with the lowest error on held-out structures is taken, and its error on the
test structures is reported.

Times are those of the compiled loops, without derivatives and without the checks around them:
"shared" is the kernel compiled for all functions, which a pipeline's `predict` runs and which the
budgets refer to; "own" is a kernel compiled for the chosen functions alone, which a transformer of
these functions runs. All sets of a path take turns and the best time of each counts, so that other
work on the machine hits all alike. The record has the sets of both paths, and what they offer
within each budget.
"""

import argparse

import ase.io
import numpy as np
from _common import without_labels
from _records import ALL, parse
from sklearn.model_selection import train_test_split

from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer, group_lasso_path
from sklearn_agl.descriptors._costs import _make_calls, _race, _sample
from sklearn_agl.metrics import rmse_per_atom

MICRO = 1e6
MILLI = 1e3
PENALTIES = {"columns": None, "time": "measured"}
"""What the group lasso is to save, and the `feature_costs` that say so."""

COLUMNS = ("functions", "angular", "shared", "own", "held out", "test")
"""Of the table of budgets."""

SECONDS = 2.0
"""For which the sets of a path are timed."""


def times_of(functions, structures, choices):
    """Microseconds per atom of each choice of columns, a tuple, by the kernel of all functions."""
    sample = _sample(structures)
    seconds = _race(_make_calls(functions, sample, choices), SECONDS)
    return {columns: MICRO * s / sum(map(len, sample)) for columns, s in seconds.items()}


def errors_of(X, y, train, test, columns, seed):
    """Errors per atom of a fit without penalty: on held-out and on test structures, times 1000."""
    X = X.take_features(list(columns))
    model = HDNNPRegressor(random_state=seed).fit(X[train], y[train])
    of_test = rmse_per_atom(y[test], model.predict(X[test]), X[test].n_atoms)
    return MILLI * float(model.validation_rmse_), MILLI * float(of_test)


def follow(X, y, train, test, seed, costs):
    """Every set of a path with its errors and its time."""
    path = group_lasso_path(
        X[train], y[train], feature_costs=costs, min_features=2, refit=False, random_state=seed
    )
    supports = dict.fromkeys(tuple(np.flatnonzero(row).tolist()) for row in path.supports)
    supports.pop((), None)
    times = times_of(X.symmetry_functions, X.structures, supports)
    sets = []
    for columns in supports:
        held_out, of_test = errors_of(X, y, train, test, columns, seed)
        sets.append(
            {
                "columns": columns,
                "functions": len(columns),
                "angular": sum(X.symmetry_functions[column].is_angular for column in columns),
                "shared": times[columns],
                "held out": held_out,
                "test": of_test,
            }
        )
    return sets


def choose(sets, budget):
    """The set with the lowest error on held-out structures within a budget, or None."""
    affordable = [one for one in sets if one["shared"] <= budget]
    return min(affordable, key=lambda one: one["held out"], default=None)


def time_alone(one, X):
    """Add the time of a kernel compiled for the chosen functions."""
    functions = tuple(X.symmetry_functions[column] for column in one["columns"])
    everything = tuple(range(len(functions)))
    one["own"] = times_of(functions, X.structures, [everything])[everything]


def run_seed(X, y, seed, budgets, record):
    """Both paths of one seed, and what they offer within each budget."""
    train, test = train_test_split(np.arange(len(X)), test_size=0.2, random_state=seed)
    chosen = {}
    for name, costs in PENALTIES.items():
        sets = follow(X, y, train, test, seed, costs)
        for one in sets:
            record.add("Sets of the paths", **{"seed": seed, "penalty on": name}, **one)
        chosen[name] = [choose(sets, budget) for budget in budgets]
        for one in filter(None, chosen[name]):
            if "own" not in one:
                time_alone(one, X)
    return chosen


def summarise(results, budgets, record):
    """Means over the seeds for each budget and penalty, where every seed has a set."""
    for row, budget in enumerate(budgets):
        for name in PENALTIES:
            found = [result[name][row] for result in results]
            cells = {"seeds with a set": len(found) - found.count(None)}
            if None not in found:
                cells |= {key: np.mean([one[key] for one in found]) for key in COLUMNS}
            record.add("Budgets", budget=budget, **{"penalty on": name}, **cells)


def main():
    """Parse the arguments and run all seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="structures with energies")
    parser.add_argument("--symmetry-functions", default="directional-60")
    parser.add_argument("--budgets", type=float, nargs="+", default=[4, 6, 7, 8, 9])
    parser.add_argument("--n-seeds", type=int, default=3)
    arguments, record = parse(parser, ALL)
    structures = ase.io.read(arguments.data, ":")
    y = np.array([atoms.get_potential_energy() for atoms in structures])
    X = SymmetryFunctionTransformer(arguments.symmetry_functions).fit_transform(
        without_labels(structures)
    )
    with record:
        results = [
            run_seed(X, y, seed, arguments.budgets, record) for seed in range(arguments.n_seeds)
        ]
        summarise(results, arguments.budgets, record)


if __name__ == "__main__":
    main()
