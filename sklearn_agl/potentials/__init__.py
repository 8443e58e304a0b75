"""Neural network potentials: model, penalty, solvers, forces, and a calculator for ASE."""

import lazy_loader

# Only what is asked for is imported, see the package. What there is stands in __init__.pyi.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
