"""How much memory is free, and what is said where it is not enough."""

import math
import subprocess
import sys

import pytest

from sklearn_agl import _memory
from sklearn_agl._memory import free_memory, in_units, refuse_too_large

GIGABYTE = 10**9


@pytest.fixture
def control_group(tmp_path, monkeypatch):
    """A container that may take 5 GB and has taken 3, of which 1 are files."""
    monkeypatch.setattr(_memory, "CONTAINER", tmp_path)
    (tmp_path / "memory.max").write_text(f"{5 * GIGABYTE}\n")
    (tmp_path / "memory.current").write_text(f"{3 * GIGABYTE}\n")
    (tmp_path / "memory.stat").write_text(f"anon {2 * GIGABYTE}\ninactive_file {GIGABYTE}\n")
    return tmp_path


def test_a_container_may_have_less_than_the_machine(control_group, monkeypatch):
    monkeypatch.setattr(_memory, "_of_machine", lambda: 10 * GIGABYTE)
    monkeypatch.setattr(_memory, "_of_process", lambda: math.inf)
    assert free_memory() == 3 * GIGABYTE
    (control_group / "memory.max").write_text("max\n")
    assert free_memory() == 10 * GIGABYTE
    (control_group / "memory.max").unlink()
    assert free_memory() == 10 * GIGABYTE


def test_free_memory_and_swap_of_the_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(_memory, "MEMINFO", tmp_path / "meminfo")
    _memory.MEMINFO.write_text("MemTotal: 9 kB\nMemAvailable: 5 kB\nSwapFree: 2 kB\nHugePages: 0\n")
    assert _memory._of_machine() == 7 * 1024


def test_where_the_machine_does_not_tell_all_of_it_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(_memory, "MEMINFO", tmp_path / "nothing")
    assert _memory._of_machine() > 10**6


@pytest.mark.skipif(not _memory.STATM.exists(), reason="no limit of this kind here")
def test_a_limit_of_the_process_counts():
    program = (
        "import resource, sys\n"
        "from sklearn_agl._memory import _of_process\n"
        "assert _of_process() == float('inf')\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))\n"
        "assert 2**39 < _of_process() < 2**40\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (12, "12 B"), (1234, "1.23 kB"), (5_000_000, "5 MB"), (17.04e9, "17 GB"),
        (2.4e12, "2.4 TB"), (12_345e12, "12,345 TB"),
    ],
)  # fmt: skip
def test_units(n_bytes, text):
    assert in_units(n_bytes) == text


def test_words(monkeypatch):
    monkeypatch.setattr(_memory, "_of_machine", lambda: 5 * GIGABYTE)
    refuse_too_large(1, "A number", "Forget it.")
    with pytest.raises(MemoryError) as caught:
        refuse_too_large(7 * GIGABYTE, "A table", "Shorten it.")
    assert str(caught.value) == "A table takes 7 GB of memory, but 5 GB are free. Shorten it."
