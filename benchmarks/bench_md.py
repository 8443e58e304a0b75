"""Production molecular dynamics with all functions and with seven: speed, and the physics.

Run on one core::

    OMP_NUM_THREADS=1 taskset -c 1 python benchmarks/bench_md.py speed production
    OMP_NUM_THREADS=1 taskset -c 1 python benchmarks/bench_md.py production --forces

The adaptive group lasso (AGL), CUR and Pearson correlation each choose 7 of the 22 functions of
table SII on 1,200 of 1,500 structures from `make_lennard_jones`; a potential of each set and one of
all functions are trained on the same 1,200 structures, with ``--forces`` on their forces too (six
directions per structure). All seeds are 0.

- speed: time steps per second of 2,048 atoms with ASE's calculator interface. One step is one call
  at new positions, forces included, and the time of the processor counts, so that other work on the
  machine disturbs little: the fastest of some steps is reported.
- production: 256 atoms of the liquid at T = 1.5, in reduced units. Runs at constant energy
  (velocity Verlet, time step 0.005) start from configurations of the true potential, which
  `make_lennard_jones` sampled in that very state, with velocities drawn at random: the same starts
  for every potential. After 2 units of time, the mean square displacement, the self-diffusion
  coefficient and the radial distribution function are taken. Errors of the mean are those over the
  runs. A run whose temperature passes three times the state's has blown up: it is counted, and the
  means are over the others. A run can also fail in silence, when atoms fall into each other: the
  closest pair tells, the mean over the runs; it is about 0.89 under the true potential. Deviations
  of the radial distribution function are those from the true one; in the row of the true potential,
  those between halves of its runs.
"""

import argparse
import time
import warnings

import numpy as np
from _records import ALL, parse
from ase.geometry.rdf import get_rdf
from ase.md.analysis import DiffusionCoefficient
from ase.md.verlet import VelocityVerlet
from ase.units import kB
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    CURSelector,
    HDNNPRegressor,
    PearsonSelector,
    SymmetryFunctionTransformer,
)
from sklearn_agl.datasets import LennardJonesCalculator, make_lennard_jones
from sklearn_agl.features import AtomicFeatures
from sklearn_agl.metrics import rmse_per_atom
from sklearn_agl.potentials import ExtrapolationWarning, HDNNPCalculator

MICRO = 1e6
TIMESTEP = 0.005
INTERVAL = 20
"""Time steps between two samples."""
EQUILIBRATION = 20
"""Samples at the beginning that are left out."""
SEGMENT = 40
"""Samples over which displacements are followed."""
BINS = 100


class Potentials:
    """The data, the sets of functions and the potentials trained on them."""

    def __init__(self, n_structures):
        self.structures, self.energies = make_lennard_jones(n_structures, random_state=0)
        X = SymmetryFunctionTransformer("lj-22").fit_transform(self.structures).compute()
        self.X = X
        # As published, energies alone choose the sets.
        without = AtomicFeatures(X.values, X.numbers, symmetry_functions=X.symmetry_functions)
        rows = np.arange(n_structures)
        self.train, self.test = train_test_split(rows, test_size=0.2, random_state=0)
        selectors = {
            "AGL": AdaptiveGroupLassoSelector(n_features_to_select=7, random_state=0),
            "CUR": CURSelector(7),
            "Pearson": PearsonSelector(7),
        }
        self.sets = {"all": np.arange(X.n_features)}
        for name, selector in selectors.items():
            selector.fit(without[self.train], self.energies[self.train])
            self.sets[name] = selector.get_support(indices=True)

    def make(self, name, with_forces):
        """Train a potential; return it as a pipeline, and its errors on the test structures."""
        X = self.X.take_features(self.sets[name])
        forces = self._forces(self.train) if with_forces else None
        model = HDNNPRegressor(n_force_directions=6, random_state=0)
        model.fit(X[self.train], self.energies[self.train], forces=forces)
        transformer = SymmetryFunctionTransformer(X.symmetry_functions).fit(self.structures[:1])
        return make_pipeline(transformer, model), self._errors(model, X[self.test])

    def _errors(self, model, X):
        energy = rmse_per_atom(self.energies[self.test], model.predict(X), X.n_atoms)
        deviations = np.array(model.predict_forces(X)) - self._forces(self.test)
        force = np.sqrt(np.mean(deviations**2))
        return {"energy RMSE, 1e-3 per atom": 1e3 * energy, "force RMSE": force}

    def _forces(self, rows):
        return np.array([self.structures[row].get_forces() for row in rows])

    def describe(self, name):
        """Numbers of the functions of a set, counted from 1, as text."""
        return " ".join(str(column + 1) for column in self.sets[name])


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


