import sys

from sklearn_agl.descriptors._progress import progress_bar


def test_silent_unless_asked(capsys):
    with progress_bar(3, "work", False) as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")


def test_lines_without_tqdm(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with progress_bar(3, "work", True) as advance:
        for _ in range(3):
            advance(1)
    assert capsys.readouterr().err.splitlines() == ["work: 1 of 3", "work: 3 of 3"]
