"""What a symmetry function is: its kind, its parameters and the elements it looks at."""

import math
from dataclasses import KW_ONLY, dataclass, replace
from numbers import Real

import numpy as np
from ase.data import atomic_numbers, chemical_symbols

from sklearn_agl._sklearn import Interval
from sklearn_agl.descriptors.kernels._cutoffs import CUTOFFS, WITHOUT_INNER_RADIUS

KINDS = {
    "G1": (),
    "G2": ("eta",),
    "G3": ("kappa",),
    "G4": ("eta", "zeta", "lambda_"),
    "G5": ("eta", "zeta", "lambda_"),
}
"""The kinds and the parameters each of them needs."""

LARGEST = 1e6
"""Of all parameters: far beyond any in use, and far from numbers whose squares overflow."""
LARGEST_ZETA = 1000.0
"""2 to a power of it is still a number."""
R_CUT = Interval(Real, 1.0 / LARGEST, LARGEST, closed="both")
"""What a cutoff radius may be."""

ANGULAR_KINDS = ("G4", "G5")
SHIFTED_KINDS = ("G2", "G4", "G5")
PARAMETERS = ("eta", "kappa", "zeta", "lambda_")


@dataclass(frozen=True, slots=True)
class SymmetryFunction:
    r"""One atom-centred symmetry function, in the naming of Behler (2011).

    With :math:`f_c` the cutoff function and :math:`\theta` the angle at the central atom i,

    .. math::

        G^1_i &= \sum_j f_c(r_{ij})

        G^2_i &= \sum_j e^{-\eta (r_{ij} - r_s)^2} f_c(r_{ij})

        G^3_i &= \sum_j \cos(\kappa r_{ij}) f_c(r_{ij})

        G^4_i &= 2^{1-\zeta} \sum_{j<k} (1 + \lambda \cos\theta_{ijk})^\zeta
        e^{-\eta [(r_{ij} - r_s)^2 + (r_{ik} - r_s)^2 + (r_{jk} - r_s)^2]}
        f_c(r_{ij}) f_c(r_{ik}) f_c(r_{jk})

        G^5_i &= 2^{1-\zeta} \sum_{j<k} (1 + \lambda \cos\theta_{ijk})^\zeta
        e^{-\eta [(r_{ij} - r_s)^2 + (r_{ik} - r_s)^2]} f_c(r_{ij}) f_c(r_{ik})

    Each unordered pair of neighbours counts once, as in n2p2. Sandberg et al. (2024) print the
    formula of G4 under the name :math:`G^5`. A negative r_s means what the formulas say; n2p2's
    grouped evaluation takes it for zero.

    Parameters
    ----------
    kind : {"G1", "G2", "G3", "G4", "G5"}
        Radial (G1 to G3) or angular: narrow (G4, with r_jk) or wide (G5, without).
    eta : float
        Inverse squared width, in 1/length². Not negative. Not for G1 and G3.
    r_s : float, default=0.0
        Shift of the Gaussian, in units of length. Not for G1 and G3.
    kappa : float, default=None
        Wave number, in 1/length. G3 only.
    zeta : float, default=None
        Exponent of the angular term, positive. G4 and G5 only. Whole numbers are fastest; with
        those up to 32, G5 takes time in proportion to the neighbours, not to their pairs.
    lambda_ : {-1, 1}, default=None
        Where the angular term is large: at 180 degrees (-1) or at 0 degrees (1). G4 and G5 only.
    r_cut : float, default=None
        Cutoff radius. None: the transformer's.
    r_inner : float, default=0.0
        Radius up to which the cutoff function is 1. Not for "tanh", "tanhu" and "hard".
    center : str, default=None
        Chemical symbol of the central atom. None: every element.
    neighbors : str or tuple of str, default=None
        Chemical symbols of the neighbour (G1 to G3) or of both neighbours (G4 and G5, in any
        order). None: every element, or every unordered pair, each in a function of its own.
    weighted : bool, default=False
        One function over the neighbours of all elements, each term multiplied by the atomic number
        of its neighbour or by the product of both (wACSF of Gastegger et al., equations 4 and 5):
        the number of functions then does not grow with that of the elements. Excludes `neighbors`.
    cutoff : str, default=None
        Cutoff function: "cosine", "tanh", "tanhu", "exp", "poly1", "poly2", "poly3", "poly4" or
        "hard". None: the transformer's.

    Raises
    ------
    ValueError
        If a parameter is missing, does not belong to the kind, or has an impossible value.

    References
    ----------
    J. Behler, J. Chem. Phys. 134, 074106 (2011), equations 5 to 9;
    M. Gastegger et al., J. Chem. Phys. 148, 241709 (2018).

    Examples
    --------
    >>> from sklearn_agl.descriptors import SymmetryFunction
    >>> SymmetryFunction("G2", eta=0.5, r_cut=6.0, center="Si", neighbors="Si").name
    'Si|G2(Si, eta=0.5, r_s=0, r_cut=6)'
    >>> SymmetryFunction("G4", eta=0.5, zeta=4, lambda_=-1).name
    '*|G4(*, eta=0.5, r_s=0, zeta=4, lambda=-1)'
    """

    kind: str
    _: KW_ONLY
    eta: float | None = None
    r_s: float = 0.0
    kappa: float | None = None
    zeta: float | None = None
    lambda_: int | None = None
    r_cut: float | None = None
    r_inner: float = 0.0
    center: str | None = None
    neighbors: tuple[str, ...] | None = None
    weighted: bool = False
    cutoff: str | None = None

    def __post_init__(self):
        _check_kind(self)
        _check_choice("weighted", self.weighted, (False, True))
        _check_choice("lambda_", self.lambda_, (None, -1, 1))
        _check_choice("cutoff", self.cutoff, (None, *CUTOFFS))
        clean = {
            "eta": _number("eta", self.eta, at_least=0.0),
            "r_s": _number("r_s", self.r_s),
            "zeta": _number("zeta", self.zeta, above=0.0, at_most=LARGEST_ZETA),
            "lambda_": None if self.lambda_ is None else int(self.lambda_),
            "kappa": _number("kappa", self.kappa),
            "r_cut": _number("r_cut", self.r_cut, above=0.0),
            "r_inner": _number("r_inner", self.r_inner, at_least=0.0),
            "weighted": bool(self.weighted),
            "center": None if self.center is None else _symbol(self.center),
            "neighbors": _sorted_symbols(self.kind, self.neighbors),
        }
        for name, value in clean.items():
            object.__setattr__(self, name, value)
        _check_shift(self)
        _check_weights(self)
        _check_inner_radius(self)

    @property
    def is_angular(self):
        """Whether the function looks at pairs of neighbours."""
        return self.kind in ANGULAR_KINDS

    @property
    def name(self):
        """Unique name, used for the feature column."""
        parts = ["*" if self.neighbors is None else "-".join(self.neighbors)]
        if self.weighted:
            parts = ["weighted"]
        for field in ("eta", "r_s", "kappa", "zeta", "lambda_", "r_cut"):
            value = getattr(self, field)
            if value is not None and (field != "r_s" or self.kind in SHIFTED_KINDS):
                parts.append(f"{field.rstrip('_')}={_shortest(value)}")
        if self.r_inner:
            parts.append(f"r_inner={_shortest(self.r_inner)}")
        if self.cutoff not in (None, "poly2"):
            parts.append(f"cutoff={self.cutoff}")
        return f"{self.center or '*'}|{self.kind}({', '.join(parts)})"


