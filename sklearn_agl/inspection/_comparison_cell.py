"""One selector on one split of one data set: its sets of features, and potentials on them."""

import time
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, clone

from sklearn_agl._sklearn import set_random_states
from sklearn_agl.inspection._comparison_data import DataSet
from sklearn_agl.metrics import neg_rmse_per_atom
from sklearn_agl.selection import SelectionPath
from sklearn_agl.selection.runs._checkpoint import describe, fingerprint

SIZE_PARAMETERS = ("n_features_to_select", "max_features", "k")
"""Names that selectors have for the number of features; the first one counts."""


@dataclass(frozen=True)
class Cell:
    """A selector, and what it works on.

    Attributes
    ----------
    data_set : DataSet
        Features and energies.
    name : str
        Of the selector, in the table.
    selector, estimator : BaseEstimator
        Selector and regressor, neither of them fitted.
    sizes : tuple of int
        Numbers of features, ascending.
    repeat : int
        Number of the split.
    seed : int
        Random state of selector and regressor.
    train, test : ndarray of int
        Structures.
    """

    data_set: DataSet
    name: str
    selector: BaseEstimator
    estimator: BaseEstimator
    sizes: tuple
    repeat: int
    seed: int
    train: np.ndarray
    test: np.ndarray

    def __str__(self):
        return f"{self.data_set.name}, split {self.repeat}, {self.name}"

    def run(self, store, interrupts):
        """Select and fit, or recall what was done before.

        Parameters
        ----------
        store : Store or NoStore
            Where finished parts are.
        interrupts : Interrupts
            Ends the work at Ctrl-C.

        Returns
        -------
        list of dict
            A row of the table for each size.
        """
        try:
            chosen = _recall_or_make(store, interrupts, self._selection_identity(), self._select)
            refits = [
                _recall_or_make(
                    store, interrupts, self._refit_identity(columns), self._refit, columns
                )
                for columns in chosen["sets"]
            ]
        except Exception as error:
            error.add_note(f"This happened in the comparison at: {self}.")
            raise
        return [
            self._row(size, columns, seconds, chosen["sizes_per_fit"], refit)
            for size, columns, seconds, refit in zip(
                self.sizes, chosen["sets"], chosen["select_time"], refits, strict=True
            )
        ]

    def _identity(self, part):
        return {
            "part": part,
            "data set": self.data_set.name,
            "data": self.data_set.identity,
            "repeat": self.repeat,
            "split": [fingerprint(rows[:, None]) for rows in (self.train, self.test)],
            "seed": self.seed,
            "name": self.name,
        }

    def _selection_identity(self):
        about = {"selector": describe(self.selector), "sizes": list(self.sizes)}
        return self._identity("selection") | about

    def _refit_identity(self, columns):
        about = {"estimator": describe(self.estimator), "columns": columns}
        return self._identity("refit") | about

    def _select(self):
        X, y = self.data_set.part(self.train)
        smallest, seconds = self._fit_selector(X, y, self.sizes[0])
        sets = sets_on_the_way(smallest, self.sizes)
        times = [seconds] * len(self.sizes)
        sizes_per_fit = len(self.sizes)
        if sets is None:
            fits = [(smallest, seconds)]
            fits += [self._fit_selector(X, y, size) for size in self.sizes[1:]]
            sets = [selector.get_support() for selector, _ in fits]
            times, sizes_per_fit = [seconds for _, seconds in fits], 1
        if not all(support.any() for support in sets):
            raise ValueError(f"{self.name} has selected no feature.")
        return {
            "sets": [np.flatnonzero(support).tolist() for support in sets],
            "select_time": times,
            "sizes_per_fit": sizes_per_fit,
        }

    def _fit_selector(self, X, y, size):
        selector = clone(self.selector)
        selector.set_params(**{size_parameter(selector): size})
        set_random_states(selector, self.seed)
        start = time.perf_counter()
        selector.fit(X, y)
        return selector, time.perf_counter() - start

    def _refit(self, columns):
        train, test = [self.data_set.part(rows, columns) for rows in (self.train, self.test)]
        model = clone(self.estimator)
        set_random_states(model, self.seed)
        start = time.perf_counter()
        model.fit(*train)
        seconds = time.perf_counter() - start
        return {
            "test_rmse": -neg_rmse_per_atom(model, *test),
            "train_rmse": -neg_rmse_per_atom(model, *train),
            "refit_time": seconds,
        }

    def _row(self, size, columns, select_time, sizes_per_fit, refit):
        data_set = self.data_set
        angular = np.nan if data_set.angular is None else data_set.angular[columns].mean()
        return {
            "data_set": data_set.name,
            "selector": self.name,
            "n_features": size,
            "repeat": self.repeat,
            "seed": self.seed,
            "n_train": len(self.train),
            "n_test": len(self.test),
            "n_features_in": data_set.n_features,
            "n_selected": len(columns),
            "features": tuple(columns),
            "feature_names": tuple(data_set.feature_names[columns]),
            "angular_share": float(angular),
            **refit,
            "select_time": select_time,
            "sizes_per_fit": sizes_per_fit,
        }


def size_parameter(selector):
    """Name of the parameter that says how many features to select, or None."""
    names = selector.get_params(deep=False)
    return next((name for name in SIZE_PARAMETERS if name in names), None)


def sets_on_the_way(selector, sizes):
    """The larger sets that a selector has passed on its way to the smallest one.

    Parameters
    ----------
    selector : estimator
        Fitted for the smallest size.
    sizes : sequence of int
        Numbers of features.

    Returns
    -------
    list of ndarray of bool or None
        A support for each size, by the ranks in which features left or by the path; None if the
        selector keeps no record of them.
    """
    ranking = getattr(selector, "ranking_", None)
    if ranking is not None:
        by_rank = [ranking <= np.sort(ranking)[size - 1] for size in sizes]
        is_record = np.array_equal(ranking == 1, selector.get_support())
        if is_record and [support.sum() for support in by_rank] == list(sizes):
            return by_rank
    path = getattr(selector, "path_", None)
    return [path.support(size) for size in sizes] if isinstance(path, SelectionPath) else None


def _recall_or_make(store, interrupts, identity, make, *arguments):
    """What the store has, or else what `make` returns, which is kept unless Ctrl-C cut it short."""
    found = store.recall(identity)
    if found is None:
        found = make(*arguments)
        interrupts.check()
        found = store.keep(identity, found)
    return found
