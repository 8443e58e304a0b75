"""Fitted potentials without a training: from random weights, and from n2p2's files."""

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from sklearn.pipeline import make_pipeline

from sklearn_agl import HDNNPRegressor, SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.potentials._potential import Potential as FittedPotential
from sklearn_agl.potentials._regressor import make_regressor
from sklearn_agl.potentials.data._scaling import EnergyScaler, FeatureScaler
from sklearn_agl.potentials.networks._layout import NetworkLayout
from tests.descriptors._n2p2 import Potential

FUNCTIONS = [
    SymmetryFunction("G2", eta=0.3, r_s=0.8),
    SymmetryFunction("G2", eta=0.05),
    SymmetryFunction("G4", eta=0.05, zeta=2, lambda_=-1),
    SymmetryFunction("G5", eta=0.1, r_s=0.4, zeta=4, lambda_=1),
]
R_CUT = 3.2
CELL = [[3.4, 0, 0], [0.6, 3.8, 0], [-0.4, 0.3, 4.1]]


def some_structures(n=12, seed=0):
    """Ragged structures of hydrogen and oxygen: crystals, slabs and molecules by turns."""
    rng = np.random.default_rng(seed)
    structures = []
    for i in range(n):
        pbc = [(True, True, True), (False, False, False), (True, True, False)][i % 3]
        n_atoms = int(rng.integers(3, 7))
        places = [(x, y, z) for x in (0.1, 1.7) for y in (0.2, 2.0) for z in (0.0, 1.9)]
        positions = np.array(places)[rng.permutation(8)[:n_atoms]]
        positions += rng.uniform(-0.25, 0.25, (n_atoms, 3))
        symbols = ["H", "O", *rng.choice(["H", "O"], n_atoms - 2)]
        cell = CELL if any(pbc) else None
        structures.append(Atoms(symbols, positions=positions, cell=cell, pbc=pbc))
    return structures


def trained_pipeline(structures, *steps, functions=FUNCTIONS, **params):
    """A pipeline that has learned, in a few epochs, energies drawn at random."""
    rng = np.random.default_rng(1)
    energies = np.array([rng.normal() - 3.0 * len(atoms) for atoms in structures])
    settings = {"max_epochs": 3, "hidden_layer_sizes": (6, 5), "random_state": 0} | params
    transformer = SymmetryFunctionTransformer(functions, r_cut=R_CUT)
    return make_pipeline(transformer, *steps, HDNNPRegressor(**settings)).fit(structures, energies)


def n2p2_pipeline(folder, structures):
    """A fitted pipeline with the numbers of an n2p2 potential.

    Parameters
    ----------
    folder : Path
    structures : sequence of ase.Atoms
        With all of its elements.
    """
    potential = Potential(folder)
    transformer = SymmetryFunctionTransformer(potential.functions).fit(structures)
    functions = transformer.symmetry_functions_
    n = len(functions)
    columns = tuple(
        np.array([i for i, f in enumerate(functions) if f.center == symbol])
        for symbol in potential.symbols
    )
    elements = tuple(atomic_numbers[symbol] for symbol in potential.symbols)
    hidden = tuple(len(bias) for _, bias in potential.layers[0][:-1])
    offset, divisor = np.empty(n), np.empty(n)
    for e, own in enumerate(columns):
        center, factor = potential.scaling[e]
        offset[own], divisor[own] = center, 1.0 / factor
    weights = np.concatenate(
        [part for layers in potential.layers for m, b in layers for part in (m.T.ravel(), b)]
    )
    references = np.full(len(columns), potential.mean_energy)
    fitted = FittedPotential(
        NetworkLayout(elements, columns, n, hidden),
        "tanh",
        weights,
        FeatureScaler.from_numbers(offset, divisor, np.tile([-np.inf, np.inf], (n, 1))),
        EnergyScaler.from_numbers(1.0 / potential.conv_energy, references),
    )
    names = transformer.get_feature_names_out()
    return make_pipeline(transformer, make_regressor(HDNNPRegressor(), fitted, names))
