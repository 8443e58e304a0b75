"""Errors along a regularisation path."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_agl.inspection._plotting import (
    as_vector,
    check_is_path,
    known_angular,
    make_axes,
    use_log_scale,
)

BAR_SHARE = 0.25
"""Part of the height that belongs to the bars."""
LOWEST_END = 0.3
"""Where a standard error ends at the latest, as a part of its error."""


class SelectionPathDisplay:
    """Errors against the number of selected functions, along a regularisation path.

    Open circles are the fits on the path, which its penalty biases, if it has one; filled ones are
    refits without penalty, shaded by alpha, with their standard errors; grey bars in the background
    count the angular functions.

    Parameters
    ----------
    n_features : array-like of int of shape (n_alphas,)
        Selected functions at each point of the path.
    penalised_rmse, refitted_rmse : array-like of shape (n_alphas,)
        Errors per atom with the penalty, and after training on the selected functions without it.
        Points without a fit are NaN.
    alphas : array-like of shape (n_alphas,)
        Strength of the penalty.
    n_angular : array-like of int of shape (n_alphas,), default=None
        How many of the selected functions are angular.
    refitted_standard_error : array-like of shape (n_alphas,), default=None
        Standard errors of `refitted_rmse`, NaN where one is not known.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes with the errors.
    angular_ax_ : matplotlib.axes.Axes or None
        Axes with the number of angular functions.
    figure_ : matplotlib.figure.Figure
        The figure.
    penalised_, refitted_ : matplotlib.collections.PathCollection
        The circles.
    errorbar_ : matplotlib.container.ErrorbarContainer or None
        The standard errors, None where none is known.
    colorbar_ : matplotlib.colorbar.Colorbar or None
        Scale of alpha; None where all alphas are equal or 0, or nothing was refitted.

    Raises
    ------
    ValueError
        If the arrays differ in length.

    See Also
    --------
    SupportMatrixDisplay : Which functions are selected.

    Examples
    --------
    >>> from sklearn_agl.inspection import SelectionPathDisplay
    >>> display = SelectionPathDisplay(
    ...     n_features=[12, 7, 4],
    ...     penalised_rmse=[0.011, 0.014, 0.021],
    ...     refitted_rmse=[0.006, 0.006, 0.008],
    ...     alphas=[0.01, 0.1, 1.0],
    ...     refitted_standard_error=[0.001, 0.001, 0.002],
    ... )
    >>> display.plot(energy_unit="ε/atom").ax_.get_ylabel()
    'RMSE (ε/atom)'
    """

    def __init__(
        self,
        n_features,
        penalised_rmse,
        refitted_rmse,
        alphas,
        n_angular=None,
        refitted_standard_error=None,
    ):
        self.n_features = as_vector(n_features, "n_features")
        n_alphas = len(self.n_features)
        self.penalised_rmse = as_vector(penalised_rmse, "penalised_rmse", n_alphas)
        self.refitted_rmse = as_vector(refitted_rmse, "refitted_rmse", n_alphas)
        self.alphas = as_vector(alphas, "alphas", n_alphas)
        self.n_angular = None
        if n_angular is not None:
            self.n_angular = as_vector(n_angular, "n_angular", n_alphas)
        if refitted_standard_error is None:
            refitted_standard_error = np.full(n_alphas, np.nan)
        self.refitted_standard_error = as_vector(
            refitted_standard_error, "refitted_standard_error", n_alphas
        )

    @classmethod
    def from_path(cls, path, *, angular=None, ax=None, **plot_options):
        """Draw a path.

        Parameters
        ----------
        path : SelectionPath
            As returned by `group_lasso_path`, with its refits.
        angular : array-like of bool of shape (n_features,), default=None
            Which of the features are angular functions.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        **plot_options
            Passed on to `plot`.

        Returns
        -------
        SelectionPathDisplay
        """
        check_is_path(path)
        n_angular = None
        if angular is not None:
            n_angular = np.asarray(path.supports)[:, np.asarray(angular, dtype=bool)].sum(axis=1)
        display = cls(
            path.n_features,
            path.penalised_rmse,
            path.refitted_rmse,
            path.alphas,
            n_angular,
            getattr(path, "refitted_standard_error", None),
        )
        return display.plot(ax, **plot_options)

    @classmethod
    def from_estimator(cls, selector, *, ax=None, **plot_options):
        """Draw the path of a fitted selector.

        Parameters
        ----------
        selector : AtomicSelector
            Fitted, with a `path_`, such as `AdaptiveGroupLassoSelector` or `WaldSelector`. If it
            was fitted with features that know their symmetry functions, bars count the angular
            ones.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        **plot_options
            Passed on to `plot`.

        Returns
        -------
        SelectionPathDisplay

        Raises
        ------
        ValueError
            If the selector keeps no path.
        """
        check_is_fitted(selector)
        if not hasattr(selector, "path_"):
            raise ValueError(
                f"{type(selector).__name__} has no path_; draw its set with "
                "SupportMatrixDisplay.from_selectors."
            )
        angular = known_angular([selector])
        return cls.from_path(selector.path_, angular=angular, ax=ax, **plot_options)

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
        self.ax_ = make_axes(ax, self, figsize=(6.4, 4.4))
        self.figure_ = self.ax_.figure
        self.angular_ax_ = None if self.n_angular is None else self._plot_angular()
        # Back along the path, so that the lines follow it.
        order = np.lexsort((-self.alphas, self.n_features))
        self._plot_errors(order)
        use_log_scale(self.ax_)
        if self.n_angular is not None:
            self._make_room_for_bars()
        self.colorbar_ = self._plot_colorbar(self.alphas[order])
        self.ax_.set(xlabel="selected functions", ylabel=f"RMSE ({energy_unit})")
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        self.ax_.legend(frameon=False)
        return self

    def _plot_errors(self, order):
        x = self.n_features[order]
        penalised, refitted = self.penalised_rmse[order], self.refitted_rmse[order]
        self.ax_.plot(x, penalised, color="0.6", linestyle=":", linewidth=1, zorder=1)
        self.ax_.plot(x, refitted, color="0.3", linewidth=1, zorder=1)
        self.penalised_ = self.ax_.scatter(
            x, penalised, s=36, facecolors="white", edgecolors="0.3", label="on the path", zorder=2
        )
        label = "_nolegend_" if np.isnan(refitted).all() else "refitted"
        self.refitted_ = self.ax_.scatter(
            x, refitted, s=36, facecolors="0.3", edgecolors="black", label=label, zorder=3
        )
        self.errorbar_ = self._plot_standard_errors(
            x, refitted, self.refitted_standard_error[order]
        )

    def _plot_standard_errors(self, x, refitted, errors):
        known = np.isfinite(refitted) & np.isfinite(errors)
        if not known.any():
            return None
        # A bar down to zero or below would have no end on a logarithmic axis.
        below = np.minimum(errors, (1.0 - LOWEST_END) * refitted)
        return self.ax_.errorbar(
            x[known],
            refitted[known],
            yerr=[below[known], errors[known]],
            fmt="none",
            ecolor="0.5",
            elinewidth=1,
            capsize=2,
            zorder=2,
        )

    def _plot_colorbar(self, alphas):
        """Shade the refits by their alphas, which come in the order of the circles."""
        positive = alphas[alphas > 0]
        if not len(positive) or positive.min() == positive.max():
            return None
        if np.isnan(self.refitted_rmse).all():
            return None
        from matplotlib.colors import LogNorm

        self.refitted_.set(
            array=np.maximum(alphas, positive.min()),
            norm=LogNorm(positive.min(), positive.max()),
            cmap="viridis_r",
        )
        return self.figure_.colorbar(
            self.refitted_, ax=self.ax_, location="top", label="alpha", aspect=40, pad=0.02
        )

    def _plot_angular(self):
        """Bars on axes of their own behind the errors."""
        ax = self.ax_.twinx()
        ax.set_zorder(self.ax_.get_zorder() - 1)
        self.ax_.patch.set_visible(False)
        ax.bar(self.n_features, self.n_angular, width=0.6, color="0.9")
        largest = self.n_angular.max()
        ax.set_ylim(0, max(largest, 1) / BAR_SHARE)
        ax.set_yticks([tick for tick in ax.get_yticks() if tick <= largest and tick % 1 == 0])
        ax.set_ylabel("angular functions", loc="bottom")
        return ax

    def _make_room_for_bars(self):
        """Lower the limit of the logarithmic axis, so that the errors stand above the bars."""
        low, high = self.ax_.get_ylim()
        self.ax_.set_ylim(low * (low / high) ** (BAR_SHARE / (1 - BAR_SHARE)), high)
