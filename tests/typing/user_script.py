"""What a user may write; mypy checks it, and nothing runs it."""

import numpy as np
from ase import Atoms
from sklearn.pipeline import make_pipeline

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AtomicFeatures,
    CURSelector,
    HDNNPRegressor,
    SelectionPath,
    SymmetryFunction,
    SymmetryFunctionTransformer,
    __version__,
    group_lasso_path,
)
from sklearn_agl.datasets import (
    fetch_lial,
    fetch_mlearn,
    fetch_si_liquid_diamond,
    make_lennard_jones,
)
from sklearn_agl.descriptors import symmetry_function_preset
from sklearn_agl.metrics import neg_rmse_per_atom, rmse_per_atom
from sklearn_agl.potentials import HDNNPCalculator, predict_forces


def select() -> np.ndarray:
    structures, energies = make_lennard_jones(20, random_state=0)
    functions: list[SymmetryFunction] = symmetry_function_preset("lj-22")
    transformer = SymmetryFunctionTransformer(functions).fit(structures)
    features: AtomicFeatures = transformer.transform(structures)
    fewer: AtomicFeatures = features.take_features(np.arange(3))[:10]
    selector = CURSelector(n_features_to_select=2).fit(fewer)
    path: SelectionPath = group_lasso_path(features, energies, random_state=0)
    return path.supports[path.best(tolerance=0.25)] & selector.get_support()


def simulate(atoms: Atoms) -> list[np.ndarray]:
    silicon = fetch_mlearn("Si")
    liquid = fetch_si_liquid_diamond(data_home="data")
    alloys = fetch_lial(download_if_missing=False)
    pipe = make_pipeline(
        SymmetryFunctionTransformer("b-60"),
        AdaptiveGroupLassoSelector(n_features_to_select=3),
        HDNNPRegressor(random_state=0),
    )
    for data in (silicon, liquid, alloys):
        pipe.fit(data.structures, data.energies)
    atoms.calc = HDNNPCalculator(pipe)
    return predict_forces(pipe, [atoms])


def errors(model: HDNNPRegressor, features: AtomicFeatures, energies: np.ndarray) -> str:
    error: float = rmse_per_atom(energies, model.predict(features), features.n_atoms)
    score: float = neg_rmse_per_atom(model, features, energies)
    return f"{__version__}: {error:.3f} {score:.3f} of {features.n_features} functions"
