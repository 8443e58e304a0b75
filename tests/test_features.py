import pickle
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing

from sklearn_agl import AtomicFeatures, AtomPooler, CURSelector, HDNNPRegressor, _memory
from sklearn_agl._validation import validate_energies, validate_features
from sklearn_agl.descriptors import SymmetryFunction
from sklearn_agl.features import as_atomic_features, concatenate, is_atomic

NAN = np.nan
DATA = Path(__file__).parent / "data"
FUNCTIONS = [SymmetryFunction("G2", eta=eta, r_cut=6.0) for eta in (0.0, 0.1, 0.2)]
STRUCTURES = [Atoms("H2", np.eye(3)[:2]), Atoms("HO", np.eye(3)[:2]), Atoms("H"), Atoms("O")]


@pytest.fixture
def X():
    """Four structures of H and O; columns 0 and 1 belong to H, column 2 to O."""
    numbers = np.array([[1, 1], [1, 8], [1, 0], [8, 0]])
    values = np.full((4, 2, 3), NAN)
    values[numbers == 1, :2] = np.arange(8.0).reshape(4, 2)
    values[numbers == 8, 2] = [10.0, 11.0]
    return AtomicFeatures(values, numbers, symmetry_functions=FUNCTIONS, structures=STRUCTURES)


def assert_same(actual, expected, rows):
    np.testing.assert_array_equal(actual.values, expected.values[rows])
    np.testing.assert_array_equal(actual.numbers, expected.numbers[rows])
    assert actual.symmetry_functions == expected.symmetry_functions
    assert actual.structures == tuple(expected.structures[i] for i in rows)


def test_table_of_all_atoms(X):
    pytest.importorskip("pandas")
    table = X.to_frame()
    assert list(table.columns) == ["element", *X.feature_names]
    assert table["element"].tolist() == ["H", "H", "H", "O", "H", "O"]
    assert list(table.index) == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (3, 0)]
    np.testing.assert_array_equal(table.iloc[:, 1:], X.atom_values)
    unnamed = AtomicFeatures(X.values, X.numbers).to_frame()
    assert list(unnamed.columns) == ["element", "x0", "x1", "x2"]


def test_what_it_tells(X):
    assert len(X) == 4
    assert X.shape == (4, 2, 3)
    assert (X.ndim, X.n_features, X.dtype) == (3, 3, np.float64)
    assert X.n_atoms.tolist() == [2, 2, 1, 1]
    assert X.elements == (1, 8)
    assert X.feature_names.tolist() == [function.name for function in FUNCTIONS]
    assert repr(X) == "AtomicFeatures(n_structures=4, n_atoms_max=2, n_features=3)"
    assert AtomicFeatures(X.values).feature_names is None


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (slice(1, 3), [1, 2]),
        (slice(None, None, -1), [3, 2, 1, 0]),
        ([2, 0], [2, 0]),
        (np.array([3, 3]), [3, 3]),
        (np.array([True, False, False, True]), [0, 3]),
        ([False, True, False, False], [1]),
        (([1, 2], Ellipsis), [1, 2]),
        ((slice(0, 2), Ellipsis), [0, 1]),
        (2, [2]),
        (-1, [3]),
        (np.int64(1), [1]),
        ([], []),
    ],
)
def test_rows(X, index, rows):
    assert_same(X[index], X, rows)


@pytest.mark.parametrize("index", [(0, 1), (slice(None), 0), ([0], ..., 1), (..., 0)])
def test_columns_are_not_indexed(X, index):
    with pytest.raises(IndexError, match="take_features"):
        X[index]


@pytest.mark.parametrize("index", [4, [0, 9]])
def test_rows_out_of_range(X, index):
    with pytest.raises(IndexError, match="out of bounds"):
        X[index]


def test_iteration_gives_one_structure_at_a_time(X):
    parts = list(X)
    assert len(parts) == 4
    assert_same(parts[2], X, [2])


@pytest.mark.parametrize("index", [[2, 0], np.array([1, 3]), np.array([True, False, True, False])])
def test_scikit_learn_indexing(X, index):
    assert_same(_safe_indexing(X, index), X, np.arange(4)[index])


def test_train_test_split(X):
    train, test, y_train, y_test = train_test_split(X, np.arange(4), test_size=1, random_state=0)
    assert_same(train, X, y_train)
    assert_same(test, X, y_test)


@pytest.mark.parametrize("columns", [[2, 0], np.array([True, False, True]), [-1]])
def test_take_features(X, columns):
    kept = X.take_features(columns)
    chosen = np.arange(3)[columns]
    np.testing.assert_array_equal(kept.values, X.values[:, :, chosen])
    assert kept.symmetry_functions == tuple(FUNCTIONS[i] for i in chosen)
    assert kept.structures == X.structures


def test_columns_of(X):
    assert X.columns_of(1).tolist() == [0, 1]
    assert X.columns_of(8).tolist() == [2]
    assert X.columns_of(14).tolist() == []


