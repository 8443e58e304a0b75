"""What a potential is trained on: structures, labels and weights, checked, scaled and in blocks.

`_training_set` takes them from the user; `_observations` and `_directions` are what solvers see
of them.
"""
