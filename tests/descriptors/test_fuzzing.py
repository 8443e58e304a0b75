"""Structures of any kind: their features are finite, or the structure is refused."""

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, strategies as st

from sklearn_agl import SymmetryFunction, SymmetryFunctionTransformer
from tests._fuzzing import fuzzing

EXTREMES = st.sampled_from([0.0, 5e-324, 1e-300, 1e-12, 1e-6, 1e3, 1e8, 1e12, 1e300])
LENGTHS = st.floats(0.5, 9.0) | EXTREMES
PLACES = st.floats(-9.0, 9.0) | st.sampled_from([0.0, -0.0, 1e-7, 2e-6]) | EXTREMES
R_CUT = 2.5


@st.composite
def structures(draw):
    """Any cell, periodicity and elements; atoms may share a place, or nearly so."""
    n = draw(st.integers(1, 5))
    places = draw(st.lists(st.tuples(PLACES, PLACES, PLACES), min_size=n, max_size=n))
    cell = np.diag(draw(st.tuples(LENGTHS, LENGTHS, LENGTHS)))
    if draw(st.booleans()):
        cell = cell + draw(st.floats(-2.0, 2.0)) * np.eye(3, k=1)
    symbols = draw(st.lists(st.sampled_from(["H", "O", "Au"]), min_size=n, max_size=n))
    pbc = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    return Atoms(symbols, positions=places, cell=cell, pbc=pbc)


@pytest.fixture(scope="module")
def transformer():
    functions = [
        SymmetryFunction("G2", eta=0.5, r_s=1.0),
        SymmetryFunction("G5", eta=0.1, zeta=1, lambda_=-1),
    ]
    transformer = SymmetryFunctionTransformer(functions, r_cut=R_CUT, elements=["H", "O", "Au"])
    return transformer.fit([Atoms("H")])


@fuzzing(100)
@given(drawn=st.lists(structures(), min_size=1, max_size=3))
def test_any_structures(transformer, drawn):
    try:
        X = transformer.transform(drawn)
        gradients, strains = transformer.vjp(drawn, np.ones(X.shape))
    except ValueError as error:
        assert "Structure " in str(error)
        return
    for i, atoms in enumerate(drawn):
        for values, z in zip(X.values[i], X.numbers[i], strict=True):
            own = [z and f.center == Atoms([z]).symbols[0] for f in X.symmetry_functions]
            np.testing.assert_array_equal(np.isfinite(values), own)
        assert gradients[i].shape == (len(atoms), 3)
        assert np.isfinite(gradients[i]).all()
    assert np.isfinite(strains).all()


@pytest.mark.parametrize("size", [1e-3, 1e-8, 1e-100])
@pytest.mark.parametrize("pbc", [True, (False, True, True)])
def test_cells_far_smaller_than_the_radius(transformer, size, pbc):
    tiny = Atoms("H", cell=np.diag([3.0, size, size]), pbc=pbc)
    with pytest.raises(ValueError, match="Structure 1 .* images .* within the cutoff radius 2.5"):
        transformer.transform([Atoms("H"), tiny])


def test_chains_of_many_images(transformer):
    """A single thin direction is still possible: 2,500 neighbours on a line."""
    chain = Atoms("H", cell=[2e-3, 0, 0], pbc=[True, False, False])
    values = transformer.transform([chain]).values
    r = 2e-3 * np.arange(1, 1250)
    x = r / R_CUT
    cutoff = 1 - 10 * x**3 + 15 * x**4 - 6 * x**5
    assert values[0, 0, 0] == pytest.approx(2 * np.sum(np.exp(-0.5 * (r - 1) ** 2) * cutoff))


def test_planes_that_are_nearly_flat(transformer):
    """A span whose reciprocal is infinite once sent atoms to cells that do not exist."""
    positions = np.array([[0, 0, 0], [-1, 0.3, -2e-311], [0.5, -1, 0]])
    flat = positions * [1, 1, 0]
    X = transformer.transform([Atoms("H3", positions=own) for own in (positions, flat)])
    np.testing.assert_array_equal(X.values[0], X.values[1])


@pytest.mark.parametrize("place", [1e10, -1e300])
def test_places_beyond_all_precision(transformer, place):
    far = Atoms("H2", positions=[[0, 0, 0], [0, place, 0]])
    with pytest.raises(ValueError, match="Structure 1: atom 1 is at .* digits"):
        transformer.transform([Atoms("H"), far])
