"""Time and memory of the symmetry functions: beside a peer, for selected ones, and at scale.

Run on one core of an otherwise idle machine, and the part at scale on two::

    taskset -c 1 python benchmarks/bench_symmetry_functions.py
    taskset -c 0,1 python benchmarks/bench_symmetry_functions.py --scale
    taskset -c 1 python benchmarks/bench_symmetry_functions.py --wide

The peer is ACSF of DScribe, which is written in C++. Both compute the same functions of the same
structures with the cosine cutoff, and their values are compared before any time is taken. Calls of
both alternate and the best time of each counts, in seconds of the processor, so that what else the
machine does hits both alike. Times are those of a user's call: checks, neighbour search and the
array of results included. The peer returns values only, and so does our first column; the second
adds `vjp`, the derivatives by all positions, which is what forces need.

Where the cycles go: an atom with n neighbours has n (n - 1) / 2 pairs of them, about half of which
are within the cutoff radius of each other, against n neighbours. With 50 to 80 neighbours, the
angular functions decide. A plain loop takes one exponential, one power and a cutoff function per
pair *and function*. Functions that differ in zeta and lambda alone share all but a few
multiplications per pair, which leaves an exponential per pair and *group*; five values of zeta and
two of lambda cost little more than one of each. The loop over the pairs is in the order of
vectors, without branches: pairs that are too far apart are dropped before it. The neighbour search
is a small part. Loops this short must not count references to arrays, as numba does by default.
What is written for all sets of functions cannot do that; so the kernel is written for the set at
hand and compiled, once, for some seconds.

It follows that a set that loses its angular functions gets several times faster, and one that loses
a few functions of a group hardly changes. The second part measures this with sets that were found
by selection, through the calls that a pipeline makes.

The last part is of wide angular functions (G5): by pairs of neighbours, by moments, and by what is
estimated to take less of both, in seconds of the thread.
"""

import argparse
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _records import FUNCTIONS, parse
from ase.build import bulk
from numba import njit
from threadpoolctl import threadpool_limits

from sklearn_agl import SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.compiled._jit import LOOPS
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.descriptors import symmetry_function_grid
from sklearn_agl.descriptors._costs import _data_of_a_step
from sklearn_agl.descriptors._evaluation import bind
from sklearn_agl.descriptors.kernels._cells import make_batch, make_cells
from sklearn_agl.descriptors.kernels._differentiation_modes import Values
from sklearn_agl.descriptors.kernels._neighbors import collect, make_around

SELECTED = {
    "lj-22": {22: range(1, 23), 8: [*range(6, 13), 21], 7: range(6, 13), 5: range(6, 11)},
    "directional-60": {
        60: range(1, 61),
        9: [8, 11, 12, 18, 40, 42, 44, 56, 60],
        7: [8, 11, 12, 18, 40, 42, 56],
    },
}
"""Columns, counted from one, of sets that the adaptive group lasso found."""

TURN = 0.1
"""Seconds for which a call is repeated before it is the next one's turn."""

RTOL = 1e-8
"""What the values of the peer may differ by."""

UNDERFLOW = 1e-290
"""Our exponential ends there; smaller values count as zero."""

MICRO = 1e6

FIRST_CALLS = """
import time
import numpy as np
from ase.build import bulk
from sklearn_agl import SymmetryFunctionTransformer
from sklearn_agl.compiled._jit import LOOPS
structures = [bulk("Al", cubic=True)]
transformer = SymmetryFunctionTransformer("{name}").fit(structures)
start = time.perf_counter()
values = transformer.transform(structures).values
middle = time.perf_counter()
transformer.vjp(structures, np.ones_like(values))
print(middle - start, time.perf_counter() - middle)
"""
"""What a fresh process runs to tell how long compilation takes."""


class Case(NamedTuple):
    """A set of functions, the structures it is meant for, and every how many atoms the peer does.

    The peer needs minutes for large sets, and its time per atom is that of any sample of atoms.
    """

    name: str
    functions: object
    structures: list
    peer_stride: int = 1