def run_speed(potentials, arguments):
    """The speed of all potentials for a large box, row by row."""
    atoms = potentials.structures[0] * ([arguments.repeat] * 3)
    for name in potentials.sets:
        potential, _ = potentials.make(name, arguments.forces)
        first, step = time_steps(potential, atoms, arguments.n_timed_steps)
        per_atom = MICRO * step / len(atoms)
        yield {
            "functions": name,
            "numbers": potentials.describe(name),
            "atoms": len(atoms),
            "us per atom and step": per_atom,
            "steps per second": 1.0 / step,
            "first step, s": first,
        }


def make_starts(arguments):
    """Configurations of the true potential, with velocities of the state's temperature."""
    starts, _ = make_lennard_jones(
        arguments.n_runs,
        temperatures=[arguments.temperature],
        densities=[arguments.density],
        random_state=1,
    )
    rng = np.random.default_rng(0)
    for atoms in starts:
        atoms.calc = None
        atoms.set_masses([1.0] * len(atoms))
        velocities = rng.normal(0.0, np.sqrt(arguments.temperature), atoms.positions.shape)
        atoms.set_velocities(velocities - velocities.mean(axis=0))
    return starts


def run_one(start, calculator, n_samples):
    """Samples of one run at constant energy, with total energies per atom; it may blow up."""
    atoms = start.copy()
    atoms.calc = calculator
    hottest = 3.0 * atoms.get_temperature()
    dynamics = VelocityVerlet(atoms, timestep=TIMESTEP)
    samples, energies = [], []
    for _ in range(n_samples):
        samples.append(atoms.copy())
        energies.append(atoms.get_total_energy() / len(atoms))
        dynamics.run(INTERVAL)
        if not atoms.get_temperature() < hottest:
            break
    return samples, np.array(energies)


def distances(atoms):
    """All distances in a cube, which the minimum image gives far faster than ASE's lists."""
    length = atoms.cell.lengths()[0]
    vectors = atoms.positions[:, None] - atoms.positions
    vectors -= length * np.rint(vectors / length)
    return np.linalg.norm(vectors, axis=2)


