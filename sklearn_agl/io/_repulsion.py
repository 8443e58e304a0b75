"""The repulsion of a potential for LAMMPS, beside the files of n2p2, which knows none."""

import itertools

import numpy as np
from ase.data import chemical_symbols

from sklearn_agl.compiled._pair_terms import INNER, ZBL

INCLUDE, TABLE = "repulsion.lammps", "repulsion.table"
N_ROWS = 1000
NEAREST = 0.2
"""Where a table begins, in units of where it ends; LAMMPS stops at a smaller distance."""

USAGE = """\
# The short-range repulsion of the potential in this folder, which n2p2 does not know.
# Units are those of the training data. In LAMMPS, instead of pair_style hdnnp:
#     variable potential string "path/of/this/folder"
#     include ${potential}/%s
# Atom types are the elements in the order of input.nn; change pair_coeff for others.
"""


def repulsion_texts(repulsion, r_cut):
    """What to write for LAMMPS.

    Parameters
    ----------
    repulsion : Repulsion or None
    r_cut : float
        Largest cutoff radius of the symmetry functions.

    Returns
    -------
    dict of str to str
        Content by file name; nothing without a repulsion.
    """
    if repulsion is None:
        return {}
    pairs = list(itertools.combinations_with_replacement(range(len(repulsion.elements)), 2))
    if repulsion.kind == ZBL:
        return {INCLUDE: _include(repulsion, r_cut, *_universal_lines(repulsion, pairs))}
    style = f"table linear {N_ROWS}"
    coefficients = [
        f"{i + 1} {j + 1} table ${{potential}}/{TABLE} {_name(repulsion, i, j)}" for i, j in pairs
    ]
    sections = [_section(repulsion, i, j) for i, j in pairs]
    return {
        TABLE: "# Pair terms: number, distance, energy, force\n" + "".join(sections),
        INCLUDE: _include(repulsion, r_cut, [style], coefficients),
    }


def _include(repulsion, r_cut, styles, coefficients):
    symbols = " ".join(chemical_symbols[z] for z in repulsion.elements)
    network = f'hdnnp {r_cut!r} dir "${{potential}}/" showew no resetew yes maxew 1000'
    lines = [
        f"pair_style hybrid/overlay {network} {' '.join(styles)}",
        f"pair_coeff * * hdnnp {symbols}",
        *(f"pair_coeff {line}" for line in coefficients),
    ]
    return USAGE % INCLUDE + "\n".join(lines) + "\n"


def _universal_lines(repulsion, pairs):
    """A style for each pair, since each has its own radii."""
    styles, coefficients = [], []
    for number, (i, j) in enumerate(pairs, start=1):
        inner, outer = float(repulsion.rows[i, j, INNER]), float(repulsion.reach[i, j])
        styles.append(f"zbl {inner!r} {outer!r}")
        which = f"zbl {number}" if len(pairs) > 1 else "zbl"
        charges = f"{repulsion.elements[i]} {repulsion.elements[j]}"
        coefficients.append(f"{i + 1} {j + 1} {which} {charges}")
    return styles, coefficients


def _name(repulsion, i, j):
    return "-".join(chemical_symbols[repulsion.elements[e]] for e in (i, j))


def _section(repulsion, i, j):
    """A table of one pair; the last energy is zero."""
    end = float(repulsion.reach[i, j])
    distances = np.linspace(NEAREST * end, end, N_ROWS)
    energies, slopes = repulsion.evaluate(repulsion.elements[i], repulsion.elements[j], distances)
    rows = [
        f"{row} {r:.16e} {energy:.16e} {-slope:.16e}"
        for row, (r, energy, slope) in enumerate(
            zip(distances, energies, slopes, strict=True), start=1
        )
    ]
    head = f"N {N_ROWS} R {float(distances[0])!r} {end!r}"
    return "\n".join(["", _name(repulsion, i, j), head, "", *rows]) + "\n"
