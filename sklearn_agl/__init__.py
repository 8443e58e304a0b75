"""Find the few symmetry functions that a neural network potential really needs."""

import lazy_loader

from sklearn_agl._version import __version__ as __version__

# torch and numba take seconds to import, and most uses need only a part of the package. What there
# is stands in __init__.pyi.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
