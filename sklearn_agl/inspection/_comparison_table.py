"""What the readers of a comparison's table share."""


def check_columns(table, names):
    """Refuse a table that lacks a column.

    Parameters
    ----------
    table : pandas.DataFrame
        Should come from `compare_selectors`.
    names : sequence of str
        Columns that are needed.

    Raises
    ------
    ValueError
        If one is missing, or the table has no row.
    """
    if not hasattr(table, "groupby"):
        raise ValueError(
            f"table is of type {type(table).__name__}; give one that compare_selectors returned."
        )
    missing = [name for name in names if name not in table]
    if missing:
        raise ValueError(
            f"The table has no column {missing[0]!r}; give one that compare_selectors returned."
        )
    if not len(table):
        raise ValueError("The table has no row.")


def select_rows(table, data_set, n_features):
    """The rows of one data set and one size.

    Parameters
    ----------
    table : pandas.DataFrame
        As returned by `compare_selectors`.
    data_set : str or None
        None if there is only one.
    n_features : int or None
        None if there is only one.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ValueError
        If there is no such row, or None leaves a choice.
    """
    for name, wanted in (("data_set", data_set), ("n_features", n_features)):
        check_columns(table, [name])
        there = table[name].unique().tolist()
        if wanted is None and len(there) > 1:
            raise ValueError(f"The table has several values of {name}: {there}. Choose one.")
        if wanted is not None and wanted not in there:
            raise ValueError(f"The table has no {name}={wanted!r}, only {there}.")
        table = table if wanted is None else table[table[name] == wanted]
    return table
