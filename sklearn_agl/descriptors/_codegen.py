"""Writes the source of the kernel for a set of symmetry functions, and compiles it.

Only what decides the shape of the innermost loop is written into the source: which cutoff functions
there are, and which powers of (1 ± cos theta) each angular group needs. All numbers (eta, r_s,
radii, columns) are run-time arguments, so different sets often share one compiled kernel.
"""

from functools import lru_cache
from typing import NamedTuple

from ._compile_cache import load_kernel
from ._gradients import ROWS_PER_QUAD
from ._packing import LANES

HEADER = '''\
"""Symmetry function kernel, written by sklearn_agl.descriptors._codegen."""

import math

import numpy as np
from numba import njit

from sklearn_agl._jit import LOOPS, helper, inlined, merged
from sklearn_agl._vector_math import exp_of_negative
from sklearn_agl.descriptors._cells import FAR
from sklearn_agl.descriptors._cutoffs import CUTOFFS, EVEN_CUTOFFS, LARGEST
from sklearn_agl.descriptors._kernels import (
    BY_COSINE, BY_DISTANCE, BY_SQUARE, CHUNK, D_COSINE, D_PERIMETER, D_SQUARES, D_WEIGHTS,
    SLOPE, SLOPES, STREAM_LENGTH, STREAM_ROWS, TOTAL, add_perimeter, end_stream, fill_blocks,
    load_neighbors, padded, sort_neighbors,
)
from sklearn_agl.descriptors._neighbors import collect
from sklearn_agl.descriptors._programs import (
    after_group_{program} as after_group, after_groups_{program} as after_groups,
    before_groups_{program} as before_groups, begin_{program} as begin,
    finish_{program} as finish, is_idle_{program} as is_idle, radial_{program} as add_radial,
)
from sklearn_agl.descriptors._triplets import (
    COSINE, OPPOSITE, PERIMETER, SQUARE, SQUARES, WEIGHT, WEIGHTS,
    {append} as append_triplets,
)
'''

# The weight of a neighbour or of a triplet gets the factor f_c(r); derivatives also need
# f_c' / (f_c r).
CUTOFF_LOOP = """
cutoff_{number}, slope_{number} = CUTOFFS["{name}"]


@helper
def weigh_{number}(squares, n, r_inner, r_cut, weight, slope):
    scale = 1.0 / (r_cut - r_inner)
    for t in range(padded(n)):
        distance = math.sqrt(squares[t])
        x = min(max((distance - r_inner) * scale, 0.0), LARGEST)
        weight[t] *= cutoff_{number}(x)
{slopes}
"""
SLOPE_LINE = "        slope[t] = scale * slope_{number}(x) / distance"

# The same for a function of r², without an inner radius.
EVEN_CUTOFF_LOOP = """
cutoff_{number}, slope_{number} = EVEN_CUTOFFS["{name}"]


@helper
def weigh_{number}(squares, n, r_inner, r_cut, weight, slope):
    scale = 1.0 / (r_cut * r_cut)
    for t in range(padded(n)):
        y = min(squares[t] * scale, LARGEST)
        weight[t] *= cutoff_{number}(y)
{slopes}
"""
EVEN_SLOPE_LINE = "        slope[t] = scale * slope_{number}(y)"

CUTOFF_CHOICE = """

@helper
def weigh(plan, shell, squares, n, weight, slope):
    of = plan.shells[shell]
    r_inner, r_cut, cutoff = of.r_inner, of.r_cut, of.cutoff
{calls}
"""

# G4 and G5 of one group of triplets, all its zeta and lambda at once:
# 2^(1 - zeta) sum (1 + lambda cos)^zeta exp(-eta [(r_ij - r_s)² + (r_ik - r_s)² + (r_jk - r_s)²])
#     f_c(r_ij) f_c(r_ik) f_c(r_jk)
# The square bracket is (sum of r²) - 2 r_s (sum of r) + (number of sides) r_s²; G5 has no r_jk.
GROUP_LOOP = """

@merged
def add_group_{number}(stream, n, eta, r_s, sides, factor, columns, first, row):
    cosine, squares = stream[COSINE], stream[SQUARES]
    weight, perimeter = stream[WEIGHTS], stream[PERIMETER]
{before}
    for t in range(padded(n)):
        w = weight[t] * exp_of_negative({exponent})
{powers}
{inside}
{after}
"""


class GroupProgram(NamedTuple):
    """What a program does before, inside and after the loop over the triplets of a group."""

    before: str
    inside: str
    after: str