def make_cases():
    """All sets with their structures.

    The peer knows neither the shifted G4 of `b-60` nor the two cutoff radii of `al-329`.
    """
    liquid_and_solid, _ = make_lennard_jones(
        12, temperatures=(0.5, 1.0, 1.5), densities=(0.9, 1.1), random_state=0
    )
    solid = [rattled(bulk("Al", cubic=True) * 4, 0.1, seed) for seed in range(4)]
    aluminium = solid + [liquid_aluminium(liquid_and_solid)] * 4
    silicon = bulk("Si", cubic=True)
    indium_phosphide = bulk("InP", "zincblende", a=5.87, cubic=True)
    two_elements = symmetry_function_grid(
        r_cut=6.0, n_centered=4, n_shifted=6, angular_eta=(0.01, 0.05), angular_zeta=(1, 4, 16)
    )
    many = symmetry_function_grid(
        r_cut=6.8, n_centered=20, n_shifted=249, angular_eta=(0.0013, 0.01, 0.02, 0.04, 0.08, 0.16)
    )
    return [
        Case("lj-22", "lj-22", liquid_and_solid),
        Case("al-22", "al-22", aluminium),
        Case("directional-60", "directional-60", [rattled(silicon * 3, 0.1, s) for s in range(8)]),
        Case("329 by rule", many, aluminium, peer_stride=8),
        Case("In-P, 112", two_elements, [rattled(indium_phosphide * 3, 0.1, s) for s in range(8)]),
    ]


def rattled(atoms, displacement, seed):
    """Displace all atoms at random, as heat does."""
    atoms.rattle(displacement, seed=seed)
    return atoms


def liquid_aluminium(lennard_jones):
    """The hottest and thinnest Lennard-Jones liquid, scaled to the density of molten aluminium."""
    atoms = max(lennard_jones, key=lambda atoms: atoms.get_volume()).copy()
    atoms.symbols[:] = "Al"
    atoms.set_cell(atoms.cell * (len(atoms) / 0.053 / atoms.get_volume()) ** (1 / 3), True)
    return atoms


def race(calls, n_rounds, clock=time.process_time):
    """Best seconds of each call; the calls take turns."""
    best = dict.fromkeys(calls, np.inf)
    for _ in range(n_rounds):
        for name, call in calls.items():
            end = time.perf_counter() + TURN
            while True:
                start = clock()
                call()
                best[name] = min(best[name], clock() - start)
                if time.perf_counter() > end:
                    break
    return best


def make_peer(transformer):
    """DScribe's ACSF with the functions of a transformer, and its column of each of ours."""
    from dscribe.descriptors import ACSF

    functions = transformer.symmetry_functions_
    pairs = dict.fromkeys((f.eta, f.r_s) for f in functions if not f.is_angular)
    triples = dict.fromkeys((f.eta, f.zeta, f.lambda_) for f in functions if f.is_angular)
    radial, angular = list(pairs), list(triples)
    symbols = list(dict.fromkeys(f.center for f in functions))
    places = [(a, b) for i, a in enumerate(symbols) for b in symbols[i:]]
    width = len(radial) + 1  # each neighbour element has G1, too
    columns = [
        len(symbols) * width
        + places.index(f.neighbors) * len(angular)
        + angular.index((f.eta, f.zeta, f.lambda_))
        if f.is_angular
        else symbols.index(f.neighbors[0]) * width + 1 + radial.index((f.eta, f.r_s))
        for f in functions
    ]
    peer = ACSF(
        r_cut=functions[0].r_cut,
        g2_params=radial,
        g4_params=angular,
        species=symbols,
        periodic=True,
    )
    return peer, np.array(columns)


def largest_difference(X, peer, columns, centers):
    """Largest relative difference of our values and the peer's, with both complete."""
    largest = 0.0
    for values, atoms, chosen in zip(X.values, X.structures, centers, strict=True):
        theirs = peer.create([atoms], centers=[chosen])[:, columns]
        ours = values[chosen]
        difference = np.abs(ours - theirs) / np.maximum(np.abs(theirs), UNDERFLOW)
        largest = max(largest, np.nanmax(difference))  # NaN: functions of another central element
    if not largest <= RTOL:
        raise ValueError(f"The values differ by {largest:.1e}; the times would mean nothing.")
    return float(largest)


