"""What several benchmarks do."""

import gzip
import shutil
import tempfile
import time
from pathlib import Path

import ase.io
import numpy as np

from sklearn_agl import HDNNPRegressor
from sklearn_agl.metrics import rmse_per_atom


def fit_and_test(train, test, columns, seed=0):
    """Train a potential on some columns.

    Parameters
    ----------
    train, test : tuple
        Features and energies of the structures to train on, and of those to test on.
    columns : ndarray of int or bool
        What to train on.
    seed : int
        Random state of the potential.

    Returns
    -------
    error : float
        RMSE per atom on the test structures.
    seconds : float
        Of training.
    """
    (X, y), (X_test, y_test) = [(X.take_features(columns), y) for X, y in (train, test)]
    start = time.perf_counter()
    model = HDNNPRegressor(random_state=seed).fit(X, y)
    seconds = time.perf_counter() - start
    return rmse_per_atom(y_test, model.predict(X_test), X_test.n_atoms), seconds


def train_and_test(X, y, train, test, columns, seed=0):
    """`fit_and_test` for structures that lie in one table, by their indices."""
    return fit_and_test((X[train], y[train]), (X[test], y[test]), columns, seed)


def read_structures(path, every=1):
    """Structures of a file that ASE reads, and their energies.

    A gzipped one is unpacked first: ASE looks for the frames by going back and forth, which takes
    minutes in a packed file.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(path)
        if path.suffix == ".gz":
            packed, path = path, Path(folder) / path.stem
            with gzip.open(packed) as source, open(path, "wb") as target:
                shutil.copyfileobj(source, target)
        structures = ase.io.read(path, f"::{every}")
    return structures, np.array([atoms.get_potential_energy() for atoms in structures])


def without_labels(structures):
    """Copies that carry no forces, so that training is on energies alone, as published."""
    return [atoms.copy() for atoms in structures]
