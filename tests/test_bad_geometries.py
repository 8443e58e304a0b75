"""Every way into compiled code, with geometries that nothing can be computed from."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from sklearn_agl import SymmetryFunctionTransformer
from sklearn_agl.descriptors import measure_costs, measure_set_costs
from sklearn_agl.inspection._radial_distribution import radial_distribution
from sklearn_agl.potentials import HDNNPCalculator, predict_forces, predict_stress
from tests.potentials._fitted import FUNCTIONS, R_CUT, trained_pipeline


@pytest.fixture(scope="module")
def crystals():
    structures = [bulk("Cu", cubic=True) for _ in range(6)]
    for seed, atoms in enumerate(structures):
        atoms.rattle(0.1, seed=seed)
    return structures


@pytest.fixture(scope="module")
def pipe(crystals):
    return trained_pipeline(crystals)


def _spoil(pipe, crystals, bad):
    """Features of sound structures that have become bad since they were computed."""
    X = pipe[0].transform(crystals[: len(bad)]).compute()
    for atoms, other in zip(X.structures, bad, strict=True):
        atoms.set_cell(other.cell)
        atoms.positions[:] = other.positions
    return X


ENTRIES = {
    "fit": lambda pipe, bad: SymmetryFunctionTransformer(FUNCTIONS, r_cut=R_CUT).fit_transform(bad),
    "transform": lambda pipe, bad: pipe[0].transform(bad),
    "predict": lambda pipe, bad: pipe.predict(bad),
    "predict_forces": predict_forces,
    "predict_stress": predict_stress,
    "jacobian": lambda pipe, bad: pipe[0].jacobian(bad),
    "vjp": lambda pipe, bad: pipe[0].vjp(bad, np.ones((len(bad), 4, 4))),
    "jvp": lambda pipe, bad: pipe[0].jvp(bad, [np.ones((4, 3)) for _ in bad]),
    "energy": lambda pipe, bad: HDNNPCalculator(pipe).get_potential_energy(bad[-1]),
    "forces": lambda pipe, bad: HDNNPCalculator(pipe).get_forces(bad[-1]),
    "measure_costs": lambda pipe, bad: measure_costs(pipe[0].symmetry_functions_, bad),
    "measure_set_costs": lambda pipe, bad: measure_set_costs(
        pipe[0].symmetry_functions_, bad, [[0]]
    ),
}


def _bad(atoms, kind):
    atoms = atoms.copy()
    if kind == "collapsed":
        atoms.set_cell(1e-3 * atoms.cell.array)
    elif kind == "sheared":
        atoms.cell[1] = 1e6 * atoms.cell[0] + 1e-3 * atoms.cell[1]
    elif kind == "flat":
        atoms.cell[1] = atoms.cell[0]
    elif kind == "coincident":
        atoms.positions[1] = atoms.positions[0] + atoms.cell.array[2]
    elif kind == "crowded":
        atoms.set_cell(0.05 * atoms.cell.array, scale_atoms=True)
    elif kind == "infinite":
        atoms.cell[0, 0] = np.inf
    else:
        atoms.positions[-1, 1] = float(kind)
    return atoms


KINDS = ["nan", "inf", "-1e10", "coincident", "collapsed", "sheared", "flat", "crowded", "infinite"]
MESSAGE = r"position|farther|one point|too small|volume|more than"


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("kind", KINDS)
def test_bad_geometries_are_refused(pipe, crystals, entry, kind):
    with pytest.raises(ValueError, match=MESSAGE):
        result = ENTRIES[entry](pipe, [crystals[0], _bad(crystals[1], kind)])
        np.asarray(result)  # features are computed when they are needed


@pytest.mark.parametrize("kind", KINDS)
def test_structures_that_became_bad_have_no_forces(pipe, crystals, kind):
    X = _spoil(pipe, crystals, [crystals[0], _bad(crystals[1], kind)])
    with pytest.raises(ValueError, match=MESSAGE):
        pipe[-1].predict_forces(X)


@pytest.mark.parametrize("kind", ["nan", "inf", "-1e10", "collapsed", "flat", "infinite"])
def test_radial_distributions_refuse_them_too(crystals, kind):
    with pytest.raises(ValueError, match=r"position|farther|too small|volume"):
        radial_distribution([_bad(crystals[0], kind)], 3.0)


def test_a_cluster_of_too_many_atoms_is_refused(pipe):
    places = np.random.default_rng(0).uniform(0.0, 1.0, (5200, 3))
    cluster = Atoms(f"Cu{len(places)}", positions=places)
    with pytest.raises(ValueError, match="more than 5000 neighbours within the cutoff radius 3.2"):
        HDNNPCalculator(pipe).get_forces(cluster)
