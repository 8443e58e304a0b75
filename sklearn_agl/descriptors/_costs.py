"""What each symmetry function costs in molecular dynamics, measured."""

import sys
import time
from collections.abc import Sequence
from functools import partial
from numbers import Real

import numpy as np
from ase import Atoms

from sklearn_agl._sklearn import Interval, validate_params
from sklearn_agl.compiled._atom_networks import make_sums
from sklearn_agl.compiled._pair_terms import no_pair_terms
from sklearn_agl.descriptors._definitions import SymmetryFunction, check_complete, elements_of
from sklearn_agl.descriptors._evaluation import bind
from sklearn_agl.descriptors._structures import check_images, check_structures
from sklearn_agl.descriptors.kernels._backpropagation import Forces
from sklearn_agl.descriptors.kernels._cells import make_batch
from sklearn_agl.descriptors.kernels._differentiation_modes import Values
from sklearn_agl.descriptors.kernels._kernel_plan import make_plan

clock = time.perf_counter if sys.platform == "win32" else time.thread_time
"""Of this thread alone, so that a busy machine counts little; on Windows that one is too coarse."""

N_ATOMS = 500
"""Atoms to evaluate per call: milliseconds, long against the resolution of the clock."""

N_ROUNDS = 5
"""Calls of each kind, at least: the fastest one is the one that nothing disturbed."""

DURATION = Interval(Real, 0, None, closed="left")

SMALLEST_SHARE = 0.01
"""No function costs less than this part of the mean, so that noise makes none of them free."""

SHORTEST = 1e-3
"""Microseconds: nor less than this, where there is nothing to measure, as without neighbours."""

MICRO = 1e6


@validate_params(
    {"symmetry_functions": ["array-like"], "duration": [DURATION]},
    prefer_skip_nested_validation=True,
)
def measure_costs(
    symmetry_functions: Sequence[SymmetryFunction],
    structures: Sequence[Atoms],
    *,
    duration: float = 1.0,
) -> np.ndarray:
    """Measure what each symmetry function adds to the time of a few others.

    Functions share work, so that a number per function cannot be exact. These are meant for the
    sets that a selection ends with, which have one or two angular functions of a kind:

    - A radial function costs an even share of what those of its central element take beyond the
      neighbour search.
    - An angular function costs what its *group* adds to these radial functions: all functions of
      the same kind, central element, pair of neighbour elements, cutoff, eta and r_s. The first
      function of a group takes nearly as long as all of them, which share the pairs of neighbours
      and an exponential per pair, or their moments, so that this time is not divided.

    Parameters
    ----------
    symmetry_functions : sequence of SymmetryFunction
        Complete definitions, as a transformer's ``symmetry_functions_`` or the
        `symmetry_functions` of its `AtomicFeatures`.
    structures : sequence of ase.Atoms
        Such as the molecular dynamics will visit. Some of them, of about 500 atoms together,
        are evaluated.
    duration : float, default=1.0
        Seconds to measure for, after a kernel was compiled if there is none for these functions.
        Every call is made at least five times, which may take longer.

    Returns
    -------
    ndarray of shape (n_functions,)
        Microseconds per atom, one thread, values without derivatives. An average over all atoms,
        whatever their element; at least a hundredth of the mean over the functions, so that noise
        makes none of them free.

    Raises
    ------
    ValueError
        If a definition is not complete, or a structure unsound.

    See Also
    --------
    sklearn_agl.AdaptiveGroupLassoSelector : Its `feature_costs` make a path save time.

    Notes
    -----
    Times are those of the kernel compiled for all functions; one that is compiled for the chosen
    functions alone is a little faster. Forces take two to three times as long as values, whatever
    the functions. All calls take turns, and the fastest of each counts. Wide functions of whole
    zeta need no pairs of neighbours, which makes them cheap where neighbours are many.

    Times differ a little from call to call, and a lot between machines: keep the numbers if a
    result has to be repeated.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from sklearn_agl import SymmetryFunctionTransformer
    >>> from sklearn_agl.descriptors import measure_costs
    >>> structures = [bulk("Al", cubic=True) * 3]
    >>> transformer = SymmetryFunctionTransformer("al-22").fit(structures)
    >>> costs = measure_costs(transformer.symmetry_functions_, structures, duration=0.1)
    >>> costs.shape, bool(costs[12:].min() > costs[:12].max() > 0)  # angular ones are the last
    ((22,), True)
    """
    functions = tuple(symmetry_functions)
    check_complete(functions)
    sample = _sample(check_structures(structures))
    centers = _columns_of_centers(functions)
    choices = {()}
    for radial, groups in centers.values():
        choices |= {radial, *(radial + group for group in groups)}
    seconds = _race(_make_calls(functions, sample, choices), duration)
    costs = np.zeros(len(functions))
    for radial, groups in centers.values():
        costs[list(radial)] = (seconds[radial] - seconds[()]) / max(1, len(radial))
        for group in groups:
            costs[list(group)] = seconds[radial + group] - seconds[radial]
    costs = np.maximum(MICRO / sum(map(len, sample)) * costs, SHORTEST)
    return np.maximum(costs, SMALLEST_SHARE * costs.mean())


