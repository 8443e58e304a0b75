"""Containers of structures: taken, or answered with what to do."""

from types import SimpleNamespace

import ase.db
import ase.io
import numpy as np
import pytest
from ase.build import bulk
from ase.io import Trajectory
from numpy.testing import assert_array_equal
from sklearn.ensemble import BaggingRegressor
from sklearn.pipeline import make_pipeline

from sklearn_agl import AtomPooler, HDNNPRegressor, SymmetryFunction, SymmetryFunctionTransformer

STRUCTURES = [bulk("Cu", a=a, cubic=True) for a in (3.5, 3.6, 3.7)]
FUNCTIONS = [SymmetryFunction("G2", eta=1.0, r_cut=3.0)]


def values(structures):
    return SymmetryFunctionTransformer(FUNCTIONS).fit_transform(structures).values


def generator():
    return (atoms for atoms in STRUCTURES)


def array():
    """Of objects, which numpy must not look into."""
    found = np.empty(3, dtype=object)
    found[:] = STRUCTURES
    return found


@pytest.mark.parametrize(
    "container",
    [
        generator,
        array,
        lambda: array()[:, None],
        lambda: map(lambda atoms: atoms, STRUCTURES),
        lambda: tuple(STRUCTURES),
    ],
)
def test_what_holds_structures_is_taken(container):
    expected = values(STRUCTURES)
    assert_array_equal(values(container()), expected)
    transformer = SymmetryFunctionTransformer(FUNCTIONS).fit(container())
    assert_array_equal(transformer.transform(container()).values, expected)


def test_ensembles_of_scikit_learn_take_a_column():
    model = HDNNPRegressor((2,), max_epochs=1, random_state=0)
    pipe = make_pipeline(SymmetryFunctionTransformer(FUNCTIONS), model)
    column, energies = np.repeat(array(), 3)[:, None], np.arange(9.0)
    bagging = BaggingRegressor(pipe, n_estimators=2, random_state=0).fit(column, energies)
    assert bagging.predict(column).shape == (9,)


def test_files_that_are_read_one_by_one_are_taken(tmp_path):
    ase.io.write(tmp_path / "a.extxyz", STRUCTURES)
    assert_array_equal(values(ase.io.iread(tmp_path / "a.extxyz")), values(STRUCTURES))
    ase.io.write(tmp_path / "a.traj", STRUCTURES)
    with Trajectory(tmp_path / "a.traj") as trajectory:
        assert_array_equal(values(trajectory), values(STRUCTURES))


def test_columns_are_taken_and_tables_name_theirs():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"energy": [1.0, 2.0, 3.0], "frame": STRUCTURES})
    assert_array_equal(values(table["frame"]), values(STRUCTURES))
    with pytest.raises(ValueError, match=r"Got a DataFrame; give the column .*: X\['frame'\]\."):
        values(table)
    with pytest.raises(ValueError, match=r"X\['atoms'\]"):
        values(table[["energy"]])


def test_databases_and_their_rows_say_how_to_convert_them(tmp_path):
    database = ase.db.connect(tmp_path / "a.db")
    for atoms in STRUCTURES:
        database.write(atoms)
    with pytest.raises(ValueError, match=r"row.toatoms\(\) for row in database.select\(\)"):
        values(database)
    with pytest.raises(ValueError, match=r"Structure 0 is of type AtomsRow; .* toatoms\(\)"):
        values(database.select())
    assert_array_equal(values([row.toatoms() for row in database.select()]), values(STRUCTURES))


def test_a_generator_that_is_used_up_is_told_from_an_empty_list():
    used = generator()
    list(used)
    with pytest.raises(ValueError, match="Got no structure: what has gone through a generator"):
        values(used)
    with pytest.raises(ValueError, match=r"Got no structure\. At least one"):
        values([])


def test_structures_of_other_packages_say_how_to_convert_them():
    foreign = SimpleNamespace(to_ase_atoms=None)
    with pytest.raises(ValueError, match=r"Structure 1 is of .* method to_ase_atoms\(\)"):
        values([STRUCTURES[0], foreign])


def test_tables_come_from_the_steps_behind():
    pytest.importorskip("pandas")
    pipe = make_pipeline(SymmetryFunctionTransformer(FUNCTIONS), AtomPooler())
    table = pipe.set_output(transform="pandas").fit_transform(STRUCTURES)
    assert list(table.columns) == list(pipe.get_feature_names_out())
