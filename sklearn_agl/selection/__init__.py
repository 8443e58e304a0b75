"""Selectors of symmetry functions."""
