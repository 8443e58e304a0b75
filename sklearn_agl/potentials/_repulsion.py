"""The short-range repulsion of a potential: which pairs of elements have which term, and sums."""

from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols, covalent_radii, missing
from ase.units import Bohr, Hartree

from sklearn_agl.compiled._machine_code import kept
from sklearn_agl.compiled._pair_terms import (
    CHARGES,
    CORE,
    CUBE,
    DECAYS,
    HEIGHTS,
    INNER,
    LENGTH,
    REACH,
    ROW_LENGTH,
    SHIFT,
    SQUARE,
    STRENGTH,
    ZBL,
    PairTerms,
    repel,
)
from sklearn_agl.descriptors._pairs import PairSums, closest_distances
from sklearn_agl.descriptors._structures import check_images, check_structures

SCREENING_LENGTH, SCREENING_POWER = 0.46850, 0.23
"""Of the universal potential, in Å: 0.8854 times the Bohr radius, and the charges' exponent."""

INNER_PART = 0.5
"""Of the sum of the covalent radii: where the universal potential begins to be switched off."""


@dataclass(frozen=True)
class Repulsion:
    """Repulsive terms between pairs of atoms that are near each other.

    Parameters
    ----------
    kind : int
        `CORE` or `ZBL`, see `sklearn_agl.compiled._pair_terms`.
    elements : tuple of int
        Atomic numbers, ascending.
    rows : ndarray of shape (n_elements, n_elements, ROW_LENGTH)
        The numbers of each pair.
    """

    kind: int
    elements: tuple
    rows: np.ndarray

    @property
    def reach(self):
        """Distance from which on a pair has no term, (n_elements, n_elements)."""
        return self.rows[..., REACH]

    def terms(self, elements):
        """PairTerms for some atomic numbers, which need not all be known: those have none."""
        rows = np.zeros((len(elements), len(elements), ROW_LENGTH))
        known = np.flatnonzero(np.isin(elements, self.elements))
        places = np.searchsorted(self.elements, np.asarray(elements)[known])
        rows[np.ix_(known, known)] = self.rows[np.ix_(places, places)]
        return PairTerms(self.kind, float(rows[..., REACH].max(initial=0.0)), rows)

    def sums(self, structures):
        """PairSums over structures of its elements.

        Raises
        ------
        ValueError
            If a structure is unsound.
        """
        structures, terms = check_structures(structures), self.terms(self.elements)
        check_images(structures, terms.reach)
        for index, atoms in enumerate(structures):
            unknown = np.setdiff1d(atoms.numbers, self.elements)
            if unknown.size:
                raise ValueError(
                    f"Structure {index} contains {chemical_symbols[unknown[0]]}, which was not in "
                    "training. Add such structures to the training data."
                )
        return PairSums(structures, self.elements, terms)

    def with_strengths(self, swings):
        """The same beside networks, which a core has to stand up to.

        At eight tenths of the closest distance, a core is as high as the energies of the two atoms
        together can swing: by `swings` (n_elements,).
        """
        if self.kind != CORE:
            return self
        rows = self.rows.copy()
        rows[..., STRENGTH] = swings[:, None] + swings
        return Repulsion(self.kind, self.elements, rows)

    def evaluate(self, first, second, distances):
        """Energy of two atoms, and its derivative by their distance.

        Parameters
        ----------
        first, second : int
            Atomic numbers.
        distances : ndarray of shape (n,)

        Returns
        -------
        energies, derivatives : ndarray of shape (n,)
        """
        row = self.rows[self.elements.index(first), self.elements.index(second)]
        return _evaluate(self.kind, row, np.asarray(distances, dtype=np.float64))


@kept()
def _evaluate(kind, row, distances):
    energies, derivatives = np.zeros_like(distances), np.zeros_like(distances)
    for i in range(len(distances)):
        if distances[i] < row[REACH]:
            energies[i], derivatives[i] = repel(kind, row, distances[i])
    return energies, derivatives