@njit(**LOOPS)
def count_neighbors(batch, cells, r_cut, around):
    """Search the neighbours of all atoms, without keeping them."""
    total = 0
    for structure in range(len(batch.cells)):
        for slot in range(batch.starts[structure], batch.starts[structure + 1]):
            total += collect(slot, structure, batch, cells, r_cut, around) - 1
    return total


def search(transformer, structures, r_cut):
    """Our neighbour search alone; number of neighbours."""
    batch = make_batch(structures, transformer.elements_)
    cells = make_cells(batch, r_cut)
    return count_neighbors(batch, cells, r_cut, make_around(cells))


def search_by_vesin(neighbor_list, structures):
    """The same by vesin, which keeps pairs and distances; number of neighbours."""
    return sum(
        len(
            neighbor_list.compute(
                points=atoms.positions, box=atoms.cell.array, periodic=True, quantities="PD"
            )[0]
        )
        for atoms in structures
    )


def measure(case, n_rounds):
    """Times of one set beside its peers, per atom."""
    from vesin import NeighborList

    structures = case.structures
    transformer = SymmetryFunctionTransformer(case.functions, cutoff="cosine").fit(structures)
    X = transformer.transform(structures).compute()
    vectors = np.random.default_rng(0).normal(size=X.shape)
    r_cut = transformer.symmetry_functions_[0].r_cut
    neighbor_list = NeighborList(cutoff=r_cut, full_list=True)
    peer, columns = make_peer(transformer)
    centers = [list(range(0, len(atoms), case.peer_stride)) for atoms in structures]
    n_atoms, n_neighbors = int(X.n_atoms.sum()), search(transformer, structures, r_cut)
    if n_neighbors != search_by_vesin(neighbor_list, structures):
        raise ValueError("Our neighbours and vesin's differ in number.")

    def forces():
        values = transformer.transform(structures).values
        return values, transformer.vjp(structures, vectors)

    difference = largest_difference(X, peer, columns, centers)
    forces()
    best = race(
        {
            "ours": lambda: transformer.transform(structures).values,
            "peer": lambda: peer.create(structures, centers=centers),
            "forces": forces,
            "search": lambda: search(transformer, structures, r_cut),
            "vesin": lambda: search_by_vesin(neighbor_list, structures),
        },
        n_rounds,
    )
    best["peer"] *= n_atoms / sum(map(len, centers))
    times = {name: MICRO * seconds / n_atoms for name, seconds in best.items()}
    return {
        "set": case.name,
        "neighbours": n_neighbors / n_atoms,
        "DScribe": times["peer"],
        "values": times["ours"],
        "values and derivatives": times["forces"],
        "search": times["search"],
        "vesin": times["vesin"],
        "difference": float(f"{difference:.1e}"),
    }


def measure_selected(case, n_rounds):
    """Times of the sets that selection found, by the calls of a pipeline."""
    structures = case.structures
    transformer = SymmetryFunctionTransformer(case.functions, cutoff="cosine").fit(structures)

    def call(columns):
        chosen = np.array(columns) - 1
        return lambda: transformer.transform(structures).take_features(chosen).values

    calls = {size: call(columns) for size, columns in SELECTED[case.name].items()}
    for first in calls.values():
        first()
    best, n_atoms = race(calls, n_rounds), sum(map(len, structures))
    angular = np.array([function.is_angular for function in transformer.symmetry_functions_])
    return [
        {
            "set": case.name,
            "functions": size,
            "angular": int(angular[np.array(columns) - 1].sum()),
            "time": MICRO * best[size] / n_atoms,
            "of all": best[size] / best[max(best)],
        }
        for size, columns in SELECTED[case.name].items()
    ]


WIDE = {
    "3 groups of zeta 1": (1,),
    "3 groups of zeta 1, 2, 4": (1, 2, 4),
    "3 groups of zeta 1, 4, 16": (1, 4, 16),
}
"""Powers of three groups of wide functions."""

