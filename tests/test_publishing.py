"""What is said of the package in several files is the same everywhere."""

import re
import tomllib
from pathlib import Path

import pytest

import sklearn_agl

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"torch": "pytorch"}
"""Packages that have another name there."""


def read(name):
    """A file of the checkout; the source distribution does not have all of them."""
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"no {name} beside the tests")
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project():
    return tomllib.loads(read("pyproject.toml"))["project"]


@pytest.fixture(scope="module")
def recipe():
    return yaml.safe_load(read("recipe/recipe.yaml"))


def test_the_recipe_needs_what_the_package_needs(project, recipe):
    needed = {f"python{project['requires-python']}"}
    for requirement in project["dependencies"]:
        name, bound = re.fullmatch(r"([\w-]+)(.*)", requirement).groups()
        needed.add(CONDA_NAMES.get(name, name) + bound)
    run = {line.replace(" ", "") for line in recipe["requirements"]["run"]}
    assert run - {"__linux"} == needed


def test_the_recipe_has_the_commands(project, recipe):
    commands = {f"{name} = {place}" for name, place in project.get("scripts", {}).items()}
    assert set(recipe["build"]["python"]["entry_points"]) == commands


def test_the_version_is_the_same_everywhere(recipe):
    assert recipe["context"]["version"] == sklearn_agl.__version__
    assert yaml.safe_load(read("CITATION.cff"))["version"] == sklearn_agl.__version__
    assert f"\n## {sklearn_agl.__version__}" in read("CHANGELOG.md")


def test_every_version_of_python_is_tested(project):
    named = re.findall(r"Python :: (3\.\d+)$", "\n".join(project["classifiers"]), re.MULTILINE)
    workflow = yaml.safe_load(read(".github/workflows/ci.yml"))
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python-version"] == named
    assert f">={named[0]}" == project["requires-python"]
