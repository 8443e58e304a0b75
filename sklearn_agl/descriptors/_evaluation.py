"""Runs the compiled programs over many structures: in pieces, in parallel, into a file if asked."""

import errno
import itertools
import math
import shutil
import uuid
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from scipy.sparse import csr_array

from sklearn_agl._files import clear_leftovers, replace_file
from sklearn_agl.descriptors._progress import progress_bar
from sklearn_agl.descriptors._structures import check_images
from sklearn_agl.descriptors.kernels._backpropagation import Vjp
from sklearn_agl.descriptors.kernels._cells import make_batch, make_cells
from sklearn_agl.descriptors.kernels._codegen import compile_kernel
from sklearn_agl.descriptors.kernels._differentiation_modes import Jvp, Jvps, Values
from sklearn_agl.descriptors.kernels._gradients import AXES, TILE
from sklearn_agl.descriptors.kernels._kernel_plan import Planner
from sklearn_agl.descriptors.kernels._loops import (
    DONE,
    OVERLAPPING,
    SHORT_OF_STREAMS,
    allocate,
    with_more_streams,
)
from sklearn_agl.descriptors.kernels._neighbors import MOST_NEIGHBORS, find_clash, make_around

BATCHES_PER_JOB = 8
"""Pieces of work per thread: enough to balance structures of different sizes."""

ATOMS_PER_BATCH = 20_000
"""At most, so that the pieces under way need little memory."""


BYTES_PER_PIECE = 2**26
"""What changes along displacements may take while they are computed, per thread; more displacements
are done in pieces."""


def _write_new_file(folder, n_bytes, fill):
    """A file for so many bytes, under a name of its own that it has when it is complete."""
    path = Path(folder) / f"symmetry_functions_{uuid.uuid4().hex}.npy"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(path.parent, "symmetry_functions_*.npy")
        free = shutil.disk_usage(folder).free
        if free < n_bytes:
            raise OSError(
                errno.ENOSPC, f"{n_bytes / 1e6:.0f} MB are needed, {free / 1e6:.0f} are free"
            )
        replace_file(path, fill)
    except OSError as error:
        raise ValueError(
            f"memmap_folder={str(folder)!r} cannot be written to: {error.strerror}. Give another "
            "folder, or make room."
        ) from error
    return path


@dataclass(frozen=True)
class Evaluation:
    """What is needed to compute symmetry functions of some structures, at any time.

    The geometry is copied, so that structures may change afterwards.

    Attributes
    ----------
    batches : tuple of Batch
        The structures.
    planner : Planner
        For the symmetry functions.
    columns : ndarray of int or None
        Functions to evaluate, None for all.
    shape : tuple of (int, int)
        Of the values: all atoms, columns.
    dtype : dtype
        Of the values.
    n_jobs, verbose
        As in `SymmetryFunctionTransformer`.
    """

    batches: tuple
    planner: Planner
    columns: np.ndarray | None
    shape: tuple
    dtype: np.dtype
    n_jobs: int | None
    verbose: bool | int

    def take(self, columns):
        """The same for some of the columns."""
        chosen = columns if self.columns is None else self.columns[columns]
        return replace(self, columns=chosen, shape=(self.shape[0], len(chosen)))

    def compute(self):
        """Values in memory, one row per atom."""
        values, start = np.empty(self.shape, dtype=self.dtype), 0
        for block in self._blocks():
            values[start : start + len(block)] = block
            start += len(block)
        return values

    def compute_into_file(self, folder):
        """The same in a memory-mapped file with a new name, written piece by piece."""
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": self.shape,
        }

        def fill(file):
            np.lib.format.write_array_header_1_0(file, header)
            for block in self._blocks():
                file.write(memoryview(np.ascontiguousarray(block)).cast("B"))

        n_bytes = math.prod(self.shape) * self.dtype.itemsize
        return np.load(_write_new_file(folder, n_bytes, fill), mmap_mode="r")

    def _blocks(self):
        plan = self.planner.plan(self.columns)
        calls = (delayed(_values)(batch, plan, self.dtype) for batch in self.batches)
        parallel = Parallel(n_jobs=self.n_jobs, prefer="threads", return_as="generator")
        n_structures = sum(len(batch.cells) for batch in self.batches)
        with progress_bar(n_structures, "symmetry functions", self.verbose) as advance:
            for batch, block in zip(self.batches, parallel(calls), strict=True):
                yield block
                advance(len(batch.cells))


