"""The networks of a potential for one atom at a time, inside compiled code."""

from typing import NamedTuple

import numpy as np

from sklearn_agl.compiled._activations import NUMBERS, activate
from sklearn_agl.compiled._jit import helper, inlined


class Networks(NamedTuple):
    """The networks of all elements, from functions to energies in the user's units.

    Attributes
    ----------
    weights : ndarray of shape (n_weights,)
        Element by element and layer by layer: weights, the output index slow, then biases.
    sizes : ndarray of int of shape (n_elements, n_layers + 1)
        Nodes per layer, inputs first.
    starts : ndarray of int of shape (n_elements, n_layers)
        Where the weights of each layer start.
    activation : int
        Its number, see `NUMBERS`.
    columns : ndarray of int of shape (n_elements, n_inputs)
        The function behind each input; there may be more inputs than an element has.
    offsets, divisors : ndarray of shape (n_elements, n_inputs)
        Are taken from the function, and divide what is left.
    deviation : float
        Multiplies what a network gives.
    references : ndarray of shape (n_elements,)
        Are added to it.
    nodes, turns : ndarray of shape (n_layers + 1, n_nodes)
        Working memory: what the nodes give, and the derivatives there.
    pulled : ndarray of shape (n_nodes,)
        More of it.
    """

    weights: np.ndarray
    sizes: np.ndarray
    starts: np.ndarray
    activation: int
    columns: np.ndarray
    offsets: np.ndarray
    divisors: np.ndarray
    deviation: float
    references: np.ndarray
    nodes: np.ndarray
    turns: np.ndarray
    pulled: np.ndarray


def make_sums(n_elements, n_functions):
    """Networks without nodes, whose energy is the sum of all functions."""
    shape = (n_elements, n_functions)
    width = max(n_functions, 1)
    return Networks(
        weights=np.append(np.ones(n_functions), 0.0),
        sizes=np.full((n_elements, 2), (n_functions, 1)),
        starts=np.zeros((n_elements, 1), np.int64),
        activation=NUMBERS["identity"],
        columns=np.tile(np.arange(n_functions), (n_elements, 1)),
        offsets=np.zeros(shape),
        divisors=np.ones(shape),
        deviation=1.0,
        references=np.zeros(n_elements),
        nodes=np.zeros((2, width)),
        turns=np.zeros((2, width)),
        pulled=np.zeros(width),
    )


@helper
def evaluate_network(networks, e, values, slopes):
    """Energy of an atom of element e from its functions; writes its derivatives to `slopes`."""
    nodes, turns, columns = networks.nodes, networks.turns, networks.columns[e]
    offsets, divisors, n_inputs = networks.offsets[e], networks.divisors[e], networks.sizes[e, 0]
    for f in range(n_inputs):
        nodes[0, f] = (values[columns[f]] - offsets[f]) / divisors[f]
        turns[0, f] = networks.deviation / divisors[f]
    n_layers = networks.starts.shape[1]
    for layer in range(n_layers):
        _ascend(networks, e, layer)
        if layer < n_layers - 1:
            n_out = networks.sizes[e, layer + 1]
            activate(networks.activation, nodes[layer + 1, :n_out], turns[layer + 1, :n_out])
    turns[n_layers, 0] = 1.0
    for layer in range(n_layers - 1, -1, -1):
        _descend(networks, e, layer)
    for f in range(n_inputs):
        slopes[columns[f]] = turns[0, f]
    return nodes[n_layers, 0] * networks.deviation + networks.references[e]


@inlined
def _ascend(networks, e, layer):
    """The sums that the nodes of the next layer are given."""
    n_in, n_out = networks.sizes[e, layer], networks.sizes[e, layer + 1]
    start, weights = networks.starts[e, layer], networks.weights
    below, above = networks.nodes[layer], networks.nodes[layer + 1]
    for h in range(n_out):
        total = weights[start + n_in * n_out + h]
        for f in range(n_in):
            total += weights[start + h * n_in + f] * below[f]
        above[h] = total


@inlined
def _descend(networks, e, layer):
    """Multiply the derivatives of a layer by those of what follows."""
    n_in, n_out = networks.sizes[e, layer], networks.sizes[e, layer + 1]
    start, weights, pulled = networks.starts[e, layer], networks.weights, networks.pulled
    below, above = networks.turns[layer], networks.turns[layer + 1]
    for f in range(n_in):
        pulled[f] = 0.0
    for h in range(n_out):
        turn = above[h]
        for f in range(n_in):
            pulled[f] += weights[start + h * n_in + f] * turn
    for f in range(n_in):
        below[f] *= pulled[f]
