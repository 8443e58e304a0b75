"""The Python that does what a command did."""

from sklearn.utils.validation import has_fit_parameter

from sklearn_agl.cli._potentials import find_symmetry_functions
from sklearn_agl.cli._structures import reading_code

HEAD = '''\
"""What sklearn-agl {command} did, in Python."""

import json
from pathlib import Path

import ase.io
from sklearn.pipeline import make_pipeline

from sklearn_agl import {names}
from sklearn_agl.inspection import evaluate_potential
from sklearn_agl.io import read_input_data, save

folder = Path(__file__).parent
structures = [
{reading}
]
split = json.loads((folder / "selection.json").read_text())["split"]
train = [structures[row] for row in split["train"]]
test = [structures[row] for row in split["test"]]
groups = split["groups"]  # what stays together when structures are held out

labels = {labels}
network = HDNNPRegressor(
    {layers},
    forces={forces},
    force_weight={force_weight},
    max_epochs={max_epochs},
    random_state={random_state},
)
transformer = SymmetryFunctionTransformer({functions}, r_cut={r_cut}, **labels)
'''

FIT = """
potential = make_pipeline(transformer, network)
potential.fit(train, hdnnpregressor__groups=groups)
"""

PATH = """
X = transformer.fit_transform(train)
path = group_lasso_path(X, estimator=network, groups=groups, min_features={min_features})
{choice}
"""

SELECTOR = """
X = transformer.fit_transform(train)
support = {selector}.fit(X{held_out}).get_support()
trained = network.fit(X.take_features(support), groups=groups)
"""

JOIN = """
functions = [X.symmetry_functions[column] for column in support.nonzero()[0]]
transformer = SymmetryFunctionTransformer(functions, **labels).fit(train)
potential = make_pipeline(transformer, trained)
"""

TAIL = """
save(potential, folder / "again.npz")
if test:
    print(evaluate_potential(potential, test).errors()[0])
"""


def script_of_fit(options, task):
    """Python for ``sklearn-agl fit``.

    Parameters
    ----------
    options : argparse.Namespace
    task : Task

    Returns
    -------
    str
    """
    return _head(options, task) + FIT + TAIL


def script_of_path(options, task, n_features, point):
    """Python for ``sklearn-agl select`` by the group lasso.

    Parameters
    ----------
    options : argparse.Namespace
    task : Task
    n_features : tuple of (int, int) or None
        Sizes that were allowed.
    point : int or None
        The point of the path that has the set; None if none has.

    Returns
    -------
    str
    """
    if n_features is None:
        choice = "point = path.best()"
    elif n_features[0] < n_features[1]:
        choice = f"point = {point}  # the best with {n_features[0]} to {n_features[1]} functions"
    else:
        choice = f"support = path.support({n_features[0]})"
    if n_features is None or n_features[0] < n_features[1]:
        choice += "\nsupport, trained = path.supports[point], path.potentials[point]"
    elif point is None:
        choice += "\ntrained = network.fit(X.take_features(support), groups=groups)"
    else:
        choice += f"\ntrained = path.potential({n_features[0]})"
    min_features = 1 if n_features is None else n_features[0]
    path = PATH.format(min_features=min_features, choice=choice)
    return _head(options, task, "group_lasso_path") + path + JOIN + TAIL


def script_of_selector(options, task, selector):
    """Python for ``sklearn-agl select`` by another method.

    Parameters
    ----------
    options : argparse.Namespace
    task : Task
    selector : selector
        With its parameters.

    Returns
    -------
    str
    """
    return _head(options, task, type(selector).__name__) + SELECTOR.format(
        selector=_code_of(selector),
        held_out=", groups=groups" if has_fit_parameter(selector, "groups") else "",
    ) + JOIN + TAIL  # fmt: skip


def _code_of(selector):
    """A call that makes it; its own network is that of the script."""
    known = selector.get_params(deep=False)
    parts = [f"n_features_to_select={known['n_features_to_select']}"]
    if "estimator" in known:
        parts.append("estimator=network")
    if "random_state" in known:
        parts.append(f"random_state={known['random_state']}")
    return f"{type(selector).__name__}({', '.join(parts)})"


def _head(options, task, *names):
    functions = find_symmetry_functions(options.symmetry_functions, options.length_unit)
    if not isinstance(functions, str):
        names += ("SymmetryFunction",)
    reading = [f"    *{reading_code(name, options)}," for name in task.data.files]
    return HEAD.format(
        command=options.command,
        names=", ".join(sorted({"HDNNPRegressor", "SymmetryFunctionTransformer", *names})),
        reading="\n".join(reading),
        labels=task.data.keys,
        layers=options.hidden_layer_sizes,
        forces=repr("auto") if options.forces == "auto" else None,
        force_weight=options.force_weight,
        max_epochs=options.max_epochs,
        random_state=options.random_state,
        functions=repr(functions),
        r_cut=options.r_cut,
    )
