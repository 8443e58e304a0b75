"""Which functions several selections keep."""

import numpy as np

from sklearn_agl._numbers import refuse_entries
from sklearn_agl.inspection._comparison_table import check_columns, select_rows
from sklearn_agl.inspection._plotting import check_is_path, known_angular, make_axes

GAP = 0.6


class SupportMatrixDisplay:
    """Matrix of selected functions: rows are selections, columns are functions.

    Radial functions stand on the left, angular ones on the right behind a gap. Where rows stand for
    several selections, shades from white to black say how many of them keep a function.

    Parameters
    ----------
    supports : array-like of shape (n_rows, n_features)
        Which functions each selection keeps, or how often: True or False, or a share from 0 to 1.
    row_names : sequence of str, default=None
        Names of the selections, by default their number of functions (in the mean).
    column_names : sequence of str, default=None
        Names of the functions, by default their place, counted from 1.
    angular : array-like of bool of shape (n_features,), default=None
        Which of the functions are angular.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes with the matrix.
    figure_ : matplotlib.figure.Figure
        The figure.
    cells_ : list of matplotlib.collections.QuadMesh
        The radial part and, where there is one, the angular part.
    colorbar_ : matplotlib.colorbar.Colorbar or None
        Scale of the shades, None if every function is kept always or never.

    Raises
    ------
    ValueError
        If ``supports`` is not a 2-D array with entries from 0 to 1, or names or mask do not fit its
        shape.

    See Also
    --------
    SelectionPathDisplay : Errors along the path.

    Examples
    --------
    >>> from sklearn_agl.inspection import SupportMatrixDisplay
    >>> display = SupportMatrixDisplay(
    ...     [[True, True, False], [False, True, True]], ["AGL", "CUR"], angular=[False, False, True]
    ... )
    >>> [label.get_text() for label in display.plot().ax_.get_yticklabels()]
    ['AGL', 'CUR']
    """

    def __init__(self, supports, row_names=None, column_names=None, angular=None):
        refuse_entries(supports, "supports")
        supports = np.asarray(supports)
        if supports.ndim != 2 or supports.size == 0:
            raise ValueError(f"supports must be a 2-D array of bool, got shape {supports.shape}.")
        if not ((supports >= 0) & (supports <= 1)).all():
            raise ValueError("supports must be True or False, or shares from 0 to 1.")
        n_rows, n_columns = supports.shape
        self.row_label = "selected functions" if row_names is None else ""
        if row_names is None:
            row_names = [f"{size:g}" for size in supports.sum(axis=1)]
        if column_names is None:
            column_names = np.arange(1, n_columns + 1)
        if angular is None:
            angular = np.zeros(n_columns, dtype=bool)
        self.supports = supports
        self.row_names = _as_strings(row_names, "row_names", n_rows)
        self.column_names = _as_strings(column_names, "column_names", n_columns)
        self.angular = np.asarray(angular, dtype=bool)
        if self.angular.shape != (n_columns,):
            raise ValueError(
                f"angular has shape {self.angular.shape}, but supports has {n_columns} columns."
            )

    @classmethod
    def from_path(cls, path, *, column_names=None, angular=None, ax=None, **plot_options):
        """Draw the selections along a path, one row for each number of functions.

        Parameters
        ----------
        path : SelectionPath
            As returned by `group_lasso_path`.
        column_names : sequence of str, default=None
            Names of the functions, by default their place, counted from 1.
        angular : array-like of bool of shape (n_features,), default=None
            Which of the functions are angular.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        **plot_options
            Passed on to `plot`.

        Returns
        -------
        SupportMatrixDisplay
        """
        check_is_path(path)
        supports = np.unique(np.asarray(path.supports, dtype=bool), axis=0)
        supports = supports[np.argsort(-supports.sum(axis=1), kind="stable")]
        return cls(supports, None, column_names, angular).plot(ax, **plot_options)

    @classmethod
    def from_selectors(cls, selectors, *, column_names=None, angular=None, ax=None, **plot_options):
        """Draw the selections of fitted selectors, one row for each.

        Parameters
        ----------
        selectors : dict of str to SelectorMixin
            Fitted selectors by name.
        column_names : sequence of str, default=None
            Names of the functions, by default their place, counted from 1.
        angular : array-like of bool of shape (n_features,), default=None
            Which of the functions are angular. By default what the selectors know, if they were
            fitted with features that know their symmetry functions.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        **plot_options
            Passed on to `plot`.

        Returns
        -------
        SupportMatrixDisplay
        """
        _check_selectors(selectors)
        supports = [selector.get_support() for selector in selectors.values()]
        if angular is None:
            angular = known_angular(selectors.values())
        return cls(supports, list(selectors), column_names, angular).plot(ax, **plot_options)

    @classmethod
    def from_comparison(
        cls,
        table,
        *,
        n_features=None,
        data_set=None,
        column_names=None,
        angular=None,
        ax=None,
        **plot_options,
    ):
        """Draw how often each selector of a comparison chose each function, one row for each.

        Parameters
        ----------
        table : pandas.DataFrame
            As returned by `compare_selectors`.
        n_features : int, default=None
            Size of the sets; may be left out if there is only one.
        data_set : str, default=None
            Name of the data set; may be left out if there is only one.
        column_names : sequence of str, default=None
            Names of the functions, by default their place, counted from 1.
        angular : array-like of bool of shape (n_features,), default=None
            Which of the functions are angular.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        **plot_options
            Passed on to `plot`.

        Returns
        -------
        SupportMatrixDisplay

        Raises
        ------
        ValueError
            If the table has no such rows or columns, or several sizes or data sets and none is
            chosen.
        """
        check_columns(table, ["selector", "features", "n_features_in"])
        chosen = select_rows(table, data_set, n_features)
        shares = {}
        for name, part in chosen.groupby("selector", sort=False):
            columns = np.concatenate(part["features"].tolist())
            counts = np.bincount(columns, minlength=part["n_features_in"].iloc[0])
            shares[name] = counts / len(part)
        return cls(list(shares.values()), list(shares), column_names, angular).plot(
            ax, **plot_options
        )

    def plot(self, ax=None):
        """Draw the figure.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        self.ax_ = make_axes(ax, self, figsize=self._figure_size())
        self.figure_ = self.ax_.figure
        self.cells_ = []
        ticks = np.empty(len(self.column_names))
        start = 0.0
        for title, columns in self._parts():
            ticks[columns] = start + 0.5 + np.arange(len(columns))
            self._plot_part(title, columns, start)
            start += len(columns) + GAP
        self._label(ticks)
        self.colorbar_ = self._plot_colorbar()
        return self

    def _plot_colorbar(self):
        """Scale of the shades, cut to those that occur."""
        if np.isin(self.supports, (0, 1)).all():
            return None
        colorbar = self.figure_.colorbar(self.cells_[0], ax=self.ax_, label="share of selections")
        colorbar.ax.set_ylim(0.0, 1.0)
        return colorbar

    def _figure_size(self):
        """Inches: square cells, and room for the names."""
        n_rows, n_columns = self.supports.shape
        width = 0.26 * (n_columns + GAP) + 0.08 * _longest(self.row_names)
        return 0.5 + width, 0.8 + 0.26 * n_rows + 0.09 * _longest(self.column_names)

    def _parts(self):
        """Titles and columns of the radial and the angular part; no title if all are radial."""
        radial, angular = np.flatnonzero(~self.angular), np.flatnonzero(self.angular)
        if not len(angular):
            return [("", radial)]
        return [
            (title, part) for title, part in (("radial", radial), ("angular", angular)) if len(part)
        ]

    def _plot_part(self, title, columns, start):
        edges = start + np.arange(len(columns) + 1)
        rows = np.arange(len(self.supports) + 1)
        cells = self.ax_.pcolormesh(
            edges,
            rows,
            self.supports[:, columns],
            cmap="Greys",
            vmin=-0.12,
            vmax=1.25,
            edgecolors="white",
            linewidth=1.5,
        )
        self.cells_.append(cells)
        self.ax_.text(edges.mean(), -0.2, title, ha="center", va="bottom")

    def _label(self, ticks):
        ax = self.ax_
        ax.set_xticks(ticks, self.column_names)
        if _longest(self.column_names) > 2:
            ax.tick_params(axis="x", labelrotation=90)
        ax.set_yticks(np.arange(len(self.supports)) + 0.5, self.row_names)
        ax.set(xlabel="symmetry function", ylabel=self.row_label)
        ax.invert_yaxis()
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)


def _check_selectors(selectors):
    if not isinstance(selectors, dict) or not selectors:
        raise ValueError(
            f"selectors must be a dict of fitted selectors by name, got {selectors!r}."
        )
    for name, selector in selectors.items():
        if not hasattr(selector, "get_support"):
            raise ValueError(
                f"selectors[{name!r}] is of type {type(selector).__name__}, which is no selector."
            )


def _longest(names):
    """Number of characters of the longest line."""
    return max(len(line) for name in names for line in name.split("\n"))


def _as_strings(names, name, length):
    names = [str(entry) for entry in names]
    if len(names) != length:
        raise ValueError(f"{name} has {len(names)} entries, but supports needs {length}.")
    return names
