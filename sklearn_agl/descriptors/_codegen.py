"""Writes the source of the kernel for a set of symmetry functions, and compiles it.

Only what decides the shape of the innermost loop is written into the source: which cutoff functions
there are, and which powers of (1 ± cos theta) each angular group needs. All numbers (eta, r_s,
radii, columns) are run-time arguments, so different sets often share one compiled kernel.
"""

from functools import lru_cache

from ._compile_cache import load_kernel

HEADER = '''\
"""Symmetry function kernel, written by sklearn_agl.descriptors._codegen."""

import numpy as np
from numba import njit

from sklearn_agl._vector_math import exp
from sklearn_agl.descriptors._cutoffs import {cutoffs}
from sklearn_agl.descriptors._kernels import (
    JIT_OPTIONS, LANES, STREAM_LENGTH, add_radial, allocate, append_triplets, finish_stream,
    load_neighbors, sort_neighbors,
)

OPTIONS = dict(JIT_OPTIONS, cache=CACHE)
'''

CUTOFF_LOOP = """

@njit(**JIT_OPTIONS)
def multiply_by_{name}(x, n, weight):
    for t in range(n):
        weight[t] *= {name}(min(x[t], 1.0))
"""

# G4 of one group of triplets, all its zeta and lambda at once:
# 2^(1 - zeta) sum (1 + lambda cos)^zeta exp(-eta [(r_ij - r_s)² + (r_ik - r_s)² + (r_jk - r_s)²])
#     f_c(r_ij) f_c(r_ik) f_c(r_jk)
# The square bracket is (sum of r²) - 2 r_s (sum of r) + 3 r_s².
GROUP_LOOP = """

@njit(**JIT_OPTIONS)
def add_group_{number}(cosine_theta, squares, weight, perimeter, n, eta, r_s, columns, out):
    a = -eta
    b = 2.0 * eta * r_s
    c = -3.0 * eta * r_s * r_s
    {sums} = {zeros}
    for t in range((n + LANES - 1) // LANES * LANES):
        w = weight[t] * exp(a * squares[t] + b * perimeter[t] + c)
{powers}
{additions}
{results}
"""

DRIVER = '''

@njit(**OPTIONS)
def evaluate(pairs, vectors, species, n_species, plan, out):
    """Add the symmetry functions of every atom to `out` (n_atoms, n_functions).

    Returns the number of an atom that shares its place with another one, or -1.
    """
    n_atoms = len(species)
    starts = np.zeros(n_atoms * n_species + 1, dtype=np.int64)
    sorted_vectors = np.empty((len(pairs), 3))
    clash = sort_neighbors(pairs, vectors, species, n_species, starts, sorted_vectors)
    if clash >= 0:
        return clash
    near, stream = allocate(n_species, np.max(np.diff(starts)))
    counts = np.zeros(n_species, dtype=np.int64)
    for i in range(n_atoms):
        for shell in range(plan.shell_starts[species[i]], plan.shell_starts[species[i] + 1]):
            r_cut = plan.shell_r_cut[shell]
            cutoff = plan.shell_cutoff[shell]
            for e in range(n_species):
                row = i * n_species + e
                block = near[e]
                n = load_neighbors(sorted_vectors[starts[row]:starts[row + 1]], r_cut, block)
                counts[e] = n
                for k in range(n):
                    block[6, k] = 1.0
                for k in range(n, n + LANES):
                    block[6, k] = 0.0
                scaled = stream[0]
                for k in range(n):
                    scaled[k] = block[3, k] / r_cut
                multiply_by_cutoff(cutoff, scaled, n, block[6])
                first = plan.radial_starts[shell * n_species + e]
                last = plan.radial_starts[shell * n_species + e + 1]
                add_radial(block[3], block[6], n, plan.radial_eta[first:last],
                           plan.radial_r_s[first:last], plan.radial_column[first:last], out[i])
            for e in range(n_species):
                for e2 in range(e, n_species):
                    pair = (shell * n_species + e) * n_species + e2
                    if plan.group_starts[pair] == plan.group_starts[pair + 1]:
                        continue
                    n = 0
                    for j in range(counts[e]):
                        n_second = j if e == e2 else counts[e2]
                        n = append_triplets(near[e], j, near[e2], n_second, r_cut, stream, n)
                        if n >= STREAM_LENGTH:
                            add_stream(stream, n, r_cut, cutoff, pair, plan, out[i])
                            n = 0
                    add_stream(stream, n, r_cut, cutoff, pair, plan, out[i])
    return -1
'''

