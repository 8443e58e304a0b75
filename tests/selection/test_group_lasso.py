import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sklearn_agl import AdaptiveGroupLassoSelector, HDNNPRegressor
from sklearn_agl.potentials.training._training import Training
from sklearn_agl.selection import sandberg2024_selector
from sklearn_agl.selection.path._fit_path import PathSettings
from sklearn_agl.selection.path._penalised_fits import PenalisedFits
from tests.selection._planted import planted, planted_atoms


def small(**params):
    """A selector whose fit takes a fraction of a second."""
    return AdaptiveGroupLassoSelector(HDNNPRegressor((4,)), **({"random_state": 0} | params))


@pytest.fixture(scope="module")
def table():
    return planted(0, n_samples=150, n_features=7)


@pytest.fixture(scope="module")
def fitted(table):
    X, y, _ = table
    return small(n_features_to_select=3).fit(X, y)


@pytest.mark.parametrize("seed", range(2))
def test_planted_features_are_selected(seed):
    X, y, used = planted(seed)
    settings = {"n_features_to_select": 4, "random_state": seed}
    selector = AdaptiveGroupLassoSelector(HDNNPRegressor((6,)), **settings).fit(X, y)
    assert_array_equal(selector.get_support(indices=True), used)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"alpha": 1.0, "n_features_to_select": 3}, ["alpha=1.0"]),
        ({"reweight": 0.5}, ["reweight=0.5"]),
        ({"reweight": 0.0, "init": "cold", "n_features_to_select": 6}, ["reweight=0.0"]),
        ({"alpha": 0.1}, []),
        ({"reweight": 0.5, "n_features_to_select": 3}, []),
    ],
)
def test_parameters_without_effect_are_said(table, params, said):
    X, y, _ = table
    pipe = make_pipeline(small(**params), "passthrough")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pipe.fit(X, y)
    assert [str(one.message).split(" ")[0] for one in caught] == said
    assert all(one.filename == __file__ for one in caught)


def test_alpha_drops_the_noise(table):
    X, y, used = table
    selector = small(alpha=1.0).fit(X, y)
    assert selector.path_.alphas[-1] == 1.0
    assert 0 < selector.n_features_ < 7
    assert set(selector.get_support(indices=True)) <= set(used)


def test_a_larger_alpha_keeps_fewer_features(table):
    X, y, _ = table
    counts = [small(alpha=alpha).fit(X, y).n_features_ for alpha in (0.0, 1.0, 10.0)]
    assert counts[0] == 7
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < counts[1]


@pytest.mark.parametrize("n_features", [1, 2, 4, 6, 7])
def test_the_number_of_features_is_met_exactly(table, n_features):
    X, y, used = table
    selector = small(n_features_to_select=n_features).fit(X, y)
    assert selector.n_features_ == selector.support_.sum() == n_features
    assert selector.transform(X).shape == (150, n_features)
    found = set(selector.get_support(indices=True))
    assert found <= set(used) if n_features <= 4 else found >= set(used)


@pytest.mark.parametrize(("fraction", "n_features"), [(0.3, 2), (0.01, 1), (1.0, 7)])
def test_a_fraction_is_rounded_down_to_at_least_one(table, fraction, n_features):
    X, y, _ = table
    assert small(n_features_to_select=fraction).fit(X, y).n_features_ == n_features


def test_columns_are_those_of_the_support(table, fitted):
    X, _, _ = table
    assert_array_equal(fitted.transform(X), X[:, fitted.support_])


def test_estimator_predicts_with_the_penalised_weights(table, fitted):
    X, y, _ = table
    model = fitted.estimator_
    assert_array_equal(model.group_norms_, fitted.group_norms_)
    assert_array_equal(fitted.group_norms_, fitted.path_.group_norms[-1])
    held_out_rmse = fitted.path_.penalised_rmse[-1]
    assert_allclose(model.validation_rmse_, held_out_rmse, rtol=1e-9)
    unused = X.copy()
    unused[:, fitted.group_norms_ == 0] = 1e3
    assert_array_equal(model.predict(unused), model.predict(X))
    assert np.corrcoef(model.predict(X), y)[0, 1] > 0.5


