"""Named sets of symmetry functions, and the rules by which sets are built."""

from numbers import Integral

import numpy as np

from sklearn_agl._numbers import as_numbers
from sklearn_agl._sklearn import Interval, validate_params
from sklearn_agl.descriptors._definitions import R_CUT, SymmetryFunction

SIGNS = (-1, 1)


@validate_params(
    {
        "r_cut": [R_CUT],
        "n_centered": [Interval(Integral, 0, None, closed="left")],
        "n_shifted": [Interval(Integral, 0, None, closed="left")],
        "shifted_range": [tuple, list, None],
        "angular_eta": ["array-like"],
        "angular_zeta": ["array-like"],
        "angular_r_s": ["array-like"],
    },
    prefer_skip_nested_validation=True,
)
def symmetry_function_grid(
    *,
    r_cut,
    n_centered=0,
    n_shifted=0,
    shifted_range=None,
    angular_eta=(),
    angular_zeta=(1, 2, 4, 16, 64),
    angular_r_s=(0.0,),
    angular_kind="G4",
    center=None,
    neighbors=None,
    angular_neighbors=None,
    weighted=False,
):
    r"""Build a set of radial and angular functions by the published rules.

    Centred radial functions follow Imbalzano et al. (2018), equation 6, with n = `n_centered`:

    .. math:: \eta_m = (n^{m/n} / r_c)^2, \quad m = 0, \dots, n

    Shifted ones follow Gastegger et al. (2018): evenly spaced :math:`r_s` with spacing
    :math:`\Delta` and :math:`\eta = 1 / (2 \Delta^2)`. Angular functions are all combinations of
    `angular_eta`, `angular_r_s`, lambda = -1 and 1, and `angular_zeta`.

    Parameters
    ----------
    r_cut : float
        Cutoff radius.
    n_centered : int, default=0
        Number of centred radial functions, m = 0, ..., n_centered - 1.
    n_shifted : int, default=0
        Number of shifted radial functions.
    shifted_range : tuple of (float, float), default=None
        First and last shift. By default they are spread evenly over the inside of (0, r_cut).
    angular_eta, angular_zeta, angular_r_s : sequence of float
        Parameters of the angular functions.
    angular_kind : {"G4", "G5"}, default="G4"
        Narrow or wide angular functions.
    center : str, default=None
        Central element of all functions, or None for every element.
    neighbors : str, default=None
        Neighbour element of the radial functions.
    angular_neighbors : tuple of (str, str), default=None
        Neighbour elements of the angular functions.
    weighted : bool, default=False
        Sum over the neighbours of all elements, weighted by atomic numbers (wACSF).

    Returns
    -------
    list of SymmetryFunction
        Centred, shifted, then angular functions: for each eta and r_s, lambda = -1 with all zeta,
        then lambda = 1.

    Raises
    ------
    ValueError
        If a parameter is impossible.

    References
    ----------
    G. Imbalzano et al., J. Chem. Phys. 148, 241730 (2018);
    M. Gastegger et al., J. Chem. Phys. 148, 241709 (2018).

    Examples
    --------
    >>> from sklearn_agl.descriptors import symmetry_function_grid
    >>> for function in symmetry_function_grid(r_cut=4.0, n_centered=2, n_shifted=1):
    ...     print(function.name)
    *|G2(*, eta=0.0625, r_s=0, r_cut=4)
    *|G2(*, eta=0.125, r_s=0, r_cut=4)
    *|G2(*, eta=0.125, r_s=2, r_cut=4)
    """
    n = n_centered
    _check_range(shifted_range, n_shifted)
    radial = [(_round((n ** (m / n) / r_cut) ** 2), 0.0) for m in range(n)]
    radial += _shifted(n_shifted, r_cut, shifted_range)
    where = {"r_cut": r_cut, "center": center, "weighted": weighted}
    return [
        SymmetryFunction("G2", eta=eta, r_s=r_s, neighbors=neighbors, **where)
        for eta, r_s in radial
    ] + [
        SymmetryFunction(
            angular_kind,
            eta=eta,
            r_s=r_s,
            lambda_=sign,
            zeta=zeta,
            neighbors=angular_neighbors,
            **where,
        )
        for eta in angular_eta
        for r_s in angular_r_s
        for sign in SIGNS
        for zeta in angular_zeta
    ]


def _check_range(shifted_range, n_shifted):
    if shifted_range is None:
        return
    ends = as_numbers(shifted_range, "shifted_range")
    if ends.shape != (2,) or not np.isfinite(ends).all() or (n_shifted > 1 and ends[0] >= ends[1]):
        raise ValueError(
            f"shifted_range must be the first and the last shift, ascending; got {shifted_range!r}."
        )


