"""Arguments to a command, and what becomes of its errors."""

import argparse
import importlib
import os
import sys
import traceback

from sklearn_agl._version import __version__
from sklearn_agl.cli._messages import FAILED, INTERRUPTED, brief_warnings, one_line, say

COMMANDS = {
    "select": "the few functions that are needed, and a potential on them, from files",
    "fit": "a potential on given functions",
    "evaluate": "errors of a potential on files of structures",
    "info": "what a potential, a selection or a file of structures holds",
    "export": "a potential for n2p2 or LAMMPS",
    "md": "molecular dynamics with a potential",
}


def main(arguments=None):
    """Run ``sklearn-agl``.

    Parameters
    ----------
    arguments : sequence of str, default=None
        What stands behind the name of the command, by default the process's own.

    Returns
    -------
    int
        The exit code: 0 for success, 1 for a failure, which standard error explains in one line,
        2 for arguments that make no sense, 130 after Ctrl-C.

    See Also
    --------
    sklearn_agl.group_lasso_path : What the command ``select`` runs.

    Examples
    --------
    >>> from sklearn_agl.cli import main
    >>> main(["info", "there_is_no_such_file.npz"])
    1
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        options = make_parser().parse_args(arguments)
    except SystemExit as end:  # argparse has said what is wrong, or given help
        return end.code or 0
    return _run(options)


def _run(options):
    from sklearn_agl.inspection._interrupts import Interrupts  # takes seconds, which help must not

    command = importlib.import_module(f"sklearn_agl.cli.{options.command}")
    try:
        with brief_warnings(), Interrupts():
            return command.run(options) or 0
    except KeyboardInterrupt:
        say("sklearn-agl: interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the output has gone, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if options.debug:
            traceback.print_exc()
        say(f"sklearn-agl {options.command}: error: {one_line(error)}")
        return FAILED


def make_parser():
    """The parser of all commands.

    Returns
    -------
    argparse.ArgumentParser
    """
    parser = argparse.ArgumentParser(
        prog="sklearn-agl",
        description="From files of structures to small neural network potentials.",
        epilog="sklearn-agl COMMAND --help says more of each.",
    )
    parser.add_argument("--version", action="version", version=f"sklearn-agl {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        module = importlib.import_module(f"sklearn_agl.cli.{name}")
        own = commands.add_parser(
            name,
            help=summary,
            description=module.DESCRIPTION,
            formatter_class=_Help,
            usage=f"sklearn-agl {name} {module.USAGE} [options]",
        )
        module.add_arguments(own)
        own.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


class _Help(argparse.HelpFormatter):
    """Help that fits on a screen."""

    def __init__(self, prog):
        super().__init__(prog, max_help_position=28, width=100)
