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

import numpy as np
from numba import njit

from sklearn_agl._vector_math import exp_of_negative
from sklearn_agl.descriptors._cells import FAR, collect, make_grid
from sklearn_agl.descriptors._cutoffs import CUTOFFS, LARGEST
from sklearn_agl.descriptors._kernels import (
    BY_COSINE, BY_DISTANCE, BY_SQUARE, CHUNK, D_COSINE, D_PERIMETER, D_SQUARES, D_WEIGHTS,
    JIT_OPTIONS, SLOPE, SLOPES, STREAM_LENGTH, TOTAL, add_perimeter, allocate, fill_blocks,
    load_neighbors,
)
from sklearn_agl.descriptors._programs import (
    after_groups_{program} as after_groups, before_groups_{program} as before_groups,
    begin_{program} as begin, finish_{program} as finish, is_idle_{program} as is_idle,
    radial_{program} as add_radial,
)
from sklearn_agl.descriptors._triplets import (
    COSINE, LANES, OPPOSITE, PERIMETER, SQUARE, SQUARES, WEIGHT, WEIGHTS,
    {append} as append_triplets,
)
'''

# The weight of a neighbour or of a triplet gets the factor f_c(r); derivatives also need
# f_c' / (f_c r).
CUTOFF_LOOP = """
{name}, {name}_slope = CUTOFFS["{name}"]


@njit(**JIT_OPTIONS)
def weigh_{name}(squares, n, r_inner, r_cut, weight, slope):
    scale = 1.0 / (r_cut - r_inner)
    for t in range(n):
        distance = math.sqrt(squares[t])
        x = min(max((distance - r_inner) * scale, 0.0), LARGEST)
        weight[t] *= {name}(x)
{slopes}
"""
SLOPES = "        slope[t] = scale * {name}_slope(x) / distance"

CUTOFF_CHOICE = """

@njit(**JIT_OPTIONS)
def weigh(plan, shell, squares, n, weight, slope):
    r_inner, r_cut = plan.shell_r_inner[shell], plan.shell_r_cut[shell]
    cutoff = plan.shell_cutoff[shell]
{calls}
"""

# G4 and G5 of one group of triplets, all its zeta and lambda at once:
# 2^(1 - zeta) sum (1 + lambda cos)^zeta exp(-eta [(r_ij - r_s)² + (r_ik - r_s)² + (r_jk - r_s)²])
#     f_c(r_ij) f_c(r_ik) f_c(r_jk)
# The square bracket is (sum of r²) - 2 r_s (sum of r) + (number of sides) r_s²; G5 has no r_jk.
GROUP_LOOPS = {
    "values": """

@njit(**JIT_OPTIONS, inline="always")
def add_group_{number}(stream, n, eta, r_s, sides, factor, columns, first, row):
    cosine, squares = stream[COSINE], stream[SQUARES]
    weight, perimeter = stream[WEIGHTS], stream[PERIMETER]
    {sums} = {zeros}
    for t in range((n + LANES - 1) // LANES * LANES):
        w = weight[t] * exp_of_negative({exponent})
{powers}
{additions}
{results}
""",
    # Sums over the functions, weighted by dE/dG: the energy, and its derivative by the cosine.
    # (d/dcos) p^zeta = zeta lambda p^(zeta - 1).
    "vjp": """

@njit(**JIT_OPTIONS, inline="always")
def add_group_{number}(stream, n, eta, r_s, sides, factor, columns, first, row):
    cosine, squares = stream[COSINE], stream[SQUARES]
    weight, perimeter = stream[WEIGHTS], stream[PERIMETER]
    total, by_cosine = stream[TOTAL], stream[BY_COSINE]
    by_square, by_distance = stream[BY_SQUARE], stream[BY_DISTANCE]
{coefficients}
    if {idle}:
        return
    for t in range((n + LANES - 1) // LANES * LANES):
        w = weight[t] * exp_of_negative({exponent})
{powers}
        value, turn = 0.0, 0.0
{additions}
        total[t] += w * value
        by_cosine[t] += w * turn
        by_square[t] -= 2.0 * eta * (w * value)
{distances}
""",
    "jvp": """

@njit(**JIT_OPTIONS, inline="always")
def add_group_{number}(stream, n, eta, r_s, sides, factor, columns, first, row):
    cosine, squares = stream[COSINE], stream[SQUARES]
    weight, perimeter = stream[WEIGHTS], stream[PERIMETER]
    d_cosine, d_squares = stream[D_COSINE], stream[D_SQUARES]
    d_weights, d_perimeter = stream[D_WEIGHTS], stream[D_PERIMETER]
    {sums} = {zeros}
    for t in range((n + LANES - 1) // LANES * LANES):
        w = weight[t] * exp_of_negative({exponent})
        change = d_weights[t] - eta * (d_squares[t] - 2.0 * r_s * d_perimeter[t])
{powers}
{additions}
{results}
""",
}

_BY_DISTANCE = "        by_distance[t] += 2.0 * eta * r_s * (w * value)"

STREAM = """

@njit(**JIT_OPTIONS)
def add_stream(work, e, e2, n, plan, shell, narrow, row):
    stream = work.stream
    for line in range(7):
        for t in range(n, n + LANES):
            stream[line, t] = 0.0
    if narrow:
        weigh(plan, shell, stream[OPPOSITE], n, stream[WEIGHTS], stream[SLOPES])
{perimeter}
    before_groups(work, e, e2, n, 1.0 if narrow else 0.0)
    pair = pair_number(plan, shell, narrow, e, e2, len(work.counts))
    sides = 3.0 if narrow else 2.0
    for g in range(plan.group_starts[pair], plan.group_starts[pair + 1]):
        shape, factor, first = plan.group_shape[g], plan.group_factor[g], plan.column_starts[g]
        eta, r_s = plan.group_eta[g], plan.group_r_s[g]
{calls}
    after_groups(work, e, e2, n, 1.0 if narrow else 0.0, {shifted})
"""

DRIVER = '''

