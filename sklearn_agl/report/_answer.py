"""The findings in plain sentences."""

import numpy as np

FEW_STRUCTURES = 20
LITTLE_LEARNT = 0.5
"""From this part of the spread of what is predicted on, an error means that little was learnt."""
WORSE_GROUP = 1.5
"""From this multiple of the error of all on, a group is worth a word."""
WORSE_SET = 1.1
"""From this multiple of the error of all functions on, a set has lost something."""
MORE_DATA_HELPS = 0.9
"""Below this part of the error with half the structures, more of them would help."""
SAME_TIME = 1.05
"""Up to this ratio, two times are the same."""
OFTEN = 0.01
"""From this part of the atoms on, a function extrapolates often."""


def answer(findings):
    """What was found, in a few sentences.

    Parameters
    ----------
    findings : Findings

    Returns
    -------
    list of str
    """
    sentences = [_set(findings), *_errors(findings), *_speed(findings)]
    return [sentence for sentence in sentences if sentence]


def cautions(findings):
    """What to watch.

    Parameters
    ----------
    findings : Findings

    Returns
    -------
    list of str
    """
    return [
        *_little_data(findings),
        *_little_learnt(findings),
        *_extrapolations(findings),
        *_lost(findings),
        *_groups(findings),
        *_more_data(findings),
        *findings.notes,
    ]


def milli(value, unit):
    """An error in thousandths of its unit, or from 1 on in its unit, with three digits.

    Parameters
    ----------
    value : float
        In eV.
    unit : str
        Behind the "m".

    Returns
    -------
    str
    """
    return f"{value:.3g} {unit}" if value >= 1.0 else f"{1e3 * value:.3g} m{unit}"


def _set(findings):
    n, n_angular = len(findings.functions), findings.n_angular
    kinds = f"{n - n_angular} radial and {n_angular} angular"
    if findings.candidates is None or len(findings.candidates) == n:
        return f"The potential uses {n} symmetry functions: {kinds}."
    return f"{n} of {len(findings.candidates)} symmetry functions are enough: {kinds}."


def _errors(findings):
    errors, n = findings.errors, len(findings.evaluation)
    parts = []
    if np.isfinite(errors.energy_rmse):
        parts.append(f"{milli(errors.energy_rmse, 'eV per atom')} in the energy")
    if np.isfinite(errors.force_rmse):
        parts.append(f"{milli(errors.force_rmse, 'eV/Å')} in a component of a force")
    if np.isfinite(errors.stress_rmse):
        parts.append(f"{milli(errors.stress_rmse, 'eV/Å³')} in a component of the stress")
    if not parts:
        return
    yield f"Its root mean square error on {n} structures is {_join(parts)}."
    yield from _spread(findings)
    if findings.reference is not None:
        whole = findings.reference.errors()[0]
        parts = [milli(whole.energy_rmse, "eV per atom")]
        if np.isfinite(whole.force_rmse):
            parts.append(milli(whole.force_rmse, "eV/Å"))
        n = len(findings.reference.symmetry_functions)
        yield f"With all {n} functions that carry something, it is {_join(parts)}."


def _spread(findings):
    """What the errors compare with."""
    energies, forces = _sizes(findings.evaluation)
    parts = []
    if np.isfinite(energies):
        parts.append(f"the energies per atom spread by {milli(energies, 'eV')}")
    if np.isfinite(forces):
        parts.append(f"a force component is typically {milli(forces, 'eV/Å')}")
    if parts:
        yield f"For comparison, {_join(parts)}."


def _sizes(evaluation):
    """Standard deviation of the energies per atom, and root mean square of force components."""
    per_atom = (evaluation.energies / evaluation.n_atoms)[np.isfinite(evaluation.energies)]
    forces = evaluation.forces[np.isfinite(evaluation.forces)]
    energy_spread = per_atom.std() if len(per_atom) > 1 else np.nan
    return energy_spread, np.sqrt(np.mean(forces**2)) if len(forces) else np.nan


def _little_learnt(findings):
    errors = findings.errors.energy_rmse, findings.errors.force_rmse
    names = "energy", "forces"
    for name, error, size in zip(names, errors, _sizes(findings.evaluation), strict=True):
        if error > LITTLE_LEARNT * size > 0.0:
            yield (
                f"The error of the {name} is {_percent(error / size)} of what there is to predict: "
                "the potential knows little of it yet. Train longer, on more data, or on forces."
            )


def _speed(findings):
    if findings.costs is None:
        return
    whole, own = findings.costs
    if len(findings.functions) == len(findings.candidates or findings.functions):
        yield f"A step of molecular dynamics takes {own:.3g} µs per atom for the functions."
        return
    times = f"{whole / own:.1f} times as fast" if whole > SAME_TIME * own else "no faster"
    yield (
        f"A step of molecular dynamics takes {own:.3g} µs per atom for these functions and "
        f"{whole:.3g} µs for all: {times}."
    )


def _little_data(findings):
    n = len(findings.evaluation)
    if n < FEW_STRUCTURES:
        yield f"The errors come from {n} structures only, so that they are uncertain themselves."
    trained_on = getattr(findings.potential[-1], "trained_on_", {})
    if trained_on and not trained_on["n_forces"]:
        yield (
            "The potential was trained on energies alone. For molecular dynamics, train it on "
            "forces as well."
        )


def _extrapolations(findings):
    evaluation = findings.evaluation
    atoms = np.mean(evaluation.atom_extrapolations > 0)
    if not atoms:
        return
    from sklearn_agl.descriptors import short_names

    worst = int(np.argmax(evaluation.share_outside))
    name = short_names(evaluation.symmetry_functions)[worst]
    share = evaluation.share_outside[worst]
    text = f"{_percent(atoms)} of the atoms are outside what training has seen, most often in "
    yield f"{text}{name} ({_percent(share)}). " + (
        "Add such structures to the training." if atoms >= OFTEN else "That is rare."
    )


def _lost(findings):
    if findings.reference is None:
        return
    whole, own = findings.reference.errors()[0], findings.errors
    for name, before, after in (
        ("energies", whole.energy_rmse, own.energy_rmse),
        ("forces", whole.force_rmse, own.force_rmse),
    ):
        if after > WORSE_SET * before:
            yield (
                f"The error of {name} is {_percent(after / before - 1.0)} above that of all "
                "functions: ask for more of them if that matters."
            )


def _groups(findings):
    rows = findings.evaluation.errors("group")
    if not findings.has_groups:
        return
    whole = findings.errors.energy_rmse
    bad = [row for row in rows if row.energy_rmse > WORSE_GROUP * whole]
    for row in sorted(bad, key=lambda own: -own.energy_rmse)[:3]:
        yield (
            f"Structures of {row.name} have an error of {milli(row.energy_rmse, 'eV per atom')}, "
            f"{row.energy_rmse / whole:.1f} times that of all."
        )


def _more_data(findings):
    if findings.learning_errors is None:
        return
    sizes, errors = findings.learning_errors
    if len(sizes) < 2:
        return
    change = f"From {sizes[-2]} to {sizes[-1]} structures, the error of the energy went from "
    change += f"{milli(errors[-2], 'eV')} to {milli(errors[-1], 'eV per atom')}: "
    helps = errors[-1] < MORE_DATA_HELPS * errors[-2]
    yield change + ("more data would help." if helps else "more of such data would hardly help.")


def _percent(share):
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _join(parts):
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
