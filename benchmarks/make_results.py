"""Make `RESULTS.md` from the records: ``make results``.

The layout stands here, the figures in the records. A figure is a record's own number beside its
peer's number in the same table of the same record, so that both are from one run. What git says has
changed since a record's commit makes the figure "older than its code". Nothing but the standard
library is needed.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

from _records import FOLDER, ROOT, commits_since, markdown, read_records

RESULTS = ROOT / "benchmarks" / "RESULTS.md"


class Cell(NamedTuple):
    """Where a number stands in a table: the row by some of its values, and the column."""

    column: str
    row: dict = {}

    def find(self, rows):
        """The number in the first such row; None if there is none."""
        for row in rows:
            if self.row.items() <= row.items():
                return row.get(self.column)
        return None


class Figure(NamedTuple):
    """A number of ours beside a peer's; the lower one is better."""

    what: str
    unit: str
    record: str
    table: str
    ours: Cell
    peer_name: str
    peer: Cell


class Aim(NamedTuple):
    """A ratio that was aimed at: of `over` to `number`, at least, or at most."""

    what: str
    record: str
    table: str
    number: Cell
    over: Cell
    at_least: float = 0.0
    at_most: float = float("inf")


class Section(NamedTuple):
    """A table from one record or several, with a word on how to read it.

    Parameters
    ----------
    columns : dict of str to str
        Columns of the records, and the headings they get; "record" is the record's name.
    spread : tuple of str
        For rows that become columns: templates of their heading, and of what stands below.
    only : dict
        Values of some columns that a row must have.
    """

    title: str
    text: str
    records: tuple
    table: str
    columns: dict
    spread: tuple = ()
    only: dict = {}


def same(*columns):
    """Columns whose headings are their names."""
    return {column: column for column in columns}


FIGURES = [
    Figure(
        "22 symmetry functions of a Lennard-Jones atom, one core",
        "µs",
        "bench_symmetry_functions",
        "Microseconds per atom, one thread",
        Cell("values", {"set": "lj-22"}),
        "DScribe",
        Cell("DScribe", {"set": "lj-22"}),
    ),
    Figure(
        "A published copper potential in LAMMPS, per atom and step, one core",
        "µs",
        "bench_lammps-styles-potentials-zuo_cu-n_steps-20-n_repeats-2",
        "Microseconds per atom and step",
        Cell("agl in LAMMPS", {"potential": "Cu, 27"}),
        "`pair_style snap`",
        Cell("snap", {"potential": "Cu, 27"}),
    ),
    Figure(
        "Seven functions for a Lennard-Jones liquid: error, 10⁻³ ε/atom",
        "by AGL",
        "compare_selectors-lj",
        "Errors",
        Cell("test RMSE", {"selector": "AGL", "functions": 7}),
        "CUR",
        Cell("test RMSE", {"selector": "CUR", "functions": 7}),
    ),
    Figure(
        "Five of 60 functions for silicon: error, meV/atom",
        "by AGL",
        "compare_selectors-si_directional",
        "Errors",
        Cell("test RMSE", {"selector": "AGL", "functions": 5}),
        "CUR",
        Cell("test RMSE", {"selector": "CUR", "functions": 5}),
    ),
    Figure(
        "Copper, energies and forces: error of forces, eV/Å, 13 functions",
        "by AGL",
        "bench_forces",
        "Test errors",
        Cell("forces, eV/A", {"element": "Cu", "potential": "AGL by energies and forces"}),
        "n2p2's published potential, 27",
        Cell("forces, eV/A", {"element": "Cu", "potential": "n2p2, published"}),
    ),
    Figure(
        "22 to 4 functions, errors as good or better at 10 sizes of 12",
        "s",
        "bench_quality-elimination-n_seeds-2",
        "Beside elimination",
        Cell("path", {"seed": 0, "functions": "seconds"}),
        "sequential elimination",
        Cell("elimination", {"seed": 0, "functions": "seconds"}),
    ),
    Figure(
        "First fit of the published protocol: to AdamW's lowest objective",
        "s",
        "bench_path-adamw",
        "Figures",
        Cell("kalman_s_to_the_same"),
        "AdamW",
        Cell("adamw_s"),
    ),
    Figure(
        "Ten planted inputs among 50: wrong ones chosen, mean of 20 data sets",
        "",
        "bench_planted",
        "Inputs found",
        Cell("wrong, mean", {"method": "adaptive"}),
        "LassoNet",
        Cell("wrong, mean", {"method": "lassonet"}),
    ),
    Figure(
        "LassoNet's whole path on diabetes, seconds of the processor",
        "s",
        "bench_lassonet-tables-diabetes-n_seeds-1",
        "Whole paths",
        Cell("ours, s", {"table": "diabetes", "seed": 0}),
        "the package lassonet",
        Cell("lassonet, s", {"table": "diabetes", "seed": 0}),
    ),
    Figure(
        "CUR: 250 of 500 columns, 10,000 rows, the same picks, of the processor",
        "s",
        "bench_selectors-methods-CUR",
        "Seconds",
        Cell("ours, processor s", {"method": "CUR"}),
        "scikit-matter",
        Cell("scikit-matter, processor s", {"method": "CUR"}),
    ),
]
"""The ten that matter."""

