"""
Bring your own descriptors
==========================

Symmetry functions are one way to describe the surroundings of an atom. The selectors and the
network take any other: all they need is an array with a row of numbers for each atom. Here that is
a histogram of distances, written in ten lines, on copper–gold alloys.
"""

# %%
# Structures and energies
# -----------------------
# Distorted crystals of copper and gold of 16 or 32 atoms, with energies in eV from ASE's effective
# medium theory.

import matplotlib.pyplot as plt
import numpy as np
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.neighborlist import neighbor_list
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_agl import AdaptiveGroupLassoSelector, AtomicFeatures, HDNNPRegressor
from sklearn_agl.inspection import SupportMatrixDisplay
from sklearn_agl.metrics import neg_rmse_per_atom
from sklearn_agl.potentials import predict_forces

CU, AU = 29, 79
rng = np.random.default_rng(0)


def make_alloy(layers):
    """A crystal of random composition, lattice constant (Å) and disorder."""
    atoms = bulk("Cu", a=rng.uniform(3.6, 4.2), cubic=True).repeat((2, 2, layers))
    atoms.numbers[rng.random(len(atoms)) < rng.random()] = AU
    atoms.rattle(rng.uniform(0.02, 0.2), rng=rng)
    return atoms


structures = [make_alloy(layers) for layers in (1, 2) * 100]
energies = np.array([EMT().get_potential_energy(atoms) for atoms in structures])
spread = np.std([energy / len(atoms) for energy, atoms in zip(energies, structures, strict=True)])
print(f"energies per atom: standard deviation {1e3 * spread:.0f} meV")

# %%
# An array for each structure
# ---------------------------
# How many copper neighbours has an atom at 2 Å, at 2.4 Å, ..., and how many gold ones? Each count
# is smeared by a Gaussian, so that it changes smoothly as atoms move.

centres = np.linspace(2.0, 6.0, 11)
width = 0.4


def histogram(atoms):
    """Smeared counts of the neighbours of each atom, of shape (n_atoms, 2 * n_centres)."""
    first, second, distances = neighbor_list("ijd", atoms, cutoff=centres[-1] + 3 * width)
    counts = np.exp(-0.5 * ((distances[:, None] - centres) / width) ** 2)
    features = np.zeros((len(atoms), 2, len(centres)))
    np.add.at(features, (first, (atoms.numbers[second] == AU).astype(int)), counts)
    return features.reshape(len(atoms), -1)


# %%
# AtomicFeatures
# --------------
# ``AtomicFeatures.from_rows`` takes one row per atom, structure after structure, with the atomic
# numbers. Each element has its own network, which sees the columns that are not NaN at its atoms.
# So we give copper atoms one half of the columns and gold atoms the other. Then the selector can
# keep other distances for copper than for gold.


def describe(structures):
    """Features of a list of structures: columns of copper atoms, then those of gold atoms."""
    histograms = np.concatenate([histogram(atoms) for atoms in structures])
    numbers = np.concatenate([atoms.numbers for atoms in structures])
    copper = (numbers == CU)[:, None]
    rows = np.hstack([np.where(copper, histograms, np.nan), np.where(copper, np.nan, histograms)])
    return AtomicFeatures.from_rows(rows, numbers, n_atoms=[len(atoms) for atoms in structures])


X = describe(structures)
print(X)
print("at the first atom:", np.isfinite(X.atom_values[0]).sum(), "columns")

# %%
# In a pipeline
# -------------
# ``FunctionTransformer`` makes a step of the function, so that a pipeline goes from structures to
# energies. From here on, all is as with symmetry functions: the group lasso keeps a quarter of the
# columns, and a new network is trained on these.

train, test, y_train, y_test = train_test_split(structures, energies, random_state=0)
selector = AdaptiveGroupLassoSelector(n_features_to_select=11, random_state=0)
for selectors in [], [selector]:
    pipe = make_pipeline(FunctionTransformer(describe), *selectors, HDNNPRegressor(random_state=0))
    pipe.fit(train, y_train)
    error = -1e3 * neg_rmse_per_atom(pipe, test, y_test)
    print(f"{pipe[-1].n_features_in_} columns, test RMSE {error:.0f} meV/atom")

# %%
# Which distances matter
# ----------------------
# A row for each pair of elements, a column for each distance; black is what was kept.

figure, axes = plt.subplots(figsize=(5.5, 2.5), layout="constrained")
SupportMatrixDisplay(
    pipe[1].get_support().reshape(4, -1),
    ["Cu around Cu", "Au around Cu", "Cu around Au", "Au around Au"],
    [f"{centre:.1f}" for centre in centres],
).plot(axes)
axes.set_xlabel("distance (Å)")

# %%
# No forces
# ---------
# The package can differentiate its own symmetry functions, but not an array that comes from
# elsewhere. So there are energies, but neither forces nor molecular dynamics:

try:
    predict_forces(pipe, test)
except ValueError as error:
    print(error)

# %%
# Descriptors of another package
# ------------------------------
# A package that returns an array for each structure takes the place of ``histogram``. An example is
# SOAP, the smooth overlap of atomic positions, from `DScribe <https://singroup.github.io/dscribe>`_:

try:
    from dscribe.descriptors import SOAP
except ImportError:
    print("DScribe is not installed.")
else:
    soap = SOAP(species=["Cu", "Au"], r_cut=5.0, n_max=3, l_max=2, periodic=True)
    print("SOAP of the first structure, atoms × columns:", soap.create(structures[0]).shape)

plt.show()
