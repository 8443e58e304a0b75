import pickle

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_agl import AtomicFeatures, HDNNPRegressor
from sklearn_agl.selection import (
    AdaptiveGroupLassoSelector,
    BackwardEliminationSelector,
    CURSelector,
    EvenlySpacedSelector,
    FPSSelector,
    LassoNetSelector,
    PCovCURSelector,
    PCovFPSSelector,
    PearsonSelector,
    RandomSelector,
    WaldSelector,
    WeightNormSelector,
)
from sklearn_agl.selection._base import AtomicSelector, resolve_n_features

FILTERS = [
    CURSelector,
    EvenlySpacedSelector,
    FPSSelector,
    PCovCURSelector,
    PCovFPSSelector,
    PearsonSelector,
    RandomSelector,
]
TRAINED = [BackwardEliminationSelector, WeightNormSelector]


class Columns(AtomicSelector):
    """Selects the columns it is told to."""

    def __init__(self, columns=(3, 1)):
        self.columns = columns

    def fit(self, X, y=None):
        self._validate(X)
        self._select_in_order(list(self.columns))
        return self


class Demanding(Columns):
    def _empty_support_advice(self):
        return "Try alpha below 0.1."


def test_atomic_features_in_and_out(two_elements):
    kept = Columns().fit_transform(two_elements)
    assert isinstance(kept, AtomicFeatures)
    np.testing.assert_array_equal(kept.values, two_elements.values[:, :, [1, 3]])
    np.testing.assert_array_equal(kept.numbers, two_elements.numbers)
    assert kept.symmetry_functions == two_elements.symmetry_functions[1:4:2]


def test_3d_array_in_and_out(ragged):
    kept = Columns().fit_transform(ragged)
    assert type(kept) is np.ndarray
    np.testing.assert_array_equal(kept, ragged[:, :, [1, 3]])


def test_table_in_and_out(ragged):
    table = ragged[:, 0]
    np.testing.assert_array_equal(Columns().fit_transform(table), table[:, [1, 3]])


ALL = [*FILTERS, *TRAINED, LassoNetSelector, WaldSelector, AdaptiveGroupLassoSelector]
QUICK = {"estimator": HDNNPRegressor((3,), max_epochs=3), "max_epochs": 20, "random_state": 0}


@pytest.mark.parametrize("selector", ALL)
def test_rank_one_is_selected_in_all_selectors(selector):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 6))
    names = selector().get_params(deep=False)
    quick = {name: value for name, value in QUICK.items() if name in names}
    fitted = selector(n_features_to_select=3, **quick).fit(X, X[:, 0] - X[:, 4])
    assert fitted.ranking_.dtype.kind == "i"
    np.testing.assert_array_equal(fitted.ranking_ == 1, fitted.support_)
    others = np.unique(fitted.ranking_[~fitted.support_])
    np.testing.assert_array_equal(others, np.arange(2, 2 + len(others)))


@pytest.mark.parametrize("selector", FILTERS)
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_a_warning_of_too_few_features_points_at_the_call_of_fit(selector, in_pipeline):
    X = AtomicFeatures(np.random.default_rng(0).normal(size=(20, 3, 4)), np.ones((20, 3), int))
    values = X.values.copy()
    values[..., 2] = np.nan if selector in (EvenlySpacedSelector, RandomSelector) else 1.0
    X = AtomicFeatures(values, X.numbers)
    fitted = make_pipeline(selector(4)) if in_pipeline else selector(4)
    with pytest.warns(UserWarning, match="ended with 3 of the 4") as caught:
        fitted.fit(X, np.arange(20.0))
    assert caught[0].filename == __file__


def test_order_and_ranking(ragged):
    selector = Columns((3, 1, 4)).fit(ragged)
    assert selector.selected_order_.tolist() == [3, 1, 4]
    assert selector.ranking_.tolist() == [2, 1, 2, 1, 1]
    assert selector.get_support().tolist() == [False, True, False, True, True]
    assert selector.get_support(indices=True).tolist() == [1, 3, 4]
    assert selector.n_features_ == 3


def test_names_of_symmetry_functions(two_elements):
    selector = Columns().fit(two_elements)
    names = two_elements.feature_names
    np.testing.assert_array_equal(selector.feature_names_in_, names)
    np.testing.assert_array_equal(selector.get_feature_names_out(), names[[1, 3]])


def test_names_without_definitions(ragged):
    assert Columns().fit(ragged).get_feature_names_out().tolist() == ["x1", "x3"]


def test_names_of_a_dataframe(ragged):
    table = pd.DataFrame(ragged[:, 0], columns=list("abcde"), index=np.arange(10) * 2)
    selector = Columns().set_output(transform="pandas")
    kept = selector.fit_transform(table)
    pd.testing.assert_frame_equal(kept, table[["b", "d"]])
    pd.testing.assert_frame_equal(selector.transform(table), table[["b", "d"]])


