"""``sklearn-agl md``: molecular dynamics."""

from sklearn_agl.cli._arguments import add_jobs, add_potential, add_seed, add_structures

USAGE = "POTENTIAL FILE"
DESCRIPTION = (
    "Molecular dynamics with ASE, from the last structure of a file on: Langevin's thermostat, or "
    "constant energy. The trajectory is in any format of ASE, by its name."
)


def add_arguments(parser):
    """Describe the arguments."""
    add_potential(parser)
    add_structures(parser, several=False)
    parser.add_argument(
        "--temperature", type=float, default=300.0, metavar="K", help="(default: 300)"
    )
    parser.add_argument("--steps", type=int, default=1000, metavar="N", help="(default: 1000)")
    parser.add_argument(
        "--timestep", type=float, default=1.0, metavar="FS", help="femtoseconds (default: 1)"
    )
    parser.add_argument(
        "--friction", type=float, default=0.01, metavar="X",
        help="of the thermostat, in 1/fs; 0 for constant energy (default: 0.01)",
    )  # fmt: skip
    parser.add_argument(
        "--trajectory", default="md.extxyz", metavar="FILE", help="(default: md.extxyz)"
    )
    parser.add_argument(
        "--interval", type=int, default=10, metavar="N",
        help="steps from frame to frame of the trajectory (default: 10)",
    )  # fmt: skip
    parser.add_argument(
        "--on-extrapolation", default="warn", metavar="WHAT",
        help="warn, raise (stop at the first one), or how many are allowed (default: warn)",
    )  # fmt: skip
    add_jobs(parser)
    add_seed(parser, "velocities and noise")
    parser.add_argument("--overwrite", action="store_true", help="replace the trajectory")


def run(options):
    """Run it."""
    from pathlib import Path

    from sklearn_agl.cli._dynamics import simulate
    from sklearn_agl.cli._messages import CommandError
    from sklearn_agl.cli._potentials import load_potential
    from sklearn_agl.cli._structures import read_structures
    from sklearn_agl.potentials import HDNNPCalculator

    potential = load_potential(
        options.potential, length_unit=options.length_unit, energy_unit=options.energy_unit
    )
    atoms = read_structures(options, energies=False).structures[-1]
    if Path(options.trajectory).exists() and not options.overwrite:
        raise CommandError(
            f"{options.trajectory} exists. Give another --trajectory, or --overwrite."
        )
    limit = options.on_extrapolation
    limit = int(limit) if limit.isdigit() else limit
    atoms = atoms.copy()
    atoms.calc = HDNNPCalculator(potential, on_extrapolation=limit, n_jobs=options.n_jobs)
    simulate(atoms, options)
