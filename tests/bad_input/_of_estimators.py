"""Bad input for what takes features and energies."""

import inspect

import numpy as np
import pandas as pd
import scipy.sparse
from ase.build import bulk
from sklearn.base import clone

import sklearn_agl
from sklearn_agl import (
    AtomicFeatures,
    AtomPooler,
    CURSelector,
    HDNNPRegressor,
    RandomSelector,
    SymmetryFunctionTransformer,
    group_lasso_path,
    potentials,
    selection,
)
from tests.bad_input._rows import (
    ALUMINIUM,
    ATOMIC,
    ENERGIES,
    FORCES,
    FUNCTIONS,
    HUGE,
    INF,
    NAN,
    TABLE,
    TENSOR,
    Row,
    rows_of,
    with_entry,
)

FEATURE_CASES = {
    "None": (None, "X is of type NoneType", "AtomicFeatures"),
    "text": ("text", "X is of type str"),
    "dict": ({"a": [1.0]}, "X is of type dict"),
    "generator": ((row for row in TABLE), "X is of type generator", "list(X)"),
    "number": (3.0, "X is of type float"),
    "one structure": (bulk("Al"), "SymmetryFunctionTransformer before"),
    "structures": ([bulk("Al")] * 12, "SymmetryFunctionTransformer before"),
    "1-D": (TABLE[:, 0], "Expected 2D array", "Reshape your data"),
    "4-D": (TABLE[None, None], "X has 4 dimensions", "(n_structures, [n_atoms_max,] n_features)"),
    "nested list": (TENSOR.tolist(), "give one array of shape", "rows of NaN"),
    "list of features": ([ATOMIC], "join them"),
    "empty list": ([], "X is empty"),
    "no row": (TABLE[:0], "0 sample(s)", "minimum"),
    "no column": (TABLE[:, :0], "0 feature(s)", "minimum"),
    "NaN": (with_entry(TABLE, (3, 1), NAN), "Feature 1 of structure 3 is nan", "Leave"),
    "inf": (with_entry(TABLE, (3, 1), INF), "Feature 1 of structure 3 is inf", "infinity"),
    "huge": (with_entry(TABLE, (3, 1), HUGE), "Feature 1 of structure 3 is 1e+300", "1.2e+77"),
    "a string": (with_entry(TABLE, (3, 1), "a"), "X[3, 1] is 'a', which is no number"),
    "complex": (TABLE + 1j, "Complex data not supported"),
    "ragged": ([[1.0, 2.0], [3.0]], "X[1] has shape (1,), but X[0] has (2,)"),
    "sparse": (scipy.sparse.csr_array(TABLE), "Sparse data", "toarray"),
    "atom NaN": (with_entry(TENSOR, (3, 1, 1), NAN), "structure 3, atom 1", "NaN"),
    "atom inf": (with_entry(TENSOR, (3, 1, 1), INF), "structure 3, atom 1", "infinity"),
    "atom huge": (
        with_entry(TENSOR, (3, 1, 1), HUGE),
        "Feature 1 of structure 3, atom 1 is 1e+300",
    ),
    "no structure": (TENSOR[:0], "0 sample(s)", "minimum"),
    "no atom": (with_entry(TENSOR, 3, NAN), "Structure 3 has no atom", "leave it out"),
    "atoms, no column": (TENSOR[:, :, :0], "no feature"),
    "complex atoms": (TENSOR + 1j, "Complex data not supported"),
}

ENERGY_CASES = {
    "None": (None, "requires y to be passed", "energies"),
    "text": ("text", "y is of type str", "one total energy per structure"),
    "number": (3.0, "y is of type float"),
    "dict": (dict(enumerate(ENERGIES)), "y is of type dict"),
    "generator": ((y for y in ENERGIES), "y is of type generator", "list(y)"),
    "too few": (ENERGIES[:5], "X has 12 structures, but y has 5 energies"),
    "too many": (np.r_[ENERGIES, 1.0], "X has 12 structures, but y has 13 energies"),
    "empty list": ([], "X has 12 structures, but y has 0 energies"),
    "NaN": (with_entry(ENERGIES, 2, NAN), "Energy of structure 2 is nan", "Leave"),
    "inf": (with_entry(ENERGIES, 2, -INF), "Energy of structure 2 is -inf"),
    "huge": (with_entry(ENERGIES, 2, HUGE), "Energy of structure 2 is 1e+300", "1.2e+77"),
    "a string": (with_entry(ENERGIES, 2, "a"), "y[2] is 'a', which is no number"),
    "two columns": (np.c_[ENERGIES, ENERGIES], "y should be a 1d array", "(12, 2)"),
    "ragged": ([[1.0], [1.0, 2.0]] * 6, "y[1] has shape (2,)"),
}


