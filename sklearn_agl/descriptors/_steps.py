"""One structure after the other, as molecular dynamics asks for them.

What a step needs in memory is kept for the next one, and threads share the atoms of a structure. It
is always cut into the same pieces, whose gradients are added up in the same order: the result does
not depend on the number of threads.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from joblib import effective_n_jobs

from sklearn_agl.descriptors._evaluation import run
from sklearn_agl.descriptors.kernels._backpropagation import Forces
from sklearn_agl.descriptors.kernels._cells import make_cells
from sklearn_agl.descriptors.kernels._codegen import compile_kernel
from sklearn_agl.descriptors.kernels._differentiation_modes import Values
from sklearn_agl.descriptors.kernels._loops import allocate
from sklearn_agl.descriptors.kernels._neighbors import make_around
from sklearn_agl.descriptors.kernels._packing import LANES

ATOMS_PER_PIECE = 128
"""At least, so that calling the kernel costs little beside what it does."""

MOST_PIECES = 16
"""Each has gradients for all atoms, whose sum takes time, too."""


class StepEvaluator:
    """Evaluates functions and networks of one structure after the other.

    Parameters
    ----------
    plan : KernelPlan
        The symmetry functions.
    networks : Networks
        They turn values into energies.
    pairs : PairTerms
        They come on top, and reach no farther than the plan sees.
    n_jobs : int or None
        Number of threads.
    """

    def __init__(self, plan, networks, pairs, n_jobs):
        self._plan, self._pairs = plan, pairs
        self._networks = [_with_own_memory(networks) for _ in range(effective_n_jobs(n_jobs))]
        self._blank = np.pad(np.where(plan.defined, 0.0, np.nan), ((0, 0), (0, 1)))
        self._kernels, self._works = {}, {}

    def __getstate__(self):
        # Compiled code cannot be copied, and memory need not.
        return {**self.__dict__, "_kernels": {}, "_works": {}}

    def values(self, batch):
        """Values of the functions.

        Parameters
        ----------
        batch : Batch
            One structure.

        Returns
        -------
        ndarray of shape (n_atoms, n_functions)
            NaN where a function is not defined for an atom's element.

        Raises
        ------
        ValueError
            If two atoms are at one point, or one has too many neighbours.
        """
        table = self._blank[batch.species]
        self._run("values", batch, lambda piece, networks: Values(table))
        return table[:, :-1]

    def forces(self, batch):
        """Values, energies of the atoms, and the derivatives of their sum, all in one go.

        Parameters
        ----------
        batch : Batch
            One structure.

        Returns
        -------
        values : ndarray of shape (n_atoms, n_functions)
            NaN where a function is not defined for an atom's element.
        energies : ndarray of shape (n_atoms,)
        gradient : ndarray of shape (n_atoms, 3)
        strain : ndarray of shape (3, 3)

        Raises
        ------
        ValueError
            As `values` does.
        """
        n_atoms, n_pieces = len(batch.positions), _count_pieces(batch)
        table = np.zeros((n_atoms, self._blank.shape[1]))
        values, energies = np.zeros_like(table), np.zeros(n_atoms)
        gradients, strains = np.zeros((n_pieces, n_atoms, 3)), np.zeros((n_pieces, 1, 3, 3))

        def data(piece, networks):
            return Forces(
                table, values, energies, gradients[piece], strains[piece], networks, self._pairs
            )

        self._run("forces", batch, data)
        if not self._plan.defined.all():
            np.copyto(values, np.nan, where=np.isnan(self._blank)[batch.species])
        return values[:, :-1], energies, gradients.sum(axis=0), strains.sum(axis=(0, 1))

    def _run(self, program, batch, data):
        """Run a program piece by piece, with ``data(piece, networks)``."""
        kernel, cells = self._kernel(program), make_cells(batch, self._plan.arrays.r_cut)
        n_atoms, n_pieces = len(batch.positions), _count_pieces(batch)
        bounds = [n_atoms * piece // n_pieces for piece in range(n_pieces + 1)]
        n_threads = min(len(self._networks), n_pieces)

        def work_off(thread):
            work = self._memory(program, thread, cells)
            # Pieces by turns: their atoms are in different places, of different density.
            for piece in range(thread, n_pieces, n_threads):
                own, slots = data(piece, self._networks[thread]), (bounds[piece], bounds[piece + 1])
                work = run(kernel, batch, cells, self._plan, work, slots, own)
            self._works[program, thread] = work

        if n_threads == 1:
            work_off(0)
            return
        # A pool for each step costs less than it takes to keep one through copies and forks.
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(work_off, range(n_threads)))

    def _kernel(self, program):
        if program not in self._kernels:
            shapes, cutoffs, *_ = self._plan
            self._kernels[program] = compile_kernel(shapes, cutoffs, program)
        return self._kernels[program]

    def _memory(self, program, thread, cells):
        """Working memory: that of the last step if it is large enough."""
        work = self._works.get((program, thread))
        if work is None or work.around.shape[1] < cells.capacity[0] + LANES:
            work = allocate(make_around(cells), self._plan, program)
        return work


def _count_pieces(batch):
    return min(max(len(batch.positions) // ATOMS_PER_PIECE, 1), MOST_PIECES)


def _with_own_memory(networks):
    return networks._replace(
        nodes=np.zeros_like(networks.nodes),
        turns=np.zeros_like(networks.turns),
        pulled=np.zeros_like(networks.pulled),
    )
