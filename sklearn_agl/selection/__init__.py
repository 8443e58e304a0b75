"""Selectors of symmetry functions."""

from sklearn_agl.selection._path import SelectionPath, group_lasso_path

__all__ = ["SelectionPath", "group_lasso_path"]
