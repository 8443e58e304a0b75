"""The work of ``sklearn-agl select``."""

import shutil
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.model_selection import learning_curve
from sklearn.utils.validation import has_fit_parameter

import sklearn_agl
from sklearn_agl import SelectionPath, group_lasso_path
from sklearn_agl._labels import stored_energies
from sklearn_agl.cli._errors import show_errors
from sklearn_agl.cli._messages import CommandError, say, show
from sklearn_agl.cli._output import (
    CHECKPOINT,
    REPORT,
    SCRIPT,
    open_folder,
    write_potential,
    write_selection,
)
from sklearn_agl.cli._scripts import script_of_path, script_of_selector
from sklearn_agl.cli._training import join, make_network, make_transformer, prepare
from sklearn_agl.descriptors import measure_set_costs
from sklearn_agl.inspection._interrupts import Interrupts
from sklearn_agl.metrics import neg_rmse_per_atom
from sklearn_agl.report import write_report

AGL = "agl"
SELECTORS = {
    "wald": "WaldSelector",
    "lassonet": "LassoNetSelector",
    "cur": "CURSelector",
    "fps": "FPSSelector",
    "pearson": "PearsonSelector",
    "pcov-cur": "PCovCURSelector",
    "pcov-fps": "PCovFPSSelector",
    "weight-norm": "WeightNormSelector",
    "random": "RandomSelector",
}
"""Names of methods, and the classes that do them."""
LEARNING_SIZES = (0.25, 0.5, 1.0)
"""Parts of the training structures that the learning curve is made of."""
SHORTEST_TIMING = 0.3


@dataclass(frozen=True)
class Found:
    """A set of functions and a network on it.

    Attributes
    ----------
    support : ndarray of bool of shape (n_candidates,)
        Which functions were chosen.
    network : HDNNPRegressor
        Trained on them.
    path : SelectionPath or None
        The way there, of agl.
    point : int or None
        Where on it.
    selector : selector or None
        What has chosen, of other methods.
    """

    support: np.ndarray
    network: object
    path: SelectionPath | None = None
    point: int | None = None
    selector: object = None


def select(options):
    """Select functions, train a potential on them and write all that belongs to it.

    Parameters
    ----------
    options : argparse.Namespace
        Of the command ``select``.

    Returns
    -------
    int
        The exit code.
    """
    methods, sizes = check_methods(options.method), check_sizes(options.n_features)
    if methods[0] != AGL and (sizes is None or sizes[0] != sizes[1]):
        raise CommandError(
            f"--method {methods[0]} needs a number of functions: --n-features 12, for example."
        )
    folder = open_folder(options.output, overwrite=options.overwrite)
    task = prepare(options)
    X = make_transformer(options, task.data).fit_transform(
        [task.data.structures[row] for row in task.train]
    )
    check_enough(sizes, X.n_features)
    say(f"{X.n_features} functions to choose from")
    checkpoint = Path(options.checkpoint or folder / CHECKPOINT)
    try:
        found, results = _work(methods, sizes, options, task, X, checkpoint)
    except KeyboardInterrupt:
        if checkpoint.exists():
            say(f"what is done is in {checkpoint}; the same command goes on from there")
        raise
    _write(folder, options, task, X, found, results)
    if options.checkpoint is None:
        shutil.rmtree(checkpoint, ignore_errors=True)
    show(f"wrote {folder}")
    return 0


