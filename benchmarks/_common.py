"""What several benchmarks do."""

import time

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
