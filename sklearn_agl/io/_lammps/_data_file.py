"""The data file of a potential: what its compiled kernel is given, as text."""

import zlib

import numpy as np
from ase.data import chemical_symbols

from sklearn_agl._version import __version__
from sklearn_agl.descriptors.kernels._environment import allocate_arrays, flatten
from sklearn_agl.descriptors.kernels._triplets import PADDING

FORMAT = "1"
"""Of the file; the plugin refuses any other one."""

UNKNOWN = "-"
"""In place of an element that symmetry functions distinguish, and that has no network."""


def data_text(potential, kernel, units, length_unit, energy_unit):
    """Content of the file.

    Parameters
    ----------
    potential : StructurePotential
    kernel : str
        Tells the plugin that the file belongs to from any other.
    units : str
        Units of LAMMPS.
    length_unit, energy_unit : float
        The potential's units in those of LAMMPS.

    Returns
    -------
    str
        The last line has a checksum of all before it.
    """
    known = potential.known_elements
    symbols = [chemical_symbols[z] if z in known else UNKNOWN for z in potential.elements]
    lines = [
        f"# Potential for pair_style agl of LAMMPS, written by sklearn_agl {__version__}.",
        f"format {FORMAT}",
        f"kernel {kernel}",
        f"units {units}",
        f"length_unit {length_unit!r}",
        f"energy_unit {energy_unit!r}",
        f"cutoff {potential.plan.arrays.r_cut!r}",
        f"elements {len(symbols)} {' '.join(symbols)}",
        *_function_lines(potential),
        *_array_lines(potential),
    ]
    text = "\n".join(lines) + "\n"
    return f"{text}checksum {zlib.crc32(text.encode()):08x}\n"


def _function_lines(potential):
    """Range in training, central element and name of every function."""
    yield f"functions {len(potential.functions)}"
    elements = potential.plan.defined.argmax(axis=0)
    rows = zip(
        potential.functions,
        potential.lowest.tolist(),
        potential.highest.tolist(),
        elements.tolist(),
        strict=True,
    )
    for function, low, high, element in rows:
        yield f"{low!r} {high!r} {element} {function.name}"


def _array_lines(potential):
    """Every array by name, kinds of its fields, dimensions and, unless it is zero, values."""
    flats = [
        flatten(
            allocate_arrays(
                potential.plan, potential.networks, potential.pairs, PADDING * octets, n_streams
            )
        )
        for octets, n_streams in ((1, 1), (2, 1), (1, 2))
    ]
    yield f"arrays {len(flats[0])}"
    for name, array in flats[0].items():
        shapes = np.array([flat[name].shape for flat in flats])
        by_octet, by_stream = shapes[1] - shapes[0], shapes[2] - shapes[0]
        terms = np.stack([shapes[0] - by_octet - by_stream, by_octet, by_stream], axis=1)
        dimensions = "  ".join(" ".join(map(str, term)) for term in terms.tolist())
        is_fixed = not (by_octet.any() or by_stream.any())
        values = _values(array) if is_fixed else []
        yield f"{name} {_fields(array)} {array.ndim}  {dimensions}  {len(values)}"
        if values:
            yield " ".join(map(repr, values))


def _fields(array):
    """A letter for each field of an entry: d for a real number, q for a whole one."""
    kinds = [array.dtype[i] for i in range(len(array.dtype))] or [array.dtype]
    return "".join("d" if kind.kind == "f" else "q" for kind in kinds)


def _values(array):
    """All numbers of an array, entry by entry; none if they are zero."""
    numbers = array.ravel().tolist()
    if array.dtype.names:
        numbers = [number for entry in numbers for number in entry]
    return numbers if any(numbers) else []
