"""The centroid form of the virial, which heat currents need."""

import numpy as np
from numpy.testing import assert_allclose

from sklearn_agl.potentials.md._structure_potential import StructurePotential
from tests.io.lammps._lammps import (
    DIGITS,
    needs_lammps,
    read_dump,
    run_well,
    setup,
    use,
    write_data,
)
from tests.potentials._fitted import some_structures

PAIRS = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2), (1, 0), (2, 0), (2, 1)]
STEP = 1e-5


@needs_lammps
def test_virials_of_the_atoms_that_forces_act_on(pipeline, potential, tmp_path):
    atoms = some_structures(2)[1]
    assert not atoms.pbc.any()
    write_data(tmp_path / "start.data", atoms, np.where(atoms.numbers == 1, 1, 2), 2)
    commands = [
        *setup("start.data", atoms),
        *use(potential),
        "compute centroid all centroid/stress/atom NULL virial",
        "run 0",
        f"write_dump all custom end.dump c_centroid[*] {DIGITS}",
    ]
    run_well(commands, tmp_path)
    found = -read_dump(tmp_path / "end.dump")
    # W_j = sum over i of (r_j - r_i) F_ij, where F_ij is what the energy of i does to j.
    reference = StructurePotential(pipeline)
    expected = np.zeros((len(atoms), 3, 3))
    for j in range(len(atoms)):
        for axis in range(3):
            energies = []
            for sign in (1, -1):
                moved = atoms.copy()
                moved.positions[j, axis] += sign * STEP
                reference.load(moved)
                energies.append(reference.energies.copy())
            forces = -(energies[0] - energies[1]) / (2.0 * STEP)
            expected[j, :, axis] = forces @ (atoms.positions[j] - atoms.positions)
    assert_allclose(found, [[own[ab] for ab in PAIRS] for own in expected], atol=1e-7)
