import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_agl import AtomicFeatures
from sklearn_agl.potentials.data._scaling import EnergyScaler, FeatureScaler, column_statistics
from tests.potentials._data import mixed_features


def table_scaled(kind, table):
    X = AtomicFeatures(table[:, None])
    scaler = FeatureScaler(kind).fit(X, np.arange(len(X)))
    return scaler.scale(table, np.arange(table.shape[1]))


def n2p2_sigma(table):
    """SymmetryFunctionStatistics of n2p2: the sums in one pass, n - 1 in the variance."""
    n, total, squares = len(table), table.sum(axis=0), (table**2).sum(axis=0)
    return (table - total / n) / np.sqrt((squares - total**2 / n) / (n - 1))


@pytest.mark.parametrize(
    ("kind", "oracle"),
    [
        ("standard", StandardScaler().fit_transform),
        ("minmax", MinMaxScaler().fit_transform),
        ("center", StandardScaler(with_std=False).fit_transform),
        ("sigma", n2p2_sigma),
        (None, np.copy),
    ],
)
def test_each_kind_equals_its_definition(kind, oracle):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(150, 4)) * [1e-3, 1.0, 5.0, 1e3] + [0.0, 10.0, -3.0, 1e4]
    np.testing.assert_allclose(table_scaled(kind, table), oracle(table), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e8, -1e-8])
@pytest.mark.parametrize("kind", ["standard", "minmax", "center", "sigma"])
def test_a_constant_column_becomes_zero(kind, constant):
    table = np.full((100, 1), constant)
    np.testing.assert_allclose(table_scaled(kind, table), 0.0, atol=1e-7)


@pytest.mark.parametrize("kind", ["standard", "minmax", "center", "sigma", None])
def test_numbers_too_small_to_matter_become_zero(kind):
    rng = np.random.default_rng(0)
    table = rng.uniform(size=(100, 3)) * [1.0, 1e-170, 1e-305]
    scaled = table_scaled(kind, table)
    assert not ((scaled != 0) & (np.abs(scaled) < 1e-100)).any()
    assert np.count_nonzero(scaled[:, 0]) >= 99


@pytest.mark.parametrize("kind", ["standard", "minmax", "center", "sigma", None])
def test_columns_that_no_training_structure_has_stay_finite(kind):
    X = mixed_features(np.random.default_rng(0))
    hydrogen_only = np.arange(2, len(X), 3)
    scaler = FeatureScaler(kind).fit(X, hydrogen_only)
    assert np.isfinite(scaler.scale(np.ones((2, 6)), np.arange(6))).all()


def test_statistics_of_chunks_equal_those_of_the_whole():
    rng = np.random.default_rng(0)
    X = mixed_features(rng, n_structures=200)
    X = AtomicFeatures(X.values * 1e-3 + 1e3, X.numbers)
    rows = rng.permutation(200)[:150]
    statistics = column_statistics(X, rows)
    for column in range(X.n_features):
        values = X.values[rows][:, :, column]
        values = values[~np.isnan(values)]
        assert statistics["count"][column] == len(values)
        np.testing.assert_allclose(statistics["mean"][column], values.mean(), rtol=1e-13)
        np.testing.assert_allclose(statistics["variance"][column], values.var(), rtol=1e-9)
        assert statistics["min"][column] == values.min()
        assert statistics["max"][column] == values.max()


def test_energy_references_of_two_elements_are_recovered():
    rng = np.random.default_rng(0)
    composition = rng.integers(1, 9, size=(30, 2))
    energies = composition @ [-13.6, -430.0]
    scaler = EnergyScaler().fit(composition, energies)
    np.testing.assert_allclose(scaler.references_, [-13.6, -430.0], rtol=1e-10)
    np.testing.assert_allclose(scaler.scale(composition, energies), 0.0, atol=1e-9)


def test_the_reference_of_one_element_is_the_mean_energy_per_atom():
    rng = np.random.default_rng(0)
    composition = rng.integers(1, 9, size=(30, 1))
    energies = composition[:, 0] * rng.normal(-3.0, 0.2, size=30)
    scaler = EnergyScaler().fit(composition, energies)
    per_atom = energies / composition[:, 0]
    np.testing.assert_allclose(scaler.references_, [per_atom.mean()])
    np.testing.assert_allclose(scaler.deviation_, per_atom.std())
    expected = (per_atom - per_atom.mean()) / per_atom.std()
    np.testing.assert_allclose(scaler.scale(composition, energies), expected)


def test_scaled_energies_have_unit_deviation_and_come_back():
    rng = np.random.default_rng(0)
    composition = rng.integers(0, 9, size=(30, 2)) + [1, 0]
    energies = composition @ [-13.6, -430.0] + rng.normal(size=30)
    scaler = EnergyScaler().fit(composition, energies)
    scaled = scaler.scale(composition, energies)
    np.testing.assert_allclose([scaled.mean(), scaled.std()], [0.0, 1.0], atol=1e-9)
    np.testing.assert_allclose(scaler.unscale(composition, scaled), energies, rtol=1e-13)


def test_equal_energies_are_not_blown_up():
    composition = np.full((5, 1), 3)
    scaler = EnergyScaler().fit(composition, np.full(5, 3 * 0.1))
    assert scaler.deviation_ == 1.0


def test_given_references_differ_as_given():
    # One compound does not tell its elements apart: least squares alone share the energy out.
    composition = np.array([[2.0, 4.0], [4.0, 8.0], [1.0, 2.0]])
    noise = np.array([0.1, -0.3, 0.05])
    energies = composition @ [-3.0, 5.0] - 0.7 * composition.sum(axis=1) + noise
    fitted = EnergyScaler().fit(composition, energies).references_
    given = EnergyScaler().fit(composition, energies, given=np.array([-3.0, 5.0])).references_
    np.testing.assert_allclose(np.diff(given), 8.0)
    np.testing.assert_allclose(composition @ given, composition @ fitted)
    # What is not given is fitted beside it.
    mixed = np.array([[2.0, 4.0], [4.0, 1.0], [1.0, 2.0], [3.0, 3.0]])
    energies = mixed @ [-3.0, 5.0]
    partly = EnergyScaler().fit(mixed, energies, given=np.array([-1.0, np.nan])).references_
    np.testing.assert_allclose(partly, [-3.0, 5.0])
