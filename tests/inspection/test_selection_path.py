from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_agl import (
    HDNNPRegressor,
    RandomSelector,
    SelectionPath,
    WaldSelector,
    group_lasso_path,
)
from sklearn_agl.inspection import SelectionPathDisplay, SupportMatrixDisplay

ARRAYS = {
    "n_features": [3, 7, 12],
    "penalised_rmse": [0.02, 0.012, 0.009],
    "refitted_rmse": [0.009, 0.006, 0.005],
    "alphas": [1.0, 0.1, 0.0],
}


def test_plot_shows_both_errors_and_the_unit():
    display = SelectionPathDisplay(**ARRAYS).plot(energy_unit="ε/atom")
    assert display.ax_.get_ylabel() == "RMSE (ε/atom)"
    assert_array_equal(
        display.penalised_.get_offsets(),
        np.column_stack([ARRAYS["n_features"], ARRAYS["penalised_rmse"]]),
    )
    assert_array_equal(
        display.refitted_.get_offsets(),
        np.column_stack([ARRAYS["n_features"], ARRAYS["refitted_rmse"]]),
    )
    display.figure_.canvas.draw()


def test_circles_are_shaded_by_their_own_alpha_in_any_order():
    shuffled = {name: [values[i] for i in (2, 0, 1)] for name, values in ARRAYS.items()}
    display = SelectionPathDisplay(**shuffled).plot()
    # Sorted by number of functions; alpha 0 takes the shade of the smallest positive one.
    assert_array_equal(display.refitted_.get_array(), [1.0, 0.1, 0.1])
    assert display.colorbar_ is not None


def test_equal_alphas_need_no_colorbar():
    display = SelectionPathDisplay(**{**ARRAYS, "alphas": [0.5] * 3}).plot()
    assert display.colorbar_ is None


def test_angular_functions_are_bars_below_the_errors():
    display = SelectionPathDisplay(**ARRAYS, n_angular=[0, 1, 4]).plot()
    assert [bar.get_height() for bar in display.angular_ax_.patches] == [0, 1, 4]
    display.figure_.canvas.draw()
    lowest_error = display.ax_.transData.transform((12, 0.005))[1]
    highest_bar = display.angular_ax_.transData.transform((12, 4))[1]
    assert lowest_error > highest_bar


def test_no_angular_functions_at_all():
    display = SelectionPathDisplay(**ARRAYS, n_angular=[0, 0, 0]).plot()
    display.figure_.canvas.draw()


@pytest.mark.filterwarnings("ignore:No feature is left")
def test_a_path_that_ends_without_functions():
    X = np.random.default_rng(0).normal(size=(60, 4))
    model = HDNNPRegressor((3,), max_epochs=3)
    path = group_lasso_path(X, X[:, 0], model, alphas=[1e-3, 1e6], random_state=0)
    assert path.n_features[-1] == 0
    display = path.plot(angular=[False, False, True, True])
    assert len(display.penalised_.get_offsets()) == len(path)
    display.figure_.canvas.draw()
    SupportMatrixDisplay.from_path(path).figure_.canvas.draw()


def test_standard_errors_are_drawn_and_stay_above_zero():
    errors = [0.001, 0.1, np.nan]
    display = SelectionPathDisplay(**ARRAYS, refitted_standard_error=errors).plot()
    display.figure_.canvas.draw()
    (bars,) = display.errorbar_.lines[2]
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends[0], [0.008, 0.010])
    assert 0 < ends[1, 0] < 0.006 < ends[1, 1]
    assert len(ends) == 2
    assert SelectionPathDisplay(**ARRAYS).plot().errorbar_ is None


def test_points_without_a_refit_are_left_out():
    arrays = {**ARRAYS, "refitted_rmse": [np.nan, 0.006, 0.005]}
    display = SelectionPathDisplay(**arrays).plot()
    display.figure_.canvas.draw()


def test_lines_follow_the_path():
    """Several points of one number of functions: from the largest alpha to the smallest."""
    display = SelectionPathDisplay(
        n_features=[4, 2, 2, 2],
        penalised_rmse=[0.01, 0.02, 0.03, 0.04],
        refitted_rmse=[0.01, 0.015, 0.015, 0.015],
        alphas=[0.0, 0.1, 0.2, 0.3],
    ).plot()
    assert_array_equal(display.ax_.lines[0].get_ydata(), [0.04, 0.03, 0.02, 0.01])


def test_a_path_without_refits_shows_no_sign_of_them():
    display = SelectionPathDisplay(**{**ARRAYS, "refitted_rmse": [np.nan] * 3}).plot()
    assert display.colorbar_ is None
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["on the path"]


def test_plot_on_given_axes():
    _, ax = plt.subplots()
    display = SelectionPathDisplay(**ARRAYS).plot(ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure


def test_from_path_counts_the_angular_functions():
    path = SimpleNamespace(
        **ARRAYS, supports=np.array([[True, False, False], [True, True, False], [True, True, True]])
    )
    display = SelectionPathDisplay.from_path(path, angular=[False, True, True])
    assert_array_equal(display.n_angular, [0, 1, 2])
    assert SelectionPathDisplay.from_path(path).angular_ax_ is None


@pytest.mark.parametrize("name", ["penalised_rmse", "refitted_rmse", "alphas"])
def test_lengths_must_agree(name):
    with pytest.raises(ValueError, match=f"{name} has 2 entries, but 3 are needed"):
        SelectionPathDisplay(**{**ARRAYS, name: [1.0, 2.0]})


def small_path():
    supports = np.array([[True, True, True], [True, True, False], [False, True, False]])
    columns = {"refitted_rmse": [0.005, 0.006, 0.009], "penalised_rmse": [0.006, 0.01, 0.02]}
    other = ("initial_group_norms", "objective", "fit_time", "refit_time", "feature_names")
    return SelectionPath(
        alphas=np.array([0.0, 0.1, 1.0]),
        supports=supports,
        group_norms=supports.astype(float),
        **{name: np.array(values) for name, values in columns.items()},
        **dict.fromkeys(other),
    )


def test_a_path_draws_itself():
    path = small_path()
    _, ax = plt.subplots()
    display = path.plot(ax, energy_unit="ε/atom", angular=[False, True, True])
    assert isinstance(display, SelectionPathDisplay)
    assert display.ax_ is ax
    assert ax.get_ylabel() == "RMSE (ε/atom)"
    assert_array_equal(display.n_features, [3, 2, 1])
    assert_array_equal(display.n_angular, [2, 1, 1])
    assert path.plot().ax_ is not ax


def test_from_estimator_takes_the_path_and_counts_angular_functions():
    supports = np.array([[True, True], [True, False]])
    path = SimpleNamespace(
        supports=supports,
        n_features=[2, 1],
        penalised_rmse=[0.02, 0.01],
        refitted_rmse=[0.01, 0.02],
        alphas=[0.0, 1.0],
    )
    selector = WaldSelector()
    selector.path_ = path
    assert SelectionPathDisplay.from_estimator(selector).n_angular is None
    selector._symmetry_functions = [SimpleNamespace(is_angular=angular) for angular in (0, 1)]
    assert SelectionPathDisplay.from_estimator(selector).n_angular.tolist() == [1, 0]


def test_from_estimator_needs_a_path():
    selector = RandomSelector(1).fit(np.ones((3, 2)))
    with pytest.raises(ValueError, match="RandomSelector has no path_"):
        SelectionPathDisplay.from_estimator(selector)
