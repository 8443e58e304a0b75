"""Radial symmetry functions over the structure they describe."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_agl.descriptors import SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.descriptors.kernels._cutoffs import CUTOFFS, LARGEST
from sklearn_agl.inspection._plotting import as_vector, make_axes
from sklearn_agl.inspection._radial_distribution import radial_distribution
from sklearn_agl.potentials._pipelines import ends_of, functions_behind_selectors

LINE_STYLES = ("-", "--", "-.", ":")
LONGEST_LEGEND = 18
"""Entries that stand beside the axes."""


class SymmetryFunctionDisplay:
    r"""Radial functions :math:`e^{-\eta (r - r_s)^2} f_c(r)` over a radial distribution function.

    It shows which distances a selection looks at. Angular functions are left out, and of more than
    18 functions, the legend names 18 from all over the list.

    Parameters
    ----------
    symmetry_functions : sequence of SymmetryFunction
        Definitions with their cutoff radius, such as ``symmetry_functions_`` of a fitted
        `SymmetryFunctionTransformer`.
    cutoff : {"cosine", "poly2"}
        Cutoff function of the definitions that name none.
    distances : array-like of shape (n_distances,)
        Distances, ascending.
    rdf : array-like of shape (n_distances,)
        Radial distribution function at these distances.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes with the symmetry functions.
    rdf_ax_ : matplotlib.axes.Axes
        Axes with the radial distribution function.
    figure_ : matplotlib.figure.Figure
        The figure.
    lines_ : list of matplotlib.lines.Line2D
        One line for each radial function.

    Raises
    ------
    ValueError
        If no function is radial, one has no cutoff radius, or the arrays differ in length.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from sklearn_agl.descriptors import SymmetryFunction
    >>> from sklearn_agl.inspection import SymmetryFunctionDisplay
    >>> functions = [SymmetryFunction("G2", eta=eta, r_cut=6.0) for eta in (0.1, 0.5, 2.0)]
    >>> display = SymmetryFunctionDisplay.from_structures([bulk("Si") * 2], functions)
    >>> len(display.lines_)
    3
    """

    def __init__(self, symmetry_functions, cutoff, distances, rdf):
        _check_functions(symmetry_functions)
        self.symmetry_functions = tuple(symmetry_functions)
        self.cutoff = cutoff
        self.distances = as_vector(distances, "distances")
        self.rdf = as_vector(rdf, "rdf", len(self.distances))
        if cutoff not in CUTOFFS:
            raise ValueError(f"cutoff must be one of {list(CUTOFFS)}, got {cutoff!r}.")

    @classmethod
    def from_structures(
        cls,
        structures,
        symmetry_functions,
        *,
        cutoff="poly2",
        r_max=None,
        n_bins=200,
        ax=None,
        **plot_options,
    ):
        """Compute the radial distribution function of structures and draw the figure.

        Parameters
        ----------
        structures : sequence of ase.Atoms
            Structures that are periodic in three directions.
        symmetry_functions : sequence of SymmetryFunction
            Definitions with their cutoff radius.
        cutoff : str, default="poly2"
            Cutoff function of the definitions that name none.
        r_max : float, default=None
            Largest distance, by default the largest cutoff radius.
        n_bins : int, default=200
            Number of distances.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        **plot_options
            Passed on to `plot`.

        Returns
        -------
        SymmetryFunctionDisplay
        """
        _check_functions(symmetry_functions)
        if r_max is None:
            r_max = max(function.r_cut for function in symmetry_functions)
        distances, rdf = radial_distribution(structures, r_max, n_bins)
        return cls(symmetry_functions, cutoff, distances, rdf).plot(ax, **plot_options)

    @classmethod
    def from_estimator(cls, estimator, structures, *, ax=None, **options):
        """Draw the functions that a fitted transformer or potential evaluates.

        Parameters
        ----------
        estimator : SymmetryFunctionTransformer or Pipeline
            Fitted: a transformer, all functions of which are drawn, or a pipeline of a transformer,
            selectors, and an `HDNNPRegressor`, of which those that pass the selectors are.
        structures : sequence of ase.Atoms
            Structures that are periodic in three directions.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        **options
            Passed on to `from_structures`.

        Returns
        -------
        SymmetryFunctionDisplay

        Raises
        ------
        ValueError
            If a pipeline is no such potential.
        """
        if isinstance(estimator, SymmetryFunctionTransformer):
            check_is_fitted(estimator)
            transformer, functions = estimator, estimator.symmetry_functions_
        else:
            transformer, _ = ends_of(estimator)
            functions = functions_behind_selectors(estimator)
        options = {"cutoff": transformer.cutoff} | options
        return cls.from_structures(structures, functions, ax=ax, **options)

    def plot(self, ax=None, *, length_unit="Å"):
        """Draw the figure.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.
        length_unit : str, default="Å"
            Unit of the distances, for the labels. Nothing is converted.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        self.ax_ = make_axes(ax, self, figsize=(7.2, 4.0))
        self.figure_ = self.ax_.figure
        self.rdf_ax_ = self._plot_rdf()
        self._plot_functions()
        self.ax_.set(
            xlabel=f"distance ({length_unit})",
            ylabel="symmetry function of one neighbour",
            ylim=(min(0.0, *(line.get_ydata().min() for line in self.lines_)), 1.05),
        )
        return self

    def _plot_rdf(self):
        """Filled curve on axes of its own behind the functions."""
        ax = self.ax_.twinx()
        ax.set_zorder(self.ax_.get_zorder() - 1)
        self.ax_.patch.set_visible(False)
        ax.fill_between(self.distances, self.rdf, color="0.88", linewidth=0)
        ax.set_ylabel("radial distribution function g(r)")
        ax.set_ylim(0, 1.05 * self.rdf.max() or 1.0)
        return ax

    def _plot_functions(self):
        import matplotlib
        from matplotlib.transforms import offset_copy

        radial = [function for function in self.symmetry_functions if not function.is_angular]
        # The brightest quarter of the map would vanish on white.
        colors = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.75, len(radial)))
        self.lines_ = []
        for i, (function, color) in enumerate(zip(radial, colors, strict=True)):
            style = LINE_STYLES[i % len(LINE_STYLES)]
            values = self._evaluate(function)
            label = _label(function)
            self.lines_ += self.ax_.plot(self.distances, values, style, color=color, label=label)
        # To the right of the other axis and its label, whose width is set in points.
        right = offset_copy(self.ax_.transAxes, self.figure_, x=46, units="points")
        self.ax_.legend(
            handles=_some(self.lines_),
            title=_more_than_shown(self.lines_),
            title_fontsize="small",
            frameon=False,
            fontsize="small",
            loc="upper left",
            bbox_to_anchor=(1, 1),
            bbox_transform=right,
            borderaxespad=0,
        )

    def _evaluate(self, function):
        cutoff, _ = CUTOFFS[function.cutoff or self.cutoff]
        r, r_inner = self.distances, function.r_inner
        relative = np.clip((r - r_inner) / (function.r_cut - r_inner), 0.0, LARGEST)
        inside = np.where(r < function.r_cut, [cutoff(x) for x in relative], 0.0)
        if function.kind == "G3":
            return inside * np.cos(function.kappa * r)
        return inside * np.exp(-(function.eta or 0.0) * (r - function.r_s) ** 2)


