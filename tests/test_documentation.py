"""The pages of the documentation and the examples in docstrings: whole, and true."""

import doctest
import importlib
import inspect
import pkgutil
import re
import shlex
from pathlib import Path

import pytest

import sklearn_agl
from sklearn_agl.cli._main import make_parser

# A source distribution has no pages, and what needs them is skipped then.
DOC = Path(__file__).parents[1] / "doc"
WRITTEN_BY_SPHINX = {"_build", "auto_examples", "generated"}
PAGES = [
    page
    for page in sorted(DOC.rglob("*.rst"))
    if not WRITTEN_BY_SPHINX & set(page.relative_to(DOC).parts) and ">>>" in page.read_text()
]
OPTIONAL = {"how_to/cluster.rst": "distributed", "user_guide/selection.rst": "pandas"}
"""Pages whose examples need an optional package."""

PACKAGES = [
    module
    for info in pkgutil.iter_modules(sklearn_agl.__path__, "sklearn_agl.")
    if "._" not in info.name and hasattr(module := importlib.import_module(info.name), "__all__")
]


@pytest.fixture
def reference():
    """Dotted names that api.rst lists."""
    page = DOC / "api.rst"
    if not page.exists():
        pytest.skip("no documentation beside the tests")
    return re.findall(r"^ +(sklearn_agl\.[\w.]+)$", page.read_text(), re.MULTILINE)


def find(name):
    """The object of a dotted name."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def public_names():
    """Dotted names of all functions and classes that the package offers."""
    names = {
        f"{package.__name__}.{name}"
        for package in [sklearn_agl, *PACKAGES]
        for name in package.__all__
    }
    return sorted(name for name in names if callable(find(name)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOC)))
def test_examples_of_a_page(page, tmp_path, monkeypatch):
    needed = OPTIONAL.get(page.relative_to(DOC).as_posix())
    if needed:
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testfile(str(page), module_relative=False, optionflags=options)
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize("name", public_names())
def test_everything_public_is_in_the_reference(name, reference):
    assert find(name) in [find(listed) for listed in reference]


def test_the_reference_lists_nothing_twice(reference):
    listed = [find(name) for name in reference]
    assert len({id(thing) for thing in listed}) == len(listed)


@pytest.mark.parametrize("name", public_names())
def test_everything_public_has_an_example(name):
    assert doctest.DocTestParser().get_examples(inspect.getdoc(find(name)) or "")


@pytest.mark.parametrize("page", sorted(DOC.rglob("*.rst")), ids=lambda page: page.stem)
def test_commands_on_a_page_are_taken(page):
    """The arguments of every ``sklearn-agl …`` that a page has in a block of shell."""
    blocks = re.findall(r"code-block:: shell\n\n((?:   .*\n|\n)+)", page.read_text())
    for line in re.findall(r"sklearn-agl (.+)$", "\n".join(blocks), re.MULTILINE):
        assert make_parser().parse_args(shlex.split(line.split("  #")[0])).command