def expand_symmetry_functions(functions, elements, *, r_cut, cutoff):
    """Fill in everything that the definitions leave open.

    Parameters
    ----------
    functions : sequence of SymmetryFunction
        Definitions; None stands for every element, the default radius or the default cutoff.
    elements : sequence of int
        Atomic numbers, ascending.
    r_cut : float
        Default cutoff radius.
    cutoff : str
        Default cutoff function.

    Returns
    -------
    tuple of SymmetryFunction
        Complete definitions, one per column: by central element (ascending atomic number), then in
        the order given, then by neighbour elements (ascending).

    Raises
    ------
    ValueError
        If a definition names an element that is not in `elements`, or two columns would be equal.
    """
    symbols = [chemical_symbols[z] for z in elements]
    for function in functions:
        _check_known(function, symbols)
    expanded = [
        replace(
            function,
            center=center,
            neighbors=neighbors,
            r_cut=r_cut if function.r_cut is None else function.r_cut,
            cutoff=function.cutoff or cutoff,
        )
        for center in symbols
        for function in functions
        if function.center in (None, center)
        for neighbors in _neighbor_choices(function, symbols)
    ]
    for function in expanded:
        _check_inner_radius(function)
    _check_unique(expanded)
    return tuple(expanded)


def _neighbor_choices(function, symbols):
    if function.weighted or function.neighbors is not None:
        return [function.neighbors]
    if not function.is_angular:
        return [(symbol,) for symbol in symbols]
    return [(a, b) for i, a in enumerate(symbols) for b in symbols[i:]]


