"""Which elements a potential knows, and what is known about their single atoms."""

from numbers import Real

import numpy as np

from sklearn_agl._elements import check_elements


def find_elements(X, named):
    """Atomic numbers of the elements that occur or are named, ascending."""
    more = [] if named is None else check_elements(named).tolist()
    return tuple(sorted({*X.elements, *more}))


def given_references(atomic_energies, elements):
    """The energies of atoms (n_elements,) that the user knows; NaN for others."""
    given = np.full(len(elements), np.nan)
    for element, energy in (atomic_energies or {}).items():
        if isinstance(energy, bool) or not isinstance(energy, Real) or not np.isfinite(energy):
            raise ValueError(
                f"atomic_energies[{element!r}] is {energy!r}; give the energy of one atom, a "
                "finite number."
            )
        given[np.equal(elements, check_elements([element])[0])] = energy
    return given
