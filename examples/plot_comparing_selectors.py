"""
Selectors side by side
======================

Which selector finds the best functions? One split of the data and one random start do not tell:
errors scatter. ``compare_selectors`` trains a potential on every set that a selector finds on each
of several splits, and ``compare_pairs`` tests whether the differences are more than scatter.
"""

# %%
# Small boxes of a Lennard-Jones solid and liquid in nine states, all in reduced units, with the 22
# functions of table SII of Sandberg et al. (2024).

import matplotlib.pyplot as plt

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    CURSelector,
    PearsonSelector,
    RandomSelector,
    SymmetryFunctionTransformer,
    WaldSelector,
)
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.inspection import (
    SelectorComparisonDisplay,
    SupportMatrixDisplay,
    compare_pairs,
    compare_selectors,
    selection_stability,
)

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
# Six functions each
# ------------------
# Two selectors train networks: the adaptive group lasso (AGL) and elimination by the Wald
# statistic. CUR and Pearson look at the features only. What a method is worth shows beside a random
# choice. By default there are five random splits, each with a fifth of the structures to test on,
# which no selector sees.

selectors = {
    "AGL": AdaptiveGroupLassoSelector(),
    "Wald": WaldSelector(),
    "CUR": CURSelector(),
    "Pearson": PearsonSelector(),
    "random": RandomSelector(),
}
table = compare_selectors(
    selectors,
    {"Lennard-Jones": (X, energies)},
    n_features_to_select=6,
    n_jobs=2,
    random_state=0,
)
means = table.groupby("selector", sort=False)[["test_rmse", "angular_share", "cost"]].mean()
print(means.round(3))

# %%
# Errors are in ε per atom. ``cost`` is the time in µs that a set takes per atom and step of
# molecular dynamics; it depends on the machine, and a single angular function makes most of it.
# The figure has a point for each split:

SelectorComparisonDisplay.from_comparison(table, factor=1e3, energy_unit="10⁻³ ε/atom")

# %%
# What they choose
# ----------------
# A white cell is never chosen, a black one in all splits. Functions 1 to 12 are radial.

angular = [function.is_angular for function in X.symmetry_functions]
SupportMatrixDisplay.from_comparison(table, angular=angular)

# %%
# How much have the sets of the splits in common? Nogueira's index is 1 for equal sets, and about 0
# for random ones.

print(selection_stability(table)[["selector", "jaccard", "nogueira"]].round(2))

# %%
# Is it more than scatter?
# ------------------------
# The training parts of random splits overlap, so their errors are not independent. The corrected
# t-test allows for that; Wilcoxon's test does not, and with five splits its p-value cannot fall
# below 1/16. ``difference`` is negative where AGL is better. Five splits are few: a difference of
# the means may well be chance where the boxes overlap.

pairs = compare_pairs(table, reference="AGL")
print(pairs[["other", "difference", "t_p_value", "wilcoxon_p_value"]].round(3))

plt.show()