AIMS = [
    *(
        Aim(
            f"Symmetry functions, {name}: times as fast as DScribe",
            "bench_symmetry_functions",
            "Microseconds per atom, one thread",
            Cell("values", {"set": name}),
            Cell("DScribe", {"set": name}),
            at_least=35,
        )
        for name in ("lj-22", "al-22", "directional-60", "In-P, 112")
    ),
    Aim(
        "FPS: times as fast as scikit-matter",
        "bench_selectors-repeats-5-methods-FPS-PCov_FPS",
        "Seconds",
        Cell("ours, processor s", {"method": "FPS"}),
        Cell("scikit-matter, processor s", {"method": "FPS"}),
        at_least=25,
    ),
    *(
        Aim(
            f"Fits of {name}: worst error of 50 seeds over the median",
            record,
            "Test errors",
            Cell("median", {"data": name}),
            Cell("worst", {"data": name}),
            at_most=1.5,
        )
        for record, names in (
            ("bench_fits-seeds-50", ("slabs 20", "slabs 30", "slabs 50", "slabs 100", "slabs 200")),
            ("bench_fits-seeds-50", ("crystals 100", "Lennard-Jones 100", "Lennard-Jones 407")),
            ("bench_fits-seeds-50-data", ("Cu", "Li", "Mo", "Si", "InP", "LiAl")),
        )
        for name in names
    ),
    *(
        Aim(
            f"{element}: errors of forces, n2p2's published potential over AGL's 13 functions",
            "bench_forces",
            "Test errors",
            Cell("forces, eV/A", {"element": element, "potential": "AGL by energies and forces"}),
            Cell("forces, eV/A", {"element": element, "potential": "n2p2, published"}),
            at_least=1,
        )
        for element in ("Cu", "Li", "Si", "Mo")
    ),
]

NOT_REACHED = [
    "n2p2 has not been timed beside ours in one run on one machine, so there is no ratio here.",
    "Nothing has been measured on a GPU; `benchmarks/check_gpu.py` is what does it.",
    "Wald elimination, as good as AGL on Lennard-Jones structures, keeps needless functions of "
    "aluminium and silicon, and other ones for every seed.",
    "Lithium and aluminium: on the first split, CUR's 20 functions leave half of AGL's error.",
    "LassoNet chooses worse than the group lasso among symmetry functions, which are correlated.",
    "Concave penalties (MCP, SCAD) brought nothing and took two to four times as long.",
]

ERRORS = ("{selector}", "{test RMSE:g} ± {sd:g}")
"""Headings and cells of a comparison of selectors."""

