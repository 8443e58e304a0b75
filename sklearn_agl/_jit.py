"""How the innermost loops are compiled.

Arrays come from outside and are not kept, so numba need not count references to them: in loops this
short the counting takes as long as the work. What compiled code alone calls needs no wrapper for
Python or C either, whose compilation takes as long as that of the function.
"""

from numba import njit

LOOPS = {"fastmath": True, "nogil": True, "error_model": "numpy", "_nrt": False}
"""Options of functions that are called from Python and allocate nothing."""

HELPERS = LOOPS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Options of functions that compiled code alone may call: a call from Python would crash."""

helper = njit(**HELPERS)
inlined = njit(**HELPERS, forceinline=True)
"""For functions whose arguments are many arrays, or that a vectorised loop calls."""
merged = njit(**HELPERS, inline="always")