def test_immutable(X):
    for array in (X.values, X.numbers, X.n_atoms):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_given_array_stays_writeable_and_is_not_copied():
    values = np.ones((2, 3, 4))
    X = AtomicFeatures(values)
    assert np.shares_memory(X.values, values)
    assert values.flags.writeable


def test_as_array(X):
    np.testing.assert_array_equal(np.asarray(X), X.values)
    assert np.shares_memory(np.asarray(X), X.values)
    assert np.asarray(X, dtype=np.float32).dtype == np.float32
    copy = np.array(X)
    copy[0] = 0.0
    assert not np.shares_memory(copy, X.values)


def test_pickle(X):
    again = pickle.loads(pickle.dumps(X))
    assert_same(again, X, [0, 1, 2, 3])
    with pytest.raises(ValueError, match="read-only"):
        again.values[0] = 1


def test_integers_become_floats():
    assert AtomicFeatures(np.ones((1, 1, 2), dtype=int)).dtype == np.float64


def test_concatenate(X):
    joined = concatenate([X[[2]], X[[0, 1]]])
    assert_same(joined, X, [2, 0, 1])


def test_concatenate_pads(X):
    wide = AtomicFeatures(np.ones((1, 5, 3)))
    joined = concatenate([X, wide])
    assert joined.shape == (5, 5, 3)
    assert joined.n_atoms.tolist() == [2, 2, 1, 1, 5]
    assert np.isnan(joined.values[:4, 2:]).all()
    assert joined.structures is None


def test_concatenate_refuses_other_columns(X):
    with pytest.raises(ValueError, match=r"\[3, 2\] columns"):
        concatenate([X, X.take_features([0, 1])])


@pytest.mark.parametrize(
    ("values", "params", "message"),
    [
        (np.ones((2, 3)), {}, "an array of 2 dimensions"),
        (np.ones((2, 3, 4)), {"numbers": [[1, 1]]}, r"need \(2, 3\)"),
        (np.ones((2, 3, 4)), {"symmetry_functions": FUNCTIONS}, "has 3 entries, but values need 4"),
        (np.ones((2, 3, 4)), {"structures": STRUCTURES}, "has 4 entries, but values need 2"),
        ([[[1.0]], [[NAN]]], {}, "Structure 1 has no atom"),
    ],
)
def test_contradictions(values, params, message):
    with pytest.raises(ValueError, match=message):
        AtomicFeatures(values, **params)


def test_plain_arrays():
    table = np.arange(6.0).reshape(3, 2)
    X = as_atomic_features(table)
    assert X.shape == (3, 1, 2)
    assert as_atomic_features(X) is X
    assert is_atomic(X) and is_atomic(X.values) and not is_atomic(table)
    assert as_atomic_features(np.array([[[1.0], [NAN]]])).n_atoms.tolist() == [1]


def test_validation_notes_number_and_names(X):
    estimator = BaseEstimator()
    assert validate_features(estimator, X, reset=True) is X
    assert estimator.n_features_in_ == 3
    assert estimator.feature_names_in_.tolist() == X.feature_names.tolist()
    validate_features(estimator, X.values[:, :, [0, 1]][:1], reset=True)
    assert estimator.n_features_in_ == 2
    assert not hasattr(estimator, "feature_names_in_")


def test_validation_compares_number_and_names(X):
    estimator = BaseEstimator()
    validate_features(estimator, X, reset=True)
    with pytest.raises(ValueError, match="X has 2 features, but BaseEstimator is expecting 3"):
        validate_features(estimator, X.take_features([0, 1]), reset=False)
    with pytest.raises(ValueError, match="Column 1 is .* was fitted with"):
        validate_features(estimator, X.take_features([0, 2, 1]), reset=False)


@pytest.mark.parametrize("bad", [NAN, np.inf])
def test_validation_finds_missing_values(X, bad):
    values = X.values.copy()
    values[1, 0, 1] = bad
    with pytest.raises(ValueError, match="structure 1, atom 0 contain NaN or infinity"):
        validate_features(BaseEstimator(), AtomicFeatures(values, X.numbers), reset=True)


def test_validation_refuses_structures_and_nothing():
    with pytest.raises(ValueError, match="put a SymmetryFunctionTransformer before"):
        validate_features(BaseEstimator(), STRUCTURES, reset=True)
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        validate_features(BaseEstimator(), np.ones((0, 2, 3)), reset=True)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "give the energies"),
        ([1.0, 2.0], "inconsistent numbers of samples"),
        ([1.0, 2.0, NAN, 4.0], "Energy of structure 2 is nan"),
        (np.ones((4, 2)), "1d array"),
    ],
)
def test_bad_energies(X, y, message):
    with pytest.raises(ValueError, match=message):
        validate_energies(X, y)


def test_energies_become_floats(X):
    assert validate_energies(X, [1, 2, 3, 4]).dtype == np.float64


