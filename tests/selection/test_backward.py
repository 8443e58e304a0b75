import numpy as np
import pytest
from sklearn.base import clone
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.model_selection import KFold

from sklearn_agl import AtomicFeatures, BackwardEliminationSelector, HDNNPRegressor
from sklearn_agl.metrics import neg_rmse_per_atom
from sklearn_agl.selection.runs._checkpoint import draw_seed
from tests.selection._planted import planted, planted_atoms

QUICK = HDNNPRegressor((4,), max_epochs=8)


@pytest.fixture(scope="module")
def table():
    X, y, used = planted(0, n_samples=120, n_features=6)
    return X, y, used


def test_same_choices_as_scikit_learn_on_tables(table):
    X, y, _ = table
    folds = list(KFold(2).split(X))
    reference = SequentialFeatureSelector(
        clone(QUICK).set_params(random_state=draw_seed(3)),
        n_features_to_select=3,
        direction="backward",
        scoring=neg_rmse_per_atom,
        cv=folds,
    ).fit(X, y)
    selector = BackwardEliminationSelector(3, estimator=QUICK, cv=folds, random_state=3).fit(X, y)
    np.testing.assert_array_equal(selector.support_, reference.get_support())


def test_scikit_learn_takes_no_atoms():
    X, y = planted_atoms(0, n_structures=20)
    with pytest.raises(ValueError, match="dim 3"):
        SequentialFeatureSelector(QUICK, direction="backward").fit(X, y)


def test_planted_features_stay(table):
    X, y, used = table
    estimator = HDNNPRegressor((6,))
    selector = BackwardEliminationSelector(4, estimator=estimator, random_state=0).fit(X, y)
    assert selector.get_support(indices=True).tolist() == used.tolist()
    assert sorted(selector.ranking_) == [1, 1, 1, 1, 2, 3]
    assert len(selector.errors_) == 3
    assert selector.n_fits_ == 1 + 6 + 5


def test_atoms_of_several_elements():
    X, y = planted_atoms(0, n_structures=60)
    selector = BackwardEliminationSelector(2, estimator=QUICK, tol=0.1, random_state=0).fit(X, y)
    assert selector.get_support(indices=True).tolist() == [1, 6]
    assert selector.transform(X).n_features == 2


def test_an_element_may_lose_all_its_features():
    X, y = planted_atoms(0, n_structures=40)
    selector = BackwardEliminationSelector(1, estimator=QUICK, tol=0.5, random_state=0).fit(X, y)
    assert selector.n_features_ == 1


def test_tolerance_saves_fits(table):
    X, y, _ = table
    common = {"estimator": QUICK, "random_state": 0}
    patient = BackwardEliminationSelector(3, **common).fit(X, y)
    early = BackwardEliminationSelector(3, tol=1e6, **common).fit(X, y)
    assert patient.n_fits_ == 1 + 6 + 5 + 4
    # Whatever is tried first leaves, and what was not tried comes first.
    assert early.n_fits_ == 1 + 3
    assert early.ranking_.tolist() == [4, 3, 2, 1, 1, 1]
    hopeless = BackwardEliminationSelector(3, tol=-0.999, **common).fit(X, y)
    np.testing.assert_array_equal(hopeless.ranking_, patient.ranking_)
    np.testing.assert_array_equal(hopeless.errors_, patient.errors_)


def test_accepted_errors_are_within_the_tolerance_or_the_best(table):
    X, y, _ = table
    selector = BackwardEliminationSelector(2, estimator=QUICK, tol=0.3, random_state=0).fit(X, y)
    within = selector.errors_[1:] <= 1.3 * selector.errors_[:-1]
    assert within.any()
    assert selector.n_fits_ < 1 + 6 + 5 + 4 + 3


@pytest.mark.parametrize("tol", [None, 0.2])
def test_number_of_threads_does_not_matter(table, tol):
    X, y, _ = table
    one, two = (
        BackwardEliminationSelector(
            4, estimator=QUICK, cv=2, tol=tol, n_jobs=n_jobs, random_state=1
        ).fit(X, y)
        for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one.ranking_, two.ranking_)
    np.testing.assert_array_equal(one.errors_, two.errors_)


def test_progress_is_printed(table, capsys):
    X, y, _ = table
    BackwardEliminationSelector(5, estimator=QUICK, tol=1.0, verbose=1).fit(X, y)
    assert "5 features   without" in capsys.readouterr().out


def test_splits_without_an_element_are_refused():
    X, y = planted_atoms(0, n_structures=12)
    numbers = X.numbers.copy()
    numbers[0, 2] = 9
    X = AtomicFeatures(X.values, numbers)
    splits = [(np.arange(1, 12), np.arange(1))]
    with pytest.raises(ValueError, match="Split 0 tests structures with atomic number 9"):
        BackwardEliminationSelector(2, estimator=QUICK, cv=splits).fit(X, y)
