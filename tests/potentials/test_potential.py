"""Potentials as objects, and regressors that are given one."""

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from sklearn_agl.potentials._regressor import make_regressor

from ._fitted import some_structures, trained_pipeline


@pytest.fixture(scope="module")
def fitted():
    structures = some_structures()
    pipeline = trained_pipeline(structures)
    return pipeline[:-1].transform(structures), pipeline[-1]


def test_a_regressor_with_a_given_potential_predicts_as_the_trained_one(fitted):
    X, trained = fitted
    given = make_regressor(clone(trained), trained.potential_, trained.feature_names_in_)
    check_is_fitted(given)
    # What tells of the training is all that is missing.
    assert vars(trained).keys() - vars(given).keys() == {"net_", "init_", "_doubts"}
    assert not vars(given).keys() - vars(trained).keys()
    again = pickle.loads(pickle.dumps(given))
    for model in (given, again):
        np.testing.assert_array_equal(model.predict(X), trained.predict(X))
        for forces, expected in zip(
            model.predict_forces(X), trained.predict_forces(X), strict=True
        ):
            np.testing.assert_array_equal(forces, expected)
    assert given.n_iter_ == 0


def test_it_is_frozen(fitted):
    with pytest.raises(FrozenInstanceError):
        fitted[1].potential_.weights = None


def test_without_features_of_zero_weights_it_gives_the_same(fitted):
    X, trained = fitted
    left_out = [0, 3]
    whole = clone(trained).set_params(feature_weights=None).fit(X, trained.predict(X)).potential_
    for column in left_out:
        whole.weights[whole.layout.groups[column]] = 0.0
    kept = np.setdiff1d(np.arange(whole.layout.n_features), left_out)
    part, own = whole.without(left_out), X.take_features(kept)
    assert part.layout.n_features == len(kept)
    np.testing.assert_array_equal(part.group_norms, whole.group_norms[kept])
    np.testing.assert_allclose(part.energies(own), whole.energies(X), rtol=1e-13)
    energies, gradients = whole.atomic_energies(X)
    of_part, gradients_of_part = part.atomic_energies(own)
    np.testing.assert_allclose(of_part, energies, rtol=1e-13)
    np.testing.assert_allclose(gradients_of_part, gradients[:, kept], rtol=1e-12)
    assert not gradients[:, left_out].any()


def test_atoms_add_up_to_structures(fitted):
    X, trained = fitted
    energies, _ = trained.potential_.atomic_energies(X)
    pairs = trained.repulsion_.sums(X.structures).totals
    totals = np.add.reduceat(energies, X.offsets[:-1]) + pairs
    np.testing.assert_allclose(totals, trained.predict(X), rtol=1e-13)
