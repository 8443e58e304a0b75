"""Fitted pipelines as potentials of n2p2."""

from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers, chemical_symbols

from sklearn_agl._version import __version__
from sklearn_agl.descriptors import SymmetryFunction
from sklearn_agl.io._definitions import (
    check_expressible,
    sort_key,
    write_cutoff,
    write_function,
)
from sklearn_agl.io._files import as_path, write_files
from sklearn_agl.io._networks import ACTIVATIONS, weights_name
from sklearn_agl.io._repulsion import repulsion_texts
from sklearn_agl.potentials._pipelines import ends_of, functions_behind_selectors

LETTERS = {name: letter for letter, name in ACTIVATIONS.items()}
ANY_NUMBER_OF_NEIGHBORS = 1e9
"""Beyond what any structure has, so that n2p2 does not warn of it."""


@dataclass(frozen=True)
class Element:
    """Everything that n2p2's files say about one element, its functions in n2p2's order."""

    number: int
    functions: list
    offset: np.ndarray
    divisor: np.ndarray
    ranges: np.ndarray
    layers: list


def write_n2p2(pipeline, folder, *, overwrite=False):
    """Write a potential for n2p2 and for LAMMPS' ``pair_style hdnnp``.

    Functions that were not selected, and those whose weights are all zero, are left out.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        A SymmetryFunctionTransformer, any selectors, and an HDNNPRegressor, fitted.
    folder : str or path
        Where to write ``input.nn``, ``scaling.data``, one ``weights.ZZZ.data`` per element, and
        for LAMMPS what ``repulsion`` of the potential n2p2 does not know; made if it does not
        exist.
    overwrite : bool, default=False
        Whether to replace files of these names.

    Raises
    ------
    FileExistsError
        If one of the files exists and `overwrite` is false.
    ValueError
        If `pipeline` is no such pipeline, or has something that n2p2 does not: functions G1 and G3,
        weighted G5, a negative r_s in G4 or G5, several cutoff functions, the activation "silu".

    See Also
    --------
    read_n2p2 : The way back.

    Notes
    -----
    Lengths and energies are in the units that the potential was trained in. In LAMMPS, units of
    eV and Å are ``metal``; for others, ``pair_style hdnnp`` has ``cflength`` and ``cfenergy``.

    All scalings are written as n2p2's ``scale_symmetry_functions_sigma``, which subtracts a
    number per function (column ``mean`` of scaling.data) and divides by another (``sigma``). This
    is exact for every scaling, where n2p2's other ways would have to recompute a divisor from a
    minimum and a maximum. The columns ``min`` and ``max`` are the range in training, which n2p2
    warns of leaving. The energy scale is written as ``mean_energy`` and ``conv_energy``, and where
    the elements have different reference energies, as ``atom_energy``. So the weights stay those
    of the training, and `read_n2p2` gives the same numbers back. n2p2 needs a hidden layer; a
    linear model gets one with a single linear node.

    n2p2 knows no short-range repulsion (`repulsion_` of the regressor), so that the networks come
    without it. For LAMMPS it is written beside them: ``repulsion.lammps`` has the lines of
    ``pair_style hybrid/overlay`` that put both together, with ``pair_style zbl``, or with
    ``pair_style table`` and the pair terms in ``repulsion.table``. `read_n2p2` does not read it.

    Every file is complete and on the disk at the time it appears, and ``input.nn`` appears last.

    References
    ----------
    A. Singraber, J. Behler, C. Dellago, J. Chem. Theory Comput. 15, 1827 (2019).

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from ase.build import bulk
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
    >>> from sklearn_agl.io import write_n2p2
    >>> structures = [bulk("Al", cubic=True) for _ in range(20)]
    >>> for seed, atoms in enumerate(structures):
    ...     atoms.rattle(0.1, seed=seed)
    >>> pipe = make_pipeline(
    ...     SymmetryFunctionTransformer("al-22"), HDNNPRegressor(max_epochs=2, random_state=0)
    ... ).fit(structures, np.linspace(-1.0, 1.0, 20))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_n2p2(pipe, folder)
    ...     sorted(file.name for file in Path(folder).iterdir())
    ['input.nn', 'repulsion.lammps', 'repulsion.table', 'scaling.data', 'weights.013.data']
    """
    folder = as_path(folder, "folder")
    _, model = ends_of(pipeline)
    potential = model.potential_
    if not np.isfinite(potential.weights).all():
        raise ValueError("The potential has weights that are not finite; train it anew.")
    letter = _letter(potential)
    functions = functions_behind_selectors(pipeline)
    elements = _elements(potential, functions)
    texts = {weights_name(element.number): _weights_text(element) for element in elements}
    texts |= repulsion_texts(potential.repulsion, max(f.r_cut for f in functions))
    texts["scaling.data"] = _scaling_text(elements)
    texts["input.nn"] = _settings_text(elements, letter, potential.energy_scaler)
    folder.mkdir(parents=True, exist_ok=True)
    contents = {folder / name: text.encode() for name, text in texts.items()}
    write_files(contents, overwrite=overwrite)


def _letter(potential):
    """n2p2's letter of the activation; the node that a linear model gets is linear, too."""
    name = potential.activation if potential.layout.hidden_layer_sizes else "identity"
    if name not in LETTERS:
        raise ValueError(f"n2p2 has no activation {name!r}; train with one of {sorted(LETTERS)}.")
    return LETTERS[name]


