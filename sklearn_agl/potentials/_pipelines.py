"""What a fitted pipeline that is a potential consists of."""

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_agl.descriptors import SymmetryFunctionTransformer
from sklearn_agl.features import AtomicFeatures
from sklearn_agl.potentials._committee import HDNNPCommittee
from sklearn_agl.potentials._regressor import HDNNPRegressor


def ends_of(pipeline):
    """First and last step of a fitted pipeline of the right kind."""
    if not isinstance(pipeline, Pipeline):
        raise ValueError(
            "The potential must be a fitted Pipeline of a SymmetryFunctionTransformer, any "
            f"selectors, and an HDNNPRegressor; got {type(pipeline).__name__}."
        )
    first, last = pipeline[0], pipeline[-1]
    kinds = {
        "first": (SymmetryFunctionTransformer,),
        "last": (HDNNPRegressor, HDNNPCommittee),
    }
    steps = {"first": first, "last": last}
    for place, of_place in kinds.items():
        if not isinstance(steps[place], of_place):
            names = " or ".join(kind.__name__ for kind in of_place)
            raise ValueError(
                f"The {place} step of the pipeline must be of type {names}, but it is of type "
                f"{type(steps[place]).__name__}."
            )
    for place, step in steps.items():
        try:
            check_is_fitted(step)
        except NotFittedError:
            raise ValueError(
                f"The {place} step of the pipeline, {type(step).__name__}, is not fitted: call fit "
                "with structures and energies first."
            ) from None
    return first, last


def functions_behind_selectors(pipeline):
    """The functions that the last step sees, in its order.

    Every column of one atom that is sent through the steps in between holds its own number, so that
    a step that does anything but select is noticed.
    """
    functions = pipeline[0].symmetry_functions_
    probe = AtomicFeatures.from_rows(
        [np.arange(len(functions))],
        [pipeline[0].elements_[0]],
        n_atoms=[1],
        symmetry_functions=functions,
    )
    for name, step in pipeline.steps[1:-1]:
        if step in (None, "passthrough"):
            continue
        probe = step.transform(probe)
        if not _is_selection(probe, functions):
            raise ValueError(
                f"Step {name!r} of the pipeline, {type(step).__name__}, does not only select "
                "columns; between the first and last step of a potential, there may be selectors "
                "only."
            )
    return probe.symmetry_functions


def _is_selection(probe, functions):
    if not isinstance(probe, AtomicFeatures) or probe.symmetry_functions is None:
        return False
    chosen = [functions.index(function) for function in probe.symmetry_functions]
    return np.array_equal(probe.atom_values[0], chosen)
