"""``sklearn-agl evaluate``: how well a potential does on structures."""

import json
from dataclasses import asdict
from pathlib import Path

from sklearn_agl.cli._arguments import add_potential, add_structures

USAGE = "POTENTIAL FILE..."
DESCRIPTION = (
    "Errors of a potential's energies, forces and stress on structures that carry them: of all, by "
    "group and by element, and how often a symmetry function leaves the range it had in training."
)


def add_arguments(parser):
    """Describe the arguments."""
    add_potential(parser)
    add_structures(parser)
    parser.add_argument(
        "--groups", metavar="KEY", help="key of atoms.info that tells the groups apart"
    )
    parser.add_argument("--report", metavar="FILE", help="write figures and tables to this .html")
    parser.add_argument("--json", action="store_true", help="print JSON in place of tables")


def run(options):
    """Evaluate the potential."""
    from sklearn_agl.cli._errors import show_errors
    from sklearn_agl.cli._messages import say, show
    from sklearn_agl.cli._output import _plain
    from sklearn_agl.cli._potentials import load_potential
    from sklearn_agl.cli._structures import read_structures
    from sklearn_agl.inspection import evaluate_potential

    potential = load_potential(
        options.potential, length_unit=options.length_unit, energy_unit=options.energy_unit
    )
    data = read_structures(options, energies=False)
    for note in data.notes:
        say(note)
    structures = data.labelled()
    evaluation = evaluate_potential(potential, structures, groups=data.parts(options.groups))
    if options.json:
        kinds = {"all": None, "groups": "group", "elements": "element"}
        found = {name: [asdict(own) for own in evaluation.errors(by)] for name, by in kinds.items()}
        show(json.dumps(_plain(found), indent=1))
    else:
        title = f"{options.potential} on {len(data)} structures"
        show_errors({"all": evaluation}, title)
    if options.report:
        from sklearn_agl.report import write_report

        write_report(Path(options.report), potential, evaluation, structures=structures)
        say(f"wrote {options.report}")
