"""Recovery of the inputs that a random network really uses.

The simulation of V. Dinh and L. S. T. Ho (NeurIPS 33, 2020): 50 inputs, 10 of which enter a network
of three hidden layers of 20 tanh nodes with weights drawn from N(0, 1); noise of variance 1; 5000
samples. Every method is asked for 10 inputs. Says how often the ten are exactly the right ones, the
mean number of wrong ones among them, and seconds per data set. Run with one BLAS thread::

    OMP_NUM_THREADS=1 python benchmarks/bench_planted.py
"""

import argparse
import time
import warnings

import numpy as np
from _records import SELECTION, parse

from sklearn_agl import AdaptiveGroupLassoSelector, HDNNPRegressor, WaldSelector

N_INPUTS, N_USED, N_LAYERS, N_NODES, N_SAMPLES = 50, 10, 3, 20, 5000


def simulate(seed):
    """Inputs and targets; the first `N_USED` inputs are the ones that are used."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N_SAMPLES, N_INPUTS))
    nodes = X[:, :N_USED]
    for _ in range(N_LAYERS):
        weights = rng.normal(size=(nodes.shape[1], N_NODES))
        nodes = np.tanh(nodes @ weights + rng.normal(size=N_NODES))
    return X, nodes @ rng.normal(size=N_NODES) + rng.normal() + rng.normal(size=N_SAMPLES)


def by_lassonet(X, y, seed):
    """Inputs on the first point of LassoNet's path that has few enough."""
    import torch
    from lassonet import LassoNetRegressor

    model = LassoNetRegressor(hidden_dims=(20, 20, 20), torch_seed=seed, random_state=seed)
    torch.manual_seed(seed)
    scaled = (y - y.mean()) / y.std()
    path = model.path(X.astype(np.float32), scaled.astype(np.float32), return_state_dicts=False)
    support = next(point.selected for point in path if point.selected.sum() <= N_USED)
    return np.flatnonzero(support.numpy())


def our_methods(hidden_layer_sizes, seed):
    """Our selectors by name."""
    settings = {"estimator": HDNNPRegressor(hidden_layer_sizes), "random_state": seed}
    lasso = {"n_features_to_select": N_USED} | settings
    return {
        "wald": WaldSelector(N_USED, step=0.1, **settings),
        "adaptive": AdaptiveGroupLassoSelector(**lasso),
        "plain": AdaptiveGroupLassoSelector(adaptive=False, **lasso),
        "mcp": AdaptiveGroupLassoSelector(penalty="mcp", adaptive=False, **lasso),
        "scad": AdaptiveGroupLassoSelector(penalty="scad", adaptive=False, **lasso),
    }


def run_set(seed, hidden_layer_sizes, methods):
    """For each method, how many inputs are wrong, how many are missed, and seconds."""
    X, y = simulate(seed)
    selectors, rows = our_methods(hidden_layer_sizes, seed), {}
    for name in methods:
        start = time.perf_counter()
        if name == "lassonet":
            found = by_lassonet(X, y, seed)
        else:
            found = selectors[name].fit(X, y).get_support(indices=True)
        right = np.count_nonzero(found < N_USED)
        rows[name] = (len(found) - right, N_USED - right, time.perf_counter() - start)
        print(f"set {seed}, {name}: {rows[name][0]} wrong, {rows[name][1]} missed", flush=True)
    return rows


def main():
    """Parse the arguments, run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-sets", type=int, default=20)
    parser.add_argument("--hidden-layer-sizes", type=int, nargs="*", default=[10, 10])
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=["wald", "adaptive", "plain", "mcp", "scad", "lassonet"],
        default=["wald", "adaptive", "plain"],
        help="lassonet needs the package of that name",
    )
    arguments, record = parse(parser, SELECTION)
    warnings.simplefilter("ignore")
    hidden = tuple(arguments.hidden_layer_sizes)
    with record:
        results = [run_set(seed, hidden, arguments.methods) for seed in range(arguments.n_sets)]
        for name in arguments.methods:
            wrong, missed, seconds = np.array([rows[name] for rows in results]).T
            row = {
                "data sets": len(results),
                "exactly right": np.count_nonzero(wrong + missed == 0),
                "wrong, mean": wrong.mean(),
                "missed, mean": missed.mean(),
                "s per data set": seconds.mean(),
            }
            record.add("Inputs found", method=name, **row)


if __name__ == "__main__":
    main()
