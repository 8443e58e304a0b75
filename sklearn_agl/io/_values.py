"""Values as JSON and arrays, and back: nothing but a few types that are listed here."""

import json
import math
import os
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from types import FunctionType

import numpy as np
from sklearn.feature_selection import f_classif, f_regression, r_regression

from sklearn_agl.descriptors import SymmetryFunction
from sklearn_agl.potentials._repulsion import Repulsion
from sklearn_agl.selection import SelectionPath

FUNCTIONS = {function.__name__: function for function in (f_classif, f_regression, r_regression)}
"""Functions that a parameter may be."""

PLAIN = (type(None), bool, int, str)
KINDS_OF_NUMBERS = "biuf"
"""What arrays may hold, as numpy's dtypes have it: truth values and numbers."""

TEXT = {"O": "strings", "U": "text"}
"""How arrays of strings are tagged, by numpy's kind of their dtype."""


@dataclass(frozen=True)
class Codec:
    """How objects of one class become JSON.

    Parameters
    ----------
    kind : type
        The class itself; derived ones are something else.
    encode : callable
        ``encode(value, store)`` gives what JSON has for it, under the codec's tag.
    decode : callable
        ``decode(content, store)`` takes that back, whatever it may be by then.
    """

    kind: type
    encode: Callable
    decode: Callable


class Store:
    """Turns values into JSON, with arrays beside it, and back.

    Parameters
    ----------
    arrays : dict of str to ndarray
        By name; is filled by `encode` and emptied by `decode`.
    codecs : dict of str to Codec
        By tag, for what is neither plain nor a list.
    """

    def __init__(self, arrays, codecs):
        self.arrays = arrays
        self._codecs = codecs

    def encode(self, value):
        """JSON for a value.

        Raises
        ------
        ValueError
            If there is none.
        """
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if type(value) in PLAIN or (type(value) is float and math.isfinite(value)):
            return value
        if type(value) is list:
            return [self.encode(one) for one in value]
        for tag, codec in self._codecs.items():
            if type(value) is codec.kind:
                return {tag: codec.encode(value, self)}
        raise ValueError(f"a file cannot hold an object of type {type(value).__name__}")

    def encode_dict(self, values):
        """JSON objects for a dict whose keys are names."""
        encoded = {}
        for name, value in values.items():
            try:
                encoded[name] = self.encode(value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return encoded

    def decode(self, content):
        """The value that JSON stands for.

        Raises
        ------
        ValueError
            If it stands for none.
        """
        if type(content) in (*PLAIN, float):
            return content
        if type(content) is list:
            return [self.decode(one) for one in content]
        if len(content) != 1:
            raise ValueError(f"expected one tag, got {list(content)[:5]}")
        ((tag, inner),) = content.items()
        if tag not in self._codecs:
            raise ValueError(f"unknown tag {tag!r}")
        return self._codecs[tag].decode(inner, self)

    def decode_dict(self, content):
        """The dict of names that `encode_dict` had."""
        expect(content, dict)
        values = {}
        for name, inner in content.items():
            try:
                values[name] = self.decode(inner)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return values


def expect(content, kind):
    """Refuse JSON of another type; returns the content."""
    if type(content) is not kind:
        raise ValueError(f"expected JSON of type {kind.__name__}, got {type(content).__name__}")
    return content


def parse_json(text):
    """JSON to the letter: no NaN, nothing infinite, no name twice.

    Parameters
    ----------
    text : bytes

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If it is none.
    """
    return json.loads(
        text, parse_constant=_finite, parse_float=_finite, object_pairs_hook=_without_repetition
    )


def _finite(text):
    if not math.isfinite(float(text)):
        raise ValueError(f"{text} is no number of JSON")
    return float(text)


def _without_repetition(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice in one JSON object")
    return found


def _encode_array(value, store):
    if value.dtype.kind in TEXT:
        if value.ndim != 1 or not all(isinstance(one, str) for one in value):
            raise ValueError("arrays of objects other than strings cannot be stored")
        return {TEXT[value.dtype.kind]: value.tolist()}
    if value.dtype.kind not in KINDS_OF_NUMBERS:
        raise ValueError(f"arrays of {value.dtype} cannot be stored")
    name = str(len(store.arrays))
    store.arrays[name] = value
    return name


def _decode_array(content, store):
    if type(content) is str:
        if content not in store.arrays:
            raise ValueError(f"array {content!r} is missing, or used twice")
        return store.arrays.pop(content)
    expect(content, dict)
    for kind, tag in TEXT.items():
        if content.keys() == {tag} and all(type(one) is str for one in expect(content[tag], list)):
            return np.array(content[tag], dtype=kind)
    raise ValueError("expected the name of an array, or strings")


def _encode_mapping(value, store):
    for key in value:
        if type(key) not in (int, str):
            raise ValueError(f"a dict with the key {key!r} cannot be stored")
    return [[key, store.encode(inner)] for key, inner in value.items()]


def _decode_mapping(content, store):
    found = {}
    for pair in expect(content, list):
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) not in (int, str):
            raise ValueError("expected pairs of a key and a value")
        if pair[0] in found:
            raise ValueError(f"the key {pair[0]!r} occurs twice")
        found[pair[0]] = store.decode(pair[1])
    return found


def _encode_fields(value, store):
    """What is not None, which is the default of whatever may be None."""
    own = {one.name: getattr(value, one.name) for one in fields(value)}
    return store.encode_dict({name: inner for name, inner in own.items() if inner is not None})


def decode_fields(kind):
    """How to make a dataclass from JSON.

    Parameters
    ----------
    kind : type
        The dataclass, which checks its fields itself or is checked later.

    Returns
    -------
    callable
        As a Codec has it.
    """
    known = {one.name for one in fields(kind)}
    needed = {one.name for one in fields(kind) if one.default is MISSING}

    def decode(content, store):
        values = store.decode_dict(content)
        if not needed <= values.keys() <= known:
            raise ValueError(f"a {kind.__name__} cannot have just {sorted(values)}")
        return kind(**values)

    return decode


def _decode_float(content, store):
    if content not in ("nan", "inf", "-inf"):
        raise ValueError(f"{content!r} is no number that JSON lacks")
    return float(content)


def _encode_function(value, store):
    if FUNCTIONS.get(value.__name__) is not value:
        raise ValueError(f"a file cannot hold the function {value.__qualname__}")
    return value.__name__


def _decode_function(content, store):
    if expect(content, str) not in FUNCTIONS:
        raise ValueError(f"unknown function {content!r}")
    return FUNCTIONS[content]


CODECS = {
    "float": Codec(float, lambda value, store: repr(value), _decode_float),
    "tuple": Codec(
        tuple,
        lambda value, store: [store.encode(one) for one in value],
        lambda content, store: tuple(store.decode(one) for one in expect(content, list)),
    ),
    "dict": Codec(dict, _encode_mapping, _decode_mapping),
    "array": Codec(np.ndarray, _encode_array, _decode_array),
    "symmetry_function": Codec(SymmetryFunction, _encode_fields, decode_fields(SymmetryFunction)),
    "path": Codec(SelectionPath, _encode_fields, decode_fields(SelectionPath)),
    "repulsion": Codec(Repulsion, _encode_fields, decode_fields(Repulsion)),
    "function": Codec(FunctionType, _encode_function, _decode_function),
}
"""Everything but estimators, which are made of the rest."""
