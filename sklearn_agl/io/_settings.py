"""n2p2's input.nn: lines by keyword, and what they say about elements and energies."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ase.data import atomic_numbers

from sklearn_agl._messages import shorten
from sklearn_agl.io._keywords import (
    find_unknown,
    group_by_keyword,
    refuse_other_functions,
    refuse_other_potentials,
)
from sklearn_agl.io._lines import read_lines

FLAGS = (
    "scale_symmetry_functions",
    "center_symmetry_functions",
    "scale_symmetry_functions_sigma",
)
NORMALISATION = ("mean_energy", "conv_energy", "conv_length")


@dataclass(frozen=True)
class Settings:
    """Lines of an input.nn by keyword, checked as far as single keywords go.

    Attributes
    ----------
    path : Path
        The file.
    lines : dict of str to list of Line
        By keyword, in the order of the file.
    elements : tuple of str
        Chemical symbols by ascending atomic number, n2p2's own order.
    """

    path: Path
    lines: dict
    elements: tuple = ()

    def all(self, keyword):
        """Every line with a keyword."""
        return self.lines.get(keyword, [])

    def one(self, keyword, *lengths):
        """The line with a keyword that must be there, with so many values if `lengths` say so."""
        if keyword not in self.lines:
            raise ValueError(f"{self.path}: the keyword {keyword} is missing.")
        line = self.lines[keyword][0]
        if lengths:
            line.check_length(*lengths)
        return line

    def has(self, keyword):
        """Whether a keyword is there."""
        return keyword in self.lines

    def real(self, keyword, default):
        """The number behind a keyword."""
        return self.one(keyword, 1).real(1, keyword) if self.has(keyword) else default

    def positive(self, keyword):
        """The number behind a keyword that must be positive, 1 by default."""
        number = self.real(keyword, 1.0)
        if number <= 0.0:
            raise self.one(keyword).error(f"{keyword} must be positive.")
        return number

    def symbol(self, line, position):
        """An element's symbol on a line; an error unless `elements` has it."""
        symbol = line.words[position] if position < len(line.words) else ""
        if symbol not in self.elements:
            raise line.error(
                f"{line.words[0]} names element {symbol!r}, but elements has only "
                f"{list(self.elements)}."
            )
        return symbol

    def energy_scales(self):
        """How the networks' outputs become energies.

        Returns
        -------
        deviation : float
            What the sum of the outputs is multiplied with.
        references : ndarray of shape (n_elements,)
            What each atom adds.
        """
        given = [keyword for keyword in NORMALISATION if self.has(keyword)]
        if given and len(given) < len(NORMALISATION):
            missing = next(keyword for keyword in NORMALISATION if keyword not in given)
            raise self.one(given[0]).error(
                f"{given[0]} needs {missing} beside it: n2p2 takes all or none of {NORMALISATION}."
            )
        with np.errstate(over="ignore"):
            deviation = float(1.0 / np.float64(self.positive("conv_energy")))
        if not np.isfinite(deviation):
            raise self.one("conv_energy").error("conv_energy is too small.")
        return deviation, self.real("mean_energy", 0.0) + self._atom_energies()

    def _atom_energies(self):
        energies, seen = np.zeros(len(self.elements)), set()
        for line in self.all("atom_energy"):
            line.check_length(2)
            symbol = self.symbol(line, 1)
            if symbol in seen:
                raise line.error(f"atom_energy of {symbol} is given twice.")
            seen.add(symbol)
            energies[self.elements.index(symbol)] = line.real(2, "atom_energy")
        return energies


def read_settings(path):
    """Read an input.nn, as far as it is about symmetry functions.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Settings
        Before it is taken for a potential, `check_potential` has to see it.

    Raises
    ------
    FileNotFoundError, ValueError
        With the file, and where possible the line.
    """
    lines = group_by_keyword(read_lines(path, comments="#!"))
    refuse_other_functions(lines)
    settings = Settings(path, lines)
    return replace(settings, elements=_elements(settings))


def check_potential(settings):
    """Refuse a file of a potential that is another one than its networks; warn of what is unknown.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    ValueError
        With file and line.

    Warns
    -----
    UserWarning
        Of keywords that neither n2p2 nor RuNNer has.
    """
    refuse_other_potentials(settings.lines)
    for flag in FLAGS:
        if settings.has(flag):
            settings.one(flag, 0)
    unknown = find_unknown(settings.lines)
    if unknown:
        names = [line.words[0] for line in unknown]
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        message = (
            f"{settings.path}, line {unknown[0].number}: keyword(s) {', '.join(names[:5])}{more} "
            "of neither n2p2 nor RuNNer, ignored as n2p2 does it."
        )
        warnings.warn(shorten(message), stacklevel=3)


def _elements(settings):
    count = settings.one("number_of_elements", 1)
    line = settings.one("elements")
    symbols = line.words[1:]
    for symbol in symbols:
        if atomic_numbers.get(symbol, 0) == 0:
            raise line.error(f"Unknown chemical symbol {symbol!r} in elements.")
        if symbols.count(symbol) > 1:
            raise line.error(f"Element {symbol} occurs twice in elements.")
    if count.integer(1, "number_of_elements", at_least=1) != len(symbols):
        raise count.error(
            f"number_of_elements is {count.words[1]}, but elements on line {line.number} has "
            f"{len(symbols)}."
        )
    return tuple(sorted(symbols, key=atomic_numbers.get))
