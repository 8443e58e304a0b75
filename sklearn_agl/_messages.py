"""Messages that stay readable whatever the text is that they quote."""

import re

LONGEST_WORD, LONGEST = 80, 900
"""Characters of a word, which may be of a file, and of a message."""


def shorten(message):
    """Cut the middle out of long words, and then out of a message that is long nevertheless.

    Parameters
    ----------
    message : str

    Returns
    -------
    str

    Examples
    --------
    >>> len(shorten(1000 * "1" + " is no number"))
    92
    """
    words = re.sub(rf"\S{{{LONGEST_WORD},}}", lambda word: _cut(word[0], LONGEST_WORD), message)
    return _cut(words, LONGEST)


def _cut(text, limit):
    if len(text) <= limit:
        return text
    half = limit // 2 - 1
    return f"{text[:half]}…{text[-half:]}"
