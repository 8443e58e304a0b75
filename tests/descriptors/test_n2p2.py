"""Values against those of n2p2 (v2.3.0-108)."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from sklearn_agl.descriptors import SymmetryFunctionTransformer

REPOSITORY = Path(__file__).parents[2]
DATA = REPOSITORY / "tests" / "data"
COMPLETE = REPOSITORY.parent / "shared" / "reference"
CASES = {"lj-22": ("n2p2_lj", "Ar"), "al-22": ("n2p2_al", "Al")}


@pytest.mark.parametrize("preset", CASES)
def test_values_equal_n2p2(preset):
    symbol = CASES[preset][1]
    data = np.load(DATA / f"symmetry_functions_{preset}.npz")
    positions = data["positions"]
    atoms = Atoms(f"{symbol}{len(positions)}", positions=positions, cell=data["cell"], pbc=True)
    values = SymmetryFunctionTransformer(preset).fit_transform([atoms]).values[0]
    np.testing.assert_allclose(values[: len(data["values"])], data["values"], rtol=1e-10)


@pytest.mark.parametrize("preset", CASES)
def test_values_equal_all_reference_numbers(preset):
    folder, symbol = CASES[preset]
    if not COMPLETE.exists():
        pytest.skip("the complete reference numbers are not beside the repository")
    data = np.load(COMPLETE / folder / "structures.npz")
    expected = np.load(COMPLETE / folder / "symmetry_functions.npz")["values"]
    structures = [
        Atoms(f"{symbol}{len(positions)}", positions=positions, cell=cell, pbc=True)
        for positions, cell in zip(data["positions"], data["cell"], strict=True)
    ]
    values = SymmetryFunctionTransformer(preset).fit_transform(structures).values
    np.testing.assert_allclose(values, expected, rtol=1e-10)
