"""
Choosing the strength of the penalty
====================================

The penalty's strength α decides how many symmetry functions are left. How many may leave before
the potential gets worse? Cross-validation answers: each α selects functions on a part of the
structures, a new potential is trained on them, and the rest of the structures judge it. The
smallest set that is not clearly worse than the best is often much smaller than that.
"""

# %%
# Small boxes of a Lennard-Jones solid and liquid in nine states, all in reduced units. Symmetry
# functions do not depend on the split, so they are computed once.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AdaptiveGroupLassoSelectorCV,
    HDNNPRegressor,
    SymmetryFunctionTransformer,
)
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.metrics import neg_rmse_per_atom

structures, energies = make_lennard_jones(
    200,
    n_atoms=108,
    temperatures=[0.5, 1.0, 1.5],
    densities=[0.9, 1.0, 1.1],
    r_cut=2.2,
    n_jobs=2,
    random_state=0,
)
for atoms in structures:
    atoms.calc = None  # no forces: energies alone, as published
X = SymmetryFunctionTransformer("lj-22", n_jobs=2).fit_transform(structures)

# %%
# All strengths on all folds
# --------------------------
# ``AdaptiveGroupLassoSelectorCV`` walks up the strengths in each fold. The structures come from
# simulations, state by state, so the folds are shuffled. The rule of one standard error prefers the
# largest α, with the fewest functions, whose error is within one standard error of the lowest: the
# folds cannot tell it from the best.

folds = KFold(5, shuffle=True, random_state=0)
alphas = np.logspace(-5, -1, 9)
selector = AdaptiveGroupLassoSelectorCV(
    alphas=alphas, cv=folds, rule="one_standard_error", n_jobs=2, random_state=0
)
selector.fit(X, energies)

results = selector.cv_results_
scores = np.array([results[f"split{k}_test_score"] for k in range(5)])
errors = -1e3 * results["mean_test_score"]
standard_errors = 1e3 * scores.std(axis=0, ddof=1) / np.sqrt(len(scores))
print("      α    functions   error (10⁻³ ε/atom)")
for alpha, n_features, error, standard_error in zip(
    alphas, results["mean_n_features"], errors, standard_errors, strict=True
):
    print(f"{alpha:.1e}{n_features:10.1f}{error:14.1f} ± {standard_error:.1f}")
print(f"chosen: α = {selector.alpha_:.1e}, which leaves on all structures")
print(*selector.get_feature_names_out(), sep="\n")

# %%
# Error and number of functions
# -----------------------------
# Left of the dashed line, the error hardly changes while functions leave. Bars are standard errors;
# the band begins at the lowest error and is one of them high.

best = int(np.argmin(errors))
chosen = int(np.argmin(np.abs(alphas - selector.alpha_)))
counts = np.array([results[f"split{k}_n_features"] for k in range(5)])
figure, (error_axes, count_axes) = plt.subplots(
    2, 1, sharex=True, figsize=(6, 5.5), layout="constrained"
)
error_axes.axhspan(errors[best], errors[best] + standard_errors[best], color="0.85")
error_axes.errorbar(alphas, errors, standard_errors, marker="o", color="0.2", capsize=3)
error_axes.plot(alphas[best], errors[best], "s", markersize=11, color="0.2", label="lowest error")
error_axes.plot(
    alphas[chosen],
    errors[chosen],
    "D",
    markersize=10,
    markerfacecolor="white",
    markeredgecolor="black",
    label="one standard error",
)
error_axes.set_ylabel("test RMSE (10⁻³ ε/atom)")
error_axes.legend(frameon=False, loc="upper left")
count_axes.plot(alphas, counts.T, ".", color="0.6")
count_axes.plot(alphas, counts.mean(axis=0), marker="o", color="0.2")
count_axes.set(xscale="log", xlabel="strength of the penalty α", ylabel="functions left of 22")
count_axes.set_ylim(bottom=0)
for axes in (error_axes, count_axes):
    axes.axvline(selector.alpha_, color="0.4", linestyle="--", linewidth=1, zorder=0)

# %%
# The same with a grid search
# ---------------------------
# ``GridSearchCV`` does it with any pipeline, and searches other parameters along with α, but it
# trains everything from the beginning for each candidate. With the same folds and random states,
# the scores agree to the last digit. Here it compares the two strengths of the figure's markers.

pipe = Pipeline(
    [
        ("select", AdaptiveGroupLassoSelector(random_state=0)),
        ("model", HDNNPRegressor(random_state=0)),
    ]
)
some = np.unique([best, chosen])
search = GridSearchCV(
    pipe, {"select__alpha": alphas[some]}, scoring=neg_rmse_per_atom, cv=folds, n_jobs=2
)
search.fit(X, energies)
print("the search: ", search.cv_results_["mean_test_score"])
print("the CV class:", results["mean_test_score"][some])

# %%
# What comes out of the search is a potential: the functions of the best α, and a network that was
# trained on them without penalty.

print(search.best_estimator_.predict(X[:3]), energies[:3])

plt.show()
