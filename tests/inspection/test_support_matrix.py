from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_agl.inspection import SupportMatrixDisplay

SUPPORTS = np.array([[True, False, True, True], [False, False, True, False]])
ANGULAR = [False, True, False, True]


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_rows_and_columns_are_named():
    display = SupportMatrixDisplay(SUPPORTS, ["AGL", "CUR"], list("abcd")).plot()
    assert tick_labels(display.ax_.yaxis) == ["AGL", "CUR"]
    assert tick_labels(display.ax_.xaxis) == list("abcd")
    assert_array_equal(display.cells_[0].get_array(), SUPPORTS)
    display.figure_.canvas.draw()


def test_default_names_are_sizes_and_places():
    display = SupportMatrixDisplay(SUPPORTS).plot()
    assert tick_labels(display.ax_.yaxis) == ["3", "1"]
    assert display.ax_.get_ylabel() == "selected functions"
    assert tick_labels(display.ax_.xaxis) == ["1", "2", "3", "4"]


def test_angular_functions_stand_behind_a_gap():
    display = SupportMatrixDisplay(SUPPORTS, column_names=list("abcd"), angular=ANGULAR).plot()
    radial, angular = display.cells_
    assert_array_equal(radial.get_array(), SUPPORTS[:, [0, 2]])
    assert_array_equal(angular.get_array(), SUPPORTS[:, [1, 3]])
    places = dict(zip(tick_labels(display.ax_.xaxis), display.ax_.get_xticks(), strict=True))
    assert sorted(places, key=places.get) == ["a", "c", "b", "d"]
    assert places["b"] - places["c"] > places["c"] - places["a"]
    titles = [text.get_text() for text in display.ax_.texts]
    assert titles == ["radial", "angular"]


def test_only_angular_functions():
    display = SupportMatrixDisplay(SUPPORTS, angular=np.ones(4)).plot()
    assert [text.get_text() for text in display.ax_.texts] == ["angular"]


def test_from_path_draws_each_support_once_from_large_to_small():
    path = SimpleNamespace(supports=[SUPPORTS[1], SUPPORTS[0], SUPPORTS[1]])
    display = SupportMatrixDisplay.from_path(path, angular=ANGULAR)
    assert_array_equal(display.supports, SUPPORTS)


def test_from_selectors_takes_names_and_supports():
    selectors = {
        name: SimpleNamespace(get_support=lambda row=row: row)
        for name, row in zip(("AGL", "CUR"), SUPPORTS, strict=True)
    }
    display = SupportMatrixDisplay.from_selectors(selectors)
    assert display.row_names == ["AGL", "CUR"]
    assert_array_equal(display.supports, SUPPORTS)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"supports": [True, False]}, "2-D"),
        ({"supports": np.zeros((0, 4))}, "2-D"),
        ({"supports": SUPPORTS, "row_names": ["AGL"]}, "row_names has 1 entries"),
        ({"supports": SUPPORTS, "column_names": ["a"]}, "column_names has 1 entries"),
        ({"supports": SUPPORTS, "angular": [True]}, "angular has shape"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SupportMatrixDisplay(**arguments)


def test_shares_have_a_scale_and_sets_have_none():
    assert SupportMatrixDisplay(SUPPORTS).plot().colorbar_ is None
    display = SupportMatrixDisplay([[0.5, 1.0, 0.0]]).plot()
    assert tick_labels(display.ax_.yaxis) == ["1.5"]
    assert display.colorbar_.ax.get_ylim() == (0.0, 1.0)


def test_selectors_say_which_functions_are_angular():
    functions = [SimpleNamespace(is_angular=angular) for angular in ANGULAR]
    selector = SimpleNamespace(get_support=lambda: SUPPORTS[0], _symmetry_functions=functions)
    display = SupportMatrixDisplay.from_selectors({"AGL": selector})
    assert_array_equal(display.angular, ANGULAR)
