"""Which functions several selections keep."""

import numpy as np

from sklearn_agl.inspection._plotting import make_axes

GAP = 0.6


class SupportMatrixDisplay:
    """Matrix of selected functions: rows are selections, columns are functions.

    Radial functions stand on the left, angular ones on the right behind a gap.

    Parameters
    ----------
    supports : array-like of bool of shape (n_rows, n_features)
        Which functions each selection keeps.
    row_names : sequence of str, default=None
        Names of the selections, by default their number of functions.
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

    Raises
    ------
    ValueError
        If ``supports`` is not a 2-D array with entries, or names or mask do not fit its shape.

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
        supports = np.asarray(supports, dtype=bool)
        if supports.ndim != 2 or supports.size == 0:
            raise ValueError(f"supports must be a 2-D array of bool, got shape {supports.shape}.")
        n_rows, n_columns = supports.shape
        self.row_label = "selected functions" if row_names is None else ""
        if row_names is None:
            row_names = supports.sum(axis=1)
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
            Which of the functions are angular.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        **plot_options
            Passed on to `plot`.

        Returns
        -------
        SupportMatrixDisplay
        """
        supports = [selector.get_support() for selector in selectors.values()]
        return cls(supports, list(selectors), column_names, angular).plot(ax, **plot_options)

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
        return self

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


def _longest(names):
    """Number of characters of the longest line."""
    return max(len(line) for name in names for line in name.split("\n"))


def _as_strings(names, name, length):
    names = [str(entry) for entry in names]
    if len(names) != length:
        raise ValueError(f"{name} has {len(names)} entries, but supports needs {length}.")
    return names
