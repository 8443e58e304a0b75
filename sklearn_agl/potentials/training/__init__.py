"""A training from its start to its judgement.

`_training` holds data, weights and solver, `_warm_start` where it may begin, `_doubts` what
speaks against it.
"""
