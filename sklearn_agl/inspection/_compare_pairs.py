"""Paired tests of the errors of two selectors over the same splits."""

from itertools import combinations

import numpy as np
from scipy import stats

from sklearn_agl.inspection._comparison_table import check_columns


def compare_pairs(table, *, reference=None, error="test_rmse"):
    r"""Test whether selectors differ in their errors over the same splits.

    For each data set and size, two selectors are paired split by split, with the differences
    :math:`d_1, \dots, d_J` of their errors. Two tests of "they do not differ" are made:

    - The corrected resampled t-test [1]_. Training sets of random splits overlap, so that their
      errors scatter less than those of independent data would, and the plain t-test finds
      differences where there are none. With :math:`s^2` the sample variance of the differences,

      .. math::

          t = \frac{\bar d}{\sqrt{\left( \frac{1}{J} + \frac{n_\mathrm{test}}{n_\mathrm{train}}
          \right) s^2}}

      has Student's distribution with J - 1 degrees of freedom.
    - Wilcoxon's signed rank test, which assumes no normal distribution, but independent
      differences: over random splits of the same data it is too sure.

    Parameters
    ----------
    table : pandas.DataFrame
        As returned by `compare_selectors`.
    reference : str, default=None
        Selector to compare each other one with; by default all pairs are compared.
    error : str, default="test_rmse"
        Column to compare.

    Returns
    -------
    pandas.DataFrame
        A row for each data set, size and pair of selectors, with the columns `data_set`,
        `n_features`, `selector` and `other`; `n_repeats`, the number of splits that both have;
        `difference`, the mean of the selector's error less that of the other, so that it is
        negative where the selector is better; `t` and `t_p_value`; `wilcoxon` and
        `wilcoxon_p_value`. The p-values are two-sided, and not corrected for the number of pairs.

    Raises
    ------
    ValueError
        If the table lacks a column, has no selector `reference` or fewer than two selectors, or a
        pair has fewer than two splits in common.

    See Also
    --------
    compare_selectors : Makes the table.

    Notes
    -----
    Where all splits are the same and only random weights differ, the t-test's correction asks for
    more than it has to: then the differences say nothing about other data anyway.

    References
    ----------
    .. [1] C. Nadeau, Y. Bengio, Mach. Learn. 52, 239 (2003).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_agl.inspection import compare_pairs
    >>> table = pd.DataFrame(
    ...     {
    ...         "data_set": "Al",
    ...         "selector": ["AGL"] * 5 + ["CUR"] * 5,
    ...         "n_features": 7,
    ...         "repeat": 2 * [0, 1, 2, 3, 4],
    ...         "n_train": 80,
    ...         "n_test": 20,
    ...         "test_rmse": [1.0, 1.2, 1.1, 0.9, 1.3, 2.0, 2.1, 2.3, 1.9, 2.2],
    ...     }
    ... )
    >>> pairs = compare_pairs(table)
    >>> pairs[["difference", "t", "t_p_value"]].round(4).values.tolist()
    [[-1.0, -12.1716, 0.0003]]
    """
    import pandas as pd

    keys = ["data_set", "n_features"]
    check_columns(table, [*keys, "selector", "repeat", "n_train", "n_test", error])
    rows = []
    for (data_set, n_features), part in table.groupby(keys, sort=False):
        ratio = (part["n_test"] / part["n_train"]).mean()
        errors = part.pivot(index="repeat", columns="selector", values=error)
        for selector, other in _pairs(part["selector"].unique(), reference):
            where = f"{selector!r} and {other!r} on {data_set!r} with {n_features} features"
            tested = _test(errors[selector] - errors[other], ratio, where)
            about = {"data_set": data_set, "n_features": n_features, "selector": selector}
            rows.append(about | {"other": other} | tested)
    return pd.DataFrame(rows)


def _pairs(selectors, reference):
    if len(selectors) < 2:
        raise ValueError(f"There is nothing to compare {selectors[0]!r} with: give two selectors.")
    if reference is None:
        return list(combinations(selectors, 2))
    if reference not in selectors:
        raise ValueError(
            f"reference={reference!r} is none of the selectors in the table: {list(selectors)}."
        )
    return [(reference, other) for other in selectors if other != reference]


def _test(differences, ratio, where):
    differences = differences.dropna().to_numpy()
    if len(differences) < 2:
        raise ValueError(
            f"{where} have {len(differences)} splits in common; a test needs at least two."
        )
    t, t_p_value = corrected_t_test(differences, ratio)
    statistic, p_value = signed_rank_test(differences)
    return {
        "n_repeats": len(differences),
        "difference": differences.mean(),
        "t": t,
        "t_p_value": t_p_value,
        "wilcoxon": statistic,
        "wilcoxon_p_value": p_value,
    }


def corrected_t_test(differences, ratio):
    """The corrected resampled t-test of "the mean is zero".

    Parameters
    ----------
    differences : ndarray of shape (n_splits,)
        At least two.
    ratio : float
        Structures for testing over those for training; 0 gives the plain t-test.

    Returns
    -------
    t, p_value : float
        0 and 1 where all differences are 0.
    """
    if not differences.any():
        return 0.0, 1.0
    n = len(differences)
    error = np.sqrt((1.0 / n + ratio) * differences.var(ddof=1))
    with np.errstate(divide="ignore"):
        t = differences.mean() / error
    return float(t), float(2.0 * stats.t.sf(abs(t), df=n - 1))


def signed_rank_test(differences):
    """Wilcoxon's signed rank test of "the distribution is symmetric about zero".

    Parameters
    ----------
    differences : ndarray of shape (n_splits,)
        Zeros are left out.

    Returns
    -------
    statistic, p_value : float
        0 and 1 where all differences are 0.
    """
    if not differences.any():
        return 0.0, 1.0
    found = stats.wilcoxon(differences)
    return float(found.statistic), float(found.pvalue)
