"""How the innermost loops are compiled.

Arrays come from outside and are not kept, so numba need not count references to them: in loops this
short the counting takes as long as the work. What compiled code alone calls needs no wrapper for
Python or C either, whose compilation takes as long as that of the function.
"""

from numba import njit

from sklearn_agl.compiled._numba import WITHOUT_REFERENCES

LOOPS = {"fastmath": True, "nogil": True, "error_model": "numpy"} | WITHOUT_REFERENCES
"""Options of functions that are called from Python and allocate nothing."""

HELPERS = LOOPS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Options of functions that compiled code alone may call: a call from Python would crash."""

helper = njit(**HELPERS)
"""For functions that the compiler may inline or not."""

inlined = njit(**HELPERS, forceinline=True)
"""For functions with many arrays as arguments, and those that a loop to be vectorised calls."""

merged = njit(**HELPERS, inline="always")
"""For long functions with one caller, which compile faster if they are merged with it at once."""
