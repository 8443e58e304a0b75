import io
import json
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_agl.datasets import _mlearn, fetch_mlearn, get_data_home
from sklearn_agl.datasets._mlearn import CONTENTS
from sklearn_agl.datasets._published import Content
from tests.datasets._copies import read_copy

# Two structures in the publisher's format; numbers are made up.
CRYSTAL = {
    "structure": {
        "@module": "pymatgen.core.structure",
        "@class": "Structure",
        "charge": None,
        "lattice": {"matrix": [[5.0, 0.0, 0.0], [0.5, 5.0, 0.0], [0.0, 0.0, 6.0]], "a": 5.0},
        "sites": [
            {
                "species": [{"element": "Si", "occu": 1}],
                "abc": [0.5, 0.5, 0.0],
                "xyz": [2.75, 2.5, 0.0],
                "label": "Si",
            },
            {
                "species": [{"element": "Si", "occu": 1}],
                "abc": [0.0, 0.0, 0.5],
                "xyz": [0.0, 0.0, 3.0],
                "label": "Si",
                "properties": {},
            },
        ],
    },
    "group": "Elastic",
    "outputs": {
        "energy": -10.5,
        "forces": [[0.5, 0.0, -1.0], [-0.5, 0.0, 1.0]],
        "virial_stress": [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    },
    "num_atoms": 2,
    "element": "Si",
    "tag": "train",
    "description": "made up",
}
ATOM = {
    **CRYSTAL,
    "structure": {**CRYSTAL["structure"], "sites": CRYSTAL["structure"]["sites"][:1]},
    "group": "Surface",
    "outputs": {"energy": -4.0, "forces": [[0.0, 0.25, 0.0]]},
}


@pytest.fixture
def publisher(tmp_path, monkeypatch):
    """A folder in place of the publisher's, and what it should hold."""
    folder = tmp_path / "published"
    data = folder / _mlearn.REPOSITORY / "data" / "Si"
    data.mkdir(parents=True)
    (data / "training.json").write_text(json.dumps([CRYSTAL, ATOM]))
    (data / "test.json").write_text(json.dumps([ATOM]))
    contents = {"train": Content(2, 3, -14.5, 3.25), "test": Content(1, 1, -4.0, 0.25)}
    monkeypatch.setitem(CONTENTS, "Si", contents)
    return data


@pytest.fixture
def server(publisher, serve, monkeypatch):
    """Serves the publisher's folder."""
    with serve(publisher.parents[4]) as address:
        monkeypatch.setattr(_mlearn, "ADDRESS", address)
        yield


@pytest.fixture
def filled_home(publisher, home):
    """Files that a user has put into the folder by hand."""
    (home / "mlearn").mkdir(parents=True)
    for file in publisher.iterdir():
        (home / "mlearn" / f"Si_{file.name}").write_bytes(file.read_bytes())
    return home


def test_gives_structures_energies_and_forces(filled_home):
    data = fetch_mlearn("Si", data_home=filled_home, download_if_missing=False)
    assert [atoms.get_chemical_formula() for atoms in data.structures] == ["Si2", "Si", "Si"]
    assert data.energies.tolist() == [-10.5, -4.0, -4.0]
    assert data.forces[0].tolist() == [[0.5, 0.0, -1.0], [-0.5, 0.0, 1.0]]
    assert (data.train.tolist(), data.test.tolist()) == ([0, 1], [2])
    assert data.groups.tolist() == ["Elastic", "Surface", "Surface"]
    first = data.structures[0]
    assert first.pbc.all()
    assert first.info == {"group": "Elastic"}
    assert first.get_potential_energy() == -10.5
    np.testing.assert_allclose(first.get_scaled_positions(), [[0.5, 0.5, 0], [0, 0, 0.5]])
    assert "BSD-3-Clause" in data.DESCR
    assert "731 (2020)" in data.DESCR


def write_archive(path, text):
    """Copper's part for training as its publisher packed it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("ZuoEtAl2020/Cu_train.xyz")
        member.size = len(text.encode())
        archive.addfile(member, io.BytesIO(text.encode()))


FRAME = """\
2
Lattice="5.0 0.0 0.0 0.5 5.0 0.0 0.0 0.0 6.0" pbc=[T, T, T] energy=-7.5 \
Properties=species:S:1:pos:R:3:force:R:3
Cu 2.75 2.5 0.0 0.5 0.0 -1.0
Cu 0.0 0.0 3.0 -0.5 0.0 1.0
""".replace(" \\\n", " ")


@pytest.fixture
def copper_home(home, monkeypatch):
    write_archive(home / "mlearn" / "ZuoEtAl2020.tar.gz", FRAME)
    atom = json.loads(json.dumps(ATOM).replace('"Si"', '"Cu"'))
    (home / "mlearn" / "Cu_test.json").write_text(json.dumps([atom]))
    contents = {"train": Content(1, 2, -7.5, 3.0), "test": Content(1, 1, -4.0, 0.25)}
    monkeypatch.setitem(CONTENTS, "Cu", contents)
    return home


def test_reads_coppers_part_for_training_from_an_archive(copper_home):
    data = fetch_mlearn("Cu", data_home=copper_home, download_if_missing=False)
    assert [atoms.get_chemical_formula() for atoms in data.structures] == ["Cu2", "Cu"]
    assert data.forces[0].tolist() == [[0.5, 0.0, -1.0], [-0.5, 0.0, 1.0]]
    assert data.groups.tolist() == ["unknown", "Surface"]
    first = data.structures[0]
    assert first.pbc.all()
    assert first.info == {"group": "unknown"}
    np.testing.assert_allclose(first.get_scaled_positions(), [[0.5, 0.5, 0], [0, 0, 0.5]])
    assert "ACEData" in data.DESCR


def test_says_where_to_put_the_archive(home):
    with pytest.raises(OSError, match=r"ZuoEtAl2020\.tar\.gz by hand and save it as") as caught:
        fetch_mlearn("Cu", data_home=home, download_if_missing=False)
    assert str(home / "mlearn" / "ZuoEtAl2020.tar.gz") in str(caught.value)


@pytest.mark.parametrize("size", [0, 100])
def test_refuses_an_archive_that_is_cut_short(copper_home, size):
    path = copper_home / "mlearn" / "ZuoEtAl2020.tar.gz"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"ZuoEtAl2020\.tar\.gz is damaged; delete it"):
        fetch_mlearn("Cu", data_home=copper_home)


@pytest.mark.parametrize("text", ["", FRAME[:-40], FRAME.replace(":force:", ":other:")])
def test_refuses_an_archive_with_other_content(copper_home, text):
    write_archive(copper_home / "mlearn" / "ZuoEtAl2020.tar.gz", text)
    with pytest.raises(ValueError, match=r"ZuoEtAl2020\.tar\.gz (is damaged|does not hold)"):
        fetch_mlearn("Cu", data_home=copper_home)


def test_downloads_what_is_missing_and_keeps_it(server, home):
    pytest.importorskip("pooch")
    first = fetch_mlearn("Si", data_home=home)
    second = fetch_mlearn("Si", data_home=home, download_if_missing=False)
    assert first.energies.tolist() == second.energies.tolist() == [-10.5, -4.0, -4.0]


def test_a_file_that_was_moved_cannot_be_downloaded(server, publisher, home):
    pytest.importorskip("pooch")
    (publisher / "test.json").unlink()
    with pytest.raises(OSError, match="404.*by hand and save it as"):
        fetch_mlearn("Si", data_home=home)


def test_says_where_to_put_a_file_that_must_not_be_downloaded(home):
    path = home / "mlearn" / "Mo_training.json"
    with pytest.raises(OSError, match=r"data/Mo/training\.json by hand and save it as") as caught:
        fetch_mlearn("Mo", data_home=home, download_if_missing=False)
    assert str(path) in str(caught.value)


def test_says_where_to_put_a_file_that_cannot_be_downloaded(home, monkeypatch):
    pytest.importorskip("pooch")
    # Nobody listens at port 9.
    monkeypatch.setattr(_mlearn, "ADDRESS", "http://127.0.0.1:9")
    with pytest.raises(OSError, match="cannot be downloaded.*by hand and save it as"):
        fetch_mlearn("Mo", data_home=home)


def test_names_the_extra_that_is_missing(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r"sklearn-agl\[data\].*save it as"):
        fetch_mlearn("Mo", data_home=home)


@pytest.mark.parametrize("text", ["[{", "[{}]", "404: Not Found"])
def test_refuses_a_damaged_file(filled_home, text):
    (filled_home / "mlearn" / "Si_test.json").write_text(text)
    with pytest.raises(ValueError, match=r"Si_test\.json is damaged; delete it"):
        fetch_mlearn("Si", data_home=filled_home)


def test_refuses_other_content(filled_home):
    changed = {**ATOM, "outputs": {"energy": -4.1, "forces": [[0.0, 0.25, 0.0]]}}
    (filled_home / "mlearn" / "Si_test.json").write_text(json.dumps([changed]))
    with pytest.raises(ValueError, match=r"Si_test\.json does not hold the data set"):
        fetch_mlearn("Si", data_home=filled_home)


def test_refuses_other_elements():
    with pytest.raises(InvalidParameterError, match="'element' parameter of fetch_mlearn"):
        fetch_mlearn("Xx")


def test_the_folder_is_the_argument_or_the_variable_or_in_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("SKLEARN_AGL_DATA", str(tmp_path))
    assert get_data_home() == tmp_path
    assert get_data_home(tmp_path / "other") == tmp_path / "other"
    monkeypatch.delenv("SKLEARN_AGL_DATA")
    assert get_data_home() == Path.home() / "sklearn_agl_data"


def as_entry(atoms):
    """A structure in the authors' format."""
    sites = [
        {"species": [{"element": symbol, "occu": 1}], "xyz": xyz.tolist()}
        for symbol, xyz in zip(atoms.symbols, atoms.positions, strict=True)
    ]
    outputs = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces().tolist()}
    structure = {"lattice": {"matrix": atoms.cell.tolist()}, "sites": sites}
    return {"structure": structure, "group": atoms.info["group"], "outputs": outputs}


