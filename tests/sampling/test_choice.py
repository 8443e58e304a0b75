import numpy as np
import pytest
from ase.build import bulk
from skmatter.sample_selection import CUR, FPS

from sklearn_agl import SymmetryFunctionTransformer
from sklearn_agl.features import concatenate
from sklearn_agl.sampling import choose_structures
from sklearn_agl.sampling._choice import _describe


@pytest.fixture(scope="module")
def X():
    structures = []
    for seed in range(30):
        atoms = bulk("Cu", cubic=True).repeat((1, 1, 1 + seed % 2))
        atoms.rattle(0.02 + 0.01 * (seed % 7), seed=seed)
        structures.append(atoms)
    return SymmetryFunctionTransformer(r_cut=4.0).fit_transform(structures)


def test_farthest_structures_are_those_of_skmatter(X):
    expected = FPS(n_to_select=8, initialize=0).fit(_describe(X)).selected_idx_
    assert choose_structures(X, 8).tolist() == expected.tolist()


def test_structures_by_cur_are_those_of_skmatter(X):
    expected = CUR(n_to_select=6).fit(_describe(X)).selected_idx_
    assert choose_structures(X, 6, method="cur").tolist() == expected.tolist()


def test_known_structures_are_kept_away_from(X):
    known, others = X[:10], X[10:]
    both = _describe(concatenate([known, others]))
    expected = FPS(n_to_select=15, initialize=list(range(10))).fit(both).selected_idx_[10:] - 10
    assert choose_structures(others, 5, known=known).tolist() == expected.tolist()


def test_impossible_requests_are_refused(X):
    with pytest.raises(ValueError, match="X has only 30 structures"):
        choose_structures(X, 31)
    with pytest.raises(ValueError, match="method='fps'"):
        choose_structures(X, 3, method="cur", known=X)
    with pytest.raises(ValueError, match="n_structures"):
        choose_structures(X, 0)
    assert len(np.unique(choose_structures(X, 30))) == 30
