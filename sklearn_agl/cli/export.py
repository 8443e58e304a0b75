"""``sklearn-agl export``: a potential for other programs."""

from sklearn_agl.cli._arguments import add_potential

USAGE = "POTENTIAL FOLDER"
DESCRIPTION = (
    "Write a potential for n2p2 and LAMMPS' pair_style hdnnp, or compile it into a plugin for "
    "LAMMPS with pair_style agl."
)
UNITS = ("metal", "real", "electron", "lj")


def add_arguments(parser):
    """Describe the arguments."""
    add_potential(parser)
    parser.add_argument("folder", metavar="FOLDER", help="where to write")
    parser.add_argument("--to", choices=("n2p2", "lammps"), default="n2p2", help="(default: n2p2)")
    parser.add_argument(
        "--units", choices=UNITS, default="metal", help="of the runs in LAMMPS (default: metal)"
    )
    parser.add_argument(
        "--length-unit", type=float, default=1.0, metavar="X",
        help="the potential's unit of length in that of LAMMPS (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--energy-unit", type=float, default=1.0, metavar="X", help="likewise (default: 1)"
    )
    parser.add_argument(
        "--cpu", choices=("native", "x86-64-v3", "x86-64-v4"), default="native",
        help="processors that the plugin runs on (default: native)",
    )  # fmt: skip
    parser.add_argument("--headers", nargs="+", metavar="FOLDER", help="of LAMMPS and of its MPI")
    parser.add_argument("--compiler", metavar="COMMAND", help="by default $CXX, else g++")
    parser.add_argument("--overwrite", action="store_true", help="replace files in the folder")


def run(options):
    """Write the files."""
    from sklearn_agl.cli._messages import CommandError, show
    from sklearn_agl.cli._potentials import load_potential
    from sklearn_agl.io import write_lammps, write_n2p2

    potential = load_potential(options.potential)
    write = write_n2p2 if options.to == "n2p2" else write_lammps
    more = {} if options.to == "n2p2" else _options_of_lammps(options)
    try:
        write(potential, options.folder, overwrite=options.overwrite, **more)
    except FileExistsError as error:
        raise CommandError(
            f"{options.folder} has such files already. Write elsewhere, or give --overwrite."
        ) from error
    show(f"wrote {options.folder}")


def _options_of_lammps(options):
    names = ("units", "length_unit", "energy_unit", "cpu", "headers", "compiler")
    return {name: getattr(options, name) for name in names}
