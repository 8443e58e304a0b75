"""The Lennard-Jones potential of the data set as an ASE calculator."""

from numbers import Real

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from sklearn_agl.datasets._molecular_dynamics import energy_and_forces, neighbor_list
from sklearn_agl.descriptors._structures import check_structures


class LennardJonesCalculator(Calculator):
    r"""ASE calculator of the potential that `make_lennard_jones` samples.

    It is the truncated and shifted pair energy of `make_lennard_jones`, in reduced units. ASE's own
    ``LennardJones(sigma=1, epsilon=1, rc=2.8)`` computes the same numbers in any cell; this one is
    compiled for cubic boxes, and some fifty times as fast there.

    Parameters
    ----------
    r_cut : float, default=2.8
        Distance at which the potential is truncated, at most half the box length.
    atoms : ase.Atoms, default=None
        Atoms to attach the calculator to, as with any calculator of ASE.

    Raises
    ------
    ValueError
        In a calculation, if the box is not a periodic cube or shorter than two cutoffs.

    See Also
    --------
    make_lennard_jones : Structures of this potential.
    sklearn_agl.potentials.HDNNPCalculator : The same for a trained potential.

    Notes
    -----
    In reduced units every atom has mass 1: ``atoms.set_masses([1.0] * len(atoms))``. ASE counts
    times in units of :math:`\sigma \sqrt{m / \varepsilon}`, and a temperature T in
    :math:`\varepsilon / k_B` is ``temperature_K=T / ase.units.kB``.

    Examples
    --------
    >>> from sklearn_agl.datasets import LennardJonesCalculator, make_lennard_jones
    >>> structures, energies = make_lennard_jones(
    ...     1, 32, temperatures=[1.2], densities=[0.9], r_cut=1.6, random_state=0
    ... )
    >>> atoms = structures[0].copy()
    >>> atoms.calc = LennardJonesCalculator(r_cut=1.6)
    >>> bool(atoms.get_potential_energy() == energies[0])
    True
    """

    implemented_properties = ["energy", "free_energy", "forces"]  # noqa: RUF012

    def __init__(self, r_cut=2.8, *, atoms=None):
        super().__init__(atoms=atoms)
        self.r_cut = r_cut

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        """Compute energy and forces; ASE calls this when they are asked for.

        Parameters
        ----------
        atoms : ase.Atoms, default=None
            By default those of the last calculation.
        properties : sequence of str, default=("energy",)
            Both are always computed.
        system_changes : sequence of str, default=tuple(all_changes)
            What has changed since the last calculation.
        """
        if not isinstance(self.r_cut, Real) or not 0.0 < self.r_cut < np.inf:
            raise ValueError(f"r_cut={self.r_cut!r} must be a positive number.")
        super().calculate(atoms, list(properties), list(system_changes))
        check_structures([self.atoms])
        length = self._box_length()
        energy, forces = evaluate(self.atoms.positions.T, length, self.r_cut)
        if not np.isfinite(energy):
            raise ValueError("Two atoms are (nearly) at one point: move or remove one of them.")
        self.results = {"energy": energy, "free_energy": energy, "forces": forces.T.copy()}

    def _box_length(self):
        """Length of the box, which has to be a cube of two cutoffs at least."""
        cell, length = self.atoms.cell.array, self.atoms.cell.array[0, 0]
        if not (self.atoms.pbc.all() and np.allclose(cell, length * np.eye(3))):
            raise ValueError(
                f"The cell {cell.tolist()} with pbc={self.atoms.pbc.tolist()} is not a periodic "
                "cube along the axes: use ase.calculators.lj.LennardJones for other cells."
            )
        if self.r_cut > 0.5 * length:
            raise ValueError(
                f"r_cut={self.r_cut} exceeds half the box length, {0.5 * length:.4g}: repeat the "
                "atoms, or lower r_cut."
            )
        return length


def evaluate(positions, length, r_cut):
    """Total energy and forces (3, n_atoms) of positions (3, n_atoms) in a cube."""
    positions = np.ascontiguousarray(positions)
    forces = np.empty_like(positions)
    starts, neighbors = neighbor_list(positions, length, r_cut)
    return energy_and_forces(positions, length, r_cut, starts, neighbors, forces), forces