REACHES = (3.0, 3.9, 4.6, 5.0, 5.9, 6.6, 8.3, 9.6)
"""Cutoff radii that give 12 to 320 neighbours in copper."""


def wide_functions(zetas):
    """Three widths, both signs of lambda."""
    return [
        SymmetryFunction("G5", eta=eta, zeta=zeta, lambda_=lambda_)
        for eta in (0.02, 0.1, 0.3)
        for zeta in zetas
        for lambda_ in (-1, 1)
    ]


def bind_ways(transformer, atoms):
    """Calls that compute values, and energies and forces, by pairs, by moments and by choice."""
    batch, plan = make_batch([atoms], transformer.elements_), transformer._planner.plan()
    free, n_functions = plan.arrays.costs, transformer.n_features_out_
    always = np.zeros_like(free)
    always[:, 0] = -np.arange(len(free))
    table, forces = np.zeros((len(atoms), n_functions + 1)), _data_of_a_step(batch, plan)
    calls = {}
    for way, costs in {"pairs": np.zeros_like(free), "moments": always, "chosen": free}.items():
        own = plan._replace(arrays=plan.arrays._replace(costs=costs))
        for program, data in {"values": Values(table), "forces": forces}.items():
            calls[program, way] = partial(bind(own, batch, program), data)
    return calls


def make_wide_peer(transformer):
    """DScribe's ACSF with G5 of one element, and its column of each of our functions."""
    from dscribe.descriptors import ACSF

    functions = transformer.symmetry_functions_
    peer = ACSF(
        r_cut=functions[0].r_cut,
        g5_params=[(f.eta, f.zeta, f.lambda_) for f in functions],
        species=[functions[0].center],
        periodic=True,
    )
    return peer, 1 + np.arange(len(functions))  # behind G1


def measure_wide(name, zetas, n_rounds):
    """Times of wide functions per atom for several numbers of neighbours, row by row."""
    atoms = rattled(bulk("Cu", cubic=True) * 4, 0.1, 0)
    centers = [[0, 1]]
    for r_cut in REACHES:
        transformer = SymmetryFunctionTransformer(
            wide_functions(zetas), r_cut=r_cut, cutoff="cosine"
        ).fit([atoms])
        peer, columns = make_wide_peer(transformer)
        difference = largest_difference(transformer.transform([atoms]), peer, columns, centers)
        calls = bind_ways(transformer, atoms)
        calls["values", "DScribe"] = partial(peer.create, [atoms], centers=centers)
        for call in calls.values():
            call()
        seconds = race(calls, n_rounds, time.thread_time)
        times = {key: MICRO * s / len(atoms) for key, s in seconds.items()}
        times["values", "DScribe"] *= len(atoms) / len(centers[0])
        n_neighbors = search(transformer, [atoms], r_cut) / len(atoms)
        row = {"functions": name, "neighbours": round(n_neighbors)}
        for program in ("values", "forces"):
            ways = {way: times[program, way] for way in ("pairs", "moments", "chosen")}
            row |= {f"{program}, {way}": value for way, value in ways.items()}
        row["DScribe"] = times["values", "DScribe"]
        yield row | {"difference": float(f"{difference:.1e}")}


def measure_threads(structures, n_rounds):
    """How much faster two threads are than one."""
    transformers = {
        n_jobs: SymmetryFunctionTransformer("lj-22", n_jobs=n_jobs).fit(structures)
        for n_jobs in (1, 2)
    }
    calls = {
        n_jobs: lambda transformer=transformer: transformer.transform(structures).values
        for n_jobs, transformer in transformers.items()
    }
    calls[1]()
    best = race(calls, n_rounds, time.perf_counter)
    n_atoms = sum(map(len, structures))
    return [
        {
            "threads": n_jobs,
            "time": MICRO * seconds / n_atoms,
            "speed-up": best[1] / seconds,
        }
        for n_jobs, seconds in best.items()
    ]


