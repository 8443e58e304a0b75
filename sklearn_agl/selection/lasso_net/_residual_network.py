"""Compiled training of networks with a linear skip connection, by proximal Adam.

The weights are one flat vector: those of the networks as `NetworkLayout` has them, then the skip
weights, element by element. Blocks hold nodes first, atoms last, many atoms at a time, so that
layers are matrix products.
"""

import numpy as np

from sklearn_agl.potentials.networks._gradient import backward_from_atoms, compiled, forward
from sklearn_agl.selection.lasso_net._hierarchy import hierarchical_step

DECAY_OF_MEAN, DECAY_OF_SQUARE = 0.9, 0.99
TINY = 1e-8


@compiled
def _errors_of_chunk(weights, sizes, starts, activation, chunks, c, values, slopes, errors):
    """Predicted minus observed energies per atom of one chunk's structures."""
    data, block_starts, bounds, counts, sums, targets = chunks
    first, last = bounds[c], bounds[c + 1]
    skip = weights[weights.size - sums.shape[1] :]
    for s in range(first, last):
        total = -targets[s]
        for k in range(skip.size):
            total += skip[k] * sums[s, k]
        errors[s - first] = total
    for e in range(counts.shape[1]):
        n_atoms = counts[first:last, e].sum()
        if n_atoms > 0:
            start = block_starts[c, e]
            inputs = data[start : start + sizes[e, 0] * n_atoms].reshape(sizes[e, 0], n_atoms)
            forward(weights, sizes[e], starts[e], activation, inputs, values[e], slopes[e])
            energies = values[e, (sizes[e, 1:].sum() - 1) * n_atoms :]
            a = 0
            for s in range(first, last):
                total = 0.0
                for _ in range(counts[s, e]):
                    total += energies[a]
                    a += 1
                errors[s - first] += total / counts[s].sum()


@compiled
def _gradient_of_chunk(weights, sizes, starts, chunks, c, scale, room, gradient):
    """Add `scale` times error times gradient of the energy per atom, over a chunk's structures."""
    data, block_starts, bounds, counts, sums, _ = chunks
    values, slopes, errors = room
    first, last = bounds[c], bounds[c + 1]
    of_skip = gradient[gradient.size - sums.shape[1] :]
    for s in range(first, last):
        for k in range(of_skip.size):
            of_skip[k] += scale * errors[s - first] * sums[s, k]
    for e in range(counts.shape[1]):
        n_atoms = counts[first:last, e].sum()
        if n_atoms > 0:
            deltas = slopes[e, (sizes[e, 1:].sum() - 1) * n_atoms :]
            a = 0
            for s in range(first, last):
                delta = scale * errors[s - first] / counts[s].sum()
                for _ in range(counts[s, e]):
                    deltas[a] = delta
                    a += 1
            start = block_starts[c, e]
            inputs = data[start : start + sizes[e, 0] * n_atoms].reshape(sizes[e, 0], n_atoms)
            own = sizes[e], starts[e], inputs, values[e], slopes[e]
            backward_from_atoms(weights, *own, gradient)


@compiled
def make_room(sizes, chunks):
    """Arrays for what any chunk needs: activations, their slopes, errors."""
    _, _, bounds, counts, _, _ = chunks
    most_atoms, most_structures = 0, 0
    for c in range(bounds.size - 1):
        most_atoms = max(most_atoms, counts[bounds[c] : bounds[c + 1]].sum())
        most_structures = max(most_structures, bounds[c + 1] - bounds[c])
    values = np.empty((counts.shape[1], sizes[0, 1:].sum() * most_atoms))
    return values, np.empty_like(values), np.empty(most_structures)


@compiled
def squared_error(weights, sizes, starts, activation, chunks):
    """Mean over the structures of the squared error of the energy per atom."""
    bounds = chunks[2]
    values, slopes, errors = make_room(sizes, chunks)
    total = 0.0
    for c in range(bounds.size - 1):
        _errors_of_chunk(weights, sizes, starts, activation, chunks, c, values, slopes, errors)
        for i in range(bounds[c + 1] - bounds[c]):
            total += errors[i] ** 2
    return total / bounds[-1]


