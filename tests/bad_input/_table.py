"""Bad input for every public object: what is called, and which words the error must have."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse
from ase import Atoms
from ase.build import bulk
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

import sklearn_agl
from sklearn_agl import (
    AtomicFeatures,
    AtomPooler,
    CURSelector,
    HDNNPRegressor,
    RandomSelector,
    SelectionPath,
    SymmetryFunction,
    SymmetryFunctionTransformer,
    WaldSelector,
    datasets,
    descriptors,
    group_lasso_path,
    inspection,
    io,
    potentials,
    selection,
)
from sklearn_agl.metrics import neg_rmse_per_atom, rmse_per_atom

NAN, INF, HUGE = np.nan, np.inf, 1e300


@dataclass
class Row:
    """A public object, what is wrong, a call that must fail, and what its error must say."""

    about: str
    case: str
    call: object
    words: tuple

    def __str__(self):
        return f"{self.about}-{self.case}"


def rows_of(about, call, cases):
    """Rows from a dict of a case to its arguments and words; a dict of arguments has keywords."""
    for case, (given, *words) in cases.items():
        keywords = given if isinstance(given, dict) else {}
        arguments = () if isinstance(given, dict) else given
        yield Row(about, case, lambda a=arguments, k=keywords: call(*a, **k), tuple(words))


def with_entry(array, place, value):
    """A copy with another entry."""
    changed = np.array(array, dtype=object if isinstance(value, str) else float)
    changed[place] = value
    return changed


# Features and energies

rng = np.random.default_rng(0)
TABLE = rng.normal(size=(12, 3))
ENERGIES = TABLE[:, 0] + 1.0
TENSOR = rng.normal(size=(12, 2, 3))
TENSOR[0, 1] = NAN
ATOMIC = AtomicFeatures(TENSOR)
FORCES = [np.zeros((n, 3)) for n in ATOMIC.n_atoms]
ALUMINIUM = [bulk("Al", cubic=True) for _ in range(6)]
for seed, atoms in enumerate(ALUMINIUM):
    atoms.rattle(0.1, seed=seed)
FUNCTIONS = [SymmetryFunction("G2", eta=eta, r_cut=4.0) for eta in (0.1, 0.5, 1.0)]

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
    "None for one": (with_forces(None), "forces[2] is of type NoneType", "(2, 3)"),
    "NaN": (with_forces([[0, 0, 0], [0, NAN, 0]]), "atom 1 of structure 2 is [0.0, nan, 0.0]"),
    "huge": (with_forces(np.full((2, 3), HUGE)), "atom 0 of structure 2", "1.2e+77"),
    "a string": (with_forces([["a"] * 3] * 2), "forces[2][0, 0] is 'a'"),
    "complex": (with_forces(np.full((2, 3), 1j)), "Complex", "forces[2][0, 0]"),
    "unknown structures": (FORCES, "symmetry_functions", "SymmetryFunctionTransformer"),
}

WITHOUT_ENERGIES = ("AtomPooler", "RandomSelector", "EvenlySpacedSelector", "CURSelector")
WITHOUT_ENERGIES += ("FPSSelector", "PearsonSelector", "StabilitySelector")
"""Estimators that do without energies, or check them only if there are some."""
WITH_FORCES = ("HDNNPRegressor", "AdaptiveGroupLassoSelector", "AdaptiveGroupLassoSelectorCV")
WITH_FORCES += ("WaldSelector",)


def estimators_of_features():
    """Every public estimator but the transformer, whose input is structures."""
    for name in sklearn_agl.__all__:
        kind = getattr(sklearn_agl, name)
        if hasattr(kind, "fit") and name != "SymmetryFunctionTransformer":
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
        "callback": ({"callbacks": [3]}, "callbacks[0] is 3", "skorch callback"),
        "pair": ({"callbacks": [("a",)]}, "callbacks[0] is ('a',)"),
        "net_params": ({"net_params": {"nope": 3}}, "net_params={'nope': 3}", "kalman"),
        "keys": ({"net_params": {3: 4}}, "net_params={3: 4}"),
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
        "descending": ({"lowest": 2.0}, "lowest=2.0", "ascend"),
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


# Structures


def pair(*positions, **params):
    return Atoms("Al2", positions=positions, **params)


STRUCTURE_CASES = {
    "None": (None, "sequence of ase.Atoms", "NoneType"),
    "number": (3, "sequence of ase.Atoms", "int"),
    "text": ("x", "Structure 0 is of type str"),
    "one structure": (ALUMINIUM[0], "Got one ase.Atoms", "[atoms]"),
    "empty list": ([], "Got no structure"),
    "empty structure": ([ALUMINIUM[0], Atoms()], "Structure 1 has no atoms", "leave it out"),
    "None in a list": ([ALUMINIUM[0], None], "Structure 1 is of type NoneType"),
    "dict": ({0: ALUMINIUM[0]}, "Structure 0 is of type int"),
    "NaN": ([pair([0, 0, 0], [0, 0, NAN])], "Structure 0", "atom 1 is at [0.0, 0.0, nan]"),
    "inf": ([pair([0, 0, 0], [0, 0, INF])], "Structure 0", "not finite"),
    "far": ([pair([0, 0, 0], [0, 0, HUGE])], "Structure 0: atom 1", "wrap"),
    "no volume": ([pair([0, 0, 0], [0, 0, 1], pbc=True)], "Structure 0 is", "Set the cell"),
    "huge cell": (
        [pair([0, 0, 0], [0, 0, 1], cell=[HUGE] * 3, pbc=True)], "Structure 0", "no volume",
    ),
    "placeholder": ([Atoms("X")], "Structure 0 has an atom without an element", "symbol"),
}  # fmt: skip

AT_TRANSFORM = {
    "two at one point": (
        [pair([0, 0, 0], [0, 0, 0])],
        "Structure 0 has two atoms at one point",
        "Remove",
    ),
    "tiny cell": (
        [pair([0, 0, 0], [0, 0, 1e-5], cell=[1e-4] * 3, pbc=True)],
        "Structure 0",
        "unit",
    ),
    "unseen element": ([bulk("Cu")], "Structure 0 contains Cu", "Fit it on structures"),
}


def rows_of_structures():
    name = "SymmetryFunctionTransformer"
    fit = lambda s: SymmetryFunctionTransformer(FUNCTIONS).fit(s)  # noqa: E731
    cases = {case: ((bad,), *words) for case, (bad, *words) in STRUCTURE_CASES.items()}
    yield from rows_of(name, fit, cases)
    transformer = SymmetryFunctionTransformer(FUNCTIONS).fit(ALUMINIUM)
    compute = lambda s: transformer.transform(s).compute()  # noqa: E731
    cases |= {case: ((bad,), *words) for case, (bad, *words) in AT_TRANSFORM.items()}
    cases["features"] = ((ATOMIC,), "AtomicFeatures", "leave this step out")
    yield from rows_of(name, compute, cases)
    cases = {
        "vectors": ((ALUMINIUM, np.ones((2, 2))), "vectors has shape (2, 2)", "(6, 4, 3)"),
        "no vectors": ((ALUMINIUM, None), "vectors is of type NoneType"),
        "text": ((ALUMINIUM, ["a"]), "vectors[0] is 'a'"),
    }
    yield from rows_of(name, transformer.vjp, cases)
    cases = {
        "displacements": ((ALUMINIUM, [np.ones((4, 3))]), "1 structures", "6"),
        "their shape": ((ALUMINIUM, [np.ones((3, 3))] * 6), "structure 0", "(4, 3)"),
        "no displacements": ((ALUMINIUM, None), "displacements is of type NoneType"),
    }
    yield from rows_of(name, transformer.jvp, cases)
    cases = {
        "unknown set": ({"symmetry_functions": "no-22"}, "'no-22'", "al-22"),
        "no function": ({"symmetry_functions": []}, "symmetry_functions is empty"),
        "a number": ({"symmetry_functions": [1]}, "symmetry_functions", "contains 1"),
        "twice": ({"symmetry_functions": FUNCTIONS[:1] * 2}, "occurs twice"),
        "r_cut NaN": ({"r_cut": NAN}, "'r_cut' parameter"),
        "r_cut huge": ({"r_cut": HUGE}, "'r_cut' parameter"),
        "r_cut tiny": ({"r_cut": 1e-300}, "'r_cut' parameter"),
        "element": ({"elements": ["Qq"]}, "'Qq' in elements", "'Si' or 14"),
        "element None": ({"elements": [None]}, "None in elements"),
        "no element": ({"elements": []}, "elements is empty"),
        "missing element": ({"elements": ["Cu"]}, "Structure 0 contains Al", "elements="),
    }
    yield from rows_of(name, lambda **k: SymmetryFunctionTransformer(**k).fit(ALUMINIUM), cases)


def rows_of_definitions():
    angular = {"kind": "G4", "eta": 1.0, "zeta": 1.0, "lambda_": 1}
    radial = {"kind": "G2", "eta": 1.0}
    cases = {
        "kind": ({"kind": "G9"}, "'G9'", "G2"),
        "kind list": ({"kind": ["G2"]}, "['G2']"),
        "no eta": ({"kind": "G2"}, "needs eta"),
        "eta text": (radial | {"eta": "a"}, "eta must be a number", "'a'"),
        "eta NaN": (radial | {"eta": NAN}, "eta must be finite"),
        "eta negative": (radial | {"eta": -1}, "eta must be at least 0"),
        "eta huge": (radial | {"eta": HUGE}, "eta must not exceed 1e+06", "units"),
        "r_cut": (radial | {"r_cut": 0}, "r_cut must be above 0"),
        "zeta huge": (angular | {"zeta": HUGE}, "zeta must not exceed 1000"),
        "lambda": (angular | {"lambda_": 2}, "lambda_ must be one of"),
        "lambda array": (angular | {"lambda_": np.ones(2)}, "lambda_ must be one of"),
        "center": (radial | {"center": 13}, "chemical symbol 13", "'Si'"),
        "neighbors": (radial | {"neighbors": 13}, "chemical symbol 13"),
        "cutoff": (radial | {"cutoff": "x"}, "cutoff must be one of"),
    }
    yield from rows_of("SymmetryFunction", SymmetryFunction, cases)
    names = {str(name): ((name,), "Unknown set", repr(name)) for name in (None, 3, "x", [1])}
    yield from rows_of("symmetry_function_preset", descriptors.symmetry_function_preset, names)
    cases = {
        "r_cut 0": ({"r_cut": 0, "n_centered": 2}, "'r_cut' parameter"),
        "r_cut text": ({"r_cut": "a"}, "'r_cut' parameter"),
        "n negative": ({"r_cut": 4.0, "n_centered": -1}, "'n_centered' parameter"),
        "n half": ({"r_cut": 4.0, "n_shifted": 2.5}, "'n_shifted' parameter"),
        "range": ({"r_cut": 4.0, "n_shifted": 2, "shifted_range": (1, 1)}, "shifted_range"),
        "range of 3": ({"r_cut": 4.0, "n_shifted": 2, "shifted_range": (1, 2, 3)}, "shifted_range"),
        "eta": ({"r_cut": 4.0, "angular_eta": 3.0}, "'angular_eta' parameter"),
    }
    yield from rows_of("symmetry_function_grid", descriptors.symmetry_function_grid, cases)
    complete = SymmetryFunctionTransformer(FUNCTIONS).fit(ALUMINIUM).symmetry_functions_
    cases = {
        "None": ((None, ALUMINIUM), "'symmetry_functions' parameter"),
        "no function": (([], ALUMINIUM), "symmetry_functions is empty"),
        "a number": (([1], ALUMINIUM), "symmetry_functions[0] is of type int"),
        "incomplete": ((FUNCTIONS, ALUMINIUM), "function 0", "not complete", "symmetry_functions_"),
        "no structure": ((complete, []), "Got no structure"),
    }
    endless = {"functions": complete, "structures": ALUMINIUM, "duration": INF}
    for name in ("measure_costs", "measure_set_costs"):
        measure = getattr(descriptors, name)
        more = () if name == "measure_costs" else ([[0]],)
        own = {case: ((*given, *more), *words) for case, (given, *words) in cases.items()}
        yield from rows_of(name, measure, own)
        for duration in (INF, NAN, -1.0, "a"):
            call = lambda d=duration, m=measure, x=more: m(  # noqa: E731
                endless["functions"], ALUMINIUM, *x, duration=d
            )
            yield Row(name, f"duration {duration}", call, ("'duration' parameter",))
    cases = {
        "no set": ((complete, ALUMINIUM, []), "sets is empty"),
        "column": ((complete, ALUMINIUM, [[7]]), "sets[0] is [7]", "3 functions"),
        "negative": ((complete, ALUMINIUM, [[0], [-1]]), "sets[1] is [-1]"),
        "flat": ((complete, ALUMINIUM, [0]), "sets[0] must be a list of columns"),
    }
    yield from rows_of("measure_set_costs", descriptors.measure_set_costs, cases)


# Potentials, files, data sets, metrics, figures


def rows_of_potentials():
    pipeline = make_pipeline(
        SymmetryFunctionTransformer(FUNCTIONS), HDNNPRegressor((2,), max_epochs=1)
    ).fit(ALUMINIUM, np.arange(6.0))
    for name in ("predict_forces", "predict_stress"):
        cases = {
            "None": ((None, ALUMINIUM), "fitted Pipeline", "make_pipeline"),
            "other step": ((make_pipeline(CURSelector()), ALUMINIUM), "CURSelector", name),
            "no structures": ((pipeline, []), "Got no structure"),
            "element": ((pipeline, [bulk("Cu")]), "Structure 0 contains Cu"),
        }
        yield from rows_of(name, getattr(potentials, name), cases)
    cases = {
        "None": ((None,), "fitted Pipeline", "NoneType"),
        "not fitted": ((clone(pipeline),), "SymmetryFunctionTransformer, is not fitted", "fit"),
    }
    yield from rows_of("HDNNPCalculator", potentials.HDNNPCalculator, cases)
    yield from rows_of("write_n2p2", lambda p: io.write_n2p2(p, "nowhere"), cases)
    calculator = potentials.HDNNPCalculator(pipeline)
    cases = {
        "no atoms": ((), "atoms is of type NoneType"),
        "text": (("x",), "atoms is of type str"),
        "empty": ((Atoms(),), "no atoms"),
        "element": ((bulk("Cu"),), "Cu", "Train it"),
        "NaN": ((pair([0, 0, 0], [0, 0, NAN]),), "atom 1 is at"),
    }
    yield from rows_of("HDNNPCalculator", calculator.calculate, cases)
    cases = {"folder": ((pipeline, 3), "folder must be a str or a path", "int")}
    yield from rows_of("write_n2p2", io.write_n2p2, cases)


def rows_of_files():
    for name in ("read_n2p2", "read_input_data"):
        read = getattr(io, name)
        what = "folder" if name == "read_n2p2" else "file"
        cases = {str(bad): ((bad,), f"{what} must be a str or a path") for bad in (None, 3)}
        for unit in (0, -1, "a", NAN, INF):
            cases[f"unit {unit}"] = (
                {what: "nowhere", "length_unit": unit}, "length_unit must be", "positive",
            )  # fmt: skip
        yield from rows_of(name, read, cases)
    yield from rows_of_saved_files()
    file = Path(tempfile.gettempdir()) / "never written" / "input.data"
    write = lambda structures, **k: io.write_input_data(file, structures, **k)  # noqa: E731
    cases = {case: ((bad,), *words) for case, (bad, *words) in STRUCTURE_CASES.items()}
    yield from rows_of("write_input_data", write, cases)
    cases = {
        "energies": ({"energies": [1.0]}, "Got 1 energies for 6 structures"),
        "an energy": ({"energies": ["a"] * 6}, "structure 0", "'a'"),
        "no list": ({"energies": 3.0}, "energies is of type float"),
        "forces": ({"forces": [[1]] * 6}, "Forces of structure 0 have shape (1,)", "(4, 3)"),
        "a force": ({"forces": [[["a"] * 3]] * 6}, "forces[0][0, 0] is 'a'"),
        "NaN": ({"energies": [NAN] * 6}, "Structure 0: energy", "NaN"),
    }
    yield from rows_of("write_input_data", lambda **k: write(ALUMINIUM, **k), cases)


def rows_of_saved_files():
    folder, missing = tempfile.gettempdir(), Path(tempfile.gettempdir()) / "no folder" / "file"
    paths = {str(bad): (bad, "path must be a str or a path") for bad in (None, 3)}
    paths["a folder"] = (folder, "is a folder", "Give the name of a file")
    cases = {case: ((bad,), *words) for case, (bad, *words) in paths.items()}
    yield from rows_of("load", io.load, cases)
    paths["no folder"] = (missing, "in a folder that does not exist")
    cases = {case: ((CURSelector(), bad), *words) for case, (bad, *words) in paths.items()}
    for bad in (None, CURSelector, np.zeros(3), [CURSelector()]):
        name = type(bad).__name__
        cases[name] = ((bad, Path(folder) / "never written"), name, "cannot be saved")
    yield from rows_of("save", io.save, cases)


def rows_of_data_sets():
    small = {"n_structures": 1, "n_atoms": 32, "r_cut": 1.6, "densities": [0.95]}
    small |= {"temperatures": [0.6], "equilibration_steps": 1, "sampling_interval": 1}
    cases = {
        "n_structures": ({"n_structures": 0}, "'n_structures' parameter"),
        "n_atoms": ({"n_atoms": 5}, "n_atoms=5", "nearest valid"),
        "temperature": ({"temperatures": [0.0]}, "temperatures", "positive"),
        "NaN": ({"densities": [NAN]}, "densities", "NaN"),
        "no density": ({"densities": []}, "densities is empty"),
        "r_cut": ({"r_cut": 100.0}, "r_cut=100.0 exceeds half the box", "lower r_cut"),
        "r_cut NaN": ({"r_cut": NAN}, "'r_cut' parameter"),
        "unstable": ({"temperatures": [HUGE]}, "temperature=1e+300", "lower"),
    }
    make = lambda **k: datasets.make_lennard_jones(**(small | k))  # noqa: E731
    yield from rows_of("make_lennard_jones", make, cases)
    fetch = lambda **k: datasets.fetch_mlearn(download_if_missing=False, **k)  # noqa: E731
    cases = {str(bad): ({"element": bad}, "element", repr(bad)) for bad in (None, "Qq", ["Si"])}
    cases["data_home"] = ({"element": "Si", "data_home": 3}, "data_home")
    yield from rows_of("fetch_mlearn", fetch, cases)
    cases = {str(bad): ((bad,), "data_home must be a str or a path") for bad in (3, [])}
    yield from rows_of("get_data_home", datasets.get_data_home, cases)
    calculate = lambda atoms, r_cut=2.8: datasets.LennardJonesCalculator(r_cut).calculate(atoms)  # noqa: E731
    box = {"cell": [8.0] * 3, "pbc": True}
    cases = {
        "no box": ((pair([0, 0, 0], [0, 0, 1]),), "not a periodic cube"),
        "NaN": ((pair([0, 0, 0], [0, 0, NAN], **box),), "atom 1 is at"),
        "one point": ((pair([0, 0, 0], [0, 0, 0], **box),), "at one point", "move"),
        "r_cut": ((ALUMINIUM[0], -1.0), "r_cut=-1.0", "positive"),
        "r_cut text": ((ALUMINIUM[0], "a"), "r_cut='a'"),
    }
    yield from rows_of("LennardJonesCalculator", calculate, cases)


def rows_of_metrics():
    one = [1.0]
    cases = {
        "None": ((None, one, 1), "y_true is of type NoneType"),
        "a string": ((["a"], one, 1), "y_true[0] is 'a'"),
        "lengths": ((one, [1.0, 2.0], 1), "y_true has shape (1,), but y_pred has shape (2,)"),
        "NaN": (([NAN], one, 1), "y_true of structure 0 is nan"),
        "huge": (([HUGE], one, 1), "y_true of structure 0 is 1e+300"),
        "no atom": ((one, one, 0), "Structure 0 has no atom"),
        "atoms NaN": ((one, one, NAN), "n_atoms of structure 0 is nan"),
        "atoms text": ((one, one, "a"), "n_atoms[0] is 'a'"),
        "empty": (([], [], 1), "y_true is empty"),
    }
    yield from rows_of("rmse_per_atom", rmse_per_atom, cases)
    cases = {
        "estimator": ((None, TABLE, ENERGIES), "estimator is of type NoneType"),
        "lengths": ((HDNNPRegressor(), TABLE, ENERGIES[:3]), "[12, 3]"),
        "not fitted": ((HDNNPRegressor(), TABLE, ENERGIES), "not fitted", "fit"),
    }
    yield from rows_of("neg_rmse_per_atom", neg_rmse_per_atom, cases)


COMPARISON = pd.DataFrame(
    {
        "data_set": "Al",
        "selector": ["AGL", "AGL", "CUR", "CUR"],
        "n_features": 2,
        "repeat": [0, 1, 0, 1],
        "n_train": 80,
        "n_test": 20,
        "n_features_in": 9,
        "features": [(0, 1)] * 4,
        "test_rmse": [1.0, 1.2, 2.0, 2.1],
    }
)


def rows_of_comparisons():
    tables = {
        "None": ((None,), "table is of type NoneType", "compare_selectors"),
        "a list": (([1],), "table is of type list"),
        "no column": ((COMPARISON.drop(columns="selector"),), "no column 'selector'"),
        "no row": ((COMPARISON[:0],), "no row"),
    }
    for name, call in {
        "compare_pairs": inspection.compare_pairs,
        "selection_stability": inspection.selection_stability,
        "SelectorComparisonDisplay": inspection.SelectorComparisonDisplay.from_comparison,
        "SupportMatrixDisplay": inspection.SupportMatrixDisplay.from_comparison,
    }.items():
        yield from rows_of(name, call, tables)
    cases = {
        "reference": ({"reference": "x"}, "reference='x'", "AGL"),
        "error": ({"error": "x"}, "no column 'x'"),
    }
    pairs = lambda **k: inspection.compare_pairs(COMPARISON, **k)  # noqa: E731
    yield from rows_of("compare_pairs", pairs, cases)
    random, data = {"random": RandomSelector()}, {"own": (TABLE, ENERGIES)}
    of = lambda entry: {"own": (with_entry(TABLE, (1, 2), entry), ENERGIES)}  # noqa: E731
    cases = {
        "selectors": ((None, data, 2), "'selectors' parameter"),
        "a class": (({"a": RandomSelector}, data, 2), "is a class", "RandomSelector()"),
        "no selector": (({"a": "x"}, data, 2), "selectors['a']", "n_features_to_select"),
        "data": ((random, (TABLE, ENERGIES), 2), "'data' parameter"),
        "NaN": ((random, of(NAN), 2), "Feature 2 of structure 1 is nan"),
        "a string": ((random, of("a"), 2), "X[1, 2] is 'a'"),
        "size": ((random, data, 9), "n_features_to_select has 9", "'own'"),
        "size text": ((random, data, ["a"]), "n_features_to_select must be whole numbers"),
    }  # fmt: skip
    yield from rows_of("compare_selectors", inspection.compare_selectors, cases)


def rows_of_figures():
    cases = {
        "None": ((None,), "errors must be a dict"),
        "text": (({"a": ["x"]},), "errors['a'][0] is 'x'"),
        "no errors": (({"a": []},), "errors['a'] must be a 1-D array"),
    }
    yield from rows_of("SelectorComparisonDisplay", inspection.SelectorComparisonDisplay, cases)
    cases = {
        "text": (([1], ["a"], [1], [1]), "penalised_rmse[0] is 'a'"),
        "lengths": (([1], [1], [1], [1, 2]), "alphas has 2 entries", "1"),
    }
    yield from rows_of("SelectionPathDisplay", inspection.SelectionPathDisplay, cases)
    for name in ("SelectionPathDisplay", "SupportMatrixDisplay"):
        cases = {"no path": ((None,), "path is of type NoneType", "SelectionPath")}
        yield from rows_of(name, getattr(inspection, name).from_path, cases)
    cases = {
        "text": (([["a"]],), "supports[0, 0] is 'a'"),
        "shape": (([True],), "supports must be a 2-D array"),
        "names": (([[True]], ["a", "b"]), "row_names has 2 entries"),
    }
    yield from rows_of("SupportMatrixDisplay", inspection.SupportMatrixDisplay, cases)
    cases = {
        "None": ((None,), "selectors must be a dict"),
        "a number": (({"a": 3},), "selectors['a'] is of type int"),
    }
    yield from rows_of(
        "SupportMatrixDisplay", inspection.SupportMatrixDisplay.from_selectors, cases
    )
    cases = {
        "None": ((None, "cosine", [1], [1]), "symmetry_functions must be a list"),
        "cutoff": ((FUNCTIONS, "x", [1], [1]), "cutoff must be one of"),
        "lengths": ((FUNCTIONS, "cosine", [1, 2], [1]), "rdf has 1 entries"),
    }
    yield from rows_of("SymmetryFunctionDisplay", inspection.SymmetryFunctionDisplay, cases)
    draw = lambda **k: inspection.SymmetryFunctionDisplay.from_structures(  # noqa: E731
        ALUMINIUM, FUNCTIONS, **k
    )
    cases = {
        "r_max": ({"r_max": NAN}, "r_max=nan", "positive"),
        "n_bins": ({"n_bins": 1.5}, "n_bins=1.5", "whole"),
    }
    yield from rows_of("SymmetryFunctionDisplay", draw, cases)


def rows_of_paths():
    empty = np.empty(0)
    whole = [np.array([0.1]), np.ones((1, 3), bool), np.ones((1, 3)), np.ones(3)]
    path = SelectionPath(*whole, np.ones(1), np.ones(1), np.full(1, NAN), *[empty] * 3)
    cases = {"no refits": ((), "no refitted errors", "refit=True")}
    yield from rows_of("SelectionPath", path.best, cases)
    cases = {"checkpoint": ({"checkpoint": 3}, "'checkpoint' parameter")}
    yield from rows_of("WaldSelector", lambda **k: WaldSelector(**k).fit(TABLE, ENERGIES), cases)


SOURCES = [
    rows_of_fit, rows_of_the_path, rows_of_parameters, rows_of_features, rows_after_fit,
    rows_of_structures, rows_of_definitions, rows_of_potentials, rows_of_files, rows_of_data_sets,
    rows_of_metrics, rows_of_comparisons, rows_of_figures, rows_of_paths,
]  # fmt: skip
