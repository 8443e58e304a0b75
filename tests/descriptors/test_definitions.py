import pickle

import pytest

from sklearn_agl.descriptors import SymmetryFunction
from sklearn_agl.descriptors._definitions import expand_symmetry_functions

RADIAL = SymmetryFunction("G2", eta=0.5)
ANGULAR = SymmetryFunction("G4", eta=0.5, zeta=4, lambda_=-1)


def test_equal_definitions_are_equal_and_hash_alike():
    first = SymmetryFunction("G4", eta=1, zeta=1, lambda_=1, neighbors=("Si", "O"))
    second = SymmetryFunction("G4", eta=1.0, zeta=1.0, lambda_=1, neighbors=("O", "Si"))
    assert first == second
    assert len({first, second}) == 1


def test_definition_is_immutable_and_pickles():
    with pytest.raises(AttributeError):
        RADIAL.eta = 1.0
    assert pickle.loads(pickle.dumps(ANGULAR)) == ANGULAR


def test_angular_kinds_say_so():
    assert ANGULAR.is_angular
    assert not RADIAL.is_angular


def test_name_keeps_every_digit():
    names = {SymmetryFunction("G2", eta=0.1 + i * 1e-15).name for i in range(5)}
    assert len(names) == 5


def test_name_tells_a_cutoff_that_is_not_the_usual_one():
    cosine = SymmetryFunction("G2", eta=1, r_cut=3, center="O", neighbors="H", cutoff="cosine")
    assert cosine.name == "O|G2(H, eta=1, r_s=0, r_cut=3, cutoff=cosine)"


@pytest.mark.parametrize(
    "kind, parameters, message",
    [
        ("G6", {"eta": 1}, r"kind 'G6' are not supported; choose one of \['G1', .*'G5'\]"),
        ("G2", {}, "kind G2 needs eta"),
        ("G4", {"eta": 1, "lambda_": 1}, "kind G4 needs zeta"),
        ("G2", {"eta": 1, "zeta": 1}, "kind G2 has no parameter zeta"),
        ("G2", {"eta": 1, "kappa": 1}, "kind G2 has no parameter kappa"),
        ("G2", {"eta": -1}, "eta must be at least 0, got -1"),
        ("G2", {"eta": "wide"}, "eta must be a number, got 'wide'"),
        ("G2", {"eta": float("nan")}, "eta must be finite"),
        ("G2", {"eta": 1, "r_s": None}, "r_s must be a number, got None"),
        ("G2", {"eta": 1, "r_cut": 0}, "r_cut must be above 0"),
        ("G4", {"eta": 1, "zeta": 0, "lambda_": 1}, "zeta must be above 0"),
        ("G4", {"eta": 1, "zeta": 1, "lambda_": 0.5}, r"lambda_ must be one of \[None, -1, 1\]"),
        ("G2", {"eta": 1, "cutoff": "soft"}, "cutoff must be one of .* got 'soft'"),
        ("G2", {"eta": 1, "center": "Xx"}, "Unknown chemical symbol 'Xx'"),
        ("G2", {"eta": 1, "neighbors": ("H", "O")}, r"needs 1 neighbour element\(s\)"),
        ("G4", {"eta": 1, "zeta": 1, "lambda_": 1, "neighbors": "H"}, "needs 2 neighbour"),
        ("G1", {"r_s": 0.5}, "kind G1 has no parameter r_s"),
        ("G3", {"kappa": 1, "r_s": 0.5}, "kind G3 has no parameter r_s"),
        ("G3", {}, "kind G3 needs kappa"),
        ("G1", {"weighted": True, "neighbors": "H"}, "leave neighbors away"),
        ("G1", {"r_inner": 3, "r_cut": 3}, r"r_inner must be below r_cut \(3\), got 3"),
        ("G1", {"r_inner": 1, "cutoff": "tanh"}, "'tanh' has no inner radius"),
        ("G1", {"r_inner": None}, "r_inner must be a number, got None"),
    ],
)
def test_impossible_definitions_are_refused(kind, parameters, message):
    with pytest.raises(ValueError, match=message):
        SymmetryFunction(kind, **parameters)


def expand(functions, elements=(1, 8)):
    return expand_symmetry_functions(functions, elements, r_cut=6.0, cutoff="poly2")


def test_expansion_runs_over_centers_definitions_and_neighbors_in_this_order():
    expanded = expand([RADIAL, ANGULAR])
    assert [(f.center, f.kind, f.neighbors) for f in expanded] == [
        (center, kind, neighbors)
        for center in ("H", "O")
        for kind, neighbors in [
            ("G2", ("H",)),
            ("G2", ("O",)),
            ("G4", ("H", "H")),
            ("G4", ("H", "O")),
            ("G4", ("O", "O")),
        ]
    ]


def test_expansion_fills_in_defaults_and_keeps_what_is_given():
    kept = SymmetryFunction("G2", eta=1, r_cut=3, center="O", neighbors="H", cutoff="cosine")
    assert expand([kept]) == (kept,)
    assert {(f.r_cut, f.cutoff) for f in expand([RADIAL])} == {(6.0, "poly2")}


def test_expansion_refuses_unknown_elements_and_repetitions():
    with pytest.raises(ValueError, match=r"names element Si, but the known elements are \['H'"):
        expand([SymmetryFunction("G2", eta=1, center="Si")])
    with pytest.raises(ValueError, match="occurs twice"):
        expand([RADIAL, SymmetryFunction("G2", eta=0.5, neighbors="O")])


def test_names_tell_all_parameters():
    functions = [
        SymmetryFunction("G1", r_cut=3.0, r_inner=1.0),
        SymmetryFunction("G3", kappa=2.5, neighbors="O"),
        SymmetryFunction("G5", eta=0.1, r_s=-0.5, zeta=2.5, lambda_=1, weighted=True),
    ]
    assert [function.name for function in functions] == [
        "*|G1(*, r_cut=3, r_inner=1)",
        "*|G3(O, kappa=2.5)",
        "*|G5(weighted, eta=0.1, r_s=-0.5, zeta=2.5, lambda=1)",
    ]


def test_a_weighted_function_does_not_multiply_with_the_elements():
    radial = SymmetryFunction("G2", eta=1.0, weighted=True)
    angular = SymmetryFunction("G4", eta=1.0, zeta=1, lambda_=1, weighted=True)
    expanded = expand([radial, angular], (1, 6, 7, 8))
    assert [f.center for f in expanded] == ["H", "H", "C", "C", "N", "N", "O", "O"]


def test_an_inner_radius_is_checked_against_the_defaults_of_the_transformer():
    with pytest.raises(ValueError, match="r_inner must be below r_cut"):
        expand([SymmetryFunction("G1", r_inner=7.0)])
