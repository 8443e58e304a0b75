import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sklearn_agl import HDNNPRegressor, WaldSelector
from tests.selection._planted import planted, planted_atoms


def small(n_features_to_select=None, **params):
    """A selector whose fit takes a fraction of a second."""
    settings = {"estimator": HDNNPRegressor((4,)), "random_state": 0} | params
    return WaldSelector(n_features_to_select, **settings)


@pytest.fixture(scope="module")
def table():
    return planted(0, n_samples=150, n_features=7)


@pytest.fixture(scope="module")
def fitted(table):
    X, y, _ = table
    return small(3).fit(X, y)


@pytest.mark.parametrize("seed", range(3))
def test_planted_features_are_selected(seed):
    X, y, used = planted(seed)
    selector = WaldSelector(4, estimator=HDNNPRegressor((6,)), random_state=seed).fit(X, y)
    assert_array_equal(selector.get_support(indices=True), used)


def test_planted_features_of_two_elements_are_selected():
    X, y = planted_atoms(0)
    assert_array_equal(small(2).fit(X, y).get_support(indices=True), [1, 6])


def test_ranking_goes_on_behind_the_selected_features(fitted, table):
    assert sorted(fitted.ranking_) == [1, 1, 1, 2, 3, 4, 5]
    assert_array_equal(fitted.ranking_ == 1, fitted.support_)
    X, y, _ = table
    fewer = small(2).fit(X, y)
    assert_array_equal(fewer.support_, fitted.support_ & (fewer.ranking_ == 1))
    assert_array_equal(fewer.ranking_[fewer.ranking_ > 2], fitted.ranking_[fitted.ranking_ > 1] + 1)


def test_path_has_every_size_and_its_errors(fitted):
    path = fitted.path_
    assert_array_equal(path.n_features, [7, 6, 5, 4, 3])
    assert path.supports[0].all()
    assert_array_equal(path.supports[-1], fitted.support_)
    assert np.isfinite(path.penalised_rmse).all()
    assert np.isnan(path.refitted_rmse).all()


def test_statistics_are_those_of_elimination_and_of_the_end(fitted):
    assert (fitted.statistics_ > 0).all()
    left = fitted.statistics_[fitted.support_]
    assert left.min() > fitted.path_.alphas[1]


@pytest.mark.parametrize(
    ("step", "sizes"), [(3, [7, 4, 2]), (0.5, [7, 4, 2]), (0.01, range(7, 1, -1))]
)
def test_step_says_how_many_leave_at_a_time(table, step, sizes):
    X, y, _ = table
    assert_array_equal(small(2, step=step).fit(X, y).path_.n_features, list(sizes))


def test_potential_that_is_left_predicts_with_the_selected_features(fitted, table):
    X, y, _ = table
    score = fitted.estimator_.score(X, y)
    assert score > 0.5
    changed = X.copy()
    changed[:, ~fitted.support_] = 0.0
    assert fitted.estimator_.score(changed, y) == score


def test_nothing_leaves_if_all_are_wanted(table):
    X, y, _ = table
    selector = small(7).fit(X, y)
    assert selector.support_.all()
    assert len(selector.path_) == 1


def test_same_seed_gives_the_same_result(fitted, table):
    X, y, _ = table
    again = small(3).fit(X, y)
    assert_array_equal(again.path_.group_norms, fitted.path_.group_norms)
    assert_array_equal(again.statistics_, fitted.statistics_)


def test_pipeline_with_a_regressor(table):
    X, y, _ = table
    pipe = make_pipeline(small(3), HDNNPRegressor((4,), random_state=0)).fit(X, y)
    assert pipe[-1].n_features_in_ == 3
    assert pipe.score(X, y) > 0.5


def test_other_solvers_have_no_covariance(table):
    X, y, _ = table
    with pytest.raises(ValueError, match="solver='adamw'. Set solver='kalman'"):
        WaldSelector(estimator=HDNNPRegressor(solver="adamw")).fit(X, y)


def test_verbose_prints_a_line_per_elimination(table, capsys):
    X, y, _ = table
    small(4, verbose=1).fit(X, y)
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("WaldSelector trains on")
    assert [line.split(" features")[0].split()[-1] for line in lines] == ["6", "5", "4"]


class Stop(Callback):
    """Ctrl-C once a feature has left."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.module_.layout.columns[0]) < 7:
            raise KeyboardInterrupt


def test_ctrl_c_ends_with_the_best_of_what_is_left(table):
    X, y, _ = table
    selector = small(2, estimator=HDNNPRegressor((4,), callbacks=[Stop()])).fit(X, y)
    assert selector.n_features_ == 2
    assert_array_equal(selector.path_.n_features, [7, 6])
