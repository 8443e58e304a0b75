"""When, where and what is computed: deferred, in a file, on other workers."""

import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
from ase.build import bulk, molecule
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

from sklearn_agl import CURSelector, HDNNPRegressor
from sklearn_agl.descriptors import SymmetryFunctionTransformer
from sklearn_agl.descriptors._evaluation import Evaluation


@pytest.fixture(scope="module")
def structures():
    crystals = [bulk("Al", cubic=True) * (1, 1, n) for n in (1, 2, 1, 3)] * 3
    for seed, atoms in enumerate(crystals):
        atoms.rattle(0.2, seed=seed)
    return crystals


@pytest.fixture(scope="module")
def fitted(structures):
    return SymmetryFunctionTransformer("al-22").fit(structures)


@pytest.fixture
def computed(monkeypatch):
    """Columns of every evaluation that is carried out."""
    columns, original = [], Evaluation.compute

    def compute(self):
        columns.append(None if self.columns is None else list(self.columns))
        return original(self)

    monkeypatch.setattr(Evaluation, "compute", compute)
    return columns


def test_a_pipeline_computes_what_is_selected_only(structures, computed):
    energies = np.array([len(atoms) + 0.1 * i for i, atoms in enumerate(structures)])
    pipe = make_pipeline(
        SymmetryFunctionTransformer("al-22"),
        CURSelector(5),
        HDNNPRegressor(max_epochs=1, random_state=0),
    )
    pipe.fit(structures, energies)
    assert computed == [None]
    predicted = pipe.predict(structures)
    chosen = pipe[1].get_support(indices=True)
    assert computed == [None, list(chosen)]
    X = pipe[0].transform(structures).compute()
    assert_array_equal(predicted, pipe[1:].predict(X))


def test_chosen_columns_are_the_same_numbers(fitted, structures):
    complete = fitted.transform(structures).values
    mask = np.arange(22) % 3 == 0
    some = fitted.transform(structures).take_features(mask)
    assert not some.is_computed
    few = some.take_features([4, 1])
    assert few.shape == (12, 12, 2)
    assert few.atom_values.shape == (few.n_atoms.sum(), 2)
    assert_allclose(few.values, complete[:, :, [12, 3]], rtol=1e-13)
    assert_allclose(some.values, complete[:, :, mask], rtol=1e-13)
    assert list(few.feature_names) == list(fitted.get_feature_names_out()[[12, 3]])


def test_structures_may_change_after_transform(fitted, structures):
    atoms = structures[0].copy()
    X = fitted.transform([atoms])
    atoms.positions[0] += 0.5
    atoms.set_cell(atoms.cell * 1.1)
    assert_array_equal(X.values, fitted.transform([structures[0]]).values)


def test_fit_transform_and_pickling_compute(fitted, structures):
    assert SymmetryFunctionTransformer("al-22").fit_transform(structures).is_computed
    X = fitted.transform(structures)
    again = pickle.loads(pickle.dumps(X))
    assert X.is_computed
    assert_array_equal(again.values, X.values)
    assert_array_equal(fitted.transform(structures)[[3, 1]].values, X.values[[3, 1]])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_values_in_a_memory_mapped_file(tmp_path, structures, dtype):
    mixed = [*structures, molecule("H2O")]
    transformer = SymmetryFunctionTransformer(r_cut=4.0, dtype=dtype, memmap_folder=tmp_path)
    X = transformer.fit_transform(mixed)
    assert isinstance(X.atom_values, np.memmap)
    assert Path(X.atom_values.filename).parent == tmp_path
    in_memory = transformer.set_params(memmap_folder=None).transform(mixed)
    assert_array_equal(X.values, in_memory.values)
    assert X.dtype == dtype
    assert_array_equal(np.load(X.atom_values.filename), X.atom_values)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_work_is_done_where_joblib_is_told(fitted, structures, backend):
    expected = fitted.transform(structures).values
    with joblib.parallel_config(backend=backend, n_jobs=2):
        X = fitted.transform(structures)
        assert X.is_computed
    assert_array_equal(X.values, expected)


def test_a_dask_cluster_gives_the_same_values(fitted, structures):
    distributed = pytest.importorskip("distributed")
    expected = fitted.transform(structures).values
    with (
        distributed.Client(
            processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None
        ),
        joblib.parallel_config(backend="dask"),
    ):
        X = fitted.transform(structures)
        assert X.is_computed
        gradients, _ = fitted.vjp(structures, np.ones(X.shape))
    assert_array_equal(X.values, expected)
    serial, _ = fitted.vjp(structures, np.ones(X.shape))
    assert_array_equal(np.concatenate(gradients), np.concatenate(serial))
