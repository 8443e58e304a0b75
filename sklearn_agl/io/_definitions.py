"""Symmetry functions as lines of input.nn, in both directions, and n2p2's order of them."""

from dataclasses import replace

import numpy as np
from ase.data import atomic_numbers

from sklearn_agl.descriptors import SymmetryFunction
from sklearn_agl.descriptors.kernels._cutoffs import WITHOUT_INNER_RADIUS

CUTOFFS = ("hard", "cosine", "tanhu", "tanh", "exp", "poly1", "poly2", "poly3", "poly4")
"""Names of n2p2's `cutoff_type` 0 to 8."""

TYPES = {
    (2, "G2", False): ("eta", "r_s", "r_cut"),
    (3, "G4", False): ("eta", "lambda_", "zeta", "r_cut", "r_s"),
    (9, "G5", False): ("eta", "lambda_", "zeta", "r_cut", "r_s"),
    (12, "G2", True): ("eta", "r_s", "r_cut"),
    (13, "G4", True): ("eta", "r_s", "lambda_", "zeta", "r_cut"),
}
"""n2p2's type, our kind and whether weighted: the parameters in n2p2's order."""

BY_TYPE = {str(key[0]): (*key[1:], names) for key, names in TYPES.items()}
BY_KIND = {key[1:]: (key[0], names) for key, names in TYPES.items()}
WITHOUT_NEGATIVE_SHIFT = ("G4", "G5")
"""n2p2's grouped evaluation takes a negative r_s of types 3 and 9 for zero, its other one not."""


def read_cutoff(settings):
    """Name of the cutoff function, and the inner radius as a fraction of the cutoff radius."""
    line = settings.one("cutoff_type", 1, 2)
    number = line.integer(1, "cutoff_type", at_least=0)
    if number >= len(CUTOFFS):
        raise line.error(f"cutoff_type must be at most {len(CUTOFFS) - 1}, got {number}.")
    fraction = line.real(2, "The inner radius") if len(line.words) > 2 else 0.0
    if not 0.0 <= fraction < 1.0:
        raise line.error(f"The inner radius must be from 0 to below 1, got {fraction:g}.")
    cutoff = CUTOFFS[number]
    # As n2p2 does.
    return cutoff, 0.0 if cutoff in WITHOUT_INNER_RADIUS else fraction


def read_functions(settings):
    """Symmetry functions of every element in n2p2's order.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    dict of str to list of SymmetryFunction
        By symbol of the central atom.

    Raises
    ------
    ValueError
        With file and line.
    """
    cutoff, fraction = read_cutoff(settings)
    conv_length = settings.positive("conv_length")
    functions, seen = {symbol: [] for symbol in settings.elements}, {}
    settings.one("symfunction_short")
    for line in settings.all("symfunction_short"):
        function = _read_function(settings, line, cutoff, fraction)
        if function in seen:
            raise line.error(
                f"The symmetry function is that of line {seen[function]} again; drop one of them."
            )
        seen[function] = line.number
        functions[function.center].append(function)
    for symbol, own in functions.items():
        if not own:
            raise ValueError(f"{settings.path}: element {symbol} has no symfunction_short.")
        own.sort(key=lambda function: sort_key(function, conv_length))
    return functions


