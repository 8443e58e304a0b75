"""Where the package under test comes from."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

import sklearn_agl
from sklearn_agl import __version__


@pytest.fixture
def installed():
    try:
        return distribution("sklearn-agl")
    except PackageNotFoundError:
        pytest.skip("the package is not installed")


def test_an_installed_wheel_is_what_the_tests_import(installed):
    path = installed.locate_file("sklearn_agl/__init__.py")
    if not path.exists():
        pytest.skip("the package is installed from a checkout, to be edited")
    assert Path(sklearn_agl.__file__).samefile(path)


def test_the_package_has_the_version_of_its_metadata(installed):
    assert installed.version == __version__


def test_type_checkers_may_use_the_annotations():
    assert Path(sklearn_agl.__file__).with_name("py.typed").exists()
