import numpy as np
import pytest

from sklearn_agl.datasets import _si_liquid_diamond, fetch_si_liquid_diamond
from sklearn_agl.datasets._published import Content
from tests.datasets._copies import read_copy

LIQUID = "liquid-si-64/trajectory-lammps-1700K-1bar"
DIAMOND = "perturbations-si-64/0.01A-1p"
FOLDERS = {LIQUID: f"{LIQUID}/extracted-confs", DIAMOND: DIAMOND}

# Two structures of two atoms; numbers are made up.
RAW = {
    "box.raw": [[5, 0, 0, 0, 5, 0, 0, 0, 6], [5, 0, 0, 0.5, 5, 0, 0, 0, 6]],
    "coord.raw": [[0, 0, 0, 1, 2, 3], [2.75, 2.5, 0, 0, 0, 3]],
    "energy.raw": [[-10.5], [-9.5]],
    "force.raw": [[0.5, 0, -1, -0.5, 0, 1], [0.25, 0, 0, -0.25, 0, 0]],
}


def write_raw(folder, columns):
    """Files as the publisher's script writes them: a line per structure."""
    folder.mkdir(parents=True)
    for file, rows in columns.items():
        lines = (" ".join(map(str, np.ravel(row).tolist())) for row in rows)
        (folder / file).write_text("".join(line + "\n" for line in lines))


@pytest.fixture
def few_groups(monkeypatch):
    contents = dict.fromkeys(FOLDERS, Content(2, 4, -20.0, 3.5))
    monkeypatch.setattr(_si_liquid_diamond, "CONTENTS", contents)


@pytest.fixture
def filled_home(few_groups, home):
    """Files that a user has put into the folder by hand."""
    for folder in FOLDERS.values():
        write_raw(home / "si_liquid_diamond" / folder, RAW)
    return home


def test_gives_structures_energies_and_forces(filled_home):
    data = fetch_si_liquid_diamond(data_home=filled_home, download_if_missing=False)
    assert data.energies.tolist() == [-10.5, -9.5] * 2
    assert data.forces[1].tolist() == [[0.25, 0.0, 0.0], [-0.25, 0.0, 0.0]]
    assert data.groups.tolist() == [LIQUID] * 2 + [DIAMOND] * 2
    second = data.structures[1]
    assert str(second.symbols) == "Si2"
    assert second.pbc.all()
    assert second.info == {"group": LIQUID}
    np.testing.assert_allclose(second.get_scaled_positions(), [[0.5, 0.5, 0], [0, 0, 0.5]])
    assert "none stated" in data.DESCR


def test_downloads_what_is_missing_and_keeps_it(few_groups, serve, home, tmp_path, monkeypatch):
    pytest.importorskip("pooch")
    root = tmp_path / "published"
    for folder in FOLDERS.values():
        write_raw(root / _si_liquid_diamond.COMMIT / _si_liquid_diamond.FOLDER / folder, RAW)
    with serve(root) as address:
        monkeypatch.setattr(_si_liquid_diamond, "ADDRESS", address)
        first = fetch_si_liquid_diamond(data_home=home)
    second = fetch_si_liquid_diamond(data_home=home, download_if_missing=False)
    assert first.energies.tolist() == second.energies.tolist()


def test_says_where_to_put_a_file(home):
    with pytest.raises(OSError, match=r"extracted-confs/box\.raw by hand and save it as") as caught:
        fetch_si_liquid_diamond(data_home=home, download_if_missing=False)
    assert str(home / "si_liquid_diamond" / "liquid-si-64") in str(caught.value)


@pytest.mark.parametrize("file", RAW)
@pytest.mark.parametrize("text", ["404: Not Found", "1.0 2.0\n"])
def test_refuses_a_damaged_file(filled_home, file, text):
    (filled_home / "si_liquid_diamond" / DIAMOND / file).write_text(text)
    with pytest.raises(ValueError, match=r"0\.01A-1p/box\.raw or .*force\.raw is damaged"):
        fetch_si_liquid_diamond(data_home=filled_home)


def test_refuses_other_content(filled_home):
    path = filled_home / "si_liquid_diamond" / DIAMOND / "energy.raw"
    path.write_text("-10.5\n-9.4\n")
    with pytest.raises(ValueError, match="does not hold the data set"):
        fetch_si_liquid_diamond(data_home=filled_home)


def test_files_made_of_a_converted_copy_are_accepted(home, monkeypatch):
    contents = {group: _si_liquid_diamond.CONTENTS[group] for group in FOLDERS}
    monkeypatch.setattr(_si_liquid_diamond, "CONTENTS", contents)
    for group, folder in FOLDERS.items():
        structures = read_copy("Si_princeton_workshop", f"group={group} ")
        columns = {
            "box.raw": [atoms.cell.array for atoms in structures],
            "coord.raw": [atoms.positions for atoms in structures],
            "energy.raw": [atoms.get_potential_energy() for atoms in structures],
            "force.raw": [atoms.get_forces() for atoms in structures],
        }
        write_raw(home / "si_liquid_diamond" / folder, columns)
    data = fetch_si_liquid_diamond(data_home=home, download_if_missing=False)
    assert len(data.structures) == 201
    np.testing.assert_allclose(data.structures[-1].positions, structures[-1].positions)
