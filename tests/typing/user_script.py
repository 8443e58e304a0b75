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
from sklearn_agl.datasets import make_lennard_jones
from sklearn_agl.descriptors import symmetry_function_preset
from sklearn_agl.metrics import neg_rmse_per_atom, rmse_per_atom
from sklearn_agl.potentials import HDNNPCalculator, predict_forces

structures, energies = make_lennard_jones(20, random_state=0)
first: Atoms = structures[0]
total: float = energies.sum()

functions: list[SymmetryFunction] = symmetry_function_preset("lj-22")
features: AtomicFeatures = SymmetryFunctionTransformer(functions).fit_transform(structures)
n_columns: int = features.n_features
fewer: AtomicFeatures = features.take_features(np.arange(3))[:10]

pipe = make_pipeline(AdaptiveGroupLassoSelector(n_features_to_select=3), HDNNPRegressor())
predicted: np.ndarray = pipe.fit(features, energies).predict(features)
error: float = rmse_per_atom(energies, predicted, features.n_atoms)
score: float = neg_rmse_per_atom(pipe, features, energies)
mask: np.ndarray = CURSelector(3).fit(features).get_support()

path: SelectionPath = group_lasso_path(features, energies, random_state=0)
smallest: int = path.best(tolerance=0.25)

first.calc = HDNNPCalculator(pipe)
forces: list[np.ndarray] = predict_forces(pipe, structures)
version: str = __version__
