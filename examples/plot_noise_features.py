"""
Who picks the noise?
====================

A selector that works should notice a column that says nothing. We put ten columns of noise among
the 22 symmetry functions of a Lennard-Jones system, as Sandberg et al. (2024) did, and count who
keeps them.
"""

# %%
# Columns of noise
# ----------------
# Each is as large and as wide as one of the real columns, and positive like these: absolute values
# of Gaussian numbers with the mean and the standard deviation of a real column, one for each atom.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AtomicFeatures,
    CURSelector,
    PearsonSelector,
    SymmetryFunctionTransformer,
    WaldSelector,
)
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.inspection import SupportMatrixDisplay

N_NOISE, N_SELECTED, N_DRAWS = 10, 6, 2

structures, energies = make_lennard_jones(
    600,
    n_atoms=32,
    temperatures=[0.5, 1.0, 1.5],
    densities=[0.9, 1.0, 1.1],
    r_cut=1.5,
    n_jobs=2,
    random_state=0,
)
real = SymmetryFunctionTransformer("lj-22", n_jobs=2).fit_transform(structures)


def add_noise(rng):
    """The real columns, and behind them the noise."""
    columns = rng.choice(real.n_features, N_NOISE, replace=False)
    means, deviations = (
        function(real.values[..., columns], axis=(0, 1)) for function in (np.mean, np.std)
    )
    noise = np.abs(rng.normal(means, deviations, (*real.shape[:2], N_NOISE)))
    return AtomicFeatures(np.concatenate([real.values, noise], axis=2), real.numbers)


# %%
# Six of thirty-two
# -----------------
# Two draws of the noise; each selector keeps six columns each time.

selectors = {
    "AGL": AdaptiveGroupLassoSelector(n_features_to_select=N_SELECTED, random_state=0),
    "Wald": WaldSelector(N_SELECTED, random_state=0),
    "CUR": CURSelector(N_SELECTED),
    "Pearson": PearsonSelector(N_SELECTED),
}
rng = np.random.default_rng(0)
draws = [add_noise(rng) for _ in range(N_DRAWS)]
shares = {
    name: np.mean([selector.fit(X, energies).get_support() for X in draws], axis=0)
    for name, selector in selectors.items()
}
print(f"columns of noise among the {N_SELECTED} kept, mean of {N_DRAWS} draws")
for name, share in shares.items():
    print(f"{name:>8}: {share[real.n_features :].sum():.1f}")

# %%
# CUR and Pearson look for columns that differ from all others. Symmetry functions resemble each
# other, and nothing differs from them as much as noise. AGL and Wald ask what the energy needs.

names = [f"{i + 1}" for i in range(real.n_features)] + [f"noise {i + 1}" for i in range(N_NOISE)]
display = SupportMatrixDisplay(list(shares.values()), list(shares), names).plot()
display.ax_.axvline(real.n_features, color="black", linewidth=1.5)
display.ax_.set_xlabel("symmetry function (13 to 22 are angular) or column of noise")

plt.show()
