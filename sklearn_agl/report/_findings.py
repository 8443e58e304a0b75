"""What a report tells about."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Findings:
    """Everything that is known of a potential; `None` is what is not.

    Attributes
    ----------
    potential : sklearn.pipeline.Pipeline
        The potential.
    evaluation, reference : PotentialEvaluation or None
        Of the potential, and of one on all functions, on the same structures.
    structures : sequence of ase.Atoms
        Such as it was trained on, for distances and angles.
    candidates : sequence of SymmetryFunction or None
        The functions that there were to choose from.
    path : SelectionPath or None
        The way to the set.
    point : int or None
        Where on it the set is.
    path_costs : ndarray of shape (n_points,) or None
        Microseconds per atom and step of each set.
    costs : tuple of (float, float) or None
        Microseconds per atom and step, of all functions and of the set.
    comparison : dict of str to PotentialEvaluation
        Potentials on as many functions of other methods.
    learning : tuple of ndarray or None
        Numbers of structures, scores on those of the training and on those of the test, as
        scikit-learn's ``learning_curve`` returns them.
    notes : sequence of str
        More to watch.
    """

    potential: object
    evaluation: object
    structures: tuple = ()
    candidates: tuple | None = None
    path: object = None
    point: int | None = None
    path_costs: np.ndarray | None = None
    costs: tuple | None = None
    reference: object = None
    comparison: dict = field(default_factory=dict)
    learning: tuple | None = None
    notes: tuple = ()

    @cached_property
    def functions(self):
        """Functions of the potential."""
        return self.evaluation.symmetry_functions

    @cached_property
    def errors(self):
        """Errors over all structures."""
        return self.evaluation.errors()[0]

    @cached_property
    def n_angular(self):
        """How many functions are angular."""
        return sum(function.is_angular for function in self.functions)

    @cached_property
    def has_groups(self):
        """Whether there is more than one group."""
        return len(set(self.evaluation.groups.tolist())) > 1

    @cached_property
    def has_elements(self):
        """Whether there is more than one element."""
        return len(np.unique(self.evaluation.atom_numbers)) > 1

    @cached_property
    def learning_errors(self):
        """Numbers of structures and test errors of the learning curve; None if there is none."""
        if self.learning is None:
            return None
        sizes, _, scores = self.learning[:3]
        return np.asarray(sizes), -np.mean(scores, axis=1)