SUMS = "    {sums} = {zeros}"

GROUP_PROGRAMS = {
    "values": GroupProgram(SUMS, "{additions}", "{results}"),
    # Sums over the functions, weighted by dE/dG: the energy, and its derivative by the cosine.
    # (d/dcos) p^zeta = zeta lambda p^(zeta - 1).
    "vjp": GroupProgram(
        before="""\
    total, by_cosine = stream[TOTAL], stream[BY_COSINE]
    by_square, by_distance = stream[BY_SQUARE], stream[BY_DISTANCE]
{coefficients}
    if {idle}:
        return""",
        inside="""\
        value, turn = 0.0, 0.0
{additions}
        total[t] += w * value
        by_cosine[t] += w * turn
        by_square[t] -= 2.0 * eta * (w * value)
{distances}""",
        after="",
    ),
    "jvp": GroupProgram(
        before="""\
    d_cosine, d_squares = stream[D_COSINE], stream[D_SQUARES]
    d_weights, d_perimeter = stream[D_WEIGHTS], stream[D_PERIMETER]
"""
        + SUMS,
        inside="""\
        change = d_weights[t] - eta * (d_squares[t] - 2.0 * r_s * d_perimeter[t])
{additions}""",
        after="{results}",
    ),
    # The same as in vjp, but of each function by itself.
    "jvps": GroupProgram(
        before="    total = stream[TOTAL]\n{scales}",
        inside="        total[t] = w",
        after="{loops}",
    ),
}

_BY_DISTANCE = "        by_distance[t] += 2.0 * eta * r_s * (w * value)"

STREAM = """

@merged
def add_stream(work, e, e2, n, plan, shell, narrow, row):
    stream = work.stream
    end_stream(stream, n)
    if narrow:
        weigh(plan, shell, stream[OPPOSITE], n, stream[WEIGHTS], stream[SLOPES])
{perimeter}
    before_groups(work, e, e2, n, narrow)
    pair = pair_number(plan, shell, narrow, e, e2, len(work.counts))
    sides = 2.0 + narrow
    for g in range(plan.group_starts[pair], plan.group_starts[pair + 1]):
        group = plan.groups[g]
        eta, r_s, factor = group.eta, group.r_s, group.factor
        shape, first = group.shape, group.first_column
{calls}
        after_group(work, e, e2, n, narrow, plan, g)
    after_groups(work, e, e2, n, narrow, {shifted})
"""

DRIVER = '''

@inlined
def pair_number(plan, shell, narrow, e, e2, n_elements):
    kind = 0 if narrow else 1
    return ((2 * shell + kind) * n_elements + e) * n_elements + e2


@merged
def add_angular(work, e, e2, plan, shell, narrow, row):
    pair = pair_number(plan, shell, narrow, e, e2, len(work.counts))
    if plan.group_starts[pair] == plan.group_starts[pair + 1]:
        return
    near, blocks, stream = work.near[e], work.blocks[e2], work.stream
    n = np.int64(0)  # a bare 0 would have a type of its own, and everything compiled twice
    limit = plan.shells[shell].r_cut ** 2 if narrow else FAR
    j, k = np.int64(0), np.int64(0)
    while j < work.counts[e]:
        n_second = j if e == e2 else work.counts[e2]
        last = min(k + CHUNK, n_second)
        n = append_triplets(near, j, blocks, k, last, limit, narrow, stream, n)
        k = last
        if k == n_second:
            j, k = j + 1, np.int64(0)
        if n > STREAM_LENGTH - CHUNK or j == work.counts[e]:
            add_stream(work, e, e2, n, plan, shell, narrow, row)
            n = np.int64(0)


@merged
def add_atom(i, structure, n_around, batch, cells, plan, work, data):
    element, n_elements, row = batch.species[i], len(work.counts), data.table[i]
    for shell in range(plan.shell_starts[element], plan.shell_starts[element + 1]):
        for e in range(n_elements):
            near = work.near[e]
            work.counts[e] = load_neighbors(
                work.around, n_around, batch.species, cells.order, e,
                plan.shells[shell].r_cut, near, work.atoms[e],
            )
            weigh(plan, shell, near[SQUARE], work.counts[e], near[WEIGHT], near[SLOPE])
            fill_blocks(near, work.counts[e], work.blocks[e])
            begin(data, structure, i, work, e)
            start = shell * n_elements + e
            add_radial(work, e, plan, plan.radial_starts[start], plan.radial_starts[start + 1], row)
        for e in range(n_elements):
            for e2 in range(e, n_elements):
                for narrow in (1.0, 0.0):
                    add_angular(work, e, e2, plan, shell, narrow, row)
        for e in range(n_elements):
            finish(data, structure, i, work, e)


@njit(**LOOPS, no_cfunc_wrapper=True, cache=CACHE)
def evaluate(batch, cells, plan, work, data):
    """Run the program for all atoms of all structures of a batch."""
    for structure in range(len(batch.cells)):
        for slot in range(batch.starts[structure], batch.starts[structure + 1]):
            i = cells.order[slot]
            if is_idle(data.table[i]):
                continue
            n_around = collect(slot, structure, batch, cells, plan.r_cut, work.around)
            if plan.sorts_neighbors:
                sort_neighbors(work.around, n_around)
            add_atom(i, structure, n_around, batch, cells, plan, work, data)
'''


