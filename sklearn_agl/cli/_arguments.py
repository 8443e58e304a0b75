"""Arguments that several commands share, with the names and defaults of the Python API."""

import argparse


def add_structures(parser, *, several=True):
    """What is read, and where its labels are."""
    parser.add_argument(
        "files",
        nargs="+" if several else 1,
        metavar="FILE",
        help="structures that ASE or n2p2 read; - for stdin, FILE@::10 for some",
    )
    parser.add_argument("--format", metavar="NAME", help="ASE's name of the format, or n2p2")
    parser.add_argument("--energy-key", metavar="KEY", help="key of the energies in atoms.info")
    parser.add_argument("--forces-key", metavar="KEY", help="key of the forces in atoms.arrays")
    parser.add_argument("--stress-key", metavar="KEY", help="key of the stresses in atoms.info")
    for unit, example in (("length", "Bohr"), ("energy", "Hartree")):
        parser.add_argument(
            f"--{unit}-unit",
            type=_unit,
            metavar="X",
            help=f"of n2p2's files: {example}, or a number (default: their own)",
        )


def add_split(parser):
    """What is kept aside for the test."""
    parser.add_argument(
        "--groups",
        default="auto",
        metavar="KEY",
        help="what a split keeps together: a key of atoms.info, files, stretches (of consecutive "
        "structures), or random (default: files if five, else stretches)",
    )
    parser.add_argument(
        "--test-size", type=_share, default=0.2, metavar="PART", help="(default: 0.2; 0: no test)"
    )


def add_training(parser):
    """Settings of the functions and of the networks."""
    parser.add_argument(
        "--symmetry-functions",
        default="auto",
        metavar="SET",
        help="auto, rich, lj-22, al-22, b-60, al-329, directional-60, an input.nn or "
        "selection.json (default: auto)",
    )
    parser.add_argument(
        "--r-cut", type=_positive, default=6.0, metavar="X", help="cutoff radius (default: 6)"
    )
    parser.add_argument(
        "--forces", choices=("auto", "none"), default="auto", help="none: train on energies alone"
    )
    parser.add_argument(
        "--force-weight", type=_positive, default=0.3, metavar="X", help="(default: 0.3)"
    )
    parser.add_argument(
        "--hidden-layer-sizes", type=_sizes, default=(10, 10), metavar="N,N",
        help="(default: 10,10)",
    )  # fmt: skip
    parser.add_argument("--max-epochs", type=int, metavar="N", help="by default by the solver")
    add_jobs(parser)
    add_seed(parser, "the split and the weights")


def add_jobs(parser):
    """Threads, by a short name and by that of the Python API."""
    parser.add_argument("--jobs", dest="n_jobs", type=int, metavar="N", help="threads (default: 1)")
    parser.add_argument("--n-jobs", dest="n_jobs", type=int, help=argparse.SUPPRESS)


def add_seed(parser, what):
    """What draws random numbers, by the name of the Python API and by a short one."""
    parser.add_argument(
        "--random-state", type=int, default=0, metavar="N", help=f"draws {what} (default: 0)"
    )


def add_output(parser, default):
    """Where results go."""
    parser.add_argument(
        "-o", "--output", default=default, metavar="DIR", help=f"(default: {default})"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files in it")
    parser.add_argument("--no-lammps", action="store_true", help="compile no plugin for LAMMPS")


def add_potential(parser):
    """A potential to use."""
    parser.add_argument(
        "potential", metavar="POTENTIAL", help="a potential.npz, or a folder with one or of n2p2"
    )


def _share(text):
    value = _number(text)
    if not 0.0 <= value < 1.0:
        raise argparse.ArgumentTypeError(f"{text} is no part of the structures: 0 to below 1")
    return value


def _positive(text):
    value = _number(text)
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} must be above 0")
    return value


def _number(text):
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no number") from None


def _sizes(text):
    try:
        return tuple(int(size) for size in text.split(",") if size)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no list of numbers such as 10,10") from None


def _unit(text):
    """A number, or the name of one of ASE's units."""
    if not text[:1].isalpha():
        return _positive(text)
    from ase import units

    value = getattr(units, text, None)
    if not isinstance(value, float):
        raise argparse.ArgumentTypeError(f"{text} is no unit that ase.units knows")
    return value
