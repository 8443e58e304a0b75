"""Speed of molecular dynamics: all functions against the selected ones, with ASE.

Run on one core::

    OMP_NUM_THREADS=1 python benchmarks/bench_md.py

The structure is one of 256 Lennard-Jones atoms, repeated; the functions are table SII, the selected
ones are the radial functions 6 to 12. The potentials have seen a few structures for two epochs,
since the values of their weights change no time. One step is one call of the calculator at new
positions, forces included, and the time of the processor counts, so that other work on the machine
disturbs little: the fastest of some steps is reported. n2p2 took 171 µs per atom for all 22
functions and their derivatives, on one core of an EPYC with AVX-512; on another processor, the
ratio to it is a rough guide only.
"""

import argparse
import json
import time

import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.descriptors import symmetry_function_preset
from sklearn_agl.potentials import HDNNPCalculator

MICRO = 1e6
N2P2 = 171.0
"""Microseconds per atom of n2p2 for all functions and their derivatives."""

SETS = {"all 22": range(22), "6 to 12": range(5, 12)}


def make_potential(columns, structures, energies):
    """A pipeline of some of the functions, hardly trained."""
    functions = symmetry_function_preset("lj-22")
    transformer = SymmetryFunctionTransformer([functions[column] for column in columns])
    model = HDNNPRegressor(max_epochs=2, early_stopping=False, random_state=0)
    return make_pipeline(transformer, model).fit(structures, energies)


def time_steps(potential, atoms, n_steps):
    """Seconds of the first step, and of the fastest one after it."""
    atoms = atoms.copy()
    atoms.calc = HDNNPCalculator(potential)
    rng = np.random.default_rng(0)
    wall = time.perf_counter()
    atoms.get_forces()
    first, times = time.perf_counter() - wall, []
    for _ in range(n_steps):
        atoms.positions += rng.normal(scale=1e-3, size=atoms.positions.shape)
        start = time.thread_time()
        atoms.get_forces()
        times.append(time.thread_time() - start)
    return first, min(times)


def main():
    """Parse the arguments, time all sets and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-steps", type=int, default=30)
    parser.add_argument("--repeat", type=int, default=2, help="of 256 atoms along each direction")
    arguments = parser.parse_args()
    structures, energies = make_lennard_jones(25, n_atoms=256, random_state=0)
    atoms = structures[0] * ([arguments.repeat] * 3)
    for name, columns in SETS.items():
        potential = make_potential(columns, structures, energies)
        first, step = time_steps(potential, atoms, arguments.n_steps)
        per_atom = MICRO * step / len(atoms)
        record = {
            "functions": name,
            "atoms": len(atoms),
            "us per atom and step": round(per_atom, 2),
            "steps per second": round(1.0 / step, 1),
            "times as fast as n2p2 with all": round(N2P2 / per_atom, 1),
            "first step, s": round(first, 2),
        }
        print(json.dumps(record))


if __name__ == "__main__":
    main()
