import numpy as np

from sklearn_agl import AtomicFeatures


def planted(seed, n_samples=400, n_features=20):
    """A table of independent columns, four of which make up the target: X, y, which ones."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features))
    used = np.sort(rng.permutation(n_features)[:4])
    a, b, c, d = X[:, used].T
    y = np.sin(2 * a) + b + 0.7 * c**2 + np.tanh(2 * d) + 0.05 * rng.normal(size=n_samples)
    return X, y, used


def planted_atoms(seed, n_structures=120):
    """Ragged hydrogen (columns 0 to 3) and oxygen (columns 4 to 7); 1 and 6 make up the energy."""
    rng = np.random.default_rng(seed)
    numbers = np.zeros((n_structures, 6), dtype=int)
    numbers[:, :2] = 1
    numbers[:, 2:4] = 8
    numbers[::3, 4] = 1
    numbers[1::3, 4:] = 8
    values = np.full((*numbers.shape, 8), np.nan)
    values[numbers == 1, :4] = rng.normal(size=(np.count_nonzero(numbers == 1), 4))
    values[numbers == 8, 4:] = rng.normal(size=(np.count_nonzero(numbers == 8), 4))
    known = np.nan_to_num(values)
    y = np.sin(known[..., 1]).sum(axis=1) + known[..., 6].sum(axis=1)
    return AtomicFeatures(values, numbers), y - 5.0 * (numbers == 8).sum(axis=1)
