import errno
import os
import re
import subprocess
import sys

import pytest

from sklearn_agl.compiled import _machine_code
from sklearn_agl.descriptors.kernels import _compile_cache
from sklearn_agl.descriptors.kernels._codegen import write_source
from sklearn_agl.descriptors.kernels._compile_cache import cache_folder, load_kernel
from sklearn_agl.descriptors.kernels._kernel_plan import CutoffLoop, GroupShape

SOURCE = """
from sklearn_agl.compiled._machine_code import kept

@kept()
def evaluate(x):
    return 2 * x
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SKLEARN_AGL_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_folder_follows_the_environment(folder):
    assert cache_folder() == folder


def test_folder_is_the_users_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("SKLEARN_AGL_CACHE_DIR", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "sklearn_agl"


def test_source_and_machine_code_are_kept(folder):
    assert load_kernel(SOURCE).evaluate(3) == 6
    assert len(list(folder.glob("*.py"))) == 1
    assert len(list(folder.glob("__pycache__/*.nbi"))) == 1
    assert not list(folder.glob("*.tmp"))


def test_machine_code_is_found_by_another_process(folder):
    program = (
        "from sklearn_agl.descriptors.kernels._compile_cache import load_kernel\n"
        f"function = load_kernel({SOURCE!r}).evaluate\n"
        "print(function(3), sum(function.stats.cache_hits.values()))"
    )
    path = os.pathsep.join(sys.path)
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for _ in range(2)
    ]
    assert outputs == [["6", "0"], ["6", "1"]]


def test_compiles_in_memory_where_nothing_can_be_written(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder is wanted")
    monkeypatch.setenv("SKLEARN_AGL_CACHE_DIR", str(blocked))
    assert load_kernel(SOURCE).evaluate(3) == 6


def test_compiles_in_memory_without_a_home(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    for name in ("SKLEARN_AGL_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_compile_cache.Path, "home", no_home)
    assert load_kernel(SOURCE).evaluate(3) == 6


@pytest.mark.parametrize("damage", [b"", b"import os", b"\xff\x00"])
def test_damaged_sources_are_written_anew(folder, damage):
    load_kernel(SOURCE)
    (file,) = folder.glob("*.py")
    file.write_bytes(damage)
    assert load_kernel(SOURCE).evaluate(3) == 6
    assert file.read_text() == SOURCE


def hits(module):
    module.evaluate(3)
    return sum(module.evaluate.stats.cache_hits.values())


def lose_half(content):
    return content[: len(content) // 2]


def flip_a_bit(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [lambda content: b"", lose_half, flip_a_bit])
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_damaged_machine_code_is_compiled_anew(folder, kind, damage):
    assert [hits(load_kernel(SOURCE)) for _ in range(2)] == [0, 1]
    (file,) = folder.glob(f"__pycache__/*.{kind}")
    file.write_bytes(damage(file.read_bytes()))
    assert [hits(load_kernel(SOURCE)) for _ in range(2)] == [0, 1]


def test_machine_code_that_cannot_be_written_is_used(folder, monkeypatch):
    """A disk may be full only when the function is compiled, long after it was defined."""

    def no_room(cache, name, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_machine_code.CheckedFiles, "save", no_room)
    assert load_kernel(SOURCE).evaluate(3) == 6


def test_compiles_where_there_is_no_folder_for_machine_code(monkeypatch):
    def no_locator(function):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(_machine_code, "CheckedCache", no_locator)
    assert _machine_code.kept()(lambda x: 2 * x)(3) == 6


def test_name_depends_on_all_compiled_code_of_the_package(folder, monkeypatch):
    load_kernel(SOURCE)
    monkeypatch.setattr(_compile_cache, "fingerprint_of_sources", lambda: b"changed")
    load_kernel(SOURCE)
    assert len(list(folder.glob("*.py"))) == 2


def test_compiled_code_is_found_where_it_is(monkeypatch, tmp_path):
    """A change counts in a module that compiles, none elsewhere."""
    (tmp_path / "inner").mkdir()
    found = []
    for name, text in (("inner/loops.py", "from ._jit import helper"), ("words.py", "x = 1")):
        for change in ("", "  # changed"):
            (tmp_path / name).write_text(text + change)
            monkeypatch.setattr(_machine_code, "PACKAGE", tmp_path)
            found.append(_machine_code.fingerprint_of_sources.__wrapped__())
    assert found[0] != found[1]
    assert found[1] == found[2] == found[3]


def test_powers_are_squared_and_shared():
    shape = GroupShape(False, ((1.0, 1), (4.0, -1), (4.0, 1), (6.0, 1)), by_moments=False)
    lines = write_source((shape,), (CutoffLoop("poly2", even=False),)).splitlines()
    powers = [line.strip() for line in lines if re.match(r" +[pm]\d+ = ", line)]
    assert powers == [
        "p1 = 1.0 + cosine[t]",
        "m1 = 1.0 - cosine[t]",
        "m2 = m1 * m1",
        "m4 = m2 * m2",
        "p2 = p1 * p1",
        "p4 = p2 * p2",
        "p3 = p2 * p1",
        "p6 = p3 * p3",
    ]


def test_compiles_in_memory_where_the_disk_is_full(folder, monkeypatch):
    usage = _compile_cache.shutil.disk_usage("/")._replace(free=1)
    monkeypatch.setattr(_compile_cache.shutil, "disk_usage", lambda folder: usage)
    assert load_kernel(SOURCE).evaluate(3) == 6
    assert not list(folder.iterdir())
