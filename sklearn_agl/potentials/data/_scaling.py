"""Scales of features and energies, learned from the training structures."""

import numpy as np

from sklearn_agl._ragged import rows_of
from sklearn_agl.compiled._machine_code import kept

TINY = 1e-100
"""What is smaller counts as zero."""


def drop_tiny(array):
    """Overwrite numbers that do not matter by zero; returns the array.

    Symmetry functions that hardly any atom sees come to 1e-300. A product of such numbers is
    subnormal, which takes processors a hundred times as long.
    """
    array[np.abs(array) < TINY] = 0.0
    return array


def column_statistics(X, rows, weights=None):
    """Statistics of every feature column over the atoms that have it, in one pass.

    Parameters
    ----------
    X : AtomicFeatures
        Features.
    rows : ndarray of int
        The structures to look at.
    weights : ndarray of shape (n_structures,), default=None
        How often each structure counts; by default once.

    Returns
    -------
    dict of str to ndarray of shape (n_features,)
        ``count``, ``mean``, ``variance`` (divided by count), ``min`` and ``max``; all zero for
        columns that no atom has.
    """
    n = X.n_features
    count, mean, spread = np.zeros(n), np.zeros(n), np.zeros(n)
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    atoms = rows_of(X.offsets, rows)
    weights = np.ones(len(X)) if weights is None else weights
    of_atoms = np.repeat(weights[rows], X.n_atoms[rows])
    _accumulate(np.asarray(X.atom_values), atoms, of_atoms, count, mean, spread, low, high)
    variance = spread / np.maximum(count, 1)
    low[count == 0] = high[count == 0] = 0.0
    return {"count": count, "mean": mean, "variance": variance, "min": low, "max": high}


@kept(nogil=True, error_model="numpy")
def _accumulate(values, atoms, weights, count, mean, spread, low, high):
    """Take in some rows of the features of all atoms, after Welford (1962)."""
    for i, a in enumerate(atoms):
        weight = weights[i]
        for f in range(values.shape[1]):
            value = np.float64(values[a, f])
            if value == value:
                count[f] += weight
                step = value - mean[f]
                mean[f] += weight * step / count[f]
                spread[f] += weight * step * (value - mean[f])
                low[f] = min(low[f], value)
                high[f] = max(high[f], value)


class FeatureScaler:
    """Shift and divide every feature column; constant columns become zero.

    Parameters
    ----------
    kind : {"standard", "minmax", "center", "sigma"} or None
        ``(G - mean) / std``; ``(G - min) / (max - min)``; ``G - mean``; like standard with
        n - 1 in the variance, as n2p2 has it; nothing.
    """

    def __init__(self, kind):
        self.kind = kind

    @classmethod
    def from_numbers(cls, offset, divisor, ranges):
        """A fitted scaler: a feature G becomes ``(G - offset) / divisor``."""
        scaler = cls(None)
        scaler.offset_, scaler.divisor_, scaler.ranges_ = offset, divisor, ranges
        return scaler

    def take(self, columns):
        """The same of some columns, by numbers or a mask."""
        own = self.offset_[columns], self.divisor_[columns], self.ranges_[columns]
        return FeatureScaler.from_numbers(*own)

    def fit(self, X, rows, weights=None):
        """Learn `offset_` and `divisor_`, both (n_features,), from the structures `rows`.

        A structure counts as often as its weight says, of `weights` (n_structures,). The `ranges_`
        (n_features, 2) are the smallest and largest value of each column.
        """
        statistics = column_statistics(X, rows, weights)
        self.ranges_ = np.stack([statistics["min"], statistics["max"]], axis=1)
        n = X.n_features
        deviation = np.sqrt(statistics["variance"])
        correction = np.sqrt(statistics["count"] / np.maximum(statistics["count"] - 1, 1))
        offsets = {"standard": "mean", "minmax": "min", "center": "mean", "sigma": "mean"}
        divisors = {
            "standard": deviation,
            "minmax": statistics["max"] - statistics["min"],
            "sigma": deviation * correction,
        }
        self.offset_ = np.zeros(n) if self.kind is None else statistics[offsets[self.kind]]
        divisor = divisors.get(self.kind, np.ones(n))
        # Rounding leaves a constant column with a tiny spread, which must not be blown up.
        negligible = 1e-12 * np.maximum(np.abs(statistics["mean"]), 1e-300)
        self.divisor_ = np.where(divisor > negligible, divisor, 1.0)
        return self

    def scale(self, values, columns):
        """Scale an array (n_atoms, len(columns)) of those columns."""
        return drop_tiny((values - self.offset_[columns]) / self.divisor_[columns])


class EnergyScaler:
    """Energies per atom, less a reference per element, in units of their standard deviation.

    The references are the least-squares energies of the elements; with one element, that is the
    mean energy per atom, as it is of elements that no structure has.
    """

    @classmethod
    def from_numbers(cls, deviation, references):
        """A fitted scaler: of networks with outputs in units of `deviation`."""
        scaler = cls()
        scaler.deviation_, scaler.references_ = float(deviation), references
        return scaler

    def fit(self, composition, energies, weights=None, given=None):
        """Learn from atom counts (n_structures, n_elements) and total energies.

        Sets `references_` (n_elements,) and `deviation_`, the sigma of the objective. A structure
        counts as often as its weight says, of `weights` (n_structures,). Of the references, those
        that are no NaN in `given` (n_elements,) are fixed, but for one constant that all share.
        """
        n_atoms = composition.sum(axis=1)
        fractions = composition / n_atoms[:, None]
        per_atom = energies / n_atoms
        roots = np.ones(len(energies)) if weights is None else np.sqrt(weights)
        given = np.full(fractions.shape[1], np.nan) if given is None else given
        known, references = np.isfinite(given), np.nan_to_num(given)
        columns, rest = fractions[:, ~known], per_atom
        if known.any():
            columns = np.column_stack([columns, fractions[:, known].sum(axis=1)])
            rest = per_atom - fractions @ references
        found = np.linalg.lstsq(columns * roots[:, None], rest * roots, rcond=None)[0]
        references[~known] = found[: np.count_nonzero(~known)]
        references[known] += found[-1]
        mean = np.average(per_atom, weights=weights)
        references[~known & ~composition.any(axis=0)] = mean
        self.references_ = references
        residual = per_atom - fractions @ self.references_
        mean = np.average(residual, weights=weights)
        deviation = np.sqrt(np.average((residual - mean) ** 2, weights=weights))
        scale = np.abs(per_atom).max()
        self.deviation_ = float(deviation) if deviation > 1e-12 * scale else 1.0
        return self

    def scale(self, composition, energies):
        """Total energies to scaled energies per atom."""
        excess = energies - composition @ self.references_
        return excess / composition.sum(axis=1) / self.deviation_

    def unscale(self, composition, scaled):
        """Scaled energies per atom to total energies."""
        excess = scaled * self.deviation_ * composition.sum(axis=1)
        return excess + composition @ self.references_
