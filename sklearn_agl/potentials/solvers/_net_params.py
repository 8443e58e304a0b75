"""Checks of `net_params`, the settings that a solver's net takes beside those of the regressor."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

TORCH_OWN = ("optimizer", "criterion")
"""Settings of what only a solver with torch's own optimizer has, and those that begin like them."""


@dataclass(frozen=True)
class Rule:
    """What a setting may be.

    Attributes
    ----------
    allows : callable
        Whether it may be the value given.
    words : str
        The same for an error message, after "must be".
    """

    allows: Callable
    words: str


def _is_number(value, kind=Real):
    is_number = isinstance(value, kind) and not isinstance(value, bool)
    # Python's own integers may be too large for a float.
    return is_number and (isinstance(value, Integral) or math.isfinite(value))


def _is_pair(value):
    is_sequence = isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str)
    return is_sequence and len(value) == 2 and all(map(POSITIVE.allows, value))


POSITIVE = Rule(lambda value: _is_number(value) and value > 0, "a finite number above 0")
NOT_NEGATIVE = Rule(lambda value: _is_number(value) and value >= 0, "a finite number, 0 or above")
COUNT = Rule(lambda value: _is_number(value, Integral) and value > 0, "a whole number above 0")
PAIR = Rule(_is_pair, "two finite numbers above 0, of the first and of the last epoch")


def number_up_to(largest):
    """The rule of a positive number."""
    return Rule(
        lambda value: POSITIVE.allows(value) and value <= largest,
        f"a number above 0 and not above {largest:g}",
    )


def one_of(*choices):
    """The rule of a setting that is one of some texts."""
    words = " or ".join(map(repr, choices))
    return Rule(lambda value: isinstance(value, str) and value in choices, words)


def check_net_params(net_params, solver, of_regressor):
    """Refuse settings with which a solver could not work, or which would do nothing.

    skorch itself refuses names that it does not know.

    Parameters
    ----------
    net_params : dict or None
        The settings.
    solver : Solver
        What they are for.
    of_regressor : collection of str
        Names of the parameters of `HDNNPRegressor`.

    Raises
    ------
    ValueError
        With the setting, its value and what it may be.
    """
    for name, value in (net_params or {}).items():
        begin = f"net_params={{{name!r}: {value!r}}}"
        if name in of_regressor:
            raise ValueError(
                f"{begin}: {name} is a parameter of HDNNPRegressor. Give it there, not in "
                "net_params."
            )
        if not solver.has_torch_optimizer and str(name).startswith(TORCH_OWN):
            raise ValueError(
                f"{begin} has no effect: solver {solver} has no {name}. Leave it out, or take "
                "solver='adamw'."
            )
        rule = solver.rules.get(name)
        if rule and not rule.allows(value):
            raise ValueError(f"{begin}: {name} of solver {solver} must be {rule.words}.")
        if isinstance(value, Real) and not (isinstance(value, bool) or _is_number(value)):
            raise ValueError(f"{begin}: numbers must be finite.")