def _elements(potential, functions):
    """Gather what the files say, element by element."""
    groups = potential.layout.groups
    used = [c for c, group in enumerate(groups) if potential.weights[group].any()]
    check_expressible([functions[column] for column in used])
    template = functions[used[0] if used else 0]
    return [
        _element(potential, e, functions, layers, template)
        for e, layers in enumerate(_layers(potential))
    ]


def _layers(potential):
    """Weights and biases of each layer of each element's network; n2p2 needs a hidden one."""
    if potential.layout.hidden_layer_sizes:
        return potential.layers
    return [[*own, (np.ones((1, 1)), np.zeros(1))] for own in potential.layers]


def _element(potential, e, functions, layers, template):
    """Functions of one element that have weights, in n2p2's order, with all that belongs to them.

    An element without any gets one of zero weights, since n2p2 needs one.
    """
    number, columns = potential.elements[e], potential.layout.columns[e]
    offset, divisor = potential.feature_scaler.offset_, potential.feature_scaler.divisor_
    (matrix, bias), *inner = layers
    reachable = np.array([_is_reachable(functions[c], potential.elements) for c in columns], bool)
    silent = columns[~reachable]
    bias = bias - matrix[:, ~reachable] @ (offset[silent] / divisor[silent])
    used = np.flatnonzero(matrix.any(axis=0) & reachable)
    if not used.size:
        ranges = np.array([[0.0, ANY_NUMBER_OF_NEIGHBORS]])
        first = np.zeros((len(bias), 1)), bias
        idle = _idle_function(template, chemical_symbols[number])
        return Element(number, [idle], np.zeros(1), np.ones(1), ranges, [first, *inner])
    order = np.array(sorted(used, key=lambda i: sort_key(functions[columns[i]])))
    own = columns[order]
    return Element(
        number,
        [functions[column] for column in own],
        offset[own],
        divisor[own],
        potential.ranges[own],
        [(matrix[:, order], bias), *inner],
    )


def _is_reachable(function, elements):
    """Whether the potential knows all neighbours of a function, which otherwise is always 0."""
    return all(atomic_numbers[symbol] in elements for symbol in function.neighbors or ())


def _idle_function(template, symbol):
    """A function of an element, with the cutoff of another function, for a network without any."""
    return SymmetryFunction(
        "G2",
        eta=0.0,
        r_cut=template.r_cut,
        r_inner=template.r_inner,
        cutoff=template.cutoff,
        center=symbol,
        neighbors=symbol,
    )


def _weights_text(element):
    """A weights file: input index slow, output index fast, then the biases, layer by layer."""
    lines = [
        f"# Weights (a) and biases (b) of the network of {chemical_symbols[element.number]}.",
        "# value, kind, index, layer and node it starts from (of a bias: its own), ends at",
    ]
    index = 0
    for layer, (matrix, bias) in enumerate(element.layers, start=1):
        for (n_in, n_out), weight in np.ndenumerate(matrix.T):
            index += 1
            lines.append(
                f"{weight:24.16E} a {index:9d} {layer - 1:5d} {n_in + 1:5d} {layer:5d} "
                f"{n_out + 1:5d}"
            )
        for n_out, value in enumerate(bias):
            index += 1
            lines.append(f"{value:24.16E} b {index:9d} {layer:5d} {n_out + 1:5d}")
    return "\n".join(lines) + "\n"


def _scaling_text(elements):
    lines = [
        "# Scaling of the symmetry functions, (G - mean) / sigma.",
        "# min and max: range in training; mean and sigma: shift and divisor of the training.",
        "# element, function, min, max, mean, sigma",
    ]
    for e, element in enumerate(elements, start=1):
        columns = np.column_stack([element.ranges, element.offset, element.divisor])
        for i, row in enumerate(columns, start=1):
            numbers = " ".join(f"{value:24.16E}" for value in row)
            lines.append(f"{e:10d} {i:10d} {numbers}")
    return "\n".join(lines) + "\n"


def _settings_text(elements, letter, energy_scaler):
    functions = [function for element in elements for function in element.functions]
    symbols = [chemical_symbols[element.number] for element in elements]
    widths = [str(len(bias)) for _, bias in elements[0].layers[:-1]]
    lines = [
        f"# Written by sklearn_agl {__version__}; units are those of the training data.",
        f"number_of_elements {len(symbols)}",
        f"elements {' '.join(symbols)}",
        *_energy_lines(energy_scaler, symbols),
        write_cutoff(functions),
        "scale_symmetry_functions_sigma",
        "scale_min_short 0.0",
        "scale_max_short 1.0",
        f"global_hidden_layers_short {len(widths)}",
        f"global_nodes_short {' '.join(widths)}",
        f"global_activation_short {' '.join([letter] * len(widths))} l",
        *(write_function(function) for function in functions),
    ]
    return "\n".join(lines) + "\n"


def _energy_lines(scaler, symbols):
    """The normalisation, and where the elements' references differ, one offset for each."""
    references = [float(reference) for reference in scaler.references_]
    alike = len(set(references)) == 1
    return [
        f"mean_energy {references[0] if alike else 0.0!r}",
        f"conv_energy {1.0 / scaler.deviation_!r}",
        "conv_length 1.0",
        *(
            f"atom_energy {symbol} {reference!r}"
            for symbol, reference in zip(symbols, references, strict=True)
            if not alike
        ),
    ]
