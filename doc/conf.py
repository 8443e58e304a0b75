"""How sphinx builds the documentation: ``make doc``."""

import inspect
import re

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
    # Brings MathJax along, so that formulas need no network.
    "sphinx-mathjax-offline",
    "sphinx_gallery.gen_gallery",
]
# The docstrings put names of parameters in single backticks.
default_role = "literal"
nitpicky = True
# What other projects document; finding their pages would need the network.
nitpick_ignore = [("py:class", "numpy.ndarray")]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

autosummary_generate = True
# The docstrings say more than the annotations, which are for type checkers.
autodoc_typehints = "none"
# The page of a class lists its members itself, see _templates/autosummary/class.rst.
numpydoc_show_class_members = False
toc_object_entries_show_parents = "hide"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    # Those that take minutes, or need LAMMPS, are shown, but not run.
    "filename_pattern": r"plot_(?!lammps|lennard_jones|molecular_dynamics)",
    "within_subsection_order": "FileNameSortKey",
    # What scripts print, not what their last expressions are.
    "capture_repr": (),
    "download_all_examples": False,
    "show_signature": False,
    # An example that fails does not hide the others; `sphinx -W` fails then all the same.
    "only_warn_on_example_error": True,
    "write_computation_times": False,
    "doc_module": ("sklearn_agl",),
}

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
html_static_path = ["_static"]
html_css_files = ["tables.css"]
# Pages that have no others below or beside them.
html_sidebars = {page: [] for page in ("installation", "coming_from", "contributing", "changelog")}

INHERITED = {"fit_transform", "get_feature_names_out", "get_support"}
"""What scikit-learn's base classes give that belongs on the page of an estimator."""


def skip_member(app, what, name, member, skip, options):
    """Leave out what scikit-learn gives to every estimator, such as `set_params`."""
    function = inspect.unwrap(member) if callable(member) else member
    foreign = not (getattr(function, "__module__", None) or "").startswith("sklearn_agl")
    if callable(member) and foreign and name not in INHERITED:
        return True
    return None


INITIAL = re.compile(r"^(\s*(?:\.\. \[[^]]+\] )?)([A-Z]\. )")


def protect_initials(app, what, name, obj, options, lines):
    """Keep a reference that begins with an initial, "M. Mahoney", from becoming a list."""
    lines[:] = [INITIAL.sub(r"\1\\\2", line) for line in lines]


def setup(app):
    """Connect the hooks."""
    app.connect("autodoc-skip-member", skip_member)
    # After numpydoc, which has the default priority, 500.
    app.connect("autodoc-process-docstring", protect_initials, priority=600)
