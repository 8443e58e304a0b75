"""What fits into memory, asked before it is allocated."""

import math
import os
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MEMINFO = Path("/proc/meminfo")
STATM = Path("/proc/self/statm")
CONTAINER = Path("/sys/fs/cgroup")


def refuse_too_large(n_bytes, what, cure):
    """Raise an error in words where the system would kill the process, or say a number only.

    Parameters
    ----------
    n_bytes : int
        About to be allocated.
    what : str
        What needs the memory, the beginning of the message.
    cure : str
        What to do, its end.

    Raises
    ------
    MemoryError
        If there is less memory.
    """
    free = free_memory()
    if n_bytes > free:
        raise MemoryError(
            f"{what} takes {in_units(n_bytes)} of memory, but {in_units(free)} are free. {cure}"
        )


def in_units(n_bytes):
    """A number of bytes for people to read."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:,.6g} TB"


def free_memory():
    """Bytes that this process may still take, as far as the system tells; else infinity."""
    return max(min(_of_machine(), _of_container(), _of_process()), 0)


def _of_machine():
    """Free memory of the machine and its swap; where that is not told, all of its memory."""
    try:
        lines = (line.split() for line in MEMINFO.read_text().splitlines())
        sizes = {name: 1024 * int(number) for name, number, *_ in lines}
        return sizes["MemAvailable:"] + sizes["SwapFree:"]
    except (OSError, ValueError, KeyError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return math.inf


def _of_container():
    """What a limit of the control group leaves; files that are in memory count as free."""
    try:
        limit = int((CONTAINER / "memory.max").read_text())
        used = int((CONTAINER / "memory.current").read_text())
        lines = (CONTAINER / "memory.stat").read_text().splitlines()
        files = int(dict(line.split() for line in lines)["inactive_file"])
        return limit - used + files
    except (OSError, ValueError, KeyError):  # no such limit
        return math.inf


def _of_process():
    """What a limit of the address space leaves, as ``ulimit -v`` sets it."""
    try:
        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        used = int(STATM.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return math.inf
    return math.inf if limit == resource.RLIM_INFINITY else limit - used
