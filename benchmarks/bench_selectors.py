"""CUR and farthest point sampling beside scikit-matter's, in time and in what they choose.

Run on an otherwise idle machine::

    python benchmarks/bench_selectors.py

Both work on the same table of 10,000 rows and 500 columns in one process; ours scale it, while
scikit-matter's gets it scaled. They run in turn, and the shortest times count. It says seconds of
both, by wall time and of the processor, and how many of the first choices are equal. BLAS runs on
as many threads as the environment allows for both.
"""

import argparse
import time
from functools import partial

import numpy as np
from _records import parse
from skmatter import feature_selection as peer

from sklearn_agl import CURSelector, FPSSelector, PCovCURSelector, PCovFPSSelector

METHODS = ["FPS", "PCov-FPS", "CUR", "PCov-CUR"]


def make_table(n_rows, n_columns, seed=0):
    """Columns that share some directions, and a target that depends on a few of them."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(n_columns // 8, n_columns))
    X = rng.normal(size=(n_rows, len(mixing))) @ mixing + rng.normal(size=(n_rows, n_columns))
    y = X[:, :5].sum(axis=1) + rng.normal(size=n_rows)
    return X, y


def standardise(X, y):
    """What scikit-matter is given: features of variance 1 in sum, targets of variance 1."""
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return X / np.sqrt(X.shape[1]), (y - y.mean()) / y.std()


def in_turn(calls, repeats):
    """Shortest time of each of some calls, made in turn, and what each returns last.

    The rows of the times are wall time and processor time; other work on the machine changes the
    latter less.
    """
    seconds, results = np.full((2, len(calls)), np.inf), [None] * len(calls)
    for _ in range(repeats):
        for i, call in enumerate(calls):
            start = time.perf_counter(), time.process_time()
            results[i] = call()
            spent = np.subtract((time.perf_counter(), time.process_time()), start)
            seconds[:, i] = np.minimum(seconds[:, i], spent)
    return seconds, results


def count_equal(ours, theirs):
    """How many choices are equal before the first that is not."""
    differ = np.flatnonzero(ours != theirs)
    return differ[0] if differ.size else len(ours)


def main():
    """Parse the arguments and run all methods."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--columns", type=int, default=500)
    parser.add_argument("--select", type=int, default=250)
    parser.add_argument(
        "--select-pcov-cur", type=int, default=50, help="fewer: scikit-matter takes a second each"
    )
    parser.add_argument("--repeats", type=int, default=7, help="runs of the fast methods")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    arguments, record = parse(parser, ["sklearn_agl/selection/filters"])
    X, y = make_table(arguments.rows, arguments.columns)
    rows, target = standardise(X, y)
    n, n_pcov_cur = arguments.select, arguments.select_pcov_cur
    pairs = [
        ("FPS", FPSSelector(n), peer.FPS(n_to_select=n), arguments.repeats),
        ("PCov-FPS", PCovFPSSelector(n), peer.PCovFPS(n_to_select=n), arguments.repeats),
        ("CUR", CURSelector(n), peer.CUR(n_to_select=n), 1),
        ("PCov-CUR", PCovCURSelector(n_pcov_cur), peer.PCovCUR(n_to_select=n_pcov_cur), 1),
    ]
    CURSelector(2).fit(X[:100])
    with record:
        for name, ours, theirs, repeats in pairs:
            if name not in arguments.methods:
                continue
            calls = [partial(theirs.fit, rows, target), partial(ours.fit, X, y)]
            seconds, (expected, fitted) = in_turn(calls, repeats)
            row = {
                "method": name,
                "picks": fitted.n_features_,
                "equal picks": count_equal(fitted.selected_order_, expected.selected_idx_),
            }
            for clock, (reference, own) in zip(("wall", "processor"), seconds, strict=True):
                row |= {f"scikit-matter, {clock} s": reference, f"ours, {clock} s": own}
            record.add("Seconds", **row)


if __name__ == "__main__":
    main()
