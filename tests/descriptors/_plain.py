"""Symmetry functions written as plainly as possible: the measure for the compiled ones."""

import itertools
import math

import numpy as np
from ase.data import atomic_numbers

CUTOFFS = {
    "cosine": lambda x: 0.5 * (1.0 + math.cos(math.pi * x)),
    "tanh": lambda x: (math.tanh(1.0 - x) / math.tanh(1.0)) ** 3,
    "tanhu": lambda x: math.tanh(1.0 - x) ** 3,
    "exp": lambda x: math.exp(1.0 - 1.0 / (1.0 - x * x)),
    "poly1": lambda x: 1.0 - 3.0 * x**2 + 2.0 * x**3,
    "poly2": lambda x: 1.0 - 10.0 * x**3 + 15.0 * x**4 - 6.0 * x**5,
    "poly3": lambda x: 1.0 - 35.0 * x**4 + 84.0 * x**5 - 70.0 * x**6 + 20.0 * x**7,
    "poly4": lambda x: 1 - 126 * x**5 + 420 * x**6 - 540 * x**7 + 315 * x**8 - 70 * x**9,
    "hard": lambda x: 1.0,
}


def cutoff(r, function):
    """f_c(r)."""
    if r >= function.r_cut:
        return 0.0
    x = (r - function.r_inner) / (function.r_cut - function.r_inner)
    return CUTOFFS[function.cutoff](max(x, 0.0))


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
        values[i] = (_angular if function.is_angular else _radial)(near, function)
    return values


def evaluate_all(atoms, functions):
    """(n_atoms, n_functions)."""
    return np.stack([evaluate(atoms, function) for function in functions], axis=1)


def _weight(numbers, f):
    """Weight of a neighbour or a pair of them: 0 if the function does not look at its elements."""
    if f.weighted:
        return math.prod(numbers)
    return sorted(numbers) == sorted(atomic_numbers[symbol] for symbol in f.neighbors)


def _radial(near, f):
    total = 0.0
    for z, vector in near:
        r = np.linalg.norm(vector)
        if f.kind == "G3":
            value = math.cos(f.kappa * r)
        else:
            value = math.exp(-(f.eta or 0.0) * (r - f.r_s) ** 2)
        total += _weight([z], f) * value * cutoff(r, f)
    return total


def _angular(near, f):
    total = 0.0
    for (z_j, v_j), (z_k, v_k) in itertools.combinations(near, 2):
        distances = [np.linalg.norm(v) for v in (v_j, v_k, v_k - v_j)]
        cosine = v_j @ v_k / (distances[0] * distances[1])
        if f.kind == "G5":
            distances.pop()
        total += (
            _weight([z_j, z_k], f)
            * max(1.0 + f.lambda_ * cosine, 0.0) ** f.zeta
            * math.exp(-f.eta * sum((r - f.r_s) ** 2 for r in distances))
            * math.prod(cutoff(r, f) for r in distances)
        )
    return 2.0 ** (1.0 - f.zeta) * total
