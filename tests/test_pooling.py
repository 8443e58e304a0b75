import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.feature_selection import SelectFromModel, SelectKBest, f_regression
from sklearn.linear_model import LassoCV, LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_agl import AtomicFeatures, AtomPooler, SymmetryFunctionTransformer, pooling
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.descriptors import SymmetryFunction

REFERENCES = {
    "sum": np.sum,
    "mean": np.mean,
    "std": np.std,
    "min": np.min,
    "max": np.max,
    "skewness": stats.skew,
    "kurtosis": lambda values: stats.kurtosis(values, fisher=False),
}


@pytest.fixture
def atoms():
    """Hydrogen (columns 0 and 1) and oxygen (column 2); the last structure has no oxygen."""
    rng = np.random.default_rng(0)
    numbers = np.array([[1, 1, 1, 8, 8, 8, 8], [8, 1, 1, 1, 8, 8, 0], [1, 1, 1, 1, 0, 0, 0]])
    values = np.full((3, 7, 3), np.nan)
    values[numbers == 1, :2] = rng.normal(size=(10, 2))
    values[numbers == 8, 2:] = rng.normal(size=(7, 1)) + 5.0
    functions = [
        SymmetryFunction("G2", r_cut=6.0, eta=0.1 * (i + 1), center=center, neighbors="H")
        for i, center in enumerate("HHO")
    ]
    return AtomicFeatures(values, numbers, symmetry_functions=functions)


@pytest.mark.parametrize("chunk", [1, 14, 4096])
def test_statistics_of_the_atoms_that_have_a_feature(atoms, monkeypatch, chunk):
    monkeypatch.setattr(pooling, "CHUNK", chunk)
    pooled = AtomPooler(tuple(REFERENCES), absent=-7.0).fit_transform(atoms)
    assert pooled.shape == (3, 21)
    for i, (name, reference) in enumerate(REFERENCES.items()):
        for row in range(3):
            for column in range(3):
                values = atoms.values[row, :, column]
                values = values[~np.isnan(values)]
                expected = (0.0 if name == "sum" else -7.0) if not len(values) else None
                expected = reference(values) if expected is None else expected
                assert pooled[row, 3 * i + column] == pytest.approx(expected, rel=1e-10)


def test_all_statistics_are_tested():
    assert REFERENCES.keys() == pooling.STATISTICS.keys()


def test_equal_atoms_have_no_shape():
    X = np.full((2, 5, 1), 0.1)
    pooled = AtomPooler(("std", "skewness", "kurtosis")).fit_transform(X)
    np.testing.assert_allclose(pooled, 0.0, atol=1e-15)


def test_order_of_atoms_does_not_matter(atoms):
    order = np.random.default_rng(1).permutation(7)
    shuffled = AtomicFeatures(atoms.values[:, order], atoms.numbers[:, order])
    pooler = AtomPooler(tuple(REFERENCES))
    np.testing.assert_allclose(pooler.fit_transform(shuffled), pooler.fit_transform(atoms))


def test_rows_of_a_table_are_atoms():
    X = np.random.default_rng(0).normal(size=(6, 3))
    pooled = AtomPooler(("sum", "mean", "min", "max", "std")).fit_transform(X)
    np.testing.assert_array_equal(pooled, np.hstack([X] * 4 + [np.zeros_like(X)]))


def test_single_precision_stays(atoms):
    single = AtomicFeatures(atoms.values.astype(np.float32), atoms.numbers)
    assert AtomPooler().fit_transform(single).dtype == np.float32


def test_names(atoms):
    names = AtomPooler(("mean", "std")).fit(atoms).get_feature_names_out()
    functions = atoms.feature_names
    assert names.tolist() == [f"{one} {name}" for one in ("mean", "std") for name in functions]


def test_pandas_output(atoms):
    pooler = AtomPooler(("mean",)).set_output(transform="pandas")
    frame = pooler.fit_transform(atoms)
    assert isinstance(frame, pd.DataFrame)
    assert frame.columns.tolist() == pooler.get_feature_names_out().tolist()


@pytest.mark.parametrize("statistics", ["sum", (), ("sum", "median"), (1,)])
def test_unknown_statistics(atoms, statistics):
    with pytest.raises(ValueError, match="statistics"):
        AtomPooler(statistics).fit(atoms)


def test_other_columns_are_refused(atoms):
    pooler = AtomPooler().fit(atoms)
    with pytest.raises(ValueError, match="X has 2 features, but AtomPooler is expecting 3"):
        pooler.transform(atoms.take_features([0, 1]))


@pytest.fixture(scope="module")
def lennard_jones():
    structures, energies = make_lennard_jones(150, n_atoms=32, r_cut=1.5, random_state=0)
    return SymmetryFunctionTransformer("lj-22").fit_transform(structures), energies


def test_linear_models_of_sums_are_potentials(atoms):
    # Energies that are linear in the features of the atoms, without a constant.
    X = AtomPooler().fit_transform(atoms)
    energies = np.nansum(atoms.values * [1.0, 2.0, 3.0], axis=(1, 2))
    model = LinearRegression(fit_intercept=False).fit(X, energies)
    np.testing.assert_allclose(model.coef_, [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    "steps",
    [
        (Ridge(1e-3),),
        (LassoCV(cv=3, max_iter=5000, tol=1e-2),),
        (SelectKBest(f_regression, k=10), Ridge(1e-3)),
        (SelectFromModel(RandomForestRegressor(20, random_state=0)), Ridge(1e-3)),
        (RandomForestRegressor(50, random_state=0),),
    ],
)
def test_estimators_of_scikit_learn(lennard_jones, steps):
    X, y = lennard_jones
    pipe = make_pipeline(AtomPooler(("mean", "std")), StandardScaler(), *steps)
    # Molecular dynamics end elsewhere on every processor: over their seeds, scores are 0.6 to 0.99.
    assert pipe.fit(X[::2], y[::2]).score(X[1::2], y[1::2]) > 0.3


def test_from_structures_in_a_search():
    structures, energies = make_lennard_jones(40, n_atoms=32, r_cut=1.5, random_state=0)
    pipe = make_pipeline(
        SymmetryFunctionTransformer("lj-22"), AtomPooler(), StandardScaler(), Ridge()
    )
    grid = {"atompooler__statistics": [("sum",), ("mean", "std")]}
    search = GridSearchCV(pipe, grid, cv=2).fit(structures, energies)
    assert search.predict(structures).shape == (40,)


def test_absent_values_for_trees(atoms):
    pooled = AtomPooler(("mean",), absent=np.nan).fit_transform(atoms)
    assert np.isnan(pooled[2, 2]) and not np.isnan(pooled[:, :2]).any()
    HistGradientBoostingRegressor(max_iter=2).fit(pooled, [0.0, 1.0, 2.0])
