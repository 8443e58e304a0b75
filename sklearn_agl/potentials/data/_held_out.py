"""Which structures are held out to judge a training."""

import numpy as np

from sklearn_agl.potentials.data._scaling import EnergyScaler


def hold_out(composition, energies, fraction, rng):
    """Hold out structures from all over the range of energies.

    The structures are put in the order of their energy per atom, less the references of the
    elements, and cut into as many runs as shall be held out; of each run, one structure is drawn.
    So neither part gets all the extremes.

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

    Returns
    -------
    ndarray of int
        The structures to hold out, in ascending order.
    """
    n_structures = len(energies)
    n_held_out = int(np.ceil(fraction * n_structures))
    if n_held_out >= n_structures:
        return np.empty(0, dtype=int)
    scaled = EnergyScaler().fit(composition, energies).scale(composition, energies)
    # Equal energies in random order, such as those of classes.
    order = np.lexsort((rng.permutation(n_structures), scaled))
    runs = np.array_split(order, n_held_out)
    return np.sort([run[rng.randint(len(run))] for run in runs])
