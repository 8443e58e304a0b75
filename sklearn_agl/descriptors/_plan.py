"""From a list of symmetry functions to the arrays and loop shapes that the compiled kernels need.

Functions that share work are grouped. A *shell* holds the functions of one central element with the
same cutoff function and radii: they see the same neighbours with the same weights. Within a shell,
an *angular group* holds the functions of one kind and one pair of neighbour elements with the same
eta and r_s: they share the exponential. What is left within a group, a set of (zeta, lambda), is
its *shape*; only shapes are compiled, so that sets that differ in numbers share their machine code.
"""

from typing import NamedTuple

import numpy as np
from ase.data import atomic_numbers

from .._vector_math import SMALLEST_ARGUMENT
from ._cells import FAR
from ._cutoffs import EVEN_CUTOFFS

NARROW, MANY = 0.5, 50
"""More than so many functions that cover less than that part of the radius pay for sorting."""


class GroupShape(NamedTuple):
    """What the innermost loop over the triplets of an angular group looks like.

    Attributes
    ----------
    shifted : bool
        Whether r_s differs from zero.
    powers : tuple of (float, int)
        The pairs of zeta and lambda.
    """

    shifted: bool
    powers: tuple


class CutoffLoop(NamedTuple):
    """What the loop over a cutoff function looks like.

    Attributes
    ----------
    name : str
        The cutoff function.
    even : bool
        Whether it is taken as a function of the squared distance.
    """

    name: str
    even: bool


SHELL = np.dtype([("r_cut", "f8"), ("r_inner", "f8"), ("cutoff", "i8")])
"""Radii of a shell, and the number of its cutoff function."""

RADIAL = np.dtype(
    [
        ("wave", "i8"),
        ("eta", "f8"),
        ("r_s", "f8"),
        ("reach", "f8"),
        ("factor", "f8"),
        ("column", "i8"),
    ]
)
"""One radial function of one neighbour element.

`wave` is 1 for G3, which has kappa in the place of eta. Beyond `reach` from r_s nothing is left of
the function. The factor is 1, or the weight of the neighbour.
"""

GROUP = np.dtype(
    [("eta", "f8"), ("r_s", "f8"), ("factor", "f8"), ("shape", "i8"), ("first_column", "i8")]
)
"""One angular group: with its shape go the columns from `first_column` on."""


class KernelArrays(NamedTuple):
    """The numbers of a set of functions, in compressed rows: the kernel's run-time argument.

    Attributes
    ----------
    r_cut : float
        Largest cutoff radius.
    sorts_neighbors : bool
        Whether so many functions are so narrow that neighbours should be sorted by distance.
    shell_starts : ndarray of int of shape (n_elements + 1,)
        Shells of each central element.
    shells : ndarray of SHELL of shape (n_shells,)
    radial_starts : ndarray of int of shape (n_shells * n_elements + 1,)
        Radial functions of each shell and neighbour element.
    radial : ndarray of RADIAL of shape (n_radial,)
    group_starts : ndarray of int of shape (n_shells * 2 * n_elements * n_elements + 1,)
        Angular groups of each shell, kind (G4, G5) and pair of neighbour elements (first <=
        second).
    groups : ndarray of GROUP of shape (n_groups,)
    columns : ndarray of int of shape (n_angular,)
        Columns of each group, in the order of its shape.
    """

    r_cut: float
    sorts_neighbors: bool
    shell_starts: np.ndarray
    shells: np.ndarray
    radial_starts: np.ndarray
    radial: np.ndarray
    group_starts: np.ndarray
    groups: np.ndarray
    columns: np.ndarray


class KernelPlan(NamedTuple):
    """What to compile and what to hand to it.

    Attributes
    ----------
    shapes : tuple of GroupShape
        The kinds of angular groups.
    cutoffs : tuple of CutoffLoop
        The cutoff functions.
    arrays : KernelArrays
        The column behind the last one, ``defined.shape[1]``, collects what nobody asked for.
    defined : ndarray of bool of shape (n_elements, n_functions)
        Which functions belong to which central element.
    """

    shapes: tuple
    cutoffs: tuple
    arrays: KernelArrays
    defined: np.ndarray


class Planner:
    """Makes plans for one set of functions, each choice of columns once.

    Parameters
    ----------
    functions : tuple of SymmetryFunction
        As `expand_symmetry_functions` returns them.
    elements : ndarray of int
        Atomic numbers, ascending.
    """

    def __init__(self, functions, elements):
        self.functions = functions
        self.elements = elements
        self._plans = {}

    def plan(self, columns=None):
        """KernelPlan for some columns, by default all of them."""
        key = None if columns is None else tuple(columns)
        if key not in self._plans:
            self._plans[key] = make_plan(self.functions, self.elements, columns)
        return self._plans[key]

    def __reduce__(self):
        return Planner, (self.functions, self.elements)


