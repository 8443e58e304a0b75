"""The experiments of the paper, and tables of scikit-learn, with `compare_selectors`.

One at a time, with one BLAS thread::

    OMP_NUM_THREADS=1 python benchmarks/compare_selectors.py lj
    OMP_NUM_THREADS=1 python benchmarks/compare_selectors.py noise
    OMP_NUM_THREADS=1 python benchmarks/compare_selectors.py cur
    OMP_NUM_THREADS=1 python benchmarks/compare_selectors.py al --data Al_aimd300K.extxyz
    OMP_NUM_THREADS=1 python benchmarks/compare_selectors.py al-329 --data Al_aimd300K.extxyz
    OMP_NUM_THREADS=1 python benchmarks/compare_selectors.py si --data Si.extxyz
    OMP_NUM_THREADS=1 python benchmarks/compare_selectors.py si-directional --data Si.extxyz
    OMP_NUM_THREADS=1 python benchmarks/compare_selectors.py li-al --data LiAl.extxyz
    OMP_NUM_THREADS=1 python benchmarks/compare_selectors.py tables

- lj: Lennard-Jones and table SII's 22 functions (figure 2, table SV);
- noise: ten columns of noise are added, absolute values of Gaussians with the means and deviations
  of real columns (figure 9), anew for each seed;
- cur: functions 7 and 8 are added to the sets of CUR (section III.A);
- al, al-329: aluminium, the 22 functions of table SIII and the 329 of the thesis;
  `info["segment"]` divides the frames into parts for training and for testing, so that a seed
  draws the weights only;
- si, si-directional: silicon, the 60 functions of table SIV and 60 others by rule;
- li-al: two elements, 108 functions; structures of one `info["set"]` and `info["label"]`, such as
  frames of one trajectory, stay on one side;
- tables: diabetes, digits (the number as a quantity) and Friedman's problems, beside selectors of
  scikit-learn; errors in units of the target's standard deviation.

A seed draws the split and all weights. The record has errors and times, how stable the sets are,
and tests against the adaptive group lasso. ``--quick`` takes a few structures and two seeds.
"""

import argparse
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from _common import read_structures, without_labels
from _records import ALL, parse
from bench_quality import split, with_noise
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import (
    load_diabetes,
    load_digits,
    make_friedman1,
    make_friedman2,
    make_friedman3,
)
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_selection import (
    RFE,
    SelectFromModel,
    SelectKBest,
    SelectorMixin,
    mutual_info_regression,
)
from sklearn.linear_model import LassoCV, LinearRegression
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    CURSelector,
    LassoNetSelector,
    PearsonSelector,
    RandomSelector,
    SymmetryFunctionTransformer,
    WaldSelector,
)
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.inspection import compare_pairs, compare_selectors, selection_stability

MILLI = 1e3
QUICK = {"lj": 150, "file": 20}
"""With --quick: Lennard-Jones structures in all, and one of how many of a file is taken."""

REFERENCE = "AGL"
KEYS = ["data_set", "n_features", "selector"]


class WithColumns(SelectorMixin, BaseEstimator):
    """A selector to whose set some columns are added."""

    def __init__(self, selector, columns, n_features_to_select=None):
        self.selector = selector
        self.columns = columns
        self.n_features_to_select = n_features_to_select

    def fit(self, X, y):
        """Fit the selector for the number of features, then add the columns."""
        inner = clone(self.selector).set_params(n_features_to_select=self.n_features_to_select)
        self.support_ = inner.fit(X, y).get_support().copy()
        self.support_[list(self.columns)] = True
        return self

    def _get_support_mask(self):
        return self.support_


def filters_and_networks():
    """Selectors that the paper compares, and ours."""
    return {
        REFERENCE: AdaptiveGroupLassoSelector(),
        "AGL as published": AdaptiveGroupLassoSelector(reweight=0),
        "Wald": WaldSelector(),
        "CUR": CURSelector(),
        "Pearson": PearsonSelector(),
    }


def table_selectors():
    """AGL beside what scikit-learn's users have."""
    scaled = {
        "lasso": make_pipeline(StandardScaler(), LassoCV()),
        "linear": make_pipeline(StandardScaler(), LinearRegression()),
    }
    coefficients = "named_steps.{}.coef_".format
    return {
        REFERENCE: AdaptiveGroupLassoSelector(),
        "Wald": WaldSelector(),
        "LassoNet": LassoNetSelector(),
        "Lasso": SelectFromModel(
            scaled["lasso"], threshold=-np.inf, importance_getter=coefficients("lassocv")
        ),
        "RFE, linear": RFE(scaled["linear"], importance_getter=coefficients("linearregression")),
        "RFE, forest": RFE(RandomForestRegressor(50)),
        "mutual information": SelectKBest(partial(mutual_info_regression, random_state=0)),
        "random": RandomSelector(),
    }