def _check_kind(function):
    kind = function.kind
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(
            f"Symmetry functions of kind {kind!r} are not supported; choose one of {list(KINDS)}."
        )
    for name in PARAMETERS:
        given, needed = getattr(function, name) is not None, name in KINDS[kind]
        if needed and not given:
            raise ValueError(f"A symmetry function of kind {kind} needs {name}.")
        if given and not needed:
            raise ValueError(f"A symmetry function of kind {kind} has no parameter {name}.")


def _check_shift(function):
    if function.r_s and function.kind not in SHIFTED_KINDS:
        raise ValueError(f"A symmetry function of kind {function.kind} has no parameter r_s.")


def _check_weights(function):
    if function.weighted and function.neighbors is not None:
        raise ValueError(
            "A weighted symmetry function sums over the neighbours of all elements; leave "
            f"neighbors away, got {function.neighbors!r}."
        )


def _check_inner_radius(function):
    if not function.r_inner:
        return
    if function.r_cut is not None and function.r_inner >= function.r_cut:
        raise ValueError(
            f"r_inner must be below r_cut ({function.r_cut:g}), got {function.r_inner:g}."
        )
    if function.cutoff in WITHOUT_INNER_RADIUS:
        raise ValueError(
            f"The cutoff function {function.cutoff!r} has no inner radius; choose another one, or "
            "leave r_inner away."
        )


def _check_choice(name, value, choices):
    if not isinstance(value, (type(None), str, Real)) or value not in choices:
        raise ValueError(f"{name} must be one of {list(choices)}, got {value!r}.")


def _check_known(function, symbols):
    for symbol in (function.center, *(function.neighbors or ())):
        if symbol is not None and symbol not in symbols:
            raise ValueError(
                f"Symmetry function {function.name} names element {symbol}, but the known elements "
                f"are {symbols}. Drop the function, or name the element in elements=."
            )


def _check_unique(functions):
    seen = set()
    for function in functions:
        if function in seen:
            raise ValueError(f"Symmetry function {function.name} occurs twice; drop one of them.")
        seen.add(function)


def _number(name, value, *, at_least=None, above=None, at_most=LARGEST):
    if value is None and name not in ("r_s", "r_inner"):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number, got {value!r}.") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value!r}.")
    if abs(number) > at_most:
        raise ValueError(f"{name} must not exceed {at_most:g}, got {value!r}; check the units.")
    if at_least is not None and number < at_least:
        raise ValueError(f"{name} must be at least {at_least:g}, got {value!r}.")
    if above is not None and number <= above:
        raise ValueError(f"{name} must be above {above:g}, got {value!r}.")
    return number


def _symbol(value):
    if not isinstance(value, str) or atomic_numbers.get(value, 0) == 0:
        raise ValueError(f"Unknown chemical symbol {value!r}; write for example 'Si'.")
    return value


def _sorted_symbols(kind, neighbors):
    if neighbors is None:
        return None
    given = tuple(neighbors) if isinstance(neighbors, (tuple, list)) else (neighbors,)
    wanted = 2 if kind in ANGULAR_KINDS else 1
    if len(given) != wanted:
        raise ValueError(
            f"A symmetry function of kind {kind} needs {wanted} neighbour element(s), "
            f"got {neighbors!r}."
        )
    return tuple(sorted(map(_symbol, given), key=atomic_numbers.get))


def _shortest(value):
    return repr(int(value)) if float(value).is_integer() else repr(value)


def check_complete(functions):
    """Refuse definitions that leave something to a transformer.

    Parameters
    ----------
    functions : sequence of SymmetryFunction

    Raises
    ------
    ValueError
        If there is none, or one without central element, neighbours or cutoff.
    """
    if not functions:
        raise ValueError("symmetry_functions is empty; give at least one function.")
    for index, function in enumerate(functions):
        if not isinstance(function, SymmetryFunction):
            raise ValueError(
                f"symmetry_functions[{index}] is of type {type(function).__name__}; give the "
                "symmetry_functions_ of a fitted SymmetryFunctionTransformer."
            )
        fields = (function.center, function.r_cut, function.cutoff)
        if None in fields or (function.neighbors is None and not function.weighted):
            raise ValueError(
                f"Symmetry function {index}, {function.name}, is not complete. Give the "
                "symmetry_functions_ of a fitted SymmetryFunctionTransformer."
            )


def elements_of(functions, structures):
    """Elements that complete functions name or structures contain.

    Parameters
    ----------
    functions : sequence of SymmetryFunction
    structures : sequence of ase.Atoms

    Returns
    -------
    ndarray of int
        Atomic numbers, ascending.
    """
    symbols = {symbol for f in functions for symbol in (f.center, *(f.neighbors or ()))}
    numbers = [atomic_numbers[symbol] for symbol in symbols]
    return np.unique(np.concatenate([numbers, *(atoms.numbers for atoms in structures)]))
