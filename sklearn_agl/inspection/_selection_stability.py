"""How much the sets that a selector chose on several splits have in common."""

from itertools import combinations

import numpy as np

from sklearn_agl.inspection._comparison_table import check_columns


def selection_stability(table):
    r"""Summarise how much the sets of features depend on the split and the seed.

    Parameters
    ----------
    table : pandas.DataFrame
        As returned by `compare_selectors`.

    Returns
    -------
    pandas.DataFrame
        A row for each data set, selector and size, with the columns `data_set`, `selector`,
        `n_features`, `n_repeats` and

        - `jaccard`: mean over all pairs of splits of the features that both sets have, as a part
          of those that at least one has;
        - `nogueira`: the index of [1]_, 1 for equal sets and 0 in the mean for sets that are drawn
          at random. With :math:`\hat p_f` the part of the M sets that feature f is in, and
          :math:`\bar k` their mean size,

          .. math::

              \hat\Phi = 1 - \frac{\frac{1}{d} \sum_{f=1}^{d} \frac{M}{M - 1} \hat p_f
              (1 - \hat p_f)}{\frac{\bar k}{d} \left( 1 - \frac{\bar k}{d} \right)} ,

          NaN where every set has all d features;
        - `commonest`, `commonest_share`: the set found most often (the first one of several), and
          in which part of the splits.

        With one split, both indices are NaN.

    Raises
    ------
    ValueError
        If the table lacks a column or has no row.

    See Also
    --------
    compare_selectors : Makes the table.
    sklearn_agl.StabilitySelector : Chooses features by how often they are chosen.

    References
    ----------
    .. [1] S. Nogueira, K. Sechidis, G. Brown, J. Mach. Learn. Res. 18, 174 (2018).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_agl.inspection import selection_stability
    >>> table = pd.DataFrame(
    ...     {
    ...         "data_set": "Al",
    ...         "selector": "CUR",
    ...         "n_features": 2,
    ...         "repeat": [0, 1, 2],
    ...         "n_features_in": 4,
    ...         "features": [(0, 1), (0, 1), (0, 2)],
    ...     }
    ... )
    >>> selection_stability(table)[["jaccard", "nogueira"]].round(3).values.tolist()
    [[0.556, 0.333]]
    """
    import pandas as pd

    keys = ["data_set", "selector", "n_features"]
    check_columns(table, [*keys, "n_features_in", "features"])
    rows = []
    for key, part in table.groupby(keys, sort=False):
        sets = list(part["features"])
        counts = part["features"].value_counts(sort=False)
        rows.append(
            dict(zip(keys, key, strict=True))
            | {
                "n_repeats": len(sets),
                "jaccard": mean_jaccard(sets),
                "nogueira": nogueira_index(sets, part["n_features_in"].iloc[0]),
                "commonest": counts.idxmax(),
                "commonest_share": counts.max() / len(sets),
            }
        )
    return pd.DataFrame(rows)


def mean_jaccard(sets):
    """Mean Jaccard index of all pairs of sets.

    Parameters
    ----------
    sets : sequence of sequence of int
        Features; no set is empty.

    Returns
    -------
    float
        NaN for a single set.
    """
    pairs = combinations(map(set, sets), 2)
    indices = [len(a & b) / len(a | b) for a, b in pairs]
    return float(np.mean(indices)) if indices else np.nan


def nogueira_index(sets, n_features):
    """Stability index of sets, corrected for chance.

    Parameters
    ----------
    sets : sequence of sequence of int
        Features.
    n_features : int
        How many there are to choose from.

    Returns
    -------
    float
        NaN for a single set, or if all sets have all features.
    """
    n_sets = len(sets)
    supports = np.zeros((n_sets, n_features))
    for row, columns in zip(supports, sets, strict=True):
        row[list(columns)] = 1.0
    share = supports.mean()
    if n_sets < 2 or share == 1.0:
        return np.nan
    return float(1.0 - supports.var(axis=0, ddof=1).mean() / (share * (1.0 - share)))
