"""The repulsion that LAMMPS puts beside the networks of n2p2."""

import numpy as np
import pytest
from ase.data import covalent_radii
from numpy.testing import assert_allclose

from sklearn_agl.io import read_n2p2, write_n2p2
from tests.potentials._fitted import some_structures, trained_pipeline


@pytest.fixture(scope="module")
def structures():
    return some_structures()


def read_tables(path):
    """Sections of a file of ``pair_style table``, as LAMMPS' documentation describes it."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    tables, position = {}, 0
    while position < len(lines):
        if not lines[position]:
            position += 1
            continue
        keyword, head = lines[position], lines[position + 1].split()
        assert head[0] == "N" and head[2] == "R" and not lines[position + 2]
        n = int(head[1])
        rows = np.array([line.split() for line in lines[position + 3 : position + 3 + n]], float)
        assert_allclose(rows[:, 0], np.arange(1, n + 1))
        assert_allclose(rows[[0, -1], 1], [float(head[3]), float(head[4])])
        tables[keyword] = rows[:, 1:].T
        position += 3 + n
    return tables


def test_cores_are_tabulated_for_every_pair(structures, tmp_path):
    pipe = trained_pipeline(structures)
    write_n2p2(pipe, tmp_path)
    repulsion = pipe[-1].repulsion_
    tables = read_tables(tmp_path / "repulsion.table")
    assert list(tables) == ["H-H", "H-O", "O-O"]
    for name, (r, energies, forces) in tables.items():
        first, second = (1 if symbol == "H" else 8 for symbol in name.split("-"))
        middle = 0.5 * (r[1:] + r[:-1])
        exact, slopes = repulsion.evaluate(first, second, middle)
        assert_allclose(0.5 * (energies[1:] + energies[:-1]), exact, rtol=1e-3, atol=1e-5)
        assert_allclose(0.5 * (forces[1:] + forces[:-1]), -slopes, rtol=1e-3, atol=1e-3)
        assert energies[-1] == forces[-1] == 0.0
    lines = (tmp_path / "repulsion.lammps").read_text().splitlines()
    lines = [line for line in lines if not line.startswith("#")]
    assert lines == [
        'pair_style hybrid/overlay hdnnp 3.2 dir "${potential}/" showew no resetew yes maxew 1000 '
        "table linear 1000",
        "pair_coeff * * hdnnp H O",
        "pair_coeff 1 1 table ${potential}/repulsion.table H-H",
        "pair_coeff 1 2 table ${potential}/repulsion.table H-O",
        "pair_coeff 2 2 table ${potential}/repulsion.table O-O",
    ]


def test_universal_potential_is_that_of_lammps(structures, tmp_path):
    write_n2p2(trained_pipeline(structures, repulsion="zbl"), tmp_path)
    assert not (tmp_path / "repulsion.table").exists()
    lines = (tmp_path / "repulsion.lammps").read_text().splitlines()
    lines = [line for line in lines if not line.startswith("#")]
    radii = [covalent_radii[1] * 2, covalent_radii[1] + covalent_radii[8], covalent_radii[8] * 2]
    numbers = [float(word) for word in lines[0].split("zbl", 1)[1].split() if word != "zbl"]
    assert_allclose(numbers[1::2], radii)
    assert_allclose(numbers[::2], np.array(radii) / 2)
    assert lines[1:] == [
        "pair_coeff * * hdnnp H O",
        "pair_coeff 1 1 zbl 1 1 1",
        "pair_coeff 1 2 zbl 2 1 8",
        "pair_coeff 2 2 zbl 3 8 8",
    ]


def test_networks_come_without_it(structures, tmp_path):
    pipe = trained_pipeline(structures)
    write_n2p2(pipe, tmp_path / "with")
    again = read_n2p2(tmp_path / "with")
    assert again[-1].repulsion_ is None
    assert_allclose(again.predict(structures), pipe.predict(structures), rtol=1e-12)
    write_n2p2(trained_pipeline(structures, repulsion=None), tmp_path / "without")
    names = {path.name for path in (tmp_path / "without").iterdir()}
    assert names == {"input.nn", "scaling.data", "weights.001.data", "weights.008.data"}
