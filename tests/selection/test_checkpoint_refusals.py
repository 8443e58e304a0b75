"""Folders that a run cannot go on with, and what tells runs apart."""

import os
import pickle
import time
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from sklearn.base import clone
from skorch.callbacks import EarlyStopping

from sklearn_agl import AtomicFeatures, HDNNPRegressor, WaldSelector
from sklearn_agl.potentials.data._training_set import TrainingSet
from sklearn_agl.selection.runs import _checkpoint
from sklearn_agl.selection.runs._checkpoint import identify
from tests.selection import _runs
from tests.selection._runs import (
    TABLE,
    count_trainings,
    eliminate,
    eliminate_with_refits,
    follow,
    select,
)

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"min_features": 2}, r"min_features \(3 there, 2 here\)"),
        ({"gamma": 2.0}, r"gamma \(1.0 there, 2.0 here\)"),
        ({"alphas": [0.1, 1.0]}, r"alphas \(None there, \[0.1, 1.0\] here\)"),
        ({"random_state": 1}, r"random_state \(0 there, 1 here\)"),
        ({"solver": "adamw"}, r"estimator.solver \(kalman there, adamw here\)"),
    ],
)
def test_folder_of_other_settings_is_refused(finished, params, words):
    with pytest.raises(ValueError, match=words) as caught:
        follow(checkpoint=finished, **params)
    assert f"checkpoint={str(finished)!r} holds a run with other " in str(caught.value)
    assert "Give another folder, or delete this one" in str(caught.value)


@pytest.mark.parametrize(
    ("change_x", "change_y", "name"),
    [(1e-15, 0.0, "features"), (0.0, 1e-9, "energies")],
)
def test_folder_of_other_data_is_refused(finished, monkeypatch, change_x, change_y, name):
    X, y = TABLE[0].copy(), TABLE[1].copy()
    X[3, 2] += change_x * X[3, 2]
    y[5] += change_y
    monkeypatch.setattr(_runs, "TABLE", (X, y))
    with pytest.raises(
        ValueError, match=rf"with other {name} \(100\S* [^,]* there, 100[^,]* here\)\. Give"
    ):
        follow(checkpoint=finished)


def test_forces_belong_to_structures():
    """Functions may have equal values in two structures and change differently from there."""

    def identity(a, forces):
        structures = [Atoms("H", cell=[a, 3, 3], pbc=True)] * 2
        X = AtomicFeatures(np.ones((2, 1, 1)), np.ones((2, 1), int), structures=structures)
        data = TrainingSet.from_user(HDNNPRegressor(), X, [1.0, 2.0], forces)
        return identify({}, None, data, HDNNPRegressor())

    def differing(forces):
        first, second = identity(3.0, forces), identity(3.1, forces)
        return [name for name in first if first[name] != second[name]]

    assert differing([np.zeros((1, 3))] * 2) == ["structures"]
    assert differing(None) == []


def test_folder_of_another_function_or_version_is_refused(finished, monkeypatch):
    with pytest.raises(ValueError, match=r"run \(group_lasso_path there, WaldSelector here\)"):
        eliminate(checkpoint=finished)
    monkeypatch.setattr(_checkpoint, "__version__", "9.9")
    with pytest.raises(ValueError, match=r"version of sklearn_agl \(.* there, 9.9 here\)"):
        follow(checkpoint=finished)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"cv": 2}, "other rows for training"),
        ({"tol": 0.1}, r"other tol \(None there, 0.1 here\)"),
    ],
)
def test_elimination_with_refits_refuses_other_settings(tmp_path, params, words):
    eliminate_with_refits(checkpoint=tmp_path, n_features_to_select=7)
    with pytest.raises(ValueError, match=words):
        eliminate_with_refits(checkpoint=tmp_path, n_features_to_select=7, **params)


@pytest.mark.parametrize("keep", [0, 100, 0.5, -1])
def test_damaged_state_is_named(tmp_path, finished, keep):
    whole = (finished / "state.npz").read_bytes()
    n_bytes = int(keep * len(whole)) if keep == 0.5 else keep
    (tmp_path / "state.npz").write_bytes(whole[:n_bytes])
    with pytest.raises(ValueError, match="damaged, or no checkpoint.*Delete it to begin") as caught:
        follow(checkpoint=tmp_path)
    assert str(tmp_path / "state.npz") in str(caught.value)


def test_flipped_bit_is_found(tmp_path, finished):
    damaged = bytearray((finished / "state.npz").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "state.npz").write_bytes(damaged)
    with pytest.raises(ValueError, match="damaged"):
        follow(checkpoint=tmp_path)


def test_arrays_of_others_are_no_checkpoint(tmp_path):
    np.savez(tmp_path / "state.npz", weights=np.ones(3))
    with pytest.raises(ValueError, match="no checkpoint of sklearn_agl"):
        follow(checkpoint=tmp_path)


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_folder_that_cannot_be_one_is_refused_before_any_training(tmp_path, monkeypatch, name):
    (tmp_path / "file").write_text("")
    trainings = count_trainings(monkeypatch)
    for run in (follow, eliminate, eliminate_with_refits, select):
        with pytest.raises(ValueError, match=f"{name}' is no folder that can be written to"):
            run(checkpoint=tmp_path / name)
    assert not trainings


@pytest.mark.parametrize("run", [follow, eliminate, eliminate_with_refits, select])
def test_other_types_are_refused(run):
    with pytest.raises(ValueError, match="'checkpoint' parameter"):
        run(checkpoint=3)


def test_old_leftovers_of_kills_are_cleared_away(tmp_path):
    ages = {"state.npz.1.tmp": 7200.0, "state.npz.2.tmp": 0.0, "of_the_user.tmp": 7200.0}
    for name, age in ages.items():
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (time.time() - age, time.time() - age))
    eliminate(checkpoint=tmp_path)
    left = sorted(path.name for path in tmp_path.glob("*.tmp"))
    assert left == ["of_the_user.tmp", "state.npz.2.tmp"]


def test_clone_keeps_the_folder(tmp_path):
    assert clone(WaldSelector(checkpoint=tmp_path)).checkpoint == tmp_path


def test_callbacks_are_described_by_their_parameters():

    first, same, other = (
        _checkpoint.describe([("stop", EarlyStopping(patience=n)), print, np.float64(2.0)])
        for n in (3, 3, 4)
    )
    assert first == same != other
    assert first[1:] == ["builtins.print", 2.0]


AS_BEFORE = {
    "features": "3x3x2 float64 with hash fe369d07ee16f8e8",
    "atomic numbers": "3x3 int64 with hash 33defe876f1b517c",
}
"""What identified the features of `features_padded.pkl` before they were kept as rows."""


@pytest.mark.parametrize("change", [0.0, 1e-15])
def test_folder_of_padded_features_goes_on(tmp_path, change):
    X = pickle.loads((DATA / "features_padded.pkl").read_bytes())
    X = X.with_rows(X.atom_values * (1.0 + change))
    present = {"run": "a run", **_checkpoint.identify_features(X)}
    _checkpoint.Checkpoint(tmp_path, {"run": "a run", **AS_BEFORE}, 7)
    given = (tmp_path, present, 8, lambda: _checkpoint.identify_tensors(X))
    if change:
        with pytest.raises(ValueError, match=r"other features \(3x3x2 .* there, 3x3x2 .* here\)\."):
            _checkpoint.Checkpoint(*given)
    else:
        again = _checkpoint.Checkpoint(*given)
        assert again.seed == 7
        again.save(lambda: {"part": {"one": np.ones(1)}}, list)
        assert _checkpoint.Checkpoint(tmp_path, present, 9).seed == 7
