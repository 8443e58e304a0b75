"""How good and how stable the selected sets are, over ten seeds.

Run with one BLAS thread::

    OMP_NUM_THREADS=1 python benchmarks/bench_quality.py sets
    OMP_NUM_THREADS=1 python benchmarks/bench_quality.py noise
    OMP_NUM_THREADS=1 python benchmarks/bench_quality.py elimination
    OMP_NUM_THREADS=1 python benchmarks/bench_quality.py elimination --data Si.extxyz
    OMP_NUM_THREADS=1 python benchmarks/bench_quality.py few --n-structures 225
    OMP_NUM_THREADS=1 python benchmarks/bench_quality.py few --n-structures 562 --data Si.extxyz

- sets: how often the sets of 8 down to 4 Lennard-Jones functions are the same, and their errors;
- noise: 10 columns of noise are added, absolute values of Gaussians with the means and deviations
  of real columns (section III.E of the paper), and 10 functions asked for: how many are noise;
- elimination: sequential backward elimination with a fit for every candidate, beside the path; the
  errors are means of three trainings each;
- few: the default adaptive weights, and the published ones, where structures are few; all others
  are for testing.

A seed draws the split, the held-out structures and all weights.
"""

import argparse
import time
from collections import Counter

import numpy as np
from _common import read_structures, train_and_test, without_labels
from _records import ALL, parse
from sklearn.model_selection import train_test_split

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    CURSelector,
    HDNNPRegressor,
    PearsonSelector,
    SymmetryFunctionTransformer,
    WaldSelector,
)
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.features import as_atomic_features

SIZES = (8, 7, 6, 5, 4)
FEW_SIZES = (12, 9, 7, 5, 4)


def load():
    """Features and energies of 1,500 Lennard-Jones structures."""
    structures, y = make_lennard_jones(1500, random_state=0, n_jobs=2)
    transformer = SymmetryFunctionTransformer("lj-22", n_jobs=2)
    return transformer.fit_transform(without_labels(structures)), y


def load_file(path, symmetry_functions="directional-60"):
    """Features and energies of the structures of a file; the functions are those for silicon."""
    structures, y = read_structures(path)
    transformer = SymmetryFunctionTransformer(symmetry_functions)
    return transformer.fit_transform(without_labels(structures)), y


def split(X, seed):
    """Rows for training and for testing."""
    return train_test_split(np.arange(len(X)), test_size=0.2, random_state=seed)


def test_error(X, y, train, test, columns, seed):
    """RMSE per atom on the test structures, times 1000."""
    return 1e3 * train_and_test(X, y, train, test, columns, seed)[0]


def functions(support):
    """Numbers of the functions of a set, counted from 1, as text."""
    return " ".join(str(i + 1) for i in np.flatnonzero(support))


def run_sets(n_seeds):
    """For each method and size the commonest set and the errors, row by row."""
    X, y = load()
    methods = {
        "AGL": AdaptiveGroupLassoSelector(n_features_to_select=min(SIZES)),
        "AGL as published": AdaptiveGroupLassoSelector(n_features_to_select=min(SIZES), reweight=0),
        "Wald": WaldSelector(min(SIZES)),
    }
    for name, selector in methods.items():
        found = {size: [] for size in SIZES}
        for seed in range(n_seeds):
            train, test = split(X, seed)
            path = selector.set_params(random_state=seed).fit(X[train], y[train]).path_
            for size in SIZES:
                support = path.support(size)
                error = test_error(X, y, train, test, support, seed)
                found[size].append((functions(support), error))
        for size, results in found.items():
            sets, errors = zip(*results, strict=True)
            commonest, count = Counter(sets).most_common(1)[0]
            yield {
                "selector": name,
                "functions": size,
                "commonest set": commonest,
                "seeds": n_seeds,
                "seeds with it": count,
                "mean error": np.mean(errors),
                "lowest": min(errors),
                "highest": max(errors),
            }


def with_noise(X, rng):
    """Ten columns more, of noise like ten of the real ones."""
    atoms = X.values.reshape(-1, X.n_features)
    like = rng.choice(X.n_features, 10, replace=False)
    shape = (*X.values.shape[:2], 10)
    noise = np.abs(rng.normal(atoms.mean(axis=0)[like], atoms.std(axis=0)[like], size=shape))
    return as_atomic_features(np.concatenate([X.values, noise], axis=-1))


