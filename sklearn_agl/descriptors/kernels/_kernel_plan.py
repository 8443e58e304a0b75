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

from sklearn_agl.compiled._vector_math import SMALLEST_ARGUMENT
from sklearn_agl.descriptors.kernels._cells import FAR
from sklearn_agl.descriptors.kernels._cutoffs import EVEN_CUTOFFS
from sklearn_agl.descriptors.kernels._moment_plan import (
    AngularGroup,
    can_go_by_moments,
    plan_moments,
)

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
    by_moments : bool
        Whether there is another way than the loop over pairs, see `_moments`.
    """

    shifted: bool
    powers: tuple
    by_moments: bool


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
    [
        ("eta", "f8"),
        ("r_s", "f8"),
        ("factor", "f8"),
        ("shape", "i8"),
        ("set", "i8"),
        ("first_column", "i8"),
    ]
)
"""One angular group: with its shape go the columns from `first_column` on.

`set` is the place of its moments among those of the shell, `NO_SET` if it has none.
"""


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
    set_starts : ndarray of int of shape (n_shells + 1,)
        Sets of moments of each shell.
    sets : ndarray of MOMENT_SET of shape (n_sets,)
        For each shell by ascending degree.
    costs : ndarray of shape (n_sets + n_shells, 1 + n_elements + n_elements ** 2)
        For each shell and number of its sets that go by moments: what an atom costs, what one of
        its neighbours of each element does, and what a pair of neighbours of two elements does.
    product_starts : ndarray of int of shape (n_sets + 1,)
        Groups of each set.
    products : ndarray of PRODUCT of shape (n_products,)
    expansions : ndarray of shape (n_degrees, n_angular + LANES)
        Coefficients of the Legendre polynomials for the angular functions that have a set.
    diagonals : ndarray of shape (n_angular + LANES,)
        What the sum of g² is multiplied by and taken off.
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
    set_starts: np.ndarray
    sets: np.ndarray
    costs: np.ndarray
    product_starts: np.ndarray
    products: np.ndarray
    expansions: np.ndarray
    diagonals: np.ndarray


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
        groups = _angular_groups(members, len(rows.shells), shapes, len(columns))
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


def _angular_groups(members, shell, shapes, n_columns):
    """Every group has its shape noted; those without a wanted column are left out then.

    Returns pairs of `AngularGroup` and the number of its shape, and the columns.
    """
    angular = [m for m in members if m.function.is_angular]
    groups = _group(angular, _group_key)
    found = []
    for (kind, *neighbors, eta, r_s, factor), same in groups.items():
        same = sorted(same, key=lambda m: (m.function.zeta, m.function.lambda_))
        powers = tuple((m.function.zeta, m.function.lambda_) for m in same)
        by_moments = can_go_by_moments(kind, [zeta for zeta, _ in powers])
        shape = GroupShape(r_s != 0.0, powers, by_moments)
        number = shapes.setdefault(shape, len(shapes))
        columns = [m.column for m in same]
        if min(columns) < n_columns:
            wanted = [p if c < n_columns else None for p, c in zip(powers, columns, strict=True)]
            group = AngularGroup(
                shell, tuple(neighbors), kind == "G5", eta, r_s, factor, tuple(wanted), by_moments
            )
            found.append((group, number, columns))
    return found


def _group_key(entry):
    function = entry.function
    return (function.kind, *entry.neighbors, function.eta, function.r_s, entry.factor)


class _Rows:
    """Rows of the three levels, each behind the number of what it belongs to, ascending."""

    def __init__(self):
        self.shells, self.radial, self.groups = [], [], []

    def pack(self, n_elements):
        """KernelArrays of these rows."""
        shells, radial = self.shells, self.radial
        r_cut = max((row[1] for row in shells), default=0.0)
        n_narrow = sum(2.0 * row[4] < NARROW * r_cut for row in radial)
        moments = plan_moments([row[0] for row in self.groups], len(shells), n_elements)
        groups = self._group_rows(n_elements, moments.set_of_group)
        return KernelArrays(
            r_cut=r_cut,
            sorts_neighbors=n_narrow > MANY,
            shell_starts=_starts(shells, n_elements),
            shells=_records(shells, SHELL),
            radial_starts=_starts(radial, len(shells) * n_elements),
            radial=_records(radial, RADIAL),
            group_starts=_starts(groups, len(shells) * 2 * n_elements**2),
            groups=_records(groups, GROUP),
            columns=np.array([c for *_, columns in self.groups for c in columns], dtype=np.int64),
            **moments.arrays._asdict(),
        )

    def _group_rows(self, n_elements, set_of_group):
        rows, first_column = [], 0
        for (group, shape, columns), own in zip(self.groups, set_of_group, strict=True):
            kind, (first, second) = 2 * group.shell + group.wide, group.elements
            pair = (kind * n_elements + first) * n_elements + second
            rows.append((pair, group.eta, group.r_s, group.factor, shape, own, first_column))
            first_column += len(columns)
        return rows


def _starts(rows, n_owners):
    """Where the rows of each owner start."""
    owners = np.array([row[0] for row in rows], dtype=np.int64)
    return np.searchsorted(owners, np.arange(n_owners + 1)).astype(np.int64)


def _records(rows, dtype):
    return np.array([tuple(row[1:]) for row in rows], dtype=dtype)
