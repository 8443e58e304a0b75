"""What the Display classes share."""

import numpy as np

from sklearn_agl._numbers import as_numbers


def make_axes(ax, display, **figure_options):
    """Return ``ax``, or the axes of a new figure where it is None.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        Axes to draw on.
    display : object
        Who draws, for the message of the error.
    **figure_options
        Passed on to ``matplotlib.pyplot.subplots`` for a new figure.

    Raises
    ------
    ImportError
        If matplotlib is not installed, with the extra that installs it.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{type(display).__name__}.plot needs matplotlib, which is not installed: "
            "pip install 'sklearn-agl[plot]'."
        ) from error
    if ax is None:
        _, ax = plt.subplots(layout="constrained", **figure_options)
    return ax


def as_vector(values, name, length=None):
    """Return the values as a 1-D float array, of the given length if there is one.

    Raises
    ------
    ValueError
        If the values are not one-dimensional, there are none, or there are too many or too few.
    """
    values = as_numbers(values, name).astype(np.float64, copy=False)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"{name} must be a 1-D array of numbers, got shape {values.shape}.")
    if length is not None and len(values) != length:
        raise ValueError(f"{name} has {len(values)} entries, but {length} are needed.")
    return values


def check_is_path(path):
    """Refuse anything but a SelectionPath, or what has the same attributes."""
    if not hasattr(path, "supports"):
        raise ValueError(
            f"path is of type {type(path).__name__}; give a SelectionPath, such as "
            "group_lasso_path returns or a selector has as path_."
        )


def known_angular(selectors):
    """Which features are angular functions, if one of some fitted selectors knows; else None."""
    for selector in selectors:
        functions = getattr(selector, "_symmetry_functions", None)
        if functions is not None:
            return np.array([function.is_angular for function in functions])
    return None


def use_log_scale(ax):
    """Give the y axis a logarithmic scale with plain numbers at 1, 2, 5, 10, ..."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