def _shifted(n_shifted, r_cut, shifted_range):
    if not n_shifted:
        return []
    if shifted_range is None:
        shifts = np.linspace(0.0, r_cut, n_shifted + 2)[1:-1]
    else:
        shifts = np.linspace(*shifted_range, n_shifted)
    spacing = shifts[1] - shifts[0] if n_shifted > 1 else r_cut / 2
    return [(_round(1.0 / (2.0 * spacing**2)), _round(shift)) for shift in shifts]


def _round(value):
    """Five significant digits, as published tables print them."""
    return float(f"{value:.5g}")


def _radial(widths_and_shifts, r_cut):
    return [SymmetryFunction("G2", eta=eta, r_s=r_s, r_cut=r_cut) for eta, r_s in widths_and_shifts]


def _narrow(widths_and_shifts, zetas, r_cut, signs=SIGNS):
    """Functions in the order of the published tables: zeta by zeta, both signs of each."""
    return [
        SymmetryFunction("G4", eta=eta, r_s=r_s, lambda_=sign, zeta=zeta, r_cut=r_cut)
        for eta, r_s in widths_and_shifts
        for zeta in zetas
        for sign in signs
    ]


def _lj_22():
    centered = (0.12755, 0.24281, 0.46223, 0.87993, 1.6751, 3.1888)
    shifts = (0.5, 0.86, 1.22, 1.58, 1.94, 2.3)
    radial = [(eta, 0.0) for eta in centered] + [(3.858, r_s) for r_s in shifts]
    return _radial(radial, 2.8) + _narrow([(0.12755, 0.0)], (1, 2, 4, 8, 16), 2.8)


def _al_22():
    centered = (0.0013, 0.04, 0.1, 0.26, 0.66, 1.85)
    shifts = (1.017, 2.035, 3.052, 4.07, 5.087, 6.105)
    radial = [(eta, 0.0) for eta in centered] + [(1.85, r_s) for r_s in shifts]
    return _radial(radial, 6.8) + _narrow([(0.0013, 0.0)], (1, 2, 4, 16, 64), 6.8)


def _b_60():
    centered = (0.012356, 0.033587, 0.091298, 0.24817, 0.67461, 1.8338)
    shifts = (0.75714, 1.5143, 2.2714, 3.0286, 3.7857, 4.5429)
    radial = [(eta, 0.0) for eta in centered] + [(3.6675, r_s) for r_s in shifts]
    angular = [(0.01, 0.0), (0.12, 0.0), (0.5, 0.0), (0.5, 4.85)]
    return _radial(radial, 5.3) + _narrow(angular, (1, 2, 4, 8, 16, 64), 5.3)


def _al_329():
    centered = [0.0013, *(hundredths / 100 for hundredths in range(1, 201))]
    shifts = np.linspace(0.05, 6.8, 68).round(6).tolist()
    radial = [(eta, 0.0) for eta in centered] + [(1.85, r_s) for r_s in shifts]
    angular = [(eta, 0.0) for eta in (0.0013, 0.4, 0.8, 1.2, 1.6, 2.0)]
    return _radial(radial, 6.8) + _narrow(angular, (1, 2, 4, 16, 64), 4.4, signs=(1, -1))


def _directional_60():
    return symmetry_function_grid(
        r_cut=6.0,
        n_centered=8,
        n_shifted=12,
        shifted_range=(1.2, 5.6),
        angular_eta=(0.01, 0.04, 0.08, 0.16),
    )


PRESETS = {
    "lj-22": _lj_22,
    "al-22": _al_22,
    "b-60": _b_60,
    "al-329": _al_329,
    "directional-60": _directional_60,
}


