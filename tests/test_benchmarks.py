"""The benchmarks can be imported, and `RESULTS.md` is made from what they have recorded."""

import argparse
import importlib
import json
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
AGE = re.compile(r"of the code as it stands|older than its code \(\d+ commits?\)|age unknown")


@pytest.fixture
def load(monkeypatch):
    """Import a script of the folder, and forget it afterwards: their names are common ones."""
    if not FOLDER.exists():
        pytest.skip("no benchmarks beside the tests")
    monkeypatch.syspath_prepend(FOLDER)
    before = set(sys.modules)
    yield importlib.import_module
    for name in {path.stem for path in FOLDER.glob("*.py")} & set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def run(load, monkeypatch, tmp_path):
    """Run a benchmark of two arguments that adds one row; return the folder of its record."""
    records = load("_records")

    def run(*words):
        parser = argparse.ArgumentParser(prog="bench_something.py")
        parser.add_argument("part")
        parser.add_argument("--n-seeds", type=int, default=5)
        monkeypatch.setattr(sys, "argv", ["", *words, "--records", str(tmp_path)])
        arguments, record = records.parse(parser, ["sklearn_agl/metrics.py"])
        assert vars(arguments).keys() == {"part", "n_seeds"}
        with record:
            record.add("Times", method="CUR", s=1 / 3)
        return tmp_path

    return run


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_benchmark_can_be_imported(name, load):
    try:
        module = load(name)
    except ModuleNotFoundError as error:
        if error.name.startswith("sklearn_agl") or error.name in SCRIPTS:
            raise
        pytest.skip(f"{error.name} is not installed")
    assert callable(module.main)


def test_a_record_says_what_was_measured_where_and_when(run):
    record = json.loads((run("speed") / "bench_something-speed.json").read_text())
    assert record["tables"] == {"Times": [{"method": "CUR", "s": 0.3333}]}
    assert record["arguments"] == {"part": "speed", "n_seeds": 5}
    assert record["command"] == "python benchmarks/bench_something.py speed"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", record["date"])
    assert record["processor"]
    assert record["complete"]


def test_a_run_replaces_the_record_of_the_same_arguments_only(run):
    run("speed")
    run("speed", "--n-seeds", "5")
    folder = run("speed", "--n-seeds", "2")
    names = {path.name for path in folder.iterdir()}
    assert names == {"bench_something-speed.json", "bench_something-speed-n_seeds-2.json"}


def test_a_run_that_ends_early_says_so(load, tmp_path):
    records = load("_records")
    record = records.Record("b", argparse.Namespace(), {None: []}, tmp_path, [])
    with pytest.raises(KeyboardInterrupt), record:
        record.add("Times", s=1)
        raise KeyboardInterrupt
    assert not records.read_records(tmp_path)["b"]["complete"]


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_what_has_changed_since_makes_a_record_old(load, tmp_path):
    def git(*words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        done = subprocess.run(
            ["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(name):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        with open(tmp_path / name, "a") as file:
            file.write("line\n")
        git("add", ".")
        git("commit", "--quiet", "--message", name)

    git("init", "--quiet")
    commit("measured/a.py")
    record = {"commit": git("rev-parse", "HEAD"), "sources": ["measured"]}
    make_results = load("make_results")
    commit("elsewhere/b.py")
    assert make_results.age(record, tmp_path) == "of the code as it stands"
    commit("measured/a.py")
    assert "older than its code (1 commit)" in make_results.age(record, tmp_path)
    lost = {"commit": "0" * 40, "sources": ["measured"]}
    assert make_results.age(lost, tmp_path) == "age unknown"


def test_results_are_made_from_the_records(load):
    make_results = load("make_results")
    records = load("_records").read_records()
    page = make_results.render(records, dict.fromkeys(records, "age unknown"))
    written = (FOLDER / "RESULTS.md").read_text(encoding="utf-8")
    assert AGE.sub("", written) == AGE.sub("", page), "RESULTS.md is not up to date: make results"
    assert len(page.splitlines()) <= 250
    figures = page[page.index("## The figures") : page.index("## What was not")]
    assert figures.count("\n|") == 2 + len(make_results.FIGURES) == 12


def test_every_record_that_the_page_shows_is_there(load):
    missing = load("make_results").SHOWN - load("_records").read_records().keys()
    assert not missing


def test_the_folders_that_figures_depend_on_exist(load):
    records = load("_records").read_records()
    named = {source for record in records.values() for source in record["sources"]}
    assert not [source for source in named if not (FOLDER.parent / source).exists()]


def test_the_checks_of_a_card_can_run_and_fail_without_one(load):
    check_gpu = load("check_gpu")
    problem = check_gpu.Problem("cpu")
    for check in (check_gpu.lm_of_a_table, check_gpu.auto_takes_a_solver_for_the_device):
        found = check_gpu.judge(partial(check, problem))
        assert found["ok"], found
    problem.network = lambda solver, device, **settings: check_gpu.HDNNPRegressor(
        (2,), solver="lm", max_epochs=1, random_state=next(seeds)
    )
    seeds = iter([0, 1])
    found = check_gpu.judge(partial(check_gpu.lm_of_a_table, problem))
    assert not found["ok"]
    assert "differ" in found["error"]


def test_both_solvers_are_timed(load):
    check_gpu = load("check_gpu")
    large = check_gpu.large_problem(20, 4, 3)
    for solver in ("adamw", "lm"):
        row = check_gpu.at_scale(large, solver, "cpu")
        assert 0 < row["s per epoch"] <= row["s of the fit"]
