import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from sklearn_agl.inspection import compare_pairs, selection_stability
from sklearn_agl.inspection._compare_pairs import corrected_t_test, signed_rank_test
from sklearn_agl.inspection._selection_stability import mean_jaccard, nogueira_index

DIFFERENCES = np.random.default_rng(0).normal(0.3, 1.0, size=12)


def make_table(errors, n_train=80, n_test=20):
    """Rows of selectors whose errors are given split by split."""
    rows = [
        {"selector": name, "repeat": repeat, "test_rmse": error}
        for name, column in errors.items()
        for repeat, error in enumerate(column)
    ]
    about = {"data_set": "Al", "n_features": 7, "n_train": n_train, "n_test": n_test}
    return pd.DataFrame(rows).assign(**about)


def test_t_test_without_test_structures_is_scipys():
    expected = stats.ttest_1samp(DIFFERENCES, 0.0)
    found = corrected_t_test(DIFFERENCES, 0.0)
    assert_allclose(found, (expected.statistic, expected.pvalue), rtol=1e-12)


def test_correction_by_hand():
    """Differences 1 to 5: mean 3, variance 2.5; (1/5 + 1/4) 2.5 = 1.125; df 4."""
    t, p_value = corrected_t_test(np.arange(1.0, 6.0), 0.25)
    assert_allclose(t, 3.0 / np.sqrt(1.125))
    # Student's distribution with four degrees of freedom, in closed form.
    x = t / np.sqrt(t**2 + 4.0)
    assert_allclose(p_value, 1.0 - x * (1.5 - 0.5 * x**2), rtol=1e-10)


def test_correction_keeps_its_promise_where_the_plain_test_does_not():
    """Two equal methods on random splits of one small sample, again and again."""
    rng = np.random.default_rng(0)
    false_alarms = {0.0: 0, 0.25: 0}
    n_samples, n_trials = 50, 200
    for _ in range(n_trials):
        a, b = rng.normal(size=(2, n_samples))
        d = []
        for _ in range(20):
            test, train = np.split(rng.permutation(n_samples), [n_samples // 5])
            # Errors of the training mean as a predictor, of two equally good targets.
            d.append(
                np.square(a[test] - a[train].mean()).mean()
                - np.square(b[test] - b[train].mean()).mean()
            )
        for ratio in false_alarms:
            false_alarms[ratio] += corrected_t_test(np.array(d), ratio)[1] < 0.05
    assert false_alarms[0.25] < 0.12 * n_trials < 0.3 * n_trials < false_alarms[0.0]


def test_signed_ranks_of_five_differences_of_one_sign():
    """All five signs equal: 2 of the 32 arrangements are as extreme."""
    assert_allclose(signed_rank_test(np.arange(1.0, 6.0)), (0.0, 2 / 32))


def test_no_difference_is_no_evidence():
    assert corrected_t_test(np.zeros(5), 0.25) == signed_rank_test(np.zeros(5)) == (0.0, 1.0)


def test_pairs_are_matched_by_split_and_signed():
    errors = {"a": [1.0, 2.0, 3.0], "b": [2.0, 3.5, 4.0], "c": [1.0, 2.0, 3.0]}
    table = make_table(errors).sample(frac=1, random_state=0)
    pairs = compare_pairs(table).set_index(["selector", "other"])
    assert len(pairs) == 3
    found = {frozenset(pair): abs(row) for pair, row in pairs["difference"].items()}
    expected = 3.5 / 3
    assert_allclose(found[frozenset("ab")], expected)
    assert found[frozenset("ac")] == 0.0
    against = compare_pairs(table, reference="b")
    assert (against["selector"] == "b").all() and (against["difference"] > 0).all()


def test_splits_that_one_selector_lacks_are_left_out():
    table = make_table({"a": [1.0, 2.0, 9.0], "b": [2.0, 4.0]})
    (row,) = compare_pairs(table).to_dict("records")
    assert row["n_repeats"] == 2 and row["difference"] == -1.5


@pytest.mark.parametrize(
    "errors, params, message",
    [
        ({"a": [1.0, 2.0]}, {}, "give two selectors"),
        ({"a": [1.0], "b": [2.0]}, {}, "'a' and 'b' on 'Al' with 7 features have 1 splits"),
        ({"a": [1.0, 2.0], "b": [1.0, 2.0]}, {"reference": "c"}, "reference='c' is none"),
        ({"a": [1.0, 2.0], "b": [1.0, 2.0]}, {"error": "mae"}, "no column 'mae'"),
    ],
)
def test_bad_tables(errors, params, message):
    with pytest.raises(ValueError, match=message):
        compare_pairs(make_table(errors), **params)


def test_nogueira_is_kuncheva_for_sets_of_one_size():
    """Theorem of Nogueira et al.: mean of (|A & B| - k^2/d) / (k - k^2/d) over pairs."""
    rng = np.random.default_rng(0)
    sets = [rng.choice(10, 4, replace=False) for _ in range(6)]
    pairs = [(set(a), set(b)) for i, a in enumerate(sets) for b in sets[:i]]
    kuncheva = np.mean([(len(a & b) - 1.6) / (4 - 1.6) for a, b in pairs])
    assert_allclose(nogueira_index(sets, 10), kuncheva)


def test_nogueira_of_random_sets_is_zero_in_the_mean():
    rng = np.random.default_rng(0)
    found = [
        nogueira_index([np.flatnonzero(rng.random(30) < 0.3) for _ in range(10)], 30)
        for _ in range(300)
    ]
    assert abs(np.mean(found)) < 0.02


def test_equal_sets_are_stable_and_one_set_says_nothing():
    assert nogueira_index([(0, 2)] * 3, 5) == mean_jaccard([(0, 2)] * 3) == 1.0
    assert np.isnan([nogueira_index([(0, 1)], 5), mean_jaccard([(0, 1)])]).all()
    assert np.isnan(nogueira_index([(0, 1)] * 2, 2))


def test_jaccard_by_hand():
    assert_allclose(mean_jaccard([(0, 1), (1, 2), (0, 1)]), (1 / 3 + 1 + 1 / 3) / 3)


def test_stability_names_the_commonest_set():
    table = make_table({"a": [1.0] * 3}).assign(n_features_in=4)
    table["features"] = [(0, 1), (1, 2), (1, 2)]
    (row,) = selection_stability(table).to_dict("records")
    assert row["commonest"] == (1, 2) and row["commonest_share"] == 2 / 3
    with pytest.raises(ValueError, match="no row"):
        selection_stability(table[:0])
