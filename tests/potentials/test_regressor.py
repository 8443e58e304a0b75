import inspect
import pickle
import warnings

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback, Checkpoint
from threadpoolctl import threadpool_info

from sklearn_agl import AtomicFeatures, HDNNPRegressor
from sklearn_agl.potentials.data._held_out import hold_out
from sklearn_agl.potentials.solvers._choice import solver_named
from sklearn_agl.potentials.solvers._nets import robust_mean
from sklearn_agl.potentials.training._training import Training
from tests.potentials._data import COLUMNS, SOLVERS, short

# Early stopping, several starts, random states


@pytest.mark.parametrize("solver", SOLVERS)
def test_early_stopping_keeps_the_best_weights_and_stops(solver, monkeypatch):
    monkeypatch.setattr(Training, "learn_held_out", lambda training: None)
    X, y = np.random.default_rng(1).normal(size=(60, 5)), np.random.default_rng(2).normal(size=60)
    model = short(solver, max_epochs=200, n_iter_no_change=3, hidden_layer_sizes=(20,), lr=0.05)
    model.fit(X, y)
    losses = model.net_.history[:, solver_named(solver).judged_by]
    assert model.n_iter_ == len(losses) < 200
    assert np.argmin(losses) == len(losses) - 1 - 3
    held_out = hold_out(np.ones((60, 1)), y, 0.1, np.random.RandomState(0))
    rmse = np.sqrt(np.mean((model.predict(X) - y)[held_out] ** 2))
    assert_allclose(model.validation_rmse_, rmse, rtol=1e-5)
    decay = model.weight_decay * np.sum(model.weights_[-21:-1] ** 2)
    train = np.setdiff1d(np.arange(60), held_out)
    best = model.net_.history[int(np.argmin(losses))]
    assert_allclose((rmse / y[train].std()) ** 2 + decay, best["valid_loss"], rtol=1e-5)


def test_judged_are_the_held_out_structures_only_where_the_others_fit_better():
    """Robust means: a squared error counts up to 20 times the median."""
    squares = np.array([1.0, 2.0, 3.0, 1000.0])
    assert robust_mean(squares) == pytest.approx((1 + 2 + 3 + 20 * 2.5) / 4)
    assert robust_mean(np.array([0.0, 0.0, 5.0])) == pytest.approx(5 / 3)


def test_at_last_the_filter_learns_the_held_out_structures(table):
    model = short(early_stopping=True, max_epochs=12, net_params={"block_size": 4}).fit(*table)
    judged = [epoch for epoch in model.net_.history if "judged_loss" in epoch]
    closing = [epoch for epoch in model.net_.history if "judged_loss" not in epoch]
    assert 1 <= len(closing) <= 4
    assert model.n_iter_ == len(judged) + len(closing)
    assert np.isfinite(model.validation_rmse_)


def test_early_stopping_of_one_start_is_not_the_end_of_all():
    X, y = np.random.default_rng(1).normal(size=(60, 5)), np.random.default_rng(2).normal(size=60)
    ends = []

    class Note(Callback):
        def on_train_end(self, net, **kwargs):
            ends.append(len(net.history))

    short(max_epochs=60, n_iter_no_change=1, n_init=3, callbacks=[Note()]).fit(X, y)
    assert len(ends) == 4, "three starts, and the last passes over all structures"
    assert max(ends) < 60


def test_without_early_stopping_nothing_is_held_out(table):
    model = short(early_stopping=False).fit(*table)
    assert model.n_iter_ == 4
    assert np.isnan(model.validation_rmse_)
    assert "valid_loss" not in model.net_.history[-1]


@pytest.mark.parametrize("solver", SOLVERS)
def test_n_init_keeps_the_best_start(table, solver):
    X, y = table
    starts = []

    class Note(Callback):
        def on_train_end(self, net, **kwargs):
            starts.append(min(net.history[:, "valid_loss"]))

    model = short(solver, n_init=4, random_state=1, callbacks=[Note()]).fit(X, y)
    assert len(set(starts)) == 4
    assert min(model.net_.history[:, "valid_loss"]) == min(starts)
    single = short(solver, random_state=1).fit(X, y)
    assert min(single.net_.history[:, "valid_loss"]) == starts[0]
    assert np.argmin(starts) != 0, "choose another random state: the first start is the best"


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_random_state_decides(mixed, solver):
    X, y = mixed
    first, again = (short(solver).fit(X, y) for _ in range(2))
    assert_array_equal(first.weights_, again.weights_)
    assert_array_equal(first.predict(X), again.predict(X))
    other = short(solver, random_state=1).fit(X, y)
    assert (other.weights_ != first.weights_).all()
    instance = short(solver, random_state=np.random.RandomState(0)).fit(X, y)
    assert_array_equal(instance.weights_, first.weights_)


