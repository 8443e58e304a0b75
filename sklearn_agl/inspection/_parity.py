"""Predictions against what is given, with the differences below."""

import numpy as np

from sklearn_agl.inspection._evaluation import evaluate_potential
from sklearn_agl.inspection._plotting import as_vector, make_axes

MOST_GROUPS = 10
"""Colours that eyes can tell apart."""
OTHERS = "others"
QUANTITIES = ("energy", "forces")
RASTERIZED = 2000
"""From this number of points on, a vector graphic would be slow to show."""


class ParityDisplay:
    """Predicted against given values, coloured by group, with the differences below.

    Parameters
    ----------
    given, predicted : array-like of shape (n_values,)
        Energies per atom or components of forces. Entries of which one is NaN are left out.
    groups : sequence of str of shape (n_values,), default=None
        Names of what is to be told apart. Of more than ten, the nine with the largest sums of
        squared differences have a colour of their own.
    quantity : {"energy", "forces"}, default="energy"
        What the values are, for the labels.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes with predicted over given values.
    residual_ax_ : matplotlib.axes.Axes or None
        Axes with the differences.
    figure_ : matplotlib.figure.Figure
        The figure.
    points_ : list of matplotlib.lines.Line2D
        The points of each group.
    rmse_, mae_ : float
        Of all values, in their unit.

    Raises
    ------
    ValueError
        If the lengths differ, or no entry is known on both sides.

    See Also
    --------
    evaluate_potential : Has the values of a potential.

    Examples
    --------
    >>> from sklearn_agl.inspection import ParityDisplay
    >>> display = ParityDisplay([-3.1, -3.2, -3.4], [-3.0, -3.2, -3.5], ["fcc", "fcc", "liquid"])
    >>> display.plot().ax_.get_ylabel()
    'predicted energy (eV/atom)'
    >>> round(display.rmse_, 3)
    0.082
    """

    def __init__(self, given, predicted, groups=None, quantity="energy"):
        if quantity not in QUANTITIES:
            raise ValueError(f"quantity must be one of {list(QUANTITIES)}, got {quantity!r}.")
        given = as_vector(given, "given")
        predicted = as_vector(predicted, "predicted", len(given))
        groups = np.array([""] * len(given) if groups is None else [str(one) for one in groups])
        if len(groups) != len(given):
            raise ValueError(f"groups has {len(groups)} entries, but {len(given)} are needed.")
        known = np.isfinite(given) & np.isfinite(predicted)
        if not known.any():
            raise ValueError("No value is known on both sides; there is nothing to draw.")
        self.given, self.predicted, self.groups = given[known], predicted[known], groups[known]
        self.quantity = quantity
        residuals = self.predicted - self.given
        self.rmse_ = float(np.sqrt(np.mean(residuals**2)))
        self.mae_ = float(np.mean(np.abs(residuals)))

    @classmethod
    def from_evaluation(cls, evaluation, *, quantity="energy", ax=None, **plot_options):
        """Draw what `evaluate_potential` has found.

        Parameters
        ----------
        evaluation : PotentialEvaluation
            Predictions and labels.
        quantity : {"energy", "forces"}, default="energy"
            Energies per atom, or all components of the forces.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        **plot_options
            Passed on to `plot`.

        Returns
        -------
        ParityDisplay
        """
        if quantity == "forces":
            groups = np.repeat(evaluation.groups, 3 * evaluation.n_atoms)
            values = evaluation.forces.ravel(), evaluation.predicted_forces.ravel()
        else:
            groups = evaluation.groups
            totals = evaluation.energies, evaluation.predicted_energies
            values = [total / evaluation.n_atoms for total in totals]
        groups = groups if len(set(evaluation.groups.tolist())) > 1 else None
        return cls(*values, groups, quantity).plot(ax, **plot_options)

    @classmethod
    def from_estimator(
        cls, potential, structures, *, groups=None, quantity="energy", ax=None, **plot_options
    ):
        """Draw the predictions of a potential for structures that carry labels.

        Parameters
        ----------
        potential, structures, groups
            As in `evaluate_potential`.
        quantity : {"energy", "forces"}, default="energy"
            Energies per atom, or all components of the forces.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        **plot_options
            Passed on to `plot`.

        Returns
        -------
        ParityDisplay
        """
        evaluation = evaluate_potential(potential, structures, groups=groups)
        return cls.from_evaluation(evaluation, quantity=quantity, ax=ax, **plot_options)

    def plot(self, ax=None, *, residual_ax=None, unit=None):
        """Draw the figure.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes of predicted over given values, by default those of a new figure.
        residual_ax : matplotlib.axes.Axes, default=None
            Axes of the differences; by default below `ax` in a new figure, and none where `ax` is
            given.
        unit : str, default=None
            Unit of the values, for the labels, by default eV/atom or eV/Å. Nothing is converted.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        if ax is None:
            ax, residual_ax = make_axes(None, self, nrows=2, sharex=True, height_ratios=(3, 1),
                                        figsize=(5.2, 5.8))  # fmt: skip
        self.ax_, self.residual_ax_, self.figure_ = ax, residual_ax, ax.figure
        unit = unit or {"energy": "eV/atom", "forces": "eV/Å"}[self.quantity]
        what = {"energy": "energy", "forces": "force component"}[self.quantity]
        self._plot_points()
        lowest = min(self.given.min(), self.predicted.min())
        self.ax_.axline((lowest, lowest), slope=1.0, color="0.4", linewidth=0.8, zorder=1)
        self.ax_.set_ylabel(f"predicted {what} ({unit})")
        self.ax_.set_title(f"RMSE {self.rmse_:.3g}, MAE {self.mae_:.3g} {unit}", fontsize="medium")
        lower = self.ax_ if residual_ax is None else residual_ax
        lower.set_xlabel(f"{what} ({unit})")
        if residual_ax is not None:
            residual_ax.axhline(0.0, color="0.4", linewidth=0.8, zorder=1)
            residual_ax.set_ylabel("difference")
        if len(self.points_) > 1:
            self.ax_.legend(frameon=False, fontsize="small", markerscale=1.5)
        return self

    def _plot_points(self):
        import matplotlib

        colors = matplotlib.colormaps["tab10"].colors
        options = {
            "linestyle": "",
            "marker": "o",
            "markersize": 4 if len(self.given) < RASTERIZED else 2.5,
            "markeredgewidth": 0,
            "alpha": 0.7,
            "rasterized": len(self.given) >= RASTERIZED,
        }
        self.points_ = []
        for (name, own), color in zip(self._parts(), colors, strict=False):
            given, predicted = self.given[own], self.predicted[own]
            self.points_ += self.ax_.plot(given, predicted, label=name, color=color, **options)
            if self.residual_ax_ is not None:
                self.residual_ax_.plot(given, predicted - given, color=color, **options)

    def _parts(self):
        """Names and members of the groups that have a colour, in alphabetical order."""
        names, place = np.unique(self.groups, return_inverse=True)
        if len(names) <= MOST_GROUPS:
            return [(name, place == k) for k, name in enumerate(names)]
        weights = np.bincount(place, (self.predicted - self.given) ** 2)
        largest = np.sort(np.argsort(weights)[::-1][: MOST_GROUPS - 1])
        parts = [(names[k], place == k) for k in largest]
        return [*parts, (OTHERS, ~np.isin(place, largest))]
