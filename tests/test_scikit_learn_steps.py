"""Steps of scikit-learn that work on tables: what they say to features of atoms, and the cures that
the page on features names.
"""

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from sklearn.ensemble import BaggingRegressor
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest, f_regression
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_agl import AtomPooler, HDNNPRegressor, SymmetryFunction, SymmetryFunctionTransformer

PAGE = Path(__file__).parents[1] / "doc" / "user_guide" / "features.rst"
FIRST = [SymmetryFunction("G2", eta=eta, r_cut=4.0) for eta in (0.1, 0.5)]
SECOND = [SymmetryFunction("G2", eta=eta, r_cut=4.0) for eta in (1.0, 2.0)]
NETWORK = HDNNPRegressor((2,), max_epochs=1, random_state=0)
STEPS = {
    "RFE": RFE(LinearRegression(), n_features_to_select=2),
    "SelectFromModel": SelectFromModel(LinearRegression()),
    "StandardScaler": StandardScaler(),
    "SelectKBest": SelectKBest(f_regression, k=2),
    "BaggingRegressor": BaggingRegressor(LinearRegression(), n_estimators=2, random_state=0),
}


@pytest.fixture(scope="module")
def data():
    structures = []
    for seed in range(20):
        atoms = bulk("Al", cubic=True)
        atoms.rattle(0.1, seed=seed)
        atoms.calc = EMT()
        structures.append(atoms)
    energies = np.array([atoms.get_potential_energy() for atoms in structures])
    X = SymmetryFunctionTransformer([*FIRST, *SECOND]).fit_transform(structures)
    return structures, energies, X


@pytest.fixture
def page():
    if not PAGE.exists():
        pytest.skip("no documentation beside the tests")
    return PAGE.read_text()


@pytest.mark.parametrize("name", STEPS)
def test_what_they_say_is_on_the_page(name, data, page):
    _, energies, X = data
    with pytest.raises(ValueError, match="Found array with dim 3, while dim <= 2 is required"):
        STEPS[name].fit(X, energies)
    assert "Found array with dim 3, while dim <= 2 is required" in page
    assert f"`{name}`" in page


@pytest.mark.parametrize("name", STEPS)
def test_behind_a_pooler_they_work(name, data):
    structures, energies, X = data
    transformer = SymmetryFunctionTransformer([*FIRST, *SECOND])
    pipe = make_pipeline(transformer, AtomPooler(), STEPS[name]).fit(structures, energies)
    assert pipe[-1].n_features_in_ == X.n_features


def test_importances_by_permutation(data, page):
    _, energies, X = data
    with pytest.raises(ValueError, match="Found array with dim 3"):
        permutation_importance(NETWORK.fit(X, energies), X, energies)
    table = AtomPooler().fit_transform(X)
    model = LinearRegression().fit(table, energies)
    found = permutation_importance(model, table, energies, random_state=0)
    assert found.importances_mean.shape == (X.n_features,)
    assert "`permutation_importance`" in page


def test_unions(data, page):
    structures, energies, X = data
    first, second = SymmetryFunctionTransformer(FIRST), SymmetryFunctionTransformer(SECOND)
    with pytest.raises(ValueError, match="3 dimensions"):
        FeatureUnion([("first", first), ("second", second)]).fit_transform(structures, energies)
    assert "`FeatureUnion`" in page
    # The two cures: one transformer, or poolers inside.
    parts = [
        ("first", make_pipeline(first, AtomPooler())),
        ("second", make_pipeline(second, AtomPooler())),
    ]
    union = FeatureUnion(parts).fit_transform(structures, energies)
    np.testing.assert_allclose(union, AtomPooler().fit_transform(X))


def test_bagging_of_structures(data):
    structures, energies, _ = data
    pipe = make_pipeline(SymmetryFunctionTransformer(FIRST), NETWORK)
    bagging = BaggingRegressor(pipe, n_estimators=2, random_state=0)
    with pytest.raises(ValueError, match=r"X = np.empty\(\(n, 1\), dtype=object\)"):
        bagging.fit(structures, energies)
    column = np.empty((len(structures), 1), dtype=object)
    column[:, 0] = structures
    assert bagging.fit(column, energies).predict(column).shape == (20,)


def test_tables_of_functions_fit_a_screen():
    pytest.importorskip("pandas")
    atoms = bulk("NaCl", "rocksalt", a=5.0)
    for name in ("al-22", "directional-60"):
        table = SymmetryFunctionTransformer(name).fit([atoms]).to_frame()
        assert max(map(len, table.to_string().splitlines())) <= 100
    assert table.index[0] == "G2 #0"
    assert "weighted" not in table