def _read_function(settings, line, cutoff, fraction):
    center = settings.symbol(line, 1)
    number = str(line.integer(2, "The type"))
    if number not in BY_TYPE:
        raise line.error(
            f"Symmetry functions of type {number} are not supported; only types "
            f"{', '.join(BY_TYPE)} are."
        )
    kind, weighted, names = BY_TYPE[number]
    n_neighbors = 0 if weighted else 1 if kind == "G2" else 2
    wanted = 2 + n_neighbors + len(names)
    # The shift behind the others may be left away.
    line.check_length(*((wanted - 1, wanted) if names[-1] == "r_s" else (wanted,)))
    neighbors = tuple(settings.symbol(line, 3 + k) for k in range(n_neighbors)) or None
    words = range(3 + n_neighbors, len(line.words))
    values = {name: line.real(word, name) for name, word in zip(names, words, strict=False)}
    if kind in WITHOUT_NEGATIVE_SHIFT and not weighted and values.get("r_s", 0.0) < 0.0:
        raise line.error(
            f"r_s is {values['r_s']:g}: n2p2 takes a negative r_s of types 3 and 9 for zero in its "
            "grouped evaluation only. Write 0 if that is what you mean."
        )
    try:
        return SymmetryFunction(
            kind, center=center, neighbors=neighbors, weighted=weighted, cutoff=cutoff,
            r_inner=fraction * values["r_cut"], **values,
        )  # fmt: skip
    except ValueError as error:
        raise line.error(str(error)) from None


def sort_key(function, conv_length=1.0):
    """What n2p2 sorts the functions of one element by: lengths in its inner unit."""
    zeta, lambda_ = (function.zeta, function.lambda_) if function.is_angular else (0.0, 0)
    return (
        BY_KIND[function.kind, function.weighted][0],
        function.r_cut * conv_length,
        function.eta / (conv_length * conv_length),
        function.r_s * conv_length,
        zeta,
        lambda_,
        *(atomic_numbers[symbol] for symbol in function.neighbors or ()),
    )


def convert_length(function, unit):
    """The same function of distances that are `unit` times as large."""
    return replace(
        function,
        eta=function.eta / (unit * unit),
        r_s=function.r_s * unit,
        r_cut=function.r_cut * unit,
        r_inner=function.r_inner * unit,
    )


def write_function(function):
    """The symfunction_short line of a function; check it with `check_expressible` first."""
    number, names = BY_KIND[function.kind, function.weighted]
    values = [getattr(function, name) for name in names]
    words = [function.center, number, *(function.neighbors or ()), *values]
    return " ".join(["symfunction_short", *(str(word) for word in words)])


def check_expressible(functions):
    """Refuse what n2p2 has no counterpart for.

    Parameters
    ----------
    functions : sequence of SymmetryFunction

    Raises
    ------
    ValueError
        Naming the function.
    """
    for function in functions:
        if (function.kind, function.weighted) not in BY_KIND:
            kind = ("weighted " if function.weighted else "") + function.kind
            raise ValueError(
                f"n2p2 has no counterpart of the {kind} function {function.name}; it knows G2, G4, "
                "G5, and weighted G2 and G4. Select without it."
            )
        if function.kind in WITHOUT_NEGATIVE_SHIFT and not function.weighted and function.r_s < 0:
            raise ValueError(
                f"{function.name} has a negative r_s, which n2p2 takes for zero in functions of "
                "two neighbours. Select without it."
            )
        if function.cutoff != functions[0].cutoff:
            raise ValueError(
                f"{functions[0].name} and {function.name} have different cutoff functions, but "
                "n2p2 has one for all. Select functions of one cutoff only."
            )


def write_cutoff(functions):
    """The cutoff_type line that all functions share.

    Raises
    ------
    ValueError
        If their inner radii are different fractions of their cutoff radii.
    """
    fractions = np.array([function.r_inner / function.r_cut for function in functions])
    differing = np.abs(fractions - fractions[0]) > 1e-12
    if differing.any():
        other = functions[int(np.argmax(differing))]
        raise ValueError(
            f"The inner radii of {functions[0].name} and {other.name} are different fractions of "
            "their cutoff radii, but n2p2 has one for all. Select functions of one fraction only."
        )
    # The division rounds; the neighbour that gives the radii back exactly is the one to write.
    nearby = [fractions[0], np.nextafter(fractions[0], 0.0), np.nextafter(fractions[0], 1.0)]
    exact = [f for f in nearby if all(f * g.r_cut == g.r_inner for g in functions)]
    fraction = float((exact or nearby)[0])
    return f"cutoff_type {CUTOFFS.index(functions[0].cutoff)} {fraction!r}"