def compare(selectors, data, sizes, arguments, cv, folder=""):
    """All selectors, and all features."""
    options = {
        "cv": cv,
        "n_jobs": arguments.n_jobs,
        "verbose": arguments.verbose,
        "random_state": 0,
        "checkpoint": arguments.checkpoint and Path(arguments.checkpoint) / folder,
    }
    chosen = arguments.selectors or selectors
    selectors = {name: selectors[name] for name in selectors if name in chosen}
    (X, *_) = next(iter(data.values()))
    whole = compare_selectors({"all": RandomSelector()}, data, X.shape[-1], **options)
    return pd.concat([whole, compare_selectors(selectors, data, sizes, **options)])


def random_splits(arguments):
    """As many as there are seeds, a fifth of the structures for testing."""
    return ShuffleSplit(arguments.n_seeds, test_size=0.2, random_state=0)


def lennard_jones(arguments):
    """Features and energies of 1,500 structures, or of a few small ones."""
    settings = {"n_structures": 1500}
    if arguments.quick:
        settings = {"n_structures": QUICK["lj"], "n_atoms": 32, "r_cut": 1.5}
        settings |= {"temperatures": [0.6, 1.0, 1.4], "densities": [0.9, 1.1]}
    structures, y = make_lennard_jones(**settings, random_state=0, n_jobs=2)
    transformer = SymmetryFunctionTransformer("lj-22", n_jobs=2)
    return transformer.fit_transform(without_labels(structures)), y


def from_file(arguments, symmetry_functions):
    """Features, energies and the `info` of the structures of a file."""
    if arguments.data is None:
        raise SystemExit(f"{arguments.experiment} needs --data with its structures.")
    structures, y = read_structures(arguments.data, QUICK["file"] if arguments.quick else 1)
    transformer = SymmetryFunctionTransformer(symmetry_functions, n_jobs=2)
    X = transformer.fit_transform(without_labels(structures))
    return X, y, [atoms.info for atoms in structures]


def run_lj(arguments):
    """Figure 2 and table SV."""
    data = {"LJ": lennard_jones(arguments)}
    cv = random_splits(arguments)
    return compare(filters_and_networks(), data, [8, 7, 6, 5, 4], arguments, cv)


def run_noise(arguments):
    """Figure 9: the split and the noise of each seed."""
    X, y = lennard_jones(arguments)
    parts = []
    for seed in range(arguments.n_seeds):
        noisy = with_noise(X, np.random.default_rng(seed))
        data, folder = {"LJ and noise": (noisy, y)}, f"seed-{seed}"
        cv = [split(X, seed)]
        part = compare(filters_and_networks(), data, [10, 7, 5], arguments, cv, folder)
        parts.append(part.assign(repeat=seed))
    table = pd.concat(parts)
    noise = table["features"].map(lambda columns: sum(c >= X.n_features for c in columns))
    return table.assign(noise=noise)


def run_cur(arguments):
    """Section III.A; functions are counted from 1 there."""
    selectors = {
        REFERENCE: AdaptiveGroupLassoSelector(),
        "CUR": CURSelector(),
        "CUR, 7 and 8": WithColumns(CURSelector(), (6, 7)),
    }
    data = {"LJ": lennard_jones(arguments)}
    return compare(selectors, data, [9, 7, 5], arguments, random_splits(arguments))


def run_aluminium(arguments, symmetry_functions, sizes):
    """Consecutive frames of one trajectory never sit on both sides."""
    X, y, about = from_file(arguments, symmetry_functions)
    last = np.array([info["segment"] == "last1000" for info in about])
    cv = [(np.flatnonzero(~last), np.flatnonzero(last))] * arguments.n_seeds
    return compare(filters_and_networks(), {"Al": (X, y)}, sizes, arguments, cv)


def run_silicon(arguments, symmetry_functions):
    """Random splits: no two structures follow each other in time."""
    X, y, _ = from_file(arguments, symmetry_functions)
    return compare(
        filters_and_networks(), {"Si": (X, y)}, [9, 7, 5], arguments, random_splits(arguments)
    )


def run_two_elements(arguments):
    """Random splits of the series of structures.

    The set "Retrain" stays out: it holds structures of up to 2 eV/atom more, which would decide
    every fit of least squares.
    """
    X, y, about = from_file(arguments, "al-22")
    kept = np.flatnonzero([info["set"] != "Retrain" for info in about])
    X, y, about = X[kept], y[kept], [about[row] for row in kept]
    series = np.array([f"{info['set']} {info['label']}" for info in about])
    cv = GroupShuffleSplit(arguments.n_seeds, test_size=0.2, random_state=0)
    data = {"Li-Al": (X, y, series)}
    return compare(filters_and_networks(), data, [40, 20, 10], arguments, cv)


