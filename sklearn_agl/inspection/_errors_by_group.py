"""Errors of the parts of a data set side by side."""

import numpy as np

from sklearn_agl.inspection._evaluation import evaluate_potential
from sklearn_agl.inspection._plotting import make_axes

QUANTITIES = {"energy": "energy_rmse", "forces": "force_rmse", "stress": "stress_rmse"}
COUNTS = {"group": "n_structures", "element": "n_atoms"}


class ErrorByGroupDisplay:
    """Bars of errors, one for each group or element, the largest on top.

    Parameters
    ----------
    errors : dict of str to float
        Error of each group. Groups whose error is NaN are left out.
    overall : float, default=None
        Error of everything, drawn as a line.
    counts : dict of str to int, default=None
        How many structures, or atoms, each group has, for the labels.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes with the bars.
    figure_ : matplotlib.figure.Figure
        The figure.
    bars_ : matplotlib.container.BarContainer
        The bars, from the bottom to the top.

    Raises
    ------
    ValueError
        If no error is known.

    See Also
    --------
    evaluate_potential : Has the errors of a potential.

    Examples
    --------
    >>> from sklearn_agl.inspection import ErrorByGroupDisplay
    >>> display = ErrorByGroupDisplay({"crystal": 0.002, "liquid": 0.006}, overall=0.0045).plot()
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['crystal', 'liquid']
    """

    def __init__(self, errors, overall=None, counts=None):
        if not isinstance(errors, dict):
            raise ValueError(f"errors must be a dict of errors by name, got {errors!r}.")
        self.errors = {name: float(own) for name, own in errors.items() if np.isfinite(own)}
        if not self.errors:
            raise ValueError("errors has no group whose error is known; there is nothing to draw.")
        self.overall = overall
        self.counts = {} if counts is None else counts

    @classmethod
    def from_evaluation(cls, evaluation, *, by="group", quantity="energy", ax=None, **plot_options):
        """Draw what `evaluate_potential` has found.

        Parameters
        ----------
        evaluation : PotentialEvaluation
            Predictions and labels.
        by : {"group", "element"}, default="group"
            What the bars stand for. Elements have errors of their forces only.
        quantity : {"energy", "forces", "stress"}, default="energy"
            What the errors are of.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        **plot_options
            Passed on to `plot`.

        Returns
        -------
        ErrorByGroupDisplay
        """
        if quantity not in QUANTITIES:
            raise ValueError(f"quantity must be one of {list(QUANTITIES)}, got {quantity!r}.")
        attribute = QUANTITIES[quantity]
        rows = evaluation.errors(by)
        errors = {row.name: getattr(row, attribute) for row in rows}
        counts = {row.name: getattr(row, COUNTS[by]) for row in rows}
        overall = getattr(evaluation.errors()[0], attribute)
        unit = {"energy": "eV/atom", "forces": "eV/Å", "stress": "eV/Å³"}[quantity]
        options = {"unit": unit, "what": quantity} | plot_options
        return cls(errors, overall, counts).plot(ax, **options)

    @classmethod
    def from_estimator(cls, potential, structures, *, groups=None, **options):
        """Draw the errors of a potential for structures that carry labels.

        Parameters
        ----------
        potential, structures, groups
            As in `evaluate_potential`.
        **options
            Passed on to `from_evaluation`.

        Returns
        -------
        ErrorByGroupDisplay
        """
        evaluation = evaluate_potential(potential, structures, groups=groups)
        return cls.from_evaluation(evaluation, **options)

    def plot(self, ax=None, *, unit="eV/atom", what="energy"):
        """Draw the figure.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        unit : str, default="eV/atom"
            Unit of the errors, for the label. Nothing is converted.
        what : str, default="energy"
            What the errors are of, for the label.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        names = sorted(self.errors, key=self.errors.get)
        self.ax_ = make_axes(ax, self, figsize=(6.0, 1.2 + 0.26 * len(names)))
        self.figure_ = self.ax_.figure
        labels = [f"{name} ({self.counts[name]})" if name in self.counts else name
                  for name in names]  # fmt: skip
        values = [self.errors[name] for name in names]
        self.bars_ = self.ax_.barh(labels, values, color="0.6", height=0.7)
        if self.overall is not None and np.isfinite(self.overall):
            self.ax_.axvline(self.overall, color="black", linewidth=1, label="all")
            self.ax_.legend(frameon=False, loc="lower right")
        self.ax_.set_xlabel(f"RMSE of {what} ({unit})")
        self.ax_.margins(y=0.02)
        return self
