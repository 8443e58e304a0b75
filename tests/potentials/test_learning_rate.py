"""The learning-rate finder finds what a sweep by hand finds, and leaves no trace but the rate."""

import numpy as np
import pytest
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

from sklearn_agl import HDNNPRegressor
from sklearn_agl.potentials import LearningRateFinder


@pytest.fixture
def table():
    """A smooth regression problem."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(320, 4))
    return X, np.sin(X[:, 0]) + X[:, 1] ** 2


def fitted(table, finder, **settings):
    """A short training with AdamW."""
    settings = {"max_epochs": 3, "solver": "adamw", "random_state": 0} | settings
    return HDNNPRegressor(callbacks=[("finder", finder)], **settings).fit(*table)


def found(model):
    """What the finder of a fitted model has found."""
    return dict(model.net_.callbacks_)["finder"].lr_


def test_the_rate_trains_as_well_as_the_best_of_a_sweep(table):
    errors = {}
    for rate in (1e-5, 1e-4, 1e-3, 1e-2, 1e-1):
        model = HDNNPRegressor(solver="adamw", lr=rate, max_epochs=20, random_state=0)
        errors[rate] = model.fit(*table).validation_rmse_
    ours = fitted(table, LearningRateFinder(), max_epochs=20).validation_rmse_
    assert ours < 2.0 * min(errors.values())
    assert ours < 0.5 * errors[1e-5]


def test_training_goes_on_from_the_initial_weights_at_the_rate_found(table):
    model = fitted(table, LearningRateFinder())
    assert model.net_.optimizer_.param_groups[0]["lr"] == found(model)
    # The test takes whole passes off the shared random state, so that only the start compares.
    frozen = fitted(table, LearningRateFinder(lowest=1e-12, highest=1e-11), max_epochs=1)
    start = HDNNPRegressor(solver="adamw", lr=1e-12, max_epochs=1, random_state=0).fit(*table)
    np.testing.assert_allclose(frozen.weights_, start.weights_, atol=1e-6)


def test_schedules_start_at_the_rate_found(table):
    schedule = ("schedule", LRScheduler(CosineAnnealingWarmRestarts, T_0=50))
    model = HDNNPRegressor(
        solver="adamw",
        max_epochs=2,
        callbacks=[("finder", LearningRateFinder()), schedule],
        random_state=0,
    ).fit(*table)
    assert model.net_.optimizer_.param_groups[0]["initial_lr"] == found(model)


def test_a_loss_that_explodes_ends_the_search(table):
    rate = found(fitted(table, LearningRateFinder(highest=1e6, n_steps=200)))
    assert 1e-6 < rate < 10.0


def test_an_unknown_metric_of_the_proximal_step_is_named(table):
    with pytest.raises(ValueError, match="proximal_metric.*'plain'.*'adam' or 'euclidean'"):
        HDNNPRegressor(solver="adamw", net_params={"proximal_metric": "plain"}).fit(*table)


def test_the_euclidean_metric_is_the_plain_soft_threshold(table):
    settings = {"solver": "adamw", "max_epochs": 1, "alpha": 1e6, "lr": 1e-2, "random_state": 0}
    model = HDNNPRegressor(net_params={"proximal_metric": "euclidean"}, **settings).fit(*table)
    assert not model.group_norms_.any()