def with_columns_of_noise(X, n_columns, seed=0):
    """A table with more columns, which say nothing."""
    return np.hstack([X, np.random.default_rng(seed).uniform(size=(len(X), n_columns))])


def load_tables():
    """X, y and sizes by name; the number of used columns of Friedman's problems is 5 and 4."""
    friedman = [make(1000, noise=0.0, random_state=0) for make in (make_friedman2, make_friedman3)]
    return {
        "diabetes": (*load_diabetes(return_X_y=True), [6, 4, 3]),
        "digits": (*load_digits(return_X_y=True), [24, 16, 8]),
        "Friedman 1": (*make_friedman1(1000, 20, noise=1.0, random_state=0), [8, 5, 4]),
        "Friedman 2": (with_columns_of_noise(friedman[0][0], 16), friedman[0][1], [8, 4, 3]),
        "Friedman 3": (with_columns_of_noise(friedman[1][0], 16), friedman[1][1], [8, 4, 3]),
    }


def run_tables(arguments):
    """AGL against the selectors of scikit-learn."""
    parts = []
    for name, (X, y, sizes) in load_tables().items():
        rows = slice(None, None, 5) if arguments.quick else slice(None)
        data = {name: (X[rows], (y / y.std())[rows])}
        cv = random_splits(arguments)
        parts.append(compare(table_selectors(), data, sizes, arguments, cv, name))
    return pd.concat(parts)


def errors_of(table):
    """Errors, angular functions, seconds and costs: means over the seeds, row by row."""
    for (data, asked_for, selector), part in table.groupby(KEYS, sort=False):
        deviation = part["test_rmse"].std() if len(part) > 1 else 0.0
        row = {
            "data": data,
            "selector": selector,
            "functions": asked_for,
            "kept": part["n_selected"].mean(),
            "test RMSE": part["test_rmse"].mean(),
            "sd": deviation,
            "train RMSE": part["train_rmse"].mean(),
            "angular": part["angular_share"].mean(),
            "µs per atom and step": part["cost"].mean(),
            "selecting, s": part["select_time"].mean(),
            "sizes per fit": part["sizes_per_fit"].iloc[0],
            "refit, s": part["refit_time"].mean(),
        }
        if "noise" in part:
            row["columns of noise, seed by seed"] = part["noise"].tolist()
        yield {name: value for name, value in row.items() if value == value}  # without NaN


def stability_of(table):
    """How much the sets of the seeds have in common, row by row."""
    found = selection_stability(table[table["selector"] != "all"])
    found["commonest"] = [[c + 1 for c in columns] for columns in found["commonest"]]
    return found.to_dict("records")


def tests_of(table):
    """The adaptive group lasso against each other selector, row by row."""
    return compare_pairs(table[table["selector"] != "all"], reference=REFERENCE).to_dict("records")


TABLES = {"Errors": errors_of, "Stability": stability_of, "Tests": tests_of}
"""The last two need several seeds."""

EXPERIMENTS = {
    "lj": (run_lj, MILLI),
    "noise": (run_noise, MILLI),
    "cur": (run_cur, MILLI),
    "al": (partial(run_aluminium, symmetry_functions="al-22", sizes=[12, 7, 5]), MILLI),
    "al-329": (partial(run_aluminium, symmetry_functions="al-329", sizes=[40, 20, 10, 7]), MILLI),
    "si": (partial(run_silicon, symmetry_functions="b-60"), MILLI),
    "si-directional": (partial(run_silicon, symmetry_functions="directional-60"), MILLI),
    "li-al": (run_two_elements, MILLI),
    "tables": (run_tables, 1.0),
}
"""For each experiment, what runs it, and what its errors are multiplied by."""


def main():
    """Parse the arguments and run one experiment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("--data", help="structures with energies, any format that ASE reads")
    parser.add_argument("--n-seeds", type=int, default=5)
    parser.add_argument("--selectors", nargs="+", help="names of some; AGL must be among them")
    parser.add_argument("--n-jobs", type=int, help="times count for something with 1 only")
    parser.add_argument("--checkpoint", help="a folder that keeps what is done")
    parser.add_argument("--quick", action="store_true", help="little data, to see that it works")
    parser.add_argument("--verbose", action="store_true")
    arguments, record = parse(parser, ALL)
    if arguments.quick:
        arguments.n_seeds = min(arguments.n_seeds, 2)
    warnings.simplefilter("ignore")
    run, factor = EXPERIMENTS[arguments.experiment]
    with record:
        table = run(arguments)
        table[["test_rmse", "train_rmse"]] *= factor
        for title in list(TABLES)[: None if arguments.n_seeds > 1 else 1]:
            for row in TABLES[title](table):
                record.add(title, **row)


if __name__ == "__main__":
    main()
