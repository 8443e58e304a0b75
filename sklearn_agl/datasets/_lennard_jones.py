"""Structures of the Lennard-Jones solid and liquid, sampled by molecular dynamics."""

import math
from functools import partial
from itertools import product
from numbers import Integral, Real

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from joblib import Parallel, delayed
from sklearn.utils import check_array, check_random_state

from sklearn_agl._sklearn import Interval, validate_params
from sklearn_agl.datasets._calculator import evaluate
from sklearn_agl.datasets._molecular_dynamics import langevin
from sklearn_agl.descriptors._progress import progress_bar

TIMESTEP = 0.005
FRICTION = 2.0
MELTING_STEPS = 2000
# Times the state's temperature: a crystal without surface melts only far above its melting point.
MELTING_FACTOR = 3.0
TRIPLE_POINT_TEMPERATURE = 0.69
UNSTABLE = 1e6
"""Boxes that an atom crosses in a simulation that has gone wrong."""

# Density / temperature^(1/4) of freezing and of melting, as polynomials in 1 / temperature.
COEXISTENCE_LINES = (
    [-0.14433, 0.63932, -1.08918, 0.85861, -0.25124, 0.91070],
    [-0.10847, 0.49124, -0.82672, 0.62381, -0.09218, 0.92302],
)


@validate_params(
    {
        "n_structures": [Interval(Integral, 1, None, closed="left")],
        "n_atoms": [Interval(Integral, 4, None, closed="left")],
        "temperatures": ["array-like"],
        "densities": ["array-like"],
        "r_cut": [Interval(Real, 0, None, closed="neither")],
        "equilibration_steps": [Interval(Integral, 0, None, closed="left")],
        "sampling_interval": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def make_lennard_jones(
    n_structures=1500,
    n_atoms=256,
    *,
    temperatures=(0.5, 0.75, 1.0, 1.25, 1.5),
    densities=(0.9, 0.95, 1.0, 1.05, 1.1),
    r_cut=2.8,
    equilibration_steps=3000,
    sampling_interval=200,
    random_state=None,
    n_jobs=None,
    verbose=False,
):
    r"""Sample structures of a Lennard-Jones solid and liquid by molecular dynamics.

    One simulation at constant number of atoms, volume and temperature runs for each pair of a
    temperature and a density. The pair energy is truncated and shifted,

    .. math::
        u(r) = 4 \varepsilon \left[(\sigma/r)^{12} - (\sigma/r)^6\right]
             - 4 \varepsilon \left[(\sigma/r_c)^{12} - (\sigma/r_c)^6\right]
        \quad (r < r_c), \qquad u(r) = 0 \quad (r \ge r_c).

    All quantities are in reduced units: lengths in :math:`\sigma`, energies in
    :math:`\varepsilon`, temperatures in :math:`\varepsilon / k_B`, forces in
    :math:`\varepsilon / \sigma`, masses in the mass of an atom.

    Parameters
    ----------
    n_structures : int, default=1500
        Number of structures, spread evenly over the states.
    n_atoms : int, default=256
        Atoms per structure: 4 k³ (32, 108, 256, 500, ...), the sites of a cubic fcc crystal.
    temperatures : array-like of shape (n_temperatures,), default=(0.5, 0.75, 1, 1.25, 1.5)
        Temperatures.
    densities : array-like of shape (n_densities,), default=(0.9, 0.95, 1, 1.05, 1.1)
        Atoms per volume.
    r_cut : float, default=2.8
        Distance at which the potential is truncated, at most half the box length.
    equilibration_steps : int, default=3000
        Time steps (of 0.005) at the state's temperature before the first sample.
    sampling_interval : int, default=200
        Time steps between two samples of a simulation.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial velocities and of the thermostat. The same integer gives the same
        structures, whatever ``n_jobs``; a larger ``n_structures`` continues the same simulations.
    n_jobs : int, default=None
        Number of simulations that run at the same time, as threads.
    verbose : bool, default=False
        Whether to show how far the simulations are: a bar with tqdm, else lines.

    Returns
    -------
    structures : list of ase.Atoms of length n_structures
        Periodic cubic boxes of argon atoms. Structure ``i`` belongs to state
        ``i % n_states``; states are ordered by temperature, then density, as given, and each
        state's structures by time. ``info`` holds ``temperature``, ``density`` and ``state``, and
        the attached calculator the energy and the forces.
    energies : ndarray of shape (n_structures,)
        Total potential energy of each structure.

    Raises
    ------
    ValueError
        If ``n_atoms`` is not 4 k³, a temperature or density is not a positive number, or
        ``r_cut`` exceeds half the length of the smallest box.

    Notes
    -----
    The equations of motion are those of Langevin dynamics with friction 2, integrated with the
    BAOAB scheme [1]_. Every simulation starts from an fcc crystal. Where the temperature is above
    that of the triple point and the density below the middle of the coexistence region [2]_, the
    crystal is first melted at three times the state's temperature, so that each state is sampled
    in the phase that is stable there. A box of 256 atoms within the coexistence region stays in
    one phase for the duration of a simulation.

    Measured with the default arguments: 9 of the 25 states are liquid, 16 solid, and none changes
    its phase (the global bond-orientational order parameter Q6 stays within 0.40-0.55 in the
    solids and below 0.11 in the liquids). The autocorrelation time of the energy is 25 to 110
    time steps, the correlation of successive samples 0.07 on average and 0.2 at most.

    References
    ----------
    .. [1] B. Leimkuhler, C. Matthews, "Rational construction of stochastic numerical methods for
       molecular sampling", Applied Mathematics Research eXpress 2013, 34-56 (2013).
    .. [2] M. A. van der Hoef, "Free energy of the Lennard-Jones solid", J. Chem. Phys. 113,
       8142-8148 (2000).

    Examples
    --------
    >>> from sklearn_agl.datasets import make_lennard_jones
    >>> structures, energies = make_lennard_jones(
    ...     4, 32, temperatures=[0.6, 1.2], densities=[0.95], r_cut=1.6, random_state=0
    ... )
    >>> [atoms.info["temperature"] for atoms in structures]
    [0.6, 1.2, 0.6, 1.2]
    >>> energies.shape
    (4,)
    """
    temperatures = _check_positive(temperatures, "temperatures")
    densities = _check_positive(densities, "densities")
    _check_n_atoms(n_atoms)
    _check_r_cut(r_cut, n_atoms, max(densities))

    states = list(product(temperatures, densities))
    entropy = check_random_state(random_state).randint(2**31, size=4).tolist()
    seeds = np.random.SeedSequence(entropy).spawn(len(states))
    simulate = partial(
        _simulate,
        n_atoms=n_atoms,
        r_cut=r_cut,
        equilibration_steps=equilibration_steps,
        sampling_interval=sampling_interval,
    )
    calls = (
        delayed(simulate)(*state, n_samples=len(range(k, n_structures, len(states))), seed=seed)
        for k, (state, seed) in enumerate(zip(states, seeds, strict=True))
    )
    parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    runs = []
    with progress_bar(n_structures, "Lennard-Jones structures", verbose) as advance:
        for run in parallel(calls):
            runs.append(run)
            advance(len(run))
    structures = [runs[i % len(states)][i // len(states)] for i in range(n_structures)]
    for i, atoms in enumerate(structures):
        atoms.info["state"] = i % len(states)
    return structures, np.array([atoms.get_potential_energy() for atoms in structures])


def _simulate(
    temperature,
    density,
    *,
    n_samples,
    seed,
    n_atoms,
    r_cut,
    equilibration_steps,
    sampling_interval,
):
    """Structures of one state, in the order of time."""
    rng = np.random.default_rng(seed)
    length = (n_atoms / density) ** (1 / 3)
    positions = length * _fcc_sites(n_atoms)
    velocities = rng.normal(0.0, math.sqrt(temperature), positions.shape)

    def advance(temperature, n_steps):
        langevin(
            positions, velocities, length, r_cut, temperature, FRICTION, TIMESTEP, n_steps, rng
        )

    if _is_liquid(temperature, density):
        advance(MELTING_FACTOR * temperature, MELTING_STEPS)
    advance(temperature, equilibration_steps)
    structures = []
    for _ in range(n_samples):
        advance(temperature, sampling_interval)
        if not np.isfinite(positions).all() or np.abs(positions).max() > UNSTABLE * length:
            raise ValueError(
                f"The simulation at temperature={temperature:g} and density={density:g} has become "
                "unstable: lower the temperature or the density."
            )
        atoms = _to_atoms(positions, length, r_cut)
        atoms.info.update(temperature=temperature, density=density)
        structures.append(atoms)
    return structures


def _to_atoms(positions, length, r_cut):
    """Atoms wrapped into the box, with a calculator that holds their energy and forces."""
    atoms = Atoms(numbers=[18] * positions.shape[1], cell=[length] * 3, pbc=True)
    atoms.positions = positions.T
    atoms.wrap()
    energy, forces = evaluate(atoms.positions.T, length, r_cut)
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces.T.copy())
    return atoms


def _fcc_sites(n_atoms):
    """Sites (3, n_atoms) of an fcc crystal that fills the unit cube."""
    n_cells = round((n_atoms / 4) ** (1 / 3))
    corners = np.stack(np.meshgrid(*[np.arange(n_cells)] * 3), axis=-1).reshape(-1, 1, 3)
    basis = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]])
    return np.ascontiguousarray((corners + basis).reshape(-1, 3).T) / n_cells


