"""Figures, as Display classes in the manner of scikit-learn.

They need matplotlib (extra ``plot``), which is imported when a figure is drawn.
"""

from sklearn_agl.inspection._comparison import SelectorComparisonDisplay
from sklearn_agl.inspection._selection_path import SelectionPathDisplay
from sklearn_agl.inspection._support_matrix import SupportMatrixDisplay
from sklearn_agl.inspection._symmetry_functions import SymmetryFunctionDisplay

__all__ = [
    "SelectionPathDisplay",
    "SelectorComparisonDisplay",
    "SupportMatrixDisplay",
    "SymmetryFunctionDisplay",
]
