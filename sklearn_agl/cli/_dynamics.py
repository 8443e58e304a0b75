"""A run of molecular dynamics that tells how it goes."""

from pathlib import Path

import ase.io
import numpy as np
from ase import units
from ase.md.langevin import Langevin
from ase.md.verlet import VelocityVerlet

from sklearn_agl.cli._messages import say, show
from sklearn_agl.selection.runs._runner import TimeLeft

N_LINES = 10
"""Lines of a run about how it goes."""


def simulate(atoms, options):
    """Move atoms, and write their trajectory as they go.

    Parameters
    ----------
    atoms : ase.Atoms
        With a calculator. Velocities of their own count, else those of the temperature are drawn.
    options : argparse.Namespace
        Of the command ``md``.
    """
    rng = np.random.RandomState(options.random_state)
    if not atoms.get_momenta().any():
        _heat(atoms, options.temperature, rng)
    dynamics = _dynamics(atoms, options, rng)
    Path(options.trajectory).unlink(missing_ok=True)
    dynamics.attach(_Writer(atoms, options.trajectory), interval=options.interval)
    every = max(1, options.steps // N_LINES)
    dynamics.attach(_Teller(atoms, dynamics, options), interval=every)
    try:
        dynamics.run(options.steps)
    finally:
        n_steps = dynamics.get_number_of_steps()
        n_extrapolations = atoms.calc.n_extrapolations_
        show(
            f"{n_steps} steps, {n_steps * options.timestep:g} fs, "
            f"{n_extrapolations} extrapolations{_where(options.trajectory)}"
        )


def _where(trajectory):
    return f"; the trajectory is {trajectory}" if Path(trajectory).exists() else ""


def _heat(atoms, temperature, rng):
    """Momenta of Maxwell and Boltzmann, with none of the whole."""
    scale = np.sqrt(atoms.get_masses() * units.kB * temperature)
    momenta = rng.normal(size=(len(atoms), 3)) * scale[:, None]
    atoms.set_momenta(momenta - momenta.mean(axis=0))


def _dynamics(atoms, options, rng):
    timestep = options.timestep * units.fs
    if options.friction == 0.0:
        return VelocityVerlet(atoms, timestep)
    return Langevin(
        atoms,
        timestep,
        temperature_K=options.temperature,
        friction=options.friction / units.fs,
        rng=rng,
        fixcm=False,
    )


class _Writer:
    """Appends the atoms to a trajectory, so that it is whole whatever ends the run."""

    def __init__(self, atoms, name):
        self._atoms, self._name = atoms, name

    def __call__(self):
        ase.io.write(self._name, self._atoms, append=True)


class _Teller:
    """Prints a line about the atoms, with the time left."""

    def __init__(self, atoms, dynamics, options):
        self._atoms, self._dynamics, self._options = atoms, dynamics, options
        self._time_left = TimeLeft(options.steps)

    def __call__(self):
        n_steps = self._dynamics.get_number_of_steps()
        n_atoms = len(self._atoms)
        say(
            f"step {n_steps}   {self._atoms.get_temperature():7.1f} K   "
            f"potential {self._atoms.get_potential_energy() / n_atoms:.5f}   "
            f"total {self._atoms.get_total_energy() / n_atoms:.5f} eV/atom"
            f"{self._time_left(self._options.steps - n_steps)}"
        )
