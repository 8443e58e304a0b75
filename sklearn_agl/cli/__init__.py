"""The command ``sklearn-agl``: from files of structures to potentials.

Every command is a module with ``add_arguments(parser)`` and ``run(options)``. What takes seconds to
import is imported when a command runs, so that its help comes at once.
"""

from sklearn_agl.cli._main import main

__all__ = ["main"]