def run_noise(n_seeds):
    """How many columns of noise are among 10, seed by seed, for each method."""
    X, y = load()
    methods = {
        "AGL": lambda seed: AdaptiveGroupLassoSelector(n_features_to_select=10, random_state=seed),
        "AGL, Wald metric": lambda seed: AdaptiveGroupLassoSelector(
            n_features_to_select=10, metric="wald", random_state=seed
        ),
        "Wald": lambda seed: WaldSelector(10, random_state=seed),
        "CUR": lambda seed: CURSelector(10),
        "Pearson": lambda seed: PearsonSelector(10),
    }
    counts = {name: [] for name in methods}
    for seed in range(n_seeds):
        noisy = with_noise(X, np.random.default_rng(seed))
        train, _ = split(X, seed)
        for name, make in methods.items():
            support = make(seed).fit(noisy[train], y[train]).get_support()
            counts[name].append(int(support[X.n_features :].sum()))
            print(f"seed {seed}, {name}: {counts[name][-1]} of noise", flush=True)
    for name, row in counts.items():
        yield {"selector": name, "columns of noise among 10, seed by seed": row}


def run_elimination(n_seeds, first_seed, data):
    """Sets and test errors of sequential backward elimination, and of the path, row by row."""
    X, y = load_file(data) if data else load()
    for seed in range(first_seed, first_seed + n_seeds):
        train, test = split(X, seed)
        start = time.perf_counter()
        selector = AdaptiveGroupLassoSelector(n_features_to_select=min(SIZES), random_state=seed)
        path = selector.fit(X[train], y[train]).path_
        whole_path, spent, left = time.perf_counter() - start, 0.0, np.arange(X.n_features)
        while len(left) > min(SIZES):
            start = time.perf_counter()
            left = np.setdiff1d(left, _least_needed(X[train], y[train], left, seed))
            spent += time.perf_counter() - start
            if len(left) <= 15:
                row = {"seed": seed, "functions": len(left)}
                for name, columns in (("elimination", left), ("path", path.support(len(left)))):
                    row[name] = _mean_error(X, y, train, test, columns)
                    row[f"{name}, columns"] = np.arange(1, X.n_features + 1)[columns]
                yield row
        yield {"seed": seed, "functions": "seconds", "elimination": spent, "path": whole_path}


def run_few(n_seeds, n_structures, data, symmetry_functions):
    """The errors of sets found with few structures, means over the seeds, row by row."""
    X, y = load_file(data, symmetry_functions) if data else load()
    found = {}
    for seed in range(n_seeds):
        rows = np.random.default_rng(seed).permutation(len(X))
        parts = rows[:n_structures], rows[n_structures:]
        every = np.arange(X.n_features)
        found.setdefault("all", []).append([_mean_error(X, y, *parts, every)])
        for name, reweight in (("AGL", None), ("AGL as published", 0.0)):
            selector = AdaptiveGroupLassoSelector(
                n_features_to_select=min(SIZES), reweight=reweight, random_state=seed
            )
            path = selector.fit(X[parts[0]], y[parts[0]]).path_
            errors = [_mean_error(X, y, *parts, path.support(size)) for size in FEW_SIZES]
            found.setdefault(name, []).append(errors)
            print(f"seed {seed}, {name}: {np.round(errors, 2)}", flush=True)
    for name, errors in found.items():
        sizes = [X.n_features] if name == "all" else FEW_SIZES
        for size, error in zip(sizes, np.mean(errors, axis=0), strict=True):
            yield {"selector": name, "functions": size, "mean error": error}


def _mean_error(X, y, train, test, columns):
    """Mean test error of three trainings."""
    return np.mean([test_error(X, y, train, test, columns, seed) for seed in range(3)])


def _least_needed(X, y, left, seed):
    """The feature without which the error on held-out structures is lowest."""
    errors = []
    for column in left:
        others = np.setdiff1d(left, column)
        model = HDNNPRegressor(random_state=seed).fit(X.take_features(others), y)
        errors.append(model.validation_rmse_)
    return left[int(np.argmin(errors))]


def main():
    """Parse the arguments and run one part."""
    parts = {
        "sets": ("How stable the sets are", run_sets, []),
        "noise": ("Noise among the functions", run_noise, []),
        "elimination": ("Beside elimination", run_elimination, ["first_seed", "data"]),
        "few": ("Few structures", run_few, ["n_structures", "data", "symmetry_functions"]),
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=parts)
    parser.add_argument("--n-seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0, help="for elimination")
    parser.add_argument("--data", help="structures of silicon or others, for elimination and few")
    parser.add_argument("--n-structures", type=int, default=225, help="to train on, for few")
    parser.add_argument("--symmetry-functions", default="directional-60", help="a preset, for few")
    arguments, record = parse(parser, ALL)
    title, run, options = parts[arguments.part]
    with record:
        for row in run(**{name: getattr(arguments, name) for name in ["n_seeds", *options]}):
            record.add(title, **row)


if __name__ == "__main__":
    main()