def analyse(samples, energies):
    """Quantities of one run, each a number or an array."""
    samples = samples[EQUILIBRATION:]
    diffusion = DiffusionCoefficient(samples, TIMESTEP * INTERVAL)
    diffusion.calculate(number_of_segments=len(samples) // SEGMENT)
    # ASE's averages are divided by 2, for each direction.
    displacements = 2.0 * diffusion.xyz_segment_ensemble_average.mean(axis=(0, 1)).sum(axis=0)
    r_max = 0.499 * samples[0].cell.lengths()[0]
    tables = [distances(atoms) for atoms in samples[::5]]
    rdf = np.mean(
        [get_rdf(samples[0], r_max, BINS, distance_matrix=d, no_dists=True) for d in tables], axis=0
    )
    times = TIMESTEP * INTERVAL * np.arange(len(energies))
    return {
        "T": np.mean([atoms.get_temperature() * kB for atoms in samples]),
        "D": diffusion.get_diffusion_coefficients()[0][0],
        "MSD after 3.9": displacements[-1],
        "drift, 1e-6 per atom and time": 1e6 * np.polyfit(times, energies, 1)[0],
        "energy fluctuation, 1e-6 per atom": 1e6 * energies.std(),
        "closest pair": min(d[d > 0].min() for d in tables),
        "rdf": rdf,
    }


def run_production(calculator, starts, n_steps):
    """Run from all starts; return quantities of the runs that survived, and a record."""
    runs, blown_up, seconds = [], [], 0.0
    calculator.get_forces(starts[0])  # compiles
    for start in starts:
        before = time.process_time()
        samples, energies = run_one(start, calculator, n_steps // INTERVAL)
        seconds += time.process_time() - before
        if len(samples) < n_steps // INTERVAL:
            blown_up.append(len(samples) * INTERVAL)
        else:
            runs.append(analyse(samples, energies))
    steps = n_steps * (len(starts) - len(blown_up)) + sum(blown_up)
    return runs, {
        "steps per second of processor": steps / seconds,
        "blown up, by step": blown_up,
        "extrapolations per atom and step": getattr(calculator, "n_extrapolations_", 0)
        / (steps * len(starts[0])),
    }


def compare(runs, reference):
    """Means with errors over the runs, and deviations from the reference, start by start."""
    record = {}
    for key in [key for key in runs[0] if key != "rdf"]:
        record[key] = mean_and_error([run[key] for run in runs])
    rdf, true = mean_rdf(runs), mean_rdf(reference)
    record["rdf, first peak"] = rdf.max()
    record["rdf, RMS deviation"] = np.sqrt(np.mean((rdf - true) ** 2))
    record["rdf, largest deviation"] = np.abs(rdf - true).max()
    if len(runs) == len(reference):
        ratio = [run["D"] / other["D"] for run, other in zip(runs, reference, strict=True)]
        record["D / true D, same starts"] = mean_and_error(ratio)
    return record


def mean_rdf(runs):
    """Radial distribution function over all runs."""
    return np.mean([run["rdf"] for run in runs], axis=0)


def mean_and_error(values):
    """Mean and its standard error, as text."""
    return f"{np.mean(values):.4g} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.2g}"


def run_all_production(potentials, arguments):
    """Quantities of the true potential and of all others, row by row."""
    warnings.simplefilter("ignore", ExtrapolationWarning)
    starts = make_starts(arguments)
    reference, record = run_production(LennardJonesCalculator(), starts, arguments.n_steps)
    halves = mean_rdf(reference[::2]) - mean_rdf(reference[1::2])
    between = {"rdf, RMS deviation": np.sqrt(np.mean(halves**2))}
    yield {"functions": "true", **record, **compare(reference, reference), **between}
    for name in potentials.sets:
        potential, errors = potentials.make(name, arguments.forces)
        calculator = HDNNPCalculator(potential)
        runs, record = run_production(calculator, starts, arguments.n_steps)
        physics = compare(runs, reference) if len(runs) > 1 else {}
        yield {"functions": name, **errors, **record, **physics}


PARTS = {"speed": run_speed, "production": run_all_production}
TITLES = {"speed": "Speed", "production": "Production"}
"""Of their tables."""


def main():
    """Parse the arguments and run the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", choices=PARTS, nargs="+")
    parser.add_argument("--forces", action="store_true", help="train on forces too")
    parser.add_argument("--n-structures", type=int, default=1500)
    parser.add_argument("--n-timed-steps", type=int, default=30, help="speed: steps of each")
    parser.add_argument(
        "--repeat", type=int, default=2, help="speed: of 256 atoms in each direction"
    )
    parser.add_argument("--n-runs", type=int, default=8, help="production: starts")
    parser.add_argument("--n-steps", type=int, default=2000, help="production: of each run")
    parser.add_argument("--temperature", type=float, default=1.5)
    parser.add_argument("--density", type=float, default=0.95)
    arguments, record = parse(parser, ALL)
    potentials = Potentials(arguments.n_structures)
    with record:
        for part in arguments.parts:
            for row in PARTS[part](potentials, arguments):
                record.add(TITLES[part], **row)


if __name__ == "__main__":
    main()
