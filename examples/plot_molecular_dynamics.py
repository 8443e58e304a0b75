"""
The same liquid, in less time
=============================

Molecular dynamics with a network potential spends its time on symmetry functions. We train a
potential of a Lennard-Jones liquid on 22 of them, let the adaptive group lasso find the seven that
matter, and run both beside the true potential: structure and diffusion of the liquid stay what they
are, while the small potential takes several times as many steps per second.

All quantities are in reduced units: lengths in σ, energies in ε, times in σ (m/ε)^½. The script
takes about a minute and a half, and two more where it runs first and compiles its kernels.
"""

# %%
# What to run
# -----------

import argparse
import sys
import time
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from ase.geometry.rdf import get_rdf
from ase.md.analysis import DiffusionCoefficient
from ase.md.verlet import VelocityVerlet
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_agl import AdaptiveGroupLassoSelector, HDNNPRegressor, SymmetryFunctionTransformer
from sklearn_agl.datasets import LennardJonesCalculator, make_lennard_jones
from sklearn_agl.metrics import neg_rmse_per_atom
from sklearn_agl.potentials import ExtrapolationWarning, HDNNPCalculator

parser = argparse.ArgumentParser(description="The same liquid, in less time.")
parser.add_argument("--n-structures", type=int, default=400, help="to train and test on")
parser.add_argument("--n-features", type=int, default=7, help="functions to select")
parser.add_argument("--n-steps", type=int, default=2000, help="time steps of each run")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--output", type=Path, default=Path("results"), help="folder for the figure")
options = parser.parse_args(sys.argv[1:] if __name__ == "__main__" else [])
options.output.mkdir(parents=True, exist_ok=True)

TEMPERATURE, DENSITY = 1.5, 0.95
TIMESTEP, INTERVAL = 0.005, 10

# %%
# Two potentials
# --------------
# The structures are of liquids and solids in 25 states. The group lasso charges each function the
# time that it takes to compute, so that of two sets that are equally good it keeps the faster one:
# a single angular function makes a potential visit all triplets of atoms. Both potentials are then
# trained on forces too, without which they leave the range of their training data more often.

structures, energies = make_lennard_jones(
    options.n_structures,
    equilibration_steps=1500,
    sampling_interval=100,
    random_state=options.seed,
    n_jobs=2,
    verbose=True,
)
rows = train_test_split(np.arange(len(structures)), test_size=0.2, random_state=options.seed)
train, test = ([structures[row] for row in part] for part in rows)
true_forces = [atoms.get_forces() for atoms in test]

warnings.simplefilter("ignore", ExtrapolationWarning)  # counted below
alone = HDNNPRegressor(forces=None)  # the set is chosen by energies, as published
selector = AdaptiveGroupLassoSelector(
    alone,
    n_features_to_select=options.n_features,
    feature_costs="measured",
    random_state=options.seed,
)
selected = f"{options.n_features} functions"
potentials = {"22 functions": [], selected: [selector]}
for name, selectors in potentials.items():
    transformer = SymmetryFunctionTransformer("lj-22", n_jobs=2)
    model = HDNNPRegressor(n_force_directions=6, random_state=options.seed)
    potential = make_pipeline(transformer, *selectors, model)
    potentials[name] = potential.fit(train, energies[rows[0]])
    error = -neg_rmse_per_atom(potential, test, energies[rows[1]])
    # predict_forces would compile a kernel that the runs do without.
    calculator = HDNNPCalculator(potential)
    deviations = np.array([calculator.get_forces(atoms) for atoms in test]) - true_forces
    print(
        f"{name:>13}: test RMSE {1e3 * error:.1f}·10⁻³ ε per atom, forces "
        f"{np.sqrt(np.mean(deviations**2)):.2f} ε/σ of {np.std(true_forces):.1f}"
    )
print("selected:", *potentials[selected][:-1].get_feature_names_out(), sep="\n  ")

# %%
# One start, three potentials
# ---------------------------
# All runs begin with the same atoms: a configuration of the true potential at this temperature,
# with random velocities. They are runs at constant energy, so that no thermostat hides a fault of
# a potential, and the drift of the total energy is the first thing to look at.

start = make_lennard_jones(
    1, temperatures=[TEMPERATURE], densities=[DENSITY], random_state=options.seed + 1
)[0][0]
start.calc = None
start.set_masses([1.0] * len(start))
rng = np.random.default_rng(options.seed)
velocities = rng.normal(0.0, np.sqrt(TEMPERATURE), start.positions.shape)
start.set_velocities(velocities - velocities.mean(axis=0))