@compiled
def squared_error_and_gradient(
    weights, sizes, starts, activation, chunks, first, last, room, gradient
):
    """Mean squared error over the chunks from `first` to `last`; overwrites its `gradient`.

    `room` is what `make_room` gave.
    """
    bounds = chunks[2]
    values, slopes, errors = room
    n_structures = bounds[last] - bounds[first]
    gradient[:] = 0.0
    total = 0.0
    for c in range(first, last):
        _errors_of_chunk(weights, sizes, starts, activation, chunks, c, values, slopes, errors)
        for i in range(bounds[c + 1] - bounds[c]):
            total += errors[i] ** 2
        scale = 2.0 / n_structures
        _gradient_of_chunk(weights, sizes, starts, chunks, c, scale, room, gradient)
    return total / n_structures


@compiled
def _adam_step(weights, gradient, mean, square, lr, t, sizes, starts, strength, bound):
    """Move the weights; then a feature's go to where the hierarchy and the penalty want them.

    All first-layer weights of a feature share the average of their squared gradients, so that the
    proximal step in Adam's metric stays exact.
    """
    of_mean, of_square = 1.0 - DECAY_OF_MEAN**t, 1.0 - DECAY_OF_SQUARE**t
    for k in range(weights.size):
        mean[k] += (1.0 - DECAY_OF_MEAN) * (gradient[k] - mean[k])
        gradient[k] *= gradient[k]
    n_hidden = sizes[0, 1]
    for e in range(sizes.shape[0]):
        n_in, start = sizes[e, 0], starts[e, 0]
        for i in range(n_in):
            total = 0.0
            for h in range(n_hidden):
                total += gradient[start + h * n_in + i]
            for h in range(n_hidden):
                gradient[start + h * n_in + i] = total / n_hidden
    for k in range(weights.size):
        square[k] += (1.0 - DECAY_OF_SQUARE) * (gradient[k] - square[k])
        weights[k] -= lr * mean[k] / of_mean / (np.sqrt(square[k] / of_square) + TINY)
    skip = weights.size - sizes[:, 0].sum()
    for e in range(sizes.shape[0]):
        n_in, start = sizes[e, 0], starts[e, 0]
        for i in range(n_in):
            own = weights[start + i : start + n_in * n_hidden : n_in]
            skip_metric = (np.sqrt(square[skip] / of_square) + TINY) / lr
            weight_metric = (np.sqrt(square[start + i] / of_square) + TINY) / lr
            weights[skip] = hierarchical_step(
                weights[skip], own, strength, bound, skip_metric, weight_metric
            )
            skip += 1


@compiled
def run_epoch(
    weights, mean, square, n_steps, sizes, starts, activation, chunks, batches, order, lr, decay,
    strength, bound,
):  # fmt: skip
    """A pass of proximal Adam over the batches in the given order; returns their mean error.

    Parameters
    ----------
    weights, mean, square : ndarray of shape (n_weights,)
        Weights, and Adam's averages of the gradient and its square; overwritten.
    n_steps : int
        Steps before this pass.
    sizes, starts, activation
        See `NetworkLayout` and `NUMBERS`.
    chunks : tuple
        See `AtomChunks`.
    batches, order : ndarray of int
        First chunk of each batch, and the order of the batches.
    lr : float
        Learning rate.
    decay : ndarray of shape (n_weights,)
        Weight decay.
    strength, bound : float
        Penalty of the skip weights, and M.

    Returns
    -------
    float
        Mean squared error, over the structures of all batches.
    """
    room = make_room(sizes, chunks)
    gradient = np.empty_like(weights)
    total = 0.0
    for i in range(order.size):
        first, last = batches[order[i]], batches[order[i] + 1]
        share = (chunks[2][last] - chunks[2][first]) / chunks[2][-1]
        total += share * squared_error_and_gradient(
            weights, sizes, starts, activation, chunks, first, last, room, gradient
        )
        for k in range(weights.size):
            gradient[k] += 2.0 * decay[k] * weights[k]
        _adam_step(
            weights, gradient, mean, square, lr, n_steps + i + 1, sizes, starts, strength, bound
        )
    return total
