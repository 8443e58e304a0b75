"""Source text of the kernels, which `_codegen` fills in."""

from typing import NamedTuple

HEADER = '''\
"""Symmetry function kernel, written by sklearn_agl.descriptors.kernels._codegen."""

import math

import numpy as np

from sklearn_agl.compiled._jit import LOOPS, helper, inlined, merged
from sklearn_agl.compiled._machine_code import kept
from sklearn_agl.compiled._vector_math import exp_of_negative
from sklearn_agl.descriptors.kernels._cells import FAR
from sklearn_agl.descriptors.kernels._cutoffs import CUTOFFS, EVEN_CUTOFFS, LARGEST
from sklearn_agl.descriptors.kernels._loops import (
    CHUNK, CROWDED, D_COSINE, D_PERIMETER, D_SQUARES, D_WEIGHTS, DONE, GROUP_WEIGHTS, KEPT,
    OVERLAPPING, SHORT_OF_STREAMS, SLOPE, SLOPES, STREAM_LENGTH, STREAM_ROWS, add_perimeter,
    any_left, end_stream, fill_blocks, is_left, load_neighbors, n_elements_of, padded, pair_number,
    sort_neighbors,
)
from sklearn_agl.descriptors.kernels._neighbors import MOST_NEIGHBORS, collect, overlaps
{moments}
{stations}
from sklearn_agl.descriptors.kernels._triplets import (
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

# Where programs differ.
STATIONS = """\
from sklearn_agl.descriptors.kernels._differentiation_modes import (
    after_group_{program} as after_group, before_groups_{program} as before_groups,
    begin_{program} as begin, finish_{program} as finish, has_room, is_idle_{program} as is_idle,
    next_chunk, radial_{program} as add_radial,
)"""
STATIONS_BACK = """\
from sklearn_agl.descriptors.kernels._differentiation_modes import (
    after_group_values as after_group, before_groups_values as before_groups,
    begin_values as begin,
)
from sklearn_agl.descriptors.kernels._backpropagation import (
    BY_COSINE, BY_DISTANCE, BY_SQUARE, TOTAL, chunk_of, clear_totals, hand_back, hand_to_atoms,
    has_streams as has_room, is_idle_{program} as is_idle, keep_chunk as next_chunk,
    radial_{program} as add_radial, repel_{program} as repel_neighbors,
    respond_{program} as respond, return_radial,
)"""

# G4 and G5 of one group of triplets, all its zeta and lambda at once:
# 2^(1 - zeta) sum (1 + lambda cos)^zeta exp(-eta [(r_ij - r_s)² + (r_ik - r_s)² + (r_jk - r_s)²])
#     f_c(r_ij) f_c(r_ik) f_c(r_jk)
# The square bracket is (sum of r²) - 2 r_s (sum of r) + (number of sides) r_s²; G5 has no r_jk.
GROUP_LOOP = """

@merged
def add_group_{number}(stream, n, eta, r_s, sides, factor, columns, first, row, kept):
    cosine, squares = stream[COSINE], stream[SQUARES]
    weight, perimeter = stream[WEIGHTS], stream[PERIMETER]
{before}
    for t in range(padded(n)):
        w = weight[t] * exp_of_negative({exponent})
{powers}
{inside}
{after}
"""


# The way back: sums over the functions, weighted by dE/dG: the energy, and its derivative by the
# cosine. (d/dcos) p^zeta = zeta lambda p^(zeta - 1).
GROUP_BACK = """

@merged
def return_group_{number}(stream, totals, n, eta, r_s, factor, columns, first, row, kept):
    cosine, weight = stream[COSINE], stream[kept]
    total, by_cosine = totals[TOTAL], totals[BY_COSINE]
    by_square, by_distance = totals[BY_SQUARE], totals[BY_DISTANCE]
{coefficients}
    if {idle}:
        return
    for t in range(padded(n)):
        w = weight[t]
{powers}
        value, turn = 0.0, 0.0
{additions}
        total[t] += w * value
        by_cosine[t] += w * turn
        by_square[t] -= 2.0 * eta * (w * value)
{distances}
"""

BY_DISTANCE_LINE = "        by_distance[t] += 2.0 * eta * r_s * (w * value)"


# What goes by moments.
MOMENT_IMPORT = """\
from sklearn_agl.descriptors.kernels._moment_programs import (
    add_moments_{program} as add_moments, return_moments,
)"""
ADD_MOMENTS = "    add_moments(shell, base, plan, work, row)"
RETURN_MOMENTS = """\
    for shell in range(plan.shell_starts[element], plan.shell_starts[element + 1]):
        return_moments(
            shell, (shell - plan.shell_starts[element]) * n_elements, plan, work, row
        )"""


class GroupProgram(NamedTuple):
    """What a program does before, inside and after the loop over the triplets of a group."""

    before: str
    inside: str
    after: str


SUMS = "    {sums} = {zeros}"

GROUP_PROGRAMS = {
    "values": GroupProgram(SUMS, "{additions}", "{results}"),
    "forces": GroupProgram(
        before="    keep = stream[kept]\n" + SUMS,
        inside="        keep[t] = w\n{additions}",
        after="{results}",
    ),
    "vjp": GroupProgram(
        before="""\
    keep = stream[kept]
{coefficients}
    if {idle}:
        return""",
        inside="        keep[t] = w",
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
    # Values and slopes of each function by itself.
    "jvps": GroupProgram(
        before="    total = stream[GROUP_WEIGHTS]\n{scales}",
        inside="        total[t] = w",
        after="{loops}",
    ),
}

# The triplets of one stream.
STREAM = """

@merged
def add_stream(work, stream, e, e2, n, plan, shell, narrow, pair, row):
    end_stream(stream, n)
    if narrow:
        weigh(plan, shell, stream[OPPOSITE], n, stream[WEIGHTS], stream[SLOPES])
{perimeter}
    before_groups(work, e, e2, n, narrow)
    sides, kept = 2.0 + narrow, KEPT
    for g in range(plan.group_starts[pair], plan.group_starts[pair + 1]):
        group = plan.groups[g]
        eta, r_s, factor = group.eta, group.r_s, group.factor
        shape, first = group.shape, group.first_column
        if is_left(plan, g, work, e):
{calls}
            after_group(work, e, e2, n, narrow, plan, g)
        kept += 1
"""

STREAM_BACK = """

@merged
def return_stream(work, chunk, plan, row):
    pair, one, two, narrow, n = chunk_of(work, chunk)
    stream, totals, kept = work.streams[chunk], work.totals, KEPT
    clear_totals(totals, n)
    for g in range(plan.group_starts[pair], plan.group_starts[pair + 1]):
        group = plan.groups[g]
        eta, r_s, factor = group.eta, group.r_s, group.factor
        shape, first = group.shape, group.first_column
        if is_left(plan, g, work, one):
{calls}
        kept += 1
    hand_back(work, stream, one, two, n, narrow, {shifted})
"""

SHELL = """

@merged
def add_angular(work, base, e, e2, plan, shell, narrow, row, chunk):
    pair = pair_number(plan, shell, narrow, e, e2)
    one, two = base + e, base + e2
    if not any_left(plan, pair, work, one):
        return chunk
    near, blocks = work.near[one], work.blocks[two]
    n = np.int64(0)  # a bare 0 would have a type of its own, and everything compiled twice
    limit = plan.shells[shell].r_cut ** 2 if narrow else FAR
    j, k = np.int64(0), np.int64(0)
    while j < work.counts[one]:
        stream = work.streams[chunk]
        n_second = j if e == e2 else work.counts[two]
        last = min(k + CHUNK, n_second)
        n = append_triplets(near, j, blocks, k, last, limit, narrow, stream, n)
        k = last
        if k == n_second:
            j, k = j + 1, np.int64(0)
        if n > STREAM_LENGTH - CHUNK or j == work.counts[one]:
            add_stream(work, stream, one, two, n, plan, shell, narrow, pair, row)
            chunk = next_chunk(work, chunk, pair, one, two, narrow, n)
            n = np.int64(0)
    return chunk


@merged
def add_shell(shell, base, n_around, batch, cells, plan, work, data, structure, i, chunk):
    n_elements, row = n_elements_of(plan), data.table[i]
    for e in range(n_elements):
        place = base + e
        near = work.near[place]
        work.counts[place] = load_neighbors(
            work.around, n_around, batch.species, cells.order, e,
            plan.shells[shell].r_cut, near, work.atoms[place],
        )
        weigh(plan, shell, near[SQUARE], work.counts[place], near[WEIGHT], near[SLOPE])
        fill_blocks(near, work.counts[place], work.blocks[place])
        begin(data, structure, i, work, place)
        start = shell * n_elements + e
        add_radial(work, place, plan, plan.radial_starts[start], plan.radial_starts[start + 1], row)
{moments}
    for e in range(n_elements):
        for e2 in range(e, n_elements):
            for narrow in (1.0, 0.0):
                chunk = add_angular(work, base, e, e2, plan, shell, narrow, row, chunk)
    return chunk
"""

ATOM = """

@merged
def add_atom(i, structure, n_around, batch, cells, plan, work, data):
    element, first = batch.species[i], np.int64(0)
    for shell in range(plan.shell_starts[element], plan.shell_starts[element + 1]):
        add_shell(shell, first, n_around, batch, cells, plan, work, data, structure, i, first)
        for e in range(n_elements_of(plan)):
            finish(data, structure, i, work, e)
"""

ATOM_BACK = """

@merged
def add_atom(i, structure, n_around, batch, cells, plan, work, data):
    element, n_elements = batch.species[i], n_elements_of(plan)
    base, n_chunks = np.int64(0), np.int64(0)
    for shell in range(plan.shell_starts[element], plan.shell_starts[element + 1]):
        n_chunks = add_shell(
            shell, base, n_around, batch, cells, plan, work, data, structure, i, n_chunks
        )
        base += n_elements
    respond(data, i, element)
    repel_neighbors(data, structure, i, n_around, batch, cells, work)
    row = data.table[i]
    first_place = plan.shell_starts[element] * n_elements
    for place in range(base):
        start = first_place + place
        return_radial(
            work, place, plan, plan.radial_starts[start], plan.radial_starts[start + 1], row
        )
{moments}
    for chunk in range(n_chunks):
        return_stream(work, chunk, plan, row)
    for place in range(base):
        hand_to_atoms(data, structure, i, work, place)
"""

DRIVER = '''

@kept(**LOOPS, no_cfunc_wrapper=True)
def evaluate(batch, cells, plan, work, data, first, last):
    """Run the program for the atoms in the slots from `first` up to `last`.

    Returns where it stopped and why: behind the last atom, or at one that needs more streams, or
    that no energy can be computed for.
    """
    for structure in range(len(batch.cells)):
        start, end = batch.starts[structure], batch.starts[structure + 1]
        for slot in range(max(start, first), min(end, last)):
            i = cells.order[slot]
            if is_idle(data.table[i]):
                continue
            n_around = collect(slot, structure, batch, cells, plan.r_cut, work.around)
            if overlaps(work.around, n_around):
                return slot, OVERLAPPING
            if n_around > MOST_NEIGHBORS:
                return slot, CROWDED
            if not has_room(n_around, batch.species[i], plan, work):
                return slot, SHORT_OF_STREAMS
            if plan.sorts_neighbors:
                sort_neighbors(work.around, n_around)
            add_atom(i, structure, n_around, batch, cells, plan, work, data)
    return last, DONE
'''
