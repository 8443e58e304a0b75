"""
From structures to a smaller potential
======================================

A neural network potential for a Lennard-Jones system needs far fewer symmetry functions than one
would give it. We simulate structures, describe every atom by the 22 functions of table SII of
Sandberg et al. (2024), follow the adaptive group lasso from 22 functions to one, and compare a set
it found with those of CUR and Pearson correlation of the same size.

The same script runs on any file that ASE can read::

    python examples/plot_lennard_jones.py --data FILE.extxyz --symmetry-functions b-60
"""

# %%
# What to run on
# --------------
# Without arguments, the data are our own molecular dynamics in reduced units.

import argparse
import sys
from pathlib import Path

import ase.io
import joblib
import matplotlib

matplotlib.use("Agg")
import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_agl import (
    CURSelector,
    HDNNPRegressor,
    PearsonSelector,
    SymmetryFunctionTransformer,
    group_lasso_path,
)
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.inspection import (
    SelectionPathDisplay,
    SelectorComparisonDisplay,
    SupportMatrixDisplay,
    SymmetryFunctionDisplay,
)
from sklearn_agl.metrics import rmse_per_atom

parser = argparse.ArgumentParser(description="From structures to a smaller potential.")
parser.add_argument("--data", help="structures with energies, any format that ASE reads")
parser.add_argument("--symmetry-functions", default="lj-22", help="a preset, or auto")
parser.add_argument("--n-structures", type=int, default=1500, help="Lennard-Jones structures")
parser.add_argument(
    "--n-features", type=int, help="size of the set to compare; by default the path's best"
)
parser.add_argument("--n-init", type=int, default=4, help="random starts of each comparison")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--output", type=Path, default=Path("results"), help="folder for figures")
options = parser.parse_args(sys.argv[1:] if __name__ == "__main__" else [])
options.output.mkdir(parents=True, exist_ok=True)

if options.data:
    structures = ase.io.read(options.data, ":")
    energies = np.array([atoms.get_potential_energy() for atoms in structures])
    factor, energy_unit, length_unit = 1e3, "meV/atom", "Å"
else:
    print("Simulating Lennard-Jones structures")
    structures, energies = make_lennard_jones(
        options.n_structures, n_jobs=2, random_state=options.seed, verbose=True
    )
    ase.io.write(options.output / "structures.extxyz", structures)
    factor, energy_unit, length_unit = 1e3, "10⁻³ ε/atom", "σ"

# %%
# From structures to features
# ---------------------------
# Every atom is described by the same functions of its surroundings. A fifth of the structures is
# kept for the final test; nothing below looks at them before the comparison.

transformer = SymmetryFunctionTransformer(options.symmetry_functions, n_jobs=2, verbose=True)
for atoms in structures:
    atoms.calc = None  # no forces: energies alone, as published
X = transformer.fit_transform(structures)
names = transformer.get_feature_names_out()
angular = np.array([function.is_angular for function in X.symmetry_functions])
train, test = train_test_split(np.arange(len(X)), test_size=0.2, random_state=options.seed)
print(f"{len(train)} structures to train on, {len(test)} to test on, {X.n_features} functions each")

# %%
# The path
# --------
# The penalty rises; one function after the other leaves. Each set is then trained on without
# penalty, because penalised errors are biased, and once more from random weights; the better fit
# counts. Errors are of structures held out in training, with the standard errors of their means.

path = group_lasso_path(X[train], energies[train], n_jobs=2, verbose=1, random_state=options.seed)

print(f"\nfunctions  angular  penalised      refitted           ({energy_unit})      alpha")
refitted = ~np.isnan(path.refitted_rmse)  # a path may end without functions
for size in np.unique(path.n_features[refitted])[::-1]:
    points = np.flatnonzero(refitted & (path.n_features == size))
    point = points[np.argmin(path.refitted_rmse[points])]
    print(
        f"{size:9d}{path.supports[point][angular].sum():9d}"
        f"{factor * path.penalised_rmse[point]:11.2f}{factor * path.refitted_rmse[point]:10.2f}"
        f" ± {factor * path.refitted_standard_error[point]:4.2f} {path.refit_init[point]}"
        f"{path.alphas[point]:25.2e}"
    )

# %%
# Beside the filters
# ------------------
# The smallest set within a quarter of the lowest error, and as many functions from CUR and Pearson,
# each trained from several random starts and judged on the test structures.

if options.n_features is None:
    support = path.supports[path.best(tolerance=0.25)]
else:
    support = path.support(options.n_features)
n_selected = int(support.sum())
supports = {
    f"AGL, {n_selected}": support,
    f"CUR, {n_selected}": CURSelector(n_selected).fit(X[train]).get_support(),
    f"Pearson, {n_selected}": PearsonSelector(n_selected).fit(X[train]).get_support(),
    f"all {X.n_features}": np.ones(X.n_features, dtype=bool),
}


def test_error(columns, seed):
    """Train on some functions; return the potential and its error on the test structures."""
    model = HDNNPRegressor(random_state=seed)
    model.fit(X[train].take_features(columns), energies[train])
    predicted = model.predict(X[test].take_features(columns))
    return model, factor * rmse_per_atom(energies[test], predicted, X[test].n_atoms)


seeds = range(options.seed, options.seed + options.n_init)
fits = joblib.Parallel(n_jobs=2, prefer="threads")(
    joblib.delayed(test_error)(columns, seed) for columns in supports.values() for seed in seeds
)
errors = np.array([error for _, error in fits]).reshape(len(supports), -1)
print(f"\nTest RMSE in {energy_unit}, mean ± standard deviation over {options.n_init} starts")
for name, row in zip(supports, errors, strict=True):
    print(f"{name:>14}: {row.mean():7.2f} ± {row.std(ddof=1) if len(row) > 1 else 0.0:.2f}")
print("selected:", *names[support], sep="\n  ")

# %%
# The figures
# -----------
# The path; the comparison; which functions each method kept; and the radial ones over the
# distances that occur.

figures = {
    "path": SelectionPathDisplay(
        path.n_features,
        factor * path.penalised_rmse,
        factor * path.refitted_rmse,
        path.alphas,
        path.supports[:, angular].sum(axis=1),
        factor * path.refitted_standard_error,
    ).plot(energy_unit=energy_unit),
    "comparison": SelectorComparisonDisplay(dict(zip(supports, errors, strict=True))).plot(
        energy_unit=energy_unit
    ),
    "supports": SupportMatrixDisplay(
        list(supports.values())[:3], list(supports)[:3], angular=angular
    ).plot(),
}
selected = [X.symmetry_functions[i] for i in np.flatnonzero(support)]
radial = [function for function in selected if not function.is_angular]
if radial:
    figures["functions"] = SymmetryFunctionDisplay.from_structures(
        structures[:: max(1, len(structures) // 100)], radial, length_unit=length_unit
    )
for name, display in figures.items():
    display.figure_.savefig(options.output / f"{name}.png", dpi=150, bbox_inches="tight")

# %%
# A potential to keep
# -------------------
# The best potential of the chosen set, behind a transformer that computes just its functions.

best = fits[int(np.argmin(errors[0]))][0]
potential = make_pipeline(SymmetryFunctionTransformer(selected).fit(structures[:1]), best)
joblib.dump(potential, options.output / "potential.joblib")
loaded = joblib.load(options.output / "potential.joblib")
some = [structures[i] for i in test[:5]]
np.testing.assert_array_equal(loaded.predict(some), potential.predict(some))
print(
    f"\nFigures and the potential are in {options.output}/; it was read back and predicts the same."
)
