import numpy as np


def correlated(rng, n_rows, n_features, rank=None):
    """Columns of different scales and means that share a few directions."""
    mixing = rng.normal(size=(rank or n_features, n_features)) * 3.0 ** rng.normal(size=n_features)
    return rng.normal(size=(n_rows, len(mixing))) @ mixing + rng.normal(size=n_features)


def standardised(values):
    """All atoms of a 3-D array as rows, in units of the columns' standard deviations."""
    rows = values.reshape(-1, values.shape[-1])
    rows = rows[~np.isnan(rows).any(axis=1)]
    return (rows - rows.mean(axis=0)) / rows.std(axis=0)