SECTIONS = [
    Section(
        "Symmetry functions",
        "The same functions as DScribe's ACSF, cosine cutoff, one core, µs per atom. Derivatives "
        "are one `vjp` after the values, which is what forces need.",
        ("bench_symmetry_functions",),
        "Microseconds per atom, one thread",
        same("set", "neighbours", "DScribe", "values", "values and derivatives"),
    ),
    Section(
        "Potentials in LAMMPS",
        "µs per atom and step on one core, 4,000 atoms of a crystal, or 2,048 of a liquid.",
        ("bench_lammps-styles-potentials-zuo_cu-n_steps-20-n_repeats-2",),
        "Microseconds per atom and step",
        {"potential": "potential, functions"}
        | same("agl in LAMMPS", "HDNNPCalculator", "snap", "pod", "eam"),
    ),
    Section(
        "The calculator",
        "Forces of 2,048 Lennard-Jones atoms, µs per atom and step on one core, potentials of all "
        "22 functions and of seven. A small set is fast only where it has no angular function.",
        ("bench_md-speed",),
        "Speed",
        same("functions", "numbers", "us per atom and step"),
    ),
    Section(
        "Molecular dynamics",
        "256 Lennard-Jones atoms at T = 1.5, six runs of 1,200 steps at constant energy. Potentials"
        " of all 22 and of seven functions, trained on energies and forces; ± is the mean's error.",
        ("bench_md-production-forces-n_runs-6-n_steps-1200",),
        "Production",
        same("functions", "force RMSE", "T", "D")
        | {
            "rdf, RMS deviation": "g(r), deviation",
            "drift, 1e-6 per atom and time": "drift, 10⁻⁶ ε",
            "extrapolations per atom and step": "extrapolations per atom and step",
        },
    ),
    Section(
        "Stresses",
        "80 crystals with labels of EMT (copper) and of Tersoff's potential (silicon); five seeds, "
        "40 other crystals. Errors of elastic constants in per cent.",
        ("bench_stress",),
        "Labels",
        same("system", "labels", "meV/atom", "meV/Å")
        | {"C11 off (%)": "C11", "C12 off (%)": "C12", "C44 off (%)": "C44", "worst (%)": "worst"},
    ),
    Section(
        "Selectors side by side",
        "Networks on the selected functions, five seeds, mean ± standard deviation, 10⁻³ ε/atom "
        "and meV/atom. Aluminium is tested on later frames of its trajectory.",
        ("compare_selectors-lj", "compare_selectors-al", "compare_selectors-si_directional"),
        "Errors",
        same("data", "functions"),
        ERRORS,
    ),
    Section(
        "Noise among the functions",
        "Ten columns of noise beside 22 Lennard-Jones functions: how many are chosen, seed by "
        "seed; errors in 10⁻³ ε/atom.",
        ("compare_selectors-noise",),
        "Errors",
        same("functions", "selector", "columns of noise, seed by seed")
        | {"test RMSE": "error", "sd": "±"},
        only={"functions": (10,)},
    ),
    Section(
        "Ordinary tables",
        "Networks on the selected columns, five seeds, in units of the target's deviation.",
        ("compare_selectors-tables",),
        "Errors",
        same("data", "functions"),
        ERRORS,
    ),
    Section(
        "Planted inputs",
        "The simulation of Dinh and Ho (2020): ten of 50 inputs enter a random network.",
        ("bench_planted",),
        "Inputs found",
        same(
            "method", "data sets", "exactly right", "wrong, mean", "missed, mean", "s per data set"
        ),
    ),
    Section(
        "Beside sequential backward elimination",
        "Lennard-Jones, errors in 10⁻³ ε/atom, and seconds; elimination trains a network for every "
        "candidate.",
        ("bench_quality-elimination-n_seeds-2",),
        "Beside elimination",
        same("functions"),
        ("seed {seed}", "{elimination:g}, path {path:g}"),
        {"functions": (8, 7, 6, 5, 4, "seconds")},
    ),
    Section(
        "How far fits scatter with the seed",
        "Energies only, `HDNNPRegressor` as it is, meV or 10⁻³ units per atom; 50 seeds.",
        ("bench_fits-seeds-50-data",),
        "Test errors",
        same("data", "mean alone", "median", "worst", "worst / median", "s per fit"),
    ),
    Section(
        "Energies and forces",
        "The mlearn data of Zuo et al. (2020) with their split; n2p2's published potentials were "
        "measured with n2p2 on the same test structures.",
        ("bench_forces",),
        "Test errors",
        same("element", "potential", "functions", "energy, meV/atom", "forces, eV/A"),
        only={"potential": ("n2p2, published", "AGL by energies and forces")},
    ),
    Section(
        "The whole path",
        "Two cores. 1,200 and 28,000 Lennard-Jones structures of 256 atoms, 22 functions; 2,000 of "
        "aluminium, 329 functions.",
        ("bench_path-lj", "bench_path-scale", "bench_path-al-data-Al_aimd300K"),
        "Figures",
        {"record": "part", "features_s": "features, s", "training_s": "one training, s"}
        | {"path_s": "path, s", "path_and_refits_s": "path and refits, s", "peak_GiB": "GiB"}
        | {"chosen": "functions chosen", "chosen_test_rmse": "their error per atom"},
    ),
]


SHOWN = {part.record for part in [*FIGURES, *AIMS]} | {
    name for section in SECTIONS for name in section.records
}
"""Records that the page has figures of."""


def rows_of(records, name, table):
    """The rows of a table; none where there is no such record."""
    rows = records.get(name, {"tables": {}})["tables"].get(table, [])
    return [{"record": name} | row for row in rows]


def spread(rows, columns, heading, cell):
    """Rows that agree in some columns as one, with a column for each heading."""
    merged, headings = {}, {}
    for row in rows:
        key = tuple(row.get(column) for column in columns)
        name = heading.format_map(row)
        headings[name] = name
        merged.setdefault(key, dict(zip(columns, key, strict=True)))[name] = cell.format_map(row)
    return list(merged.values()), columns | headings


