import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from ase.build import bulk
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest, SelectorMixin, r_regression
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, train_test_split

from sklearn_agl import (
    AdaptiveGroupLassoSelectorCV,
    CURSelector,
    HDNNPRegressor,
    RandomSelector,
    SymmetryFunctionTransformer,
    WaldSelector,
)
from sklearn_agl.descriptors import measure_set_costs
from sklearn_agl.inspection import (
    SelectorComparisonDisplay,
    SupportMatrixDisplay,
    compare_selectors,
)
from sklearn_agl.inspection._comparison_cell import sets_on_the_way
from sklearn_agl.inspection._comparison_store import open_store
from sklearn_agl.metrics import rmse_per_atom
from tests._children import FIND_TESTS
from tests.selection._planted import planted, planted_atoms

X, Y, USED = planted(0, n_samples=100, n_features=8)
QUICK = HDNNPRegressor((3,), max_epochs=2)
LINEAR = {
    "filter": SelectKBest(r_regression),
    "RFE": RFE(LinearRegression()),
    "random": RandomSelector(),
}


class StopsEarly(SelectorMixin, BaseEstimator):
    """Gets a Ctrl-C on one split and keeps it to itself."""

    def __init__(self, n_features_to_select=None, *, random_state=None):
        self.n_features_to_select = n_features_to_select
        self.random_state = random_state

    n_left = 0

    def fit(self, X, y):
        type(self).n_left -= 1
        self.support_ = np.arange(X.shape[1]) < self.n_features_to_select
        if self.n_left == 0:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                self.support_[:] = True
        return self

    def _get_support_mask(self):
        return self.support_


def compare(selectors=LINEAR, sizes=(2, 4), **params):
    settings = {"estimator": Ridge(1e-6), "cv": ShuffleSplit(3, test_size=0.25), "random_state": 0}
    return compare_selectors(selectors, {"planted": (X, Y)}, sizes, **(settings | params))


def without_times(table):
    return table.drop(columns=["select_time", "refit_time"])


@pytest.fixture(scope="module")
def table():
    return compare()


def test_a_row_for_each_selector_size_and_split(table):
    assert len(table) == 3 * 2 * 3
    assert not table.duplicated(["data_set", "selector", "n_features", "repeat"]).any()
    assert table["selector"].unique().tolist() == list(LINEAR)
    assert (table["n_selected"] == table["n_features"]).all()
    assert table["features"].map(len).equals(table["n_selected"])
    assert (table["n_train"] == 75).all() and (table["n_test"] == 25).all()
    assert table[["angular_share", "cost"]].isna().all(axis=None)
    assert (table[["select_time", "refit_time"]] > 0).all(axis=None)


def test_errors_are_those_of_a_fit_by_hand():
    train, test = train_test_split(np.arange(100), random_state=3)
    found = compare({"filter": SelectKBest(r_regression)}, 4, cv=[(train, test)])
    (row,) = found.to_dict("records")
    chosen = SelectKBest(r_regression, k=4).fit(X[train], Y[train])
    assert row["features"] == tuple(chosen.get_support(indices=True))
    model = Ridge(1e-6).fit(chosen.transform(X[train]), Y[train])
    for name, rows in (("test_rmse", test), ("train_rmse", train)):
        predicted = model.predict(chosen.transform(X[rows]))
        assert_allclose(row[name], rmse_per_atom(Y[rows], predicted, 1), rtol=1e-12)


def test_same_for_any_number_of_threads(table):
    pd.testing.assert_frame_equal(without_times(compare(n_jobs=2)), without_times(table))


def test_another_random_state_draws_other_splits(table):
    assert not np.allclose(compare(random_state=1)["test_rmse"], table["test_rmse"])


def test_all_selectors_and_refits_of_a_split_share_its_seed():
    networks = {"a": RandomSelector(), "b": RandomSelector()}
    found = compare(networks, 3, estimator=QUICK, cv=[(range(80), range(80, 100))] * 2)
    assert found["seed"].nunique() == 2
    a, b = (part.reset_index(drop=True) for _, part in found.groupby("selector"))
    assert a["features"].equals(b["features"]) and a["test_rmse"].equals(b["test_rmse"])
    assert a["test_rmse"].nunique() == 2


@pytest.mark.parametrize(
    "selector",
    [RFE(LinearRegression()), WaldSelector(estimator=HDNNPRegressor((4,)), random_state=0)],
)
def test_sets_on_the_way_are_those_of_a_fit_for_each_size(selector):
    fits = {n: selector.set_params(n_features_to_select=n).fit(X, Y).get_support() for n in (5, 3)}
    smallest = selector.set_params(n_features_to_select=2).fit(X, Y)
    for size, support in zip((3, 5), sets_on_the_way(smallest, (3, 5)), strict=True):
        assert_array_equal(support, fits[size])


