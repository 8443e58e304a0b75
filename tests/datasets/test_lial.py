import io
import json
import zipfile

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms

from sklearn_agl.datasets import _lial, fetch_lial
from sklearn_agl.datasets._published import Content
from tests.datasets._copies import read_copy

NAMES = ("Train", "Test/A-Fig1c")
ALLOY = Atoms(
    "AlLi2", positions=[[0, 0, 0], [2, 2, 0], [2, 0, 2]], cell=[[4, 0, 0], [1, 4, 0], [0, 0, 5]]
)
FORCES = [[0.5, 0.0, -1.0], [-0.5, 0.0, 1.0], [0.0, 0.25, 0.0]]


def write_set(folder, structures, energies, forces, labels, prefix="poscars/"):
    """One set in the publisher's format."""
    folder.mkdir(parents=True)
    index = list(range(1, len(structures) + 1))
    data = {"Energies": energies, "Forces": forces, "Labels": labels, "Index": index}
    (folder / "Data.json").write_text(json.dumps(data))
    with zipfile.ZipFile(folder / "poscars.zip", "w") as archive:
        # Backwards, since the order of an archive means nothing.
        for i, atoms in reversed(list(zip(index, structures, strict=True))):
            text = io.StringIO()
            ase.io.write(text, atoms, format="vasp", direct=True)
            archive.writestr(f"{prefix}{i}.POSCAR.vasp", text.getvalue())


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A folder in place of the publisher's; numbers are made up."""
    fixed = ALLOY.copy()
    fixed.set_constraint(FixAtoms([0]))
    structures, energies, labels = [ALLOY, fixed[:2]], [-7.5, -4.0], ["relax", "AIMD"]
    forces = [FORCES, FORCES[:2]]
    monkeypatch.setattr(_lial, "COMMITS", {name: _lial.COMMITS[name] for name in NAMES})
    monkeypatch.setattr(_lial, "CONTENTS", dict.fromkeys(NAMES, Content(2, 5, -11.5, 6.25)))
    for name, prefix in zip(NAMES, ("poscars/", ""), strict=True):
        folder = tmp_path / "published" / _lial.COMMITS[name] / name
        write_set(folder, structures, energies, forces, labels, prefix)
    return tmp_path / "published"


@pytest.fixture
def filled_home(published, home):
    """Files that a user has put into the folder by hand."""
    for name in NAMES:
        (home / "lial" / name).mkdir(parents=True)
        for file in _lial.FILES:
            content = (published / _lial.COMMITS[name] / name / file).read_bytes()
            (home / "lial" / name / file).write_bytes(content)
    return home


def test_gives_structures_energies_and_forces(filled_home):
    data = fetch_lial(data_home=filled_home, download_if_missing=False)
    assert [str(atoms.symbols) for atoms in data.structures] == ["AlLi2", "AlLi"] * 2
    assert data.energies.tolist() == [-7.5, -4.0] * 2
    assert data.forces[0].tolist() == FORCES
    assert data.sets.tolist() == ["Train"] * 2 + ["Test/A-Fig1c"] * 2
    assert data.groups.tolist() == ["relax", "AIMD"] * 2
    assert data.structures[2].info == {"set": "Test/A-Fig1c", "group": "relax"}
    assert "none stated" in data.DESCR


def test_structures_are_those_of_the_archive(filled_home):
    first = fetch_lial(data_home=filled_home).structures[0]
    assert first.pbc.all()
    np.testing.assert_allclose(first.positions, ALLOY.positions, atol=1e-12)
    np.testing.assert_allclose(first.cell, ALLOY.cell)


def test_fixed_atoms_keep_their_forces(filled_home):
    data = fetch_lial(data_home=filled_home)
    assert data.structures[1].get_forces().tolist() == data.forces[1].tolist() == FORCES[:2]


def test_downloads_what_is_missing_and_keeps_it(published, serve, home, monkeypatch):
    pytest.importorskip("pooch")
    with serve(published) as address:
        monkeypatch.setattr(_lial, "ADDRESS", address)
        first = fetch_lial(data_home=home)
    second = fetch_lial(data_home=home, download_if_missing=False)
    assert first.energies.tolist() == second.energies.tolist()


def test_says_where_to_put_a_file(home):
    with pytest.raises(OSError, match=r"Train/Data\.json by hand and save it as") as caught:
        fetch_lial(data_home=home, download_if_missing=False)
    assert str(home / "lial" / "Train" / "Data.json") in str(caught.value)


@pytest.mark.parametrize("file", _lial.FILES)
@pytest.mark.parametrize("content", [b"", b"404: Not Found", b"{}", b"PK\x03\x04"])
def test_refuses_a_damaged_file(filled_home, file, content):
    (filled_home / "lial" / "Test" / "A-Fig1c" / file).write_bytes(content)
    with pytest.raises(ValueError, match=r"A-Fig1c/Data\.json or .*poscars\.zip is damaged"):
        fetch_lial(data_home=filled_home)


def test_refuses_structures_that_do_not_fit_the_table(filled_home):
    folder = filled_home / "lial" / "Train"
    data = json.loads((folder / "Data.json").read_text())
    data["Index"].reverse()
    (folder / "Data.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match="is damaged"):
        fetch_lial(data_home=filled_home)


def test_refuses_other_content(filled_home):
    path = filled_home / "lial" / "Train" / "Data.json"
    path.write_text(path.read_text().replace("-7.5", "-7.6"))
    with pytest.raises(ValueError, match="does not hold the data set"):
        fetch_lial(data_home=filled_home)


def test_files_made_of_a_converted_copy_are_accepted(home, monkeypatch):
    structures = read_copy("LiAl_mogroup", "set=Validation ")
    monkeypatch.setattr(_lial, "COMMITS", {"Validation": _lial.COMMITS["Validation"]})
    write_set(
        home / "lial" / "Validation",
        structures,
        [atoms.get_potential_energy() for atoms in structures],
        [atoms.get_forces().tolist() for atoms in structures],
        [atoms.info["label"] for atoms in structures],
    )
    data = fetch_lial(data_home=home, download_if_missing=False)
    assert len(data.structures) == 66
