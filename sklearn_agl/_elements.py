"""Elements that users name."""

from numbers import Integral

import numpy as np
from ase.data import atomic_numbers, chemical_symbols


def check_elements(elements):
    """Atomic numbers of elements that are named by symbol or number.

    Parameters
    ----------
    elements : sequence of str or int

    Returns
    -------
    ndarray of int of shape (n_elements,)
        Without repetitions, ascending.

    Raises
    ------
    ValueError
        If there is none, or one that does not exist.
    """
    if not len(elements):
        raise ValueError("elements is empty; name at least one, or leave it None.")
    return np.unique([_atomic_number(element) for element in elements])


def _atomic_number(element):
    number = atomic_numbers.get(element, 0) if isinstance(element, str) else element
    whole = isinstance(number, Integral) and not isinstance(number, bool)
    if not whole or not 0 < number < len(chemical_symbols):
        raise ValueError(f"Unknown element {element!r} in elements; write for example 'Si' or 14.")
    return int(number)
