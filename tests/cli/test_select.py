"""``sklearn-agl select`` and ``fit``: what their folders hold, and what they say."""

import contextlib
import json
import os
import runpy
import signal

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_agl.cli import _selecting, main
from sklearn_agl.io import load, read_n2p2
from sklearn_agl.selection import SelectionPath
from tests.cli.conftest import FUNCTIONS, QUICK


def test_the_folder_has_everything(selection):
    names = {path.name for path in selection.iterdir()}
    assert names == {"potential.npz", "n2p2", "report.html", "selection.json", "reproduce.py"}


def test_potentials_of_all_forms_agree(selection, structures):
    here, there = load(selection / "potential.npz"), read_n2p2(selection / "n2p2")
    # n2p2's networks come without the repulsion, which is zero here.
    assert_allclose(there.predict(structures[:5]), here.predict(structures[:5]), rtol=1e-6)


def test_the_script_does_the_same(selection, structures, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(selection / "reproduce.py"))
    again = load(selection / "again.npz")
    (selection / "again.npz").unlink()
    potential = load(selection / "potential.npz")
    np.testing.assert_array_equal(again.predict(structures), potential.predict(structures))


def test_the_selection_names_functions_and_split(selection, structures):
    found = json.loads((selection / "selection.json").read_text())
    potential = load(selection / "potential.npz")
    names = [function.name for function in potential[0].symmetry_functions_]
    assert [one["name"] for one in found["selected"]] == names
    assert found["n_candidates"] == len(FUNCTIONS)
    train, test = set(found["split"]["train"]), set(found["split"]["test"])
    assert not train & test
    assert len(train | test) == len(structures)
    errors = found["errors"]
    test_structures = [structures[row] for row in sorted(test)]
    energies = [atoms.get_potential_energy() for atoms in test_structures]
    differences = (potential.predict(test_structures) - energies) / 4
    assert_allclose(errors["energy_rmse"], np.sqrt(np.mean(differences**2)), rtol=1e-5)


def test_the_report_needs_no_network(selection):
    text = (selection / "report.html").read_text()
    assert "symmetry functions are enough" in text or "The potential uses" in text
    assert "as many functions by cur" in text
    for word in ("http://", "https://", "<script", "<link"):
        assert word not in text.replace("http://www.w3.org", "")


def test_fit_takes_a_selection(selection, files, tmp_path, capsys):
    folder = tmp_path / "fit"
    arguments = ["--symmetry-functions", str(selection), "-o", str(folder), "--forces", "none"]
    assert main(["fit", files.al, *arguments, *QUICK]) == 0
    here, there = load(selection / "potential.npz"), load(folder / "potential.npz")
    assert there[0].symmetry_functions_ == here[0].symmetry_functions_
    assert there[-1].trained_on_["n_forces"] == 0
    assert "energy RMSE" in capsys.readouterr().out


def test_forces_are_trained_on_by_default(selection):
    assert load(selection / "potential.npz")[-1].trained_on_["n_forces"] > 0


def test_keys_are_guessed_and_said(files, tmp_path, capsys):
    folder = tmp_path / "fit"
    arguments = ["--symmetry-functions", files.functions, "-o", str(folder), "--test-size", "0"]
    assert main(["fit", files.keys, *arguments, *QUICK]) == 0
    said = capsys.readouterr().err
    assert "info['REF_energy']" in said
    assert "arrays['REF_forces']" in said
    assert load(folder / "potential.npz")[-1].trained_on_["n_forces"] == 160
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize("method", ["cur", "wald"])
def test_other_methods(method, files, tmp_path, structures, monkeypatch):
    folder = tmp_path / "selection"
    arguments = ["--symmetry-functions", files.functions, "--method", method, "--n-features", "2"]
    more = ["-o", str(folder), "--no-learning-curve", "--forces", "none"]
    assert main(["select", files.al, *arguments, *more, *QUICK]) == 0
    potential = load(folder / "potential.npz")
    assert len(potential[0].symmetry_functions_) == 2
    runpy.run_path(str(folder / "reproduce.py"))
    again = load(folder / "again.npz")
    np.testing.assert_array_equal(again.predict(structures), potential.predict(structures))


def test_ctrl_c_keeps_what_is_done(files, tmp_path, capsys, monkeypatch):
    folder = tmp_path / "selection"
    arguments = ["select", files.al, "--symmetry-functions", files.functions, "-o", str(folder)]
    arguments += [*QUICK, "--forces", "none", "--n-features", "2", "--no-learning-curve"]

    def interrupted(*positional, **named):
        path = _selecting.original(*positional, **named)
        os.kill(os.getpid(), signal.SIGINT)
        return path

    monkeypatch.setattr(_selecting, "original", _selecting.group_lasso_path, raising=False)
    monkeypatch.setattr(_selecting, "group_lasso_path", interrupted)
    assert main(arguments) == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    assert (folder / "checkpoint").exists()
    monkeypatch.undo()
    assert main(arguments) == 0
    assert "resumed from" in capsys.readouterr().err
    assert not (folder / "checkpoint").exists()


def test_an_error_that_ctrl_c_has_caused_is_none(files, tmp_path, capsys, monkeypatch):
    """Where compiled code calls Python, the KeyboardInterrupt is lost, and an error follows."""

    def interrupted(options):
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        raise RuntimeError("no compiled object yet")

    monkeypatch.setattr(_selecting, "prepare", interrupted)
    assert main(["select", files.al, "-o", str(tmp_path / "selection")]) == 130
    assert capsys.readouterr().err == "sklearn-agl: interrupted\n"


def a_path(sizes, errors):
    n = len(sizes)
    supports = np.array([np.arange(6) < size for size in sizes])
    return SelectionPath(
        alphas=np.arange(n, dtype=float),
        supports=supports,
        group_norms=supports.astype(float),
        initial_group_norms=np.ones(6),
        objective=np.zeros(n),
        penalised_rmse=np.array(errors),
        refitted_rmse=np.array(errors),
        fit_time=np.zeros(n),
        refit_time=np.zeros(n),
        feature_names=np.array([f"x{k}" for k in range(6)]),
        refit_init=np.array(["warm"] * n),
        refitted_errors=np.outer(errors, [1.0, -1.0, 1.0, -1.0]),
        potentials=("potential",) * n,
    )


def test_the_best_set_of_a_range():
    path = a_path([6, 5, 4, 3, 2, 1], [0.1, 0.2, 0.3, 0.15, 0.4, 0.5])
    assert _selecting.best_point(path, None) == path.best() == 0
    assert _selecting.best_point(path, (1, 5)) == 3
    assert _selecting.best_point(path, (4, 5)) == 1