@njit(**JIT_OPTIONS, inline="always")
def pair_number(plan, shell, narrow, e, e2, n_elements):
    return ((2 * shell + (0 if narrow else 1)) * n_elements + e) * n_elements + e2


@njit(**JIT_OPTIONS)
def add_angular(work, e, e2, plan, shell, narrow, row):
    pair = pair_number(plan, shell, narrow, e, e2, len(work.counts))
    if plan.group_starts[pair] == plan.group_starts[pair + 1]:
        return
    near, blocks, stream = work.near[e], work.blocks[e2], work.stream
    n = np.int64(0)  # a bare 0 would have a type of its own, and everything compiled twice
    limit = plan.shell_r_cut[shell] ** 2 if narrow else FAR
    for j in range(work.counts[e]):
        n_second = j if e == e2 else work.counts[e2]
        for k in range(0, n_second, CHUNK):
            if n > STREAM_LENGTH - CHUNK:
                add_stream(work, e, e2, n, plan, shell, narrow, row)
                n = np.int64(0)
            last = min(k + CHUNK, n_second)
            n = append_triplets(near, j, blocks, k, last, limit, 1.0 if narrow else 0.0, stream, n)
    add_stream(work, e, e2, n, plan, shell, narrow, row)


@njit(**JIT_OPTIONS, inline="always")
def add_atom(i, species, first, structure, n_around, order, plan, work, data):
    row, n_elements = data.table[first + i], len(work.counts)
    for shell in range(plan.shell_starts[species[i]], plan.shell_starts[species[i] + 1]):
        for e in range(n_elements):
            near = work.near[e]
            load_neighbors(work, n_around, species, order, e, plan.shell_r_cut[shell])
            weigh(plan, shell, near[SQUARE], work.counts[e], near[WEIGHT], near[SLOPE])
            fill_blocks(near, work.counts[e], work.blocks[e])
            begin(data, structure, first, i, work, e)
            start = shell * n_elements + e
            add_radial(work, e, plan, plan.radial_starts[start], plan.radial_starts[start + 1], row)
        for e in range(n_elements):
            for e2 in range(e, n_elements):
                for kind in range(2):
                    add_angular(work, e, e2, plan, shell, kind == 0, row)
        for e in range(n_elements):
            finish(data, structure, first, i, work, e)


@njit(**JIT_OPTIONS, cache=CACHE)
def evaluate(batch, n_elements, plan, data):
    """Run the program for all atoms of all structures of a batch."""
    for structure in range(len(batch.cells)):
        first, last = batch.starts[structure], batch.starts[structure + 1]
        cell, periodic = batch.cells[structure], batch.periodic[structure]
        species, r_cut = batch.species[first:last], plan.r_cut[0]
        grid = make_grid(batch, structure, r_cut)
        work = allocate(grid.capacity, n_elements)
        for slot in range(last - first):
            i = grid.order[slot]
            if is_idle(data.table[first + i]):
                continue
            n_around = collect(slot, grid, cell, periodic, r_cut, work.around, work.slots)
            add_atom(i, species, first, structure, n_around, grid.order, plan, work, data)
