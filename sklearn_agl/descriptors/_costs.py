"""What each symmetry function costs in molecular dynamics, measured."""

import itertools
import time
from functools import partial

import numpy as np
from ase.data import atomic_numbers

from ._cells import make_batch
from ._evaluation import bind
from ._plan import make_plan
from ._programs import Values
from ._structures import check_structures

N_ATOMS = 1000
"""Atoms to evaluate per call: milliseconds, long against the resolution of the clock."""

N_ROUNDS = 5
"""Calls of each kind, at least: the fastest one is the one that nothing disturbed."""

SMALLEST_SHARE = 0.01
"""No function costs less than this part of the mean, so that noise makes none of them free."""

SHORTEST = 1e-3
"""Nor less than this, where nothing could be measured: atoms without neighbours."""

MICRO = 1e6


def measure_costs(symmetry_functions, structures, *, duration=1.0):
    r"""Measure what each symmetry function adds to the time of all of them.

    Functions share work, so that no number per function is exact. The costs divide the time of all
    functions beyond the neighbour search, and add up to it. For each central element

    - the radial functions have the time that the kernel takes with them alone;
    - the angular functions have the rest, which includes finding the pairs of neighbours;
    - within both, functions that run through the same neighbours together are a *group*: radial
      ones of the same neighbour element and cutoff, angular ones of the same pair of elements,
      cutoff, eta and r_s. Each group gets a share in proportion to its time alone, and divides it
      evenly.

    Parameters
    ----------
    symmetry_functions : sequence of SymmetryFunction
        Complete definitions, as a transformer's ``symmetry_functions_`` or the
        `symmetry_functions` of its `AtomicFeatures`.
    structures : sequence of ase.Atoms
        Such as the molecular dynamics will visit. Some of them, of about 1,000 atoms together,
        are evaluated.
    duration : float, default=1.0
        Seconds to measure for, after a kernel was compiled if there is none for these functions.
        Every call is made at least five times, which may take longer.

    Returns
    -------
    ndarray of shape (n_functions,)
        Microseconds per atom, one thread, values without derivatives. An average over all atoms,
        whatever their element; at least a hundredth of the mean of all functions.

    Raises
    ------
    ValueError
        If a definition is not complete, or a structure unsound.

    See Also
    --------
    sklearn_agl.AdaptiveGroupLassoSelector : Its `feature_costs` make a path save time.

    Notes
    -----
    Times are those of the kernel compiled for all functions. It evaluates an angular group as a
    whole as long as one function of it is wanted: what the costs promise, it saves when the group
    is gone. A kernel of the chosen functions alone saves a little more. Forces take two to three
    times as long as values, for all sets alike.

    Times differ a little from call to call, and between machines a lot: keep the numbers if a
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
    _check_complete(functions)
    sample = _sample(check_structures(structures))
    centers = _groups_of_centers(functions)
    choices = {()}
    for radial, angular in centers.values():
        choices |= {*radial, *angular, _join(radial), _join(radial + angular)}
    times = _times_beyond_search(_make_calls(functions, sample, choices), sample, duration)
    costs = np.zeros(len(functions))
    for radial, angular in centers.values():
        time_of_radial, time_of_all = times[_join(radial)], times[_join(radial + angular)]
        _divide(time_of_radial, radial, times, costs)
        _divide(time_of_all - time_of_radial, angular, times, costs)
    return np.maximum(costs, max(SMALLEST_SHARE * costs.mean(), SHORTEST))


def _check_complete(functions):
    if not functions:
        raise ValueError("symmetry_functions is empty; give at least one function.")
    for index, function in enumerate(functions):
        fields = (function.center, function.r_cut, function.cutoff)
        if None in fields or (function.neighbors is None and not function.weighted):
            raise ValueError(
                f"Symmetry function {index}, {function.name}, is not complete. Give the "
                "symmetry_functions_ of a fitted SymmetryFunctionTransformer."
            )


def _groups_of_centers(functions):
    """Columns of the radial and of the angular groups, for each central element."""
    groups = {}
    for column, f in enumerate(functions):
        key = (f.center, f.is_angular, f.cutoff, f.r_cut, f.r_inner, f.neighbors)
        if f.is_angular:
            key += (f.kind, f.eta, f.r_s)
        groups.setdefault(key, []).append(column)
    centers = {}
    for (center, is_angular, *_), columns in groups.items():
        centers.setdefault(center, ([], []))[is_angular].append(tuple(columns))
    return centers


def _join(groups):
    return tuple(sorted(itertools.chain(*groups)))


def _sample(structures):
    """Evenly chosen structures of about `N_ATOMS` atoms together."""
    mean_size = sum(map(len, structures)) / len(structures)
    n_wanted = min(len(structures), int(np.ceil(N_ATOMS / mean_size)))
    rows = np.linspace(0, len(structures) - 1, n_wanted).round().astype(int)
    return [structures[row] for row in rows]


def _make_calls(functions, structures, choices):
    """For each choice of columns a call that evaluates it."""
    symbols = {symbol for f in functions for symbol in (f.center, *(f.neighbors or ()))}
    numbers = [atomic_numbers[symbol] for symbol in symbols]
    elements = np.unique(np.concatenate([numbers, *(atoms.numbers for atoms in structures)]))
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


def _times_beyond_search(calls, structures, duration):
    """Microseconds per atom that each choice takes more than the choice of no function."""
    seconds = _race(calls, duration)
    scale = MICRO / sum(map(len, structures))
    return {columns: max(scale * (s - seconds[()]), 0.0) for columns, s in seconds.items()}


def _race(calls, duration):
    """Shortest seconds of each call; they take turns, so that disturbances hit all alike."""
    for call in calls.values():
        call()  # loads the kernel
    shortest, n_rounds = dict.fromkeys(calls, np.inf), 0
    end = time.perf_counter() + duration
    while n_rounds < N_ROUNDS or time.perf_counter() < end:
        for columns, call in calls.items():
            start = time.perf_counter()
            call()
            shortest[columns] = min(shortest[columns], time.perf_counter() - start)
        n_rounds += 1
    return shortest


def _divide(total, groups, times, costs):
    """Write into `costs` what each column gets of the time of some groups."""
    alone = np.array([times[columns] for columns in groups])
    if total <= 0.0 or not alone.any():  # lost in noise, or no group
        return
    for columns, share in zip(groups, alone / alone.sum(), strict=True):
        costs[list(columns)] = total * share / len(columns)
