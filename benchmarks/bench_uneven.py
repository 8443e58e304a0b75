"""Many single atoms beside one large cell: time and memory of each step, within 8 GiB.

Run on one core::

    python benchmarks/bench_uneven.py

The rows of the atoms are 4 MB, the padded tensor would be 17 GB. Says processor time of each step,
and the most memory that the process has held until then.
"""

import argparse
import resource
import tempfile
import time
from functools import partial

import numpy as np
from _records import ALL, parse
from ase import Atoms
from ase.build import bulk

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AtomPooler,
    CURSelector,
    FPSSelector,
    HDNNPRegressor,
    PCovCURSelector,
    PearsonSelector,
    SymmetryFunctionTransformer,
)

GIBIBYTE = 2**30
LIMIT = 8 * GIBIBYTE
FILTERS = CURSelector(5), FPSSelector(5), PearsonSelector(5), PCovCURSelector(5)


def make_structures():
    """20,000 single atoms of aluminium and a cell of 4,840."""
    cell = bulk("Al", cubic=True) * (11, 11, 10)
    cell.rattle(0.05, seed=1)
    return [Atoms("Al", cell=[9, 9, 9], pbc=True) for _ in range(20_000)] + [cell]


def report(record, name, work):
    """Do something and record what it took; returns its result."""
    start = time.process_time()
    result = work()
    seconds = time.process_time() - start
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIBIBYTE
    record.add("Steps", step=name, **{"processor, s": seconds, "memory, GiB": peak})
    return result


def run(report):
    """Every step from structures to forces."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    structures = make_structures()
    energies = np.arange(len(structures), dtype=float)
    network = HDNNPRegressor((3,), max_epochs=1, random_state=0)
    report("imports and structures", lambda: None)
    transformer = SymmetryFunctionTransformer("al-22")
    X = report("`fit_transform`, 22 functions", lambda: transformer.fit_transform(structures))
    model = report("`HDNNPRegressor.fit`, one pass", lambda: network.fit(X, energies))
    report("`predict`", lambda: model.predict(X))
    report("`predict_forces`", lambda: model.predict_forces(X))
    for selector in FILTERS:
        report(f"`{type(selector).__name__}`", lambda one=selector: one.fit(X, energies))
    report("`AtomPooler`", lambda: AtomPooler().fit_transform(X))
    with tempfile.TemporaryDirectory() as folder:
        selector = AdaptiveGroupLassoSelector(
            network, n_features_to_select=10, random_state=0, checkpoint=folder
        )
        name = "`AdaptiveGroupLassoSelector` to 10 functions, with checkpoint"
        report(name, lambda: selector.fit(X, energies))


def main():
    """Parse the arguments and run within the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    _, record = parse(parser, ALL)
    with record:
        run(partial(report, record))


if __name__ == "__main__":
    main()
