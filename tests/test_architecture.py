"""Who may import whom, as doc/architecture.rst has it, read from the sources."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import sklearn_agl

ROOT = Path(sklearn_agl.__file__).parent
FOLDERS = (
    "", "compiled", "descriptors", "datasets", "potentials", "selection", "sampling",
    "inspection", "io", "report", "cli",
)  # fmt: skip
"""Each imports from those before it; the first stands for the modules beside all folders."""

ROOMS = {
    "descriptors": ("kernels",),
    "potentials": ("data", "networks", "penalties", "solvers", "training", "md"),
    "selection": ("runs", "path", "filters", "lasso_net"),
    "io": ("_lammps",),
}
"""The same within a folder."""

LATER = {
    ("_attribute_checks", "descriptors"),
    ("descriptors._transformer", "io"),
    ("selection.path._path", "inspection"),
}
"""Methods that hand on to a later folder; they import it when they are called."""


@cache
def read(path):
    return ast.parse(path.read_text())


def imports_of(path):
    """Modules of the package that a file imports, and whether only when a function is called."""
    tree = read(path)
    of_module = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn_agl"):
            for alias in node.names:
                for name in (f"{node.module}.{alias.name}", node.module):
                    if name in MODULES:
                        yield MODULES[name], id(node) not in of_module
                        break


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}
MODULES = {f"sklearn_agl.{name}".rstrip("."): name for name in FILES}
IMPORTS = {name: list(imports_of(path)) for name, path in FILES.items()}


def folder_of(name):
    first = name.partition(".")[0]
    return first if (ROOT / first).is_dir() else ""


def room_of(name, folder):
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ROOMS[folder] else None


def test_every_folder_has_its_place():
    folders = {folder_of(name) for name in FILES}
    assert folders == set(FOLDERS)
    for folder, rooms in ROOMS.items():
        found = {path.parent.name for path in (ROOT / folder).glob("*/__init__.py")}
        assert found == set(rooms), folder


def test_folders_import_from_those_before_them():
    wrong = set()
    for name, imports in IMPORTS.items():
        for other, is_late in imports:
            own, its = folder_of(name), folder_of(other)
            allowed = FOLDERS.index(its) <= FOLDERS.index(own)
            if not allowed and not (is_late and (name, its) in LATER):
                wrong.add(f"{name} imports {other}")
    assert not wrong


@pytest.mark.parametrize("folder", ROOMS)
def test_rooms_of_a_folder_import_from_those_before_them(folder):
    wrong, order = set(), ROOMS[folder]
    for name, imports in IMPORTS.items():
        for other, _ in imports:
            if folder_of(name) == folder_of(other) == folder:
                own, its = room_of(name, folder), room_of(other, folder)
                if own and its and order.index(its) > order.index(own):
                    wrong.add(f"{name} imports {other}")
    assert not wrong


def test_no_module_imports_itself_however_far_around():
    done, path = set(), []

    def visit(name):
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name in done:
            return
        path.append(name)
        for other, is_late in IMPORTS[name]:
            if not is_late and other != name:
                visit(other)
        done.add(path.pop())

    for name in IMPORTS:
        visit(name)


def test_compiled_code_knows_no_estimator():
    for name, imports in IMPORTS.items():
        if name.startswith(("compiled.", "descriptors.kernels.")):
            for other, _ in imports:
                bare = other in ("_version", "_files", "_memory", "_threads", "_messages")
                assert bare or other.startswith(("compiled", "descriptors.kernels")), (name, other)


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("torch", ("potentials", "selection")),
        ("skorch", ("potentials", "selection", "cli")),
        ("matplotlib", ("inspection", "report")),
    ],
)
def test_heavy_libraries_have_their_places(library, allowed):
    for name, path in FILES.items():
        foreign = {one.partition(".")[0] for one in foreign_imports(path)}
        assert library not in foreign or folder_of(name) in allowed, name


@pytest.mark.parametrize(
    ("library", "place", "private"),
    [("sklearn", "_sklearn", r"\._"), ("numba", "compiled._numba", r"\._|\.core\.|\.np\.")],
)
def test_private_parts_of_libraries_have_one_place(library, place, private):
    for name, path in FILES.items():
        for one in foreign_imports(path):
            if one.startswith(f"{library}."):
                assert name == place or not re.search(private, one), (name, one)


def foreign_imports(path):
    """Full names of all that a file imports."""
    for node in ast.walk(read(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
