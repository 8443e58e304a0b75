"""Functions and structures that several tests share, so that few kernels have to be compiled."""

import numpy as np
import pytest
from ase import Atoms

from sklearn_agl.descriptors import SymmetryFunction

CUTOFFS = ("cosine", "tanh", "tanhu", "exp", "poly1", "poly2", "poly3", "poly4", "hard")

EVERY_KIND = [
    SymmetryFunction("G1"),
    SymmetryFunction("G3", kappa=2.0),
    SymmetryFunction("G2", eta=0.5, r_s=0.7, neighbors="H"),
    SymmetryFunction("G2", eta=0.5, r_s=-0.4, r_cut=2.4),
    SymmetryFunction("G2", eta=0.4, weighted=True),
    SymmetryFunction("G4", eta=0.3, zeta=2, lambda_=-1, weighted=True),
    *[
        SymmetryFunction(kind, eta=eta, r_s=r_s, zeta=zeta, lambda_=lambda_)
        for kind in ("G4", "G5")
        for eta, r_s in ((0.1, 0.0), (0.4, -0.7))
        for zeta in (1, 2.5, 6)
        for lambda_ in (-1, 1)
    ],
]
"""All kinds, with and without shift, whole and broken zeta, weighted or not, two radii."""

WITH_NARROW = EVERY_KIND + [
    SymmetryFunction("G2", eta=1500.0, r_s=r_s) for r_s in np.linspace(2.9, -0.2, 60)
]
"""So many narrow functions that neighbours are sorted by distance; the same kernel serves them."""

EVERY_CUTOFF = [
    SymmetryFunction(
        kind,
        cutoff=cutoff,
        r_inner=0.0 if cutoff in ("tanh", "tanhu", "hard") else r_inner,
        center="O",
        **parameters,
    )
    for cutoff in CUTOFFS
    for kind, r_inner, parameters in (
        ("G1", 0.9, {}),
        ("G2", 0.0, {"eta": 0.5, "r_s": 0.7}),
        ("G4", 0.0, {"eta": 0.3, "zeta": 2, "lambda_": -1}),
        ("G5", 0.9, {"eta": 0.3, "zeta": 2, "lambda_": -1}),
    )
]
"""All cutoff functions, with an inner radius where they may have one."""

every_example = pytest.mark.parametrize(
    "functions",
    [EVERY_KIND, WITH_NARROW, EVERY_CUTOFF],
    ids=["kinds", "narrow functions", "cutoffs"],
)

TRICLINIC = np.array([[3.1, 0.0, 0.0], [0.9, 2.9, 0.0], [-0.4, 0.3, 3.3]])


def crystal_and_molecules(seed=0):
    """A crystal smaller than the radius, a wire, a molecule, a lone atom; two elements."""
    rng = np.random.default_rng(seed)
    five = [rng.uniform(0, 3, (5, 3)) for _ in range(2)]
    return [
        Atoms("HOHHO", positions=five[0], cell=TRICLINIC, pbc=True),
        Atoms("OHHOH", positions=five[1], cell=TRICLINIC, pbc=[True, False, False]),
        Atoms("HOH", positions=[[0, 0, 0], [0.2, 0.1, 1.1], [1.3, 0.4, 0.2]]),
        Atoms("O"),
    ]
