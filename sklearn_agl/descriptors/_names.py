"""Names of symmetry functions that fit into tables and figures."""

from collections.abc import Sequence
from dataclasses import fields

from sklearn_agl.descriptors._definitions import SymmetryFunction

PARTS = (
    ("eta", "eta {:.3g}"),
    ("r_s", "r_s {:.2f}"),
    ("kappa", "kappa {:.3g}"),
    ("zeta", "zeta {:g}"),
    ("lambda_", "lambda {:+d}"),
)
"""Parameters that a short name has, where they are set."""
ORDER = ("kind", "center", "neighbors")
FIELDS = sorted(fields(SymmetryFunction), key=lambda own: own.name not in ORDER)
"""Of a function, those first that say what it is about."""


def short_names(symmetry_functions: Sequence[SymmetryFunction]) -> list[str]:
    """Short names of the functions of a set, for tables and figures.

    They are made for reading beside each other: kind, number and parameters; elements and cutoff
    radius only where the functions of the set differ in them.

    Parameters
    ----------
    symmetry_functions : sequence of SymmetryFunction
        Such as ``symmetry_functions_`` of a fitted transformer.

    Returns
    -------
    list of str
        One for each function; the number in it is that of its column, counted from 0. Lengths and
        eta are in the units of the functions.

    Raises
    ------
    ValueError
        If an entry is no SymmetryFunction.

    See Also
    --------
    sklearn_agl.SymmetryFunction : Its `name` says everything, and is the name of the column.

    Examples
    --------
    >>> from sklearn_agl import SymmetryFunction
    >>> from sklearn_agl.descriptors import short_names
    >>> short_names(
    ...     [
    ...         SymmetryFunction("G2", eta=3.86, r_s=0.5, r_cut=6.0),
    ...         SymmetryFunction("G5", eta=0.01, zeta=4, lambda_=-1, r_cut=6.0),
    ...     ]
    ... )
    ['G2 #0: eta 3.86, r_s 0.50', 'G5 #1: eta 0.01, zeta 4, lambda -1']
    """
    functions = list(symmetry_functions)
    for column, function in enumerate(functions):
        if not isinstance(function, SymmetryFunction):
            raise ValueError(
                f"symmetry_functions[{column}] is of type {type(function).__name__}; give the "
                "symmetry_functions_ of a fitted SymmetryFunctionTransformer."
            )
    shown = {
        "elements": len(set().union(*map(_symbols, functions))) > 1,
        "r_cut": len({function.r_cut for function in functions}) > 1,
        "cutoff": len({function.cutoff for function in functions}) > 1,
    }
    return [_short_name(function, column, shown) for column, function in enumerate(functions)]


def table_of_functions(functions):
    """Symmetry functions as a table of their parameters, without those that none has set.

    Parameters
    ----------
    functions : sequence of SymmetryFunction

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("to_frame needs pandas: pip install pandas") from error
    columns = {field.name: [getattr(f, field.name) for f in functions] for field in FIELDS}
    columns["neighbors"] = ["-".join(f.neighbors or ()) for f in functions]
    table = pd.DataFrame(columns, index=[f"{f.kind} #{k}" for k, f in enumerate(functions)])
    is_set = table.notna() & (table != False) & (table != 0.0)  # noqa: E712
    return table.loc[:, is_set.any()]


def _symbols(function):
    return {function.center, *(function.neighbors or ())}


def _short_name(function, column, shown):
    """`shown` says which of elements, radius and cutoff function belong in the name."""
    begin = [function.kind]
    if shown["elements"]:
        begin.append("-".join([function.center or "*", *(function.neighbors or ["*"])]))
    if function.weighted:
        begin.append("weighted")
    end = [
        form.format(value)
        for name, form in PARTS
        if (value := getattr(function, name)) is not None and (name != "r_s" or value)
    ]
    if shown["r_cut"] and function.r_cut is not None:
        end.append(f"r_cut {function.r_cut:.3g}")
    if shown["cutoff"] and function.cutoff is not None:
        end.append(function.cutoff)
    name = f"{' '.join(begin)} #{column}"
    return f"{name}: {', '.join(end)}" if end else name
