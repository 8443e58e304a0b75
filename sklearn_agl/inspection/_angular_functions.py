"""Angular symmetry functions over the angles that they describe."""

from collections import Counter

import numpy as np
from ase.neighborlist import neighbor_list

from sklearn_agl.descriptors import SymmetryFunction
from sklearn_agl.inspection._plotting import as_vector, make_axes
from sklearn_agl.inspection._radial_distribution import radial_distribution

LINE_STYLES = ("-", "--", "-.", ":")
N_ATOMS = 2000
"""Central atoms that an angle distribution is made of, at most."""
N_BINS = 90
SHELL = 1.5
"""The first minimum of a radial distribution function is not further away, in units of the peak."""


class AngularFunctionDisplay:
    r"""Angular terms :math:`2^{1 - \zeta} (1 + \lambda \cos\theta)^\zeta` over the angles.

    It shows which angles at an atom a selection looks at. Functions that differ in other parameters
    alone share a line; radial functions are left out.

    Parameters
    ----------
    symmetry_functions : sequence of SymmetryFunction
        Such as ``symmetry_functions_`` of a fitted `SymmetryFunctionTransformer`.
    angles : array-like of shape (n_angles,)
        Angles in degrees, ascending.
    distribution : array-like of shape (n_angles,)
        How often they occur, relative to directions at random.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes with the angular terms.
    distribution_ax_ : matplotlib.axes.Axes
        Axes with the distribution.
    figure_ : matplotlib.figure.Figure
        The figure.
    lines_ : list of matplotlib.lines.Line2D
        One line for each pair of zeta and lambda.

    Raises
    ------
    ValueError
        If no function is angular, or the arrays differ in length.

    See Also
    --------
    SymmetryFunctionDisplay : The radial functions.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from sklearn_agl.descriptors import SymmetryFunction
    >>> from sklearn_agl.inspection import AngularFunctionDisplay
    >>> functions = [SymmetryFunction("G4", eta=0.0, zeta=z, lambda_=-1) for z in (1, 4)]
    >>> display = AngularFunctionDisplay.from_structures([bulk("Si") * 2], functions)
    >>> [line.get_label() for line in display.lines_]
    ['$\\zeta$ = 1, $\\lambda$ = −1', '$\\zeta$ = 4, $\\lambda$ = −1']
    """

    def __init__(self, symmetry_functions, angles, distribution):
        for column, function in enumerate(symmetry_functions):
            if not isinstance(function, SymmetryFunction):
                raise ValueError(
                    f"symmetry_functions[{column}] is of type {type(function).__name__}; give "
                    "SymmetryFunction objects."
                )
        self.symmetry_functions = tuple(symmetry_functions)
        if not any(function.is_angular for function in self.symmetry_functions):
            raise ValueError(
                "symmetry_functions has no angular function, so there is nothing to draw."
            )
        self.angles = as_vector(angles, "angles")
        self.distribution = as_vector(distribution, "distribution", len(self.angles))

    @classmethod
    def from_structures(cls, structures, symmetry_functions, *, r_max=None, ax=None):
        """Compute the distribution of angles in structures and draw the figure.

        Parameters
        ----------
        structures : sequence of ase.Atoms
            Any. Of many, some are looked at.
        symmetry_functions : sequence of SymmetryFunction
            Definitions.
        r_max : float, default=None
            How far away the two neighbours of an angle may be. By default up to the first minimum
            of the radial distribution function behind its first peak, in structures that are
            periodic in three directions, else 1.5 times the shortest distance of each structure.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.

        Returns
        -------
        AngularFunctionDisplay

        Raises
        ------
        ValueError
            If no atom has two neighbours.
        """
        angles, distribution = angle_distribution(list(structures), r_max)
        return cls(symmetry_functions, angles, distribution).plot(ax)

    def plot(self, ax=None):
        """Draw the figure.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on, by default those of a new figure.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        self.ax_ = make_axes(ax, self, figsize=(7.2, 4.0))
        self.figure_ = self.ax_.figure
        self.distribution_ax_ = self._plot_distribution()
        self._plot_terms()
        self.ax_.set(
            xlabel="angle (degrees)",
            ylabel="angular term of one pair of neighbours",
            xlim=(0, 180),
            ylim=(0, 2.1),
        )
        self.ax_.set_xticks(range(0, 181, 30))
        return self

    def _plot_distribution(self):
        ax = self.ax_.twinx()
        ax.set_zorder(self.ax_.get_zorder() - 1)
        self.ax_.patch.set_visible(False)
        ax.fill_between(self.angles, self.distribution, color="0.88", linewidth=0)
        ax.set_ylabel("angles between near neighbours")
        ax.set_ylim(0, 1.05 * self.distribution.max() or 1.0)
        return ax

    def _plot_terms(self):
        import matplotlib
        from matplotlib.transforms import offset_copy

        terms = Counter((f.zeta, f.lambda_) for f in self.symmetry_functions if f.is_angular)
        colors = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.75, len(terms)))
        cosines = np.cos(np.radians(self.angles))
        self.lines_ = []
        for i, ((zeta, sign), color) in enumerate(zip(sorted(terms), colors, strict=True)):
            values = 2.0 ** (1.0 - zeta) * (1.0 + sign * cosines) ** zeta
            label = rf"$\zeta$ = {zeta:g}, $\lambda$ = {'+' if sign > 0 else '−'}1"
            if terms[zeta, sign] > 1:
                label += f" ({terms[zeta, sign]} functions)"
            style = LINE_STYLES[i % len(LINE_STYLES)]
            self.lines_ += self.ax_.plot(self.angles, values, style, color=color, label=label)
        right = offset_copy(self.ax_.transAxes, self.figure_, x=46, units="points")
        self.ax_.legend(
            frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1),
            bbox_transform=right, borderaxespad=0,
        )  # fmt: skip


def angle_distribution(structures, r_max=None):
    """How often angles between two neighbours of an atom occur.

    Parameters
    ----------
    structures : list of ase.Atoms
        Any.
    r_max : float, default=None
        Largest distance of the neighbours, see `AngularFunctionDisplay.from_structures`.

    Returns
    -------
    angles : ndarray of shape (n_bins,)
        Middle of each bin, in degrees.
    distribution : ndarray of shape (n_bins,)
        Relative to directions at random, which would be 1 everywhere.
    """
    counts = np.zeros(N_BINS)
    n_left = N_ATOMS
    for atoms in _sample(structures):
        reach = r_max or _first_minimum(atoms)
        centers, vectors = neighbor_list("iD", atoms, reach)
        for center in np.unique(centers)[:n_left]:
            own = vectors[centers == center]
            own /= np.linalg.norm(own, axis=1)[:, None]
            cosines = (own @ own.T)[np.triu_indices(len(own), 1)]
            degrees = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
            counts += np.histogram(degrees, N_BINS, (0.0, 180.0))[0]
        n_left -= len(atoms)
        if n_left <= 0:
            break
    if not counts.any():
        raise ValueError("No atom has two neighbours, so that there are no angles. Raise r_max.")
    edges = np.linspace(0.0, np.pi, N_BINS + 1)
    at_random = (np.cos(edges[:-1]) - np.cos(edges[1:])) / 2.0
    middles = np.degrees((edges[:-1] + edges[1:]) / 2.0)
    return middles, counts / counts.sum() / at_random


def _sample(structures):
    """Structures from all over the list, in an order that begins with a few far apart."""
    n_wanted = min(len(structures), 40)
    rows = np.linspace(0, len(structures) - 1, n_wanted).round().astype(int)
    return [structures[row] for row in rows]


def _first_minimum(atoms):
    """Distance behind the first shell of neighbours."""
    if len(atoms) < 2 and not atoms.pbc.any():
        return 1.0
    shortest = _shortest_distance(atoms)
    if not atoms.pbc.all():
        return 1.5 * shortest
    distances, rdf = radial_distribution([atoms], 2.0 * shortest, 40)
    rdf = np.convolve(rdf, np.ones(3) / 3.0, mode="same")
    rises = np.diff(rdf, append=0.0) > 0.0
    peak = int(np.argmax((rdf > 1.0) & ~rises))
    behind = np.where(distances <= SHELL * distances[peak], rdf, np.inf)[peak:]
    return float(distances[peak + int(np.argmin(behind))])


def _shortest_distance(atoms):
    reach = 2.0
    while True:
        distances = neighbor_list("d", atoms, reach)
        if len(distances):
            return float(distances.min())
        reach *= 1.5
