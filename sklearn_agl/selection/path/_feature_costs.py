"""What the features cost, for a group lasso that saves time rather than columns."""

import numpy as np

from sklearn_agl._numbers import as_numbers
from sklearn_agl.descriptors import measure_costs

MEASURED = "measured"
"""Value of `feature_costs` that asks for a measurement."""


def resolve_costs(feature_costs, X):
    """Turn the parameter `feature_costs` into numbers.

    Parameters
    ----------
    feature_costs : None, array-like of shape (n_features,) or "measured"
        The parameter.
    X : AtomicFeatures
        Features, checked.

    Returns
    -------
    ndarray of shape (n_features,) or None
        The costs.

    Raises
    ------
    ValueError
        If the costs have another shape, one of them is not a positive number, or `X` does not know
        what to measure.
    """
    if feature_costs is None:
        return None
    if isinstance(feature_costs, str):
        return _measure(X)
    costs = as_numbers(feature_costs, "feature_costs")
    if costs.shape != (X.n_features,):
        raise ValueError(
            f"feature_costs has shape {costs.shape}, but X has {X.n_features} features. Give one "
            "number per feature."
        )
    bad = np.flatnonzero(~np.isfinite(costs) | (costs <= 0))
    if bad.size:
        raise ValueError(
            f"feature_costs[{bad[0]}] is {costs[bad[0]]}; costs must be finite and positive. A "
            "feature that costs next to nothing still needs a small number."
        )
    return costs


def _measure(X):
    if X.symmetry_functions is None or X.structures is None:
        missing = "symmetry_functions" if X.symmetry_functions is None else "structures"
        raise ValueError(
            f"feature_costs='{MEASURED}' times symmetry functions on the structures they were "
            f"computed from, but X has no {missing}. Pass the output of a "
            "SymmetryFunctionTransformer, or numbers, one per feature."
        )
    return measure_costs(X.symmetry_functions, X.structures)
