"""What stays together in a split."""

from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from numpy.testing import assert_array_equal

from sklearn_agl.cli._messages import CommandError
from sklearn_agl.cli._splits import make_groups, split


def data_of(lengths, keys=None, symbols=None):
    n = sum(lengths)
    structures = [Atoms((symbols or ["Al"] * n)[k]) for k in range(n)]
    for atoms, key in zip(structures, keys or [], strict=False):
        atoms.info["kind"] = key
    file_of = np.repeat(np.arange(len(lengths)), lengths)
    return _Data(structures, [f"{k}.xyz" for k in range(len(lengths))], file_of)


class _Data(SimpleNamespace):
    def __init__(self, structures, files, file_of):
        super().__init__(structures=structures, files=files, file_of=file_of)

    def __len__(self):
        return len(self.structures)


def test_stretches_are_consecutive_and_in_one_file():
    data = data_of([30, 70])
    groups, _ = make_groups(data, "auto")
    assert (np.diff(groups) >= 0).all()
    assert not set(groups[:30]) & set(groups[30:])
    assert_array_equal(np.bincount(groups), 5)


def test_many_files_are_groups():
    data = data_of([3] * 6)
    assert_array_equal(make_groups(data, "auto")[0], data.file_of)


def test_a_key_of_info():
    data = data_of([6], keys=["a", "b", "a", "b", "c", "c"])
    assert_array_equal(make_groups(data, "kind")[0], [0, 1, 0, 1, 2, 2])


@pytest.mark.parametrize("groups", ["stretches", "random", "kind"])
def test_nothing_is_torn_apart(groups):
    data = data_of([50], keys=[f"{k // 5}" for k in range(50)])
    numbers, _ = make_groups(data, groups)
    train, test = split(data, numbers, 0.2, 0)
    assert not set(numbers[train]) & set(numbers[test])
    assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(50))
    assert abs(len(test) - 10) <= 2


def test_training_has_all_elements():
    symbols = ["Al"] * 18 + ["Cu"] * 2
    data = data_of([20], symbols=symbols, keys=["a"] * 10 + ["b"] * 8 + ["c"] * 2)
    groups, _ = make_groups(data, "kind")
    for seed in range(5):
        train, _ = split(data, groups, 0.3, seed)
        assert {18, 19} <= set(train)


def test_the_test_part_has_the_wanted_size_where_groups_allow():
    data = data_of([100], keys=["a"] * 77 + ["b"] * 20 + ["c"] * 3)
    _, test = split(data, make_groups(data, "kind")[0], 0.2, 0)
    assert len(test) == 20


def test_one_group_is_refused():
    data = data_of([10], keys=["a"] * 10)
    with pytest.raises(CommandError, match="--test-size 0"):
        split(data, make_groups(data, "kind")[0], 0.2, 0)
