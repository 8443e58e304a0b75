"""The commands that use a potential, and help."""

import gzip
import io
import json
import subprocess
import sys

import ase.io
import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_agl.cli import main
from sklearn_agl.cli._main import COMMANDS
from sklearn_agl.io import load, read_n2p2, write_input_data
from sklearn_agl.potentials import predict_forces

LINES_OF_A_SCREEN = 40


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_screen(command, capsys):
    assert main([command, "--help"]) == 0
    assert len(capsys.readouterr().out.splitlines()) <= LINES_OF_A_SCREEN


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from sklearn_agl.cli import main; main(['select', '--help']);"
        "print({'torch', 'numba', 'ase', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def errors_of(arguments, capsys):
    assert main(["evaluate", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_errors_of_energies_and_forces(selection, files, structures, capsys):
    found = errors_of([str(selection / "potential.npz"), files.al], capsys)
    potential = load(selection / "potential.npz")
    energies = np.array([atoms.get_potential_energy() for atoms in structures])
    forces = np.concatenate([atoms.get_forces() for atoms in structures])
    per_atom = (potential.predict(structures) - energies) / 4
    components = np.concatenate(predict_forces(potential, structures)) - forces
    (everything,) = found["all"]
    assert_allclose(everything["energy_rmse"], np.sqrt(np.mean(per_atom**2)), rtol=1e-5)
    assert_allclose(everything["force_mae"], np.mean(np.abs(components)), rtol=1e-5)
    assert [own["name"] for own in found["groups"]] == ["cold", "hot"]
    cold = np.sqrt(np.mean(per_atom[::2] ** 2))
    assert_allclose(found["groups"][0]["energy_rmse"], cold, rtol=1e-5)


def test_all_ways_to_give_structures(selection, files, capsys, monkeypatch, tmp_path):
    wanted = errors_of([str(selection), files.al], capsys)["all"]
    keys = [str(selection), files.keys, "--stress-key", "REF_stress"]
    under_keys = errors_of(keys, capsys)["all"]
    for name in ("energy_rmse", "force_rmse", "stress_rmse"):
        assert under_keys[0][name] == pytest.approx(wanted[0][name])
    with open(files.al, "rb") as file, gzip.open(tmp_path / "al.extxyz.gz", "wb") as target:
        target.write(file.read())
    assert errors_of([str(selection), str(tmp_path / "al.extxyz.gz")], capsys)["all"] == wanted
    monkeypatch.setattr(sys, "stdin", io.StringIO(open(files.al).read()))
    assert errors_of([str(selection), "-"], capsys)["all"] == wanted
    parts = [f"{files.al}@:10", f"{files.al}@10:"]
    assert errors_of([str(selection), *parts], capsys)["all"] == wanted
    write_input_data(tmp_path / "input.data", ase.io.read(files.al, ":"))
    found = errors_of([str(selection), str(tmp_path / "input.data")], capsys)["all"]
    assert found[0]["energy_rmse"] == pytest.approx(wanted[0]["energy_rmse"])


def test_a_table_and_a_report(selection, files, capsys, tmp_path):
    report = tmp_path / "report.html"
    arguments = [str(selection), files.al, "--groups", "group", "--report", str(report)]
    assert main(["evaluate", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines[3:]} == {"all", "cold", "hot"}
    assert "hot" in report.read_text()


def test_structures_without_labels_have_no_errors(selection, files, capsys):
    found = errors_of([str(selection), files.bare], capsys)
    assert found["all"][0]["energy_rmse"] is None
    assert found["all"][0]["n_atoms"] == 160


def test_info_of_a_potential(selection, capsys):
    assert main(["info", str(selection / "potential.npz")]) == 0
    text = capsys.readouterr().out
    assert "a potential for Al" in text
    assert "G2 #0: eta" in text


def test_info_of_functions_and_structures(selection, files, capsys):
    assert main(["info", str(selection / "selection.json")]) == 0
    assert "symmetry functions, 0 of them angular, within 4" in capsys.readouterr().out
    assert main(["info", files.al]) == 0
    text = capsys.readouterr().out
    assert "40 structures of Al" in text
    assert "info['group']: 2 values: cold, hot" in text


def test_export(selection, structures, capsys, tmp_path):
    folder = tmp_path / "n2p2"
    assert main(["export", str(selection), str(folder)]) == 0
    wanted = load(selection / "potential.npz").predict(structures[:3])
    assert_allclose(read_n2p2(folder).predict(structures[:3]), wanted, rtol=1e-6)
    assert main(["export", str(selection), str(folder)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main(["export", str(selection), str(folder), "--overwrite"]) == 0


def run_md(selection, files, tmp_path, *more):
    """From the first structure on, which is near the perfect lattice."""
    trajectory = tmp_path / "md.extxyz"
    arguments = ["--steps", "4", "--interval", "2", "--trajectory", str(trajectory), *more]
    return main(["md", str(selection), f"{files.al}@:1", *arguments]), trajectory


def test_dynamics(selection, files, structures, tmp_path, capsys):
    code, trajectory = run_md(selection, files, tmp_path, "--temperature", "20")
    assert code == 0
    assert "4 steps, 4 fs" in capsys.readouterr().out
    frames = ase.io.read(trajectory, ":")
    assert len(frames) == 3
    assert_allclose(frames[0].positions, structures[0].positions, atol=1e-6)
    potential = load(selection / "potential.npz")
    assert_allclose(frames[-1].get_potential_energy(), potential.predict(frames[-1:])[0], rtol=1e-6)
    assert run_md(selection, files, tmp_path)[0] == 1
    assert "--overwrite" in capsys.readouterr().err


def test_constant_energy(selection, files, tmp_path):
    _, trajectory = run_md(selection, files, tmp_path, "--friction", "0", "--timestep", "0.5")
    energies = [atoms.get_total_energy() for atoms in ase.io.read(trajectory, ":")]
    assert np.ptp(energies) < 1e-3


def test_dynamics_stop_where_the_potential_extrapolates(selection, files, tmp_path, capsys):
    code, trajectory = run_md(
        selection, files, tmp_path, "--temperature", "90000", "--on-extrapolation", "raise",
        "--timestep", "5",
    )  # fmt: skip
    assert code == 1
    assert "extrapolates" in capsys.readouterr().err
    assert trajectory.exists()
