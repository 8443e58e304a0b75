"""Whether two estimators are the same, to the last bit of all that they have learned."""

import math
from dataclasses import fields, is_dataclass

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_agl import SymmetryFunction
from sklearn_agl.potentials.data._scaling import EnergyScaler, FeatureScaler

CACHES = {"_planner", "_interrupted", "_doubts", "_warm_start", "kind", "net_"}
"""Attributes that are made anew, or matter during a fit only."""


def assert_same(one, other, where="it"):
    """Compare parameters and learned attributes, whatever they hold."""
    if isinstance(one, np.ndarray):
        assert other.dtype == one.dtype, where
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f"), where
    elif isinstance(one, SymmetryFunction):
        assert one == other, where
    elif isinstance(one, dict):
        assert list(one) == list(other), where
        for key in one:
            assert_same(one[key], other[key], f"{where}[{key!r}]")
    elif isinstance(one, (list, tuple)):
        assert (type(one), len(one)) == (type(other), len(other)), where
        for i, (part, again) in enumerate(zip(one, other, strict=True)):
            assert_same(part, again, f"{where}[{i}]")
    elif isinstance(one, float):
        assert one == other or (math.isnan(one) and math.isnan(other)), where
    elif isinstance(one, (BaseEstimator, FeatureScaler, EnergyScaler)):
        assert type(one) is type(other), where
        assert vars(one).keys() - CACHES == vars(other).keys() - CACHES, where
        for name in sorted(vars(one).keys() - CACHES):
            assert_same(vars(one)[name], vars(other)[name], f"{where}.{name}")
    elif is_dataclass(one):
        for field in fields(one):
            parts = getattr(one, field.name), getattr(other, field.name)
            assert_same(*parts, f"{where}.{field.name}")
    else:
        assert one == other, where