@pytest.mark.parametrize("solver", SOLVERS)
def test_global_random_states_are_left_alone(table, solver):
    torch_state = torch.random.get_rng_state()
    numpy_state = np.random.get_state()[1:3]
    short(solver).fit(*table)
    assert torch.equal(torch_state, torch.random.get_rng_state())
    assert_array_equal(numpy_state[0], np.random.get_state()[1])
    assert numpy_state[1] == np.random.get_state()[2]


def test_the_number_of_blas_threads_is_restored(table):
    before = threadpool_info()
    short().fit(*table)
    assert threadpool_info() == before


# skorch


@pytest.mark.parametrize("solver", SOLVERS)
def test_callbacks_are_called(table, solver):
    calls = []

    class Note(Callback):
        def on_train_begin(self, net, **kwargs):
            calls.append("begin")

        def on_batch_end(self, net, training, **kwargs):
            if training:
                calls.append("batch")

        def on_epoch_end(self, net, **kwargs):
            calls.append(float(net.history[-1, "train_loss"]))

        def on_train_end(self, net, **kwargs):
            calls.append("end")

    settings = {"early_stopping": False, "max_epochs": 2, "batch_size": 50}
    short(solver, callbacks=[("note", Note())], **settings).fit(*table)
    assert [call for call in calls if isinstance(call, str)] == (
        ["begin", *3 * ["batch"], *3 * ["batch"], "end"]
    )
    losses = [call for call in calls if isinstance(call, float)]
    assert len(losses) == 2
    assert losses[1] < losses[0]


@pytest.mark.parametrize("solver", SOLVERS)
def test_checkpoints_hold_the_weights_and_the_solver(table, solver, tmp_path):
    checkpoint = Checkpoint(dirname=tmp_path, monitor=None)
    model = short(solver, callbacks=[checkpoint], early_stopping=False).fit(*table)
    saved = torch.load(tmp_path / "params.pt", weights_only=True)
    flat = np.concatenate([part.numpy().ravel() for part in saved.values()])
    assert_array_equal(flat, model.weights_)
    assert (tmp_path / "optimizer.pt").stat().st_size > 1000


def test_net_params_reach_the_filter(table):
    model = short(net_params={"block_size": 7, "prior_variance": 0.5}).fit(*table)
    assert model.net_.block_size == 7
    assert (model.weights_ != short().fit(*table).weights_).any()


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_setting_of_a_solver_has_a_rule(solver):
    solver = solver_named(solver)
    own = set(inspect.signature(solver.net).parameters)
    assert solver.rules.keys() == own - {"module", "observations", "penalty", "kwargs"}


@pytest.mark.parametrize(
    ("solver", "settings"),
    [
        ("kalman", {"process_noise": [1e-6, np.float32(1e-9)], "prior_variance": 1}),
        ("kalman", {"block_size": np.int64(4), "warm_start": False}),
        ("lm", {"damping": 1, "tol": 0}),
        ("adamw", {"optimizer__betas": (0.8, 0.9), "proximal_metric": "euclidean"}),
    ],
)
def test_sound_settings_of_the_solvers(table, solver, settings):
    model = short(solver, net_params=settings).fit(*table)
    assert np.isfinite(model.weights_).all()


def test_a_training_that_diverges_is_an_error(table):
    with pytest.raises(ValueError, match="'adamw' has diverged.*Lower lr"):
        short("adamw", lr=1e30).fit(*table)


class CtrlC(Callback):
    """Press Ctrl-C after some batches."""

    def __init__(self, at):
        self.at = at
        self.n_batches_ = 0

    def on_batch_end(self, net, training, **kwargs):
        self.n_batches_ += training
        if self.n_batches_ == self.at:
            raise KeyboardInterrupt


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("at", [1, 6])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_ctrl_c_leaves_a_usable_model(table, solver, at, early_stopping):
    X, y = table
    stop = CtrlC(at)
    settings = {"callbacks": [stop], "early_stopping": early_stopping, "batch_size": 50}
    model = short(solver, **settings).fit(X, y)
    assert stop.n_batches_ == at
    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.validation_rmse_) == early_stopping


def test_ctrl_c_ends_all_starts(table):
    stop = CtrlC(6)
    short(n_init=5, callbacks=[stop], batch_size=50).fit(*table)
    assert stop.n_batches_ == 6


# Saving


@pytest.mark.parametrize("solver", SOLVERS)
def test_saved_models_predict_the_same(mixed, solver, tmp_path):
    X, y = mixed
    model = short(solver).fit(X, y)
    expected = model.predict(X)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), expected)
    joblib.dump(model, tmp_path / "model.joblib")
    assert_array_equal(joblib.load(tmp_path / "model.joblib").predict(X), expected)


