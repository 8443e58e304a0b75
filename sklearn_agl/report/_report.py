"""The report from beginning to end."""

import numpy as np

from sklearn_agl._version import __version__
from sklearn_agl.descriptors import short_names
from sklearn_agl.io._files import as_path, write_files
from sklearn_agl.report import _html as html
from sklearn_agl.report._answer import answer, cautions
from sklearn_agl.report._figures import draw_figures
from sklearn_agl.report._findings import Findings

MOST_ROWS = 30
"""Of the table of functions, before it is folded."""


ERRORS = ("", "structures", "atoms", "energy RMSE (meV/atom)", "MAE", "force RMSE (meV/Å)", "MAE",
          "stress RMSE (meV/Å³)", "extrapolations")  # fmt: skip
STRESS, NOTHING = 7, "–"
"""The column of the stress, which few data sets have, and what stands for no number."""


def write_report(
    file,
    potential,
    evaluation,
    *,
    structures=(),
    candidates=None,
    path=None,
    point=None,
    path_costs=None,
    costs=None,
    reference=None,
    comparison=None,
    learning=None,
    notes=(),
):
    """Write a page about a potential: the answer in words, tables, figures with captions.

    Parameters
    ----------
    file : str or path
        The HTML file, replaced if it exists. It needs nothing else, and no network.
    potential : sklearn.pipeline.Pipeline
        A SymmetryFunctionTransformer, any selectors, and an HDNNPRegressor, fitted.
    evaluation : PotentialEvaluation
        Of this potential, on structures that took no part in training.
    structures : sequence of ase.Atoms, default=()
        Such as it was trained on, for the distributions of distances and angles.
    candidates : sequence of SymmetryFunction, default=None
        The functions that there were to choose from.
    path : SelectionPath, default=None
        The way to the set.
    point : int, default=None
        Where on it the set is.
    path_costs : array-like of shape (n_points,), default=None
        Microseconds per atom and step of the path's sets, see `measure_set_costs`.
    costs : tuple of (float, float), default=None
        The same of all functions and of the chosen set.
    reference : PotentialEvaluation, default=None
        Of a potential on all functions, on the same structures.
    comparison : dict of str to PotentialEvaluation, default=None
        Of potentials on as many functions by other methods.
    learning : tuple of ndarray, default=None
        What scikit-learn's ``learning_curve`` returns, with errors per atom as scores.
    notes : sequence of str, default=()
        More to watch.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    OSError
        If the file cannot be written.

    See Also
    --------
    sklearn_agl.inspection.evaluate_potential : Makes an evaluation.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ase.build import bulk
    >>> from ase.calculators.emt import EMT
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
    >>> from sklearn_agl.inspection import evaluate_potential
    >>> from sklearn_agl.report import write_report
    >>> structures = [bulk("Al", cubic=True) for _ in range(40)]
    >>> for seed, atoms in enumerate(structures):
    ...     atoms.rattle(0.1, seed=seed)
    ...     atoms.calc = EMT()
    ...     energy = atoms.get_potential_energy()
    >>> pipe = make_pipeline(SymmetryFunctionTransformer("lj-22"), HDNNPRegressor(random_state=0))
    >>> evaluation = evaluate_potential(pipe.fit(structures[:30]), structures[30:])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(Path(folder) / "report.html", pipe, evaluation)
    ...     text = (Path(folder) / "report.html").read_text()
    >>> "symmetry functions" in text, "https://" in text
    (True, False)
    """
    findings = Findings(
        potential=potential,
        evaluation=evaluation,
        structures=tuple(structures),
        candidates=None if candidates is None else tuple(candidates),
        path=path,
        point=point,
        path_costs=None if path_costs is None else np.asarray(path_costs, dtype=float),
        costs=costs,
        reference=reference,
        comparison={} if comparison is None else comparison,
        learning=learning,
        notes=tuple(notes),
    )
    write_files({as_path(file, "file"): make_page(findings).encode()}, overwrite=True)


