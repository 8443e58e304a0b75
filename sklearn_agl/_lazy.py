"""Names of a package that are imported when they are first asked for (PEP 562)."""

import sys
from importlib import import_module


def import_on_demand(package, homes):
    """Make the two functions that give a package its names on demand.

    Parameters
    ----------
    package : str
        Full name of the package.
    homes : dict of str to list of str
        For each module of the package, the names that the package offers from there. The modules
        themselves are imported on demand as well.

    Returns
    -------
    getattr_, dir_ : callable
        To be bound to ``__getattr__`` and ``__dir__`` in the package.

    Examples
    --------
    >>> from sklearn_agl._lazy import import_on_demand
    >>> getattr_, dir_ = import_on_demand("sklearn_agl", {"features": ["AtomicFeatures"]})
    >>> getattr_("AtomicFeatures")
    <class 'sklearn_agl.features.AtomicFeatures'>
    """
    module_of = {name: module for module, names in homes.items() for name in names}

    def getattr_(name):
        if name in homes:
            return import_module(f"{package}.{name}")
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{module_of[name]}"), name)
        # From now on the name is found without this function.
        setattr(sys.modules[package], name, value)
        return value

    def dir_():
        public = (module for module in homes if not module.startswith("_"))
        return sorted({*vars(sys.modules[package]), *public, *module_of})

    return getattr_, dir_
