"""Each error is one line that names the culprit and the cure."""

import ase.io
import pytest

from sklearn_agl.cli import main
from tests.cli.conftest import QUICK, with_keys


def fail(arguments, capsys, code=1):
    """The line on standard error, of a command that fails."""
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    lines = captured.err.strip().splitlines()
    assert sum("error:" in line for line in lines) == 1
    return lines[-1]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-command"],
        ["select"],
        ["fit", "file", "--test-size", "2"],
        ["fit", "file", "--r-cut", "six"],
        ["fit", "file", "--hidden-layer-sizes", "a,b"],
        ["evaluate", "potential", "file", "--length-unit", "Parsec2"],
    ],
)
def test_usage(arguments, capsys):
    assert main(arguments) == 2
    assert "usage: sklearn-agl" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["fit", "select", "info"])
def test_a_missing_file(command, capsys, tmp_path):
    output = [] if command == "info" else ["-o", str(tmp_path / "out")]
    line = fail([command, "missing.extxyz", *output], capsys)
    assert line == f"sklearn-agl {command}: error: There is no file missing.extxyz."


def test_debug_shows_the_traceback(capsys):
    assert main(["info", "missing.extxyz", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_folder_is_no_file(capsys, tmp_path):
    line = fail(["fit", str(tmp_path), "-o", str(tmp_path / "out")], capsys)
    assert "is a folder; name the files in it" in line


def test_a_file_of_no_format(capsys, tmp_path):
    (tmp_path / "notes.zzz").write_text("nothing of interest\n")
    line = fail(["info", str(tmp_path / "notes.zzz")], capsys)
    assert "--format" in line


def test_structures_without_energies(files, capsys, tmp_path):
    line = fail(["fit", files.bare, "-o", str(tmp_path / "out")], capsys)
    assert f"structure 0 of {files.bare} has no energy (40 of 40 have none" in line
    assert "--energy-key" in line


def test_one_structure_without_an_energy(structures, capsys, tmp_path):
    some = [*structures[:3], structures[3].copy()]
    ase.io.write(tmp_path / "some.extxyz", some)
    line = fail(["fit", str(tmp_path / "some.extxyz"), "-o", str(tmp_path / "out")], capsys)
    assert "structure 3 of" in line
    assert "(1 of 4 have none" in line


@pytest.mark.parametrize("kind", ["energy", "forces", "stress"])
def test_a_key_that_is_not_there(kind, files, capsys, tmp_path):
    arguments = ["fit", files.keys, f"--{kind}-key", "nope", "-o", str(tmp_path / "out")]
    line = fail(arguments, capsys)
    assert f"--{kind}-key nope: no structure has" in line
    assert f"'REF_{kind}'" in line


def test_several_candidates(structures, capsys, tmp_path):
    both = with_keys(structures[:4], "REF_energy", "REF_forces")
    for atoms in both:
        atoms.info["dft_energy"] = 1.0
    ase.io.write(tmp_path / "both.extxyz", both)
    line = fail(["fit", str(tmp_path / "both.extxyz"), "-o", str(tmp_path / "out")], capsys)
    assert "REF_energy, dft_energy. Say which: --energy-key" in line


def test_an_unknown_element(selection, files, capsys):
    line = fail(["evaluate", str(selection), files.copper], capsys)
    assert "Cu" in line
    assert "['Al']" in line


def test_an_output_that_cannot_be(files, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("file", "file/below"):
        line = fail(["fit", files.al, "-o", str(tmp_path / name)], capsys)
        assert "--output" in line


def test_results_are_not_replaced(selection, files, capsys):
    line = fail(["select", files.al, "-o", str(selection)], capsys)
    assert "has a potential.npz already" in line
    assert "--overwrite" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--n-features", "many"], "--n-features many"),
        (["--n-features", "5:2"], "the smaller one first"),
        (["--n-features", "99"], "there are 5 functions to choose from"),
        (["--method", "magic"], "there is no magic; known are agl, wald"),
        (["--method", "cur"], "--n-features 12"),
        (["--groups", "colour"], "no structure has info['colour']"),
        (["--symmetry-functions", "nope"], "nope"),
    ],
)
def test_arguments_of_select(arguments, message, files, capsys, tmp_path):
    given = ["--symmetry-functions", files.functions, *arguments, "-o", str(tmp_path / "out")]
    assert message in fail(["select", files.al, *given, *QUICK], capsys)


def test_a_potential_that_is_none(files, capsys, tmp_path):
    assert "There is no potential" in fail(["evaluate", "missing.npz", files.al], capsys)
    assert "neither" in fail(["evaluate", str(tmp_path), files.al], capsys)
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    assert "cannot be loaded" in fail(["evaluate", str(tmp_path / "bad.npz"), files.al], capsys)


def test_a_selection_that_is_none(files, capsys, tmp_path):
    (tmp_path / "bad.json").write_text("{}")
    arguments = ["fit", files.al, "--symmetry-functions", str(tmp_path / "bad.json")]
    assert "is no selection" in fail([*arguments, "-o", str(tmp_path / "out")], capsys)
