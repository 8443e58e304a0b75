"""Machine code for other processors than this one."""

import llvmlite.binding as llvm
import numpy as np
import pytest
from ase.build import bulk
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline

from sklearn_agl import HDNNPRegressor, SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.io import write_lammps
from sklearn_agl.potentials import predict_forces
from tests.io.lammps._lammps import (
    DIGITS,
    needs_lammps,
    read_dump,
    run_well,
    setup,
    use,
    write_data,
)

pytestmark = needs_lammps


@pytest.fixture(scope="module")
def crystal():
    atoms = bulk("Ar", cubic=True, a=1.7)
    atoms.rattle(0.1, seed=0)
    return atoms


@pytest.fixture(scope="module")
def pipeline(crystal):
    """A potential of one function."""
    transformer = SymmetryFunctionTransformer([SymmetryFunction("G2", eta=0.5)], r_cut=2.5)
    model = HDNNPRegressor(hidden_layer_sizes=(3,), max_epochs=2, random_state=0)
    structures = [crystal.copy() for _ in range(8)]
    for seed, atoms in enumerate(structures):
        atoms.rattle(0.1, seed=seed)
    return make_pipeline(transformer, model).fit(structures, np.arange(8.0))


@pytest.mark.skipif(
    not llvm.get_host_cpu_features().get("avx2"), reason="the processor has no AVX2"
)
def test_code_for_all_with_avx2(pipeline, crystal, tmp_path):
    """In a cell smaller than the cutoff radius."""
    write_lammps(pipeline, tmp_path / "potential", units="lj", cpu="x86-64-v3")
    write_data(tmp_path / "start.data", crystal, [1, 2, 1, 1], 2)
    commands = [*setup("start.data", crystal), *use(tmp_path / "potential", "Ar Ar"), "run 0"]
    run_well([*commands, f"write_dump all custom end.dump fx fy fz {DIGITS}"], tmp_path)
    expected = predict_forces(pipeline, [crystal])[0]
    assert np.abs(expected).max() > 1e-3
    assert_allclose(read_dump(tmp_path / "end.dump"), expected, rtol=1e-9, atol=1e-12)
