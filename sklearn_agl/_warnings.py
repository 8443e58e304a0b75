"""Where warnings point at."""

import inspect

OWN_MODULES = ("sklearn_agl.", "sklearn.", "joblib.")
"""Whose frames a warning does not point at."""


def depth_of_caller():
    """How many frames lie between whoever calls this and the user's own code, for `stacklevel`.

    The user's code is the first that belongs neither to this package nor to scikit-learn, whose
    wrappers and pipelines call `fit`.
    """
    frame, depth = inspect.currentframe().f_back, 1
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(OWN_MODULES):
        frame, depth = frame.f_back, depth + 1
    return depth