def with_forces(own):
    return [*FORCES[:2], own, *FORCES[3:]]


FORCE_CASES = {
    "text": ("text", "forces is of type str", "(n_atoms, 3)"),
    "number": (3.0, "forces is of type float"),
    "dict": ({0: 1.0}, "forces is of type dict"),
    "generator": ((own for own in FORCES), "forces is of type generator", "list(forces)"),
    "too few": (FORCES[:3], "X has 12 structures, but there are forces for 3"),
    "too many atoms": (with_forces(np.zeros((3, 3))), "structure 2 have shape (3, 3)", "(2, 3)"),
    "flat": (with_forces(np.zeros(6)), "structure 2 have shape (6,)", "(2, 3)"),
    "infinite": (with_forces([[0, 0, 0], [0, INF, 0]]), "atom 1 of structure 2 is [0.0, inf, 0.0]"),
    "NaN only": ([NAN * own for own in FORCES], "No atom has a force", "forces=None"),
    "huge": (with_forces(np.full((2, 3), HUGE)), "atom 0 of structure 2", "1.2e+77"),
    "a string": (with_forces([["a"] * 3] * 2), "forces[2][0, 0] is 'a'"),
    "complex": (with_forces(np.full((2, 3), 1j)), "Complex", "forces[2][0, 0]"),
    "unknown structures": (FORCES, "symmetry_functions", "SymmetryFunctionTransformer"),
}

WITHOUT_ENERGIES = ("AtomPooler", "RandomSelector", "EvenlySpacedSelector", "CURSelector")
WITHOUT_ENERGIES += ("FPSSelector", "PearsonSelector", "StabilitySelector")
"""Estimators that do without energies, or check them only if there are some."""
WITH_FORCES = ("HDNNPRegressor", "AdaptiveGroupLassoSelector", "AdaptiveGroupLassoSelectorCV")
WITH_FORCES += ("WaldSelector", "BackwardEliminationSelector", "StabilitySelector")
WITH_FORCES += ("WeightNormSelector",)


def estimators_of_features():
    """Every public estimator but the transformer, whose input is structures."""
    for name in sklearn_agl.__all__:
        kind = getattr(sklearn_agl, name)
        if inspect.isclass(kind) and hasattr(kind, "fit") and name != "SymmetryFunctionTransformer":
            yield name, kind()


def rows_of_fit():
    for name, estimator in estimators_of_features():
        for case, (X, *words) in FEATURE_CASES.items():
            yield Row(name, f"X: {case}", lambda e=estimator, X=X: e.fit(X, ENERGIES), words)
        if name not in WITHOUT_ENERGIES:
            for case, (y, *words) in ENERGY_CASES.items():
                yield Row(name, f"y: {case}", lambda e=estimator, y=y: e.fit(ATOMIC, y), words)
        if name in WITH_FORCES:
            for case, (own, *words) in FORCE_CASES.items():
                call = lambda e=estimator, own=own: e.fit(ATOMIC, ENERGIES, forces=own)  # noqa: E731
                yield Row(name, f"forces: {case}", call, words)


def rows_of_the_path():
    name = "group_lasso_path"
    for case, (X, *words) in FEATURE_CASES.items():
        yield Row(name, f"X: {case}", lambda X=X: group_lasso_path(X, ENERGIES), words)
    for case, (y, *words) in ENERGY_CASES.items():
        yield Row(name, f"y: {case}", lambda y=y: group_lasso_path(ATOMIC, y), words)
    cases = {
        "alphas descend": ({"alphas": [1.0, 0.1]}, "alphas must ascend", "sort"),
        "a string in alphas": ({"alphas": ["a"]}, "alphas[0] is 'a'"),
        "no alphas": ({"alphas": []}, "alphas", "at least one"),
        "NaN in alphas": ({"alphas": [NAN]}, "alphas contain nan"),
        "estimator": ({"estimator": CURSelector()}, "'estimator' parameter"),
        "checkpoint": ({"checkpoint": 3}, "'checkpoint' parameter"),
        "costs": ({"feature_costs": [1.0, "a", 1.0]}, "feature_costs[1] is 'a'"),
        "negative cost": ({"feature_costs": [1.0, -1.0, 1.0]}, "feature_costs[1] is -1.0"),
        "measured": ({"feature_costs": "measured"}, "symmetry_functions", "numbers"),
        "min_features": ({"min_features": -1}, "'min_features' parameter"),
        "metric": ({"metric": "other"}, "'metric' parameter"),
    }
    yield from rows_of(name, lambda **k: group_lasso_path(TABLE, ENERGIES, **k), cases)


