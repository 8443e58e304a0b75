"""A row of the table of bad input, and the data that rows share."""

from dataclasses import dataclass

import numpy as np
from ase.build import bulk

from sklearn_agl import (
    AtomicFeatures,
    SymmetryFunction,
)

NAN, INF, HUGE = np.nan, np.inf, 1e300


@dataclass
class Row:
    """A public object, what is wrong, a call that must fail, and what its error must say."""

    about: str
    case: str
    call: object
    words: tuple

    def __str__(self):
        return f"{self.about}-{self.case}"


def rows_of(about, call, cases):
    """Rows from a dict of a case to its arguments and words; a dict of arguments has keywords."""
    for case, (given, *words) in cases.items():
        keywords = given if isinstance(given, dict) else {}
        arguments = () if isinstance(given, dict) else given
        yield Row(about, case, lambda a=arguments, k=keywords: call(*a, **k), tuple(words))


def with_entry(array, place, value):
    """A copy with another entry."""
    changed = np.array(array, dtype=object if isinstance(value, str) else float)
    changed[place] = value
    return changed


# Features and energies

rng = np.random.default_rng(0)
TABLE = rng.normal(size=(12, 3))
ENERGIES = TABLE[:, 0] + 1.0
TENSOR = rng.normal(size=(12, 2, 3))
TENSOR[0, 1] = NAN
ATOMIC = AtomicFeatures(TENSOR)
FORCES = [np.zeros((n, 3)) for n in ATOMIC.n_atoms]
ALUMINIUM = [bulk("Al", cubic=True) for _ in range(6)]
for seed, atoms in enumerate(ALUMINIUM):
    atoms.rattle(0.1, seed=seed)
FUNCTIONS = [SymmetryFunction("G2", eta=eta, r_cut=4.0) for eta in (0.1, 0.5, 1.0)]