def check_methods(text):
    """Names of methods, in order."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name != AGL and name not in SELECTORS]
    if unknown or not names:
        raise CommandError(
            f"--method {text}: there is no {unknown[0] if unknown else 'name'}; known are "
            f"{', '.join([AGL, *SELECTORS])}."
        )
    return list(dict.fromkeys(names))


def check_sizes(text):
    """Smallest and largest number of functions; None where the path is to choose."""
    if text is None:
        return None
    low, _, high = text.partition(":")
    try:
        sizes = int(low), int(high or low)
    except ValueError:
        raise CommandError(f"--n-features {text} is neither a number nor a range.") from None
    if not 1 <= sizes[0] <= sizes[1]:
        raise CommandError(f"--n-features {text}: give numbers from 1 on, the smaller one first.")
    return sizes


def check_enough(sizes, n_features):
    """Refuse to choose more functions than there are."""
    if sizes is not None and sizes[0] > n_features:
        raise CommandError(
            f"--n-features {sizes[0]}: there are {n_features} functions to choose from. Give "
            "fewer, or a larger set by --symmetry-functions."
        )


def _work(methods, sizes, options, task, X, checkpoint):
    """All that takes time: the set with its potential, those of other methods, and errors.

    Fits end early at Ctrl-C, as if they were done; this does not.
    """
    with Interrupts() as interrupts:
        found, others = _find(methods[0], X, sizes, options, task.groups, checkpoint), {}
        interrupts.check()
        for method in methods[1:]:
            n_features = int(found.support.sum())
            others[method] = _find(
                method, X, (n_features, n_features), options, task.groups, checkpoint
            )
            interrupts.check()
        results = _judge(options, task, X, found, others)
        interrupts.check()
    return found, results


def _find(method, X, sizes, options, groups, checkpoint):
    """The set of one method with a network on it."""
    say(f"selecting by {method}")
    if method == AGL:
        return _follow_path(X, sizes, options, groups, checkpoint)
    kind = getattr(sklearn_agl, SELECTORS[method])
    selector = kind(n_features_to_select=sizes[0])
    settings = {"estimator": make_network(options), "random_state": options.random_state}
    known = selector.get_params(deep=False)
    selector.set_params(**{name: own for name, own in settings.items() if name in known})
    more = {"groups": groups} if has_fit_parameter(selector, "groups") else {}
    support = selector.fit(X, **more).get_support()
    network = make_network(options).fit(X.take_features(support), groups=groups)
    return Found(support, network, selector=selector)


def _follow_path(X, sizes, options, groups, checkpoint):
    """The group lasso's path, and the set that it ends with."""
    with redirect_stdout(sys.stderr):  # the lines about how it goes
        path = group_lasso_path(
            X,
            estimator=make_network(options),
            groups=groups,
            min_features=1 if sizes is None else sizes[0],
            n_jobs=options.n_jobs,
            checkpoint=checkpoint,
            verbose=1,
        )
    if np.isnan(path.refitted_rmse).all():  # Ctrl-C was early
        raise KeyboardInterrupt
    if sizes is not None and sizes[0] == sizes[1]:
        support = path.support(sizes[0])
        same = np.flatnonzero((path.supports == support).all(axis=1))
        if len(same) and path.potentials[same[0]] is not None:
            return Found(support, path.potentials[same[0]], path, int(same[0]))
        network = make_network(options).fit(X.take_features(support), groups=groups)
        return Found(support, network, path)
    point = best_point(path, sizes)
    return Found(path.supports[point], path.potentials[point], path, point)


def best_point(path, sizes):
    """The best point of a path whose set has one of the sizes.

    Parameters
    ----------
    path : SelectionPath
    sizes : tuple of (int, int) or None
        Smallest and largest size; None for any.

    Returns
    -------
    int
    """
    if sizes is None:
        return path.best()
    points = np.flatnonzero((path.n_features >= sizes[0]) & (path.n_features <= sizes[1]))
    if not len(points):
        raise CommandError(
            f"The path has no set of {sizes[0]} to {sizes[1]} functions, only of "
            f"{', '.join(map(str, np.unique(path.n_features)))}. Choose another --n-features."
        )
    arrays = ("alphas", "supports", "group_norms", "objective", "penalised_rmse", "refitted_rmse",
              "fit_time", "refit_time", "refit_init", "refitted_errors")  # fmt: skip
    part = replace(
        path,
        potentials=tuple(path.potentials[point] for point in points),
        **{name: getattr(path, name)[points] for name in arrays},
    )
    return int(points[part.best()])


