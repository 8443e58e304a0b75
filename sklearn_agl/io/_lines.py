"""Words and numbers of text files, with errors that name the file and the line."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from sklearn_agl._messages import shorten

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
"""In one way for every text, so that a long word takes no more than the time to read it."""

INTEGER = re.compile(r"[+-]?\d{1,9}", re.ASCII)


@dataclass(frozen=True)
class Line:
    """One line of a file: its words without comments, and all of its text."""

    path: Path
    number: int
    words: tuple
    text: str = ""

    def error(self, message):
        """A ValueError that says where, and quotes no more of the file than people can read."""
        return ValueError(f"{self.path}, line {self.number}: {shorten(message)}")

    def behind_keyword(self):
        """The line as it stands behind its first word, with what looks like a comment."""
        return self.text.strip().partition(self.words[0])[2].strip()

    def real(self, position, name):
        """The word at a position as a finite float."""
        word = self._word(position, name)
        if not NUMBER.fullmatch(word):
            raise self.error(f"{name} must be a number, got {word!r}.")
        if not math.isfinite(float(word)):
            raise self.error(f"{name} is too large: {word!r}.")
        return float(word)

    def integer(self, position, name, *, at_least=None):
        """The word at a position as an int."""
        word = self._word(position, name)
        if not INTEGER.fullmatch(word):
            raise self.error(f"{name} must be a whole number, got {word!r}.")
        if at_least is not None and int(word) < at_least:
            raise self.error(f"{name} must be at least {at_least}, got {word}.")
        return int(word)

    def check_length(self, *lengths):
        """Refuse a line that has more or fewer words behind the keyword."""
        given = len(self.words) - 1
        if given not in lengths:
            wanted = " or ".join(map(str, lengths))
            raise self.error(f"{self.words[0]} needs {wanted} value(s), got {given}.")

    def _word(self, position, name):
        if position >= len(self.words):
            raise self.error(f"{name} is missing.")
        return self.words[position]


def read_lines(path, comments="#"):
    """Lines of a file that hold words, without comments.

    Parameters
    ----------
    path : Path
    comments : str, default="#"
        Characters that start a comment.

    Returns
    -------
    list of Line

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    try:
        # Bytes that are no UTF-8 are harmless in comments, and elsewhere no number or keyword.
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise IsADirectoryError(f"{path} is a folder; give a file.") from None
    except NotADirectoryError:
        raise NotADirectoryError(f"{path.parent} is a file; give the folder it is in.") from None
    lines = []
    for number, line in enumerate(text.split("\n"), start=1):
        words = tuple(re.split(f"[{comments}]", line, maxsplit=1)[0].split())
        if words:
            lines.append(Line(path, number, words, line))
    return lines
