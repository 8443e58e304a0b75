"""Arrays of numbers that users give, with errors that name the entry at fault."""

import numbers
from collections.abc import Iterator, Mapping, Set

import numpy as np

POWER = 4
"""Up to which numbers must have finite powers: squares enter covariances, and these enter products.

Without such a bound, a column of 1e200 would end in a warning of an overflow, and NaN, far from
where it came from.
"""


def as_numbers(values, name, advice=""):
    """Turn nested sequences into an array of floats; NaN and infinity pass.

    Parameters
    ----------
    values : array-like
        Numbers.
    name : str
        What the user calls them.
    advice : str, default=""
        What to give instead of something that is no sequence at all.

    Returns
    -------
    ndarray of float
        Of the type given, or double precision for what had no type of floats.

    Raises
    ------
    ValueError
        If it is no sequence, an entry is no real number, or rows differ in length.
    """
    refuse_other_than_arrays(values, name, advice)
    try:
        array = np.asarray(values)
        if array.dtype.kind == "c":
            array = array.astype(object)
        return array if array.dtype.kind == "f" else array.astype(np.float64)
    except (TypeError, ValueError):
        refuse_entries(values, name)
        raise


def refuse_other_than_arrays(values, name, advice=""):
    """Refuse what looks like a sequence of numbers to numpy only: text, a dict, a generator.

    Parameters
    ----------
    values : object
        Should be array-like.
    name : str
        What the user calls it.
    advice : str, default=""
        What to give instead.

    Raises
    ------
    ValueError
        If it is no sequence.
    """
    if getattr(values, "ndim", 0):  # a sparse array may be a dict, too
        return
    if isinstance(values, Iterator):
        advice = f"make a list of it, list({name})."
    elif not isinstance(values, (type(None), str, bytes, Mapping, Set, numbers.Number)):
        return
    advice = advice or "give an array of numbers."
    raise ValueError(f"{name} is of type {type(values).__name__}; {advice}")


def refuse_entries(values, name):
    """Raise an error that names the first entry that is no number, or the first row too short.

    Parameters
    ----------
    values : array-like
        What numpy could not convert.
    name : str
        What the user calls it.

    Raises
    ------
    ValueError
        If there is such an entry and it is text, or a row of another length.
    TypeError
        If the entry is something that cannot be a number.
    """
    if hasattr(values, "__array__"):
        values = np.asarray(values, dtype=object).tolist()
    if isinstance(values, (list, tuple)):
        _refuse_others_than_numbers(values, name, ())
        _refuse_ragged(values, name)


def _refuse_others_than_numbers(value, name, place):
    if isinstance(value, (list, tuple, np.ndarray)):
        for index, part in enumerate(value):
            _refuse_others_than_numbers(part, name, (*place, index))
        return
    where = f"{name}[{', '.join(map(str, place))}]"
    if isinstance(value, complex):
        raise ValueError(f"Complex data not supported: {where} is {value}; give real numbers.")
    try:
        float(value)
    except ValueError:
        raise ValueError(f"{where} is {value!r}, which is no number.") from None
    except TypeError:
        raise TypeError(
            f"{where} is of type {type(value).__name__}, but every entry of the argument must be a "
            "number, or a string of a number."
        ) from None


def _refuse_ragged(values, name):
    shapes = [np.shape(part) for part in values]
    for index, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ValueError(
                f"{name}[{index}] has shape {shape}, but {name}[0] has {shapes[0]}: all must have "
                "the same."
            )


def largest(dtype):
    """The largest number that the package computes with, for a type of floats."""
    single = np.dtype(dtype).itemsize < 8
    return float(np.finfo(np.float32 if single else np.float64).max) ** (1 / POWER)


def find_unusable(values):
    """First number that is NaN, infinite, or too large to compute with.

    Parameters
    ----------
    values : ndarray of float
        Of any shape.

    Returns
    -------
    tuple of int or None
        Its place.
    """
    limit = largest(values.dtype)
    # Comparisons with NaN are false, and extremes take no memory, unlike masks.
    if not values.size or (values.min() >= -limit and values.max() <= limit):
        return None
    return tuple(int(i) for i in np.argwhere(~(np.abs(values) <= limit))[0])


def rule_for(value):
    """What is wrong with a number that `find_unusable` has found, as the end of a sentence."""
    if np.isfinite(value):
        return f"must not exceed {largest(value.dtype):.1e}, beyond which powers overflow"
    return "must not contain NaN or infinity"
