"""The checks that a structure must pass before its neighbours are searched."""

import numpy as np
from ase import Atoms

FLAT_CELL = 1e-10
"""Periodic vectors whose directions span less than this volume (of 1) are linearly dependent."""

FAR = 1e6
"""No atom is farther from the origin, and no periodic vector longer, in any unit in use."""
MOST_NEIGHBORS = 1e5
"""Of one atom; with the cutoff radii in use, there are about a hundred."""


def check_structures(structures):
    """Refuse anything that is not a list of sound structures.

    Parameters
    ----------
    structures : sequence of ase.Atoms
        Any mix of sizes, elements, cells and periodicity.

    Returns
    -------
    list of ase.Atoms
        The structures themselves.

    Raises
    ------
    ValueError
        With the index of the structure and the cure, for an entry that is no ase.Atoms, a structure
        without atoms, positions that are not finite, and a periodic cell without volume.
    """
    if isinstance(structures, Atoms):
        raise ValueError("Got one ase.Atoms; put it into a list: [atoms].")
    try:
        structures = list(structures)
    except TypeError:
        raise ValueError(
            f"Expected a sequence of ase.Atoms, got {type(structures).__name__}."
        ) from None
    if not structures:
        raise ValueError("Got no structure; at least one is needed.")
    for index, atoms in enumerate(structures):
        _check_structure(index, atoms)
    return structures


def check_density(structures, r_cut):
    """Refuse structures that are so dense that their neighbours would not fit into memory.

    Parameters
    ----------
    structures : sequence of ase.Atoms
        Sound ones.
    r_cut : float
        Largest cutoff radius.

    Raises
    ------
    ValueError
        With the index of the structure, if an atom has more than `MOST_NEIGHBORS` neighbours.
    """
    for index, atoms in enumerate(structures):
        if not atoms.pbc.all():
            continue
        n_neighbors = 4.0 / 3.0 * np.pi * r_cut**3 * len(atoms) / abs(atoms.cell.volume)
        if n_neighbors > MOST_NEIGHBORS:
            raise ValueError(
                f"Atoms of structure {index} would have about {n_neighbors:.1g} neighbours within "
                f"r_cut={r_cut:g}: its cell {atoms.cell.array.tolist()} is in another unit of "
                "length, or r_cut is too large."
            )


def _check_structure(index, atoms):
    if not isinstance(atoms, Atoms):
        raise ValueError(
            f"Structure {index} is of type {type(atoms).__name__}; convert it to ase.Atoms."
        )
    if len(atoms) == 0:
        raise ValueError(f"Structure {index} has no atoms; leave it out.")
    finite = np.isfinite(atoms.positions).all(axis=1)
    if not finite.all():
        bad = int(np.argmin(finite))
        raise ValueError(
            f"Structure {index} has a position that is not finite: atom {bad} is at "
            f"{atoms.positions[bad].tolist()}. Correct it or leave the structure out."
        )
    far = np.abs(atoms.positions).max(axis=1) > FAR
    if far.any():
        bad = int(np.argmax(far))
        raise ValueError(
            f"Structure {index}: atom {bad} is at {atoms.positions[bad].tolist()}, farther than "
            f"{FAR:g} from the origin, where distances lose their digits. Correct it, or wrap the "
            "atoms into the cell with atoms.wrap()."
        )
    if (atoms.numbers <= 0).any():
        bad = int(np.argmax(atoms.numbers <= 0))
        raise ValueError(
            f"Structure {index} has an atom without an element: atom {bad} is of the placeholder "
            "kind 'X'. Give it a chemical symbol."
        )
    _check_cell(index, atoms)


def _check_cell(index, atoms):
    vectors = atoms.cell.array[atoms.pbc]
    if not len(vectors):
        return
    sound = np.isfinite(vectors).all() and np.abs(vectors).max() <= FAR
    lengths = np.linalg.norm(vectors, axis=1) if sound else np.zeros(1)
    sound = sound and (lengths > 0).all()
    if sound:
        directions = vectors / lengths[:, None]
        sound = np.linalg.det(directions @ directions.T) > FLAT_CELL**2
    if not sound:
        raise ValueError(
            f"Structure {index} is periodic along {atoms.pbc.tolist()} but its cell "
            f"{atoms.cell.array.tolist()} has no volume there. Set the cell, or switch "
            "periodicity off with atoms.pbc = False."
        )
