"""From a list of symmetry functions to the arrays and loop shapes that the compiled kernel needs.

Functions that share work are grouped. A *shell* holds the functions of one central element with the
same cutoff function and radius: they see the same neighbours with the same weights. Within a shell,
an *angular group* holds the functions of one pair of neighbour elements with the same eta and r_s:
they share the exponential. What is left within a group, a set of (zeta, lambda), is its *shape*;
only shapes are compiled, so that sets that differ in numbers share their machine code.
"""

from typing import NamedTuple

import numpy as np
from ase.data import atomic_numbers


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


class KernelArrays(NamedTuple):
    """The numbers of a set of functions, in compressed rows: the kernel's run-time argument.

    Attributes
    ----------
    shell_starts : ndarray of shape (n_elements + 1,)
        Shells of each central element.
    shell_r_cut, shell_cutoff : ndarray of shape (n_shells,)
        Radius, and index of the cutoff function.
    radial_starts : ndarray of shape (n_shells * n_elements + 1,)
        Radial functions of each shell and neighbour element.
    radial_eta, radial_r_s, radial_column : ndarray of shape (n_radial,)
    group_starts : ndarray of shape (n_shells * n_elements * n_elements + 1,)
        Angular groups of each shell and pair of neighbour elements (first <= second).
    group_eta, group_r_s, group_shape : ndarray of shape (n_groups,)
    column_starts : ndarray of shape (n_groups + 1,)
    columns : ndarray of shape (n_angular,)
        Columns of each group, in the order of its shape.
    """

    shell_starts: np.ndarray
    shell_r_cut: np.ndarray
    shell_cutoff: np.ndarray
    radial_starts: np.ndarray
    radial_eta: np.ndarray
    radial_r_s: np.ndarray
    radial_column: np.ndarray
    group_starts: np.ndarray
    group_eta: np.ndarray
    group_r_s: np.ndarray
    group_shape: np.ndarray
    column_starts: np.ndarray
    columns: np.ndarray


class KernelPlan(NamedTuple):
    """What to compile and what to hand to it.

    Attributes
    ----------
    shapes : tuple of GroupShape
        The kinds of angular groups.
    cutoffs : tuple of str
        Names of the cutoff functions.
    arrays : KernelArrays
    defined : ndarray of bool of shape (n_elements, n_functions)
        Which functions belong to which central element.
    r_cut : float
        Largest cutoff radius.
    """

    shapes: tuple
    cutoffs: tuple
    arrays: KernelArrays
    defined: np.ndarray
    r_cut: float


def make_plan(functions, elements):
    """Group complete symmetry functions for the kernel.

    Parameters
    ----------
    functions : sequence of SymmetryFunction
        As `expand_symmetry_functions` returns them.
    elements : sequence of int
        Atomic numbers, ascending.

    Returns
    -------
    KernelPlan
    """
    index = {number: i for i, number in enumerate(elements)}
    entries = [_Entry(column, f, index) for column, f in enumerate(functions)]
    shells = _group(entries, lambda entry: entry.shell)
    shapes, cutoffs = {}, {}
    radial_rows, group_rows, shell_rows = [], [], []
    for number, ((center, cutoff, r_cut), members) in enumerate(shells.items()):
        shell_rows.append((center, r_cut, cutoffs.setdefault(cutoff, len(cutoffs))))
        radial_rows += _radial_rows(members, number * len(elements))
        group_rows += _group_rows(members, number * len(elements) ** 2, len(elements), shapes)
    return KernelPlan(
        shapes=tuple(shapes),
        cutoffs=tuple(cutoffs),
        arrays=_pack(len(elements), shell_rows, radial_rows, group_rows),
        defined=_defined(entries, len(elements)),
        r_cut=max(f.r_cut for f in functions),
    )


class _Entry:
    """A symmetry function with its column and with element indices in place of symbols."""

    def __init__(self, column, function, index):
        self.column = column
        self.function = function
        self.center = index[atomic_numbers[function.center]]
        self.neighbors = [index[atomic_numbers[symbol]] for symbol in function.neighbors]
        self.shell = (self.center, function.cutoff, function.r_cut)


def _group(items, key):
    groups = {}
    for item in sorted(items, key=key):
        groups.setdefault(key(item), []).append(item)
    return groups


def _radial_rows(members, offset):
    radial = [m for m in members if not m.function.is_angular]
    return [
        (offset + m.neighbors[0], m.function.eta, m.function.r_s, m.column)
        for m in sorted(radial, key=lambda m: (m.neighbors, m.column))
    ]


def _group_rows(members, offset, n_elements, shapes):
    angular = [m for m in members if m.function.is_angular]
    groups = _group(angular, lambda m: (*m.neighbors, m.function.eta, m.function.r_s))
    rows = []
    for (first, second, eta, r_s), same in groups.items():
        same = sorted(same, key=lambda m: (m.function.zeta, m.function.lambda_))
        shape = GroupShape(r_s != 0.0, tuple((m.function.zeta, m.function.lambda_) for m in same))
        number = shapes.setdefault(shape, len(shapes))
        pair = offset + first * n_elements + second
        rows.append((pair, eta, r_s, number, [m.column for m in same]))
    return rows


def _pack(n_elements, shells, radial, groups):
    n_shells = len(shells)
    return KernelArrays(
        shell_starts=_starts([row[0] for row in shells], n_elements),
        shell_r_cut=_floats(row[1] for row in shells),
        shell_cutoff=_integers(row[2] for row in shells),
        radial_starts=_starts([row[0] for row in radial], n_shells * n_elements),
        radial_eta=_floats(row[1] for row in radial),
        radial_r_s=_floats(row[2] for row in radial),
        radial_column=_integers(row[3] for row in radial),
        group_starts=_starts([row[0] for row in groups], n_shells * n_elements**2),
        group_eta=_floats(row[1] for row in groups),
        group_r_s=_floats(row[2] for row in groups),
        group_shape=_integers(row[3] for row in groups),
        column_starts=_integers(np.cumsum([0] + [len(row[4]) for row in groups])),
        columns=_integers(column for row in groups for column in row[4]),
    )


def _starts(owners, n_owners):
    """Row starts of a compressed layout, from the ascending owner of each entry."""
    return np.searchsorted(_integers(owners), np.arange(n_owners + 1)).astype(np.int64)


def _defined(entries, n_elements):
    defined = np.zeros((n_elements, len(entries)), dtype=bool)
    for entry in entries:
        defined[entry.center, entry.column] = True
    return defined


def _floats(values):
    return np.array(list(values), dtype=np.float64)


def _integers(values):
    return np.array(list(values), dtype=np.int64)