def make_plan(functions, elements, columns=None):
    """Group complete symmetry functions for the kernel.

    Parameters
    ----------
    functions : sequence of SymmetryFunction
        As `expand_symmetry_functions` returns them.
    elements : sequence of int
        Atomic numbers, ascending.
    columns : ndarray of int, default=None
        Functions to evaluate, in this order. None: all of them. The shapes remain those of all
        functions, so that every choice of columns shares its machine code.

    Returns
    -------
    KernelPlan
    """
    columns = np.arange(len(functions)) if columns is None else np.asarray(columns)
    place = np.full(len(functions), len(columns))
    place[columns] = np.arange(len(columns))
    entries = [entry for i, f in enumerate(functions) for entry in _entries(f, place[i], elements)]
    shells = _group(entries, lambda entry: entry.shell)
    shapes, cutoffs, rows = {}, {}, _Rows()
    for (center, cutoff, r_cut, r_inner), members in shells.items():
        loop = CutoffLoop(cutoff, cutoff in EVEN_CUTOFFS and r_inner == 0.0)
        number = cutoffs.setdefault(loop, len(cutoffs))
        radial = _radial_rows(members, len(rows.shells) * len(elements), len(columns))
        groups = _group_rows(members, len(rows.shells), len(elements), shapes, len(columns))
        if radial or groups:
            rows.shells.append((center, r_cut, r_inner, number))
            rows.radial += radial
            rows.groups += groups
    defined = np.zeros((len(elements), len(functions)), dtype=bool)
    for i, function in enumerate(functions):
        defined[np.searchsorted(elements, atomic_numbers[function.center]), i] = True
    return KernelPlan(
        shapes=tuple(shapes),
        cutoffs=tuple(cutoffs),
        arrays=rows.pack(len(elements)),
        defined=defined[:, columns],
    )


def see_so_far(plan, distance):
    """The same plan for a kernel that looks for neighbours up to a distance at least."""
    r_cut = max(plan.arrays.r_cut, distance)
    return plan._replace(arrays=plan.arrays._replace(r_cut=r_cut))


class _Entry(NamedTuple):
    """A symmetry function seen by one set of neighbour elements."""

    column: int
    function: object
    neighbors: tuple
    factor: float
    shell: tuple


def _entries(function, column, elements):
    """A weighted function has an entry for every neighbour element, any other function has one."""
    index = {number: i for i, number in enumerate(elements)}
    center = index[atomic_numbers[function.center]]
    shell = (center, function.cutoff, function.r_cut, function.r_inner)
    if not function.weighted:
        neighbors = tuple(index[atomic_numbers[symbol]] for symbol in function.neighbors)
        return [_Entry(column, function, neighbors, 1.0, shell)]
    choices = [(first,) for first in index.values()]
    if function.is_angular:
        choices = [(first, second) for (first,) in choices for second in range(first, len(index))]
    return [
        _Entry(column, function, chosen, float(np.prod([elements[e] for e in chosen])), shell)
        for chosen in choices
    ]


def _group(items, key):
    groups = {}
    for item in sorted(items, key=key):
        groups.setdefault(key(item), []).append(item)
    return groups


def _radial_rows(members, offset, n_columns):
    radial = [m for m in members if not m.function.is_angular and m.column < n_columns]
    rows = []
    for m in sorted(radial, key=lambda m: (m.neighbors, m.column)):
        wave = m.function.kind == "G3"
        eta = m.function.kappa if wave else m.function.eta or 0.0
        reach = FAR if wave or eta == 0.0 else (-SMALLEST_ARGUMENT / eta) ** 0.5
        place = offset + m.neighbors[0]
        rows.append((place, wave, eta, m.function.r_s, reach, m.factor, m.column))
    return rows


def _group_rows(members, shell, n_elements, shapes, n_columns):
    """Every group has its shape noted; those without a wanted column then have no row."""
    angular = [m for m in members if m.function.is_angular]
    groups = _group(angular, _group_key)
    rows = []
    for (kind, first, second, eta, r_s, factor), same in groups.items():
        same = sorted(same, key=lambda m: (m.function.zeta, m.function.lambda_))
        shape = GroupShape(r_s != 0.0, tuple((m.function.zeta, m.function.lambda_) for m in same))
        number = shapes.setdefault(shape, len(shapes))
        pair = ((2 * shell + (kind == "G5")) * n_elements + first) * n_elements + second
        columns = [m.column for m in same]
        if min(columns) < n_columns:
            rows.append((pair, eta, r_s, factor, number, columns))
    return rows


def _group_key(entry):
    function = entry.function
    return (function.kind, *entry.neighbors, function.eta, function.r_s, entry.factor)


class _Rows:
    """Rows of the three levels, each behind the number of what it belongs to, ascending."""

    def __init__(self):
        self.shells, self.radial, self.groups = [], [], []

    def pack(self, n_elements):
        """KernelArrays of these rows."""
        shells, radial, groups = self.shells, self.radial, self.groups
        r_cut = max((row[1] for row in shells), default=0.0)
        first_columns = np.cumsum([0] + [len(row[-1]) for row in groups])
        placed = [(*row[:-1], first) for row, first in zip(groups, first_columns, strict=False)]
        n_narrow = sum(2.0 * row[4] < NARROW * r_cut for row in radial)
        return KernelArrays(
            r_cut=r_cut,
            sorts_neighbors=n_narrow > MANY,
            shell_starts=_starts(shells, n_elements),
            shells=_records(shells, SHELL),
            radial_starts=_starts(radial, len(shells) * n_elements),
            radial=_records(radial, RADIAL),
            group_starts=_starts(groups, len(shells) * 2 * n_elements**2),
            groups=_records(placed, GROUP),
            columns=np.array([column for row in groups for column in row[-1]], dtype=np.int64),
        )


def _starts(rows, n_owners):
    """Where the rows of each owner start."""
    owners = np.array([row[0] for row in rows], dtype=np.int64)
    return np.searchsorted(owners, np.arange(n_owners + 1)).astype(np.int64)


def _records(rows, dtype):
    return np.array([tuple(row[1:]) for row in rows], dtype=dtype)
