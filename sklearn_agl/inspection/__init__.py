"""Comparisons of selectors, and figures as Display classes in the manner of scikit-learn.

Figures need matplotlib (extra ``plot``), which is imported when one is drawn; comparisons need
pandas.
"""

from sklearn_agl.inspection._angular_functions import AngularFunctionDisplay
from sklearn_agl.inspection._compare_pairs import compare_pairs
from sklearn_agl.inspection._compare_selectors import compare_selectors
from sklearn_agl.inspection._comparison import SelectorComparisonDisplay
from sklearn_agl.inspection._errors_by_group import ErrorByGroupDisplay
from sklearn_agl.inspection._evaluation import PotentialEvaluation, evaluate_potential
from sklearn_agl.inspection._parity import ParityDisplay
from sklearn_agl.inspection._selection_path import SelectionPathDisplay
from sklearn_agl.inspection._selection_stability import selection_stability
from sklearn_agl.inspection._support_matrix import SupportMatrixDisplay
from sklearn_agl.inspection._symmetry_functions import SymmetryFunctionDisplay

__all__ = [
    "AngularFunctionDisplay",
    "ErrorByGroupDisplay",
    "ParityDisplay",
    "PotentialEvaluation",
    "SelectionPathDisplay",
    "SelectorComparisonDisplay",
    "SupportMatrixDisplay",
    "SymmetryFunctionDisplay",
    "compare_pairs",
    "compare_selectors",
    "evaluate_potential",
    "selection_stability",
]
