"""CUR and farthest point sampling beside scikit-matter's, in time and in what they choose.

Run on an otherwise idle machine::

    python benchmarks/bench_selectors.py

Both work on the same table of 10,000 rows and 500 columns in one process; ours scale it, while
scikit-matter's gets it scaled. It prints a table: seconds of both, their ratio, and how many of
the first choices are equal. BLAS runs on as many threads as the environment allows for both.
"""

import argparse
import time

import numpy as np
from skmatter import feature_selection as peer

from sklearn_agl import CURSelector, FPSSelector, PCovCURSelector, PCovFPSSelector


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


def timed(call, repeats):
    """Shortest time of some calls, and what the last one returns."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - start)
    return min(seconds), result


def count_equal(ours, theirs):
    """How many choices are equal before the first that is not."""
    differ = np.flatnonzero(ours != theirs)
    return differ[0] if differ.size else len(ours)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--columns", type=int, default=500)
    parser.add_argument("--select", type=int, default=250)
    parser.add_argument(
        "--select-pcov-cur", type=int, default=50, help="fewer: scikit-matter takes a second each"
    )
    arguments = parser.parse_args()
    X, y = make_table(arguments.rows, arguments.columns)
    rows, target = standardise(X, y)
    n, n_pcov_cur = arguments.select, arguments.select_pcov_cur
    pairs = [
        ("FPS", FPSSelector(n), peer.FPS(n_to_select=n), 3),
        ("PCov-FPS", PCovFPSSelector(n), peer.PCovFPS(n_to_select=n), 3),
        ("CUR", CURSelector(n), peer.CUR(n_to_select=n), 1),
        ("PCov-CUR", PCovCURSelector(n_pcov_cur), peer.PCovCUR(n_to_select=n_pcov_cur), 1),
    ]
    CURSelector(2).fit(X[:100])
    print("| method | selected | scikit-matter, s | ours, s | ratio | equal choices |")
    print("|---|---|---|---|---|---|")
    for name, ours, theirs, repeats in pairs:
        seconds, fitted = timed(lambda one=ours: one.fit(X, y), 3)
        reference, expected = timed(lambda one=theirs: one.fit(rows.copy(), target), repeats)
        equal = count_equal(fitted.selected_order_, expected.selected_idx_)
        print(
            f"| {name} | {fitted.n_features_} | {reference:.2f} | {seconds:.3f} "
            f"| {reference / seconds:.0f} | {equal} of {fitted.n_features_} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
