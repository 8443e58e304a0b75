"""Our LassoNet against the package `lassonet`, in one process and on one thread.

Both walk from all features to at most one, with the same ReLU networks and otherwise their own
defaults. Tables: scikit-learn's diabetes and Friedman's first problem (1,000 rows, 20 columns, 5 of
them used), and 10,000 rows of 50 columns, 6 of which are used. The sets are judged by a new
potential without penalty on the rows that were left for the test. Run with::

    OMP_NUM_THREADS=1 python benchmarks/bench_lassonet.py
"""

import argparse
import time
import warnings

import numpy as np
import torch
from _common import train_and_test
from _records import SELECTION, parse
from lassonet import LassoNetRegressor
from scipy.stats import spearmanr
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.model_selection import train_test_split

from sklearn_agl import LassoNetSelector
from sklearn_agl.features import as_atomic_features

HIDDEN = (10, 10)
USED = [3, 11, 19, 27, 35, 43]


def planted():
    """Six of fifty columns make up the target."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(10_000, 50))
    a, b, c, d, e, f = X[:, USED].T
    noise = 0.3 * rng.normal(size=len(X))
    return X, np.sin(2 * a) + b + 0.7 * c**2 + np.tanh(2 * d) + e * f + noise


TABLES = {
    "diabetes": (lambda: load_diabetes(return_X_y=True), (8, 5, 3)),
    "friedman": (lambda: make_friedman1(1000, 20, noise=1.0, random_state=0), (8, 5, 4)),
    "planted": (planted, (12, 6, 4)),
}
"""For each table, how it is made, and the sizes of the sets that are judged."""


def by_ours(X, y, seed):
    """Columns, the one that stayed longest first."""
    selector = LassoNetSelector(1, hidden_layer_sizes=HIDDEN, activation="relu", random_state=seed)
    return np.argsort(selector.fit(X, y).ranking_, kind="stable")


def by_lassonet(X, y, seed):
    """Columns, the one that stayed longest first."""
    model = LassoNetRegressor(
        hidden_dims=HIDDEN, torch_seed=seed, random_state=seed, verbose=0, device="cpu"
    )
    scaled = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    model.path(*(part.astype(np.float32) for part in scaled))
    return np.argsort(-model.feature_importances_.numpy(), kind="stable")


def timed(method, *arguments):
    """What a method returns, and its seconds of the processor."""
    start = time.process_time()
    result = method(*arguments)
    return result, time.process_time() - start


def places(order):
    """The place of each column in an order of columns."""
    return np.argsort(order)


def run_table(name, seed):
    """One row of the results."""
    make, sizes = TABLES[name]
    X, y = make()
    train, test = train_test_split(np.arange(len(X)), test_size=0.2, random_state=seed)
    ours, our_seconds = timed(by_ours, X[train], y[train], seed)
    theirs, their_seconds = timed(by_lassonet, X[train], y[train], seed)
    correlation = spearmanr(places(ours), places(theirs)).statistic
    row = {
        "table": name,
        "seed": seed,
        "ours, s": our_seconds,
        "lassonet, s": their_seconds,
        "rank correlation": correlation,
    }
    features = as_atomic_features(X)
    for size, place in zip(sizes, ("many", "some", "few"), strict=True):
        errors = [
            train_and_test(features, y, train, test, order[:size], seed)[0] / y[test].std()
            for order in (ours, theirs)
        ]
        row[f"{place} features"] = size
        row |= {f"{place}, ours": errors[0], f"{place}, lassonet": errors[1]}
    return row


def main():
    """Parse the arguments, compile, run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--n-seeds", type=int, default=2)
    arguments, record = parse(parser, SELECTION)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    by_ours(*TABLES["diabetes"][0](), 0)
    with record:
        for name in arguments.tables:
            for seed in range(arguments.n_seeds):
                record.add("Whole paths", **run_table(name, seed))


if __name__ == "__main__":
    main()
