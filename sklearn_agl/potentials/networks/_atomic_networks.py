"""Networks of a fitted model in the form that evaluates one atom after the other."""

import numpy as np

from sklearn_agl.compiled._atom_networks import Networks, evaluate_network
from sklearn_agl.compiled._jit import LOOPS
from sklearn_agl.compiled._machine_code import kept
from sklearn_agl.potentials.networks._gradient import ACTIVATIONS


def make_networks(model, elements, columns):
    """Networks that take nothing but some columns.

    Parameters
    ----------
    model : HDNNPRegressor
        Fitted.
    elements : ndarray of int
        Atomic numbers that atoms may have; the model need not know them all.
    columns : ndarray of int
        Those of the model's columns that are given, ascending; the weights of all others are zero.

    Returns
    -------
    Networks
        For the given columns, counted from zero.
    """
    left_out = np.setdiff1d(np.arange(model._layout.n_features), columns)
    layout, kept_weights, _ = model._layout.without(left_out)
    numbers = [layout.elements.index(z) if z in layout.elements else 0 for z in elements]
    inputs = np.zeros((len(elements), max(layout.sizes[:, 0].max(), 1)), np.int64)
    for row, number in zip(inputs, numbers, strict=True):
        row[: layout.sizes[number, 0]] = layout.columns[number]
    scaler, width = model._feature_scaler, max(layout.sizes.max(), 1)
    n_levels = layout.sizes.shape[1]
    return Networks(
        weights=np.asarray(model.weights_[kept_weights], dtype=np.float64),
        sizes=layout.sizes[numbers],
        starts=layout.starts[numbers],
        activation=ACTIVATIONS[model.net_.module_.activation],
        columns=np.searchsorted(columns, inputs),
        offsets=np.asarray(scaler.offset_[inputs], dtype=np.float64),
        divisors=np.asarray(scaler.divisor_[inputs], dtype=np.float64),
        deviation=float(model._energy_scaler.deviation_),
        references=model._energy_scaler.references_[numbers],
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
