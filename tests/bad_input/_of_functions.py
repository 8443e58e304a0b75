"""Bad input for potentials, files, data sets, metrics and figures."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from ase import Atoms
from ase.build import bulk
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_agl import (
    CURSelector,
    HDNNPRegressor,
    RandomSelector,
    SelectionPath,
    SymmetryFunction,
    SymmetryFunctionTransformer,
    WaldSelector,
    datasets,
    inspection,
    io,
    potentials,
)
from sklearn_agl.descriptors import short_names
from sklearn_agl.metrics import neg_rmse_per_atom, rmse_per_atom
from tests.bad_input._of_structures import STRUCTURE_CASES, pair
from tests.bad_input._rows import (
    ALUMINIUM,
    ENERGIES,
    FUNCTIONS,
    HUGE,
    INF,
    NAN,
    TABLE,
    rows_of,
    with_entry,
)

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
    yield from rows_of("write_lammps", lambda p: io.write_lammps(p, "nowhere"), cases)
    cases = {
        "groups": ((pipeline, ALUMINIUM, ["a"]), "Got 1 groups for 6 structures"),
        "no structures": ((pipeline, [], None), "structure"),
    }
    evaluate = lambda p, s, g: inspection.evaluate_potential(p, s, groups=g)  # noqa: E731
    yield from rows_of("evaluate_potential", evaluate, cases)
    cases = {"by": (("phase",), "by must be 'group', 'element' or None, got 'phase'")}
    yield from rows_of("PotentialEvaluation", evaluate(pipeline, ALUMINIUM, None).errors, cases)
    fit = lambda **own: HDNNPRegressor(**own).fit(TABLE, ENERGIES)  # noqa: E731
    yield from rows_of("Penalty", fit, {"number": ({"penalty": 3}, "'penalty' parameter")})
    yield from rows_of("Solver", fit, {"number": ({"solver": 3}, "'solver' parameter")})
    cases = {
        "one": ({"n_estimators": 1}, "'n_estimators' parameter"),
        "no network": ({"estimator": CURSelector()}, "'estimator' parameter"),
    }
    committee = lambda **own: potentials.HDNNPCommittee(**own).fit(TABLE, ENERGIES)  # noqa: E731
    yield from rows_of("HDNNPCommittee", committee, cases)
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
    yield from rows_of("write_lammps", io.write_lammps, cases)


def rows_of_files():
    names = {"read_n2p2": "folder", "read_input_data": "file", "read_symmetry_functions": "path"}
    for name, what in names.items():
        read = getattr(io, name)
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
        "forces": (
            {"energies": [0.0] * 6, "forces": [[1]] * 6},
            "Forces of structure 0 have shape (1,)",
            "(4, 3)",
        ),
        "a force": (
            {"energies": [0.0] * 6, "forces": [[["a"] * 3]] * 6},
            "forces[0][0, 0] is 'a'",
        ),
        "no energy": ({}, "Structures 0, 1, 2, 3, 4 and 1 more have no energy", "Give energies="),
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
    for name in ("fetch_lial", "fetch_si_liquid_diamond"):
        cases = {
            "data_home": ({"data_home": 3, "download_if_missing": False}, "data_home"),
            "download_if_missing": ({"download_if_missing": "no"}, "download_if_missing"),
        }
        yield from rows_of(name, getattr(datasets, name), cases)
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
        "no function": (([3],), "symmetry_functions[0] is of type int"),
        "radial only": (([SymmetryFunction("G2", eta=1.0)],), "no angular function"),
    }
    angular = inspection.AngularFunctionDisplay
    yield from rows_of("AngularFunctionDisplay", lambda f: angular(f, [1.0], [1.0]), cases)
    yield from rows_of("short_names", short_names, {"no function": cases["no function"]})
    cases = {
        "None": ((None,), "errors must be a dict"),
        "nothing known": (({"a": NAN},), "nothing to draw"),
    }
    yield from rows_of("ErrorByGroupDisplay", inspection.ErrorByGroupDisplay, cases)
    cases = {
        "lengths": (([1.0, 2.0], [1.0]), "predicted has 1 entries"),
        "nothing known": (([NAN], [1.0]), "nothing to draw"),
    }
    yield from rows_of("ParityDisplay", inspection.ParityDisplay, cases)
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
