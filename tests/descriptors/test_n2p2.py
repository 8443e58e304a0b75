"""Values against those of n2p2 (v2.3.0-108)."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from sklearn_agl.descriptors import SymmetryFunction, SymmetryFunctionTransformer

from ._n2p2 import Potential, read_structure

REPOSITORY = Path(__file__).parents[2]
DATA = REPOSITORY / "tests" / "data"
COMPLETE = REPOSITORY.parent / "shared" / "reference"
needs_complete_numbers = pytest.mark.skipif(
    not COMPLETE.exists(), reason="the complete reference numbers are not beside the repository"
)
CASES = {"lj-22": ("n2p2_lj", "Ar"), "al-22": ("n2p2_al", "Al")}
STORED_ORDER = [*range(12), *range(12, 22, 2), *range(13, 22, 2)]
"""Columns in the order of the reference numbers: lambda = -1 with all zeta, then lambda = 1."""


def read_structures(folder, symbol):
    data = np.load(COMPLETE / folder / "structures.npz")
    return [
        Atoms(f"{symbol}{len(positions)}", positions=positions, cell=cell, pbc=True)
        for positions, cell in zip(data["positions"], data["cell"], strict=True)
    ]


@pytest.mark.parametrize("preset", CASES)
def test_values_equal_n2p2(preset):
    symbol = CASES[preset][1]
    data = np.load(DATA / f"symmetry_functions_{preset}.npz")
    positions = data["positions"]
    atoms = Atoms(f"{symbol}{len(positions)}", positions=positions, cell=data["cell"], pbc=True)
    values = SymmetryFunctionTransformer(preset).fit_transform([atoms]).values[0]
    values = values[: len(data["values"]), STORED_ORDER]
    np.testing.assert_allclose(values, data["values"], rtol=1e-10)


@needs_complete_numbers
@pytest.mark.parametrize("preset", CASES)
def test_values_equal_all_reference_numbers(preset):
    folder, symbol = CASES[preset]
    expected = np.load(COMPLETE / folder / "symmetry_functions.npz")["values"]
    structures = read_structures(folder, symbol)
    values = SymmetryFunctionTransformer(preset).fit_transform(structures).values
    np.testing.assert_allclose(values[..., STORED_ORDER], expected, rtol=1e-10)


@needs_complete_numbers
@pytest.mark.parametrize("folder", ["n2p2_lj", "n2p2_al", "h2o_rpbe_potential"])
def test_energies_and_forces_of_n2p2_potentials(folder):
    potential = Potential(COMPLETE / folder)
    if folder == "h2o_rpbe_potential":
        structures = [read_structure(COMPLETE / folder / "input.data")]
        expected = np.load(COMPLETE / folder / "predictions.npz")
    else:
        structures = read_structures(folder, potential.symbols[0])
        expected = np.load(COMPLETE / folder / "potential_predictions.npz")
    transformer = SymmetryFunctionTransformer(potential.functions).fit(structures)
    for i, atoms in enumerate(structures):
        energy, forces = potential.predict(transformer, atoms)
        reference = expected["forces"].reshape(-1, len(atoms), 3)[i]
        np.testing.assert_allclose(energy, np.ravel(expected["energy"])[i], rtol=1e-10)
        np.testing.assert_allclose(forces, reference, atol=1e-9 * np.abs(reference).max())


def test_wide_and_broken_angular_functions_equal_n2p2():
    data = np.load(DATA / "angular_al.npz")
    atoms = Atoms(f"Al{len(data['positions'])}", data["positions"], cell=data["cell"], pbc=True)
    # n2p2 takes a negative r_s for zero.
    functions = [
        SymmetryFunction(
            kind, eta=0.05, r_s=max(r_s, 0.0), zeta=zeta, lambda_=int(lambda_), r_cut=6.8
        )
        for kind, r_s, zeta, lambda_ in zip(
            data["kind"], data["r_s"], data["zeta"], data["lambda_"], strict=True
        )
    ]
    unique = list(dict.fromkeys(functions))
    values = SymmetryFunctionTransformer(unique).fit_transform([atoms]).values[0]
    columns = [unique.index(function) for function in functions]
    np.testing.assert_allclose(
        values[: len(data["values"])][:, columns], data["values"], rtol=1e-10
    )
