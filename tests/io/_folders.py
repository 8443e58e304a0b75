"""Where reference potentials are, and changes to their files."""

import shutil
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SMALL = REPOSITORY / "tests" / "data" / "n2p2_lj"
COMPLETE = REPOSITORY.parent / "shared" / "reference"
STRUCTURES = REPOSITORY.parent / "shared" / "data"
needs_complete_numbers = pytest.mark.skipif(
    not COMPLETE.exists(), reason="the complete reference numbers are not beside the repository"
)


def changed_copy(folder, source=SMALL, **texts):
    """Copy a potential; `texts` maps a file's first word to pairs (old, new) or to new content."""
    folder.mkdir(exist_ok=True)
    for path in source.iterdir():
        shutil.copy(path, folder / path.name)
    for word, change in texts.items():
        path = next(folder.glob(f"{word}.*"))
        if isinstance(change, tuple):
            old, new = change
            text = path.read_text()
            assert old in text
            change = text.replace(old, new, 1)
        path.write_text(change)
    return folder


def write_tiny(folder, settings="", scaling=None, weights=None):
    """A potential of one hydrogen function and one hidden node, with more settings."""
    folder.mkdir(exist_ok=True)
    text = (
        "number_of_elements 1\nelements H\ncutoff_type 1\nglobal_hidden_layers_short 1\n"
        "global_nodes_short 1\nglobal_activation_short t l\n"
        "symfunction_short H 2 H 0.5 0.1 4.0\n"
    )
    (folder / "input.nn").write_text(text + settings)
    (folder / "scaling.data").write_text(scaling or "1 1 0.5 2.5 1.25 0.4\n")
    (folder / "weights.001.data").write_text(weights or "0.7\n0.2\n-1.5\n0.3\n")
    return folder