def as_frame(atoms):
    """A structure as in copper's archive."""
    lattice = " ".join(map(str, atoms.cell.array.ravel()))
    rows = np.hstack([atoms.positions, atoms.get_forces()])
    return (
        f'{len(atoms)}\nenergy={atoms.get_potential_energy()} Lattice="{lattice}" '
        "pbc=[T, T, T] Properties=species:S:1:pos:R:3:force:R:3\n"
    ) + "".join(f"Cu {' '.join(f'{x:16.8f}' for x in row)}\n" for row in rows)


@pytest.mark.parametrize("element", ["Cu", "Si"])
def test_files_made_of_a_converted_copy_are_accepted(home, element):
    structures = read_copy(f"mlearn_{element}")
    (home / "mlearn").mkdir(parents=True)
    parts = {
        part: [atoms for atoms in structures if atoms.info["split"] == part]
        for part in ("train", "test")
    }
    for part, file in _mlearn.PARTS.items():
        text = json.dumps([as_entry(atoms) for atoms in parts[part]])
        (home / "mlearn" / f"{element}_{file}").write_text(text)
    write_archive(home / "mlearn" / "ZuoEtAl2020.tar.gz", "".join(map(as_frame, parts["train"])))
    data = fetch_mlearn(element, data_home=home, download_if_missing=False)
    first, last = parts["train"][0], parts["test"][-1]
    np.testing.assert_allclose(data.structures[0].positions, first.positions, atol=1e-8)
    np.testing.assert_allclose(data.structures[-1].positions, last.positions, atol=1e-8)