def make_batches(structures, elements, r_cut, n_jobs):
    """Cut checked structures into batches.

    Parameters
    ----------
    structures : list of ase.Atoms
    elements : ndarray of int
        Atomic numbers, ascending.
    r_cut : float
        Largest cutoff radius.
    n_jobs : int or None
        Number of threads.

    Returns
    -------
    tuple of Batch

    Raises
    ------
    ValueError
        If two atoms of a structure are at one point, or its cell is far smaller than `r_cut`.
    """
    check_images(structures, r_cut)
    n_atoms = sum(map(len, structures))
    wanted = max(BATCHES_PER_JOB * effective_n_jobs(n_jobs), n_atoms // ATOMS_PER_BATCH + 1)
    bounds = np.linspace(0, len(structures), min(len(structures), wanted) + 1).astype(int)
    batches = tuple(make_batch(structures[a:b], elements) for a, b in itertools.pairwise(bounds))
    clashes = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(find_clash)(b) for b in batches)
    for start, (structure, atom) in zip(bounds, clashes, strict=False):
        if structure >= 0:
            position = structures[start + structure].positions[atom].tolist()
            raise ValueError(clash_message(start + structure, atom, position))
    return batches


def bind(plan, batch, program):
    """The compiled program for a batch, as a function of the program's data."""
    kernel = compile_kernel(plan.shapes, plan.cutoffs, program)
    cells = make_cells(batch, plan.arrays.r_cut)
    work, slots = allocate(make_around(cells), plan, program), (0, len(cells.order))
    return partial(run, kernel, batch, cells, plan, work, slots)


def run(kernel, batch, cells, plan, work, slots, data):
    """Run a compiled program for some atoms.

    Parameters
    ----------
    kernel : callable
        From `compile_kernel`.
    batch, cells, plan, work
        As it takes them; `work` is from `allocate`.
    slots : tuple of (int, int)
        The first atom in the order of the cells, and the one behind the last.
    data : NamedTuple
        Of the program.

    Returns
    -------
    Work
        The working memory, which has grown if there were many neighbours.

    Raises
    ------
    ValueError
        If two atoms are at one point, or one has too many neighbours.
    """
    slot, last = slots
    slot, reason = kernel(batch, cells, plan.arrays, work, data, slot, last)
    while reason == SHORT_OF_STREAMS:
        work = with_more_streams(work)
        slot, reason = kernel(batch, cells, plan.arrays, work, data, slot, last)
    if reason != DONE:
        _refuse(batch, cells.order[slot], reason, plan.arrays.r_cut)
    return work


def _refuse(batch, atom, reason, r_cut):
    """Say what is wrong with an atom; the kernel has found it."""
    structure = int(np.searchsorted(batch.starts, atom, side="right")) - 1
    own, position = int(atom - batch.starts[structure]), batch.positions[atom].tolist()
    if reason == OVERLAPPING:
        raise ValueError(clash_message(structure, own, position))
    raise ValueError(
        f"Atom {own} at {position} has more than {MOST_NEIGHBORS} neighbours within the cutoff "
        f"radius {r_cut:g}: the structure has collapsed, or is in another unit of length."
    )


def clash_message(structure, atom, position):
    """What to say of two atoms at one point."""
    return (
        f"Structure {structure} has two atoms at one point: atom {atom} and another one at "
        f"{position}. Remove one of them."
    )


def vector_jacobian_product(batch, plan, vectors):
    """Derivatives of sum(vectors * values) by positions and by a homogeneous deformation.

    Parameters
    ----------
    batch : Batch
        Some structures.
    plan : KernelPlan
        All symmetry functions.
    vectors : ndarray of shape (n_atoms, n_functions)
        Whatever belongs to a function of another element is ignored.

    Returns
    -------
    gradient : ndarray of shape (n_atoms, 3)
    strain : ndarray of shape (n_structures, 3, 3)
    """
    table = np.zeros((len(batch.positions), vectors.shape[1] + 1))
    np.copyto(table[:, :-1], vectors, where=plan.defined[batch.species])
    data = Vjp(table, np.zeros_like(batch.positions), np.zeros_like(batch.cells))
    bind(plan, batch, "vjp")(data)
    return data.gradient, data.strain


