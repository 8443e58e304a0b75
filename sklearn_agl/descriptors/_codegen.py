"""Writes the source of the kernel for a set of symmetry functions, and compiles it.

Only what decides the shape of the innermost loop is written into the source: which cutoff functions
there are, and which powers of (1 ± cos theta) each angular group needs. All numbers (eta, r_s,
radii, columns) are run-time arguments, so different sets often share one compiled kernel.
"""

from functools import lru_cache

from ._compile_cache import load_kernel

HEADER = '''\
"""Symmetry function kernel, written by sklearn_agl.descriptors._codegen."""

import math

from numba import njit

from sklearn_agl._vector_math import exp_of_negative
from sklearn_agl.descriptors._cutoffs import {cutoffs}
from sklearn_agl.descriptors._kernels import (
    CHUNK, JIT_OPTIONS, STREAM_LENGTH, add_perimeter, add_radial, fill_blocks, load_neighbors,
    sort_neighbors,
)
from sklearn_agl.descriptors._triplets import LANES, {append} as append_triplets
'''

# The weight of a neighbour or of a triplet gets the factor f_c(r).
CUTOFF_LOOP = """

@njit(**JIT_OPTIONS)
def multiply_by_{name}(squares, n, r_cut, weight):
    inverse = 1.0 / r_cut
    for t in range(n):
        weight[t] *= {name}(min(math.sqrt(squares[t]) * inverse, 1.0))
"""

CUTOFF_CHOICE = """

@njit(**JIT_OPTIONS)
def multiply_by_cutoff(cutoff, squares, n, r_cut, weight):
{calls}
"""

# G4 of one group of triplets, all its zeta and lambda at once:
# 2^(1 - zeta) sum (1 + lambda cos)^zeta exp(-eta [(r_ij - r_s)² + (r_ik - r_s)² + (r_jk - r_s)²])
#     f_c(r_ij) f_c(r_ik) f_c(r_jk)
# The square bracket is (sum of r²) - 2 r_s (sum of r) + 3 r_s².
GROUP_LOOP = """

@njit(**JIT_OPTIONS)
def add_group_{number}(stream, n, eta, r_s, columns, first, out):
    cosine, squares, weight{rows} = stream[0], stream[1], stream[3]{values}
    {sums} = {zeros}
    for t in range((n + LANES - 1) // LANES * LANES):
        w = weight[t] * exp_of_negative({exponent})
{powers}
{additions}
{results}
"""

STREAM = """

@njit(**JIT_OPTIONS)
def add_stream(stream, n, r_cut, cutoff, pair, plan, out):
    for row in range(5):
        for t in range(n, n + LANES):
            stream[row, t] = 0.0
    multiply_by_cutoff(cutoff, stream[2], n, r_cut, stream[3])
{perimeter}
    for g in range(plan.group_starts[pair], plan.group_starts[pair + 1]):
        shape, eta, r_s = plan.group_shape[g], plan.group_eta[g], plan.group_r_s[g]
        first = plan.column_starts[g]
{calls}
"""

DRIVER = '''

@njit(**JIT_OPTIONS, cache=CACHE)
def evaluate(neighbors, species, plan, scratch, out):
    """Add the symmetry functions of every atom to `out` (n_atoms, n_functions).

    Returns the number of an atom that shares its place with another one, or -1.
    """
    starts, vectors, near, blocks, counts, stream = scratch
    n_species = len(counts)
    clash = sort_neighbors(neighbors, species, n_species, starts, vectors)
    if clash >= 0:
        return clash
    for i in range(len(species)):
        for shell in range(plan.shell_starts[species[i]], plan.shell_starts[species[i] + 1]):
            r_cut, cutoff = plan.shell_r_cut[shell], plan.shell_cutoff[shell]
            for e in range(n_species):
                row = i * n_species + e
                counts[e] = load_neighbors(vectors, starts[row], starts[row + 1], r_cut, near[e])
                multiply_by_cutoff(cutoff, near[e, 4], counts[e], r_cut, near[e, 6])
                fill_blocks(near[e], counts[e], blocks[e])
                add_radial(near[e], counts[e], plan, shell * n_species + e, out[i])
            for e in range(n_species):
                for e2 in range(e, n_species):
                    pair = (shell * n_species + e) * n_species + e2
                    if plan.group_starts[pair] == plan.group_starts[pair + 1]:
                        continue
                    n = 0
                    for j in range(counts[e]):
                        n_second = j if e == e2 else counts[e2]
                        for k in range(0, n_second, CHUNK):
                            if n > STREAM_LENGTH - CHUNK:
                                add_stream(stream, n, r_cut, cutoff, pair, plan, out[i])
                                n = 0
                            n = append_triplets(
                                near[e], j, blocks[e2], k, min(k + CHUNK, n_second),
                                r_cut * r_cut, stream, n,
                            )
                    add_stream(stream, n, r_cut, cutoff, pair, plan, out[i])
    return -1
'''


