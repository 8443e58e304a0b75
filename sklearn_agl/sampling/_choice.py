"""The choice of few structures from many, by the selectors of features on the transposed table."""

from numbers import Integral

import numpy as np
from sklearn.preprocessing import StandardScaler

from sklearn_agl._sklearn import Interval, StrOptions, validate_params
from sklearn_agl.features import AtomicFeatures, concatenate
from sklearn_agl.pooling import AtomPooler
from sklearn_agl.selection import CURSelector, FPSSelector

ATOM_STATISTICS = ("mean", "std")
"""What tells structures apart, whatever their sizes are."""


@validate_params(
    {
        "X": [AtomicFeatures],
        "n_structures": [Interval(Integral, 1, None, closed="left")],
        "method": [StrOptions({"fps", "cur"})],
        "known": [AtomicFeatures, None],
    },
    prefer_skip_nested_validation=True,
)
def choose_structures(X, n_structures, *, method="fps", known=None):
    """Choose structures that stand for all of some.

    Each structure is described by the mean and the standard deviation of every feature over its
    atoms, standardised over the structures.

    Parameters
    ----------
    X : AtomicFeatures
        Features of the structures to choose from.
    n_structures : int
        How many to choose.
    method : {"fps", "cur"}, default="fps"
        Farthest points: each structure is as far as possible from all those chosen before. Or CUR:
        each has the highest leverage, all others being made orthogonal to it before the next [1]_.
    known : AtomicFeatures, default=None
        Structures that are labelled already, with the same columns: farthest points keep away from
        them, too.

    Returns
    -------
    ndarray of int of shape (n_structures,)
        Their numbers in `X`, in the order of choice; fewer, with a warning, where all others are
        copies of chosen ones.

    Raises
    ------
    ValueError
        If there are fewer structures than are wanted, or `known` is given for "cur".

    See Also
    --------
    Harvest : Structures that a simulation meets.
    sklearn_agl.FPSSelector, sklearn_agl.CURSelector : Choose features in the same ways.

    Notes
    -----
    Memory is of the order of the number of structures squared. scikit-matter's sample selection
    makes the same choices on the same table.

    References
    ----------
    .. [1] G. Imbalzano et al., J. Chem. Phys. 148, 241730 (2018).

    Examples
    --------
    The one strained crystal is far from all others:

    >>> from ase.build import bulk
    >>> from sklearn_agl import SymmetryFunctionTransformer
    >>> from sklearn_agl.sampling import choose_structures
    >>> structures = [bulk("Cu", a=3.6 + 0.001 * i) for i in range(9)] + [bulk("Cu", a=3.8)]
    >>> X = SymmetryFunctionTransformer().fit_transform(structures)
    >>> choose_structures(X, 2).tolist()
    [0, 9]
    """
    n_known = 0 if known is None else len(known)
    if method == "cur" and n_known:
        raise ValueError("method='cur' knows no structures chosen before; take method='fps'.")
    if n_structures > len(X):
        raise ValueError(f"n_structures={n_structures}, but X has only {len(X)} structures.")
    table = _describe(X if known is None else concatenate([known, X]))
    wanted = {"n_features_to_select": n_known + n_structures, "scaling": None}
    if method == "cur":
        selector = CURSelector(**wanted)
    else:
        selector = FPSSelector(**wanted, initial=list(range(n_known)) if n_known else 0)
    return selector.fit(table.T).selected_order_[n_known:] - n_known


def _describe(X):
    """A standardised row for each structure."""
    table = AtomPooler(ATOM_STATISTICS).fit_transform(X)
    return StandardScaler().fit_transform(np.asarray(table, dtype=np.float64))
