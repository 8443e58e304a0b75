"""What training on stresses brings: elastic constants of copper and silicon.

    OMP_NUM_THREADS=1 python benchmarks/bench_stress.py

Energies, forces and stresses are those of potentials of ASE: EMT for copper, Tersoff's for silicon
(Phys. Rev. B 37, 6991 (1988), table I). 80 strained and rattled crystals are trained on, 40 others
are tested. Errors of the elastic constants are relative to those of ASE's potential, without
relaxation of the atoms inside the cell; the worst is that of all constants and seeds.
"""

import argparse
import warnings

import numpy as np
from _records import TRAINING, parse
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.calculators.tersoff import Tersoff, TersoffParameters
from sklearn.pipeline import make_pipeline

from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
from sklearn_agl.potentials import HDNNPCalculator

SILICON = TersoffParameters(
    m=3, gamma=1, lambda3=0, c=1.0039e5, d=16.217, h=-0.59825, n=0.78734, beta=1.1e-6,
    lambda2=1.7322, B=471.18, R=2.85, D=0.15, lambda1=2.4799, A=1830.8,
)  # fmt: skip
SYSTEMS = {
    "copper": (bulk("Cu", a=3.61, cubic=True), EMT),
    "silicon": (
        bulk("Si", a=5.432, cubic=True),
        lambda: Tersoff({("Si", "Si", "Si"): SILICON}),
    ),
}
LABELS = {
    "energies": {"forces": None},
    "energies, forces": {"stress": None},
    "energies, forces, stresses": {},
}
STRAINS = {"C11": ((0, 0), 0), "C12": ((1, 1), 0), "C44": ((1, 2), 3)}
"""Which strain shows a constant, and in which component of the stress."""
STEP = 1e-3


def elastic_constants(crystal, calculator):
    """C11, C12 and C44 by central differences, in ASE's unit."""
    found = []
    for (i, j), component in STRAINS.values():
        stresses = []
        for step in (STEP, -STEP):
            strain = np.eye(3)
            strain[i, j] += step / 2
            strain[j, i] += step / 2
            atoms = crystal.copy()
            atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
            atoms.calc = calculator
            stresses.append(atoms.get_stress()[component])
        found.append((stresses[0] - stresses[1]) / (2 * STEP))
    return np.array(found)


def shaken(crystal, make_calculator, n):
    """Strained and rattled crystals with all labels."""
    rng, structures = np.random.RandomState(0), []
    for _ in range(n):
        atoms = crystal.copy()
        strain = np.eye(3) + rng.normal(scale=0.015, size=(3, 3))
        atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
        atoms.rattle(0.06, rng=rng)
        atoms.calc = make_calculator()
        labels = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
        atoms.calc = SinglePointCalculator(atoms, **labels, stress=atoms.get_stress())
        structures.append(atoms)
    return structures


def errors_of(pipe, structures):
    """Root mean square errors of energies per atom and of components of the forces, in 10⁻³."""
    energies, forces = [], []
    for atoms in structures:
        own = atoms.copy()
        own.calc = HDNNPCalculator(pipe)
        difference = own.get_potential_energy() - atoms.get_potential_energy()
        energies.append(difference / len(atoms))
        forces.append((own.get_forces() - atoms.get_forces()).ravel())
    return 1e3 * np.array([np.std(energies), np.sqrt(np.mean(np.concatenate(forces) ** 2))])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    arguments, record = parse(parser, TRAINING)
    warnings.simplefilter("ignore")
    with record:
        for name, (crystal, make_calculator) in SYSTEMS.items():
            structures = shaken(crystal, make_calculator, 120)
            true = elastic_constants(crystal, make_calculator())
            for labels, settings in LABELS.items():
                errors, constants = [], []
                for seed in range(arguments.seeds):
                    model = HDNNPRegressor(random_state=seed, **settings)
                    pipe = make_pipeline(SymmetryFunctionTransformer(), model).fit(structures[:80])
                    errors.append(errors_of(pipe, structures[80:]))
                    constants.append(elastic_constants(crystal, HDNNPCalculator(pipe)))
                off = 100 * np.abs(np.array(constants) / true - 1.0)
                energy, force = np.mean(errors, axis=0)
                row = {"meV/atom": energy, "meV/Å": force}
                row |= {f"{c} off (%)": o for c, o in zip(STRAINS, off.mean(axis=0), strict=True)}
                record.add("Labels", system=name, labels=labels, **row, **{"worst (%)": off.max()})


if __name__ == "__main__":
    main()
