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


def train_and_test(X, y, train, test, columns, seed=0):
    """Train a potential on some columns.

    Returns
    -------
    error : float
        RMSE per atom on the test structures.
    seconds : float
        Of training.
    """
    X = X.take_features(columns)
    start = time.perf_counter()
    model = HDNNPRegressor(random_state=seed).fit(X[train], y[train])
    seconds = time.perf_counter() - start
    return rmse_per_atom(y[test], model.predict(X[test]), X[test].n_atoms), seconds


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


def print_markdown(frame):
    """Print a DataFrame as a table in Markdown, without its index."""
    print(f"| {' | '.join(frame.columns)} |\n{'|---' * frame.shape[1]}|")
    for row in frame.itertuples(index=False):
        print(f"| {' | '.join(map(str, row))} |")
    print(flush=True)