# Parameters that no constraint describes; the others have a test in test_estimator_checks.py


def _cases_of_net_params():
    """Each setting of each solver with values that it could not work with."""
    number, whole = "a finite number above 0", "a whole number above 0"
    pair = "two finite numbers above 0"
    bad = {
        ("kalman", "block_size", whole): [0, -1, 2.5, True, "8", None, NAN],
        ("kalman", "prior_variance", number): [0, -0.1, NAN, INF, "1", None, (1, 2)],
        ("kalman", "process_noise", pair): [1e-6, (1e-6,), (1e-6, 0.0), (NAN, 1e-9), "ab", None],
        ("lm", "damping", "above 0 and not above 1e+10"): [0, -1.0, NAN, INF, 1e11, "1", None],
        ("lm", "tol", "0 or above"): [-1e-6, NAN, INF, "0", None],
        ("adamw", "proximal_metric", "'adam' or 'euclidean'"): ["plain", 3, None],
        ("adamw", "optimizer__eps", "finite"): [NAN, INF],
        ("kalman", "optimizer__eps", "has no effect"): [1e-8],
        ("lm", "criterion", "has no effect"): ["mse"],
        ("kalman", "max_epochs", "is a parameter of HDNNPRegressor"): [5],
        ("adamw", "lr", "is a parameter of HDNNPRegressor"): [NAN],
    }
    return {
        f"{solver} {name}={value!r}": (
            {"solver": solver, "net_params": {name: value}},
            f"net_params={{{name!r}: {value!r}}}",
            words,
        )
        for (solver, name, words), values in bad.items()
        for value in values
    }


def rows_of_parameters():
    cases = {
        "negative width": ({"hidden_layer_sizes": (-3,)}, "hidden_layer_sizes=(-3,)", "above 0"),
        "width of half": ({"hidden_layer_sizes": (2.5,)}, "hidden_layer_sizes=(2.5,)"),
        "truth as width": ({"hidden_layer_sizes": (True,)}, "hidden_layer_sizes=(True,)"),
        "weights": ({"feature_weights": [1.0, 2.0]}, "feature_weights has shape (2,)", "3"),
        "text": ({"feature_weights": ["a", 1, 1]}, "feature_weights[0] is 'a'"),
        "negative": ({"feature_weights": [-1, 1, 1]}, "feature_weights[0] is -1.0"),
        "all infinite": ({"feature_weights": [INF] * 3}, "All feature_weights"),
        "device": ({"device": "gpu9"}, "device='gpu9' cannot be used here", "'cpu'"),
        "no device": ({"device": ""}, "device=''", "'cpu'"),
        "missing device": ({"device": "cuda:99"}, "device='cuda:99'", "torch.cuda.is_available()"),
        "idle device": ({"device": "meta"}, "device='meta'", "solver='kalman'", "'lm' or 'adamw'"),
        "callback": ({"callbacks": [3]}, "callbacks[0] is 3", "skorch callback"),
        "pair": ({"callbacks": [("a",)]}, "callbacks[0] is ('a',)"),
        "net_params": ({"net_params": {"nope": 3}}, "net_params={'nope': 3}", "kalman"),
        "keys": ({"net_params": {3: 4}}, "net_params={3: 4}"),
        **_cases_of_net_params(),
        "alpha NaN": ({"alpha": NAN}, "'alpha' parameter"),
        "alpha inf": ({"alpha": INF}, "'alpha' parameter"),
        "lr": ({"lr": NAN}, "'lr' parameter"),
    }
    yield from rows_of(
        "HDNNPRegressor", lambda **k: HDNNPRegressor(**k).fit(TABLE, ENERGIES), cases
    )
    n_wanted = {"many": ({"n_features_to_select": 9}, "n_features_to_select=9", "only 3 features")}
    for name, estimator in estimators_of_features():
        if "n_features_to_select" in estimator.get_params():
            fit = lambda e=estimator, **k: clone(e).set_params(**k).fit(TABLE, ENERGIES)  # noqa: E731
            yield from rows_of(name, fit, n_wanted)
    find = {
        "negative": ({"lowest": -1.0}, "lowest=-1.0", "positive"),
        "descending": ({"lowest": 2.0}, "lowest=2.0", "the first one smaller"),
        "no steps": ({"n_steps": 0}, "n_steps=0", "above 0"),
        "smoothing": ({"smoothing": 1.0}, "smoothing=1.0", "below 1"),
        "text": ({"lowest": "a"}, "must be numbers", "'a'"),
    }
    yield from rows_of("LearningRateFinder", _find_learning_rate, find)
    published = {
        "alpha": ({"alpha": -1.0}, "'alpha' parameter"),
        "epochs": ({"max_epochs": 0}, "'max_epochs' parameter"),
    }
    yield from rows_of(
        "sandberg2024_selector",
        lambda **k: selection.sandberg2024_selector(**k).fit(TABLE, ENERGIES),
        published,
    )
    cases = {
        "unknown": ({"statistics": ("mode",)}, "statistics has 'mode'", "known are"),
        "text": ({"statistics": "sum"}, "'statistics' parameter"),
    }
    yield from rows_of("AtomPooler", lambda **k: AtomPooler(**k).fit(TABLE), cases)


