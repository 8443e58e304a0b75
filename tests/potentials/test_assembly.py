"""Regressors from given numbers."""

import pickle

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_agl import HDNNPRegressor
from sklearn_agl.potentials._assembly import assemble_regressor

from ._fitted import some_structures, trained_pipeline


def test_an_assembled_regressor_is_the_trained_one():
    structures = some_structures()
    pipeline = trained_pipeline(structures)
    X, trained = pipeline[:-1].transform(structures), pipeline[-1]
    assembled = assemble_regressor(
        HDNNPRegressor(**trained.get_params()),
        layout=trained._layout,
        activation=trained.activation,
        weights=trained.weights_,
        offset=trained._feature_scaler.offset_,
        divisor=trained._feature_scaler.divisor_,
        ranges=trained.feature_ranges_,
        deviation=trained._energy_scaler.deviation_,
        references=trained.energy_references_,
        feature_names=trained.feature_names_in_,
    )
    check_is_fitted(assembled)
    # How a training began, and what it doubted, is all that is missing.
    assert vars(trained).keys() - vars(assembled).keys() == {"init_", "_doubts"}
    assert not vars(assembled).keys() - vars(trained).keys()
    np.testing.assert_array_equal(assembled.predict(X), trained.predict(X))
    for forces, expected in zip(
        assembled.predict_forces(X), trained.predict_forces(X), strict=True
    ):
        np.testing.assert_array_equal(forces, expected)
    again = pickle.loads(pickle.dumps(assembled))
    np.testing.assert_array_equal(again.predict(X), trained.predict(X))
    assert assembled.n_iter_ == 0
