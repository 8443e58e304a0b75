import numpy as np
import pytest

from tests.potentials._data import mixed_features


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 5)) @ (np.eye(5) + 0.3 * rng.normal(size=(5, 5)))
    return X, X @ [1.0, -2.0, 0.0, 0.5, 0.0] + np.sin(2 * X[:, 0]) + 0.1 * rng.normal(size=120) - 7


@pytest.fixture
def mixed():
    rng = np.random.default_rng(0)
    X = mixed_features(rng, n_structures=60)
    known = np.nan_to_num(X.values)
    energies = np.tanh(known[:, :, 0]).sum(axis=1) + known[:, :, 1].sum(axis=1)
    n_oxygen = np.count_nonzero(X.numbers == 8, axis=1)
    return X, energies - 3.0 * X.n_atoms - 10.0 * n_oxygen