def _find_learning_rate(**params):
    class Net:
        history = ()

    potentials.LearningRateFinder(**params).on_train_begin(Net())


def rows_of_features():
    cases = {
        "None": ((None,), "values is of type NoneType"),
        "text": ((["a"],), "values[0] is 'a'"),
        "2-D": ((TABLE,), "(n_structures, n_atoms_max, n_features)", "2 dimensions"),
        "complex": ((TENSOR + 1j,), "Complex data not supported: values[0, 0, 0]"),
        "numbers": ((TENSOR, np.ones((12, 3))), "numbers has shape (12, 3)", "(12, 2)"),
        "negative": ((TENSOR, np.full((12, 2), -1)), "numbers[0, 0] is -1", "0 for padding"),
        "half": ((TENSOR, np.full((12, 2), 0.5)), "numbers[0, 0] is 0.5", "whole"),
        "functions": ({"values": TENSOR, "symmetry_functions": [1]}, "symmetry_functions has 1"),
        "structures": ({"values": TENSOR, "structures": [1]}, "structures has 1 entries", "12"),
    }
    yield from rows_of("AtomicFeatures", AtomicFeatures, cases)


# Fitted estimators


def fitted_steps():
    """A transformer, its features, and one fitted estimator of each kind behind it."""
    transformer = SymmetryFunctionTransformer(FUNCTIONS).fit(ALUMINIUM)
    X, y = transformer.transform(ALUMINIUM), np.arange(6.0)
    quick = HDNNPRegressor((2,), max_epochs=1, random_state=0)
    steps = [CURSelector(2), RandomSelector(2), AtomPooler(), quick]
    return transformer, X, [step.fit(X, y) for step in steps]


def rows_after_fit():
    transformer, X, steps = fitted_steps()
    fewer = SymmetryFunctionTransformer(FUNCTIONS[:2]).fit(ALUMINIUM).transform(ALUMINIUM)
    names = transformer.get_feature_names_out()
    cases = {
        "too few columns": (fewer, "X has 2 features", "expecting 3", f"no {names[2]}"),
        "a dropped column": (X.take_features([0, 2]), "X has 2 features", f"no {names[1]}"),
        "another order": (X.take_features([1, 0, 2]), f"Column 0 is {names[1]}", names[0]),
        "NaN": (with_entry(TENSOR, (2, 0, 0), NAN), "structure 2, atom 0"),
        "None": (None, "X is of type NoneType"),
        "structures": (ALUMINIUM, "SymmetryFunctionTransformer before"),
    }
    for step in steps:
        name = type(step).__name__
        method = "predict" if hasattr(step, "predict") else "transform"
        call = getattr(step, method)
        yield from rows_of(
            name, call, {f"{method}: {case}": ((bad,), *w) for case, (bad, *w) in cases.items()}
        )
    selector, model = steps[0], steps[-1]
    chosen = names[selector.support_]
    others = X.take_features([int(i) for i in selector.selected_order_[::-1]][:1] * 2)
    cases = {
        "all columns": ((X,), "X has 3 features", "selected 2"),
        "other columns": ((others,), "Column", f"{chosen[0]}" if len(set(chosen)) else ""),
        "table": ((TABLE,), "X has 3 features", "selected 2"),
    }
    yield from rows_of("CURSelector", selector.inverse_transform, cases)
    strange = with_entry(TENSOR, (0, 1), NAN)
    cases = {
        "unseen element": ((AtomicFeatures(strange),), "atomic number 1", "fit saw only [13]"),
    }
    yield from rows_of("HDNNPRegressor", model.predict, cases)
    cases = {"table": ((TABLE,), "symmetry_functions", "SymmetryFunctionTransformer")}
    yield from rows_of("HDNNPRegressor", model.predict_forces, cases)
    table = pd.DataFrame(TABLE, columns=list("abc"))
    on_names = clone(selector).fit(table)
    cases = {
        "column dropped": ((table[["a", "b"]],), "missing", "- c"),
        "column renamed": ((table.rename(columns={"a": "z"}),), "unseen", "- z"),
    }
    yield from rows_of("CURSelector", on_names.transform, cases)