@lru_cache(maxsize=256)
def compile_kernel(shapes, cutoffs, program="values"):
    """Compiled kernel for some shapes of angular groups and some cutoff functions.

    Parameters
    ----------
    shapes : tuple of GroupShape
        What each kind of angular group needs.
    cutoffs : tuple of CutoffLoop
        The cutoff functions.
    program : {"values", "vjp", "jvp", "jvps"}, default="values"
        What to compute; see `_programs`.

    Returns
    -------
    callable
        ``evaluate(batch, cells, arrays, work, data)``, with `data` of the program.
    """
    return load_kernel(write_source(shapes, cutoffs, program)).evaluate


def write_source(shapes, cutoffs, program="values"):
    """Source of the module that `compile_kernel` compiles."""
    shifted = any(shape.shifted for shape in shapes)
    variant = "shifted_" * shifted + "indexed_" * (program != "values")
    append = f"append_{variant}triplets"
    parts = [HEADER.format(append=append, program=program)]
    parts += [_cutoff_source(number, loop, program) for number, loop in enumerate(cutoffs)]
    calls = [f"weigh_{i}(squares, n, r_inner, r_cut, weight, slope)" for i in range(len(cutoffs))]
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


def _cutoff_source(number, loop, program):
    template, slope = CUTOFF_LOOP, SLOPE_LINE
    if loop.even:
        template, slope = EVEN_CUTOFF_LOOP, EVEN_SLOPE_LINE
    slopes = "" if program == "values" else slope.format(number=number)
    return template.format(number=number, name=loop.name, slopes=slopes)


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
    before, inside, after = [
        part.format(
            sums=", ".join(f"sum_{i}" for i in numbers),
            zeros=", ".join("0.0" for _ in numbers),
            coefficients="\n".join(
                f"    a_{i} = {scale} * row[columns[first + {i}]]" for i, scale in enumerate(scales)
            ),
            scales="\n".join(f"    a_{i} = {scale}" for i, scale in enumerate(scales)),
            idle=" and ".join(f"a_{i} == 0.0" for i in numbers),
            additions="\n".join(f"        {line}" for lines in additions for line in lines),
            loops="\n".join(f"    {line}" for lines in additions for line in lines),
            distances=_BY_DISTANCE if shape.shifted else "",
            results="\n".join(
                f"    row[columns[first + {i}]] += {scale} * sum_{i}"
                for i, scale in enumerate(scales)
            ),
        )
        for part in GROUP_PROGRAMS[program]
    ]
    return GROUP_LOOP.format(
        number=number,
        exponent=exponent,
        powers="\n".join(f"        {line}" for line in powers.lines),
        before=before,
        inside=inside,
        after=after,
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


def _jvps_lines(i, powers, zeta, lambda_):
    """A loop of its own: compilers vectorise none that writes to the rows of many functions."""
    powers = _Powers()
    power, slope = powers.power(zeta, lambda_), powers.slope(zeta, lambda_)
    row = i // LANES * ROWS_PER_QUAD + i % LANES
    return [
        f"value, turn = stream[STREAM_ROWS + {row}], stream[STREAM_ROWS + {row + LANES}]",
        "for t in range(padded(n)):",
        *[f"    {line}" for line in powers.lines],
        f"    value[t] = total[t] * (a_{i} * {power})",
        f"    turn[t] = total[t] * ({zeta * lambda_!r} * a_{i} * {slope})",
    ]


_ADDITIONS = {
    "values": _value_lines,
    "vjp": _vjp_lines,
    "jvp": _jvp_lines,
    "jvps": _jvps_lines,
}


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
