"""Networks of a potential in the form that evaluates one atom after the other."""

import numpy as np

from sklearn_agl.compiled._activations import NUMBERS
from sklearn_agl.compiled._atom_networks import Networks, evaluate_network
from sklearn_agl.compiled._jit import LOOPS
from sklearn_agl.compiled._machine_code import kept


def make_networks(potential, elements):
    """Networks for compiled code.

    Parameters
    ----------
    potential : Potential
    elements : ndarray of int
        Atomic numbers that atoms may have; the potential need not know them all.

    Returns
    -------
    Networks
    """
    layout, scaler, energies = potential.layout, potential.feature_scaler, potential.energy_scaler
    numbers = [layout.elements.index(z) if z in layout.elements else 0 for z in elements]
    inputs = np.zeros((len(elements), max(layout.sizes[:, 0].max(), 1)), np.int64)
    for row, number in zip(inputs, numbers, strict=True):
        row[: layout.sizes[number, 0]] = layout.columns[number]
    n_levels, width = layout.sizes.shape[1], max(layout.sizes.max(), 1)
    return Networks(
        weights=np.asarray(potential.weights, dtype=np.float64),
        sizes=layout.sizes[numbers],
        starts=layout.starts[numbers],
        activation=NUMBERS[potential.activation],
        columns=inputs,
        offsets=np.asarray(scaler.offset_[inputs], dtype=np.float64),
        divisors=np.asarray(scaler.divisor_[inputs], dtype=np.float64),
        deviation=float(energies.deviation_),
        references=energies.references_[numbers],
        nodes=np.zeros((n_levels, width)),
        turns=np.zeros((n_levels, width)),
        pulled=np.zeros(width),
    )


def evaluate_networks(networks, species, values):
    """Energies of atoms.

    Parameters
    ----------
    networks : Networks
    species : ndarray of int of shape (n_atoms,)
        Index of each atom's element.
    values : ndarray of shape (n_atoms, n_functions)

    Returns
    -------
    ndarray of shape (n_atoms,)
    """
    energies = np.empty(len(species))
    _evaluate(networks, species, values, np.empty(values.shape[1]), energies)
    return energies


@kept(**LOOPS, no_cfunc_wrapper=True)
def _evaluate(networks, species, values, slopes, energies):
    for i in range(len(species)):
        energies[i] = evaluate_network(networks, species[i], values[i], slopes)
