"""A training from its start to its judgement.

`_training` has data, weights and solver. `_starts` trains from several starts, and `_warm_start` is
one of them: the weights of a selector. `_doubts` warns about the result.
"""