def age(record, root=ROOT):
    """Whether a record's code has changed since, in words."""
    since = commits_since(record, root)
    if since is None:
        return "age unknown"
    if not since:
        return "of the code as it stands"
    return f"older than its code ({since} commit{'s' if since > 1 else ''})"


def source(name):
    """A link to a record."""
    return f"[{name}](records/{name}.json)"


def figures_table(records, ages):
    """The figures that matter, with ratios."""
    lines = []
    for figure in FIGURES:
        rows = rows_of(records, figure.record, figure.table)
        ours, peer = figure.ours.find(rows), figure.peer.find(rows)
        if ours is None or peer is None:
            continue
        lines.append(
            {
                "what": figure.what,
                "ours": f"{ours:g} {figure.unit}".strip(),
                "peer": f"{figure.peer_name}: {peer:g}",
                "peer / ours": f"{float(f'{peer / ours:.2g}'):g}" if ours else "",
                "from": f"{source(figure.record)}, {ages[figure.record]}",
            }
        )
    return markdown(lines)


def aims_list(records):
    """Aims that the records miss, and what else was not reached."""
    for aim in AIMS:
        rows = rows_of(records, aim.record, aim.table)
        number, over = aim.number.find(rows), aim.over.find(rows)
        if number is None or over is None:
            continue
        ratio = over / number
        if not aim.at_least <= ratio <= aim.at_most:
            bound = f"at least {aim.at_least:g}" if aim.at_least else f"at most {aim.at_most:g}"
            measured = f"{ratio:.3g} measured ({source(aim.record)})"
            yield f"- {aim.what}: {bound} was aimed at, {measured}."
    yield from (f"- {text}" for text in NOT_REACHED)


def sections(records, ages):
    """The other tables."""
    for section in SECTIONS:
        rows = [
            row
            for name in section.records
            for row in rows_of(records, name, section.table)
            if all(row.get(column) in values for column, values in section.only.items())
        ]
        columns = section.columns
        if not rows:
            continue
        if section.spread:
            rows, columns = spread(rows, columns, *section.spread)
        whence = "; ".join(
            f"{source(name)}, {ages[name]}" for name in section.records if name in ages
        )
        table = markdown(rows, columns)
        yield f"## {section.title}\n\n{section.text} From {whence}.\n\n{table}"


def short(command):
    """A command without what all of them have."""
    return command.removeprefix("python benchmarks/")


def provenance(records, ages):
    """Where and when the records of the tables above were taken."""
    return markdown(
        [
            {
                "record": f"[{short(record['command'])}](records/{name}.json)",
                "date": record["date"],
                "commit": (record["commit"] or "unknown")[:8],
                "processor": record["processor"],
                "code": ages[name],
                "remarks": "; ".join(remarks(record)),
            }
            for name, record in records.items()
            if name in SHOWN
        ]
    )


def remarks(record):
    """What else is to be known of a record."""
    if record.get("note"):
        yield record["note"]
    if record.get("load") is not None:
        yield f"load of {record['load']:g} when it began"
    if record.get("uncommitted"):
        yield "with changes that no commit has"
    if not record.get("complete", True):
        yield "ended early"


def others(records, ages):
    """Records that no table shows."""
    return "Other records: " + "; ".join(
        f"{source(name)}, {record['date']}, {record['processor']}, {ages[name]}"
        for name, record in records.items()
        if name not in SHOWN
    )


HEAD = """# Results

Made by `make results` from the records in `benchmarks/records/`, which the benchmarks write. Change
those or `make_results.py`, not this page. Errors are root mean square errors of the total energy
per atom on structures that took no part in training or selection. A seed draws the split, the
held-out structures and all weights. Times compare rows, not machines.

## The figures that matter

Ours beside the peer's, from one record each; the lower one is better."""

WHENCE = """## Where the figures are from

Figures that are "carried over" stood on this page before it was made from records. Their commit is
the one that wrote them down: what they measured is that code or older."""


def render(records, ages):
    """The page.

    Parameters
    ----------
    records : dict
        By name.
    ages : dict of str to str
        What is said of the age of each.
    """
    parts = [
        HEAD,
        figures_table(records, ages),
        "## What was not reached",
        "\n".join(aims_list(records)),
        *sections(records, ages),
        WHENCE,
        provenance(records, ages),
        others(records, ages) + ".",
    ]
    return "\n\n".join(parts) + "\n"


def main():
    """Write the page, or another file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, default=FOLDER)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    records = read_records(arguments.records)
    ages = {name: age(record) for name, record in records.items()}
    arguments.output.write_text(render(records, ages), encoding="utf-8")


if __name__ == "__main__":
    main()
