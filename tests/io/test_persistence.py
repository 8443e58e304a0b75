"""Estimators in files without pickle: they come back as they were."""

import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from sklearn.base import clone
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_regression
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from skorch.callbacks import EpochTimer

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AtomPooler,
    CURSelector,
    HDNNPRegressor,
    PearsonSelector,
    StabilitySelector,
    SymmetryFunction,
    SymmetryFunctionTransformer,
    WaldSelector,
    WeightNormSelector,
)
from sklearn_agl.compiled._activations import ACTIVATIONS
from sklearn_agl.io import load, save
from sklearn_agl.potentials import ExtrapolationWarning, HDNNPCalculator, predict_forces
from tests.potentials._fitted import FUNCTIONS, R_CUT, some_structures, trained_pipeline
from tests.test_estimator_checks import NOT_ON_TABLES, QUICK, public_estimators

from ._equality import assert_same
from ._potentials import draw_features, fitted_pipeline, make_transformer, predict

DATA = Path(__file__).parents[1] / "data"
N_FUNCTIONS = len(make_transformer().symmetry_functions_)
TINY = HDNNPRegressor((2,), max_epochs=1, random_state=0)
SMALL = {
    "AdaptiveGroupLassoSelector": {"n_features_to_select": 3, "initial_alpha": 1e-5},
    "HDNNPRegressor": {"hidden_layer_sizes": (2,), "max_epochs": 2},
    "LassoNetSelector": {"hidden_layer_sizes": (2,), "max_epochs": 2, "path_max_epochs": 2},
}
"""Parameters that make the fits fast, beside those of the estimator checks."""


def round_trip(estimator, folder):
    save(estimator, folder / "estimator.npz")
    again = load(folder / "estimator.npz")
    assert_same(again, estimator)
    return again


def small_table(n_features=5):
    X = np.random.default_rng(0).normal(size=(40, n_features))
    return X, X[:, 0] + np.sin(X[:, 1])


def small_instance(kind):
    params = {"random_state": 0} | QUICK.get(kind.__name__, {}) | SMALL.get(kind.__name__, {})
    known = kind().get_params(deep=False)
    if "estimator" in known:
        params["estimator"] = TINY
    return clone(kind(**{name: value for name, value in params.items() if name in known}))


def on_tables():
    return [one for one in public_estimators() if one.__name__ not in NOT_ON_TABLES]


@pytest.mark.parametrize("kind", public_estimators())
def test_every_estimator_before_its_fit(tmp_path, kind):
    round_trip(small_instance(kind), tmp_path)


@pytest.mark.parametrize("kind", on_tables())
def test_every_estimator_on_a_table(tmp_path, kind):
    X, y = small_table()
    estimator = small_instance(kind).fit(X, y)
    again = round_trip(estimator, tmp_path)
    apply = "predict" if hasattr(kind, "predict") else "transform"
    np.testing.assert_array_equal(getattr(again, apply)(X), getattr(estimator, apply)(X))


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation(tmp_path, activation):
    pipeline = fitted_pipeline(activation=activation)
    # What the next fit shall do changes nothing about this one.
    pipeline.set_params(model__activation="relu", model__scaling=None)
    again = round_trip(pipeline, tmp_path)
    np.testing.assert_array_equal(predict(again), predict(pipeline))


@pytest.mark.parametrize("solver", ["kalman", "lm", "adamw"])
def test_every_solver(tmp_path, solver):
    transformer = make_transformer(elements=("H", "C", "O"))
    pipeline = fitted_pipeline(transformer, solver=solver, net_params={"warm_start": False})
    again = round_trip(pipeline, tmp_path)
    np.testing.assert_array_equal(predict(again), predict(pipeline))
    names = pipeline[0].get_feature_names_out()
    np.testing.assert_array_equal(again[0].get_feature_names_out(), names)


