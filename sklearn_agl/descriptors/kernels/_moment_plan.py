"""Which angular groups can go by moments, the arrays for it, and what either way costs."""

import itertools
from typing import NamedTuple

import numpy as np

from sklearn_agl.descriptors.kernels._moments import HIGHEST_DEGREE, NO_SET, expand
from sklearn_agl.descriptors.kernels._packing import LANES

# Nanoseconds that were measured, see benchmarks/RESULTS.md; only their ratios count.
PAIR, GROUP, FUNCTION = 4.5, 0.8, 0.3
"""Of a pair of neighbours: to find it, and for each group and function."""

DIRECTION, WEIGHT, HARMONIC = 0.9, 9.0, 0.2
"""Of a neighbour: for each polynomial of its direction, for each set and harmonic of a set."""

ROW = 13.0
"""Of a loop over the neighbours, however few there are."""

MOMENT_SET = np.dtype([("eta", "f8"), ("r_s", "f8"), ("degree", "i8")])
"""Moments that groups with the same eta and r_s share: those up to their highest zeta."""

PRODUCT = np.dtype([("first", "i8"), ("second", "i8"), ("group", "i8")])
"""The neighbour elements of a group whose moments are multiplied."""


class MomentArrays(NamedTuple):
    """The arrays that `KernelArrays` describes."""

    set_starts: np.ndarray
    sets: np.ndarray
    costs: np.ndarray
    product_starts: np.ndarray
    products: np.ndarray
    expansions: np.ndarray
    diagonals: np.ndarray


class MomentPlan(NamedTuple):
    """The place of each group's set within its shell, and the arrays."""

    set_of_group: list
    arrays: MomentArrays


class AngularGroup(NamedTuple):
    """What there is to know of an angular group.

    Attributes
    ----------
    shell : int
        The shell it belongs to.
    elements : tuple of (int, int)
        Neighbour elements.
    wide : bool
        Whether it is of G5.
    eta, r_s, factor : float
        As in `GROUP`.
    powers : tuple of (float, int)
        The pairs of zeta and lambda of the functions that are wanted, None for others.
    by_moments : bool
        Whether it can go by moments.
    """

    shell: int
    elements: tuple
    wide: bool
    eta: float
    r_s: float
    factor: float
    powers: tuple
    by_moments: bool

    @property
    def degree(self):
        """The highest power that is wanted."""
        return int(max(power[0] for power in self.powers if power is not None))


def can_go_by_moments(kind, zetas):
    """Whether there is a way without pairs for functions of one group."""
    return kind == "G5" and all(
        float(zeta).is_integer() and zeta <= HIGHEST_DEGREE for zeta in zetas
    )


def plan_moments(groups, n_shells, n_elements):
    """Arrange the moments of angular groups.

    Parameters
    ----------
    groups : list of AngularGroup
        In the order of the kernel's groups.
    n_shells, n_elements : int
        Numbers of them.

    Returns
    -------
    MomentPlan
    """
    sets = {}
    for number, group in enumerate(groups):
        if group.by_moments:
            sets.setdefault((group.shell, group.eta, group.r_s), []).append(number)
    degrees = {key: max(groups[number].degree for number in own) for key, own in sets.items()}
    order = sorted(sets, key=lambda key: (key[0], degrees[key], *key[1:]))
    starts = np.searchsorted([key[0] for key in order], np.arange(n_shells + 1))
    set_of_group = [NO_SET] * len(groups)
    for place, key in enumerate(order):
        for number in sets[key]:
            set_of_group[number] = place - int(starts[key[0]])
    sizes = [len(sets[key]) for key in order]
    expansions, diagonals = _expand_all(groups, max(degrees.values(), default=0))
    arrays = MomentArrays(
        set_starts=starts.astype(np.int64),
        sets=np.array([(*key[1:], degrees[key]) for key in order], dtype=MOMENT_SET),
        costs=_costs(groups, set_of_group, [degrees[key] for key in order], starts, n_elements),
        product_starts=np.cumsum([0, *sizes], dtype=np.int64),
        products=np.array(
            [(*groups[number].elements, number) for key in order for number in sets[key]],
            dtype=PRODUCT,
        ),
        expansions=expansions,
        diagonals=diagonals,
    )
    return MomentPlan(set_of_group, arrays)


def _expand_all(groups, degree):
    """Expansions and diagonals of all angular functions; those of pairs of one element are half."""
    n_columns = sum(len(group.powers) for group in groups)
    expansions, diagonals = np.zeros((degree + 1, n_columns + LANES)), np.zeros(n_columns + LANES)
    column = 0
    for group in groups:
        same = group.elements[0] == group.elements[1]
        for power in group.powers:
            if group.by_moments and power is not None:
                own = group.factor * expand(*power) * (0.5 if same else 1.0)
                expansions[: len(own), column] = own
                # Where j = k, 2^(1 - zeta) (1 + lambda)^zeta is 2 or 0.
                diagonals[column] = group.factor if same and power[1] > 0 else 0.0
            column += 1
    return expansions, diagonals


def _costs(groups, set_of_group, degrees, starts, n_elements):
    """Costs of every choice: of an atom, of its neighbours and pairs of them, by elements."""
    rows = []
    for shell, (first, last) in enumerate(itertools.pairwise(starts)):
        own = [
            (group, place)
            for group, place in zip(groups, set_of_group, strict=True)
            if group.shell == shell and group.wide
        ]
        for n_sets in range(last - first + 1):
            chosen = degrees[first : first + n_sets]
            rest = [group for group, place in own if place >= n_sets]
            rows.append(
                np.concatenate([_by_moments(chosen, n_elements), _by_pairs(rest, n_elements)])
            )
    return np.array(rows).reshape(-1, 1 + n_elements + n_elements**2)


def _by_moments(degrees, n_elements):
    if not degrees:
        return np.zeros(1 + n_elements)
    n_polynomials = (degrees[-1] + 1) * (degrees[-1] + 2) / 2
    n_harmonics = sum((degree + 1) ** 2 for degree in degrees)
    per_neighbor = DIRECTION * n_polynomials + WEIGHT * len(degrees) + HARMONIC * n_harmonics
    per_atom = ROW * n_elements * (n_polynomials + n_harmonics)
    return np.array([per_atom, *[per_neighbor] * n_elements])


def _by_pairs(groups, n_elements):
    costs = np.zeros((n_elements, n_elements))
    for group in groups:
        if not costs[group.elements]:
            costs[group.elements] = PAIR
        costs[group.elements] += GROUP + FUNCTION * len(group.powers)
    return costs.ravel()
