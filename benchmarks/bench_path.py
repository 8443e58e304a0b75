"""Time, memory and accuracy of the whole path, from a demonstration to the scale of the paper.

Run on two cores of an otherwise idle machine, one part at a time::

    python benchmarks/bench_path.py lj
    python benchmarks/bench_path.py scale
    python benchmarks/bench_path.py al --data Al_aimd300K.extxyz
    python benchmarks/bench_path.py adamw

- lj: 1,200 Lennard-Jones structures, 22 functions: training, path and refits;
- scale: 28,000 structures of 256 atoms, their features in a memory map;
- al: 329 functions of 3,000 structures of aluminium, which `info["segment"]` divides into parts for
  training and for testing;
- adamw: time to the same objective for our filter and for the published protocol.

Each has one row.
"""

import argparse
import resource
import tempfile
import time

import ase.io
import numpy as np
from _common import fit_and_test, without_labels
from _records import ALL, parse
from sklearn.model_selection import train_test_split
from skorch.callbacks import Callback

from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer, group_lasso_path
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.selection import sandberg2024_selector


def timed(call):
    """Seconds, and what `call` returns."""
    start = time.perf_counter()
    result = call()
    return round(time.perf_counter() - start, 1), result


def peak():
    """Highest resident memory of this process so far, in GiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


def warm_up(X, y):
    """Load the compiled code, which is no part of training."""
    HDNNPRegressor(max_epochs=1, alpha=1e-3).fit(X[:40], y[:40])


def report_path(train, test):
    """Run path and refits, and judge the set it proposes on the test structures."""

    def run(refit):
        return group_lasso_path(*train, refit=refit, n_jobs=2, random_state=0, verbose=1)

    alone, _ = timed(lambda: run(refit=False))
    seconds, path = timed(lambda: run(refit=True))
    report = {"path_s": alone, "path_and_refits_s": seconds}
    report |= {"points": len(path), "peak_GiB": peak()}
    best = path.supports[path.best()]
    error, _ = fit_and_test(train, test, best)
    return report | {"chosen": int(best.sum()), "chosen_test_rmse": error}


def lennard_jones(arguments):
    """Part (a): the demonstration."""
    structures, y = make_lennard_jones(1500, random_state=0, n_jobs=2)
    X = SymmetryFunctionTransformer("lj-22", n_jobs=2).fit_transform(without_labels(structures))
    warm_up(X, y)
    parts = train_test_split(np.arange(len(X)), test_size=0.2, random_state=0)
    train, test = [(X[rows], y[rows]) for rows in parts]
    error, seconds = fit_and_test(train, test, np.arange(X.n_features))
    report = {"training_s": seconds, "all_test_rmse": error}
    return report | report_path(train, test)


def at_scale(arguments):
    """Part (b): the paper's number of structures, features on disk."""
    seconds, (structures, y) = timed(
        lambda: make_lennard_jones(
            arguments.n_structures, sampling_interval=25, random_state=0, n_jobs=2
        )
    )
    report = {"dynamics_s": seconds}
    # Divided before their features are computed: rows picked from a table are copied into memory.
    *structures, y, y_test = train_test_split(structures, y, test_size=0.1, random_state=0)
    with tempfile.TemporaryDirectory() as folder:
        transformer = SymmetryFunctionTransformer("lj-22", n_jobs=2, memmap_folder=folder)
        seconds, features = timed(
            lambda: [transformer.fit_transform(without_labels(part)) for part in structures]
        )
        report |= {"features_s": seconds, "features_peak_GiB": peak()}
        train, test = zip(features, (y, y_test), strict=True)
        warm_up(*test)
        return report | report_path(train, test)


