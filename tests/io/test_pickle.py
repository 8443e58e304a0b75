"""Fitted pipelines survive every way of pickling, with the same predictions."""

import pickle

import cloudpickle
import joblib
import numpy as np
import pytest

from sklearn_agl import AdaptiveGroupLassoSelector, HDNNPRegressor

from ._potentials import fitted_pipeline, predict


def with_joblib(estimator, folder):
    joblib.dump(estimator, folder / "a.joblib", compress=3)
    return joblib.load(folder / "a.joblib")


WAYS = {
    "pickle": lambda estimator, folder: pickle.loads(pickle.dumps(estimator)),
    "joblib": with_joblib,
    "cloudpickle": lambda estimator, folder: cloudpickle.loads(cloudpickle.dumps(estimator)),
}


@pytest.mark.parametrize("solver", ["kalman", "lm", "adamw"])
@pytest.mark.parametrize("way", WAYS)
def test_same_predictions(tmp_path, way, solver):
    tiny = HDNNPRegressor((2,), max_epochs=1, random_state=0)
    selector = AdaptiveGroupLassoSelector(tiny, alpha=1e-4, initial_alpha=1e-5)
    pipeline = fitted_pipeline(selector=selector, solver=solver)
    again = WAYS[way](pipeline, tmp_path)
    np.testing.assert_array_equal(predict(again), predict(pipeline))
    assert len(again[-1].net_.history) == pipeline[-1].n_iter_