@lru_cache(maxsize=256)
def compile_kernel(shapes, cutoffs):
    """Compiled kernel for some shapes of angular groups and some cutoff functions.

    Parameters
    ----------
    shapes : tuple of GroupShape
        What each kind of angular group needs.
    cutoffs : tuple of str
        Names of cutoff functions.

    Returns
    -------
    callable
        ``evaluate(neighbors, species, plan, scratch, out)``.
    """
    return load_kernel(write_source(shapes, cutoffs)).evaluate


def write_source(shapes, cutoffs):
    """Source of the module that `compile_kernel` compiles."""
    shifted = any(shape.shifted for shape in shapes)
    append = "append_shifted_triplets" if shifted else "append_triplets"
    parts = [HEADER.format(cutoffs=", ".join(cutoffs), append=append)]
    parts += [CUTOFF_LOOP.format(name=name) for name in cutoffs]
    calls = [f"multiply_by_{name}(squares, n, r_cut, weight)" for name in cutoffs]
    parts.append(CUTOFF_CHOICE.format(calls=_branches("cutoff", calls, indent=4)))
    parts += [_group_source(number, shape) for number, shape in enumerate(shapes)]
    calls = [
        f"add_group_{number}(stream, n, eta, r_s, plan.columns, first, out)"
        for number in range(len(shapes))
    ]
    parts.append(
        STREAM.format(
            calls=_branches("shape", calls, indent=8),
            perimeter="    add_perimeter(stream, n)" if shifted else "",
        )
    )
    return "".join([*parts, DRIVER])


def _branches(variable, calls, indent):
    pad = " " * indent
    lines = [f"{pad}if {variable} == {i}:\n{pad}    {call}" for i, call in enumerate(calls)]
    return "\n".join(lines) or f"{pad}pass"


def _group_source(number, shape):
    powers, additions = _Powers(), []
    for i, (zeta, lambda_) in enumerate(shape.powers):
        additions.append(f"        sum_{i} += w * {powers.power(zeta, lambda_)}")
    results = [
        f"    out[columns[first + {i}]] += {2.0 ** (1.0 - zeta)!r} * sum_{i}"
        for i, (zeta, _) in enumerate(shape.powers)
    ]
    exponent = "-eta * squares[t]"
    if shape.shifted:
        exponent = "-eta * (squares[t] - r_s * (2.0 * perimeter[t] - 3.0 * r_s))"
    return GROUP_LOOP.format(
        number=number,
        rows=", perimeter" if shape.shifted else "",
        values=", stream[4]" if shape.shifted else "",
        exponent=exponent,
        sums=", ".join(f"sum_{i}" for i in range(len(additions))),
        zeros=", ".join("0.0" for _ in additions),
        powers="\n".join(f"        {line}" for line in powers.lines),
        additions="\n".join(additions),
        results="\n".join(results),
    )


class _Powers:
    """Names and lines of code for powers of (1 ± cos theta), by repeated squaring."""

    def __init__(self):
        self.lines = []
        self._known = set()

    def power(self, zeta, lambda_):
        """Name of the variable that holds (1 + lambda cos theta)^zeta."""
        base = "p" if lambda_ > 0 else "m"
        if not float(zeta).is_integer():
            name = f"{base}_{str(zeta).replace('.', '_')}"
            # Rounding can bring 1 ± cos below zero, whose real power would be NaN.
            return self._define(name, f"max({self.power(1, lambda_)}, 0.0) ** {zeta!r}")
        zeta = int(zeta)
        name = f"{base}{zeta}"
        if zeta == 1:
            return self._define(name, f"1.0 {'+' if lambda_ > 0 else '-'} cosine[t]")
        half = self.power(zeta // 2, lambda_)
        if zeta % 2 == 0:
            return self._define(name, f"{half} * {half}")
        return self._define(name, f"{self.power(zeta - 1, lambda_)} * {self.power(1, lambda_)}")

    def _define(self, name, expression):
        if name not in self._known:
            self._known.add(name)
            self.lines.append(f"{name} = {expression}")
        return name