def _is_liquid(temperature, density):
    """Whether the state lies on the liquid side of the middle of the coexistence region.

    The densities of freezing and melting are the fits of van der Hoef (2000), valid from the triple
    point up, where there is a liquid at all.
    """
    if temperature <= TRIPLE_POINT_TEMPERATURE:
        return False
    middle = np.mean([np.polyval(line, 1 / temperature) for line in COEXISTENCE_LINES])
    return density < temperature**0.25 * middle


def _check_positive(values, name):
    """Return the values as a list of floats."""
    if not len(values):
        raise ValueError(f"{name} is empty, but a minimum of 1 is required.")
    values = check_array(values, ensure_2d=False, dtype=np.float64, input_name=name)
    if values.ndim != 1 or (values <= 0).any():
        raise ValueError(f"{name} must be a 1-D array of positive numbers, got {values!r}.")
    return values.tolist()


def _check_n_atoms(n_atoms):
    below = max(1, math.floor((n_atoms / 4) ** (1 / 3) + 1e-9))
    if n_atoms != 4 * below**3:
        raise ValueError(
            f"n_atoms={n_atoms} does not fill a cubic fcc crystal, which has 4 k^3 sites: "
            f"the nearest valid numbers are {4 * below**3} and {4 * (below + 1) ** 3}."
        )


def _check_r_cut(r_cut, n_atoms, density):
    """At most half the smallest box, so that an atom meets one image of each neighbour at most."""
    half_length = 0.5 * (n_atoms / density) ** (1 / 3)
    if r_cut > half_length:
        n_cells = math.ceil((density * (2 * r_cut) ** 3 / 4) ** (1 / 3))
        raise ValueError(
            f"r_cut={r_cut} exceeds half the box length, {half_length:.4g} for {n_atoms} atoms at "
            f"density {density:.4g}: lower r_cut, or raise n_atoms to {4 * n_cells**3}."
        )