@pytest.mark.parametrize(
    "selector",
    [
        CURSelector(6),
        PearsonSelector(6, initial=1),
        AdaptiveGroupLassoSelector(TINY, alpha=0.3, feature_costs=np.linspace(1, 2, N_FUNCTIONS)),
        WaldSelector(9, estimator=TINY, step=0.3),
        WeightNormSelector(9, estimator=TINY),
        StabilitySelector(CURSelector(6), n_resamples=2, threshold=0.5),
    ],
    ids=lambda selector: type(selector).__name__,
)
def test_selectors_of_several_elements(tmp_path, selector):
    pipeline = fitted_pipeline(selector=selector, hidden_layer_sizes=())
    again = round_trip(pipeline, tmp_path)
    np.testing.assert_array_equal(again[1].get_support(), pipeline[1].get_support())
    np.testing.assert_array_equal(predict(again), predict(pipeline))
    X = pipeline[1].transform(draw_features(pipeline[0].symmetry_functions_))
    restored = again[1].inverse_transform(X)
    np.testing.assert_array_equal(restored.values, pipeline[1].inverse_transform(X).values)
    assert restored.symmetry_functions == pipeline[0].symmetry_functions_


def test_columns_left_out(tmp_path):
    weights = np.where(np.arange(N_FUNCTIONS) % 3, 1.0, np.inf)
    pipeline = fitted_pipeline(feature_weights=weights)
    again = round_trip(pipeline, tmp_path)
    np.testing.assert_array_equal(predict(again), predict(pipeline))


@pytest.fixture(scope="module")
def structures():
    return some_structures()


@pytest.fixture(scope="module")
def potential(structures):
    """A potential of structures, with forces, behind a selector."""
    # Functions that are compiled within seconds.
    pipeline = trained_pipeline(structures, CURSelector(5), functions=FUNCTIONS[:2])
    X = pipeline[:-1].transform(structures)
    forces = [np.random.default_rng(2).normal(size=(len(atoms), 3)) for atoms in structures]
    pipeline[-1].fit(X, pipeline[-1].predict(X) + np.arange(len(structures)), forces)
    return pipeline


def test_potentials_trained_on_forces(tmp_path, structures, potential):
    again = round_trip(potential, tmp_path)
    assert again[-1].validation_force_rmse_ > 0
    np.testing.assert_array_equal(again.predict(structures), potential.predict(structures))
    forces = predict_forces(potential, structures)
    for own, expected in zip(predict_forces(again, structures), forces, strict=True):
        np.testing.assert_array_equal(own, expected)


def test_calculators_and_their_warnings(tmp_path, structures, potential):
    again = round_trip(potential, tmp_path)
    far = structures[0].copy()
    far.set_cell(0.9 * far.cell, scale_atoms=True)
    with pytest.warns(ExtrapolationWarning) as expected:
        energy = HDNNPCalculator(potential).get_potential_energy(far)
    with pytest.warns(ExtrapolationWarning) as found:
        assert HDNNPCalculator(again).get_potential_energy(far) == energy
    assert str(found[0].message) == str(expected[0].message)


def test_fits_begin_anew(tmp_path, structures, potential):
    again = round_trip(potential, tmp_path)
    energies = np.arange(len(structures)) / 7.0
    fitted = clone(potential).fit(structures, energies)
    np.testing.assert_array_equal(
        again.fit(structures, energies).predict(structures), fitted.predict(structures)
    )


@pytest.mark.parametrize("reduce", [StandardScaler(), MinMaxScaler(), VarianceThreshold(0.1)])
def test_tables_with_steps_of_scikit_learn(tmp_path, reduce):
    X, y = small_table()
    pipeline = make_pipeline(
        clone(reduce), SelectKBest(f_regression, k=3), "passthrough", clone(TINY)
    ).fit(X, y)
    again = round_trip(pipeline, tmp_path)
    np.testing.assert_array_equal(again.predict(X), pipeline.predict(X))


def test_missing_values_in_a_scaler(tmp_path):
    X = np.array([[1.0, 2.0], [np.nan, 5.0], [0.0, 1.0]])
    round_trip(StandardScaler().fit(X), tmp_path)


def test_output_as_a_table_with_names(tmp_path):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(small_table()[0], columns=list("abcde"))
    selector = CURSelector(2).set_output(transform="pandas")
    round_trip(selector, tmp_path)
    again = round_trip(selector.fit(X), tmp_path)
    assert list(again.transform(X).columns) == list(selector.get_feature_names_out())


