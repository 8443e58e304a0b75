"""The estimator: what it learns, returns and refuses."""

import pickle

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_agl.descriptors import SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.features import AtomicFeatures

MIXED = [molecule("H2O"), bulk("Si", cubic=True), molecule("CH3CH2OH"), Atoms("O")]


@pytest.fixture(scope="module")
def fitted():
    return SymmetryFunctionTransformer(r_cut=4.0).fit(MIXED)


def test_constructor_stores_only():
    functions = [SymmetryFunction("G2", eta=1.0)]
    transformer = SymmetryFunctionTransformer(functions, r_cut=3, n_jobs=2)
    assert transformer.get_params() == {
        "symmetry_functions": functions,
        "r_cut": 3,
        "cutoff": "poly2",
        "elements": None,
        "dtype": "float64",
        "min_range": 1e-3,
        "energy_key": None,
        "forces_key": None,
        "stress_key": None,
        "memmap_folder": None,
        "n_jobs": 2,
        "verbose": False,
    }
    assert clone(transformer).get_params() == transformer.get_params()


def test_fit_learns_elements_and_complete_definitions(fitted):
    assert_array_equal(fitted.elements_, [1, 6, 8, 14])
    assert fitted.n_features_out_ == len(fitted.symmetry_functions_) == 4 * (8 * 4 + 8 * 10)
    assert all(f.center and f.neighbors and f.r_cut == 4.0 for f in fitted.symmetry_functions_)


def test_given_elements_replace_those_of_the_data():
    transformer = SymmetryFunctionTransformer(elements=["Si", 1]).fit(
        [Atoms("H2", [[0, 0, 0], [0, 0, 1]])]
    )
    assert_array_equal(transformer.elements_, [1, 14])


def test_names_are_unique_and_tell_the_columns(fitted):
    names = fitted.get_feature_names_out()
    assert len(set(names)) == fitted.n_features_out_
    assert names[0].startswith("H|G2(H, eta=")
    assert_array_equal(fitted.transform(MIXED).feature_names, names)


def test_result_is_padded_and_masked_with_nan(fitted):
    X = fitted.transform(MIXED)
    assert isinstance(X, AtomicFeatures)
    assert X.shape == (4, 9, fitted.n_features_out_)
    assert_array_equal(X.n_atoms, [len(atoms) for atoms in MIXED])
    centers = np.array([f.center for f in fitted.symmetry_functions_])
    symbols = np.array(["X", "H", "", "", "", "", "C", "", "O", "", "", "", "", "", "Si"])
    defined = symbols[X.numbers][:, :, None] == centers
    assert_array_equal(np.isfinite(X.values), defined)
    assert X.structures == tuple(MIXED)
    assert X.symmetry_functions == fitted.symmetry_functions_


def test_structures_do_not_influence_each_other(fitted):
    together = fitted.transform(MIXED)
    for index, atoms in enumerate(MIXED):
        alone = fitted.transform([atoms]).values[0]
        assert_array_equal(together.values[index, : len(atoms)], alone)


@pytest.mark.parametrize("n_jobs", [1, 2, 3, -1])
def test_number_of_jobs_does_not_change_a_digit(fitted, n_jobs):
    structures = MIXED * 5
    parallel = clone(fitted).set_params(n_jobs=n_jobs).fit(structures)
    assert_array_equal(parallel.transform(structures).values, fitted.transform(structures).values)


