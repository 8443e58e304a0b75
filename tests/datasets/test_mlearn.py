import json
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import ase.io
import numpy as np
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_agl.datasets import _mlearn, fetch_mlearn, get_data_home
from sklearn_agl.datasets._mlearn import CONTENTS, Content

CONVERTED = Path(__file__).parents[3] / "shared" / "data"

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
    data = folder / _mlearn.COMMIT / "data" / "Si"
    data.mkdir(parents=True)
    (data / "training.json").write_text(json.dumps([CRYSTAL, ATOM]))
    (data / "test.json").write_text(json.dumps([ATOM]))
    contents = {"train": Content(2, 3, -14.5, 3.25), "test": Content(1, 1, -4.0, 0.25)}
    monkeypatch.setitem(CONTENTS, "Si", contents)
    return data


@pytest.fixture
def server(publisher, monkeypatch):
    """Serves the publisher's folder."""
    root = publisher.parents[2]
    handler = partial(SimpleHTTPRequestHandler, directory=root)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        monkeypatch.setattr(_mlearn, "ADDRESS", f"http://127.0.0.1:{server.server_port}")
        Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


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
    first = data.structures[0]
    assert first.pbc.all()
    assert first.info == {"group": "Elastic"}
    assert first.get_potential_energy() == -10.5
    np.testing.assert_allclose(first.get_scaled_positions(), [[0.5, 0.5, 0], [0, 0, 0.5]])
    assert "BSD-3-Clause" in data.DESCR
    assert "731 (2020)" in data.DESCR


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


def test_the_expected_content_is_that_of_a_converted_copy():
    path = CONVERTED / "mlearn_Si.extxyz.gz"
    if not path.exists():
        pytest.skip("the converted copy is not there")
    structures = ase.io.read(path, ":")
    for part, expected in CONTENTS["Si"].items():
        found = Content.of([atoms for atoms in structures if atoms.info["split"] == part])
        assert found.agrees_with(expected)