def test_parameters_of_all_kinds(tmp_path):
    round_trip(AtomPooler(("sum", "mean"), absent=float("nan")), tmp_path)
    round_trip(HDNNPRegressor(np.array([3, 2]), alpha=np.float64(0.1)), tmp_path)
    round_trip(HDNNPRegressor(feature_weights=[1.0, np.inf]), tmp_path)
    round_trip(SymmetryFunctionTransformer("al-22", elements=np.array(["Al"])), tmp_path)
    round_trip(HDNNPRegressor(net_params={"process_noise": (1e-5, 1e-9)}), tmp_path)


def test_files_hold_the_functions_of_a_set_and_not_its_name_alone(tmp_path):
    function = SymmetryFunction("G2", eta=0.3, r_cut=4.0)
    transformer = SymmetryFunctionTransformer([function]).fit([bulk("Si", cubic=True)])
    save(transformer.set_params(symmetry_functions="b-60"), tmp_path / "a.npz")
    assert load(tmp_path / "a.npz").symmetry_functions_ == transformer.symmetry_functions_


def test_places_are_left_out(tmp_path):
    save(SymmetryFunctionTransformer(memmap_folder=tmp_path), tmp_path / "a.npz")
    assert load(tmp_path / "a.npz").memmap_folder is None
    save(AdaptiveGroupLassoSelector(checkpoint="here"), tmp_path / "b.npz")
    assert load(tmp_path / "b.npz").checkpoint is None


def test_equal_estimators_make_equal_files(tmp_path):
    pipeline = fitted_pipeline()
    save(pipeline, tmp_path / "a.npz")
    save(load(tmp_path / "a.npz"), str(tmp_path / "b.npz"))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Ridge(), "type Ridge"),
        (Pipeline([("model", Ridge())]), "steps.*type Ridge"),
        (HDNNPRegressor(callbacks=[EpochTimer()]), "callbacks.*EpochTimer.*None"),
        (HDNNPRegressor(random_state=np.random.RandomState(0)), "random_state.*RandomState"),
        (SelectKBest(lambda X, y: X[0]), "score_func.*function"),
        (HDNNPRegressor(alpha=-1.0), "alpha"),
        (HDNNPRegressor(net_params={(1, 2): 3}), "net_params.*key"),
        (HDNNPRegressor(feature_weights=np.array([1j])), "feature_weights.*complex"),
        (None, "no estimator"),
        ([1, 2], "no estimator"),
    ],
)
def test_what_cannot_be_saved(tmp_path, estimator, message):
    path = tmp_path / "a.npz"
    path.write_text("before")
    with pytest.raises(ValueError, match=f"{type(estimator).__name__} cannot be saved.*{message}"):
        save(estimator, path)
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["a.npz"]


def test_fits_that_failed_are_not_saved(tmp_path):
    selector = CURSelector(2)
    selector.n_features_in_ = 5
    with pytest.raises(ValueError, match="'_symmetry_functions' is missing"):
        save(selector, tmp_path / "a.npz")


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "a.npz")


class Unpacked:
    """A file whose members can be changed."""

    def __init__(self, path):
        self.path = path
        with zipfile.ZipFile(path) as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}
        self.described = json.loads(self.members.pop("estimator.json"))
        (self.content,) = self.described["estimator"].values()

    def set_array(self, name, array, **kwargs):
        file = io.BytesIO()
        np.lib.format.write_array(file, array, **kwargs)
        self.members[f"{self.content['state'][name]['array']}.npy"] = file.getvalue()

    def array_name(self, name):
        return f"{self.content['state'][name]['array']}.npy"

    def write(self, compression=zipfile.ZIP_STORED):
        with zipfile.ZipFile(self.path, "w", compression) as archive:
            archive.writestr("estimator.json", json.dumps(self.described))
            for name, content in self.members.items():
                archive.writestr(name, content)

    def assert_refused(self, message):
        self.write()
        with pytest.raises(ValueError, match=f"{self.path.name} cannot be loaded: .*{message}"):
            load(self.path)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "a.npz"
    X, y = small_table()
    save(clone(TINY).fit(X, y), path)
    return path