def jacobian_vector_product(batch, plan, displacements, strains):
    """Change of the values when atoms move and space deforms.

    Parameters
    ----------
    batch, plan
        As in `vector_jacobian_product`.
    displacements : ndarray of shape (n_atoms, 3)
    strains : ndarray of shape (n_structures, 3, 3)

    Returns
    -------
    ndarray of shape (n_atoms, n_functions)
        Zero where a function is not defined for an atom's element.
    """
    data = Jvp(np.zeros((len(batch.positions), plan.defined.shape[1] + 1)), displacements, strains)
    bind(plan, batch, "jvp")(data)
    return data.table[:, :-1]


def jacobian_vector_products(batch, plan, displacements, dtype):
    """Changes of the values along many displacements of the atoms.

    Parameters
    ----------
    batch, plan
        As in `vector_jacobian_product`.
    displacements : ndarray of shape (n_directions, n_atoms, 3)
    dtype : dtype
        Of the result.

    Returns
    -------
    ndarray of shape (n_directions, n_atoms, n_functions)
        NaN where a function is not defined for an atom's element.
    """
    evaluate, defined = bind(plan, batch, "jvps"), plan.defined[batch.species]
    changes = np.empty((len(displacements), *defined.shape), dtype=dtype)
    most = max(BYTES_PER_PIECE // (8 * max(defined.size, 1)) // TILE, 1) * TILE
    for first in range(0, len(displacements), most):
        piece = displacements[first : first + most]
        n_tiles = -(-len(piece) // TILE)
        table = np.zeros((len(defined), n_tiles * TILE, defined.shape[1] + 1))
        evaluate(Jvps(table, _make_tiles(piece, n_tiles)))
        table[:, :, :-1] = np.where(defined[:, None], table[:, :, :-1], np.nan)
        changes[first : first + most] = table[:, : len(piece), :-1].transpose(1, 0, 2)
    return changes


def _make_tiles(displacements, n_tiles):
    """Bring displacements into the form that compiled code takes, filled up with zeros."""
    n_directions, n_atoms, _ = displacements.shape
    padded = np.zeros((n_tiles * TILE, n_atoms, AXES))
    padded[:n_directions] = displacements
    tiles = padded.reshape(n_tiles, TILE, n_atoms, AXES).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(tiles).reshape(n_tiles, n_atoms, AXES * TILE)


def sparse_jacobian(batch, plan):
    """Jacobian of the values of one structure.

    Parameters
    ----------
    batch : Batch
        One structure.
    plan
        As in `vector_jacobian_product`.

    Returns
    -------
    scipy.sparse.csr_array of shape (n_atoms * n_functions, n_atoms * 3)
    """
    evaluate = bind(plan, batch, "vjp")
    n_atoms, n_functions = len(batch.positions), plan.defined.shape[1]
    data = Vjp(np.zeros((n_atoms, n_functions + 1)), np.zeros((n_atoms, 3)), np.zeros((1, 3, 3)))
    indices, entries, lengths = [], [], np.zeros((n_atoms, n_functions), dtype=np.int64)
    for i in range(n_atoms):
        for m in np.flatnonzero(plan.defined[batch.species[i]]):
            data.table[i, m], data.gradient[:] = 1.0, 0.0
            evaluate(data)
            data.table[i, m] = 0.0
            indices.append(np.flatnonzero(data.gradient))
            entries.append(data.gradient.flat[indices[-1]])
            lengths[i, m] = len(indices[-1])
    ends = np.cumsum(np.append(0, lengths.ravel()))
    shape = (n_atoms * n_functions, n_atoms * 3)
    if not indices:
        return csr_array(shape)
    return csr_array((np.concatenate(entries), np.concatenate(indices), ends), shape=shape)


def evaluate_values(batch, plan):
    """Values of the symmetry functions.

    Parameters
    ----------
    batch, plan
        As in `vector_jacobian_product`.

    Returns
    -------
    ndarray of shape (n_atoms, n_functions)
        NaN where a function is not defined for an atom's element.
    """
    blank = np.pad(np.where(plan.defined, 0.0, np.nan), ((0, 0), (0, 1)))
    table = blank[batch.species]
    bind(plan, batch, "values")(Values(table))
    return table[:, :-1]


def _values(batch, plan, dtype):
    return evaluate_values(batch, plan).astype(dtype, copy=False)
