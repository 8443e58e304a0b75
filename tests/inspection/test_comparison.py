import sys

import pytest
from numpy.testing import assert_allclose

from sklearn_agl.inspection import SelectorComparisonDisplay

ERRORS = {"AGL": [0.005, 0.006, 0.0055], "CUR": [0.007, 0.009, 0.008]}


def test_one_box_per_selector_with_its_median():
    display = SelectorComparisonDisplay(ERRORS).plot(energy_unit="ε/atom")
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["AGL", "CUR"]
    medians = [line.get_ydata()[0] for line in display.boxes_["medians"]]
    assert_allclose(medians, [0.0055, 0.008])
    assert display.ax_.get_ylabel() == "test RMSE (ε/atom)"
    display.figure_.canvas.draw()


def test_every_error_is_a_point():
    display = SelectorComparisonDisplay({**ERRORS, "one": [0.006]}).plot()
    points = [line for line in display.ax_.lines if line.get_marker() == "o"]
    drawn = [point for line in points for point in line.get_ydata()]
    assert drawn == [*ERRORS["AGL"], *ERRORS["CUR"], 0.006]


@pytest.mark.parametrize("largest, scale", [(0.02, "linear"), (0.04, "log")])
def test_axis_is_logarithmic_where_errors_differ_much(largest, scale):
    display = SelectorComparisonDisplay({**ERRORS, "Pearson": [largest]}).plot()
    assert display.ax_.get_yscale() == scale
    display.figure_.canvas.draw()


@pytest.mark.parametrize(
    "errors, message",
    [
        ({}, "at least one selector"),
        ({"AGL": []}, r"errors\['AGL'\] must be a 1-D array"),
        ({"AGL": [0.1, float("nan")]}, "not finite"),
    ],
)
def test_bad_errors(errors, message):
    with pytest.raises(ValueError, match=message):
        SelectorComparisonDisplay(errors)


def test_missing_matplotlib_names_the_extra(monkeypatch):
    display = SelectorComparisonDisplay(ERRORS)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"SelectorComparisonDisplay.plot .*sklearn-agl\[plot\]"):
        display.plot()