def measure_memory(structures, n_structures):
    """Seconds and memory of a set that is written to a file, structure after structure."""
    copies = [structures[i % len(structures)].copy() for i in range(n_structures)]
    with tempfile.TemporaryDirectory() as folder:
        transformer = SymmetryFunctionTransformer("lj-22", memmap_folder=folder).fit(copies)
        transformer.transform(copies[:1])  # loads compiled code
        before = resident_memory()
        start = time.perf_counter()
        with watch_memory() as highest:
            X = transformer.transform(copies)
        seconds = time.perf_counter() - start
        size = X.values.nbytes
    return {
        "structures": n_structures,
        "seconds": round(seconds, 1),
        "values (MB)": round(size / 1e6),
        **{f"{name} before (MB)": round(value) for name, value in before.items()},
        **{f"{name} highest (MB)": round(value) for name, value in highest.items()},
        "ru_maxrss (MB)": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1.024e-3),
    }


def resident_memory():
    """Resident memory by kind, in MB, where the system tells."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    fields = dict(line.split(":", 1) for line in lines)
    kinds = {"VmRSS", "RssAnon", "RssFile"} & set(fields)
    return {kind: int(fields[kind].split()[0]) * 1.024e-3 for kind in sorted(kinds)}


@contextlib.contextmanager
def watch_memory():
    """A dict that holds the highest resident memory by kind while the block runs."""
    highest, done = resident_memory(), threading.Event()

    def watch():
        while not done.wait(0.05):
            for kind, value in resident_memory().items():
                highest[kind] = max(highest[kind], value)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield highest
    finally:
        done.set()
        thread.join()


def measure_compilation(name):
    """Seconds of the first calls in a fresh process, without machine code on disk and with it."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        variables = {"SKLEARN_AGL_CACHE_DIR": f"{folder}/kernels", "NUMBA_CACHE_DIR": folder}
        for state in ("cold", "warm"):
            result = subprocess.run(
                [sys.executable, "-c", FIRST_CALLS.format(name=name)],
                env=os.environ | variables,
                capture_output=True,
                text=True,
                check=True,
            )
            values, derivatives = map(float, result.stdout.split())
            rows.append(
                {
                    "set": name,
                    "cache": state,
                    "first values (s)": round(values, 2),
                    "first derivatives (s)": round(derivatives, 2),
                }
            )
    return rows


def run_beside_peers(arguments):
    """The first two parts: titles and rows of their tables."""
    cases = [case for case in make_cases() if case.name in (arguments.sets or case.name)]
    for case in cases:
        yield "Microseconds per atom, one thread", measure(case, arguments.n_rounds)
    for case in cases:
        if case.name in SELECTED:
            for row in measure_selected(case, arguments.n_rounds):
                yield "Microseconds per atom, selected functions", row


def run_wide(arguments):
    """The last part."""
    for name, zetas in WIDE.items():
        for row in measure_wide(name, zetas, arguments.n_rounds):
            yield "Microseconds of the thread per atom, wide functions", row


def run_at_scale(arguments):
    """The third part."""
    for name in ("lj-22", "directional-60"):
        for row in measure_compilation(name):
            yield "Compilation", row
    structures, _ = make_lennard_jones(200, random_state=0)
    yield "Into a file", measure_memory(structures, arguments.n_structures)
    for row in measure_threads(structures, arguments.n_rounds):
        yield "Microseconds per atom by threads", row


def main():
    """Parse the arguments and run what they ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-rounds", type=int, default=3, help="turns of every call")
    parser.add_argument("--scale", action="store_true", help="threads, memory, compilation")
    parser.add_argument("--wide", action="store_true", help="wide functions, by pairs or moments")
    parser.add_argument("--n-structures", type=int, default=28_000, help="for the memory at scale")
    parser.add_argument("--sets", nargs="+", help="beside the peer, of these only; all by default")
    arguments, record = parse(parser, FUNCTIONS)
    run = run_at_scale if arguments.scale else run_wide if arguments.wide else run_beside_peers
    with threadpool_limits(1), record:
        for title, row in run(arguments):
            record.add(title, **row)


if __name__ == "__main__":
    main()