def test_selectors_without_a_record_are_fitted_for_each_size(table):
    assert sets_on_the_way(CURSelector(2).fit(X), (2, 4)) is None
    sizes_per_fit = table.groupby("selector")["sizes_per_fit"].unique().map(list).to_dict()
    assert sizes_per_fit == {"RFE": [2], "filter": [1], "random": [1]}


def test_selector_that_keeps_fewer_says_so():
    lasso = SelectFromModel(LinearRegression(), threshold=0.9)
    found = compare({"lasso": lasso}, 6)
    assert (found["n_selected"] < 6).all() and (found["n_features"] == 6).all()


@pytest.mark.parametrize("kind", ["features", "array"])
def test_atoms(kind):
    features, y = planted_atoms(0, 60)
    given = features if kind == "features" else np.asarray(features)[:, :2, :4]
    found = compare_selectors(
        {"CUR": CURSelector()}, {"atoms": (given, y)}, 2, estimator=QUICK, cv=2, random_state=0
    )
    assert len(found) == 2 and np.isfinite(found["test_rmse"]).all()
    assert found["feature_names"][0] == tuple(f"x{column}" for column in found["features"][0])


def test_symmetry_functions_are_named_told_apart_and_timed():
    crystals = [bulk("Al", cubic=True) for _ in range(12)]
    for seed, atoms in enumerate(crystals):
        atoms.rattle(0.1, seed=seed)
    functions = SymmetryFunctionTransformer("al-22").fit_transform(crystals)
    y = np.nan_to_num(functions.values).sum(axis=(1, 2))
    found = compare_selectors(
        {"random": RandomSelector()}, {"Al": (functions, y)}, [3, 22], estimator=QUICK, cv=2
    )
    everything = found[found["n_features"] == 22]
    assert everything["angular_share"].tolist() == [10 / 22] * 2
    assert everything["feature_names"].iloc[0] == tuple(functions.feature_names)
    assert (found["cost"] > 0).all()
    display = SupportMatrixDisplay.from_comparison(found, n_features=3)
    assert_array_equal(display.supports.sum(axis=1), [3])
    costs = measure_set_costs(
        functions.symmetry_functions, crystals, [[0], range(22), [0]], duration=0.1
    )
    assert costs[0] == costs[2] < costs[1]


def test_groups_stay_on_one_side():
    groups = np.repeat(np.arange(4), [10, 20, 30, 40])
    data = {"planted": (X, Y, groups)}
    found = compare_selectors({"RFE": LINEAR["RFE"]}, data, 2, estimator=Ridge(), cv=GroupKFold(4))
    assert sorted(found["n_test"]) == [10, 20, 30, 40]


# Checkpoints

KILL = """
import os, signal, sys
from sklearn_agl.inspection import _comparison_store as store
from tests.inspection.test_compare_selectors import compare
real, left = store.create_file, int(sys.argv[2])
def create_file(path, fill):
    global left
    left -= 1
    if left == 0:
        def fill(file):
            file.write(b'{"half a file')
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    real(path, fill)
store.create_file = create_file
compare(checkpoint=sys.argv[1], n_jobs=2)
"""


def test_killed_comparison_goes_on(tmp_path, table):
    job = subprocess.run(
        [sys.executable, "-c", FIND_TESTS + KILL, str(tmp_path), "12"], timeout=300
    )
    assert job.returncode == -signal.SIGKILL
    n_files = len(list(tmp_path.glob("*.json")))
    assert 10 <= n_files < 3 * 3 + 18
    found = compare(checkpoint=tmp_path)
    pd.testing.assert_frame_equal(without_times(found), without_times(table))
    assert len(list(tmp_path.glob("*.json"))) == 3 * 3 + 18
    # Nothing is left to do, so that the seconds are the same as well.
    pd.testing.assert_frame_equal(compare(checkpoint=tmp_path), found)


def test_larger_comparison_takes_over_what_is_done(tmp_path, table):
    first = compare({"RFE": LINEAR["RFE"]}, cv=None, checkpoint=tmp_path)
    both = compare(cv=None, checkpoint=tmp_path)
    again = both[both["selector"] == "RFE"].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, first)


def test_other_data_or_settings_are_computed_anew(tmp_path):
    selectors = {"filter": SelectKBest(r_regression)}
    first = compare(selectors, checkpoint=tmp_path)
    other = compare(selectors, checkpoint=tmp_path, estimator=Ridge(100.0))
    assert (other["train_rmse"] > first["train_rmse"]).all()


