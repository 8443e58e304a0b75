"""What a run tells its user: lines on the screen, and the table beside a checkpoint."""

import csv
import time

import numpy as np
import pytest

from sklearn_agl.selection.runs._runner import TimeLeft
from tests.selection._runs import eliminate, follow


def test_table_has_a_row_per_point(finished, whole_path, tmp_path):
    with open(finished / "path.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["n_features"]) for row in rows] == list(whole_path.n_features)
    assert [float(row["alpha"]) for row in rows] == list(whole_path.alphas)
    assert [float(row["refitted_rmse"]) for row in rows] == list(whole_path.refitted_rmse)
    assert [row["refit_init"] for row in rows] == list(whole_path.refit_init)
    assert rows[-1]["columns"] == " ".join(map(str, np.flatnonzero(whole_path.supports[-1])))
    assert sorted(path.name for path in finished.iterdir()) == ["path.csv", "state.npz"]
    eliminate(checkpoint=tmp_path)
    assert "statistic,rmse" in (tmp_path / "path.csv").read_text()


def test_lines_tell_the_time_left_and_where_a_run_goes_on(tmp_path, capsys):
    whole = follow(checkpoint=tmp_path, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("alpha") for line in lines) == len(whole) - 1
    refits = [line.split() for line in lines if line.startswith("refit")]
    for init in ("warm", "cold"):
        assert sum(init in words for words in refits) == len(set(whole.refitted_rmse))
    assert sum(line.endswith(" left") and "about" in line for line in lines) > 3
    again = follow(checkpoint=tmp_path, verbose=1)
    place = f"{tmp_path} at {again.n_features[-1]} features"
    assert capsys.readouterr().out.endswith(f"\nresumed from {place}\n")


def test_lines_of_the_elimination_do_not_speak_of_alpha(capsys):
    eliminate(verbose=1)
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("WaldSelector trains on")
    assert len(lines) == 5
    assert all(line.startswith("statistic") and "alpha" not in line for line in lines)
    assert [line.endswith("s left") for line in lines] == [True] * 4 + [False]


@pytest.mark.parametrize(
    ("seconds", "words"), [(3, "3 s"), (119, "119 s"), (150, "2 min"), (7300, "2 h")]
)
def test_time_left_is_rounded(monkeypatch, seconds, words):
    monkeypatch.setattr(time, "perf_counter", lambda: 0.0)
    time_left = TimeLeft(10.0)
    assert time_left(10.0) == ""
    monkeypatch.setattr(time, "perf_counter", lambda: float(seconds))
    assert time_left(5.0) == f"   about {words} left"
    assert time_left(0.0) == ""
