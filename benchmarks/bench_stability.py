"""Which potentials hold in molecular dynamics, and which let atoms fuse or blow up.

Run on one core::

    OMP_NUM_THREADS=1 python benchmarks/bench_stability.py sound lj Cu.extxyz Si.extxyz
    OMP_NUM_THREADS=1 python benchmarks/bench_stability.py inputs --n-runs 5

A system is "lj", 400 structures of `make_lennard_jones`, or a file that ASE reads, such as those of
`fetch_mlearn`; a fifth of the structures, drawn at random, is left for a test.

- sound: all functions and those of the adaptive group lasso (AGL), trained on energies alone and
  with forces, at the hottest temperature of training (Lennard-Jones: 1.5 ε; else ``--temperatures``
  in kelvin, one per file) and at 1.5 times that.
- inputs: Lennard-Jones on energies alone, sets of several sizes by AGL, CUR and Pearson
  correlation, each with and without the repulsion that potentials have by default.

A run starts from the structure of highest energy per atom among the largest cells. Its first fifth
is at constant temperature (Langevin), the rest at constant energy. It is sound if no two atoms came
closer than 0.9 times the closest pair of the training structures, and the temperature stayed below
three times that of the start. "closest" is the worst over the runs, in units of the closest pair of
training; "drift" the median of the change of the total energy per atom, in 10⁻³ of the thermal
energy; "extrapolates" the median step at which a function first left its range.
"""

import argparse
import sys
import warnings

import ase.io
import numpy as np
from _records import DYNAMICS, SELECTION, parse
from ase import units
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.md.verlet import VelocityVerlet
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    CURSelector,
    HDNNPRegressor,
    PearsonSelector,
    SymmetryFunctionTransformer,
)
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.metrics import rmse_per_atom
from sklearn_agl.potentials import HDNNPCalculator

INTERVAL = 25
"""Time steps between two looks at a run."""
TOO_CLOSE = 0.9
TOO_HOT = 3.0
N_SELECTED = 10


class System:
    """Structures with energies and forces, and the state that runs start from."""

    def __init__(self, name, temperature):
        self.name = name
        if name == "lj":
            structures, _ = make_lennard_jones(400, random_state=0)
            self.functions, self.temperature, self.timestep = "lj-22", 1.5 / units.kB, 0.005
        else:
            structures = ase.io.read(name, ":")
            self.functions, self.temperature, self.timestep = "auto", temperature, units.fs
        self.train, self.test = train_test_split(structures, test_size=0.2, random_state=0)
        largest = max(map(len, structures))
        cells = [atoms for atoms in structures if len(atoms) >= 0.9 * largest]
        self.start = max(cells, key=lambda atoms: atoms.get_potential_energy() / len(atoms))
        self.closest = min(map(closest_pair, self.train))

    def new_run(self, pipe, temperature, seed):
        """The atoms at the start of a run, with velocities."""
        atoms = self.start.copy()
        if self.name == "lj":
            atoms.set_masses(np.ones(len(atoms)))
        atoms.calc = HDNNPCalculator(pipe)
        rng = np.random.default_rng(seed)
        MaxwellBoltzmannDistribution(atoms, temperature_K=temperature, rng=rng)
        return atoms


def closest_pair(atoms):
    """The smallest distance between two atoms."""
    return atoms.get_all_distances(mic=True)[np.triu_indices(len(atoms), 1)].min()


