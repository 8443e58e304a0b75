"""The checks that a structure must pass before its neighbours are searched."""

import numpy as np
from ase import Atoms

from sklearn_agl.descriptors._containers import as_list, cure_of_entry

FLAT_CELL = 1e-10
"""Periodic vectors whose directions span less than this volume (of 1) are linearly dependent."""

FARTHEST = 1e9
"""Coordinates beyond this leave a distance fewer than seven digits behind the point."""

MOST_IMAGES = 1e5
"""An atom that sees more periodic images of each atom is in a cell of the wrong unit."""


def check_structures(structures):
    """Refuse anything that is not a list of sound structures.

    Parameters
    ----------
    structures : iterable of ase.Atoms
        Any mix of sizes, elements, cells and periodicity.

    Returns
    -------
    list of ase.Atoms
        The structures themselves.

    Raises
    ------
    ValueError
        With the cure, for what structures have to be taken out of first, see `as_list`.
        With the index of the structure and the cure, for an entry that is no ase.Atoms, a structure
        without atoms, positions that are not finite or too far away, and a periodic cell without
        volume.
    """
    structures = as_list(structures)
    for index, atoms in enumerate(structures):
        _check_structure(index, atoms)
    return structures


def _check_structure(index, atoms):
    if not isinstance(atoms, Atoms):
        raise ValueError(
            f"Structure {index} is of type {type(atoms).__name__}; {cure_of_entry(atoms)}"
        )
    if len(atoms) == 0:
        raise ValueError(f"Structure {index} has no atoms; leave it out.")
    check_positions(index, atoms.positions)
    if (atoms.numbers <= 0).any():
        bad = int(np.argmax(atoms.numbers <= 0))
        raise ValueError(
            f"Structure {index} has an atom without an element: atom {bad} is of the placeholder "
            "kind 'X'. Give it a chemical symbol."
        )
    _check_cell(index, atoms)


def check_positions(index, positions):
    """Refuse positions that nothing can be computed with, in no time where there are none.

    Parameters
    ----------
    index : int
        Of the structure.
    positions : ndarray of shape (n_atoms, 3)

    Raises
    ------
    ValueError
        With the index of the structure and the cure, if one is not finite or too far away.
    """
    if np.abs(positions).max(initial=0.0) <= FARTHEST:  # which NaN is not
        return
    finite = np.isfinite(positions).all(axis=1)
    if not finite.all():
        bad = int(np.argmin(finite))
        raise ValueError(
            f"Structure {index} has a position that is not finite: atom {bad} is at "
            f"{positions[bad].tolist()}. Correct it or leave the structure out."
        )
    bad = int(np.argmax((np.abs(positions) > FARTHEST).any(axis=1)))
    raise ValueError(
        f"Structure {index}: atom {bad} is at {positions[bad].tolist()}, farther than "
        f"{FARTHEST:g} from the origin, where distances lose their digits. Correct it, or wrap "
        "the atoms into the cell with atoms.wrap()."
    )


def _check_cell(index, atoms):
    vectors = atoms.cell.array[atoms.pbc]
    if not len(vectors):
        return
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(vectors, axis=1)
    sound = np.isfinite(vectors).all() and (lengths > 0).all()
    if sound:
        directions = vectors / lengths[:, None]
        # The determinant of their products would be rounding, and hide that there is no volume.
        sound = np.prod(np.linalg.svd(directions, compute_uv=False)) > FLAT_CELL
    if not sound:
        raise ValueError(
            f"Structure {index} is periodic along {atoms.pbc.tolist()} but its cell "
            f"{atoms.cell.array.tolist()} has no volume there. Set the cell, or switch "
            "periodicity off with atoms.pbc = False."
        )


def check_images(structures, r_cut):
    """Refuse cells that are so small that neighbours cannot be counted.

    Parameters
    ----------
    structures : list of ase.Atoms
        As `check_structures` returns them.
    r_cut : float
        Largest cutoff radius.

    Raises
    ------
    ValueError
        With the index of the structure and the cure.
    """
    for index, atoms in enumerate(structures):
        images = _count_images(atoms, r_cut)
        if images > MOST_IMAGES:
            raise ValueError(
                f"Structure {index} has about {images:.0e} periodic images of every atom within "
                f"the cutoff radius {r_cut:g}: its cell {atoms.cell.array.tolist()} is too small. "
                "Give both in the same unit of length."
            )


def _count_images(atoms, r_cut):
    """In the box around the sphere."""
    if not atoms.pbc.any():
        return 1.0
    vectors = atoms.cell.array[atoms.pbc]
    lengths = np.linalg.norm(vectors, axis=1)
    # The heights of the cell are one over the lengths of the reciprocal vectors.
    relative_heights = 1.0 / np.linalg.norm(np.linalg.pinv(vectors / lengths[:, None]), axis=0)
    with np.errstate(over="ignore"):
        return float(np.prod(2.0 * r_cut / lengths / relative_heights + 1.0))
