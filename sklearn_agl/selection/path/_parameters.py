"""The parameters that all share who fit a path: what they may be, and what they mean."""

import re
from numbers import Real
from os import PathLike
from textwrap import indent

from sklearn_agl._sklearn import Interval, StrOptions
from sklearn_agl.potentials import HDNNPRegressor
from sklearn_agl.selection.path._feature_costs import MEASURED
from sklearn_agl.selection.path._penalised_fits import FITS, METRICS

CONSTRAINTS = {
    "estimator": [HDNNPRegressor, None],
    # None means the estimator's own.
    "penalty": [*HDNNPRegressor._parameter_constraints["penalty"], None],
    "concavity": HDNNPRegressor._parameter_constraints["concavity"],
    "adaptive": ["boolean"],
    "metric": [StrOptions(set(METRICS)), None],
    "gamma": [Interval(Real, 0, None, closed="left")],
    "feature_costs": ["array-like", StrOptions({MEASURED}), None],
    "init": [StrOptions(set(FITS))],
    "initial_alpha": [Interval(Real, 0, None, closed="left"), None],
    "checkpoint": [str, PathLike, None],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}
REWEIGHT_CONSTRAINT = {"reweight": [Interval(Real, 0, 1, closed="both"), None]}
"""Where the adaptive weights may follow the norms."""

MEANINGS = """\
estimator : HDNNPRegressor, default=None
    Settings of the networks; by default those of ``HDNNPRegressor()``.
penalty : {"lasso", "mcp", "scad"}, default=None
    What the norms are charged, see `HDNNPRegressor`; by default the estimator's own.
concavity : float, default=None
    Of "mcp" and "scad"; by default the estimator's own.
adaptive : bool, default=True
    False gives the plain group lasso, all :math:`c_i = 1`.
metric : {"euclidean", "wald"}, default=None
    What the adaptive weights are made of: the norms of the first fit, as published,
    ``c_i = 1 / ||w_i||**gamma``, or also the Wald statistics s_i of the features (see
    `WaldSelector`) in units of their median, ``c_i = 1 / (||w_i|| s_i**(gamma / 4))``. By
    default "wald" where the weights follow the norms on the way to a number of features and the
    solver is not "adamw", else "euclidean".
gamma : float, default=1.0
    Power of the norm in the adaptive weights: 1 in Sandberg et al. (2024), 2 in Dinh & Ho (2020).
reweight : float, default=None
    From 0 to 1: how far the adaptive weights follow the norms from step to step on the way to a
    number of features; 0 keeps those of the first fit, as published. Features that have shrunk
    are charged more, which tells needed ones from others more sharply. By default 0.5; but 0
    where `initial_alpha` is not given, there are fewer structures than weights in the networks
    and a strong first fit has at most 1.1 times the error of a gentle one on held-out
    structures. On the way to a given alpha, or with ``init="cold"``, it has no effect.
feature_costs : array-like of shape (n_features,) or "measured", default=None
    What each feature costs, positive, in any unit. Divided by their mean, the costs multiply
    the adaptive weights (those of the first fit excepted), so that the path saves time rather
    than columns. "measured" takes microseconds per atom of the symmetry functions, timed once
    on the structures of `X`, see `measure_costs`: results may then differ from run to run;
    pass the costs that the result names again to repeat one.
init : {"warm", "cold"}, default="warm"
    Where each fit of the path starts: from the one before, without the features that have
    left, or from new random weights, as published, which takes a full fit at every alpha.
initial_alpha : float, default=None
    Strength of the first fit. By default chosen by the squared error (in units of the
    energies' variance, and not above 0.1) that a fit without penalty leaves on held-out
    structures: a tenth of it where the weights follow the norms, else ten times as much; and
    less if so strong a penalty leaves next to nothing of what can be learnt.
random_state : int, RandomState or None, default=None
    Draws the held-out structures (the same for all fits), the weights and the order of the
    structures. By default the estimator's own. Where that is None, too, a run that goes on
    keeps its first seed.
"""
OF_PARAMETER = {
    text.split(" : ")[0]: text.rstrip() for text in re.split(r"^(?=\w)", MEANINGS, flags=re.M)[1:]
}
PLACE = re.compile(r"^( *)\|([\w, ]+)\|$", flags=re.M)


def describe_parameters(documented):
    """Fill in what the shared parameters mean, where a docstring has a line ``|name, name|``.

    Parameters
    ----------
    documented : class or function
        With such lines among the parameters.

    Returns
    -------
    class or function
        The same.
    """
    if documented.__doc__:  # python -OO leaves none
        documented.__doc__ = PLACE.sub(_fill, documented.__doc__)
    return documented


def _fill(place):
    margin, names = place.groups()
    return indent("\n".join(OF_PARAMETER[name] for name in names.split(", ")), margin)
