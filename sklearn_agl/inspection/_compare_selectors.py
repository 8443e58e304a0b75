"""Selectors side by side, over data sets, splits and numbers of features."""

import copy
import warnings
from numbers import Integral
from os import PathLike

import numpy as np
from joblib import delayed
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ShuffleSplit, check_cv

from sklearn_agl._sklearn import HasMethods, validate_params
from sklearn_agl.descriptors import measure_set_costs
from sklearn_agl.inspection._comparison_cell import SIZE_PARAMETERS, Cell, size_parameter
from sklearn_agl.inspection._comparison_data import check_data
from sklearn_agl.inspection._comparison_store import open_store
from sklearn_agl.inspection._interrupts import Interrupts
from sklearn_agl.potentials import HDNNPRegressor
from sklearn_agl.selection.runs._parallel import as_they_end
from sklearn_agl.selection.runs._runner import TimeLeft

N_REPEATS = 5
TEST_SIZE = 0.2
"""Number of the splits, and the part of the structures that each has for testing."""


@validate_params(
    {
        "selectors": [dict],
        "data": [dict],
        "n_features_to_select": [Integral, "array-like"],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "cv": ["cv_object"],
        "n_jobs": [Integral, None],
        "checkpoint": [str, PathLike, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def compare_selectors(
    selectors,
    data,
    n_features_to_select,
    *,
    estimator=None,
    cv=None,
    n_jobs=None,
    checkpoint=None,
    verbose=0,
    random_state=None,
):
    """Judge selectors by potentials on the features that they choose.

    On the training part of each split of each data set, every selector chooses sets of all the
    sizes; a new potential is trained on each set, and its error is taken on the test part, which
    took no part in either.

    Parameters
    ----------
    selectors : dict of str to selector
        Selectors by name: any of this package, or on 2-D tables of scikit-learn. The first of
        the parameters `n_features_to_select`, `max_features` and `k` that it has says how many
        features a selector keeps. A ``SelectFromModel`` needs ``threshold=-np.inf``, else it may
        keep fewer.
    data : dict of str to tuple
        ``(X, y)`` or ``(X, y, groups)`` by name: features as AtomicFeatures or an array of shape
        (n_structures, [n_atoms_max,] n_features), total energies (None for those that the
        structures carry), and groups for the splitter. Selectors and estimator train on the forces
        that the structures carry, too, unless they are told otherwise, see `HDNNPRegressor`.
    n_features_to_select : int or array-like of int
        Sizes of the sets.
    estimator : regressor, default=None
        Is trained on each set; by default ``HDNNPRegressor()``.
    cv : int, splitter or iterable, default=None
        Splits, as in scikit-learn; by default five random ones with a fifth of the structures for
        testing. To repeat one split with other random weights, give a list that has it several
        times. A splitter without a random state gets that of the comparison.
    n_jobs : int, default=None
        Threads: each takes one selector on one split at a time. Seconds are those of the clock on
        the wall, so that they count for something only with one thread.
    checkpoint : str or path-like, default=None
        A folder that keeps each finished selection and each finished refit. The same call goes on
        from there, whatever has ended the last one, and gives the same table; a call with more
        selectors, splits, sizes or data sets computes what is missing.
    verbose : int, default=0
        1 prints a line for each selector and split, with an estimate of the time left.
    random_state : int, RandomState or None, default=None
        Draws the splits, and one random state per split, which all selectors and all refits on it
        get. Where it is None, a comparison that goes on keeps its first one.

    Returns
    -------
    pandas.DataFrame
        A row for each data set, selector, size and split, with the columns

        - `data_set`, `selector`, `n_features` (the size), `repeat` (the number of the split);
        - `seed`, `n_train`, `n_test`, `n_features_in`: random state, structures for training and
          testing, features there are;
        - `n_selected`, `features`, `feature_names`: how many were kept, which columns, counted from
          0, and their names. They are as many as the size, unless the selector found no more;
        - `angular_share`: the part of them that are angular functions, NaN where `X` does not know;
        - `test_rmse`, `train_rmse`: errors per atom of the potential on the set, in units of `y`;
        - `refit_time`, `select_time`: seconds of training it, and of the fit of the selector that
          gave the set;
        - `sizes_per_fit`: how many rows share that fit. 1 unless the selector passes the larger
          sets on its way to the smallest one (a path or an elimination);
        - `cost`: microseconds per atom and step of molecular dynamics that the set takes, see
          `measure_set_costs`; NaN where `X` knows no symmetry functions or structures, and
          after Ctrl-C.

        After Ctrl-C, the rows of what was done.

    Raises
    ------
    ImportError
        If pandas is not installed.
    ValueError
        If a data set is unsound, a size is not between 1 and the number of features, a selector has
        no parameter for it or selects nothing, or `checkpoint` cannot be written to, is damaged or
        holds a comparison with another random state.

    Warns
    -----
    ConvergenceWarning
        After Ctrl-C.

    See Also
    --------
    compare_pairs : Tests whether two of them differ.
    selection_stability : How much the sets of the splits have in common.
    SelectorComparisonDisplay : Draws the errors.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from sklearn.feature_selection import SelectKBest, r_regression
    >>> from sklearn_agl import WaldSelector
    >>> from sklearn_agl.inspection import compare_selectors
    >>> table = compare_selectors(
    ...     {"Wald": WaldSelector(), "correlation": SelectKBest(r_regression)},
    ...     {"Friedman": make_friedman1(500, 8, random_state=0)},
    ...     n_features_to_select=[5, 6],
    ...     cv=2,
    ...     random_state=0,
    ... )
    >>> table.groupby("selector").size().to_dict()
    {'Wald': 4, 'correlation': 4}
    >>> table.loc[(table["selector"] == "Wald") & (table["n_features"] == 5), "features"].tolist()
    [(0, 1, 2, 3, 4), (0, 1, 2, 3, 4)]
    """
    pandas = _import_pandas()
    data_sets = check_data(data)
    sizes = _check_sizes(n_features_to_select, data_sets)
    _check_selectors(selectors)
    store = open_store(checkpoint, random_state)
    estimator = HDNNPRegressor() if estimator is None else clone(estimator)
    cells = [
        Cell(data_set, name, selector, estimator, sizes, repeat, seed, train, test)
        for data_set in data_sets
        for repeat, seed, train, test in _splits(cv, data_set, store.seed)
        for name, selector in selectors.items()
    ]
    rows, is_complete = _run(cells, store, n_jobs, verbose)
    table = pandas.DataFrame(rows)
    table["cost"] = _costs(table, data_sets, store) if is_complete else np.nan
    return _in_order(table, selectors, data_sets)


def _import_pandas():
    try:
        import pandas
    except ImportError as error:
        raise ImportError("compare_selectors needs pandas: pip install pandas") from error
    return pandas


def _check_sizes(n_features_to_select, data_sets):
    sizes = np.unique(n_features_to_select)
    if not sizes.size or sizes.dtype.kind not in "iu":
        raise ValueError(f"n_features_to_select must be whole numbers, got {n_features_to_select}.")
    for data_set in data_sets:
        if sizes[0] < 1 or sizes[-1] > data_set.n_features:
            bad = sizes[0] if sizes[0] < 1 else sizes[-1]
            raise ValueError(
                f"n_features_to_select has {bad}, but data set {data_set.name!r} allows numbers "
                f"from 1 to {data_set.n_features}."
            )
    return tuple(sizes.tolist())


def _check_selectors(selectors):
    if not selectors:
        raise ValueError("selectors is empty; give at least one, as {name: selector}.")
    for name, selector in selectors.items():
        if isinstance(selector, type):
            raise ValueError(f"selectors[{name!r}] is a class; give {selector.__name__}().")
        if not hasattr(selector, "get_params") or size_parameter(selector) is None:
            raise ValueError(
                f"selectors[{name!r}], a {type(selector).__name__}, has none of the parameters "
                f"{', '.join(SIZE_PARAMETERS)}, so that it cannot be asked for a number of "
                "features."
            )


def _splits(cv, data_set, seed):
    """Number, random state, and structures for training and testing of each split."""
    if cv is None:
        cv = ShuffleSplit(N_REPEATS, test_size=TEST_SIZE, random_state=seed)
    else:
        cv = copy.copy(check_cv(cv))
        if getattr(cv, "random_state", seed) is None:
            cv.random_state = seed
    splits = list(cv.split(data_set.X, data_set.y, data_set.groups))
    seeds = np.random.RandomState(seed).randint(np.iinfo(np.int32).max, size=len(splits))
    rows = np.arange(len(data_set.y))
    for repeat, (own, (train, test)) in enumerate(zip(seeds.tolist(), splits, strict=True)):
        yield repeat, own, rows[train], rows[test]


def _run(cells, store, n_jobs, verbose):
    """Rows of all cells in any order, or after Ctrl-C of those that are done, and whether all."""
    rows, time_left = [], TimeLeft(len(cells))
    with Interrupts() as interrupts:
        calls = (delayed(_run_cell)(cell, store, interrupts) for cell in cells)
        try:
            for n_done, (name, found) in enumerate(as_they_end(calls, n_jobs), 1):
                rows += found
                if verbose:
                    _print_progress(n_done, len(cells), name, found, time_left)
        except KeyboardInterrupt:
            if not rows:
                raise
            warnings.warn(
                f"Interrupted: the table has the rows of {len({_key(row) for row in rows})} of "
                f"{len(cells)} selectors and splits.",
                ConvergenceWarning,
                stacklevel=3,
            )
            return rows, False
    return rows, True


def _run_cell(cell, store, interrupts):
    return str(cell), cell.run(store, interrupts)


def _key(row):
    return row["data_set"], row["selector"], row["repeat"]


def _print_progress(n_done, n_cells, name, found, time_left):
    errors = "  ".join(f"{row['n_features']}: {row['test_rmse']:.3e}" for row in found)
    print(
        f"{n_done:4d} of {n_cells}   {name}   test RMSE {errors}{time_left(n_cells - n_done)}",
        flush=True,
    )


def _costs(table, data_sets, store):
    """Cost of the set in each row."""
    costs = np.full(len(table), np.nan)
    for data_set in data_sets:
        if data_set.can_be_timed:
            own = table["data_set"] == data_set.name
            cost_of = _measure(data_set, sorted(set(table.loc[own, "features"])), store)
            costs[own] = table.loc[own, "features"].map(cost_of)
    return costs


def _measure(data_set, sets, store):
    """The cost of each set, all measured in one go, or what the store has."""
    identity = {"part": "cost", "data": data_set.identity, "sets": sets}
    identity["functions"] = data_set.feature_names.tolist()
    found = store.recall(identity)
    if found is None:
        X = data_set.X
        found = {"cost": measure_set_costs(X.symmetry_functions, X.structures, sets).tolist()}
        found = store.keep(identity, found)
    return dict(zip(sets, found["cost"], strict=True))


def _in_order(table, selectors, data_sets):
    """Rows in the order of the arguments, whichever came first."""
    places = {
        "data_set": {data_set.name: place for place, data_set in enumerate(data_sets)},
        "selector": {name: place for place, name in enumerate(selectors)},
    }
    return table.sort_values(
        ["data_set", "selector", "n_features", "repeat"],
        key=lambda column: column.map(places.get(column.name, lambda value: value)),
        kind="stable",
        ignore_index=True,
    )