def simulate(calculator):
    """Samples of a run at constant energy, their total energies, and steps per second."""
    atoms = start.copy()
    atoms.calc = calculator
    atoms.get_forces()  # the first call compiles the kernel
    dynamics = VelocityVerlet(atoms, timestep=TIMESTEP)
    samples, total, begin = [], [], time.process_time()
    for _ in range(options.n_steps // INTERVAL):
        dynamics.run(INTERVAL)
        samples.append(atoms.copy())
        total.append(atoms.get_total_energy() / len(atoms))
    return samples, np.array(total), options.n_steps / (time.process_time() - begin)


calculators = {"true": LennardJonesCalculator()}
calculators |= {name: HDNNPCalculator(potential) for name, potential in potentials.items()}
runs = {name: simulate(calculator) for name, calculator in calculators.items()}

# %%
# Structure and diffusion
# -----------------------
# ASE computes the radial distribution function, the mean square displacement and, from its slope,
# the self-diffusion coefficient D. The first tenth of each run is left out; D is the mean over
# segments of the rest, ± its standard error. The closest pair shows what means over a run hide: a
# potential that lets two atoms overlap.

SEGMENT = min(60, len(runs["true"][0]) // 3)
R_MAX, BINS = 0.499 * start.cell.lengths()[0], 90


def distances(atoms):
    """All distances in a cube, by the minimum image."""
    vectors = atoms.positions[:, None] - atoms.positions
    vectors -= atoms.cell.lengths() * np.rint(vectors / atoms.cell.lengths())
    return np.linalg.norm(vectors, axis=2)


def mean_rdf(samples):
    """Radial distribution function over samples."""
    functions = [
        get_rdf(atoms, R_MAX, BINS, distance_matrix=distances(atoms), no_dists=True)
        for atoms in samples
    ]
    return np.mean(functions, axis=0)


def closest_pair(samples):
    """Smallest distance of two atoms in any sample."""
    itself = np.diag(np.full(len(samples[0]), np.inf))
    return min((distances(atoms) + itself).min() for atoms in samples)


def diffuse(samples):
    """Mean square displacement, and the diffusion coefficient of each segment."""
    analysis = DiffusionCoefficient(samples, TIMESTEP * INTERVAL)
    analysis.calculate(number_of_segments=len(samples) // SEGMENT)
    # ASE divides the mean square displacement in each direction by 2.
    displacements = 2 * analysis.xyz_segment_ensemble_average[:, 0].mean(axis=0).sum(axis=0)
    return displacements, analysis.slopes[0].mean(axis=1)


print(
    "\n               steps/s   drift (10⁻⁶ ε per atom and time)   D (σ²/time)"
    "   closest pair (σ)   extrapolations"
)
results = {}
for name, (samples, total, speed) in runs.items():
    kept = samples[len(samples) // 10 :]
    displacements, slopes = diffuse(kept)
    results[name] = mean_rdf(kept), displacements, speed
    drift = 1e6 * np.polyfit(TIMESTEP * INTERVAL * np.arange(len(total)), total, 1)[0]
    error = slopes.std(ddof=1) / np.sqrt(len(slopes))
    outside = getattr(calculators[name], "n_extrapolations_", 0) / len(start) / options.n_steps
    print(
        f"{name:>13}: {speed:7.0f} {drift:19.1f} {slopes.mean():25.4f} ± {error:.4f}"
        f" {closest_pair(kept):10.2f} {outside:18.5f} per atom and step"
    )
ratio = results[selected][2] / results["22 functions"][2]
print(f"\n{selected} are {ratio:.1f} times as fast as 22.")

# %%
# The figure
# ----------
# Thick grey lines are the true potential; the others should lie on them.

STYLES = {
    "true": {"color": "0.7", "linewidth": 5},
    "22 functions": {"color": "0.45", "linewidth": 1.5, "linestyle": ":"},
    selected: {"color": "black", "linewidth": 1.2, "linestyle": "--"},
}
centres = (np.arange(BINS) + 0.5) * R_MAX / BINS
figure, (rdf_axes, msd_axes, speed_axes) = plt.subplots(
    1, 3, figsize=(10.5, 3.6), layout="constrained", width_ratios=(3, 3, 2)
)
for name, (rdf, displacements, _) in results.items():
    rdf_axes.plot(centres, rdf, label=name, **STYLES[name])
    lags = TIMESTEP * INTERVAL * np.arange(len(displacements))
    msd_axes.plot(lags, displacements, label=name, **STYLES[name])
rdf_axes.set(title="Structure", xlabel="distance r (σ)", ylabel="g(r)")
msd_axes.set(title="Diffusion", xlabel="time (σ (m/ε)$^{1/2}$)")
msd_axes.set_ylabel("mean square displacement (σ²)")
for axes in (rdf_axes, msd_axes):
    axes.set_xlim(left=0.0)
    axes.set_ylim(bottom=0.0)
    axes.legend(frameon=False)
bars = speed_axes.bar(
    list(potentials), [results[name][2] for name in potentials], color=["0.7", "0.2"], width=0.6
)
speed_axes.bar_label(bars, fmt="{:.0f}")
speed_axes.set(title=f"Speed, {len(start)} atoms", ylabel="time steps per second, one core")
speed_axes.margins(y=0.12)
figure.suptitle(f"Lennard-Jones liquid, T = {TEMPERATURE} ε/k$_B$, ρ = {DENSITY} σ$^{{-3}}$")
figure.savefig(options.output / "molecular_dynamics.png", dpi=150)
print(f"The figure is {options.output}/molecular_dynamics.png.")
