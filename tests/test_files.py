"""Files are replaced as a whole, where they are and with the rights they have."""

import errno
import os
import stat

import numpy as np
import pytest

from sklearn_agl import CURSelector, HDNNPRegressor
from sklearn_agl._files import create_file, replace_file, replace_files
from sklearn_agl.io import load, save
from sklearn_agl.io._files import write_files


def writes(content):
    return lambda file: file.write(content)


@pytest.fixture
def calls(monkeypatch):
    """Names of what the system is asked for, in order: what a power cut would leave."""
    found = []

    def note(name, real):
        def call(*arguments, **keywords):
            found.append(name)
            return real(*arguments, **keywords)

        return call

    def sync(descriptor):
        found.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync file")

    monkeypatch.setattr(os, "fsync", sync)
    for name in ("replace", "link", "unlink"):
        monkeypatch.setattr(os, name, note(name, getattr(os, name)))
    return found


def test_content_and_name_are_on_the_disk_in_this_order(tmp_path, calls):
    replace_file(tmp_path / "a", writes(b"a"))
    assert calls[:3] == ["sync file", "replace", "sync folder"]
    calls.clear()
    create_file(tmp_path / "b", writes(b"b"))
    assert calls[:3] == ["sync file", "link", "sync folder"]


def test_of_several_files_the_last_one_makes_the_others_count(tmp_path, calls):
    replace_files({tmp_path / name: writes(b"new") for name in ("a", "b", "last")})
    changes = [name for name in calls if name != "sync file"]
    swaps = ["replace", "replace", "sync folder", "replace", "sync folder"]
    assert changes[: len(swaps) + 1] == ["unlink", *swaps]
    assert calls.count("sync file") == 3


def test_links_are_followed_and_rights_are_kept(tmp_path):
    store, link = tmp_path / "store", tmp_path / "folder" / "latest"
    link.parent.mkdir()
    store.write_bytes(b"old")
    store.chmod(0o640)
    link.symlink_to("../store")
    replace_file(link, writes(b"new"))
    assert link.is_symlink()
    assert store.read_bytes() == b"new"
    assert stat.S_IMODE(store.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "store"]
    assert list(link.parent.iterdir()) == [link]


def test_a_link_to_nothing_yet_is_followed(tmp_path):
    link = tmp_path / "latest.npz"
    link.symlink_to("store.npz")
    save(CURSelector(7), link)
    assert link.is_symlink()
    assert load(tmp_path / "store.npz").n_features_to_select == 7


@pytest.mark.skipif(os.geteuid() != 0, reason="needs files of two users")
def test_files_stay_their_owners(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    os.chown(path, 65534, 65534)
    replace_file(path, writes(b"new"))
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)


@pytest.mark.parametrize("kind", ["pipe", "device", "link to a pipe"])
def test_what_is_no_regular_file_stays(tmp_path, kind):
    path = tmp_path / "a"
    if kind == "device":
        path = "/dev/null"
    else:
        os.mkfifo(path)
    if kind == "link to a pipe":
        (tmp_path / "link").symlink_to(path)
        path = tmp_path / "link"
    before = os.stat(path)
    with pytest.raises(ValueError, match=f"{os.path.basename(path)}' is no regular file"):
        save(CURSelector(), path)
    assert os.stat(path) == before
    assert not list(tmp_path.glob("*.tmp"))


def test_links_in_a_circle_are_named(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels.*/a'"):
        save(CURSelector(), tmp_path / "a")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_errors_of_the_disk_name_the_file_and_change_nothing(tmp_path, monkeypatch, number):
    path = tmp_path / "model.npz"
    save(CURSelector(7), path)

    def fail(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    for write in (save, lambda own, path: create_file(path, writes(b""))):
        with pytest.raises(OSError, match=f"{os.strerror(number)}: '{path}'"):
            write(CURSelector(8), path)
    assert load(path).n_features_to_select == 7
    assert list(tmp_path.iterdir()) == [path]


def test_protected_files_stay(tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    save(CURSelector(7), path)
    monkeypatch.setattr(os, "access", lambda name, mode: False)  # root may do anything
    with pytest.raises(PermissionError, match=f"protected from writing: '{path}'"):
        save(CURSelector(8), path)
    assert load(path).n_features_to_select == 7


def test_leftovers_of_kills_go_with_the_next_write(tmp_path):
    path = tmp_path / "model[1].npz"
    old, new = tmp_path / "model[1].npz.0.tmp", tmp_path / "model[1].npz.1.tmp"
    for leftover in (old, new):
        leftover.write_bytes(b"half")
    os.utime(old, (0.0, 0.0))
    write_files({path: b"whole"}, overwrite=False)
    assert sorted(tmp_path.iterdir()) == sorted([path, new])


@pytest.mark.parametrize("has_links", [True, False])
def test_the_first_file_stays(tmp_path, monkeypatch, has_links):
    def no_links(*paths):
        raise OSError(errno.EPERM, "Operation not permitted")

    if not has_links:
        monkeypatch.setattr(os, "link", no_links)
    for content in (b"first", b"second"):
        create_file(tmp_path / "a", writes(content))
    assert (tmp_path / "a").read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_no_flipped_bit_of_a_saved_estimator_goes_unnoticed(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 2))
    model = HDNNPRegressor((2,), max_epochs=1, random_state=0).fit(X, X[:, 0])
    path = tmp_path / "model.npz"
    save(model, path)
    content = path.read_bytes()
    for place in range(0, len(content), 37):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        try:
            again = load(path)
        except ValueError as error:
            assert str(error).startswith(f"{path} cannot be loaded: ")
        else:  # the date of a member, say
            np.testing.assert_array_equal(again.weights_, model.weights_)
            np.testing.assert_array_equal(again.predict(X), model.predict(X))
