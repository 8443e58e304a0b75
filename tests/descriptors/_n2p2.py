"""Reads just enough of n2p2's files to evaluate a potential with our symmetry functions."""

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from sklearn_agl.descriptors import SymmetryFunction

CUTOFFS = "hard cosine tanhu tanh exp poly1 poly2 poly3 poly4".split()
KINDS = {"2": "G2", "3": "G4", "9": "G5"}
ACTIVATIONS = {"t": (np.tanh, lambda y: 1.0 - y * y), "l": (lambda x: x, np.ones_like)}


def read_keywords(path):
    """Words behind each keyword, a list of lists."""
    keywords = {}
    for line in path.read_text().splitlines():
        words = line.split("#")[0].split()
        if words:
            keywords.setdefault(words[0], []).append(words[1:])
    return keywords


def read_functions(keywords):
    """Symmetry functions in n2p2's own order: by element, kind, radius, eta, r_s, ..."""
    cutoff = CUTOFFS[int(keywords["cutoff_type"][0][0])]
    functions = []
    for center, kind, *rest in keywords["symfunction_short"]:
        n = 1 if kind == "2" else 2
        neighbors, numbers = rest[:n], [float(word) for word in rest[n:]]
        if kind == "2":
            eta, r_s, r_cut = numbers
            parameters = {"eta": eta, "r_s": r_s}
        else:
            eta, lambda_, zeta, r_cut, r_s = (*numbers, 0.0)[:5]
            parameters = {"eta": eta, "r_s": r_s, "zeta": zeta, "lambda_": int(lambda_)}
        functions.append(
            SymmetryFunction(
                KINDS[kind], r_cut=r_cut, center=center, neighbors=tuple(neighbors),
                cutoff=cutoff, **parameters,
            )
        )  # fmt: skip
    return sorted(functions, key=_order)


def _order(f):
    numbers = [atomic_numbers[symbol] for symbol in (f.center, *f.neighbors)]
    angular = (f.zeta, f.lambda_) if f.is_angular else ()
    return (numbers[0], f.kind, f.r_cut, f.eta, f.r_s, *angular, *numbers[1:])


def read_scaling(path, keywords):
    """Per element, offset and factor of each function."""
    rows = np.loadtxt(path, usecols=range(6), comments="#", ndmin=2, max_rows=None)
    scaled, centered = (
        "scale_symmetry_functions" in keywords,
        "center_symmetry_functions" in keywords,
    )
    scaling = {}
    for element in np.unique(rows[:, 0]):
        low, high, mean = rows[rows[:, 0] == element][:, 2:5].T
        factor = 1.0 / (high - low) if scaled else np.ones_like(low)
        scaling[int(element) - 1] = (mean if centered else low if scaled else 0.0 * low, factor)
    return scaling


def read_weights(path, sizes):
    """Matrix and bias of each layer."""
    values = np.loadtxt(path, usecols=0, comments="#")
    layers = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
        matrix, values = values[: n_in * n_out].reshape(n_in, n_out), values[n_in * n_out :]
        layers.append((matrix, values[:n_out]))
        values = values[n_out:]
    return layers


def network(features, layers, activations):
    """Output of the network and its derivative by the features."""
    outputs = [features]
    for (matrix, bias), name in zip(layers, activations, strict=True):
        outputs.append(ACTIVATIONS[name][0](outputs[-1] @ matrix + bias))
    gradient = np.ones((len(features), 1))
    for (matrix, _), name, output in zip(
        layers[::-1], activations[::-1], outputs[:0:-1], strict=True
    ):
        gradient = (gradient * ACTIVATIONS[name][1](output)) @ matrix.T
    return outputs[-1][:, 0], gradient


def read_structure(path):
    """First structure of an input.data file, in the file's own unit of length."""
    cell, positions, symbols = [], [], []
    for line in path.read_text().split("end")[0].splitlines():
        words = line.split()
        if words and words[0] == "lattice":
            cell.append([float(word) for word in words[1:4]])
        elif words and words[0] == "atom":
            positions.append([float(word) for word in words[1:4]])
            symbols.append(words[4])
    return Atoms(symbols, positions=positions, cell=cell, pbc=bool(cell))


class Potential:
    """An n2p2 potential that gets its symmetry functions and their derivatives from a transformer.

    Parameters
    ----------
    folder : Path
        With input.nn, scaling.data and the weights.
    """

    def __init__(self, folder):
        keywords = read_keywords(folder / "input.nn")
        self.functions = read_functions(keywords)
        self.symbols = sorted(keywords["elements"][0], key=atomic_numbers.get)
        self.scaling = read_scaling(folder / "scaling.data", keywords)
        hidden = [int(n) for n in keywords["global_nodes_short"][0]]
        self.activations = keywords["global_activation_short"][0]
        self.layers = []
        for symbol in self.symbols:
            n_inputs = sum(f.center == symbol for f in self.functions)
            path = folder / f"weights.{atomic_numbers[symbol]:03d}.data"
            self.layers.append(read_weights(path, [n_inputs, *hidden, 1]))
        self.conv_energy = float(keywords.get("conv_energy", [["1"]])[0][0])
        self.mean_energy = float(keywords.get("mean_energy", [["0"]])[0][0])

    def predict(self, transformer, atoms):
        """Energy and forces, in the potential's own units."""
        values = transformer.transform([atoms]).values
        vectors, energy = np.zeros_like(values), self.mean_energy * len(atoms)
        for e, symbol in enumerate(self.symbols):
            own = np.flatnonzero(atoms.symbols == symbol)
            columns = [
                i for i, f in enumerate(transformer.symmetry_functions_) if f.center == symbol
            ]
            offset, factor = self.scaling[e]
            features = (values[0][np.ix_(own, columns)] - offset) * factor
            energies, gradient = network(features, self.layers[e], self.activations)
            energy += energies.sum() / self.conv_energy
            vectors[0][np.ix_(own, columns)] = gradient * factor / self.conv_energy
        return energy, -transformer.vjp([atoms], vectors)[0][0]
