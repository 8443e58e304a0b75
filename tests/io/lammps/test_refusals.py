"""Bad input ends in an error of LAMMPS that says what to do, never in a crash."""

import os
import subprocess
import sys
import zlib

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_agl.potentials.md._structure_potential import StructurePotential
from tests.io.lammps._lammps import (
    MPI,
    error_of,
    needs_lammps,
    printed,
    run_well,
    setup,
    use,
    write_data,
)
from tests.potentials._fitted import some_structures

pytestmark = needs_lammps

LOADS = """
import sys
from pathlib import Path
from lammps import lammps

lmp = lammps(cmdargs=["-screen", "none", "-log", "none"])
for command in ("units lj", "region box block 0 4 0 4 0 4", "create_box 2 box", "mass * 1.0"):
    lmp.command(command)
lmp.command(f"plugin load {sys.argv[1]}")
lmp.command("pair_style agl")
for file in sorted(Path(sys.argv[2]).iterdir()):
    print(file.name, end=" ", flush=True)
    try:
        lmp.command(f"pair_coeff * * {file} H O")
        print("loaded", flush=True)
    except Exception as error:
        print(str(error).splitlines()[0], flush=True)
"""


@pytest.fixture
def atoms(tmp_path):
    atoms = some_structures(1)[0]
    write_data(tmp_path / "start.data", atoms, np.where(atoms.numbers == 1, 1, 2), 2)
    return atoms


@pytest.mark.parametrize(
    ("before", "elements", "options", "message"),
    [
        (["newton off"], "H O", "", "needs 'newton on'"),
        ([], "H C", "", "has no element C; it has H O"),
        ([], "H", "", "element"),
        ([], "", "", "the element of each atom type"),
        ([], "H NULL", "", "All pair coeffs are not set"),
        ([], "H O", "verbose yes", "has no keyword verbose"),
        ([], "H O", "maxew", "maxew needs a value"),
        ([], "H O", "maxew many", "many"),
        ([], "H O", "interval 0", "at least 1 step"),
    ],
)
def test_what_does_not_fit_is_named(atoms, potential, tmp_path, before, elements, options, message):
    commands = [*before, *setup("start.data", atoms), *use(potential, elements, options), "run 0"]
    assert message in error_of(commands, tmp_path)


def test_other_units_are_named(atoms, potential, tmp_path):
    commands = [*setup("start.data", atoms, units="metal"), *use(potential), "run 0"]
    message = error_of(commands, tmp_path)
    assert "'units lj'" in message and "'units metal'" in message


def test_a_missing_file_is_named(atoms, potential, tmp_path):
    commands = [*setup("start.data", atoms), *use(potential)[:2]]
    message = error_of([*commands, "pair_coeff * * nowhere.agl H O"], tmp_path)
    assert "nowhere.agl" in message and "No such file" in message


def test_two_atoms_at_one_place_are_named(potential, tmp_path):
    atoms = some_structures(1)[0]
    atoms.positions[1] = atoms.positions[0]
    write_data(tmp_path / "start.data", atoms, np.where(atoms.numbers == 1, 1, 2), 2)
    message = error_of([*setup("start.data", atoms), *use(potential), "run 0"], tmp_path)
    assert "another atom at its place" in message


def test_a_short_communication_distance_does_no_harm(atoms, potential, pipeline, tmp_path):
    """LAMMPS takes at least what the pair style needs."""
    reference = StructurePotential(pipeline)
    reference.load_with_gradients(atoms)
    for style, mode in (("bin", "single cutoff 1.0"), ("multi", "multi cutoff/multi * 1.0")):
        modes = [f"neighbor 0.3 {style}", f"comm_modify mode {mode}"]
        commands = [*setup("start.data", atoms), *modes, *use(potential)]
        commands += ["thermo_modify norm no", "run 0", "print 'ENERGY $(pe:%.17g)'"]
        found = printed(run_well(commands, tmp_path), "ENERGY")[0, 0]
        assert_allclose(found, reference.energies.sum(), rtol=1e-10)


def load_all(texts, potential, folder):
    """What LAMMPS says to each of some data files."""
    files = folder / "files"
    files.mkdir()
    for number, text in enumerate(texts):
        (files / f"{number:04d}").write_bytes(text)
    done = subprocess.run(
        [sys.executable, "-c", LOADS, str(potential / "aglplugin.so"), str(files)],
        env=os.environ | {"LD_LIBRARY_PATH": str(MPI)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-2000:]
    said = [line.split(" ", 1)[1] for line in done.stdout.splitlines()]
    assert len(said) == len(texts)
    return said


def damage(text, rng):
    """One of the ways in which files get damaged."""
    place = int(rng.integers(len(text)))
    kind = rng.integers(5)
    if kind == 0:
        return text[:place]
    if kind == 1:
        return text[:place] + bytes([text[place] ^ int(rng.integers(1, 256))]) + text[place + 1 :]
    end = place + int(rng.integers(1, 2000))
    if kind == 2:
        return text[:place] + text[end:]
    if kind == 3:
        return text[:end] + text[place:]
    return text[:place] + rng.bytes(end - place) + text[end:]


def test_every_damage_is_found(potential, tmp_path):
    text, rng = (potential / "potential.agl").read_bytes(), np.random.default_rng(0)
    damaged = [damage(text, rng) for _ in range(1000)]
    damaged = [other for other in damaged if other != text]
    said = load_all([text, *damaged, b"", b"\n", b"\0" * 100], potential, tmp_path)
    assert said[0] == "loaded"
    for answer in said[1:]:
        assert "Cannot take" in answer and "as a potential" in answer


def test_a_file_with_other_words_is_no_danger_when_it_is_read(potential, tmp_path):
    """Words that make no sense, under a checksum that fits."""
    text, rng = (potential / "potential.agl").read_text(), np.random.default_rng(1)
    words = text[: text.rindex("checksum")].split(" ")
    others = ["-1", "0", "7", "99999999", "1e300", "nan", "x", "9" * 30, "", "1\n2"]
    changed = []
    for _ in range(300):
        place = int(rng.integers(len(words)))
        other = [*words[:place], str(rng.choice(others)), *words[place + 1 :]]
        body = " ".join(other).encode()
        changed.append(body + f"checksum {zlib.crc32(body):08x}\n".encode())
    said = load_all(changed, potential, tmp_path)
    refused = [answer for answer in said if "Cannot take" in answer]
    assert len(refused) > 50
