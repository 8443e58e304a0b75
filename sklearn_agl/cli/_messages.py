"""What a command says: results on standard output, everything else on standard error."""

import contextlib
import os
import sys
import warnings

FAILED, INTERRUPTED = 1, 130
"""Exit codes: of a command that failed, and after Ctrl-C. argparse has 2 for wrong arguments."""


class CommandError(Exception):
    """What a user can mend; its text names the culprit and the cure."""


def say(text):
    """A line about what is going on."""
    print(text, file=sys.stderr, flush=True)


def show(text=""):
    """A line of the result."""
    print(text, flush=True)


def one_line(error):
    """An exception as one line.

    Parameters
    ----------
    error : BaseException

    Returns
    -------
    str
    """
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        text = f"{os.fspath(error.filename)!r}: {error.strerror}."
    known = isinstance(error, (CommandError, OSError, ValueError, ImportError, RuntimeError))
    return text if known and text else f"{type(error).__name__}: {text}"


@contextlib.contextmanager
def brief_warnings():
    """Within, a warning is one line, and is told once."""
    told = set()

    def tell(message, category, filename, lineno, file=None, line=None):
        text = f"warning: {' '.join(str(message).split())}"
        if text not in told:
            told.add(text)
            say(text)

    with warnings.catch_warnings():
        warnings.filterwarnings("default", category=UserWarning)
        warnings.showwarning = tell
        yield


def table(head, rows):
    """Lines of a table, numbers to the right.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : sequence of sequence of str
        Cells; the first one of each row is a name.

    Returns
    -------
    list of str
    """
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
