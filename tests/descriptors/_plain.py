"""Symmetry functions written as plainly as possible: the measure for the compiled ones."""

import itertools
import math

import numpy as np
from ase.data import atomic_numbers

CUTOFFS = {
    "cosine": lambda x: 0.5 * (1.0 + math.cos(math.pi * x)) if x < 1 else 0.0,
    "poly2": lambda x: 1.0 - 10.0 * x**3 + 15.0 * x**4 - 6.0 * x**5 if x < 1 else 0.0,
}


def neighbors(atoms, i, r_cut):
    """(atomic number, vector) of every periodic image around atom i, by brute force."""
    found = []
    for shift in itertools.product(*(_shifts(atoms, axis, r_cut) for axis in range(3))):
        for j in range(len(atoms)):
            vector = atoms.positions[j] + np.array(shift) @ atoms.cell.array - atoms.positions[i]
            if (j != i or any(shift)) and np.linalg.norm(vector) < r_cut:
                found.append((atoms.numbers[j], vector))
    return found


def _shifts(atoms, axis, r_cut):
    if not atoms.pbc[axis]:
        return [0]
    # Height of the cell over the other periodic vectors; the others do not limit anything.
    others = [atoms.cell.array[a] for a in range(3) if a != axis and atoms.pbc[a]]
    vector = atoms.cell.array[axis]
    if others:
        basis = np.linalg.qr(np.array(others).T)[0]
        vector = vector - basis @ (basis.T @ vector)
    height = np.linalg.norm(vector)
    extent = np.ptp(atoms.positions @ vector) / height
    n = math.ceil((r_cut + extent) / height) + 1
    return range(-n, n + 1)


def evaluate(atoms, function):
    """Values of one complete definition for all atoms, NaN for other central elements."""
    values = np.full(len(atoms), np.nan)
    for i in np.flatnonzero(atoms.numbers == atomic_numbers[function.center]):
        near = neighbors(atoms, i, function.r_cut)
        values[i] = _g4(near, function) if function.is_angular else _g2(near, function)
    return values


def evaluate_all(atoms, functions):
    """(n_atoms, n_functions)."""
    return np.stack([evaluate(atoms, function) for function in functions], axis=1)


def _g2(near, f):
    cut = CUTOFFS[f.cutoff]
    number = atomic_numbers[f.neighbors[0]]
    return sum(
        math.exp(-f.eta * (np.linalg.norm(v) - f.r_s) ** 2) * cut(np.linalg.norm(v) / f.r_cut)
        for z, v in near
        if z == number
    )


def _g4(near, f):
    cut = CUTOFFS[f.cutoff]
    wanted = sorted(atomic_numbers[symbol] for symbol in f.neighbors)
    total = 0.0
    for (z_j, v_j), (z_k, v_k) in itertools.combinations(near, 2):
        if sorted((z_j, z_k)) != wanted:
            continue
        distances = [np.linalg.norm(v) for v in (v_j, v_k, v_k - v_j)]
        cosine = v_j @ v_k / (distances[0] * distances[1])
        total += (
            max(1.0 + f.lambda_ * cosine, 0.0) ** f.zeta
            * math.exp(-f.eta * sum((r - f.r_s) ** 2 for r in distances))
            * math.prod(cut(r / f.r_cut) for r in distances)
        )
    return 2.0 ** (1.0 - f.zeta) * total
