"""Find the few symmetry functions that a neural network potential really needs."""

from sklearn_agl.features import AtomicFeatures

__all__ = ["AtomicFeatures"]
