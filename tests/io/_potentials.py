"""Fitted pipelines of many kinds, from features drawn at random: no structure is evaluated."""

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from sklearn.pipeline import Pipeline

from sklearn_agl import (
    AtomicFeatures,
    HDNNPRegressor,
    SymmetryFunction,
    SymmetryFunctionTransformer,
)

FUNCTIONS = (
    SymmetryFunction("G5", eta=0.1, r_s=0.4, zeta=4, lambda_=1),
    SymmetryFunction("G2", eta=0.3, r_s=0.8),
    SymmetryFunction("G4", eta=0.05, zeta=2.5, lambda_=-1),
    SymmetryFunction("G4", eta=1 / 3, zeta=1, lambda_=1, weighted=True),
    SymmetryFunction("G2", eta=0.3, r_s=-0.1),
    SymmetryFunction("G2", eta=0.7, weighted=True),
    SymmetryFunction("G2", eta=1 / 3, r_cut=5.1),
)


def make_transformer(functions=FUNCTIONS, elements=("H", "O"), cutoff="poly2"):
    """Fitted for some elements."""
    return SymmetryFunctionTransformer(
        list(functions), r_cut=4.3, cutoff=cutoff, elements=list(elements)
    ).fit([Atoms(elements[0])])


def draw_features(functions, elements=("H", "O"), n_structures=20, seed=0):
    """Features of ragged structures, NaN where a function belongs to another element.

    They depend on the functions, not on their order.
    """
    numbers = np.zeros((n_structures, 5), dtype=int)
    values = np.full((n_structures, 5, len(functions)), np.nan)
    rng = np.random.default_rng(seed)
    for row in numbers:
        row[: rng.integers(2, 6)] = atomic_numbers[rng.choice(elements)]
        row[: len(elements)] = [atomic_numbers[symbol] for symbol in elements]
    for column, function in enumerate(functions):
        own = np.random.default_rng([seed, *function.name.encode()])
        scale, shift = own.lognormal(), own.normal()
        drawn = shift + scale * own.normal(size=numbers.shape)
        mask = numbers == atomic_numbers[function.center]
        values[mask, column] = drawn[mask]
    return AtomicFeatures(values, numbers, symmetry_functions=functions)


def fitted_pipeline(transformer=None, selector=None, zeros=(), X=None, **params):
    """A pipeline that has learned energies drawn at random for a few epochs.

    The first-layer weights of the columns `zeros` (behind the selector) become zero.
    """
    transformer = transformer or make_transformer()
    functions = transformer.symmetry_functions_
    elements = sorted({f.center for f in functions}, key=atomic_numbers.get)
    X = draw_features(functions, elements) if X is None else X
    y = np.random.default_rng(1).normal(size=len(X)) - 7.0 * X.n_atoms - (X.numbers == 8).sum(1)
    steps = [("features", transformer)]
    if selector is not None:
        steps.append(("select", selector.fit(X, y)))
        X = selector.transform(X)
    settings = {"hidden_layer_sizes": (4, 3), "max_epochs": 2, "random_state": 0} | params
    model = HDNNPRegressor(**settings).fit(X, y)
    for column in zeros:
        model.weights_[model.potential_.layout.groups[column]] = 0.0
    model.group_norms_ = model.potential_.group_norms
    return Pipeline([*steps, ("model", model)])


def predict(pipeline, seed=5):
    """Energies from features drawn for the pipeline's own functions."""
    functions = pipeline[0].symmetry_functions_
    elements = [s for s in ("H", "C", "O") if atomic_numbers[s] in pipeline[0].elements_]
    X = draw_features(functions, elements, seed=seed)
    for _, step in pipeline.steps[1:-1]:
        X = step.transform(X)
    return pipeline[-1].predict(X)
