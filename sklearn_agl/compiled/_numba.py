"""What this package takes from numba's private parts, in one place.

numba may change any of it in a new version; pyproject.toml bounds the version.
"""

from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.cgutils import alloca_once_value, for_range_slice
from numba.np.arrayobj import populate_array

__all__ = [
    "WITHOUT_REFERENCES",
    "FunctionCache",
    "IndexDataCacheFile",
    "alloca_once_value",
    "bitcode_of",
    "for_range_slice",
    "populate_array",
    "set_cache",
]

WITHOUT_REFERENCES = {"_nrt": False}
"""Option of ``njit`` for functions that need not count references to arrays."""


def set_cache(function, cache):
    """Let a compiled function look for its machine code in a FunctionCache."""
    function._cache = cache


def bitcode_of(function):
    """LLVM bitcode of a ``cfunc``, with all that it calls."""
    return function._library._final_module.as_bitcode()
