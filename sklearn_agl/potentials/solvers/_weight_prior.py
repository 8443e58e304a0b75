"""What the Kalman filter believes about the weights before it has seen any energy.

A prior of the same variance for every weight says nothing sensible about energies. With many
inputs, the first layer would saturate (Neal 1996). And where structures hardly differ, as crystals
that were shaken a little do, all that such networks could give is nearly the same energy for each:
the filter then stays at the mean energy for many passes. So the variances follow the number of
inputs, and the last layer's are scaled such that energies vary as much before training as the data
do.

References
----------
R. M. Neal, Bayesian Learning for Neural Networks (1996), chapter 2.
"""

import numpy as np

ROUNDING = 1e-10
"""Spread of energies, relative to their size, below which it is no more than rounding."""


def draw_from_prior(layout, variance, weights):
    """Variances of all weights, and initial weights that suit them.

    Parameters
    ----------
    layout : NetworkLayout
        Shapes of the networks.
    variance : float
        Of a weight behind the first layer; a weight of the first layer has this divided by the
        number of inputs.
    weights : ndarray of shape (n_weights,)
        Initial weights as `NetworkLayout.random_weights` draws them, with a variance of a third
        over the number of inputs.

    Returns
    -------
    weights, variances : ndarray of shape (n_weights,)
    """
    weights, variances = weights.copy(), np.full(layout.n_weights, float(variance))
    for sizes, starts in zip(layout.sizes, layout.starts, strict=True):
        first = slice(starts[0], starts[0] + sizes[0] * sizes[1])
        variances[first] /= max(sizes[0], 1)
        weights[first] *= np.sqrt(3.0 * variance)
    return weights, variances


def match_spread(layout, weights, variances, gradients):
    """Scale the last layers, so that energies of the prior vary by one from structure to structure.

    Parameters
    ----------
    layout : NetworkLayout
        Shapes of the networks.
    weights, variances : ndarray of shape (n_weights,)
        From `draw_from_prior`; both are changed in place.
    gradients : ndarray of shape (n_structures, n_weights)
        Derivatives of the scaled energies per atom by the weights.
    """
    differences = gradients - gradients.mean(axis=0)
    spread = np.mean(differences**2 @ variances)
    if spread <= ROUNDING * np.mean(gradients**2 @ variances):
        return
    for e in range(len(layout.elements)):
        last = layout.output_layer(e)
        variances[last] /= spread
        weights[last] /= np.sqrt(spread)