@dataclass(frozen=True)
class Results:
    """What is known of the set that was found."""

    potential: object
    evaluation: object
    reference: object
    comparison: dict
    path_costs: np.ndarray | None
    costs: tuple
    learning: tuple | None


def _judge(options, task, X, found, others):
    """Errors on the test structures, times, and the learning curve."""

    def potential_of(own):
        return join(options, task, _pick(X.symmetry_functions, own.support), own.network)

    potential, whole = potential_of(found), None
    if found.path is not None and found.path.potentials[0] is not None:
        whole = potential_of(Found(found.path.supports[0], found.path.potentials[0]))
    evaluation = task.evaluate(potential)
    comparison = {name: task.evaluate(potential_of(own)) for name, own in others.items()}
    reference = None if whole is None else task.evaluate(whole)
    path_costs, costs = _measure(task, X, found)
    learning = None
    if evaluation is not None and not options.no_learning_curve:
        say("learning curve")
        learning = _learn(options, task, potential)
    return Results(potential, evaluation, reference, comparison, path_costs, costs, learning)


def _pick(functions, support):
    return [functions[column] for column in np.flatnonzero(support)]


def _measure(task, X, found):
    """Microseconds per atom and step: of the sets of the path, and of all functions and the set."""
    supports = [np.ones(X.n_features, dtype=bool), found.support]
    if found.path is not None:
        supports += [own for own in found.path.supports if own.any()]
    sets = [np.flatnonzero(own).tolist() for own in supports]
    structures = [task.data.structures[row] for row in task.train]
    times = measure_set_costs(X.symmetry_functions, structures, sets, duration=SHORTEST_TIMING)
    if found.path is None:
        return None, tuple(times[:2])
    path_costs = np.full(len(found.path), np.nan)
    path_costs[found.path.n_features > 0] = times[2:]
    return path_costs, tuple(times[:2])


def _learn(options, task, potential):
    """Numbers of structures, and errors on those of training and of the test."""
    rows = np.concatenate([task.train, task.test])
    X = potential[:-1].transform([task.data.structures[row] for row in rows]).compute()
    rng = np.random.RandomState(options.random_state)
    train, test = rng.permutation(len(task.train)), np.arange(len(task.train), len(rows))
    return learning_curve(
        make_network(options),
        X,
        np.array(stored_energies(X)),
        train_sizes=LEARNING_SIZES,
        cv=[(train, test)],
        scoring=neg_rmse_per_atom,
        error_score="raise",
    )


def _write(folder, options, task, X, found, results):
    """Write the folder, and tell of the errors."""
    functions = _pick(X.symmetry_functions, found.support)
    missing = write_potential(folder, results.potential, with_lammps=not options.no_lammps)
    about = {
        "method": options.method.split(",")[0],
        "microseconds": dict(zip(("all", "selected"), results.costs, strict=True)),
    }
    if results.evaluation is not None:
        about["errors"] = vars(results.evaluation.errors()[0])
    write_selection(folder, task, functions, list(X.symmetry_functions), about)
    (folder / SCRIPT).write_text(_script(options, task, found))
    if results.evaluation is None:
        return
    named = {f"these {len(functions)} functions": results.evaluation}
    if results.reference is not None:
        named[f"all {len(results.reference.symmetry_functions)}"] = results.reference
    named |= {f"as many by {name}": own for name, own in results.comparison.items()}
    show_errors(named, "errors on structures that took no part")
    write_report(
        folder / REPORT,
        results.potential,
        results.evaluation,
        structures=[task.data.structures[row] for row in task.train],
        candidates=X.symmetry_functions,
        path=found.path,
        point=found.point,
        path_costs=results.path_costs,
        costs=results.costs,
        reference=results.reference,
        comparison=results.comparison,
        learning=results.learning,
        notes=missing,
    )


def _script(options, task, found):
    if found.path is None:
        return script_of_selector(options, task, found.selector)
    return script_of_path(options, task, check_sizes(options.n_features), found.point)
