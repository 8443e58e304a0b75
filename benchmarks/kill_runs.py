"""Kill runs with checkpoints at random moments, and see that they end as if nothing had happened.

Each kind of run is started in a child process that gets a SIGKILL after a random time, and is
started again in the same folder, until one comes to its end. Its result must be that of a run
without a break, to the last bit. Folders are new for each run that came to its end.

    python benchmarks/kill_runs.py --kills 50
    python benchmarks/kill_runs.py --kills 50 --runs backward comparison
"""

import argparse
import os
import random
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
from _records import ALL, parse
from sklearn.datasets import make_friedman1

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    BackwardEliminationSelector,
    HDNNPRegressor,
    RandomSelector,
    WaldSelector,
    group_lasso_path,
)
from sklearn_agl.inspection import compare_selectors

X, Y = make_friedman1(60, 6, random_state=0)
NETWORKS = HDNNPRegressor((3,), max_epochs=8)
LONGEST = 1.3
"""Times the length of a whole run, up to which a child may live."""


def path_numbers(path):
    """What must be the same in two paths; times are not."""
    return [path.alphas, path.group_norms, path.objective, path.penalised_rmse, path.refitted_rmse]


def follow_path(folder):
    path = group_lasso_path(X, Y, NETWORKS, min_features=3, checkpoint=folder, random_state=0)
    return path_numbers(path)


def select(folder):
    selector = AdaptiveGroupLassoSelector(
        NETWORKS, n_features_to_select=3, checkpoint=folder, random_state=0
    ).fit(X, Y)
    return [*path_numbers(selector.path_), selector.estimator_.weights_]


def eliminate(folder):
    selector = WaldSelector(2, estimator=NETWORKS, checkpoint=folder, random_state=0).fit(X, Y)
    return [*path_numbers(selector.path_), selector.statistics_, selector.ranking_]


def refit_and_eliminate(folder):
    selector = BackwardEliminationSelector(
        3, estimator=NETWORKS, checkpoint=folder, random_state=0
    ).fit(X, Y)
    return [selector.errors_, selector.ranking_]


def compare(folder):
    table = compare_selectors(
        {"Wald": WaldSelector(estimator=NETWORKS), "random": RandomSelector()},
        {"Friedman": (X, Y)},
        [3, 5],
        estimator=NETWORKS,
        cv=3,
        checkpoint=folder,
        random_state=0,
    )
    chosen = np.array([column for columns in table["features"] for column in columns])
    return [chosen, table["test_rmse"].to_numpy(), table["train_rmse"].to_numpy()]


RUNS = {
    "path": follow_path,
    "selector": select,
    "Wald": eliminate,
    "backward": refit_and_eliminate,
    "comparison": compare,
}


def are_equal(found, expected):
    """To the last bit; NaN stands where a path has no refits."""
    return np.array_equal(found, expected, equal_nan=True)


def live_and_die(run, folder, seconds):
    """Whether a child that runs in a folder was killed after some seconds, or came to its end."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            run(folder)
            status = 0
        finally:
            os._exit(status)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, -signal.SIGKILL):
        raise RuntimeError(f"A run in {folder} ended with status {status}; see its error above.")
    return status != 0


def kill_again_and_again(name, n_kills, rng):
    """A row of the table: deaths and ends of one kind of run, and how many results were right."""
    run = RUNS[name]
    run(None)  # kernels are compiled and modules loaded
    start = time.perf_counter()
    expected = run(None)
    length = time.perf_counter() - start
    row = {"run": name, "seconds": round(length, 2), "kills": 0, "ends": 0, "equal": 0}
    while row["kills"] < n_kills:
        with tempfile.TemporaryDirectory() as parent:
            folder = Path(parent) / "checkpoint"
            while live_and_die(run, folder, rng.uniform(0.0, LONGEST * length)):
                row["kills"] += 1
            found = run(folder)
            row["ends"] += 1
            row["equal"] += all(map(are_equal, found, expected))
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--kills", type=int, default=50, help="kills of all runs together, at least"
    )
    parser.add_argument("--runs", nargs="+", choices=list(RUNS), default=list(RUNS))
    parser.add_argument("--seed", type=int, default=0)
    arguments, record = parse(parser, ALL)
    rng = random.Random(arguments.seed)
    share = -(-arguments.kills // len(arguments.runs))
    with record:
        for name in arguments.runs:
            row = kill_again_and_again(name, share, rng)
            record.add("Runs", **row)
            if row["equal"] < row["ends"]:
                raise SystemExit("A run that was killed ended with another result.")


if __name__ == "__main__":
    main()