def universal_repulsion(elements, r_cut):
    """The potential of Ziegler, Biersack and Littmark, in eV and Å.

    It is switched off between half the sum of the two covalent radii and that sum.

    Parameters
    ----------
    elements : tuple of int
        Atomic numbers, ascending.
    r_cut : float
        Largest cutoff radius of the symmetry functions.

    Returns
    -------
    Repulsion

    Raises
    ------
    ValueError
        If an element has no charge or no radius, or a pair reaches beyond `r_cut`.
    """
    for z in elements:
        if z == 0 or covalent_radii[z] == missing:
            raise ValueError(
                f"repulsion='zbl' needs the covalent radius of every element; atomic number {z} "
                f"({chemical_symbols[z]}) has none. Use "
                "repulsion='auto', or None."
            )
    rows = np.zeros((len(elements), len(elements), ROW_LENGTH))
    for (i, j), _ in np.ndenumerate(rows[..., 0]):
        rows[i, j] = _universal_row(elements[i], elements[j])
        if rows[i, j, REACH] > r_cut:
            pair = f"{chemical_symbols[elements[i]]}-{chemical_symbols[elements[j]]}"
            raise ValueError(
                f"repulsion='zbl' reaches {rows[i, j, REACH]:g} for the pair {pair}, but the "
                f"symmetry functions end at r_cut={r_cut:g}. Raise r_cut (lengths are in Å), or "
                "use repulsion='auto'."
            )
    return Repulsion(ZBL, tuple(elements), rows)


def _universal_row(first, second):
    row = np.zeros(ROW_LENGTH)
    reach = covalent_radii[first] + covalent_radii[second]
    powers = first**SCREENING_POWER + second**SCREENING_POWER
    row[REACH], row[INNER] = reach, INNER_PART * reach
    row[CHARGES], row[LENGTH] = Hartree * Bohr * first * second, SCREENING_LENGTH / powers
    value, slope, curvature = _at_the_end(row[CHARGES], row[LENGTH], reach)
    width = reach - row[INNER]
    row[SQUARE] = (width * curvature - 3.0 * slope) / width**2
    row[CUBE] = (2.0 * slope - width * curvature) / width**3
    row[SHIFT] = -value + width * slope / 2.0 - width**2 * curvature / 12.0
    return row


def _at_the_end(charges, length, r):
    """Screened repulsion at r, its slope and its curvature."""
    decays = np.array(DECAYS) / length
    heights = charges * np.array(HEIGHTS) * np.exp(-decays * r)
    f, f1, f2 = heights.sum(), -(decays * heights).sum(), (decays**2 * heights).sum()
    return f / r, f1 / r - f / r**2, f2 / r - 2.0 * f1 / r**2 + 2.0 * f / r**3


def core_repulsion(elements, of_pairs, of_images, r_cut):
    """Cores that begin where training has seen no atoms nearer to each other.

    A pair that training has not seen begins at the sum of the covalent radii, scaled as the pair is
    that has come nearest to its own. Atoms and their own images are no pairs, unless there are no
    others, but they have no term either.

    Parameters
    ----------
    elements : tuple of int
        Atomic numbers, ascending.
    of_pairs, of_images : ndarray of shape (n_elements, n_elements)
        From `closest_distances`.
    r_cut : float
        Largest distance at which training could have seen a pair.

    Returns
    -------
    Repulsion or None
        Its strength is still to be set. None if no pair has been seen: there is no unit of length.
    """
    closest = of_pairs if np.isfinite(of_pairs).any() else of_images
    if not np.isfinite(closest).any():
        return None
    radii = covalent_radii[list(elements)]
    radii = radii[:, None] + radii
    unseen = np.minimum((closest / radii).min() * radii, r_cut)
    rows = np.zeros((len(elements), len(elements), ROW_LENGTH))
    rows[..., REACH] = np.minimum(np.where(np.isfinite(closest), closest, unseen), of_images)
    return Repulsion(CORE, tuple(elements), rows)


def make_repulsion(kind, X, elements):
    """The repulsion of a potential, from the structures that it will be trained on.

    Parameters
    ----------
    kind : {"auto", "zbl"} or None
        The regressor's parameter.
    X : AtomicFeatures
        What it will be trained on.
    elements : tuple of int
        Atomic numbers that the potential knows, ascending.

    Returns
    -------
    Repulsion or None
        None if none is wanted, or if "auto" finds features that do not know their structures and
        symmetry functions.

    Raises
    ------
    ValueError
        If such features are for "zbl", or an element is none for it; if structures are unsound.
    """
    knows_distances = X.structures is not None and X.symmetry_functions is not None
    if kind == "zbl" and not knows_distances:
        raise ValueError(
            "repulsion='zbl' needs features that know their structures and symmetry functions, as "
            "those of a SymmetryFunctionTransformer do. Use repulsion='auto' or None."
        )
    if kind is None or not knows_distances:
        return None
    r_cut = max(function.r_cut for function in X.symmetry_functions)
    if kind == "zbl":
        return universal_repulsion(elements, r_cut)
    structures = check_structures(X.structures)
    check_images(structures, r_cut)
    closest = closest_distances(structures, elements, r_cut)
    return core_repulsion(elements, *closest, r_cut)
