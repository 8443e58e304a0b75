"""A training from the best of several starts."""

import numpy as np
from sklearn.utils import check_random_state

from sklearn_agl.potentials.penalties._penalty import check_strengths
from sklearn_agl.potentials.training._training import Training


def train(settings, data):
    """Train from every start that the settings ask for.

    Parameters
    ----------
    settings : HDNNPRegressor
        Its parameters, validated.
    data : TrainingSet

    Returns
    -------
    training : Training
        With the best net of all.
    init : {"warm", "cold"}
        The start of that net.

    Raises
    ------
    ValueError
        If the training diverges.
    """
    strengths, excluded = check_strengths(
        settings.alpha, settings.feature_weights, data.X.n_features
    )
    rng = check_random_state(settings.random_state)
    data = data.observe_slopes(settings.n_force_directions, rng)
    warm = _find_warm_start(settings, data, excluded)
    held_out = None if warm is None else warm.held_out_rows
    training = Training(settings, data, rng, excluded, held_out)
    found = []
    for init in _starts(training, strengths, warm):
        found.append((training.judgement, init, training.net))
        if training.interrupted:
            break
    best = np.argmin([np.nan_to_num(judgement, nan=np.inf) for judgement, _, _ in found])
    _, init, training.net = found[best]
    training.refuse_divergence()
    return training, init


def _find_warm_start(settings, data, excluded):
    """What a selector has handed on along with these very columns and structures, or None."""
    warm = data.X.warm_start
    may_be = settings.init == "auto" and warm is not None and not len(excluded)
    return warm if may_be and warm.suits(settings, data) else None


def _starts(training, strengths, warm):
    """Train from each start in turn; yields what kind of start it was."""
    for _ in range(training.settings.n_init):
        training.start(strengths)
        training.run(training.epochs())
        yield "cold"
    if warm is not None:
        warm.begin(training)
        training.improve(strengths)
        yield "warm"