@validate_params(
    {"symmetry_functions": ["array-like"], "sets": ["array-like"], "duration": [DURATION]},
    prefer_skip_nested_validation=True,
)
def measure_set_costs(symmetry_functions, structures, sets, *, duration=1.0):
    """Measure what sets of symmetry functions cost per atom and step of molecular dynamics.

    A step evaluates the values of the functions, from which the networks make the energy, and the
    product of their Jacobian with the energy's derivatives, which gives the forces. The networks
    themselves are not included: here the energy is the sum of the functions.

    Parameters
    ----------
    symmetry_functions : sequence of SymmetryFunction
        Complete definitions, as a transformer's ``symmetry_functions_`` or the
        `symmetry_functions` of its `AtomicFeatures`.
    structures : sequence of ase.Atoms
        Such as the molecular dynamics will visit. Some of them, of about 500 atoms together,
        are evaluated.
    sets : sequence of sequence of int
        Columns of the functions of each set.
    duration : float, default=1.0
        Seconds to measure for, after kernels were compiled if there are none. Every set is
        evaluated at least five times, which may take longer.

    Returns
    -------
    ndarray of shape (n_sets,)
        Microseconds per atom and step on one thread, with the search of the neighbours.

    Raises
    ------
    ValueError
        If a definition is not complete, or a structure unsound.

    See Also
    --------
    measure_costs : The part of each function, for a selection that saves time.

    Notes
    -----
    Times are those of the kernel compiled for all functions, so that sets can be compared; one
    that is compiled for a set alone is a little faster. All calls take turns, and the fastest
    of each counts.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from sklearn_agl import SymmetryFunctionTransformer
    >>> from sklearn_agl.descriptors import measure_set_costs
    >>> structures = [bulk("Al", cubic=True) * 3]
    >>> functions = SymmetryFunctionTransformer("al-22").fit(structures).symmetry_functions_
    >>> sets = [range(22), range(12)]  # the last ten are angular
    >>> everything, radial = measure_set_costs(functions, structures, sets, duration=0.1)
    >>> bool(everything > radial > 0)
    True
    """
    functions = tuple(symmetry_functions)
    check_complete(functions)
    sample = _sample(check_structures(structures))
    elements = elements_of(functions, sample)
    check_images(sample, max(function.r_cut for function in functions))
    batch = make_batch(sample, elements)
    sets = [_check_set(index, columns, len(functions)) for index, columns in enumerate(sets)]
    if not sets:
        raise ValueError("sets is empty; give at least one.")
    calls = {
        columns: partial(bind(plan, batch, "forces"), _data_of_a_step(batch, plan))
        for columns in dict.fromkeys(sets)
        for plan in [make_plan(functions, elements, np.array(columns, dtype=int))]
    }
    seconds = _race(calls, duration)
    return MICRO / len(batch.positions) * np.array([seconds[columns] for columns in sets])


def _check_set(index, columns, n_functions):
    columns = np.asarray(columns)
    if columns.ndim != 1 or not columns.size or columns.dtype.kind not in "iu":
        raise ValueError(f"sets[{index}] must be a list of columns, at least one; got {columns}.")
    if columns.min() < 0 or columns.max() >= n_functions:
        raise ValueError(
            f"sets[{index}] is {columns.tolist()}, but there are {n_functions} functions, counted "
            "from 0."
        )
    return tuple(columns.tolist())


def _data_of_a_step(batch, plan):
    n_elements, n_functions = plan.defined.shape
    table = np.zeros((len(batch.positions), n_functions + 1))
    return Forces(
        table=table,
        values=np.zeros_like(table),
        energies=np.zeros(len(table)),
        gradient=np.zeros_like(batch.positions),
        strain=np.zeros_like(batch.cells),
        networks=make_sums(n_elements, n_functions),
        pairs=no_pair_terms(n_elements),
    )


def _columns_of_centers(functions):
    """Columns of the radial functions and of each angular group, for each central element."""
    centers = {}
    for column, f in enumerate(functions):
        radial, groups = centers.setdefault(f.center, ([], {}))
        if f.is_angular:
            key = (f.kind, f.neighbors, f.cutoff, f.r_cut, f.r_inner, f.eta, f.r_s)
            groups.setdefault(key, []).append(column)
        else:
            radial.append(column)
    return {
        center: (tuple(radial), [tuple(group) for group in groups.values()])
        for center, (radial, groups) in centers.items()
    }


def _sample(structures):
    """Evenly chosen structures of about `N_ATOMS` atoms together."""
    mean_size = sum(map(len, structures)) / len(structures)
    n_wanted = min(len(structures), int(np.ceil(N_ATOMS / mean_size)))
    rows = np.linspace(0, len(structures) - 1, n_wanted).round().astype(int)
    return [structures[row] for row in rows]


def _make_calls(functions, structures, choices):
    """For each choice of columns a call that evaluates it."""
    elements = elements_of(functions, structures)
    check_images(structures, max(function.r_cut for function in functions))
    batch = make_batch(structures, elements)
    whole = make_plan(functions, elements).arrays
    calls = {}
    for columns in choices:
        plan = make_plan(functions, elements, np.array(columns, dtype=int))
        # All choices search the same neighbours, so that the difference is what functions take.
        arrays = plan.arrays._replace(r_cut=whole.r_cut, sorts_neighbors=whole.sorts_neighbors)
        table = np.zeros((len(batch.positions), len(columns) + 1))
        evaluate = bind(plan._replace(arrays=arrays), batch, "values")
        calls[columns] = partial(evaluate, Values(table))
    return calls


def _race(calls, duration):
    """Shortest seconds of each call; they take turns, so that disturbances hit all alike."""
    for call in calls.values():
        call()  # loads the kernel
    shortest, n_rounds = dict.fromkeys(calls, np.inf), 0
    end = time.perf_counter() + duration
    while n_rounds < N_ROUNDS or time.perf_counter() < end:
        for columns, call in calls.items():
            start = clock()
            call()
            shortest[columns] = min(shortest[columns], clock() - start)
        n_rounds += 1
    return shortest
