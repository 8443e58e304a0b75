import pytest
from ase import Atoms

from sklearn_agl import SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.descriptors import short_names, symmetry_function_preset


@pytest.mark.parametrize("name", ["lj-22", "al-22", "b-60", "al-329", "directional-60"])
def test_names_of_a_set_are_short_and_differ(name):
    names = short_names(symmetry_function_preset(name))
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 50


def test_elements_are_named_where_there_are_several():
    function = SymmetryFunction("G2", eta=3.857, r_s=0.5, r_cut=6.0)
    transformer = SymmetryFunctionTransformer([function], elements=["In", "P"])
    functions = transformer.fit([Atoms("InP", [[0, 0, 0], [0, 0, 2]])]).symmetry_functions_
    assert short_names(functions)[:2] == [
        "G2 P-P #0: eta 3.86, r_s 0.50",
        "G2 P-In #1: eta 3.86, r_s 0.50",
    ]


def test_what_differs_is_named():
    functions = [
        SymmetryFunction("G1", r_cut=4.0, cutoff="cosine"),
        SymmetryFunction("G3", kappa=1.5, r_cut=6.0, cutoff="poly2"),
        SymmetryFunction("G2", eta=0.1, r_cut=6.0, cutoff="poly2", weighted=True),
    ]
    assert short_names(functions) == [
        "G1 #0: r_cut 4, cosine",
        "G3 #1: kappa 1.5, r_cut 6, poly2",
        "G2 weighted #2: eta 0.1, r_cut 6, poly2",
    ]


def test_other_things_have_no_short_name():
    with pytest.raises(ValueError, match=r"symmetry_functions\[0\] is of type str"):
        short_names(["G2"])
