"""Symmetry functions: what they are, named sets of them, and the transformer that computes them."""

from sklearn_agl.descriptors._costs import measure_costs, measure_set_costs
from sklearn_agl.descriptors._definitions import SymmetryFunction
from sklearn_agl.descriptors._names import short_names
from sklearn_agl.descriptors._presets import symmetry_function_grid, symmetry_function_preset
from sklearn_agl.descriptors._transformer import SymmetryFunctionTransformer

__all__ = [
    "SymmetryFunction",
    "SymmetryFunctionTransformer",
    "measure_costs",
    "measure_set_costs",
    "short_names",
    "symmetry_function_grid",
    "symmetry_function_preset",
]
