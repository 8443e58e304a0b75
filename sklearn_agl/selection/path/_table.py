"""A path as lines of text."""

import re

import numpy as np

WIDTH = 100
"""Characters of a line."""
FUNCTION = re.compile(r"\|(G\d)\(")
"""Where the name of a symmetry function has its kind."""


def path_lines(path):
    """A path as a table that is no wider than a hundred characters.

    Parameters
    ----------
    path : SelectionPath
        With or without refits.

    Returns
    -------
    list of str
        A head, and a line for each point with the features that have left since the one before.
    """
    names = [_short(name, column) for column, name in enumerate(path.feature_names)]
    lines = ["features      alpha  penalised    refitted  ± error  start  seconds  left"]
    before = path.supports[0]
    for point, support in enumerate(path.supports):
        gone = [names[column] for column in np.flatnonzero(before & ~support)]
        lines.append(f"{_numbers(path, point)}  {', '.join(gone)}".rstrip())
        before = support
    return [line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…" for line in lines]


def _numbers(path, point):
    seconds = path.fit_time[point] + np.nan_to_num(path.refit_time[point])
    start = "" if path.refit_init is None else path.refit_init[point]
    return (
        f"{path.n_features[point]:8d}{path.alphas[point]:11.2e}{path.penalised_rmse[point]:11.2e}"
        f"{path.refitted_rmse[point]:12.2e}{path.refitted_standard_error[point]:9.0e}"
        f"{start:>7}{seconds:9.1f}"
    ).replace("nan", "  –")


def _short(name, column):
    """Kind and column of a symmetry function, or the name of another feature."""
    kind = FUNCTION.search(str(name))
    return f"{kind[1]} #{column}" if kind else str(name)
