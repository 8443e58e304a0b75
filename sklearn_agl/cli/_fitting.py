"""The work of ``sklearn-agl fit``."""

from sklearn.pipeline import make_pipeline

from sklearn_agl.cli._epochs import EpochTeller
from sklearn_agl.cli._errors import show_errors
from sklearn_agl.cli._messages import INTERRUPTED, say, show
from sklearn_agl.cli._output import REPORT, SCRIPT, open_folder, write_potential, write_selection
from sklearn_agl.cli._scripts import script_of_fit
from sklearn_agl.cli._training import make_network, make_transformer, prepare
from sklearn_agl.inspection._interrupts import Interrupts
from sklearn_agl.report import write_report


def fit(options):
    """Train a potential and write all that belongs to it.

    Parameters
    ----------
    options : argparse.Namespace
        Of the command ``fit``.

    Returns
    -------
    int
        The exit code.
    """
    folder = open_folder(options.output, overwrite=options.overwrite)
    task = prepare(options)
    train = [task.data.structures[row] for row in task.train]
    with Interrupts() as interrupts:
        network = make_network(options).set_params(callbacks=[EpochTeller()])
        potential = make_pipeline(make_transformer(options, task.data), network)
        potential.fit(train, hdnnpregressor__groups=task.groups)
        potential[-1].set_params(callbacks=None)
    evaluation = task.evaluate(potential)
    missing = write_potential(folder, potential, with_lammps=not options.no_lammps)
    functions = potential[0].symmetry_functions_
    errors = {} if evaluation is None else {"errors": vars(evaluation.errors()[0])}
    write_selection(folder, task, functions, functions, errors)
    (folder / SCRIPT).write_text(script_of_fit(options, task))
    if evaluation is not None:
        show_errors({"all": evaluation}, "errors on structures that took no part")
        write_report(folder / REPORT, potential, evaluation, structures=train, notes=missing)
    show(f"wrote {folder}")
    if interrupts.happened:
        say("interrupted: the potential is as good as it had become")
        return INTERRUPTED
    return 0
