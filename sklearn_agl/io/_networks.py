"""Shapes and weights of n2p2's networks."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sklearn_agl.io._lines import read_lines

ACTIVATIONS = {"t": "tanh", "s": "logistic", "p": "softplus", "r": "relu", "l": "identity"}
"""Activations by n2p2's letters."""

FOREIGN = {
    "c": "cosine",
    "S": "reverse logistic",
    "e": "exponential",
    "g": "Gaussian",
    "h": "harmonic",
}
"""Activations that n2p2 has and this package does not."""


@dataclass(frozen=True)
class Topology:
    """Networks of one potential.

    Attributes
    ----------
    activation : str
        Of all hidden layers of all elements.
    hidden : list of list of tuple of int
        Nodes of the hidden layers of each element, in every way in which the files can be meant.
    """

    activation: str
    hidden: list


def read_topology(settings):
    """Read how many layers and nodes the networks have, and their activation.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    Topology

    Raises
    ------
    ValueError
        With file and line.
    """
    depths = [_depth(settings, symbol) for symbol in settings.elements]
    if len(set(depths)) > 1:
        raise ValueError(
            f"{settings.path}: the networks of {list(settings.elements)} have {depths} hidden "
            "layers; different numbers are not supported."
        )
    lines = [_activation_line(settings, symbol) for symbol in settings.elements]
    names = {_activation(line, words, depths[0]) for line, words in lines}
    if len(names) > 1:
        raise lines[-1][0].error(
            f"The networks have activations {sorted(names)}; one for all elements is supported."
        )
    hidden = [_hidden_sizes(settings, symbol, depths[0]) for symbol in settings.elements]
    return Topology(names.pop(), hidden)


def _lines_of(settings, keyword, symbol):
    """Lines of a per-element keyword for one element."""
    return [line for line in settings.all(keyword) if settings.symbol(line, 1) == symbol]


def _depth(settings, symbol):
    for line in _lines_of(settings, "element_hidden_layers_short", symbol):
        line.check_length(2)
        return line.integer(2, "The number of hidden layers", at_least=1)
    line = settings.one("global_hidden_layers_short", 1)
    return line.integer(1, "global_hidden_layers_short", at_least=1)


def _activation_line(settings, symbol):
    for line in _lines_of(settings, "element_activation_short", symbol):
        return line, line.words[2:]
    line = settings.one("global_activation_short")
    return line, line.words[1:]


def _activation(line, letters, depth):
    """Name of the activation that all hidden layers share."""
    if len(letters) != depth + 1:
        raise line.error(
            f"{line.words[0]} needs {depth + 1} letters, one per hidden layer and one for the "
            f"output, got {len(letters)}."
        )
    supported = ", ".join(f"{letter} ({name})" for letter, name in ACTIVATIONS.items())
    for letter in letters:
        if letter not in ACTIVATIONS:
            name = FOREIGN.get(letter, "unknown to n2p2")
            raise line.error(
                f"Activation {letter!r} ({name}) is not supported; supported are {supported}."
            )
    if letters[-1] != "l":
        raise line.error(f"The output layer must be linear (l), got {letters[-1]!r}.")
    if len(set(letters[:-1])) > 1:
        raise line.error(
            f"The hidden layers have different activations, {' '.join(letters[:-1])}; one for all "
            "is supported."
        )
    return ACTIVATIONS[letters[0]]


def _hidden_sizes(settings, symbol, depth):
    """Nodes of the hidden layers of one element, in every way in which the lines can be meant.

    Older versions of n2p2 want ``element_nodes_short element layer nodes``, newer ones the nodes
    of all layers behind the element. With two hidden layers only the weights tell which is meant.
    """
    lines = _lines_of(settings, "element_nodes_short", symbol)
    if not lines:
        return [_nodes(settings.one("global_nodes_short", depth), 1)]
    choices = []
    if len(lines) == 1 and len(lines[0].words) == depth + 2:
        choices.append(_nodes(lines[0], 2))
    if all(len(line.words) == 4 for line in lines) and settings.has("global_nodes_short"):
        sizes = list(_nodes(settings.one("global_nodes_short", depth), 1))
        layers = [line.integer(2, "The layer", at_least=1) for line in lines]
        if max(layers) <= depth:
            for line, layer in zip(lines, layers, strict=True):
                sizes[layer - 1] = line.integer(3, "The number of nodes", at_least=1)
            choices.append(tuple(sizes))
    if not choices:
        raise lines[0].error(
            f"element_nodes_short needs the element and the nodes of all {depth} hidden layers, or "
            "the element, the layer and its nodes."
        )
    return choices


def _nodes(line, first):
    places = range(first, len(line.words))
    return tuple(line.integer(place, "The number of nodes", at_least=1) for place in places)


def count_weights(sizes):
    """Number of weights and biases of a network with so many nodes per layer, inputs first."""
    return sum((n_in + 1) * n_out for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True))


def read_weights(path, n_inputs, hidden):
    """Read the weights of one element's network.

    Parameters
    ----------
    path : Path
        A weights.ZZZ.data.
    n_inputs : int
        Number of symmetry functions.
    hidden : list of tuple of int
        Possible nodes of the hidden layers.

    Returns
    -------
    list of (ndarray of shape (n_out, n_in), ndarray of shape (n_out,))
        Weights and biases of each layer.

    Raises
    ------
    FileNotFoundError, ValueError
        With file and line.
    """
    lines = read_lines(path)
    shapes = [(n_inputs, *nodes, 1) for nodes in hidden]
    fitting = sorted({sizes for sizes in shapes if count_weights(sizes) == len(lines)})
    if not fitting:
        wanted = " or ".join(f"{count_weights(s)} ({'-'.join(map(str, s))})" for s in shapes)
        raise ValueError(
            f"{path} has {len(lines)} weights and biases, but a network of {n_inputs} symmetry "
            f"functions as in input.nn needs {wanted}."
        )
    if len(fitting) > 1:
        raise ValueError(
            f"{path}: networks of {fitting} nodes have the same number of weights; write "
            "element_nodes_short so that it can be meant in one way only."
        )
    bare = [line for line in lines if len(line.words) == 1]
    if 0 < len(bare) < len(lines):
        raise bare[0].error("The line ends behind its value, unlike others; the file is damaged.")
    return _split(lines, fitting[0])


def _split(lines, sizes):
    layers, first = [], 0
    for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
        middle = first + n_in * n_out
        weights = _values(lines[first:middle], "a").reshape(n_in, n_out).T
        layers.append((weights, _values(lines[middle : middle + n_out], "b")))
        first = middle + n_out
    return layers


def _values(lines, letter):
    for line in lines:
        if len(line.words) > 1 and line.words[1] != letter:
            kinds = {"a": "a weight", "b": "a bias"}
            raise line.error(
                f"Expected {kinds[letter]} ({letter}), got {line.words[1]!r}: the nodes in "
                "input.nn are not those of this file, or its lines are out of order."
            )
    return np.array([line.real(0, "A weight") for line in lines])


def weights_path(folder, number):
    """File of the network of an atomic number."""
    return Path(folder) / weights_name(number)


def weights_name(number):
    """Name of the file with the network of an atomic number."""
    return f"weights.{number:03d}.data"
