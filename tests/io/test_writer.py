"""Potentials for n2p2: what is written, and that it is read back as it was."""

import os

import numpy as np
import pytest
from ase.data import atomic_numbers, chemical_symbols
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AtomicFeatures,
    PearsonSelector,
    SymmetryFunction,
)
from sklearn_agl.io import read_n2p2, write_n2p2
from sklearn_agl.io._networks import ACTIVATIONS

from ._folders import COMPLETE, SMALL, needs_complete_numbers
from ._potentials import draw_features, fitted_pipeline, make_transformer, predict

SCALINGS = ["standard", "minmax", "center", "sigma", None]
FOLDERS = ["n2p2_lj", "n2p2_al", "h2o_rpbe_potential", "zuo_cu", "zuo_si"]


def assert_same_predictions(pipeline, folder):
    write_n2p2(pipeline, folder)
    again = read_n2p2(folder)
    np.testing.assert_allclose(predict(again), predict(pipeline), rtol=1e-12)
    return again


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS.values()))
def test_round_trip_of_every_scaling_and_activation(tmp_path, activation, scaling):
    assert_same_predictions(fitted_pipeline(activation=activation, scaling=scaling), tmp_path)


@pytest.mark.parametrize("hidden", [(), (5,), (4, 3, 2)])
@pytest.mark.parametrize("elements", [("O",), ("H", "C", "O")])
def test_round_trip_of_shapes_and_elements(tmp_path, elements, hidden):
    transformer = make_transformer(elements=elements)
    assert_same_predictions(fitted_pipeline(transformer, hidden_layer_sizes=hidden), tmp_path)


@pytest.mark.parametrize("cutoff", ["cosine", "tanhu", "tanh", "exp", "poly1", "poly4", "hard"])
def test_round_trip_of_cutoffs(tmp_path, cutoff):
    transformer = make_transformer(cutoff=cutoff)
    again = assert_same_predictions(fitted_pipeline(transformer), tmp_path)
    assert {f.cutoff for f in again[0].symmetry_functions_} == {cutoff}


def test_round_trip_behind_selectors(tmp_path):
    pipeline = fitted_pipeline(selector=PearsonSelector(9), zeros=(0, 4))
    again = assert_same_predictions(pipeline, tmp_path)
    chosen = pipeline[1].get_support(indices=True)[[1, 2, 3, 5, 6, 7, 8]]
    functions = pipeline[0].symmetry_functions_
    assert set(again[0].symmetry_functions_) == {functions[i] for i in chosen}


def test_round_trip_behind_a_group_lasso(tmp_path):
    selector = AdaptiveGroupLassoSelector(alpha=3.0, random_state=0)
    pipeline = fitted_pipeline(selector=selector)
    again = assert_same_predictions(pipeline, tmp_path)
    chosen = pipeline[1].transform(draw_features(pipeline[0].symmetry_functions_))
    assert set(again[0].symmetry_functions_) == set(chosen.symmetry_functions)


def test_excluded_features_are_left_out(tmp_path):
    transformer = make_transformer()
    weights = np.ones(transformer.n_features_out_)
    weights[[0, 3]] = np.inf
    pipeline = fitted_pipeline(transformer, feature_weights=weights)
    again = assert_same_predictions(pipeline, tmp_path)
    assert again[0].n_features_out_ == transformer.n_features_out_ - 2


def test_an_element_without_functions_keeps_its_energy(tmp_path):
    transformer = make_transformer()
    hydrogen = [i for i, f in enumerate(transformer.symmetry_functions_) if f.center == "H"]
    pipeline = fitted_pipeline(transformer, zeros=hydrogen)
    again = assert_same_predictions(pipeline, tmp_path)
    own = [f for f in again[0].symmetry_functions_ if f.center == "H"]
    assert [(f.kind, f.eta, f.neighbors) for f in own] == [("G2", 0.0, ("H",))]


def test_a_potential_without_functions_is_a_constant(tmp_path):
    transformer = make_transformer()
    everything = range(transformer.n_features_out_)
    assert_same_predictions(fitted_pipeline(transformer, zeros=everything), tmp_path)


