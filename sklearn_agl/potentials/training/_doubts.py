"""Warnings about a training that has ended."""

import numpy as np

LITTLE = 0.2
"""Share of the variance of the energies per atom that a potential should explain at least."""
SUSPICIOUS = 50.0
"""Errors beyond this times their median, and beyond the deviation of all energies, are named."""
MOST_NAMES = 5
"""Structures that one message names."""


def describe_doubts(training):
    """Messages about what is wrong with a fit.

    Parameters
    ----------
    training : Training
        With its last weights.

    Returns
    -------
    list of str
        A message for each doubt.
    """
    rows = np.sort(np.concatenate([training.train_rows, training.held_out_rows]))
    module, targets = training.net.module_, training.targets[rows]
    errors = training.observations.energy_errors(module, training.weights, rows)
    found = _find_suspicious(rows, errors, training.energy_scaler.deviation_)
    variance = np.mean(targets**2)
    explained = 1.0 - np.mean(errors**2) / variance if variance > 0.0 else 1.0
    if explained < LITTLE and not found:
        found.append(
            f"The potential explains {max(explained, 0.0):.0%} of the variance of the energies per "
            "atom in training: it is hardly better than their mean. Try other features, a smaller "
            "alpha, more max_epochs, or n_init=4."
        )
    return found


def _find_suspicious(rows, errors, deviation):
    """Name structures whose energies the networks miss by far more than those of others."""
    sizes = np.abs(errors)
    bad = np.flatnonzero(sizes > max(1.0, SUSPICIOUS * np.median(sizes)))
    if not len(bad):
        return []
    worst = bad[np.argsort(-sizes[bad])][:MOST_NAMES]
    names = ", ".join(f"{rows[i]} ({-errors[i] * deviation:+.3g} per atom)" for i in worst)
    more = f", and {len(bad) - MOST_NAMES} more" if len(bad) > MOST_NAMES else ""
    return [
        f"The energies of some structures are far from what the potential gives: {names}{more}; "
        f"half of all energies are within {np.median(sizes) * deviation:.2g}. Check them, or leave "
        "those structures out."
    ]