def test_clones_are_unfitted_and_fit_to_the_same(table):
    model = short(callbacks=[("checkpoint", CtrlC(99))]).fit(*table)
    twin = clone(model)
    assert not hasattr(twin, "net_")
    assert_array_equal(twin.fit(*table).weights_, model.weights_)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_saved_model_does_not_hold_the_training_data(solver):
    rng = np.random.default_rng(0)
    small, large = rng.normal(size=(2, 30, 200, 5))[0], rng.normal(size=(300, 200, 5))
    sizes = [len(pickle.dumps(short(solver).fit(X, X.sum((1, 2))))) for X in (small, large)]
    assert sizes[1] < sizes[0] + 50_000


# What goes in and comes out


def test_energies_are_extensive(mixed):
    X, y = mixed
    model = short().fit(X, y)
    doubled = AtomicFeatures(np.tile(X.values, (1, 2, 1)), np.tile(X.numbers, (1, 2)))
    assert_allclose(model.predict(doubled), 2 * model.predict(X), rtol=1e-12)


def test_the_order_of_the_atoms_does_not_matter(mixed):
    X, y = mixed
    model = short().fit(X, y)
    order = np.random.default_rng(0).permutation(X.shape[1])
    shuffled = AtomicFeatures(X.values[:, order], X.numbers[:, order])
    assert_allclose(model.predict(shuffled), model.predict(X), rtol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
def test_structures_are_independent_of_each_other(mixed, solver):
    X, y = mixed
    model = short(solver).fit(X, y)
    assert_allclose(model.predict(X[[7, 2]]), model.predict(X)[[7, 2]], rtol=1e-12)


def test_each_element_has_a_network_and_a_reference(mixed):
    X, y = mixed
    model = short().fit(X, y)
    assert model.elements_ == (1, 8)
    assert len(model.weights_) == (3 * 4 + 4 + 4 + 1) + (4 * 4 + 4 + 4 + 1)
    oxygen = X.numbers == 8
    changed = X.values.copy()
    changed[oxygen] += 1.0
    moved = model.predict(AtomicFeatures(changed, X.numbers)) != model.predict(X)
    assert_array_equal(moved, oxygen.any(axis=1))


@pytest.mark.parametrize("solver", SOLVERS)
def test_two_elements_are_learned(mixed, solver):
    X, y = mixed
    epochs = {"kalman": 30, "lm": 30, "adamw": 100}[solver]
    model = short(solver, max_epochs=epochs, lr=0.03).fit(X, y)
    assert model.score(X, y) > 0.97


def test_tables_arrays_and_atomic_features_agree(table):
    X, y = table
    expected = short().fit(X, y).predict(X)
    for same in (X[:, None], AtomicFeatures(X[:, None]), X.tolist()):
        assert_array_equal(short().fit(same, y).predict(same), expected)


def test_padding_does_not_matter(mixed):
    X, y = mixed
    padding = ((0, 0), (0, 3))
    values = np.pad(X.values, (*padding, (0, 0)), constant_values=np.nan)
    padded = AtomicFeatures(values, np.pad(X.numbers, padding))
    assert_array_equal(short().fit(padded, y).predict(padded), short().fit(X, y).predict(X))


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_feature_of_infinite_weight_is_left_out(table, solver):
    X, y = table
    infinite = np.where(np.arange(5) == 2, np.inf, 1.0)
    model = short(solver, feature_weights=infinite).fit(X, y)
    assert_array_equal(model.group_norms_ > 0, np.isfinite(infinite))
    changed = X.copy()
    changed[:, 2] = 99.0
    assert_array_equal(model.predict(changed), model.predict(X))
    without = short(solver).fit(np.delete(X, 2, axis=1), y)
    assert_array_equal(model.weights_, without.weights_)


@pytest.mark.parametrize("scaling", ["standard", "minmax", "center", "sigma", None])
def test_every_scaling_learns(table, scaling):
    model = short(scaling=scaling, max_epochs=30).fit(*table)
    assert model.score(*table) > 0.9


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_element_may_lose_all_its_features(mixed, solver):
    X, y = mixed
    weights = np.where(np.isin(np.arange(6), COLUMNS[8]), np.inf, 1.0)
    model = short(solver, feature_weights=weights).fit(X, y)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_constant_columns_and_energies_are_harmless(solver):
    X = np.random.default_rng(0).normal(size=(40, 3))
    X[:, 1] = 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        model = short(solver, alpha=0.1).fit(X, np.full(40, -3.3))
    assert_allclose(model.predict(X), -3.3, atol=0.5)


def test_an_element_that_only_held_out_structures_have(mixed):
    X, y = mixed
    for scaling in ("standard", "minmax"):
        held_out = np.random.RandomState(0).permutation(11)[:2]
        rows = np.full(11, 2)
        rows[held_out] = 0
        model = short(scaling=scaling, validation_fraction=0.15).fit(X[rows], y[rows])
        assert np.isfinite(model.validation_rmse_)


# Bad input


def message_of(call):
    with pytest.raises(ValueError) as caught:
        call()
    return str(caught.value)


def test_an_element_not_seen_in_fit_is_named(mixed):
    X, y = mixed
    only_hydrogen = short().fit(X[2::3], y[2::3])
    message = message_of(lambda: only_hydrogen.predict(X[[2, 5, 1]]))
    assert "Structure 2" in message
    assert "8" in message


def test_a_column_that_fit_saw_and_predict_does_not(mixed):
    X, y = mixed
    model = short().fit(X, y)
    values = X.values.copy()
    values[:, :, 4] = np.nan
    message = message_of(lambda: model.predict(AtomicFeatures(values, X.numbers)))
    assert "Column 4" in message


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_features_are_found(mixed, bad):
    X, y = mixed
    values = X.values.copy()
    slot = np.flatnonzero(X.numbers[7])[-1]
    values[7, slot, COLUMNS[X.numbers[7, slot]][1]] = bad
    message = message_of(lambda: short().fit(AtomicFeatures(values, X.numbers), y))
    assert f"structure 7, atom {slot}" in message


def test_energies_must_be_as_many_as_structures(mixed):
    X, y = mixed
    message = message_of(lambda: short().fit(X, y[:-1]))
    assert "60" in message
    assert "59" in message


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_bad_energies_are_found(mixed, bad):
    X, y = mixed
    y[[11, 20]] = bad
    assert "structure 11" in message_of(lambda: short().fit(X, y))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"alpha": -1.0}, ["alpha", "-1.0"]),
        ({"alpha": np.inf}, ["alpha", "inf"]),
        ({"feature_weights": [1.0, 2.0]}, ["feature_weights", "(2,)", "5 features"]),
        ({"feature_weights": [1, 1, -2, 1, 1]}, ["feature_weights[2]", "-2"]),
        ({"feature_weights": [1, 1, 1, np.nan, 1]}, ["feature_weights[3]", "nan"]),
        ({"feature_weights": 5 * [np.inf]}, ["feature_weights", "infinite"]),
        ({"hidden_layer_sizes": (4, 0)}, ["hidden_layer_sizes", "(4, 0)"]),
        ({"hidden_layer_sizes": (2.5,)}, ["hidden_layer_sizes", "2.5"]),
        ({"hidden_layer_sizes": 10}, ["hidden_layer_sizes", "10"]),
        ({"solver": "sgd"}, ["solver", "'sgd'", "kalman"]),
        ({"activation": "sin"}, ["activation", "'sin'", "tanh"]),
        ({"scaling": "robust"}, ["scaling", "'robust'", "standard"]),
        ({"validation_fraction": 1.0}, ["validation_fraction", "1.0"]),
        ({"n_init": 0}, ["n_init", "0"]),
        ({"max_epochs": 0}, ["max_epochs", "0"]),
        ({"lr": 0.0}, ["lr", "0.0"]),
        ({"weight_decay": -1e-3}, ["weight_decay", "-0.001"]),
        ({"penalty": "ridge"}, ["penalty", "'ridge'", "scad"]),
        ({"concavity": 0.5}, ["concavity", "0.5"]),
        ({"penalty": "scad", "concavity": 1.5}, ["concavity=1.5", "'scad'", "above 2"]),
    ],
)
def test_bad_parameters_are_named_with_their_values(table, params, words):
    message = message_of(lambda: HDNNPRegressor(**params).fit(*table))
    for word in words:
        assert word in message


def planted(n=60):
    X = np.random.default_rng(0).normal(size=(n, 3))
    return X, np.sin(X[:, 0]) + X[:, 1]


def test_an_energy_beyond_reason_is_named():
    X, y = planted()
    y[17] += 1000.0
    with pytest.warns(ConvergenceWarning, match=r"far from what the potential gives: 17 \(\+"):
        HDNNPRegressor((3,), random_state=0).fit(X, y)


def test_a_fit_no_better_than_the_mean_is_said():
    X, y = planted()
    with pytest.warns(ConvergenceWarning, match="hardly better than their mean"):
        HDNNPRegressor((3,), alpha=1e3, random_state=0).fit(X, y)


def test_a_good_fit_is_left_in_peace():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        HDNNPRegressor((3,), random_state=0).fit(*planted())
        HDNNPRegressor((3,), random_state=0).fit(planted()[0], np.ones(60))