def test_the_random_state_decides(table, fitted):
    X, y, _ = table
    again = small(n_features_to_select=3).fit(X, y)
    assert_array_equal(again.path_.group_norms, fitted.path_.group_norms)
    estimator = HDNNPRegressor((4,), random_state=0)
    by_estimator = AdaptiveGroupLassoSelector(estimator, n_features_to_select=3).fit(X, y)
    assert_array_equal(by_estimator.path_.group_norms, fitted.path_.group_norms)
    other = small(n_features_to_select=3, random_state=1).fit(X, y)
    assert (other.path_.group_norms[0] != fitted.path_.group_norms[0]).any()


def test_gamma_and_adaptive_change_the_path(table, fitted):
    X, y, _ = table
    for params in ({"gamma": 2.0}, {"adaptive": False}):
        other = small(alpha=0.1, **params).fit(X, y).path_.group_norms[-1]
        assert (other != small(alpha=0.1).fit(X, y).path_.group_norms[-1]).any()


@pytest.mark.parametrize("penalty", ["mcp", "scad"])
def test_the_penalty_is_that_of_the_selector_or_else_of_the_estimator(table, fitted, penalty):
    X, y, used = table
    mine = small(n_features_to_select=3, penalty=penalty, concavity=30.0).fit(X, y)
    estimator = HDNNPRegressor((4,), penalty=penalty, concavity=30.0)
    its = AdaptiveGroupLassoSelector(estimator, n_features_to_select=3, random_state=0).fit(X, y)
    assert_array_equal(mine.path_.group_norms, its.path_.group_norms)
    assert mine.estimator_.penalty == penalty
    assert mine.estimator_.concavity == 30.0
    assert set(mine.get_support(indices=True)) <= set(used)
    assert len(mine.path_) != len(fitted.path_) or (mine.group_norms_ != fitted.group_norms_).any()
    back = AdaptiveGroupLassoSelector(
        estimator, n_features_to_select=3, penalty="lasso", random_state=0
    )
    assert_array_equal(back.fit(X, y).path_.group_norms, fitted.path_.group_norms)


def test_ranks_say_when_features_left(table, fitted):
    assert sorted(fitted.ranking_) == [1, 1, 1, 2, 3, 4, 5]
    assert_array_equal(fitted.ranking_ == 1, fitted.support_)
    for point in fitted.path_.supports:
        assert fitted.ranking_[point].max() <= max(point.sum() - 2, 1)


def test_frames_keep_their_names(table, fitted):
    X, y, _ = table
    frame = pd.DataFrame(X, columns=list("abcdefg"))
    selector = small(n_features_to_select=3).set_output(transform="pandas").fit(frame, y)
    expected = list(np.array(list("abcdefg"))[fitted.support_])
    assert list(selector.get_feature_names_out()) == expected
    selected = selector.transform(frame)
    assert isinstance(selected, pd.DataFrame)
    pd.testing.assert_frame_equal(selected, frame[expected])


def test_atoms_of_two_elements():
    X, y = planted_atoms(0)
    selector = small(n_features_to_select=2).fit(X, y)
    assert_array_equal(selector.get_support(indices=True), [1, 6])
    selected = selector.transform(X)
    assert selected.shape == (120, 6, 2)
    assert_array_equal(selected.numbers, X.numbers)
    assert_array_equal(np.isnan(selected.values[..., 0]), X.numbers != 1)
    assert_array_equal(np.isnan(selected.values[..., 1]), X.numbers != 8)
    assert HDNNPRegressor((4,), random_state=0).fit(selected, y).score(selected, y) > 0.95


def test_saved_selectors_transform_and_predict_the_same(table, fitted):
    X, _, _ = table
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.transform(X), fitted.transform(X))
    assert_array_equal(again.estimator_.predict(X), fitted.estimator_.predict(X))


def test_verbose_prints_a_line_per_step(table, capsys):
    X, y, _ = table
    selector = small(alpha=1.0, verbose=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("alpha") for line in lines) >= len(selector.path_) - 1
    assert f"{selector.n_features_} features" in lines[-1]


class CtrlC(Callback):
    n_trainings = 0

    def on_train_begin(self, net, **kwargs):
        CtrlC.n_trainings += 1

    def on_batch_end(self, net, training, **kwargs):
        if CtrlC.n_trainings == 4:
            raise KeyboardInterrupt


