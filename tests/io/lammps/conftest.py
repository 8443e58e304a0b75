import pytest

from sklearn_agl import SymmetryFunction
from sklearn_agl.io import write_lammps
from tests.potentials._fitted import some_structures, trained_pipeline

FUNCTIONS = [
    SymmetryFunction("G1"),
    SymmetryFunction("G2", eta=0.3, r_s=0.8),
    SymmetryFunction("G2", eta=0.05, cutoff="tanhu"),
    SymmetryFunction("G2", eta=0.7, weighted=True),
    SymmetryFunction("G3", kappa=1.5),
    SymmetryFunction("G4", eta=0.05, zeta=2.5, lambda_=-1),
    SymmetryFunction("G4", eta=0.05, zeta=1, lambda_=1, weighted=True, r_cut=2.6),
    SymmetryFunction("G5", eta=0.1, r_s=0.4, zeta=4, lambda_=1),
]
"""All kinds, with several cutoffs and radii."""


@pytest.fixture(scope="session")
def pipeline():
    """A potential of hydrogen and oxygen."""
    return trained_pipeline(some_structures(), functions=FUNCTIONS)


@pytest.fixture(scope="session")
def potential(pipeline, tmp_path_factory):
    """Folder of the same potential for LAMMPS, in reduced units."""
    folder = tmp_path_factory.mktemp("potential")
    write_lammps(pipeline, folder, units="lj")
    return folder
