"""Tables of errors for a terminal."""

import numpy as np

from sklearn_agl.cli._messages import show, table

HEAD = ("", "structures", "atoms", "energy RMSE", "MAE", "force RMSE", "MAE", "stress RMSE",
        "extrapolating")  # fmt: skip
STRESS, NOTHING = 7, "-"
UNITS = ("", "", "", "meV/atom", "meV/atom", "meV/Å", "meV/Å", "meV/Å³", "values")


def show_errors(evaluations, title="errors"):
    """Print the errors of potentials, and of the first one by group and by element.

    Parameters
    ----------
    evaluations : dict of str to PotentialEvaluation
        By name.
    title : str
        What stands above.
    """
    rows = [_row(own.errors()[0], name) for name, own in evaluations.items()]
    evaluation = next(iter(evaluations.values()))
    if len(set(evaluation.groups.tolist())) > 1:
        rows += [_row(own) for own in evaluation.errors("group")]
    elements = evaluation.errors("element")
    if len(elements) > 1:
        rows += [_row(own) for own in elements]
    has_stress = any(row[STRESS] != NOTHING for row in rows)
    kept = [k for k in range(len(HEAD)) if k != STRESS or has_stress]
    show(f"{title}, with energies in eV and lengths in Å")
    for line in table(_pick(HEAD, kept), [_pick(row, kept) for row in (UNITS, *rows)]):
        show(line)


def _row(own, name=None):
    errors = own.energy_rmse, own.energy_mae, own.force_rmse, own.force_mae, own.stress_rmse
    numbers = [f"{1e3 * error:.2f}" if np.isfinite(error) else NOTHING for error in errors]
    return [(name or own.name)[:30], str(own.n_structures), str(own.n_atoms), *numbers,
            str(own.n_extrapolations)]  # fmt: skip


def _pick(cells, kept):
    return [cells[k] for k in kept]
