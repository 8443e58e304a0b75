"""``sklearn-agl fit``: a potential on given functions."""

from sklearn_agl.cli._arguments import add_output, add_split, add_structures, add_training

USAGE = "FILE..."
DESCRIPTION = (
    "Train a potential on all functions of a set: a named one, those of an input.nn, or those that "
    "select has found (selection.json). It trains on forces where the structures have any."
)


def add_arguments(parser):
    """Describe the arguments."""
    add_structures(parser)
    add_split(parser)
    add_training(parser)
    add_output(parser, "fit")


def run(options):
    """Train, judge and write."""
    from sklearn_agl.cli._fitting import fit

    return fit(options)