'''


@lru_cache(maxsize=256)
def compile_kernel(shapes, cutoffs, program="values"):
    """Compiled kernel for some shapes of angular groups and some cutoff functions.

    Parameters
    ----------
    shapes : tuple of GroupShape
        What each kind of angular group needs.
    cutoffs : tuple of str
        Names of cutoff functions.
    program : {"values", "vjp", "jvp"}, default="values"
        What to compute; see `_programs`.

    Returns
    -------
    callable
        ``evaluate(batch, n_elements, plan, data)``, with `data` of the program.
    """
    return load_kernel(write_source(shapes, cutoffs, program)).evaluate


def write_source(shapes, cutoffs, program="values"):
    """Source of the module that `compile_kernel` compiles."""
    shifted = any(shape.shifted for shape in shapes)
    append = "append_shifted_triplets" if shifted else "append_triplets"
    if program != "values":
        append = "append_indexed_triplets"
    parts = [HEADER.format(append=append, program=program)]
    for name in cutoffs:
        slopes = "" if program == "values" else SLOPES.format(name=name)
        parts.append(CUTOFF_LOOP.format(name=name, slopes=slopes))
    calls = [f"weigh_{name}(squares, n, r_inner, r_cut, weight, slope)" for name in cutoffs]
    parts.append(CUTOFF_CHOICE.format(calls=_branches("cutoff", calls, indent=4)))
    parts += [_group_source(number, shape, program) for number, shape in enumerate(shapes)]
    calls = [
        f"add_group_{number}(stream, n, eta, r_s, sides, factor, plan.columns, first, row)"
        for number in range(len(shapes))
    ]
    perimeter = "    if narrow:\n        add_perimeter(stream, n)" if shifted else ""
    calls = _branches("shape", calls, indent=8)
    parts.append(STREAM.format(calls=calls, perimeter=perimeter, shifted=shifted))
    return "".join([*parts, DRIVER])


def _branches(variable, calls, indent):
    pad = " " * indent
    lines = [f"{pad}if {variable} == {i}:\n{pad}    {call}" for i, call in enumerate(calls)]
    return "\n".join(lines) or f"{pad}pass"


def _group_source(number, shape, program):
    powers = _Powers()
    exponent = "-eta * squares[t]"
    if shape.shifted:
        exponent = "-eta * (squares[t] - r_s * (2.0 * perimeter[t] - sides * r_s))"
    numbers = range(len(shape.powers))
    additions = [
        _ADDITIONS[program](i, powers, zeta, lambda_)
        for i, (zeta, lambda_) in enumerate(shape.powers)
    ]
    scales = [f"{2.0 ** (1.0 - zeta)!r} * factor" for zeta, _ in shape.powers]
    return GROUP_LOOPS[program].format(
        number=number,
        exponent=exponent,
        sums=", ".join(f"sum_{i}" for i in numbers),
        zeros=", ".join("0.0" for _ in numbers),
        coefficients="\n".join(
            f"    a_{i} = {scale} * row[columns[first + {i}]]" for i, scale in enumerate(scales)
        ),
        idle=" and ".join(f"a_{i} == 0.0" for i in numbers),
        powers="\n".join(f"        {line}" for line in powers.lines),
        additions="\n".join(f"        {line}" for lines in additions for line in lines),
        distances=_BY_DISTANCE if shape.shifted else "",
        results="\n".join(
            f"    row[columns[first + {i}]] += {scale} * sum_{i}" for i, scale in enumerate(scales)
        ),
    )


def _value_lines(i, powers, zeta, lambda_):
    return [f"sum_{i} += w * {powers.power(zeta, lambda_)}"]


def _vjp_lines(i, powers, zeta, lambda_):
    return [
        f"value += a_{i} * {powers.power(zeta, lambda_)}",
        f"turn += {zeta * lambda_!r} * a_{i} * {powers.slope(zeta, lambda_)}",
    ]


def _jvp_lines(i, powers, zeta, lambda_):
    power, slope = powers.power(zeta, lambda_), powers.slope(zeta, lambda_)
    return [f"sum_{i} += w * ({power} * change + {zeta * lambda_!r} * {slope} * d_cosine[t])"]


_ADDITIONS = {"values": _value_lines, "vjp": _vjp_lines, "jvp": _jvp_lines}


class _Powers:
    """Names and lines of code for powers of p = 1 ± cos theta, by repeated squaring."""

    def __init__(self):
        self.lines = []
        self._known = set()

    def power(self, zeta, lambda_):
        """Name of the variable that holds p^zeta."""
        base = _base(lambda_)
        if not float(zeta).is_integer():
            # Rounding can bring 1 ± cos below zero, whose real power would be NaN.
            value = f"max({self.power(1, lambda_)}, {FLOOR!r}) ** {zeta!r}"
            return self._define(f"{base}_{_identifier(zeta)}", value)
        zeta = int(zeta)
        if zeta == 1:
            return self._define(f"{base}1", f"1.0 {'+' if lambda_ > 0 else '-'} cosine[t]")
        first, second = (zeta // 2, zeta // 2) if zeta % 2 == 0 else (zeta - 1, 1)
        value = f"{self.power(first, lambda_)} * {self.power(second, lambda_)}"
        return self._define(f"{base}{zeta}", value)

    def slope(self, zeta, lambda_):
        """Name of the variable that holds p^(zeta - 1), from powers that are there anyway."""
        if zeta == 1:
            return "1.0"
        if zeta % 2:
            return self.power(zeta - 1, lambda_)
        half = int(zeta) // 2
        if half == 1:
            return self.power(1, lambda_)
        value = f"{self.power(half, lambda_)} * {self.slope(half, lambda_)}"
        return self._define(f"{_base(lambda_)}{int(zeta) - 1}", value)

    def _define(self, name, expression):
        if name not in self._known:
            self._known.add(name)
            self.lines.append(f"{name} = {expression}")
        return name


FLOOR = 1e-16
"""The rounding error of 1 ± cos theta: no smaller value means anything."""


def _identifier(number):
    return str(number).replace(".", "_").replace("-", "minus_")


def _base(lambda_):
    return "p" if lambda_ > 0 else "m"