@pytest.mark.parametrize("params", [{"alpha": 1.0}, {"n_features_to_select": 2}])
def test_ctrl_c_leaves_a_usable_selector(table, params):
    X, y, _ = table
    CtrlC.n_trainings = 0
    selector = clone(small(**params))
    selector.estimator.set_params(callbacks=[CtrlC()])
    selector.fit(X, y)
    assert CtrlC.n_trainings == 4
    n_left = params.get("n_features_to_select", selector.path_.n_features[-1])
    assert selector.transform(X).shape[1] == n_left > 0
    assert np.isfinite(selector.estimator_.predict(X)).all()


@pytest.mark.parametrize("seed", range(2))
def test_an_empty_selection_names_an_alpha_that_works(table, seed):
    X, y, _ = table
    selector = small(alpha=1e5, random_state=seed)
    with pytest.raises(ValueError, match="selected none of 7 features") as caught:
        selector.fit(X, y)
    alpha = float(re.search(r"alpha=(\S+),", str(caught.value)).group(1))
    assert selector.set_params(alpha=alpha).fit(X, y).n_features_ > 0


def test_a_first_fit_without_features_names_an_initial_alpha_that_works(table):
    X, y, _ = table
    selector = small(initial_alpha=1e5, alpha=1e-3)
    with pytest.raises(ValueError, match="left none of the 7 features") as caught:
        selector.fit(X, y)
    advice = re.search(r"Try initial_alpha=(\S+)\.$", str(caught.value)).group(1)
    assert selector.set_params(initial_alpha=float(advice)).fit(X, y).n_features_ > 0


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"n_features_to_select": 8}, ["n_features_to_select=8", "7 features"]),
        ({"n_features_to_select": 0}, ["n_features_to_select", "0"]),
        ({"n_features_to_select": 1.5}, ["n_features_to_select", "1.5"]),
        ({"alpha": -0.1}, ["alpha", "-0.1"]),
        ({"gamma": -1.0}, ["gamma", "-1.0"]),
        ({"initial_alpha": 1e5}, ["initial_alpha=1e+05", "none of the 7", "Try initial_alpha"]),
        ({"estimator": Ridge()}, ["estimator", "HDNNPRegressor", "Ridge()"]),
        ({"estimator": HDNNPRegressor(activation="sin")}, ["activation", "'sin'"]),
    ],
)
def test_bad_parameters_are_named_with_their_values(table, params, words):
    X, y, _ = table
    with pytest.raises(ValueError) as caught:
        AdaptiveGroupLassoSelector(**({"estimator": HDNNPRegressor((4,))} | params)).fit(X, y)
    for word in words:
        assert word in str(caught.value)


def test_too_many_features_are_refused_before_any_training(table):
    X, y, _ = table
    CtrlC.n_trainings = 0
    estimator = HDNNPRegressor((4,), callbacks=[CtrlC()])
    with pytest.raises(ValueError, match="n_features_to_select=8"):
        AdaptiveGroupLassoSelector(estimator, n_features_to_select=8).fit(X, y)
    assert CtrlC.n_trainings == 0


def new_fits(table, seed=0, **options):
    """Fits that have not begun."""
    regressor, data = small()._validate_for_training(*table[:2])
    usual = {"metric": "euclidean", "reweight": 0.0, "schedule": None}
    return PenalisedFits(PathSettings(regressor, **(usual | options)), data, seed)


def begun(table, **options):
    """Fits that have been through the first one."""
    fits = new_fits(table, **options)
    fits.begin()
    return fits


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_the_published_weights_are_those_of_the_first_fit(table, gamma):
    fits = begun(table, gamma=gamma)
    for alpha in (1e-3, 1e-2):
        fits.go_to(alpha)
    norms = fits.initial_group_norms
    assert_allclose(fits.factors[norms > 0], norms[norms > 0] ** -gamma)


@pytest.mark.parametrize("reweight", [0.3, 1.0])
def test_weights_follow_the_norms(table, reweight):
    fits = begun(table, reweight=reweight)
    norms, alphas = [fits.initial_group_norms], (1e-3, 1e-2, 2e-2)
    norms.append(fits.go_to(alphas[0]).group_norms)
    for alpha in alphas[1:]:
        fits.follow_norms()
        norms.append(fits.go_to(alpha).group_norms)
    alive = norms[-2] > 0
    expected = norms[0][alive] ** -((1.0 - reweight) ** 2)
    expected *= norms[1][alive] ** -(reweight * (1.0 - reweight)) * norms[2][alive] ** -reweight
    assert_allclose(fits.factors[alive], expected)