@pytest.fixture
def unpacked(saved, tmp_path):
    path = tmp_path / "b.npz"
    path.write_bytes(saved.read_bytes())
    return Unpacked(path)


def test_members_unchanged(unpacked, saved):
    unpacked.write()
    assert_same(load(unpacked.path), load(saved))


def test_newer_versions(unpacked):
    unpacked.described |= {"version": 3, "written_by": "sklearn_agl 7.0", "more": 1}
    unpacked.assert_refused("version 3.*sklearn_agl 7.0.*update sklearn_agl")


@pytest.mark.parametrize("change", [{"version": "1"}, {"version": 0}, {"format": "other"}])
def test_no_version(unpacked, change):
    unpacked.described |= change
    unpacked.assert_refused("does not say which version")


def test_unknown_parts(unpacked):
    unpacked.described["comment"] = "hello"
    unpacked.assert_refused("unexpected parts")


@pytest.mark.parametrize("name", ["Ridge", "os.system", "sklearn_agl.io.save"])
def test_unknown_classes(unpacked, name):
    unpacked.described["estimator"] = {name: unpacked.content}
    unpacked.assert_refused(f"unknown tag '{name}'")


def test_unknown_parameters(unpacked):
    unpacked.content["params"]["shell"] = "rm"
    unpacked.assert_refused("unknown parameter 'shell'")


def test_places(unpacked):
    unpacked.described["estimator"] = {"WaldSelector": {"params": {"checkpoint": "/etc"}}}
    unpacked.assert_refused("unknown parameter 'checkpoint'")


def test_parameters_that_are_left_out_are_defaults(unpacked):
    del unpacked.content["params"]["lr"]
    unpacked.write()
    assert load(unpacked.path).lr == HDNNPRegressor().lr


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"alpha": "much"}, "'alpha' parameter"),
        ({"callbacks": [{"function": "system"}]}, "callbacks: unknown function"),
        ({"hidden_layer_sizes": {"array": "0.npy"}}, "hidden_layer_sizes.*array '0.npy'"),
        ({"alpha": {"float": "1.0"}}, "alpha: '1.0'"),
        ({"alpha": {"float": [1]}}, "alpha"),
        ({"net_params": {"dict": [["a", 1], ["a", 2]]}}, "net_params: .*'a' occurs twice"),
        ({"alpha": {"float": "nan", "tuple": []}}, "one tag"),
        ({"alpha": {}}, "one tag"),
        ({"alpha": {"symmetry_function": {"kind": "G2", "eta": 1.0, "eval": 1}}}, "'eval'"),
        ({"alpha": {"path": {}}}, "SelectionPath"),
    ],
)
def test_unsound_values(unpacked, params, message):
    unpacked.content["params"] |= params
    unpacked.assert_refused(message)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", '{"a": 1, "a": 1}'])
