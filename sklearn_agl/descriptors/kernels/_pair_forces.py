"""Pair terms of one atom with its neighbours: energy, forces and strain."""

import math

from sklearn_agl.compiled._jit import helper
from sklearn_agl.compiled._pair_terms import REACH, repel
from sklearn_agl.descriptors.kernels._neighbors import SLOT, SQUARE, TOO_CLOSE, X


@helper
def add_pairs_of_atom(i, n, around, species, order, terms, gradient, strain):
    """Half the energy of the pairs of an atom; adds their part to gradient and strain."""
    rows, energy = terms.rows[species[i]], 0.0
    for p in range(n):
        square = around[SQUARE, p]
        if square >= terms.reach * terms.reach or square < TOO_CLOSE * TOO_CLOSE:
            continue
        j, r = order[int(around[SLOT, p])], math.sqrt(square)
        row = rows[species[j]]
        if r >= row[REACH]:
            continue
        own, slope = repel(terms.kind, row, r)
        energy += 0.5 * own
        for axis in range(3):
            push = 0.5 * slope / r * around[X + axis, p]
            gradient[j, axis] += push
            gradient[i, axis] -= push
            for other in range(3):
                strain[other, axis] += around[X + other, p] * push
    return energy
