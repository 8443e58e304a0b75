"""What the attributes of an estimator in a file have to look like, and how they belong together.

Each class that can be saved announces its own.

A check is a function of a value and of `sizes`, a dict of the lengths seen so far by their letters:
where two arrays share a letter, they share a length.
"""

import math
from numbers import Real

import numpy as np
from ase.data import chemical_symbols

from sklearn_agl._labels import ENERGIES


def check_attributes(values, checks, sizes, *, optional=()):
    """Refuse attributes that are unknown, missing or unsound.

    Parameters
    ----------
    values : dict of str to object
        The attributes.
    checks : dict of str to callable
        A check for each. Those that fix the sizes of others come first.
    sizes : dict of str to int
        Is extended.
    optional : collection of str, default=()
        Those that may be missing.

    Raises
    ------
    ValueError
        Naming the attribute.
    """
    unknown = values.keys() - checks.keys()
    if unknown:
        raise ValueError(f"unknown attribute {min(unknown)!r}")
    for name, check in checks.items():
        if name in values:
            try:
                check(values[name], sizes)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        elif name not in optional:
            raise ValueError(f"attribute {name!r} is missing")


def optional(check):
    """None, or what another check takes."""
    return lambda value, sizes: None if value is None else check(value, sizes)


def either(first, second):
    """An array for the second check, or anything else for the first."""
    return lambda value, sizes: (second if isinstance(value, np.ndarray) else first)(value, sizes)


def one_of(*choices):
    """One of some strings, or of some whole numbers."""

    def check(value, sizes):
        if type(value) is not type(choices[0]) or value not in choices:
            raise ValueError(f"must be one of {sorted(choices)}, got {value!r}")

    return check


def integer(low):
    """A whole number, at least `low`."""

    def check(value, sizes):
        if type(value) is not int or value < low:
            raise ValueError(f"must be a whole number from {low}, got {value!r}")

    return check


def nothing(value, sizes):
    """None, and nothing else."""
    if value is not None:
        raise ValueError(f"must be None, got {_describe(value)}")


def count(letter):
    """A positive whole number that is the size `letter`."""

    def check(value, sizes):
        integer(1)(value, sizes)
        _fix(sizes, letter, value)

    return check


def number(low=-math.inf, *, missing=False):
    """A finite number, at least `low`; NaN only where it may be missing."""

    def check(value, sizes):
        if isinstance(value, bool) or not isinstance(value, Real):
            raise ValueError(f"must be a number, got {value!r}")
        if missing and math.isnan(value):
            return
        if not (math.isfinite(value) and value >= low):
            raise ValueError(f"must be finite and at least {low}, got {value!r}")

    return check


def array(kind, *shape, finite=True, low=None):
    """An array.

    Parameters
    ----------
    kind : {"b", "i", "f"}
        Of its dtype, as numpy has it.
    *shape : str or int
        Letters of sizes, or numbers.
    finite : bool, default=True
        Whether NaN and infinity are refused.
    low : float, default=None
        Smallest value allowed.

    Returns
    -------
    callable
        The check.
    """

    def check(value, sizes):
        if not isinstance(value, np.ndarray) or value.dtype.kind != kind:
            raise ValueError(f"must be an array of kind {kind!r}, got {_describe(value)}")
        if value.ndim != len(shape):
            raise ValueError(f"must have {len(shape)} dimension(s), got {value.ndim}")
        for letter, length in zip(shape, value.shape, strict=True):
            _fix(sizes, letter, length)
        if finite and not np.isfinite(value).all():
            raise ValueError("must be finite")
        if low is not None and value.size and not value.min() >= low:
            raise ValueError(f"must be at least {low}, got {value.min()}")

    return check


def mask(letter, chosen):
    """An array of bool, as long as one size, with as many True as another."""

    def check(value, sizes):
        array("b", letter)(value, sizes)
        _fix(sizes, chosen, int(value.sum()))

    return check


def indices(letter, below):
    """An array of different indices below a size that is known."""

    def check(value, sizes):
        array("i", letter, low=0)(value, sizes)
        if value.size and value.max() >= sizes[below]:
            raise ValueError(f"index {value.max()} is not below {sizes[below]}")
        if len(np.unique(value)) != len(value):
            raise ValueError("an index occurs twice")

    return check


def names(letter):
    """A one-dimensional array of strings."""

    def check(value, sizes):
        if not isinstance(value, np.ndarray) or value.dtype != object or value.ndim != 1:
            raise ValueError(f"must be an array of strings, got {_describe(value)}")
        _fix(sizes, letter, len(value))

    return check


def functions(letter):
    """A tuple of symmetry functions."""

    def check(value, sizes):
        # With compiled loops, which selectors do without.
        from sklearn_agl.descriptors import SymmetryFunction

        sound = isinstance(value, tuple)
        if not sound or not all(isinstance(one, SymmetryFunction) for one in value):
            raise ValueError("must be a tuple of symmetry functions")
        _fix(sizes, letter, len(value))

    return check


def columns_by_element(letter, elements):
    """A dict of atomic numbers to column indices."""

    def check(value, sizes):
        if not isinstance(value, dict) or not value:
            raise ValueError(f"must be a dict of elements, got {_describe(value)}")
        for element, columns in value.items():
            if type(element) is not int or not 0 < element < len(chemical_symbols):
                raise ValueError(f"{element!r} is no atomic number")
            indices(f"columns of {element}", letter)(columns, sizes)
        _fix(sizes, elements, len(value))

    return check


def table(letter):
    """A dict of names to columns of numbers."""

    def check(value, sizes):
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise ValueError(f"must be a dict of columns, got {_describe(value)}")
        for name, column in value.items():
            kind = "i" if getattr(column, "dtype", None) == np.int64 else "f"
            check_attributes({name: column}, {name: array(kind, letter, finite=False)}, sizes)

    return check


def instance(kind):
    """An object of the class itself, not of one derived from it."""

    def check(value, sizes):
        if type(value) is not kind:
            raise ValueError(f"must be a {kind.__name__}, got {_describe(value)}")

    return check


def sequence(check):
    """A list, with a check of its entries."""

    def check_all(value, sizes):
        instance(list)(value, sizes)
        for one in value:
            check(one, sizes)

    return check_all


def record(kind, checks):
    """An object of a class, with checks of its attributes."""

    def check(value, sizes):
        instance(kind)(value, sizes)
        check_attributes(vars(value), checks, sizes)

    return check


def dictionary(checks, later=None):
    """A dict, with checks of its entries; older files lack those that came later."""

    def check(value, sizes):
        instance(dict)(value, sizes)
        known = {name: own for name, own in (later or {}).items() if name in value}
        check_attributes(value, checks | known, sizes)

    return check


def trained_on():
    """What `TrainingSet.describe` gives, or None, as after `read_n2p2`."""
    entries = {
        "energy": one_of("y", *ENERGIES),
        "n_energies": integer(1),
        "n_forces": integer(0),
    }
    return optional(dictionary(entries, later={"n_stresses": integer(0)}))


def numbers(letter):
    """An array of numbers some of which may be missing."""
    return array("f", letter, finite=False)


def norms(letter):
    """An array of numbers that are not negative."""
    return array("f", letter, low=0.0)


def _fix(sizes, letter, length):
    expected = letter if isinstance(letter, int) else sizes.setdefault(letter, length)
    if length != expected:
        raise ValueError(f"must have size {expected}, got {length}")


def _describe(value):
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    return type(value).__name__
