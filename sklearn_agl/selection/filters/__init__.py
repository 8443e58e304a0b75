"""Selectors that train no network: CUR, farthest points, PCov, Pearson correlation.

They share `_compression`, one pass over all atoms, and `_greedy`, the choice of one column after
the other.
"""
