"""Which structures are held out to judge a training."""

import numpy as np

from sklearn_agl.potentials.data._scaling import EnergyScaler


def hold_out(composition, energies, fraction, rng, groups=None):
    """Hold out structures from all over the range of energies.

    The structures are put in the order of their energy per atom, less the references of the
    elements, and cut into as many runs as shall be held out; of each run, one structure is drawn.
    So neither part gets all the extremes. With groups, the same is done with the groups and their
    mean energies; groups are held out until they hold enough structures, but no more than half.

    Parameters
    ----------
    composition : ndarray of int of shape (n_structures, n_elements)
        Atoms of each element.
    energies : ndarray of shape (n_structures,)
        Total energies.
    fraction : float
        Part of the structures to hold out, rounded up; none where that would leave no other.
    rng : numpy.random.RandomState
        Draws them.
    groups : ndarray of shape (n_structures,), default=None
        Structures of one group stay together.

    Returns
    -------
    ndarray of int
        The structures to hold out, in ascending order.

    Raises
    ------
    ValueError
        If all structures are of one group.
    """
    scaled = EnergyScaler().fit(composition, energies).scale(composition, energies)
    if groups is None:
        return _draw_from_runs(scaled, fraction, rng)
    return _draw_groups(scaled, fraction, rng, groups)


def _draw_groups(scaled, fraction, rng, groups):
    """Structures of some groups, which together hold the fraction, but no more than a half."""
    labels, number, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(labels) == 1:
        raise ValueError(
            f"All structures are of one group ({labels[0]}), so that none can be held out: give "
            "more groups, none at all, or early_stopping=False."
        )
    first = rng.permutation(_draw_from_runs(np.bincount(number, scaled) / sizes, fraction, rng))
    others = rng.permutation(np.setdiff1d(np.arange(len(labels)), first))
    drawn, n_drawn = [], 0
    for group in (*first, *others):
        if n_drawn < fraction * len(scaled) and n_drawn + sizes[group] <= len(scaled) / 2:
            drawn.append(group)
            n_drawn += sizes[group]
    return np.flatnonzero(np.isin(number, drawn))


def _draw_from_runs(values, fraction, rng):
    """Positions of a fraction of some values, one of each run of them in ascending order."""
    n_drawn = int(np.ceil(fraction * len(values)))
    if n_drawn >= len(values):
        return np.empty(0, dtype=int)
    # Equal energies in random order, such as those of classes.
    order = np.lexsort((rng.permutation(len(values)), values))
    runs = np.array_split(order, n_drawn)
    return np.sort([run[rng.randint(len(run))] for run in runs])
