"""``sklearn-agl select``: the few functions that are needed, and a potential on them."""

from sklearn_agl.cli._arguments import add_output, add_split, add_structures, add_training

USAGE = "FILE..."
DESCRIPTION = (
    "Find the few symmetry functions that a potential needs, by the adaptive group lasso, and "
    "train it, on forces too where the structures have any. Ends with a folder: potential.npz, "
    "n2p2/, lammps/, report.html, selection.json, and reproduce.py, the Python that does the same."
)


def add_arguments(parser):
    """Describe the arguments."""
    add_structures(parser)
    add_split(parser)
    parser.add_argument(
        "--n-features", metavar="N",
        help="how many: 12, or 5:30 for the best of these (default: nearly the best)",
    )  # fmt: skip
    parser.add_argument(
        "--method",
        default="agl",
        metavar="NAMES",
        help="agl (default), wald, lassonet, cur, fps, pearson, pcov-cur, pcov-fps, weight-norm, "
        "random; the first makes the potential, others are compared with it",
    )
    add_training(parser)
    parser.add_argument(
        "--checkpoint", metavar="DIR",
        help="keeps the state, to go on after a break (default: in the output)",
    )  # fmt: skip
    parser.add_argument(
        "--no-learning-curve", action="store_true", help="do not ask whether more data would help"
    )
    add_output(parser, "selection")


def run(options):
    """Select, train, judge and write."""
    from sklearn_agl.cli._selecting import select

    return select(options)