def aluminium(arguments):
    """Part (c): 329 functions; consecutive frames of one trajectory never sit on both sides."""
    structures = ase.io.read(arguments.data, ":")
    y = np.array([atoms.get_potential_energy() for atoms in structures])
    segments = np.array([atoms.info["segment"] for atoms in structures])
    report = {}
    transformer = SymmetryFunctionTransformer("al-329", n_jobs=2)
    report["features_s"], X = timed(lambda: transformer.fit_transform(without_labels(structures)))
    warm_up(X, y)
    parts = [np.flatnonzero((segments == "last1000") == last) for last in (False, True)]
    train, test = [(X[rows], y[rows]) for rows in parts]
    error, seconds = fit_and_test(train, test, np.arange(X.n_features))
    report |= {"training_s": seconds, "all_test_rmse": error}
    return report | report_path(train, test)


class Recorder(Callback):
    """Notes the objective over the training structures after each epoch, and the time until then.

    The time that this takes does not count.
    """

    def on_train_begin(self, net, **kwargs):
        """Start the clock."""
        self.rows_ = []
        self._start = time.perf_counter()

    def on_epoch_end(self, net, dataset_train=None, **kwargs):
        """Stop it for a moment."""
        now = time.perf_counter()
        weights, rows = net.module_.get_weights(), dataset_train.rows
        errors = net.observations.errors(net.module_, weights, rows)
        objective = np.mean(errors**2) + net.penalty.value(weights)
        self.rows_.append((now - self._start, objective))
        self._start += time.perf_counter() - now


def follow_fit(X, y, **settings):
    """Seconds and objective after each epoch of a fit, (n_epochs, 2)."""
    recorder = ("recorder", Recorder())
    callbacks = [recorder, *settings.pop("callbacks", [])]
    model = HDNNPRegressor(callbacks=callbacks, random_state=0, **settings).fit(X, y)
    return np.array(dict(model.net_.callbacks_)["recorder"].rows_)


def beside_adamw(arguments):
    """Part (d): the first fit of the published protocol, beside ours of the same objective."""
    structures, y = make_lennard_jones(1500, random_state=0, n_jobs=2)
    X = SymmetryFunctionTransformer("lj-22", n_jobs=2).fit_transform(structures)[:1200].compute()
    y = y[:1200]
    warm_up(X, y)
    published = sandberg2024_selector(max_epochs=arguments.max_epochs).estimator.get_params()
    names = ("solver", "max_epochs", "callbacks", "net_params")
    settings = {name: published[name] for name in names} | {"alpha": arguments.alpha}
    # To the end: the restarts of its schedule would look like no improvement.
    curve = follow_fit(X, y, n_iter_no_change=arguments.max_epochs, **settings)
    lowest = curve[:, 1].min()
    report = {"adamw_objective": lowest, "adamw_s": curve[curve[:, 1].argmin(), 0]}
    report |= {"adamw_epochs": len(curve), "adamw_total_s": curve[-1, 0]}
    for solver in ("kalman", "lm"):
        curve = follow_fit(X, y, alpha=arguments.alpha, solver=solver)
        there = np.flatnonzero(curve[:, 1] <= lowest)
        report[f"{solver}_objective"] = curve[:, 1].min()
        report[f"{solver}_total_s"] = curve[-1, 0]
        if len(there):
            report[f"{solver}_s_to_the_same"] = curve[there[0], 0]
    return report


def main():
    """Parse the arguments and run one part."""
    parts = {"lj": lennard_jones, "scale": at_scale, "al": aluminium, "adamw": beside_adamw}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=parts)
    parser.add_argument("--data", help="structures of aluminium, any format that ASE reads")
    parser.add_argument("--n-structures", type=int, default=28_000, help="for the part at scale")
    parser.add_argument("--alpha", type=float, default=1e-3, help="for the part with AdamW")
    parser.add_argument("--max-epochs", type=int, default=1000, help="for the part with AdamW")
    arguments, record = parse(parser, ALL)
    with record:
        record.add("Figures", **parts[arguments.part](arguments))


if __name__ == "__main__":
    main()