def test_set_output_leaves_atoms_alone(two_elements, ragged):
    selector = Columns().set_output(transform="pandas")
    assert isinstance(selector.fit_transform(two_elements), AtomicFeatures)
    assert isinstance(selector.transform(two_elements), AtomicFeatures)
    assert type(selector.fit_transform(ragged)) is np.ndarray


def test_inverse_transform_of_atoms(two_elements):
    selector = Columns().fit(two_elements)
    restored = selector.inverse_transform(selector.transform(two_elements))
    expected = two_elements.values.copy()
    dropped = expected[:, :, [0, 2, 4]]
    expected[:, :, [0, 2, 4]] = np.where(np.isnan(dropped), np.nan, 0.0)
    np.testing.assert_array_equal(restored.values, expected)
    assert restored.symmetry_functions == two_elements.symmetry_functions


def test_inverse_transform_keeps_padding(ragged):
    selector = Columns().fit(ragged)
    restored = selector.inverse_transform(selector.transform(ragged))
    np.testing.assert_array_equal(np.isnan(restored), np.isnan(ragged))
    assert not np.nansum(np.abs(restored[:, :, [0, 2, 4]]))


def test_inverse_transform_of_a_table(ragged):
    selector = Columns().fit(ragged[:, 0])
    restored = selector.inverse_transform(selector.transform(ragged[:, 0]))
    np.testing.assert_array_equal(restored[:, [1, 3]], ragged[:, 0, [1, 3]])
    assert not restored[:, [0, 2, 4]].any()


def test_inverse_transform_refuses_other_widths(ragged):
    selector = Columns().fit(ragged)
    with pytest.raises(ValueError, match="X has 5 features, but Columns selected 2"):
        selector.inverse_transform(ragged)


@pytest.mark.parametrize("cut", [lambda X: X[:, :, :4], lambda X: X[:, 0, :4]])
def test_transform_refuses_other_widths(ragged, cut):
    selector = Columns().fit(ragged)
    with pytest.raises(ValueError, match="X has 4 features, but Columns is expecting 5"):
        selector.transform(cut(ragged))


def test_transform_refuses_other_columns(two_elements):
    selector = Columns().fit(two_elements)
    swapped = two_elements.take_features([1, 0, 2, 3, 4])
    with pytest.raises(ValueError, match="Column 0 is .* but Columns was fitted with"):
        selector.transform(swapped)


@pytest.mark.parametrize("method", ["transform", "inverse_transform"])
def test_structures_are_refused(ragged, method):
    selector = Columns().fit(ragged)
    with pytest.raises(ValueError, match="put a SymmetryFunctionTransformer before"):
        getattr(selector, method)([Atoms("H2")])


@pytest.mark.parametrize("selector", FILTERS + TRAINED)
def test_fit_refuses_structures(selector):
    with pytest.raises(ValueError, match="put a SymmetryFunctionTransformer before"):
        selector().fit([Atoms("H2")] * 3, np.arange(3.0))


def test_empty_support_is_an_error(ragged):
    with pytest.raises(ValueError, match="Columns selected none of 5 features. Check that"):
        Columns(()).fit(ragged)
    with pytest.raises(ValueError, match="Try alpha below 0.1"):
        Demanding(()).fit(ragged)


def test_transform_after_an_empty_fit_is_an_error(ragged):
    selector = Demanding(())
    with pytest.raises(ValueError, match="selected none"):
        selector.fit(ragged)
    with pytest.raises(ValueError, match="Try alpha below 0.1"):
        selector.transform(ragged)


def test_pickle_and_clone(two_elements):
    selector = Columns().fit(two_elements)
    again = pickle.loads(pickle.dumps(selector))
    np.testing.assert_array_equal(
        again.transform(two_elements).values, selector.transform(two_elements).values
    )
    assert not hasattr(clone(selector), "support_")


@pytest.mark.parametrize(
    ("wanted", "n_features", "expected"),
    [
        (None, 22, 11),
        (None, 1, 1),
        (3, 22, 3),
        (22, 22, 22),
        (0.5, 7, 3),
        (1.0, 7, 7),
        (0.01, 7, 1),
    ],
)
def test_number_of_features(wanted, n_features, expected):
    assert resolve_n_features(wanted, n_features) == expected


@pytest.mark.parametrize("selector", FILTERS + TRAINED)
def test_more_features_than_there_are(ragged, selector):
    with pytest.raises(ValueError, match="n_features_to_select=6, but X has only 5 features"):
        selector(6).fit(ragged, np.arange(10.0))


@pytest.mark.parametrize("selector", FILTERS)
def test_filters_keep_atoms(two_elements, selector):
    kept = selector(3).fit_transform(two_elements, np.arange(10.0) ** 2)
    assert isinstance(kept, AtomicFeatures)
    assert kept.n_features == len(kept.symmetry_functions) == 3


@pytest.mark.parametrize("wanted", [0, -1, 1.5, "all"])
def test_impossible_numbers(ragged, wanted):
    with pytest.raises(InvalidParameterError, match="n_features_to_select"):
        CURSelector(wanted).fit(ragged)