def follow(system, pipe, temperature, seed, n_steps):
    """One run: closest pair, drift, whether it is sound, and when it first extrapolated."""
    atoms = system.new_run(pipe, temperature, seed)
    closest, hottest, first = np.inf, 0.0, np.nan
    thermostat = Langevin(
        atoms, system.timestep, temperature_K=temperature, friction=0.02 / system.timestep,
        rng=np.random.RandomState(seed),
    )  # fmt: skip
    n_before = n_steps // 5
    energy_before = np.nan
    for step in range(0, n_steps, INTERVAL):
        if step == n_before // INTERVAL * INTERVAL:
            thermostat = VelocityVerlet(atoms, system.timestep)
            energy_before = atoms.get_total_energy()
        try:
            thermostat.run(INTERVAL)
        except ValueError as error:  # atoms that have flown apart, or coincide
            print(f"{system.name}: {error}", file=sys.stderr)
            return {"closest": 0.0, "drift": np.nan, "sound": False, "extrapolates": first}
        closest = min(closest, closest_pair(atoms) / system.closest)
        hottest = max(hottest, atoms.get_temperature())
        if np.isnan(first) and atoms.calc.n_extrapolations_:
            first = step + INTERVAL
    drift = (atoms.get_total_energy() - energy_before) / len(atoms) / (units.kB * temperature)
    sound = closest >= TOO_CLOSE and hottest < TOO_HOT * temperature
    return {"closest": closest, "drift": drift, "sound": bool(sound), "extrapolates": first}


def train(system, select, forces, repulsion="auto"):
    """A potential of all functions, or of those that a selector chooses, on energies or more."""
    model = HDNNPRegressor(forces=forces, repulsion=repulsion, random_state=0)
    steps = [] if select is None else [select]
    pipe = make_pipeline(SymmetryFunctionTransformer(system.functions), *steps, model)
    return pipe.fit(system.train)


def report(record, system, label, pipe, factors, arguments):
    """Run a potential several times at several temperatures, and print what came out."""
    sizes = np.array([len(atoms) for atoms in system.test])
    energies = np.array([atoms.get_potential_energy() for atoms in system.test])
    rmse = 1e3 * rmse_per_atom(energies, pipe.predict(system.test), sizes)
    for factor in factors:
        temperature = factor * system.temperature
        runs = [
            follow(system, pipe, temperature, seed, arguments.n_steps)
            for seed in range(arguments.n_runs)
        ]
        of_runs = {name: np.array([run[name] for run in runs]) for name in runs[0]}
        record.add(
            "Sound runs",
            system=system.name,
            potential=label,
            functions=pipe[-1].n_features_in_,
            **{"test error (10⁻³/atom)": rmse, "temperature": factor},
            sound=of_runs["sound"].sum(),
            runs=len(runs),
            closest=of_runs["closest"].min(),
            drift=1e3 * np.nanmedian(np.abs(of_runs["drift"])),
            extrapolates=np.median(np.nan_to_num(of_runs["extrapolates"], nan=arguments.n_steps)),
        )


def measure_sound(arguments, record):
    for name, temperature in zip(arguments.systems, arguments.temperatures, strict=True):
        system = System(name, temperature)
        for forces in (None, "auto"):
            network = HDNNPRegressor(forces=forces)
            select = AdaptiveGroupLassoSelector(
                network, n_features_to_select=N_SELECTED, random_state=0
            )
            for label, step in (("all", None), ("AGL", select)):
                pipe = train(system, step, forces)
                kind = "energies" if forces is None else "with forces"
                report(record, system, f"{label}, {kind}", pipe, (1.0, 1.5), arguments)


def measure_inputs(arguments, record):
    system = System("lj", None)
    for n in (22, 13, 9, 7, 5):
        network = HDNNPRegressor(forces=None)
        agl = AdaptiveGroupLassoSelector(network, n_features_to_select=n, random_state=0)
        selectors = {"AGL": agl, "CUR": CURSelector(n), "Pearson": PearsonSelector(n)}
        for label, select in selectors.items() if n < 22 else {"all": None}.items():
            for repulsion in (None, "auto"):
                pipe = train(system, select, None, repulsion)
                about = "no repulsion" if repulsion is None else "repulsion"
                report(record, system, f"{label}, {about}", pipe, (1.0,), arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["sound", "inputs"])
    parser.add_argument("systems", nargs="*", default=["lj"])
    parser.add_argument("--temperatures", nargs="*", type=float, default=[0.0], help="kelvin")
    parser.add_argument("--n-runs", type=int, default=5)
    parser.add_argument("--n-steps", type=int, default=4000)
    arguments, record = parse(parser, [*DYNAMICS, *SELECTION])
    warnings.simplefilter("ignore")
    with record:
        {"sound": measure_sound, "inputs": measure_inputs}[arguments.what](arguments, record)


if __name__ == "__main__":
    main()
