"""The activations of the hidden layers: one table for compiled loops, single atoms and torch.

Each is one function of a number, which gives the value, the slope and the curvature. Where compiled
code asks for less, the compiler drops what is left over.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sklearn_agl.compiled._jit import inlined
from sklearn_agl.compiled._vector_math import exp, tanh


class Activation(NamedTuple):
    """An entry of the table.

    Attributes
    ----------
    scalar : callable
        Compiled: takes a number, and returns the value, the slope and the curvature there.
    of_tensor : callable
        Takes the module torch, which is not imported here, and a tensor; returns the values.
    """

    scalar: Callable
    of_tensor: Callable


@inlined
def _identity(z):
    return z, 1.0, 0.0


@inlined
def _tanh(z):
    t = tanh(z)
    slope = 1.0 - t * t
    return t, slope, -2.0 * t * slope


@inlined
def _softplus(z):
    decay = exp(-abs(z))
    slope = (1.0 if z >= 0.0 else decay) / (1.0 + decay)
    return max(z, 0.0) + np.log1p(decay), slope, slope * (1.0 - slope)


@inlined
def _silu(z):
    s = 1.0 / (1.0 + exp(-z))
    slope = s * (1.0 + z * (1.0 - s))
    return z * s, slope, s * (1.0 - s) * (2.0 + z * (1.0 - 2.0 * s))


@inlined
def _relu(z):
    return max(z, 0.0), 1.0 if z > 0.0 else 0.0, 0.0


@inlined
def _logistic(z):
    s = 1.0 / (1.0 + exp(-z))
    slope = s * (1.0 - s)
    return s, slope, slope * (1.0 - 2.0 * s)


def _torch_softplus(torch, z):
    # Beyond torch's own threshold of 20, the difference from a line would show in double precision.
    return torch.nn.functional.softplus(z, threshold=40.0)


ACTIVATIONS = {
    "identity": Activation(_identity, lambda torch, z: z),
    "tanh": Activation(_tanh, lambda torch, z: torch.tanh(z)),
    "softplus": Activation(_softplus, _torch_softplus),
    "silu": Activation(_silu, lambda torch, z: torch.nn.functional.silu(z)),
    "relu": Activation(_relu, lambda torch, z: torch.relu(z)),
    "logistic": Activation(_logistic, lambda torch, z: torch.sigmoid(z)),
}
"""By the names that users give; new ones go to the end."""

NUMBERS = {name: number for number, name in enumerate(ACTIVATIONS)}
"""What stands for an activation in compiled code."""


def _choose(loops, number=0):
    """A compiled function that calls the loop of a number with some arrays."""
    own = loops[0]
    if len(loops) == 1:
        return own
    others = _choose(loops[1:], number + 1)

    def choose(activation, *arrays):
        if activation == number:
            own(activation, *arrays)
        else:
            others(activation, *arrays)

    return inlined(choose)


def _loop(scalar):
    def loop(activation, z, slope):
        for a in range(z.size):
            z[a], slope[a], _ = scalar(z[a])

    return inlined(loop)


def _loop_with_curvature(scalar):
    def loop(activation, z, slope, curvature):
        for a in range(z.size):
            z[a], slope[a], curvature[a] = scalar(z[a])

    return inlined(loop)


activate = _choose([_loop(own.scalar) for own in ACTIVATIONS.values()])
"""``activate(number, z, slope)`` overwrites z by the values and fills in the slopes."""

activate_twice = _choose([_loop_with_curvature(own.scalar) for own in ACTIVATIONS.values()])
"""``activate_twice(number, z, slope, curvature)`` fills in the curvatures, too."""
