"""Training and testing on the parts of a split."""

import numpy as np
from sklearn.base import clone

from sklearn_agl._elements import check_elements
from sklearn_agl._validation import note_columns
from sklearn_agl.metrics import neg_rmse_per_atom
from sklearn_agl.potentials._regressor import fit_regressor
from sklearn_agl.selection.runs._checkpoint import fingerprint
from sklearn_agl.selection.runs._runner import raise_if_interrupted


def score_support(regressor, data, split, support):
    """Score of a fit without penalty on the selected features; NaN if there are none."""
    if not support.any():
        return np.nan
    train, test = [data.take_features(support).take(rows) for rows in split]
    model = clone(regressor).set_params(alpha=0.0, feature_weights=None)
    note_columns(model, train.X)
    fit_regressor(model, train)
    raise_if_interrupted(model)
    return neg_rmse_per_atom(model, test.X, test.energies, test.weights)


def check_split(X, k, train, test, regressor):
    """Refuse a split that cannot be trained on or scored."""
    presence = X.composition() > 0
    n_train, n_test = len(presence[train]), len(presence[test])
    if n_train < 2 or n_test < 1:
        raise ValueError(
            f"Split {k} has {n_train} structures for training and {n_test} for testing; at least "
            "2 and 1 are needed. Use fewer folds or more structures."
        )
    unseen = presence[test].any(axis=0) & ~presence[train].any(axis=0)
    if regressor.elements is not None:
        unseen &= ~np.isin(X.elements, check_elements(regressor.elements))
    if unseen.any():
        raise ValueError(
            f"Split {k} tests structures with atomic number {X.elements[np.argmax(unseen)]}, but "
            "none of those for training has it. Shuffle the structures, give cv other splits, or "
            "name all elements in the regressor's elements=."
        )


def describe_splits(splits):
    """What tells splits from others, by names that the error message of a checkpoint can use."""
    described = {}
    for part, name in enumerate(("training", "test")):
        rows = [np.asarray(split[part]) for split in splits]
        described[f"rows for {name}"] = fingerprint(np.concatenate(rows))
        described[f"numbers of rows for {name}"] = [len(own) for own in rows]
    return described