class WithoutHydrogen(SelectorMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.support_ = np.array([f.center != "H" for f in X.symmetry_functions])
        self.n_features_in_ = X.n_features
        return self

    def transform(self, X):
        return X.take_features(self.support_)

    def _get_support_mask(self):
        return self.support_


def test_an_element_without_selected_functions_keeps_its_energy(tmp_path):
    assert_same_predictions(fitted_pipeline(selector=WithoutHydrogen()), tmp_path)


@pytest.mark.parametrize("offset", [0.0, 0.4])
def test_neighbours_that_the_potential_does_not_know_are_left_out(tmp_path, offset):
    transformer = make_transformer(elements=("H", "C", "O"))
    functions = transformer.symmetry_functions_
    with_carbon = [i for i, f in enumerate(functions) if "C" in (f.neighbors or ())]
    X = draw_features(functions, ("H", "O"))
    values = X.values.copy()
    values[:, :, with_carbon] = np.where(np.isnan(values[:, :, with_carbon]), np.nan, 0.0)
    X = AtomicFeatures(values, X.numbers, symmetry_functions=functions)
    pipeline = fitted_pipeline(transformer, X=X)
    pipeline[-1].potential_.feature_scaler.offset_[with_carbon] = offset
    write_n2p2(pipeline, tmp_path)
    again = read_n2p2(tmp_path)
    kept = [functions.index(f) for f in again[0].symmetry_functions_]
    assert not set(kept) & set(with_carbon)
    expected = pipeline[-1].predict(X)
    np.testing.assert_allclose(again[-1].predict(X.take_features(kept)), expected, rtol=1e-12)


def test_inner_radii_are_read_back_exactly(tmp_path):
    functions = [
        SymmetryFunction("G2", eta=eta, r_cut=r_cut, r_inner=0.3 * r_cut)
        for eta, r_cut in [(0.1, 3.7), (0.2, 4.1), (0.3, 5.3)]
    ]
    pipeline = fitted_pipeline(make_transformer(functions, elements=("O",)))
    again = assert_same_predictions(pipeline, tmp_path)
    assert set(again[0].symmetry_functions_) == set(pipeline[0].symmetry_functions_)


def assert_equal_state(first, second):
    assert first[0].symmetry_functions_ == second[0].symmetry_functions_
    model, other = first[-1], second[-1]
    for name in ("weights_", "feature_ranges_", "energy_references_", "feature_names_in_"):
        np.testing.assert_array_equal(getattr(model, name), getattr(other, name), err_msg=name)
    features, expected = model.potential_.feature_scaler, other.potential_.feature_scaler
    np.testing.assert_array_equal(features.offset_, expected.offset_)
    np.testing.assert_array_equal(features.divisor_, expected.divisor_)
    assert model.potential_.energy_scaler.deviation_ == other.potential_.energy_scaler.deviation_
    assert model.activation == other.activation


def test_what_was_read_is_written_exactly(tmp_path):
    pipeline = read_n2p2(SMALL)
    write_n2p2(pipeline, tmp_path)
    assert_equal_state(read_n2p2(tmp_path), pipeline)


@needs_complete_numbers
@pytest.mark.parametrize("name", FOLDERS)
def test_what_was_read_of_n2p2_is_written_exactly(tmp_path, name):
    pipeline = read_n2p2(COMPLETE / name)
    write_n2p2(pipeline, tmp_path)
    assert_equal_state(read_n2p2(tmp_path), pipeline)


def test_files_are_the_same_on_the_second_way(tmp_path):
    write_n2p2(fitted_pipeline(), tmp_path / "first")
    write_n2p2(read_n2p2(tmp_path / "first"), tmp_path / "second")
    for path in (tmp_path / "first").iterdir():
        if path.name != "input.nn":  # conv_energy is a reciprocal, which rounds
            assert path.read_text() == (tmp_path / "second" / path.name).read_text()


def read_with_numpy(folder, X, energy_of):
    """Energies from the files alone, in n2p2's words: an element after the other."""
    words = [line.split() for line in (folder / "input.nn").read_text().splitlines()]
    settings = {line[0]: line[1:] for line in words if line}
    offsets = {line[1]: float(line[2]) for line in words if line and line[0] == "atom_energy"}
    nodes = [int(n) for n in settings["global_nodes_short"]]
    scaling = np.loadtxt(folder / "scaling.data")
    names = [f.name for f in X.symmetry_functions]
    energies = np.zeros(len(X))
    for e, symbol in enumerate(settings["elements"]):
        own = scaling[scaling[:, 0] == e + 1]
        z = atomic_numbers[symbol]
        columns = [names.index(name) for name in energy_of[symbol]]
        values = np.loadtxt(folder / f"weights.{z:03d}.data", usecols=0)
        outputs = (X.values[:, :, columns] - own[:, 4]) / own[:, 5]
        sizes = [len(own), *nodes, 1]
        for k, (n_in, n_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
            weights, values = values[: n_in * n_out].reshape(n_in, n_out), values[n_in * n_out :]
            outputs = outputs @ weights + values[:n_out]
            outputs, values = np.tanh(outputs) if k < len(nodes) else outputs, values[n_out:]
        mine = outputs[..., 0] / float(settings["conv_energy"][0]) + offsets.get(symbol, 0.0)
        mine = mine + float(settings["mean_energy"][0])
        energies += np.where(X.numbers == z, mine, 0.0).sum(axis=1)
    return energies


@pytest.mark.parametrize("elements", [("O",), ("H", "O")])
def test_the_files_say_what_n2p2_computes(tmp_path, elements):
    transformer = make_transformer(elements=elements)
    pipeline = fitted_pipeline(transformer)
    write_n2p2(pipeline, tmp_path)
    functions = transformer.symmetry_functions_
    # n2p2's order: type, r_cut, eta, r_s, zeta, lambda, neighbours.
    types = {
        ("G2", False): 2,
        ("G4", False): 3,
        ("G5", False): 9,
        ("G2", True): 12,
        ("G4", True): 13,
    }
    order = sorted(
        functions,
        key=lambda f: (
            types[f.kind, f.weighted], f.r_cut, f.eta, f.r_s, f.zeta or 0, f.lambda_ or 0,
            [chemical_symbols.index(s) for s in f.neighbors or ()],
        ),
    )  # fmt: skip
    own = {symbol: [f.name for f in order if f.center == symbol] for symbol in elements}
    X = draw_features(functions, elements, seed=3)
    expected = read_with_numpy(tmp_path, X, own)
    np.testing.assert_allclose(pipeline[-1].predict(X), expected, rtol=1e-12)
    lines = [line for line in (tmp_path / "input.nn").read_text().splitlines() if "symf" in line]
    numbers = [int(line.split()[2]) for line in lines if line.split()[1] == elements[0]]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ([SymmetryFunction("G1")], r"no counterpart of the G1 function O\|G1\(O"),
        ([SymmetryFunction("G3", kappa=1.0)], r"the G3 function O\|G3\(O, kappa=1"),
        (
            [SymmetryFunction("G5", eta=0.1, zeta=1, lambda_=1, weighted=True)],
            r"the weighted G5 function O\|G5\(weighted",
        ),
        (
            [SymmetryFunction("G4", eta=0.1, zeta=1, lambda_=1, r_s=-0.2)],
            r"G4\(O-O, eta=0.1, r_s=-0.2.* has a negative r_s",
        ),
        (
            [SymmetryFunction("G2", eta=0.1), SymmetryFunction("G2", eta=0.2, cutoff="cosine")],
            r"have different cutoff functions",
        ),
        (
            [SymmetryFunction("G2", eta=0.1), SymmetryFunction("G2", eta=0.2, r_inner=1.0)],
            r"The inner radii of .* different fractions",
        ),
    ],
)
def test_what_n2p2_does_not_have_is_named(tmp_path, functions, message):
    pipeline = fitted_pipeline(make_transformer(functions, elements=("O",)))
    with pytest.raises(ValueError, match=message):
        write_n2p2(pipeline, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_functions_that_are_not_used_do_not_matter(tmp_path):
    functions = [SymmetryFunction("G1"), SymmetryFunction("G2", eta=0.2)]
    pipeline = fitted_pipeline(make_transformer(functions, elements=("O",)), zeros=[0])
    assert_same_predictions(pipeline, tmp_path)


def test_silu_is_refused(tmp_path):
    with pytest.raises(ValueError, match="n2p2 has no activation 'silu'"):
        write_n2p2(fitted_pipeline(activation="silu"), tmp_path)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    pipeline = fitted_pipeline()
    pipeline[-1].weights_[3] = np.nan
    with pytest.raises(ValueError, match="weights that are not finite"):
        write_n2p2(pipeline, tmp_path)


def test_other_estimators_are_refused(tmp_path):
    with pytest.raises(ValueError, match="must be a fitted Pipeline"):
        write_n2p2(fitted_pipeline()[-1], tmp_path)


def test_files_are_replaced_only_when_asked(tmp_path):
    write_n2p2(fitted_pipeline(), tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    other = fitted_pipeline(random_state=1)
    with pytest.raises(FileExistsError, match="exists; write elsewhere, or .*overwrite=True"):
        write_n2p2(other, tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before
    write_n2p2(other, tmp_path, overwrite=True)
    np.testing.assert_allclose(predict(read_n2p2(tmp_path)), predict(other), rtol=1e-12)


def test_a_write_that_fails_leaves_no_potential_behind(tmp_path, monkeypatch):
    write_n2p2(fitted_pipeline(), tmp_path)
    replace, calls = os.replace, []

    def fail_at_third(source, target):
        calls.append(target)
        if len(calls) == 3:
            raise OSError("disk full")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_at_third)
    with pytest.raises(OSError, match="disk full"):
        write_n2p2(fitted_pipeline(random_state=1), tmp_path, overwrite=True)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"weights.001.data", "weights.008.data", "scaling.data"}
