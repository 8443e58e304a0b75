import pytest

from sklearn_agl.descriptors import symmetry_function_grid, symmetry_function_preset
from sklearn_agl.descriptors._presets import PRESETS, automatic_symmetry_functions


@pytest.mark.parametrize(
    "name, n_radial, n_angular, r_cut",
    [
        ("lj-22", 12, 10, 2.8),
        ("al-22", 12, 10, 6.8),
        ("b-60", 20, 40, 6.0),
        ("al-329", 269, 60, 6.8),
    ],
)
def test_sets_have_the_published_sizes(name, n_radial, n_angular, r_cut):
    functions = symmetry_function_preset(name)
    assert [f.is_angular for f in functions] == [False] * n_radial + [True] * n_angular
    assert {f.r_cut for f in functions} == {r_cut}
    assert len(set(functions)) == len(functions)


def test_angular_functions_come_in_the_order_of_the_tables():
    angular = [f for f in symmetry_function_preset("al-22") if f.is_angular]
    assert [f.lambda_ for f in angular] == [-1] * 5 + [1] * 5
    assert [f.zeta for f in angular] == [1, 2, 4, 16, 64] * 2


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="'lj-23'; known are .*'lj-22', 'al-22', 'b-60', 'al-329'"):
        symmetry_function_preset("lj-23")
    assert len(PRESETS) == 4


def test_grid_follows_the_published_rules():
    functions = symmetry_function_grid(r_cut=5.0, n_centered=4, n_shifted=4, angular_eta=(0.1,))
    centered, shifted, angular = functions[:4], functions[4:8], functions[8:]
    assert [f.eta for f in centered] == pytest.approx(
        [(4 ** (m / 4) / 5.0) ** 2 for m in range(4)], rel=1e-4
    )
    assert [f.r_s for f in shifted] == pytest.approx([1.0, 2.0, 3.0, 4.0])
    assert {f.eta for f in shifted} == {0.5}
    assert len(angular) == 10


def test_grid_takes_elements_and_a_range():
    functions = symmetry_function_grid(
        r_cut=5.0,
        n_shifted=3,
        shifted_range=(1.0, 2.0),
        angular_eta=(0.1,),
        center="O",
        neighbors="H",
        angular_neighbors=("H", "O"),
    )
    assert [f.r_s for f in functions[:3]] == [1.0, 1.5, 2.0]
    assert {f.center for f in functions} == {"O"}
    assert {f.neighbors for f in functions} == {("H",), ("H", "O")}


def test_automatic_set_scales_with_the_radius():
    small, large = (automatic_symmetry_functions(r_cut, 2) for r_cut in (3.0, 6.0))
    assert len(small) == len(large) == 16
    assert [f.eta / g.eta for f, g in zip(small, large, strict=True)] == pytest.approx(
        [4.0] * 16, rel=1e-3
    )


def test_automatic_set_is_weighted_when_elements_are_many():
    assert not any(f.weighted for f in automatic_symmetry_functions(6.0, 4))
    assert all(f.weighted for f in automatic_symmetry_functions(6.0, 5))


def test_grid_has_wide_and_weighted_functions():
    functions = symmetry_function_grid(
        r_cut=5.0, n_centered=2, angular_eta=(0.1,), angular_kind="G5", weighted=True
    )
    assert [f.kind for f in functions] == ["G2"] * 2 + ["G5"] * 10
    assert all(f.weighted for f in functions)