STREAM = """

@njit(**JIT_OPTIONS)
def add_stream(stream, n, r_cut, cutoff, pair, plan, out):
    finish_stream(stream, n, r_cut)
    multiply_by_cutoff(cutoff, stream[2], n, stream[3])
    for g in range(plan.group_starts[pair], plan.group_starts[pair + 1]):
        shape = plan.group_shape[g]
        eta, r_s = plan.group_eta[g], plan.group_r_s[g]
        columns = plan.columns[plan.column_starts[g]:plan.column_starts[g + 1]]
{calls}
"""


@lru_cache(maxsize=256)
def compile_kernel(shapes, cutoffs):
    """Compiled kernel for some shapes of angular groups and some cutoff functions.

    Parameters
    ----------
    shapes : tuple of tuple of (float, int)
        The (zeta, lambda) of each kind of group.
    cutoffs : tuple of str
        Names of cutoff functions.

    Returns
    -------
    callable
        ``evaluate(pairs, vectors, species, n_species, plan, out)``.
    """
    return load_kernel(write_source(shapes, cutoffs)).evaluate


def write_source(shapes, cutoffs):
    """Source of the module that `compile_kernel` compiles."""
    parts = [HEADER.format(cutoffs=", ".join(cutoffs))]
    parts += [CUTOFF_LOOP.format(name=name) for name in cutoffs]
    parts.append(
        _dispatch(
            "multiply_by_cutoff(number, x, n, weight)",
            "number",
            [f"multiply_by_{name}(x, n, weight)" for name in cutoffs],
        )
    )
    parts += [_group_source(number, shape) for number, shape in enumerate(shapes)]
    calls = [
        f"add_group_{number}(stream[0], stream[1], stream[3], stream[4], n, eta, r_s, columns, out)"
        for number in range(len(shapes))
    ]
    parts += [STREAM.format(calls=_branches("shape", calls, indent=8)), DRIVER]
    return "".join(parts)


def _dispatch(head, variable, calls):
    return f"\n\n@njit(**JIT_OPTIONS)\ndef {head}:\n{_branches(variable, calls, indent=4)}\n"


def _branches(variable, calls, indent):
    pad = " " * indent
    lines = [f"{pad}if {variable} == {i}:\n{pad}    {call}" for i, call in enumerate(calls)]
    return "\n".join(lines) or f"{pad}pass"


def _group_source(number, shape):
    powers, additions = _Powers(), []
    for i, (zeta, lambda_) in enumerate(shape):
        additions.append(f"        sum_{i} += w * {powers.power(zeta, lambda_)}")
    results = [
        f"    out[columns[{i}]] += {2.0 ** (1.0 - zeta)!r} * sum_{i}"
        for i, (zeta, _) in enumerate(shape)
    ]
    return GROUP_LOOP.format(
        number=number,
        sums=", ".join(f"sum_{i}" for i in range(len(shape))),
        zeros=", ".join("0.0" for _ in shape),
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
            return self._define(name, f"1.0 {'+' if lambda_ > 0 else '-'} cosine_theta[t]")
        half = self.power(zeta // 2, lambda_)
        if zeta % 2 == 0:
            return self._define(name, f"{half} * {half}")
        return self._define(name, f"{self.power(zeta - 1, lambda_)} * {self.power(1, lambda_)}")

    def _define(self, name, expression):
        if name not in self._known:
            self._known.add(name)
            self.lines.append(f"{name} = {expression}")
        return name
