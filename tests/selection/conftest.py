import numpy as np
import pytest

from sklearn_agl import AtomicFeatures, StabilitySelector, SymmetryFunctionTransformer
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.descriptors import SymmetryFunction
from tests.selection._data import correlated
from tests.selection._planted import planted
from tests.selection._runs import eliminate, follow
from tests.selection._stability import ONCE


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def ragged(rng):
    """Ten structures of one element with 3 to 6 atoms and 5 features."""
    values = correlated(rng, 60, 5).reshape(10, 6, 5)
    for i, structure in enumerate(values):
        structure[3 + i % 4 :] = np.nan
    return values


@pytest.fixture
def two_elements(rng):
    """Ten structures: two hydrogen atoms, with columns 0 to 2, and an oxygen, with 3 and 4."""
    values = np.full((10, 4, 5), np.nan)
    values[:, :2, :3] = rng.normal(size=(10, 2, 3))
    values[:, 2, 3:] = 100 * rng.normal(size=(10, 2))
    numbers = np.tile([1, 1, 8, 0], (10, 1))
    centers = ["H", "H", "H", "O", "O"]
    functions = [
        SymmetryFunction("G2", r_cut=6.0, eta=0.1 * (i + 1), center=center, neighbors="H")
        for i, center in enumerate(centers)
    ]
    return AtomicFeatures(values, numbers, symmetry_functions=functions)


@pytest.fixture(scope="session")
def lj_features():
    """The 22 functions of Sandberg et al. on 50 structures of 256 atoms."""
    structures, _ = make_lennard_jones(
        50, equilibration_steps=500, sampling_interval=50, random_state=0
    )
    return SymmetryFunctionTransformer("lj-22", r_cut=2.8).fit_transform(structures).values


@pytest.fixture(scope="session")
def whole_path():
    return follow()


@pytest.fixture(scope="session")
def whole_elimination():
    return eliminate()


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The folder of a path that came to its end."""
    folder = tmp_path_factory.mktemp("finished")
    follow(checkpoint=folder)
    return folder


@pytest.fixture(scope="session")
def planted_table():
    """Features, energies, and the columns that these depend on."""
    return planted(0, n_samples=150, n_features=7)


@pytest.fixture(scope="session")
def fitted_stability(planted_table):
    X, y, _ = planted_table
    return StabilitySelector(ONCE, n_resamples=6, random_state=0).fit(X, y)
