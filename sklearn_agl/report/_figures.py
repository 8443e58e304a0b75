"""The figures of a report, each a Display of the package, as SVG."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sklearn_agl.inspection import (
    AngularFunctionDisplay,
    ErrorByGroupDisplay,
    ParityDisplay,
    SelectionPathDisplay,
    SymmetryFunctionDisplay,
)

MOST_STRUCTURES = 40
"""Structures that distributions are made of."""
DOTS_PER_INCH = 150
"""Of the points in a vector graphic that are drawn as pixels, and of nothing else."""


@dataclass(frozen=True)
class Figure:
    """A figure of the report.

    Attributes
    ----------
    title, caption : str
        What it shows, and how to read it.
    svg : str
        The picture.
    """

    title: str
    caption: str
    svg: str


@dataclass(frozen=True)
class _Plan:
    """A figure to draw: `is_there` says whether the findings have what `draw` needs."""

    title: str
    caption: str
    is_there: Callable
    draw: Callable


def draw_figures(findings):
    """Draw all figures that the findings have something for.

    Parameters
    ----------
    findings : Findings

    Returns
    -------
    list of Figure
    """
    from matplotlib import rc_context

    figures = []
    # Without a date and with fixed names inside, equal findings make equal files.
    with rc_context({"svg.hashsalt": "sklearn_agl", "font.size": 10}):
        for plan in PLANS:
            if plan.is_there(findings):
                figures.append(Figure(plan.title, plan.caption, _svg_of(plan.draw(findings))))
    return figures


def _svg_of(figure):
    import matplotlib.pyplot as plt

    file = io.StringIO()
    figure.savefig(
        file, format="svg", bbox_inches="tight", dpi=DOTS_PER_INCH, metadata={"Date": None}
    )
    plt.close(figure)
    text = file.getvalue()
    return text[text.index("<svg") :]


def _sample(structures):
    rows = np.linspace(0, len(structures) - 1, min(len(structures), MOST_STRUCTURES))
    return [structures[row] for row in np.unique(rows.round().astype(int))]


def _draw_path(findings):
    angular = [function.is_angular for function in findings.candidates or ()]
    display = SelectionPathDisplay.from_path(
        findings.path, angular=angular if any(angular) else None
    )
    if findings.point is not None:
        x = findings.path.n_features[findings.point]
        y = findings.path.refitted_rmse[findings.point]
        display.ax_.plot(x, y, "o", markersize=13, markerfacecolor="none", markeredgecolor="C3")
    return display.figure_


def _draw_costs(findings):
    """Errors of the path's sets over their times."""
    import matplotlib.pyplot as plt

    from sklearn_agl.inspection._plotting import use_log_scale

    path, times = findings.path, findings.path_costs
    known = np.isfinite(path.refitted_rmse) & np.isfinite(times)
    figure, ax = plt.subplots(layout="constrained", figsize=(6.4, 4.0))
    below = np.minimum(path.refitted_standard_error, 0.7 * path.refitted_rmse)
    bars = np.nan_to_num(np.array([below, path.refitted_standard_error])[:, known])
    ax.errorbar(
        times[known], path.refitted_rmse[known], yerr=bars, fmt="o", color="0.3",
        ecolor="0.6", capsize=2, markersize=5,
    )  # fmt: skip
    for point in _some_points(path, known):
        ax.annotate(
            path.n_features[point], (times[point], path.refitted_rmse[point]),
            xytext=(4, 4), textcoords="offset points", fontsize="small",
        )  # fmt: skip
    if findings.point is not None:
        place = times[findings.point], path.refitted_rmse[findings.point]
        ax.plot(*place, "o", markersize=13, markerfacecolor="none", markeredgecolor="C3")
    use_log_scale(ax)
    ax.set(xlabel="time of the functions (µs per atom and step)", ylabel="RMSE (eV/atom)")
    ax.set_xlim(left=0)
    return figure