def test_unsound_json(unpacked, text):
    unpacked.members["estimator.json"] = text
    with zipfile.ZipFile(unpacked.path, "w") as archive:
        archive.writestr("estimator.json", text)
    with pytest.raises(ValueError, match=r"b.npz cannot be loaded: .*(JSON|description)"):
        load(unpacked.path)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("weights", np.zeros(3), "weights: must have size"),
        ("weights", np.zeros((15, 1)), "weights: must have 1 dimension"),
        ("weights", np.arange(15), "weights: must be an array of kind 'f'"),
        ("weights", np.full(15, np.nan), "weights: must be finite"),
        ("divisor", np.zeros(5), "divisor: must be at least"),
        ("ranges", np.zeros((4, 2)), "ranges: must have size 5"),
        ("references", np.zeros(2), "references: must have size 1"),
        ("hidden_layer_sizes", np.array([2**62, 4]), "hidden_layer_sizes"),
        ("weights", np.array([2 + 1j]), "of a kind"),
        ("weights", np.zeros(15, ">f8"), "of a kind"),
        ("ranges", np.zeros((5, 2), order="F"), "of a kind"),
        ("weights", np.array([None]), "of a kind"),
    ],
)
def test_unsound_arrays(unpacked, name, array, message):
    unpacked.set_array(name, array)
    unpacked.assert_refused(message)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("deviation", 0.0, "deviation: must be finite and at least"),
        ("deviation", None, "deviation: must be a number"),
        ("n_iter_", -1, "n_iter_"),
        ("n_features_in_", 10**30, "offset: must have size"),
        ("activation", "cosh", "activation: must be one of"),
        ("columns", {"dict": [[1, [0, 1]]]}, "columns: must be an array"),
        ("columns", {"dict": [[119, [0, 1]]]}, "columns: 119 is no atomic number"),
        ("columns", {"dict": []}, "columns: must be a dict"),
        ("solver_", "kalman", "unknown attribute 'solver_'"),
    ],
)
def test_unsound_state(unpacked, name, value, message):
    if name == "columns":
        ((_, array),) = unpacked.content["state"]["columns"]["dict"]
        del unpacked.members[f"{array['array']}.npy"]
    unpacked.content["state"][name] = value
    unpacked.assert_refused(message)


def test_missing_state(unpacked):
    del unpacked.content["state"]["deviation"]
    unpacked.assert_refused("attribute 'deviation' is missing")


def test_more_arrays(unpacked):
    unpacked.members["more.npy"] = unpacked.members["0.npy"]
    unpacked.assert_refused("an array too many, 'more'")


def test_more_members(unpacked):
    unpacked.members["evil.py"] = b"import os"
    unpacked.assert_refused("'evil.py' is no array")


def test_missing_arrays(unpacked):
    del unpacked.members[unpacked.array_name("weights")]
    unpacked.assert_refused("weights: array .* is missing")


def test_arrays_used_twice(unpacked):
    unpacked.content["state"]["offset"] = unpacked.content["state"]["divisor"]
    unpacked.assert_refused("is missing, or used twice")


def test_headers_that_promise_much(unpacked):
    file = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (2**40,)}
    np.lib.format.write_array_header_1_0(file, header)
    unpacked.members[unpacked.array_name("weights")] = file.getvalue()
    unpacked.assert_refused("shorter or longer than its header says")


def test_bombs(unpacked):
    unpacked.members["more.npy"] = bytes(10**7)
    unpacked.write(zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="it is compressed"):
        load(unpacked.path)


def test_two_members_of_one_name(unpacked):
    unpacked.write()
    with (
        zipfile.ZipFile(unpacked.path, "a") as archive,
        pytest.warns(UserWarning, match="Duplicate name"),
    ):
        archive.writestr("0.npy", unpacked.members["0.npy"])
    with pytest.raises(ValueError, match="two members have one name"):
        load(unpacked.path)


def test_other_files(tmp_path):
    np.savez(tmp_path / "a.npz", weights=np.zeros(3))
    with pytest.raises(ValueError, match="no file of sklearn_agl"):
        load(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(b"")
    with pytest.raises(ValueError, match=r"b.npz cannot be loaded: .*zip"):
        load(tmp_path / "b.npz")


def test_arrays_open_without_this_package(saved):
    model = load(saved)
    with np.load(saved, allow_pickle=False) as file:
        arrays = [file[name] for name in file.files if name != "estimator.json"]
    assert any(np.array_equal(model.weights_, array) for array in arrays)


def test_first_version_of_the_format():
    """`tests/data/format_1.npz` was written by the first release; every later one reads it."""
    pipeline = load(DATA / "format_1.npz")
    expected = json.loads((DATA / "format_1.json").read_text())
    structures = some_structures(4, seed=3)
    np.testing.assert_allclose(pipeline.predict(structures), expected["energies"], rtol=1e-11)
    forces = np.concatenate(predict_forces(pipeline, structures))
    np.testing.assert_allclose(forces, expected["forces"], rtol=0, atol=1e-10)
    assert pipeline[1].get_support(indices=True).tolist() == expected["support"]
    assert pipeline[0].r_cut == R_CUT
    assert pipeline[-1].repulsion_ is None