def _some(lines):
    """Lines from all over a list that a legend has room for."""
    n_shown = min(len(lines), LONGEST_LEGEND)
    return [lines[k] for k in np.linspace(0, len(lines) - 1, n_shown).round().astype(int)]


def _more_than_shown(lines):
    if len(lines) <= LONGEST_LEGEND:
        return None
    return f"{LONGEST_LEGEND} of {len(lines)} functions"


def _check_functions(symmetry_functions):
    is_list = isinstance(symmetry_functions, (list, tuple))
    if not is_list or not all(isinstance(one, SymmetryFunction) for one in symmetry_functions):
        raise ValueError(
            f"symmetry_functions must be a list of SymmetryFunction, got {symmetry_functions!r}."
        )
    if all(function.is_angular for function in symmetry_functions):
        raise ValueError("symmetry_functions has no radial function, so there is nothing to draw.")
    for function in symmetry_functions:
        if function.r_cut is None:
            raise ValueError(
                f"Symmetry function {function.name} has no cutoff radius; give it r_cut, or use "
                "symmetry_functions_ of a fitted transformer."
            )


def _label(function):
    label = {
        "G1": "cutoff function",
        "G2": rf"$\eta$ = {function.eta or 0.0:.3g}, $r_s$ = {function.r_s:.3g}",
        "G3": rf"$\kappa$ = {function.kappa or 0.0:.3g}",
    }[function.kind]
    if function.weighted:
        label = f"weighted, {label}"
    if function.center and function.neighbors and {function.center} != set(function.neighbors):
        label = f"{function.center}–{function.neighbors[0]}, {label}"
    return label
