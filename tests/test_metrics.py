import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score

from sklearn_agl import AtomicFeatures, HDNNPRegressor
from sklearn_agl.metrics import count_atoms, neg_rmse_per_atom, rmse_per_atom

NAN = np.nan
RAGGED = np.array([[[1.0], [2.0], [3.0]], [[4.0], [NAN], [NAN]], [[5.0], [6.0], [NAN]]])
STRUCTURES = [Atoms("H3", np.eye(3)), Atoms("H"), Atoms("H2", np.eye(3)[:2])]


class Constant(RegressorMixin, BaseEstimator):
    """Predicts the same energy for everything it is given."""

    def __init__(self, energy=0.0):
        self.energy = energy

    def fit(self, X, y):
        self.is_fitted_ = True
        return self

    def predict(self, X):
        return np.full(len(X), self.energy)


def test_rmse_per_atom():
    error = rmse_per_atom([3.0, 1.0, 2.0], [0.0, 0.0, 6.0], [3, 1, 2])
    assert error == pytest.approx(np.sqrt((1 + 1 + 4) / 3))
    assert rmse_per_atom([3.0, 1.0], [0.0, 4.0], 3) == pytest.approx(1.0)


def test_rmse_of_large_energies_keeps_its_digits():
    assert rmse_per_atom([1e6 + 1.0], [1e6], [1]) == 1.0


@pytest.mark.parametrize(
    ("y_pred", "n_atoms", "message"),
    [
        ([1.0], [1, 1], r"y_true has shape \(2,\), but y_pred has shape \(1,\)"),
        ([1.0, 2.0], [1, 1, 1], r"y_true has shape \(2,\), but n_atoms has shape \(3,\)"),
        ([1.0, 2.0], [1, 0], "Structure 1 has no atom"),
        ([1.0, NAN], [1, 1], "y_pred of structure 1 is nan"),
    ],
)
def test_bad_input(y_pred, n_atoms, message):
    with pytest.raises(ValueError, match=message):
        rmse_per_atom([1.0, 2.0], y_pred, n_atoms)


@pytest.mark.parametrize(
    "X", [RAGGED, AtomicFeatures(RAGGED), STRUCTURES, tuple(STRUCTURES)], ids=type
)
def test_counts_of_atoms(X):
    assert count_atoms(X).tolist() == [3, 1, 2]
    score = neg_rmse_per_atom(Constant(), X, [3.0, -1.0, 4.0])
    assert score == pytest.approx(-np.sqrt((1 + 1 + 4) / 3))


@pytest.mark.parametrize("X", [np.ones((3, 2)), pd.DataFrame(np.ones((3, 2))), [[1, 2]] * 3])
def test_a_row_is_one_atom(X):
    assert count_atoms(X).tolist() == [1, 1, 1]


def test_lengths_that_differ():
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[3, 2\]"):
        neg_rmse_per_atom(Constant(), RAGGED, [1.0, 2.0])


def test_cross_validation_of_structures():
    structures, energies = STRUCTURES * 4, [3.0, 1.0, 2.0] * 4
    scores = cross_val_score(Constant(), structures, energies, scoring=neg_rmse_per_atom, cv=4)
    np.testing.assert_allclose(scores, -1.0)


def test_grid_search_of_structures():
    structures, energies = STRUCTURES * 4, [1.0] * 12
    search = GridSearchCV(Constant(), {"energy": [5.0, 1.0]}, scoring=neg_rmse_per_atom)
    assert search.fit(structures, energies).best_params_ == {"energy": 1.0}


def test_grid_search_of_a_table():
    X = np.arange(20.0)[:, None]
    search = GridSearchCV(Ridge(), {"alpha": [1e4, 1e-6]}, scoring=neg_rmse_per_atom)
    search.fit(X, X[:, 0])
    assert search.best_params_ == {"alpha": 1e-6}
    assert -1e-5 < search.best_score_ < 0


def test_grid_search_of_features():
    X = AtomicFeatures(np.random.default_rng(0).normal(size=(30, 4, 2)))
    y = X.values[:, :, 0].sum(axis=1)
    search = GridSearchCV(
        HDNNPRegressor(max_epochs=5, random_state=0),
        {"alpha": [0.0, 1e3]},
        scoring=neg_rmse_per_atom,
        cv=2,
    )
    assert search.fit(X, y).best_params_ == {"alpha": 0.0}
