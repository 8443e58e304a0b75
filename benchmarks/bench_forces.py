"""Training on forces: errors of energies and forces with all functions and with selected ones.

Run with one BLAS thread, and the folder of the mlearn data (Zuo et al. 2020, J. Phys. Chem. A 124,
731) as extended XYZ files, one per element, with ``split`` "train" or "test" in each structure; or
with a file of lithium and aluminium, the set "mogroupumd/Li-Al_MLIP_datasets" on GitHub, with the
folders' names as ``set``::

    OMP_NUM_THREADS=1 python benchmarks/bench_forces.py FOLDER --elements Cu Si Mo Li
    OMP_NUM_THREADS=1 python benchmarks/bench_forces.py LiAl.extxyz --elements LiAl --n-features 40

For every element and seed, three potentials are trained on energies and forces: with all functions
of a grid, with those that the adaptive group lasso selects from energies and forces, and with as
many that it selects from energies alone. The published n2p2 potentials stand beside them, with
their errors on the same test structures as measured with n2p2.
"""

import argparse
import time
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from _common import read_structures
from _records import FUNCTIONS, SELECTION, parse

from sklearn_agl import AdaptiveGroupLassoSelector, HDNNPRegressor, SymmetryFunctionTransformer
from sklearn_agl.descriptors import symmetry_function_grid
from sklearn_agl.metrics import rmse_per_atom

R_CUT = {"Cu": 5.0, "Si": 5.5, "Mo": 5.2, "Li": 5.6, "LiAl": 6.0}
PUBLISHED = {
    "Cu": (27, 1.68, 0.063),
    "Si": (27, 6.93, 0.170),
    "Mo": (39, 5.43, 0.203),
    "Li": (117, 0.98, 0.023),
}
"""Number of functions, energy (meV/atom) and force (eV/A) errors of the n2p2 potentials."""

ENERGY, FORCES = "energy, meV/atom", "forces, eV/A"


def functions_of_one_element(r_cut):
    """15 radial and 16 angular functions."""
    return symmetry_function_grid(
        r_cut=r_cut, n_centered=6, n_shifted=9, shifted_range=(0.32 * r_cut, 0.96 * r_cut),
        angular_eta=(0.01, 0.1), angular_zeta=(1, 2, 4, 16),
    )  # fmt: skip


def functions_of_two_elements(r_cut, elements=("Li", "Al")):
    """8 radial functions per neighbour and 8 angular ones per pair, 40 for a central element."""
    functions = []
    for element in elements:
        functions += symmetry_function_grid(
            r_cut=r_cut, n_centered=3, n_shifted=5, neighbors=element
        )
    for pair in combinations_with_replacement(elements, 2):
        functions += symmetry_function_grid(
            r_cut=r_cut, angular_eta=(0.01, 0.1), angular_zeta=(1, 4), angular_neighbors=pair
        )
    return functions


def load(path, element, test_set):
    """Functions, training and test structures."""
    if element == "LiAl":
        structures, _ = read_structures(path)
        train = [atoms for atoms in structures if atoms.info["set"] == "Train"]
        test = [atoms for atoms in structures if atoms.info["set"].startswith(test_set)]
        return functions_of_two_elements(R_CUT[element]), train, test
    structures, _ = read_structures(path / f"mlearn_{element}.extxyz.gz")
    parts = [
        [atoms for atoms in structures if atoms.info["split"] == part] for part in ("train", "test")
    ]
    return functions_of_one_element(R_CUT[element]), *parts


class Data:
    """Features, energies and forces of the training and the test structures of an element."""

    def __init__(self, functions, train, test):
        self.train, self.test = train, test
        transformer = SymmetryFunctionTransformer(functions, n_jobs=2).fit(train)
        self.X = transformer.transform(self.train).compute()
        self.X_test = transformer.transform(self.test).compute()

    @staticmethod
    def labels(structures):
        """Energies and forces."""
        energies = np.array([atoms.get_potential_energy() for atoms in structures])
        return energies, [atoms.get_forces() for atoms in structures]

    def errors(self, columns, settings):
        """Seconds of training, and test errors of energies (meV/atom) and forces (eV/A)."""
        energies, forces = self.labels(self.train)
        start = time.perf_counter()
        model = HDNNPRegressor(**settings)
        model.fit(self.X.take_features(columns), energies, forces=forces)
        seconds = time.perf_counter() - start
        X = self.X_test.take_features(columns)
        energies, forces = self.labels(self.test)
        differences = np.vstack(model.predict_forces(X)) - np.vstack(forces)
        energy_error = 1e3 * rmse_per_atom(energies, model.predict(X), X.n_atoms)
        return seconds, energy_error, np.sqrt(np.mean(differences**2))


def select(data, n_features, settings, *, use_forces):
    """Columns that the adaptive group lasso selects, and seconds."""
    energies, forces = data.labels(data.train)
    selector = AdaptiveGroupLassoSelector(
        HDNNPRegressor(**settings), n_features_to_select=n_features
    )
    start = time.perf_counter()
    selector.fit(data.X, energies, forces=forces if use_forces else None)
    return selector.get_support(indices=True), time.perf_counter() - start


def measure(data, options, seed):
    """Rows of the table of one element and seed."""
    settings = {
        "random_state": seed,
        "n_force_directions": options.n_force_directions,
        "force_weight": options.force_weight,
        "solver": options.solver,
    }
    yield as_row("all", np.arange(data.X.n_features), data, settings, 0.0)
    for use_forces, name in ((True, "energies and forces"), (False, "energies only")):
        columns, seconds = select(data, options.n_features, settings, use_forces=use_forces)
        yield as_row(f"AGL by {name}", columns, data, settings, seconds)


def as_row(name, columns, data, settings, seconds_of_selection):
    """One row: what a training of some columns takes, and its errors."""
    seconds, energy, force = data.errors(columns, settings)
    return {
        "potential": name,
        "functions": len(columns),
        ENERGY: energy,
        FORCES: force,
        "selecting, s": seconds_of_selection,
        "training, s": seconds,
        "columns": columns,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--elements", nargs="+", choices=R_CUT, default=list(PUBLISHED))
    parser.add_argument("--test-set", default="Validation", help="of LiAl: how its name begins")
    parser.add_argument("--n-features", type=int, default=13)
    parser.add_argument("--n-force-directions", type=int, default=40)
    parser.add_argument("--force-weight", type=float, default=0.3)
    parser.add_argument("--solver", default="kalman")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options, record = parse(parser, [*FUNCTIONS, *SELECTION])
    with record:
        for element in options.elements:
            data = Data(*load(options.path, element, options.test_set))
            print(f"{element}: {len(data.train)} structures to train, {len(data.test)} to test")
            for functions, energy, force in filter(None, [PUBLISHED.get(element)]):
                row = {"functions": functions, ENERGY: energy, FORCES: force}
                record.add("Test errors", element=element, potential="n2p2, published", **row)
            for seed in options.seeds:
                for row in measure(data, options, seed):
                    record.add("Test errors", element=element, seed=seed, **row)


if __name__ == "__main__":
    main()
