"""A path as text."""

import numpy as np

from sklearn_agl import SelectionPath


def make_path(n_features, names):
    supports = np.array([np.arange(n_features) < size for size in range(n_features, 0, -1)])
    n = len(supports)
    return SelectionPath(
        alphas=np.arange(n, dtype=float),
        supports=supports,
        group_norms=supports.astype(float),
        initial_group_norms=np.ones(n_features),
        objective=np.zeros(n),
        penalised_rmse=np.full(n, 0.1),
        refitted_rmse=np.full(n, np.nan),
        fit_time=np.ones(n),
        refit_time=np.ones(n),
        feature_names=np.array(names, dtype=object),
    )


def test_a_path_prints_what_has_left_under_short_names():
    path = make_path(3, [f"Al|G{k}(Al, eta=0.0013, r_s=0, r_cut=6.8)" for k in (2, 3, 4)])
    head, first, second, third = str(path).splitlines()
    assert head.split()[-1] == "left"
    assert second.endswith("G4 #2")
    assert third.endswith("G3 #1")
    assert "–" in first  # there was no refit


def test_lines_are_no_longer_than_a_hundred_characters():
    path = make_path(40, [f"a name that is long {k}" for k in range(40)])
    supports = path.supports.copy()
    supports[1:] = False
    object.__setattr__(path, "supports", supports)
    lines = str(path).splitlines()
    assert max(map(len, lines)) == 100
    assert lines[2].endswith("…")
