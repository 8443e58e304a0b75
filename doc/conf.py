"""How sphinx builds the documentation: ``make doc``."""

import inspect

from sklearn_agl import __version__

project = "sklearn_agl"
author = "sklearn_agl developers"
copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
# The docstrings put names of parameters in single backticks.
default_role = "literal"
nitpicky = True
# What other projects document; finding their pages would need the network.
nitpick_ignore = [("py:class", "numpy.ndarray")]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

autosummary_generate = True
# The page of a class lists its members itself, see _templates/autosummary/class.rst.
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = f"sklearn_agl {version}"
html_theme_options = {
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "use_edit_page_button": False,
}
html_show_sourcelink = False

INHERITED = {"fit_transform", "get_feature_names_out", "get_support"}
"""What scikit-learn's base classes give that belongs on the page of an estimator."""


def skip_member(app, what, name, member, skip, options):
    """Leave out what scikit-learn gives to every estimator, such as `set_params`."""
    function = inspect.unwrap(member) if callable(member) else member
    foreign = not (getattr(function, "__module__", None) or "").startswith("sklearn_agl")
    if callable(member) and foreign and name not in INHERITED:
        return True
    return None


def setup(app):
    """Connect the hook."""
    app.connect("autodoc-skip-member", skip_member)
