import json
from pathlib import Path

import pytest

from sklearn_agl.descriptors import (
    SymmetryFunction,
    symmetry_function_grid,
    symmetry_function_preset,
)
from sklearn_agl.descriptors._presets import BY_RADIUS, PRESETS

DATA = Path(__file__).parents[1] / "data"

TABLES = json.loads((DATA / "symmetry_function_tables.json").read_text())
PUBLISHED = {"lj-22": "SII", "al-22": "SIII", "b-60": "SIV", "al-329": "thesis_329"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_sets_are_the_published_tables_in_their_order(name):
    rows = TABLES[PUBLISHED[name]]
    assert [row["index"] for row in rows] == list(range(1, len(rows) + 1))
    assert symmetry_function_preset(name) == [
        SymmetryFunction(**{field: value for field, value in row.items() if field != "index"})
        for row in rows
    ]


def test_the_set_by_rule_has_its_documented_size():
    functions = symmetry_function_preset("directional-60")
    assert [f.is_angular for f in functions] == [False] * 20 + [True] * 40
    assert {f.r_cut for f in functions} == {6.0}


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="'lj-23'; known are .*'lj-22', 'al-22', 'b-60'"):
        symmetry_function_preset("lj-23")
    assert len(PRESETS) == 5


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


@pytest.mark.parametrize("name, n_radial, n_angular", [("auto", 8, 8), ("rich", 28, 72)])
def test_sets_for_any_elements_scale_with_the_radius(name, n_radial, n_angular):
    small, large = (BY_RADIUS[name](r_cut, 2) for r_cut in (3.0, 6.0))
    assert [sum(f.is_angular == kind for f in small) for kind in (False, True)] == [
        n_radial,
        n_angular,
    ]
    assert len(set(small)) == len(small)
    for f, g in zip(small, large, strict=True):
        assert f.eta / g.eta == pytest.approx(4.0, rel=1e-3)
        assert g.r_cut == 2.0 * f.r_cut and g.r_s == pytest.approx(2.0 * f.r_s, rel=1e-4)


@pytest.mark.parametrize("name", BY_RADIUS)
def test_sets_for_any_elements_are_weighted_when_these_are_many(name):
    assert not any(f.weighted for f in BY_RADIUS[name](6.0, 4))
    assert all(f.weighted for f in BY_RADIUS[name](6.0, 5))


def test_the_rich_set_has_every_kind_of_function():
    kinds = {(f.kind, f.r_s > 0.0, f.r_cut) for f in BY_RADIUS["rich"](6.0, 1)}
    assert kinds >= {
        ("G2", False, 6.0),
        ("G2", True, 6.0),
        ("G2", False, 3.9),
        ("G4", False, 6.0),
        ("G4", False, 3.9),
        ("G5", False, 6.0),
        ("G5", True, 6.0),
    }


def test_grid_has_wide_and_weighted_functions():
    functions = symmetry_function_grid(
        r_cut=5.0, n_centered=2, angular_eta=(0.1,), angular_kind="G5", weighted=True
    )
    assert [f.kind for f in functions] == ["G2"] * 2 + ["G5"] * 10
    assert all(f.weighted for f in functions)
