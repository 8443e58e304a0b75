"""What the pair style computes, beside the calculator and derivatives by differences."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_agl.descriptors.kernels._cells import make_batch
from sklearn_agl.potentials.md._structure_potential import StructurePotential
from tests.io.lammps._lammps import (
    DIGITS,
    needs_lammps,
    printed,
    read_dump,
    run_well,
    setup,
    use,
    write_data,
)
from tests.potentials._fitted import some_structures

pytestmark = needs_lammps

PRINT = (
    "variable E equal pe",
    *(f"variable P{ab} equal vol*p{ab}" for ab in ("xx", "yy", "zz", "xy", "xz", "yz")),
)
RESULT = "print 'RESULT $(v_E:%.17g) " + " ".join(
    f"$(v_P{ab}:%.17g)" for ab in ("xx", "yy", "zz", "xy", "xz", "yz")
)
COLUMNS = "fx fy fz c_energy c_stress[*] c_centroid[*]"
VOIGT = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]
CENTROID = [*VOIGT, (1, 0), (2, 0), (2, 1)]


def evaluate(structures, potential, folder, n_ranks=1):
    """Energy and virial of each structure, and what its atoms have."""
    commands = []
    for number, atoms in enumerate(structures):
        # Oxygen has two types, by turns.
        types = np.where(atoms.numbers == 1, 1, 2 + np.arange(len(atoms)) % 2)
        write_data(folder / f"{number}.data", atoms, types, 3)
        commands += [
            "clear",
            *setup(f"{number}.data", atoms),
            *use(potential, "H O O"),
            *PRINT,
            "compute energy all pe/atom",
            "compute stress all stress/atom NULL virial",
            "compute centroid all centroid/stress/atom NULL virial",
            "thermo_style custom step pe press",
            "thermo_modify norm no",
            "run 0",
            f"{RESULT}'",
            f"write_dump all custom {number}.dump {COLUMNS} {DIGITS}",
        ]
    results = printed(run_well(commands, folder, n_ranks), "RESULT")
    return results, [read_dump(folder / f"{number}.dump") for number in range(len(structures))]


@pytest.mark.parametrize("n_ranks", [1, 2])
def test_energy_forces_and_virial_are_those_of_the_calculator(
    pipeline, potential, tmp_path, n_ranks
):
    structures = some_structures(50, seed=3)
    for atoms in structures[::4]:  # so dense that pair terms keep atoms apart
        atoms.set_cell(0.9 * atoms.cell, scale_atoms=True)
    results, atoms_results = evaluate(structures, potential, tmp_path, n_ranks)
    reference = StructurePotential(pipeline)
    closest = min(atoms.get_all_distances(mic=True)[0, 1:].min() for atoms in structures[::4])
    assert closest < reference.pairs.reach
    for atoms, result, of_atoms in zip(structures, results, atoms_results, strict=True):
        batch = make_batch([atoms], reference.elements)
        _, energies, gradient, strain = reference._evaluator.forces(batch)
        virial = -strain
        assert_allclose(result[0], energies.sum(), rtol=1e-10)
        scale = max(np.abs(virial).max(), 1.0)
        assert_allclose(result[1:], [virial[ab] for ab in VOIGT], atol=1e-10 * scale)
        assert_allclose(of_atoms[:, :3], -gradient, atol=1e-10 * max(np.abs(gradient).max(), 1.0))
        assert_allclose(of_atoms[:, 3], energies, rtol=1e-10)
        # Stress times volume is the virial with the other sign.
        totals = -of_atoms[:, 4:].sum(axis=0)
        expected = [virial[ab] for ab in (*VOIGT, *CENTROID)]
        assert_allclose(totals, expected, atol=1e-10 * scale)
