"""Errors of several selectors side by side."""

import numpy as np

from sklearn_agl.inspection._comparison_table import check_columns, select_rows
from sklearn_agl.inspection._plotting import as_vector, make_axes, use_log_scale

LARGEST_LINEAR_RATIO = 5.0


class SelectorComparisonDisplay:
    """Box plots of test errors, one box for each selector.

    Boxes span the quartiles, whiskers the whole range; every value is drawn as a point. The axis
    of the errors is logarithmic where the largest exceeds five times the smallest.

    Parameters
    ----------
    errors : dict of str to array-like of shape (n_initialisations,)
        Errors per atom by the name of the selector, in the order of the boxes.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes with the boxes.
    figure_ : matplotlib.figure.Figure
        The figure.
    boxes_ : dict
        Artists of the boxes, as returned by ``Axes.boxplot``.

    Raises
    ------
    ValueError
        If there is no selector, or one of them has no finite error.

    See Also
    --------
    compare_selectors : Makes a table of errors, for `from_comparison`.

    Examples
    --------
    >>> from sklearn_agl.inspection import SelectorComparisonDisplay
    >>> errors = {"AGL": [0.0055, 0.0057], "CUR": [0.031, 0.033], "Pearson": [0.012, 0.015]}
    >>> display = SelectorComparisonDisplay(errors).plot(energy_unit="ε/atom")
    >>> [label.get_text() for label in display.ax_.get_xticklabels()]
    ['AGL', 'CUR', 'Pearson']
    """

    def __init__(self, errors):
        if not isinstance(errors, dict) or not errors:
            raise ValueError("errors must be a dict of errors by name, with at least one selector.")
        self.errors = {
            name: as_vector(values, f"errors[{name!r}]") for name, values in errors.items()
        }
        for name, values in self.errors.items():
            if not np.isfinite(values).all():
                raise ValueError(f"errors[{name!r}] has values that are not finite: {values}.")

    @classmethod
    def from_comparison(
        cls,
        table,
        *,
        n_features=None,
        data_set=None,
        error="test_rmse",
        factor=1.0,
        ax=None,
        **plot_options,
    ):
        """Draw the errors of a comparison for one data set and one number of features.

        Parameters
        ----------
        table : pandas.DataFrame
            As returned by `compare_selectors`.
        n_features : int, default=None
            Size of the sets; may be left out if there is only one.
        data_set : str, default=None
            Name of the data set; may be left out if there is only one.
        error : str, default="test_rmse"
            Column of the errors.
        factor : float, default=1.0
            What the errors are multiplied by, as 1000 for meV.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        **plot_options
            Passed on to `plot`.

        Returns
        -------
        SelectorComparisonDisplay

        Raises
        ------
        ValueError
            If the table has no such rows or columns, or several sizes or data sets and none is
            chosen.
        """
        check_columns(table, ["selector", error])
        chosen = select_rows(table, data_set, n_features)
        errors = {
            name: factor * part[error] for name, part in chosen.groupby("selector", sort=False)
        }
        return cls(errors).plot(ax, **plot_options)

    def plot(self, ax=None, *, energy_unit="eV/atom"):
        """Draw the figure.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        energy_unit : str, default="eV/atom"
            Unit of the errors, for the label. Nothing is converted.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        names, values = list(self.errors), list(self.errors.values())
        self.ax_ = make_axes(ax, self, figsize=(max(3.2, 1.2 + 1.1 * len(names)), 4.0))
        self.figure_ = self.ax_.figure
        self.boxes_ = self.ax_.boxplot(
            values,
            tick_labels=names,
            whis=(0, 100),
            widths=0.5,
            patch_artist=True,
            boxprops={"facecolor": "0.9"},
            medianprops={"color": "black", "linewidth": 1.5},
        )
        for place, column in enumerate(values, start=1):
            self._plot_points(place, column)
        everything = np.concatenate(values)
        if everything.max() > LARGEST_LINEAR_RATIO * everything.min() > 0:
            use_log_scale(self.ax_)
        self.ax_.set_ylabel(f"test RMSE ({energy_unit})")
        return self

    def _plot_points(self, place, values):
        """Points of one box, spread sideways so that equal values stay apart."""
        spread = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else np.zeros(1)
        self.ax_.plot(
            place + spread, values, linestyle="", marker="o", markersize=4, color="0.3", zorder=3
        )