def _some_points(path, known):
    """At most a dozen points, each of another size."""
    _, first = np.unique(np.where(known, path.n_features, -1), return_index=True)
    points = [point for point in first if known[point]]
    return points[:: max(1, -(-len(points) // 12))]


def _draw_radial(findings):
    # Functions of several pairs of elements are the same curve.
    curves = [replace(f, center=None, neighbors=None) for f in findings.functions]
    functions = [f for f in dict.fromkeys(curves) if not f.is_angular]
    periodic = [atoms for atoms in findings.structures if atoms.pbc.all()]
    return SymmetryFunctionDisplay.from_structures(
        _sample(periodic), functions, cutoff=findings.potential[0].cutoff
    ).figure_


def _draw_angular(findings):
    return AngularFunctionDisplay.from_structures(
        _sample(findings.structures), findings.functions
    ).figure_


def _draw_learning(findings):
    from matplotlib.ticker import MaxNLocator
    from sklearn.model_selection import LearningCurveDisplay

    sizes, train, test = (np.asarray(own) for own in findings.learning[:3])
    display = LearningCurveDisplay(
        train_sizes=sizes, train_scores=train, test_scores=test, score_name="RMSE (eV/atom)"
    ).plot(negate_score=True, score_type="both", std_display_style=None)
    for line in display.ax_.lines:
        line.set_marker("o")
    display.ax_.set_xlabel("structures in training")
    display.ax_.set_ylim(bottom=0)
    display.ax_.xaxis.set_major_locator(MaxNLocator(integer=True))
    display.figure_.set_size_inches(6.4, 3.8)
    return display.figure_


def _draw_coverage(findings):
    """Shares of the atoms for which functions extrapolate."""
    from sklearn_agl.descriptors import short_names

    evaluation = findings.evaluation
    shares = 100.0 * evaluation.share_outside
    worst = np.argsort(shares)[::-1][:20]
    names = short_names(evaluation.symmetry_functions)
    display = ErrorByGroupDisplay({names[k]: shares[k] for k in worst if shares[k]}).plot()
    display.ax_.set_xlabel("atoms outside the range of the training (%)")
    return display.figure_


def _has_quantity(quantity):
    name = {"energy": "energy_rmse", "forces": "force_rmse"}[quantity]
    return lambda findings: bool(np.isfinite(getattr(findings.errors, name)))


def _parity(quantity):
    return lambda findings: (
        ParityDisplay.from_evaluation(findings.evaluation, quantity=quantity).figure_
    )


def _by(kind, quantity):
    return lambda findings: (
        ErrorByGroupDisplay.from_evaluation(findings.evaluation, by=kind, quantity=quantity).figure_
    )


PLANS = (
    _Plan(
        "Errors along the path",
        "Errors on structures held out in training, over the number of functions. Filled: trained "
        "again on these functions alone, with standard errors. Open: while the penalty acts. Grey "
        "bars count angular functions. The ring marks the chosen set.",
        lambda findings: findings.path is not None,
        _draw_path,
    ),
    _Plan(
        "What accuracy costs",
        "The same sets over the measured time of their functions, forces included. Numbers are "
        "sizes of the sets; the ring marks the chosen one.",
        lambda findings: findings.path is not None and findings.path_costs is not None,
        _draw_costs,
    ),
    _Plan(
        "Energies",
        "Predicted over given energies per atom, and their differences. On the line, both agree.",
        _has_quantity("energy"),
        _parity("energy"),
    ),
    _Plan(
        "Forces",
        "The same for all components of the forces.",
        _has_quantity("forces"),
        _parity("forces"),
    ),
    _Plan(
        "Energy errors by group",
        "Root mean square errors of the energy per atom, with the number of structures; the line "
        "is the error of all.",
        lambda findings: findings.has_groups and _has_quantity("energy")(findings),
        _by("group", "energy"),
    ),
    _Plan(
        "Force errors by group",
        "The same for components of forces.",
        lambda findings: findings.has_groups and _has_quantity("forces")(findings),
        _by("group", "forces"),
    ),
    _Plan(
        "Force errors by element",
        "Root mean square errors of force components, with the number of atoms.",
        lambda findings: findings.has_elements and _has_quantity("forces")(findings),
        _by("element", "forces"),
    ),
    _Plan(
        "Does more data help?",
        "Errors of potentials on the chosen functions that were trained on parts of the data. A "
        "test curve that still falls at its end says yes; one that has met the other says no.",
        lambda findings: findings.learning is not None,
        _draw_learning,
    ),
    _Plan(
        "Radial functions and distances",
        "What one neighbour at a distance adds to each radial function, over the radial "
        "distribution function of the structures (grey). Pairs of elements share their curves.",
        lambda findings: (
            len(findings.functions) > findings.n_angular
            and any(atoms.pbc.all() for atoms in findings.structures)
        ),
        _draw_radial,
    ),
    _Plan(
        "Angular functions and angles",
        "The angular terms of the functions, over the angles between near neighbours (grey; "
        "1 is what directions at random would have).",
        lambda findings: findings.n_angular > 0 and len(findings.structures) > 0,
        _draw_angular,
    ),
    _Plan(
        "Where the potential extrapolates",
        "Part of the atoms for which a function is outside the range that it had in training; "
        "at most twenty functions.",
        lambda findings: bool(findings.evaluation.n_outside.any()),
        _draw_coverage,
    ),
)
