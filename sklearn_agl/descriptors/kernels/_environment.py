"""The `forces` program for one atom and its neighbours, to be called from other languages.

Whoever has neighbours of its own, such as a program for molecular dynamics, hands over those of one
atom and gets its energy and the derivatives by their positions. All arrays, those of the potential
and working memory, are passed in one table of addresses and shapes, so that the caller needs to
know neither what they mean nor how many they are.
"""

from typing import NamedTuple

import numpy as np
from numba import from_dtype, types
from numba.extending import intrinsic

from sklearn_agl.compiled._numba import populate_array
from sklearn_agl.descriptors.kernels._backpropagation import Forces
from sklearn_agl.descriptors.kernels._codegen import write_source
from sklearn_agl.descriptors.kernels._kernel_plan import KernelArrays
from sklearn_agl.descriptors.kernels._loops import Work, allocate
from sklearn_agl.descriptors.kernels._neighbors import AROUND_ROWS
from sklearn_agl.descriptors.kernels._packing import LANES

ENTRIES = 5
"""Numbers that the table has for each array: its address, and its shape."""


class Environment(NamedTuple):
    """An atom, which comes first, and its neighbours: what the kernels ask of Batch and Cells.

    Attributes
    ----------
    species : ndarray of int of shape (capacity,)
        Index of each atom's element.
    order : ndarray of int of shape (capacity,)
        The whole numbers from 0: every atom is in its own place.
    """

    species: np.ndarray
    order: np.ndarray


class Arrays(NamedTuple):
    """All that is passed in the table; tuples within are named as the kernels have them."""

    environment: Environment
    plan: KernelArrays
    work: Work
    data: Forces


DRIVER = '''
from numba import cfunc, types
from sklearn_agl.descriptors.kernels._environment import array_reader
{imports}

{readers}


@cfunc(types.int64(types.CPointer(types.int64), types.int64), **LOOPS)
def evaluate(table, n_around):
    """Run the program for the first atom of an environment; 0 if it needs more streams."""
    arrays = {arrays}
    environment, plan, work, data = arrays.environment, arrays.plan, arrays.work, arrays.data
    if not has_room(n_around, environment.species[0], plan, work):
        return 0
    if plan.sorts_neighbors:
        sort_neighbors(work.around, n_around)
    data.table[0, :] = 0.0
    data.strain[0, :, :] = 0.0
    for k in range(n_around):
        for axis in range(3):
            data.gradient[k, axis] = 0.0
    add_atom(0, 0, n_around, environment, environment, plan, work, data)
    return 1
'''


def allocate_arrays(plan, networks, pairs, capacity, n_streams):
    """Arrays for environments of so many atoms; capacity is a multiple of `PADDING`.

    Parameters
    ----------
    plan : KernelPlan
    networks : Networks
    pairs : PairTerms
    capacity : int
        Atoms of an environment, its central one among them.
    n_streams : int
        Room for triplets; there may be more if the kernel asks for it.

    Returns
    -------
    Arrays
    """
    around = np.zeros((AROUND_ROWS, capacity + LANES))
    row = np.zeros((1, plan.defined.shape[1] + 1))
    return Arrays(
        environment=Environment(np.zeros(capacity, np.int64), np.arange(capacity)),
        plan=plan.arrays,
        work=allocate(around, plan, "forces", n_streams),
        data=Forces(
            table=row,
            values=row.copy(),
            energies=np.zeros(1),
            gradient=np.zeros((capacity, 3)),
            strain=np.zeros((1, 3, 3)),
            networks=networks,
            pairs=pairs,
        ),
    )


def flatten(arrays, prefix=""):
    """Arrays within nested tuples by their dotted names, in the order of the table.

    A number is an array of one entry. All entries have eight bytes.
    """
    flat = {}
    for name, value in arrays._asdict().items():
        if isinstance(value, tuple):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = np.atleast_1d(value)
            if flat[prefix + name].dtype == bool:
                flat[prefix + name] = flat[prefix + name].astype(np.int64)
    return flat


def write_environment_source(shapes, cutoffs, arrays):
    """Source of the module with `evaluate`, to be called with a table and a number of atoms.

    Parameters
    ----------
    shapes : tuple of GroupShape
    cutoffs : tuple of CutoffLoop
    arrays : Arrays
        Of any size; the source depends on their kinds only.

    Returns
    -------
    str
    """
    flat = list(flatten(arrays).values())
    kinds = sorted({_kind(array) for array in flat})
    readers = [f"read_{i} = array_reader({kind})" for i, kind in enumerate(kinds)]
    imports = [f"from {kind.__module__} import {kind.__name__}" for kind in _tuples(arrays)]
    reads = iter(
        f"read_{kinds.index(_kind(array))}(table, {ENTRIES * place})"
        for place, array in enumerate(flat)
    )
    driver = DRIVER.format(
        imports="\n".join(sorted(set(imports))),
        readers="\n".join(readers),
        arrays=_expression(arrays, reads),
    )
    return write_source(shapes, cutoffs, "forces", driver)


def _kind(array):
    """Arguments of `array_reader`."""
    return f"np.dtype({np.lib.format.dtype_to_descr(array.dtype)!r}), {array.ndim}"


def _tuples(value):
    """The classes of nested tuples."""
    if not isinstance(value, tuple):
        return []
    return [type(value), *(kind for part in value for kind in _tuples(part))]


def _expression(value, reads):
    """What makes nested tuples from what is read one after the other."""
    if isinstance(value, tuple):
        parts = [f"{name}={_expression(part, reads)}" for name, part in value._asdict().items()]
        return f"{type(value).__name__}({', '.join(parts)})"
    return next(reads) if isinstance(value, np.ndarray) else f"{next(reads)}[0]"


def array_reader(dtype, ndim):
    """Make a function that makes an array of a place in a table of addresses and shapes.

    Parameters
    ----------
    dtype : dtype
    ndim : int

    Returns
    -------
    callable
        ``read(table, place)``, for compiled code. numba's own `carray` counts references, which
        needs Python.
    """
    array_type = types.Array(from_dtype(dtype), ndim, "C")

    def code(context, builder, signature, args):
        table, place = args
        address, *shape = [
            builder.load(builder.gep(table, [builder.add(place, place.type(i))]))
            for i in range(ndim + 1)
        ]
        strides = [place.type(dtype.itemsize)]
        for length in shape[:0:-1]:
            strides.insert(0, builder.mul(strides[0], length))
        array = context.make_array(array_type)(context, builder)
        data = builder.inttoptr(address, array.data.type)
        populate_array(array, data, shape, strides, strides[-1], meminfo=None)
        return array._getvalue()

    @intrinsic
    def read(typingctx, table, place):
        return array_type(types.CPointer(types.int64), types.int64), code

    return read