def test_without_a_random_state_the_first_seed_is_kept(tmp_path):
    first = compare(checkpoint=tmp_path, random_state=None)
    pd.testing.assert_frame_equal(compare(checkpoint=tmp_path, random_state=None), first)
    with pytest.raises(ValueError, match="holds a run with other random_state"):
        compare(checkpoint=tmp_path, random_state=5)


def test_damaged_file_is_named(tmp_path):
    compare({"RFE": LINEAR["RFE"]}, checkpoint=tmp_path)
    file = next(tmp_path.glob("refit-*.json"))
    text = file.read_text()
    place = text.index(".", text.index("test_rmse")) + 2
    digit = str((int(text[place]) + 1) % 10)
    for damaged in ("{", "[]", text[:place] + digit + text[place + 1 :]):
        file.write_text(damaged)
        with pytest.raises(ValueError, match=f"{file.name}.*is damaged.*Delete it"):
            compare({"RFE": LINEAR["RFE"]}, checkpoint=tmp_path)


def test_the_first_of_two_results_counts(tmp_path):
    """Processes that compute one part at the same time measure different seconds."""
    first, second = (open_store(tmp_path, 0) for _ in range(2))
    identity = {"part": "refit"}
    assert first.keep(identity, {"fit_time": 1.5}) == {"fit_time": 1.5}
    assert second.keep(identity, {"fit_time": 2.5}) == {"fit_time": 1.5}
    assert second.recall(identity) == {"fit_time": 1.5}


@pytest.fixture
def ctrl_c():
    """SIGINT as in a process of its own: those that share the tests ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_gives_what_is_done_and_keeps_no_half_fit(tmp_path):
    selectors = {"filter": SelectKBest(r_regression), "stops": StopsEarly()}
    StopsEarly.n_left = 2
    with pytest.warns(ConvergenceWarning, match="rows of 3 of 6"):
        part = compare(selectors, 2, checkpoint=tmp_path)
    assert part["selector"].tolist() == ["filter", "filter", "stops"]
    whole = compare(selectors, 2, checkpoint=tmp_path)
    assert len(whole) == 6 and (whole["n_selected"] == 2).all()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# Errors and words


@pytest.mark.parametrize(
    "params, message",
    [
        ({"selectors": {}}, "selectors is empty"),
        ({"selectors": {"CV": AdaptiveGroupLassoSelectorCV()}}, r"selectors\['CV'\], a Adaptive"),
        ({"sizes": 9}, "has 9, but data set 'planted' allows numbers from 1 to 8"),
        ({"sizes": 0}, "has 0, but data set 'planted'"),
        ({"sizes": [1.5]}, "must be whole numbers"),
    ],
)
def test_bad_arguments(params, message):
    with pytest.raises(ValueError, match=message):
        compare(**params)


@pytest.mark.parametrize(
    "data, message",
    [
        ({}, "data is empty"),
        ({"a": X}, r"data\['a'\] must be a tuple"),
        ({"a": (X, Y[:5])}, "100 structures, but y has 5 energies"),
        ({"a": ([bulk("Al")], [0.0])}, "needs features, not structures"),
    ],
)
def test_bad_data(data, message):
    with pytest.raises(ValueError, match=message):
        compare_selectors(LINEAR, data, 2)


def test_errors_of_a_fit_say_where():
    broken = SelectFromModel(LinearRegression(), threshold=1e9)
    with pytest.raises(ValueError, match="broken has selected no feature") as error:
        compare({"broken": broken}, 2)
    assert "planted, split 0, broken" in error.value.__notes__[0]


def test_verbose_prints_a_line_for_each_selector_and_split(capsys):
    compare({"RFE": LINEAR["RFE"]}, verbose=1, cv=KFold(2))
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("   1 of 2   planted, split 0, RFE   test RMSE 2: ")
    assert "left" in first and "left" not in second


def test_figure_of_a_comparison(table):
    display = SelectorComparisonDisplay.from_comparison(table, n_features=4, factor=1e3)
    assert list(display.errors) == list(LINEAR)
    own = table[(table["selector"] == "RFE") & (table["n_features"] == 4)]
    assert_array_equal(display.errors["RFE"], 1e3 * own["test_rmse"])
    with pytest.raises(ValueError, match="several values of n_features"):
        SelectorComparisonDisplay.from_comparison(table)
    with pytest.raises(ValueError, match="no n_features=3"):
        SelectorComparisonDisplay.from_comparison(table, n_features=3)


def test_matrix_of_a_comparison_shows_shares(table):
    display = SupportMatrixDisplay.from_comparison(table, n_features=2)
    own = table[(table["selector"] == "random") & (table["n_features"] == 2)]
    expected = [sum(column in columns for columns in own["features"]) / 3 for column in range(8)]
    assert_array_equal(display.supports[2], expected)
    assert display.colorbar_.ax.get_ylabel() == "share of selections"
    display.figure_.canvas.draw()
