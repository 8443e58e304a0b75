"""The keywords of n2p2's input.nn: which exist, and what they say about energies and scaling."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ase.data import atomic_numbers

from sklearn_agl.io._lines import read_lines

ONCE = frozenset(
    """
    number_of_elements elements cutoff_type scale_symmetry_functions scale_min_short scale_max_short
    center_symmetry_functions scale_symmetry_functions_sigma global_hidden_layers_short
    global_nodes_short global_activation_short mean_energy conv_energy conv_length nnp_type nn_type
    """.split()
)
REPEATED = frozenset(
    """
    symfunction_short atom_energy element_hidden_layers_short element_nodes_short
    element_activation_short
    """.split()
)
TRAINING = frozenset(
    """
    random_seed test_fraction epochs use_short_forces rmse_threshold rmse_threshold_energy
    rmse_threshold_force rmse_threshold_charge rmse_threshold_trials rmse_threshold_trials_energy
    rmse_threshold_trials_force rmse_threshold_trials_charge short_energy_error_threshold
    short_force_error_threshold energy_fraction force_fraction charge_fraction
    short_energy_fraction short_force_fraction use_old_weights_short use_old_weights_charge
    weights_min weights_max nguyen_widrow_weights_short nguyen_widrow_weights_charge
    precondition_weights main_error_metric write_trainpoints write_trainforces write_traincharges
    write_weights_epoch write_neuronstats write_trainlog repeated_energy_update updater_type
    parallel_mode jacobian_mode update_strategy selection_mode selection_mode_energy
    selection_mode_force selection_mode_charge task_batch_size_energy task_batch_size_force
    task_batch_size_charge gradient_type gradient_eta gradient_adam_eta gradient_adam_beta1
    gradient_adam_beta2 gradient_adam_epsilon kalman_type kalman_epsilon kalman_eta kalman_etatau
    kalman_etamax kalman_q0 kalman_qtau kalman_qmin kalman_lambda_short kalman_nue_short
    memorize_symfunc_results force_weight
    """.split()
)
"""Keywords that steer n2p2's training and change no prediction."""

UNSUPPORTED = {
    "normalize_nodes": "networks that divide each sum by the number of its terms",
    "committee_mode": "committees of networks",
    "committee_dir_prefix": "committees of networks",
}
FLAGS = (
    "scale_symmetry_functions",
    "center_symmetry_functions",
    "scale_symmetry_functions_sigma",
)
NORMALISATION = ("mean_energy", "conv_energy", "conv_length")
SHORT_RANGE_TYPES = ("2G-HDNNP", "2G", "2")


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
        for keyword in given[1:]:
            if self.real(keyword, 1.0) <= 0.0:
                raise self.one(keyword).error(f"{keyword} must be positive.")
        with np.errstate(over="ignore"):
            deviation = float(1.0 / np.float64(self.real("conv_energy", 1.0)))
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
    """Read an input.nn.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Settings

    Raises
    ------
    FileNotFoundError, ValueError
        With the file, and where possible the line.
    """
    lines = {}
    for line in read_lines(path, comments="#!"):
        lines.setdefault(line.words[0], []).append(line)
    for keyword, meaning in UNSUPPORTED.items():
        if keyword in lines:
            raise lines[keyword][0].error(
                f"{keyword} is not supported: this package has no {meaning}."
            )
    for keyword, found in lines.items():
        if keyword in ONCE and len(found) > 1:
            raise found[1].error(f"{keyword} is given twice, first on line {found[0].number}.")
    _warn_of_unknown(lines)
    settings = Settings(path, lines)
    _check_type(settings)
    for flag in FLAGS:
        if settings.has(flag):
            settings.one(flag, 0)
    return replace(settings, elements=_elements(settings))


def _warn_of_unknown(lines):
    unknown = sorted(lines.keys() - ONCE - REPEATED - TRAINING, key=lambda k: lines[k][0].number)
    if unknown:
        first = lines[unknown[0]][0]
        warnings.warn(
            f"{first.path}, line {first.number}: unknown keyword(s) {', '.join(unknown)}, which "
            "n2p2 ignores, too.",
            stacklevel=4,
        )


def _check_type(settings):
    for keyword in ("nnp_type", "nn_type"):
        if settings.has(keyword):
            line = settings.one(keyword, 1)
            if line.words[1] not in SHORT_RANGE_TYPES:
                raise line.error(
                    f"{keyword} {line.words[1]} is not supported; only short-range potentials "
                    f"({SHORT_RANGE_TYPES[0]}) are."
                )


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