def test_fitted_transformer_pickles(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    assert again.symmetry_functions_ == fitted.symmetry_functions_
    assert_array_equal(again.transform(MIXED).values, fitted.transform(MIXED).values)


def test_structures_may_come_as_any_sequence(fitted):
    expected = fitted.transform(MIXED).values
    assert_array_equal(fitted.transform(tuple(MIXED)).values, expected)
    objects = np.empty(len(MIXED), dtype=object)
    objects[:] = MIXED
    assert_array_equal(fitted.transform(objects).values, expected)


def test_input_is_not_changed(fitted):
    before = [atoms.copy() for atoms in MIXED]
    fitted.transform(MIXED)
    assert all(a == b for a, b in zip(before, MIXED, strict=True))


def test_progress_is_shown_when_asked_for(fitted, capfd):
    clone(fitted).set_params(verbose=True).fit_transform(MIXED)
    shown = capfd.readouterr()
    assert shown.err or shown.out
    fitted.transform(MIXED)
    shown = capfd.readouterr()
    assert not (shown.err or shown.out)


def test_tags_do_not_promise_a_table():
    tags = SymmetryFunctionTransformer().__sklearn_tags__()
    assert not tags.input_tags.two_d_array
    assert not tags.target_tags.required
    assert tags.requires_fit


def test_transform_needs_fit():
    with pytest.raises(NotFittedError):
        SymmetryFunctionTransformer().transform(MIXED)


@pytest.mark.parametrize(
    "name, value",
    [
        ("symmetry_functions", 3),
        ("r_cut", 0.0),
        ("r_cut", "long"),
        ("cutoff", "soft"),
        ("elements", 14),
        ("dtype", "float16"),
        ("n_jobs", 1.5),
        ("verbose", "yes"),
    ],
)
def test_bad_parameters_are_refused(name, value):
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter"):
        SymmetryFunctionTransformer(**{name: value}).fit(MIXED)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"symmetry_functions": "lj-23"}, "Unknown set of symmetry functions 'lj-23'"),
        ({"symmetry_functions": []}, "symmetry_functions is empty"),
        ({"symmetry_functions": ["G2"]}, "it contains 'G2'"),
        ({"elements": ["Xx"]}, "Unknown element 'Xx'"),
        ({"elements": [1.5]}, "Unknown element 1.5"),
        ({"elements": ["H", "O"]}, "Structure 1 contains Si, .* knows .*name all elements in ele"),
    ],
)
def test_definitions_and_elements_that_do_not_fit_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        SymmetryFunctionTransformer(**parameters).fit(MIXED)


def broken(position=None, cell=None, numbers=None):
    atoms = bulk("Si", cubic=True)
    if position is not None:
        atoms.positions[3] = position
    if cell is not None:
        atoms.set_cell(cell)
    if numbers is not None:
        atoms.numbers[2] = numbers
    return atoms


@pytest.mark.parametrize(
    "bad, message",
    [
        ("Si", "Structure 1 is of type str; read the file it names"),
        (bulk("Si").positions, "Structure 1 is of type ndarray"),
        (Atoms(), "Structure 1 has no atoms; leave it out"),
        (broken([0, np.nan, 0]), r"Structure 1 .* not finite: atom 3 is at \[0.0, nan, 0.0\]"),
        (broken([np.inf, 0, 0]), "Structure 1 .* not finite: atom 3"),
        (broken(cell=np.zeros((3, 3))), "Structure 1 is periodic .* no volume.*pbc = False"),
        (broken(cell=np.full((3, 3), 5.0)), "Structure 1 is periodic .* no volume"),
        (broken(cell=[[0, 1, 0], [0, 1e3, 1], [0, 0, 1]]), "Structure 1 is periodic .* no volume"),
        (broken(cell=np.diag([5, 5, np.nan])), "Structure 1 is periodic .* no volume"),
        (broken(numbers=0), "Structure 1 has an atom without an element: atom 2"),
    ],
)
def test_unsound_structures_are_named(fitted, bad, message):
    for method in (clone(fitted).fit, fitted.transform):
        with pytest.raises(ValueError, match=message):
            method([MIXED[0], bad])


@pytest.mark.parametrize("position", [[0, 0, 0], [5.43, 5.43, 0], [1e-8, 0, 0]])
def test_two_atoms_at_one_point_are_named(fitted, position):
    with pytest.raises(ValueError, match="Structure 1 has two atoms at one point: atom [03] .*Rem"):
        fitted.transform([MIXED[0], broken(position)])


def test_new_element_is_named(fitted):
    with pytest.raises(
        ValueError, match=r"Structure 1 contains Al, but .* \['H', 'C', 'O', 'Si'\]"
    ):
        fitted.transform([MIXED[0], bulk("Al")])


@pytest.mark.parametrize(
    "structures, message",
    [
        (bulk("Si"), r"Got one ase.Atoms; put it into a list: \[atoms\]"),
        ([], "Got no structure. At least one is needed"),
        (3, "Expected a sequence of ase.Atoms, got int"),
        (None, "Expected a sequence of ase.Atoms, got NoneType"),
    ],
)
def test_anything_but_a_list_of_structures_is_refused(fitted, structures, message):
    for method in (clone(fitted).fit, fitted.transform):
        with pytest.raises(ValueError, match=message):
            method(structures)


def test_computed_features_are_refused(fitted):
    with pytest.raises(
        ValueError, match="Got AtomicFeatures, which hold symmetry functions already"
    ):
        fitted.transform(fitted.transform(MIXED))
