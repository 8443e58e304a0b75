"""What all compiled code shares: how it is compiled and kept, and terms of single atoms.

Nothing here knows an estimator; `descriptors` and `potentials` import from here.
"""
