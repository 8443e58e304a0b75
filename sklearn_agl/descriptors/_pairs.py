"""Pairs of atoms near each other: their closest distances, and sums of their pair terms."""

import math

import numpy as np

from sklearn_agl.compiled._jit import LOOPS
from sklearn_agl.compiled._machine_code import kept
from sklearn_agl.descriptors.kernels._cells import FAR, make_batch, make_cells
from sklearn_agl.descriptors.kernels._neighbors import (
    SLOT,
    SQUARE,
    TOO_CLOSE,
    collect,
    make_around,
)
from sklearn_agl.descriptors.kernels._pair_forces import add_pairs_of_atom

MOST_ATOMS = 20_000
"""Atoms that are looked at together."""


def closest_distances(structures, elements, r_cut):
    """Closest distance of each pair of elements.

    Parameters
    ----------
    structures : sequence of ase.Atoms
        Sound ones, of these elements.
    elements : ndarray of int
        Atomic numbers, ascending.
    r_cut : float
        Largest distance to look at.

    Returns
    -------
    of_pairs, of_images : ndarray of shape (n_elements, n_elements)
        Of two atoms, and of an atom to its own images, which tell of the cell alone. Symmetric;
        infinite where there are none within `r_cut`; of images, those beyond all pairs are missing.
    """
    squares = np.full((2, len(elements), len(elements)), FAR)
    start, n_wanted = 0, 1
    while start < len(structures):
        # Once there is a first answer for every pair, only nearer atoms need be looked at.
        radius = min(math.sqrt(squares[0].max()), r_cut)
        stop = _end_of_piece(structures, start, n_wanted)
        batch = make_batch(structures[start:stop], elements)
        cells = make_cells(batch, radius)
        _note_closest(batch, cells, radius, make_around(cells), squares)
        start, n_wanted = stop, MOST_ATOMS
    of_pairs, of_images = np.where(squares < FAR, np.sqrt(squares), np.inf)
    return of_pairs, of_images


def _end_of_piece(structures, start, n_wanted):
    """Where a piece of about so many atoms ends."""
    n_atoms, stop = 0, start
    while stop < len(structures) and n_atoms < n_wanted:
        n_atoms += len(structures[stop])
        stop += 1
    return stop


@kept(**LOOPS, no_cfunc_wrapper=True)
def _note_closest(batch, cells, radius, around, squares):
    for structure in range(len(batch.cells)):
        for slot in range(batch.starts[structure], batch.starts[structure + 1]):
            i = cells.order[slot]
            n_around = collect(slot, structure, batch, cells, radius, around)
            for p in range(n_around):
                j, square = cells.order[int(around[SLOT, p])], around[SQUARE, p]
                own = squares[1 if i == j else 0, batch.species[i]]
                if TOO_CLOSE * TOO_CLOSE <= square < own[batch.species[j]]:
                    own[batch.species[j]] = square


class PairSums:
    """Sums of pair terms over the atoms of some structures.

    Parameters
    ----------
    structures : sequence of ase.Atoms
        Sound ones.
    elements : ndarray of int
        Atomic numbers, ascending, of all atoms.
    terms : PairTerms
        Of these elements.

    Attributes
    ----------
    energies : ndarray of shape (n_atoms,)
        Of all atoms, one structure after the other: half the energies of their pairs.
    gradient : ndarray of shape (n_atoms, 3)
        Derivatives of each structure's energy by the positions.
    strain : ndarray of shape (n_structures, 3, 3)
        Derivatives by a strain e, where positions and cell vectors r become r (1 + e).
    """

    def __init__(self, structures, elements, terms):
        self._starts = np.cumsum([0] + [len(atoms) for atoms in structures])
        n_atoms = self._starts[-1]
        self.energies, self.gradient = np.zeros(n_atoms), np.zeros((n_atoms, 3))
        self.strain = np.zeros((len(structures), 3, 3))
        start = 0
        while start < len(structures):
            stop = _end_of_piece(structures, start, MOST_ATOMS)
            self._add(make_batch(structures[start:stop], elements), terms, start, stop)
            start = stop

    def _add(self, batch, terms, start, stop):
        atoms = slice(self._starts[start], self._starts[stop])
        add_pairs(batch, terms, self.energies[atoms], self.gradient[atoms], self.strain[start:stop])

    @property
    def totals(self):
        """Energy of each structure."""
        return np.add.reduceat(self.energies, self._starts[:-1])

    @property
    def gradients(self):
        """The gradient structure by structure, as a list."""
        return np.split(self.gradient, self._starts[1:-1])


def add_pairs(batch, terms, energies, gradient, strain):
    """Add the pair terms of a batch to energies of atoms and to derivatives, see `PairSums`."""
    if terms.reach > 0.0:
        cells = make_cells(batch, terms.reach)
        _add_pairs(batch, cells, terms, make_around(cells), energies, gradient, strain)


@kept(**LOOPS, no_cfunc_wrapper=True)
def _add_pairs(batch, cells, terms, around, energies, gradient, strain):
    for structure in range(len(batch.cells)):
        for slot in range(batch.starts[structure], batch.starts[structure + 1]):
            i = cells.order[slot]
            n = collect(slot, structure, batch, cells, terms.reach, around)
            energies[i] += add_pairs_of_atom(
                i, n, around, batch.species, cells.order, terms, gradient, strain[structure]
            )