def test_a_missing_value_of_the_first_atom_is_an_error(X):
    values = np.array([[[np.nan, 1.0], [2.0, 3.0]]])
    with pytest.raises(ValueError, match="structure 0, atom 0 contain NaN"):
        HDNNPRegressor().fit(AtomicFeatures(values), [1.0])


def test_energies_of_the_wrong_number_name_both(X):
    with pytest.raises(ValueError, match="X has 2 structures, but y has 3 energies"):
        validate_energies(AtomicFeatures(np.ones((2, 1, 1))), [1.0, 2.0, 3.0])


def test_features_from_rows():
    X = AtomicFeatures.from_rows([[1.0], [2.0], [3.0]], [8, 1, 1], n_atoms=[1, 2])
    assert X.shape == (2, 2, 1)
    assert X.values.tolist()[1] == [[2.0], [3.0]]
    assert X.numbers.tolist() == [[8, 0], [1, 1]]


def test_rows_are_not_copied():
    rows = np.ones((5, 2))
    X = AtomicFeatures.from_rows(rows, n_atoms=[2, 3])
    assert np.shares_memory(X.atom_values, rows)
    assert np.shares_memory(X[1:].atom_values, rows)
    assert rows.flags.writeable
    for array in (X.atom_values, X.atom_numbers, X.offsets, X.n_atoms):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize(
    ("rows", "params", "message"),
    [
        (np.ones((2, 3, 1)), {"n_atoms": [1, 1]}, "an array of 3 dimensions"),
        (np.ones((2, 1)), {"n_atoms": [1]}, "n_atoms adds up to 1, but there are 2 rows"),
        (np.ones((2, 1)), {"n_atoms": [2, 0]}, "Structure 1 has no atom"),
        (np.ones((2, 1)), {"n_atoms": [3, -1]}, r"n_atoms\[1\] is -1; it must be a whole number"),
        (np.ones((2, 1)), {"n_atoms": [0.5, 1.5]}, r"n_atoms\[0\] is 0.5; it must be a whole"),
        (np.ones((2, 1)), {"n_atoms": 2}, "n_atoms has 0 dimensions"),
        (np.ones((2, 1)), {"n_atoms": [2], "atom_numbers": [1]}, r"it needs \(2,\)"),
        (np.ones((2, 1)), {"n_atoms": [2], "atom_numbers": [1, 0]}, r"atom_numbers\[1\] is 0"),
        (np.ones((2, 1)), {"n_atoms": [2], "atom_numbers": [1, 0.5]}, "is 0.5; atomic numbers"),
        (np.ones((2, 1)), {"n_atoms": [2], "structures": []}, "has 0 entries, but values need 1"),
        ([["a"]], {"n_atoms": [1]}, "which is no number"),
    ],
)
def test_contradictory_rows(rows, params, message):
    with pytest.raises(ValueError, match=message):
        AtomicFeatures.from_rows(rows, **params)


@pytest.fixture
def uneven():
    """Many single atoms beside a large structure: 1.2 MB of rows, a tensor of 2.4 TB."""
    n_atoms = np.append(np.ones(50_000, dtype=int), 100_000)
    return AtomicFeatures.from_rows(np.ones((150_000, 1)), n_atoms=n_atoms)


def test_a_tensor_that_does_not_fit_is_refused_in_words(uneven, monkeypatch):
    monkeypatch.setattr(_memory, "_of_machine", lambda: 10**10)
    for ask in (lambda: uneven.values, lambda: uneven.numbers, lambda: np.asarray(uneven)):
        with pytest.raises(MemoryError) as caught:
            ask()
        message = str(caught.value)
        assert "The padded tensor of shape (50001, 100000" in message
        assert "takes 40 GB of memory, but 10 GB are free. Without padding it is 1.2 MB" in message
        assert "use atom_values, atom_numbers and offsets" in message


def test_nothing_else_makes_the_tensor(uneven, tmp_path):
    again = pickle.loads(pickle.dumps(uneven))
    again = concatenate([again[::2], again[[1, 3]]])
    assert again.shape == (25_003, 100_000, 1)
    validate_features(BaseEstimator(), again, reset=True)
    selector = CURSelector(1).fit(again.with_rows(np.arange(125_002.0)[:, None]))
    assert selector.inverse_transform(selector.transform(again)).n_atoms.sum() == 125_002
    assert AtomPooler().fit_transform(again)[-3:].tolist() == [[100_000.0], [1.0], [1.0]]


def test_pickles_of_padded_features_load():
    """`tests/data/features_padded.pkl` was written when features were kept padded."""
    X = pickle.loads((DATA / "features_padded.pkl").read_bytes())
    assert X.atom_numbers.tolist() == [1, 1, 8, 8, 1, 8]
    np.testing.assert_array_equal(
        X.atom_values,
        [[0.5, NAN], [1.5, NAN], [NAN, -1.0], [NAN, -2.0], [2.5, NAN], [NAN, -3.0]],
    )
    assert X.n_atoms.tolist() == [3, 1, 2]
    assert [function.eta for function in X.symmetry_functions] == [0.0, 0.1]
