"""Bad input for what takes structures, and for symmetry functions."""

import numpy as np
from ase import Atoms
from ase.build import bulk

from sklearn_agl import (
    SymmetryFunction,
    SymmetryFunctionTransformer,
    descriptors,
)
from tests.bad_input._rows import (
    ALUMINIUM,
    ATOMIC,
    FUNCTIONS,
    HUGE,
    INF,
    NAN,
    Row,
    rows_of,
)

# Structures


def pair(*positions, **params):
    return Atoms("Al2", positions=positions, **params)


STRUCTURE_CASES = {
    "None": (None, "sequence of ase.Atoms", "NoneType"),
    "number": (3, "sequence of ase.Atoms", "int"),
    "file name": ("x.xyz", "Got the name of a file", "ase.io.read('x.xyz', \":\")"),
    "file names": (["x.xyz"], "Structure 0 is of type str", "ase.io.read('x.xyz', \":\")"),
    "trajectories": ([ALUMINIUM, ALUMINIUM], "Structure 0 is of type list", "for part in parts"),
    "atoms": (list(ALUMINIUM[0]), "Structure 0 is of type Atom", "[atoms]"),
    "split": (np.array(ALUMINIUM[:2], dtype=object), "shape (2, 4)", "split", "the list itself"),
    "one structure": (ALUMINIUM[0], "Got one ase.Atoms", "[atoms]"),
    "empty list": ([], "Got no structure"),
    "empty structure": ([ALUMINIUM[0], Atoms()], "Structure 1 has no atoms", "leave it out"),
    "None in a list": ([ALUMINIUM[0], None], "Structure 1 is of type NoneType"),
    "dict": ({0: ALUMINIUM[0]}, "Got a dict", "list(structures.values())"),
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
        "min_range": ({"min_range": -1.0}, "'min_range' parameter"),
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