def make_page(findings):
    """The HTML.

    Parameters
    ----------
    findings : Findings

    Returns
    -------
    str
    """
    title = f"A potential of {len(findings.functions)} symmetry functions"
    parts = [
        html.heading(title, 1),
        html.paragraph(" ".join(answer(findings)), "answer"),
        *_watch(findings),
        html.heading("Errors"),
        _errors(findings),
        html.heading("Figures"),
        '<div class="figures">',
        *(html.figure(one.title, one.caption, one.svg) for one in draw_figures(findings)),
        "</div>",
        html.heading("The functions"),
        _functions(findings),
        *_path(findings),
        f"<footer>Energies in eV and lengths in Å, if the data are. sklearn_agl {__version__}"
        "</footer>",
    ]
    return html.page(title, parts)


def _watch(findings):
    found = cautions(findings)
    return [html.heading("What to watch"), html.bullets(found)] if found else []


def _errors(findings):
    """Everything, groups, elements, and other potentials."""
    rows = [_error_row(own) for own in findings.evaluation.errors()]
    if findings.reference is not None:
        own = findings.reference.errors()[0]
        rows.append(_error_row(own, f"all {len(findings.reference.symmetry_functions)} functions"))
    for name, evaluation in findings.comparison.items():
        rows.append(_error_row(evaluation.errors()[0], f"as many functions by {name}"))
    if findings.has_groups:
        rows += [_error_row(own) for own in findings.evaluation.errors("group")]
    if findings.has_elements:
        rows += [_error_row(own) for own in findings.evaluation.errors("element")]
    has_stress = any(row[STRESS] != NOTHING for row in rows)
    kept = [k for k in range(len(ERRORS)) if k != STRESS or has_stress]
    picked = [[row[k] for k in kept] for row in (ERRORS, *rows)]
    return html.table(picked[0], picked[1:], chosen=0)


def _error_row(own, name=None):
    errors = own.energy_rmse, own.energy_mae, own.force_rmse, own.force_mae, own.stress_rmse
    numbers = [f"{1e3 * error:.3g}" if np.isfinite(error) else NOTHING for error in errors]
    name = name or {"all": "these functions"}.get(own.name, own.name)
    return [name, str(own.n_structures), str(own.n_atoms), *numbers, str(own.n_extrapolations)]


def _functions(findings):
    evaluation, model = findings.evaluation, findings.potential[-1]
    norms = model.group_norms_ / model.group_norms_.max(initial=1e-300)
    rows = [
        [
            name,
            *(f"{value:.4g}" for value in (*trained, *here)),
            f"{100 * share:.2g}",
            f"{norm:.2f}",
        ]
        for name, trained, here, share, norm in zip(
            short_names(findings.functions),
            evaluation.training_ranges,
            evaluation.ranges,
            evaluation.share_outside,
            norms,
            strict=True,
        )
    ]
    head = ("", "min in training", "max", "min in the test", "max", "atoms outside (%)",
            "relative weight")  # fmt: skip
    content = html.table(head, rows)
    if len(rows) > MOST_ROWS:
        return html.folded(f"All {len(rows)} functions", content)
    return content


def _path(findings):
    path = findings.path
    if path is None:
        return []
    costs = findings.path_costs
    rows = []
    for point in range(len(path)):
        error, doubt = path.refitted_rmse[point], path.refitted_standard_error[point]
        refitted = f"{1e3 * error:.3g} ± {1e3 * doubt:.2g}" if np.isfinite(error) else "–"
        cost = "–" if costs is None or not np.isfinite(costs[point]) else f"{costs[point]:.3g}"
        rows.append(
            [str(path.n_features[point]), f"{path.alphas[point]:.2e}",
             f"{1e3 * path.penalised_rmse[point]:.3g}", refitted, cost]
        )  # fmt: skip
    head = ("functions", "alpha", "with the penalty (meV/atom)", "refitted (meV/atom)", "µs")
    content = html.table(head, rows, chosen=findings.point)
    return [html.folded("All sets of the path", content)]
