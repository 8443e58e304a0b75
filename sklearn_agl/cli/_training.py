"""What the commands that train have in common."""

from dataclasses import dataclass

import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
from sklearn_agl._labels import results_of
from sklearn_agl.cli._messages import say
from sklearn_agl.cli._potentials import find_symmetry_functions
from sklearn_agl.cli._splits import KINDS, RANDOM, make_groups, split
from sklearn_agl.cli._structures import read_structures
from sklearn_agl.inspection import evaluate_potential


@dataclass(frozen=True)
class Task:
    """Structures to train and to test on, and what is known of them.

    Attributes
    ----------
    data : Data
        All structures.
    train, test : ndarray of int
        Rows.
    parts : list of str or None
        Names to tell errors apart by.
    split_by : str
        What stayed together.
    groups : ndarray of int of shape (n_train,) or None
        What of the training structures networks shall hold out together; None for single ones.
    """

    data: object
    train: np.ndarray
    test: np.ndarray
    parts: list | None
    split_by: str
    groups: np.ndarray | None

    def structures(self, rows):
        """Some structures, which know their labels."""
        return self.data.labelled(rows)

    def evaluate(self, potential):
        """Errors on the test structures; None if there are none."""
        if not len(self.test):
            return None
        parts = None if self.parts is None else [self.parts[row] for row in self.test]
        return evaluate_potential(potential, self.structures(self.test), groups=parts)


def prepare(options):
    """Read the files, say what was guessed, and split.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    Task
    """
    data = read_structures(options)
    groups, split_by = make_groups(data, options.groups)
    train, test = split(data, groups, options.test_size, options.random_state)
    parts = data.parts(options.groups if options.groups not in KINDS else None)
    held_out = groups[train] if options.groups != RANDOM and len(set(groups[train])) > 1 else None
    task = Task(data, train, test, parts, split_by, held_out)
    elements = sorted({symbol for atoms in data.structures for symbol in atoms.symbols})
    n_forces = sum("forces" in results_of(atoms) for atoms in data.labelled())
    about = f"forces of {n_forces}" if n_forces else "no forces"
    say(f"read {len(data)} structures of {', '.join(elements)}, {about}")
    for note in data.notes:
        say(note)
    say(f"{len(train)} to train on, {len(test)} to test on; kept together: {split_by}")
    return task


def make_transformer(options, data, functions=None):
    """The transformer that the options ask for.

    Parameters
    ----------
    options : argparse.Namespace
    data : Data
        Says which keys the labels have.
    functions : sequence of SymmetryFunction, default=None
        By default those that the options name.

    Returns
    -------
    SymmetryFunctionTransformer
    """
    if functions is None:
        functions = find_symmetry_functions(options.symmetry_functions, options.length_unit)
    return SymmetryFunctionTransformer(
        functions,
        r_cut=options.r_cut,
        **data.keys,
        n_jobs=options.n_jobs,
    )


def make_network(options):
    """The regressor that the options ask for.

    Parameters
    ----------
    options : argparse.Namespace

    Returns
    -------
    HDNNPRegressor
    """
    return HDNNPRegressor(
        options.hidden_layer_sizes,
        forces="auto" if options.forces == "auto" else None,
        force_weight=options.force_weight,
        max_epochs=options.max_epochs,
        random_state=options.random_state,
    )


def join(options, task, functions, network):
    """A potential from functions and a network that was trained on their values.

    Parameters
    ----------
    options : argparse.Namespace
    task : Task
    functions : sequence of SymmetryFunction
        Complete definitions, one for each column of the network.
    network : HDNNPRegressor
        Fitted.

    Returns
    -------
    sklearn.pipeline.Pipeline
    """
    transformer = make_transformer(options, task.data, list(functions))
    # In one structure, not all elements may be.
    transformer.fit([task.data.structures[row] for row in task.train])
    return make_pipeline(transformer, network)
