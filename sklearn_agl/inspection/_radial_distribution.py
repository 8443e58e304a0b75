"""The radial distribution function of periodic structures."""

from numbers import Integral, Real

import numpy as np
from ase.neighborlist import neighbor_list

from sklearn_agl.descriptors._structures import check_images, check_structures


def radial_distribution(structures, r_max, n_bins=200):
    r"""Compute the radial distribution function of periodic structures.

    .. math::
        g(r) = \frac{\sum_s n_s(r)}{\sum_s N_s \rho_s \, V(r)}

    with :math:`n_s` the number of ordered pairs in a spherical shell of volume :math:`V(r)`,
    :math:`N_s` atoms and :math:`\rho_s` atoms per volume in structure s.

    Parameters
    ----------
    structures : sequence of ase.Atoms
        Structures that are periodic in three directions.
    r_max : float
        Largest distance.
    n_bins : int, default=200
        Number of shells.

    Returns
    -------
    distances : ndarray of shape (n_bins,)
        Middle of each shell.
    rdf : ndarray of shape (n_bins,)
        g(r), without unit; 1 means the mean density.

    Raises
    ------
    ValueError
        If a structure is not periodic in three directions and so has no density, or `r_max` or
        `n_bins` is not positive.
    """
    if not isinstance(r_max, Real) or not 0.0 < r_max < np.inf:
        raise ValueError(f"r_max={r_max!r} must be a positive number.")
    if not isinstance(n_bins, Integral) or n_bins < 1:
        raise ValueError(f"n_bins={n_bins!r} must be a whole number above 0.")
    structures = check_structures(structures)
    check_images(structures, r_max)
    edges = np.linspace(0.0, r_max, n_bins + 1)
    counts = np.zeros(n_bins)
    expected = 0.0
    for index, atoms in enumerate(structures):
        if not atoms.pbc.all():
            raise ValueError(
                f"Structure {index} is not periodic in three directions: without a density there "
                "is no radial distribution function. Leave it out."
            )
        counts += np.histogram(neighbor_list("d", atoms, r_max), edges)[0]
        expected += len(atoms) ** 2 / atoms.get_volume()
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    return 0.5 * (edges[1:] + edges[:-1]), counts / (expected * shells)