def symmetry_function_preset(name: str) -> list[SymmetryFunction]:
    """A named set of symmetry functions, for any elements.

    Parameters
    ----------
    name : {"lj-22", "al-22", "b-60", "al-329", "directional-60"}
        Published sets:

        - "lj-22": Lennard-Jones, table SII of [1]_, reduced units, r_cut 2.8;
        - "al-22": aluminium, table SIII of [1]_, Å, r_cut 6.8;
        - "b-60": boron, table SIV of [1]_, 12 radial and 48 angular functions, Å, r_cut 5.3;
        - "al-329": aluminium, the starting set of [2]_, 269 radial functions with r_cut 6.8 and 60
          angular ones with r_cut 4.4, Å.

        And one by the rules of `symmetry_function_grid`:

        - "directional-60": 20 radial and 40 angular functions for directional bonds such as those
          of silicon, Å, r_cut 6.0.

    Returns
    -------
    list of SymmetryFunction
        Published sets have the order of their tables: radial functions, then for each eta and r_s,
        zeta by zeta, lambda = -1 and 1; "al-329" has 1 first, as the listing in [2]_ does.

    Raises
    ------
    ValueError
        If there is no such set.

    Notes
    -----
    The papers print the formula of G4 under the name :math:`G^5`. Shifted angular functions
    ("b-60", the last twelve) are shifted in all three distances, as n2p2 defines them, with which
    the authors computed. A workshop paper of the same group calls its 329 functions a superset of
    "al-22"; in the listing in [2]_, angular functions end at 4.4 Å, those of "al-22" at 6.8 Å.

    "directional-60" has 8 centred and 12 shifted radial functions and four angular widths, the
    narrowest of which weights triangles of nearest neighbours 20 times as much as those of second
    neighbours (silicon). There it did better than "b-60".

    References
    ----------
    .. [1] J. Sandberg, T. Voigtmann, E. Devijver, N. Jakse, Mach. Learn.: Sci. Technol. 5, 025043
       (2024), supplementary tables SII to SIV.
    .. [2] S. Ghimire: thesis, Grenoble INP (2021).

    Examples
    --------
    >>> from sklearn_agl.descriptors import symmetry_function_preset
    >>> functions = symmetry_function_preset("lj-22")
    >>> len(functions), sum(function.is_angular for function in functions)
    (22, 10)
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise ValueError(
            f"Unknown set of symmetry functions {name!r}; known are {list(PRESETS)}, and to a "
            f"SymmetryFunctionTransformer, {list(BY_RADIUS)}."
        )
    return PRESETS[name]()


MOST_ELEMENTS_APART = 4
"""With more elements, functions for each pair of them would be too many."""
SHORT_REACH = 0.65
"""Radius of the functions of nearest neighbours in "rich", in units of the cutoff radius: between
the first and the second shell of most crystals, where the radius reaches to the third."""
SHELLS = (0.4, 0.53, 0.69)
"""Shifts of the wide angular functions of "rich", in the same units."""
SHELL_SPACING = 0.12
"""Standard deviation of these shells."""


def modest_symmetry_functions(r_cut, n_elements):
    """8 radial functions per neighbour element, 8 narrow angular ones per pair.

    From five elements on, the functions are weighted sums over all elements.

    Parameters
    ----------
    r_cut : float
        Cutoff radius.
    n_elements : int
        Number of elements.

    Returns
    -------
    list of SymmetryFunction
    """
    wide = 1.0 / r_cut**2
    return symmetry_function_grid(
        r_cut=r_cut,
        n_centered=3,
        n_shifted=5,
        angular_eta=(_round(wide), _round(4.0 * wide)),
        angular_zeta=(1, 4),
        weighted=n_elements > MOST_ELEMENTS_APART,
    )


def rich_symmetry_functions(r_cut, n_elements):
    """Candidates to select from: 28 radial functions per neighbour element, 72 angular per pair.

    Radial and narrow angular functions have two reaches, the cutoff radius and `SHORT_REACH` of it.
    Wide angular functions are centred or sit on shells: their triplets need not be triangles of
    neighbours, and with whole zeta they cost no more than radial ones.

    Parameters
    ----------
    r_cut : float
        Cutoff radius.
    n_elements : int
        Number of elements.

    Returns
    -------
    list of SymmetryFunction
    """
    short, common = _round(SHORT_REACH * r_cut), {"weighted": n_elements > MOST_ELEMENTS_APART}
    widths = np.array([1.0, 4.0, 16.0]) / r_cut**2
    shells = {
        "angular_eta": [_round(1.0 / (2.0 * (SHELL_SPACING * r_cut) ** 2))],
        "angular_r_s": [_round(part * r_cut) for part in SHELLS],
    }
    centered, wide = {"angular_eta": [_round(eta) for eta in widths]}, {"angular_kind": "G5"}
    grids = [
        {"r_cut": r_cut, "n_centered": 8, "n_shifted": 12},
        {"r_cut": r_cut, "angular_zeta": (1, 4, 16)} | centered,
        {"r_cut": short, "n_centered": 3, "n_shifted": 5, "angular_zeta": (1, 4)} | centered,
        {"r_cut": r_cut, "angular_zeta": (1, 2, 4)} | centered | wide,
        {"r_cut": r_cut, "angular_zeta": (1, 2, 4, 8)} | shells | wide,
    ]
    return [function for grid in grids for function in symmetry_function_grid(**grid, **common)]


BY_RADIUS = {"auto": modest_symmetry_functions, "rich": rich_symmetry_functions}
"""Sets for any elements whose functions follow the cutoff radius, by name."""