@pytest.mark.parametrize(
    ("n_samples", "strong", "reweight"), [(36, 1.05, 0.0), (36, 1.2, 0.5), (200, 1.05, 0.5)]
)
def test_few_structures_ask_for_a_strong_first_fit_if_it_is_as_good(
    monkeypatch, n_samples, strong, reweight
):
    # Of the fit without penalty, a strong one and a gentle one.
    errors = iter([1.0, strong, 1.0])
    monkeypatch.setattr(Training, "rmse_per_atom", lambda training, rows: next(errors))
    # 37 weights.
    few = planted(0, n_samples, n_features=7)
    assert begun(few, reweight=None).reweight == reweight


@pytest.mark.parametrize("strength", [1.0, 10.0])
@pytest.mark.parametrize("seed", [0, 3])
def test_a_first_fit_that_has_learnt_nothing_is_repeated_with_less_penalty(seed, strength):
    fits = new_fits(planted(0, n_samples=20, n_features=7), seed=seed)
    training = fits.training
    # Held-out energies that all happen to be the mean: by them, to have learnt nothing is best.
    training.targets[training.held_out_rows] = 0.0
    rows = training.train_rows
    mean = np.mean(training.targets[rows] ** 2)
    fits.fit_without_penalty()
    explained = mean - training.squared_error(rows)
    fits._fit_at_equal_strengths(strength)
    assert mean - training.squared_error(rows) >= 0.05 * explained


def test_few_noisy_rows_are_enough_for_planted_features():
    X, y, used = planted(5, n_samples=250)
    selector = AdaptiveGroupLassoSelector(n_features_to_select=4, random_state=0).fit(X, y)
    assert_array_equal(selector.get_support(indices=True), used)


def test_a_step_taken_back_leaves_no_trace(table):
    fits = begun(table, reweight=0.5)
    fits.go_to(1e-3)
    memory = fits.save_step()
    first = fits.branch().go_to(1e-2).group_norms
    fits.follow_norms()
    assert (fits.factors != memory[1]).any()
    fits.go_to(1.0)
    fits.undo_to(memory)
    assert fits.alpha == 1e-3
    # The order of the structures is drawn anew, so that only the penalty compares.
    assert_array_equal(fits.factors, memory[1])
    assert_allclose(fits.go_to(1e-2).group_norms, first, rtol=0.5, atol=0.05)


def test_the_wald_metric_charges_by_significance(table):
    fits = begun(table, metric="wald", gamma=2.0)
    norms, statistics = fits.initial_group_norms, fits.training.wald_statistics()
    alive = norms > 0
    relative = statistics[alive] / np.median(statistics[alive])
    assert_allclose(fits.factors[alive] * norms[alive] * np.sqrt(relative), 1.0)


@pytest.mark.parametrize("solver", ["kalman", "lm", "adamw"])
@pytest.mark.parametrize("metric", ["euclidean", "wald"])
def test_metrics_work_with_every_solver(table, solver, metric):
    X, y, used = table
    epochs = {"kalman": 8, "lm": 30, "adamw": 100}[solver]
    estimator = HDNNPRegressor((6,), solver=solver, max_epochs=epochs)
    selector = AdaptiveGroupLassoSelector(
        estimator, metric=metric, n_features_to_select=3, random_state=0
    )
    assert set(selector.fit(X, y).get_support(indices=True)) <= set(used)


def test_the_published_protocol_selects(table):
    X, y, used = table
    selector = sandberg2024_selector(1e-2, max_epochs=60, random_state=0, hidden_layer_sizes=(6,))
    selector.fit(X, y)
    assert set(used) <= set(selector.get_support(indices=True))
    assert len(selector.path_) == 2
    callbacks = dict(selector.estimator_.net_.callbacks_)
    assert 1e-5 < callbacks["learning_rate"].lr_ < 1.0
    assert selector.estimator_.net_.proximal_metric == "euclidean"
