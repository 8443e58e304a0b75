"""What large weights cost, and the proximal steps that make groups of them zero.

`_norm_penalties` charges the norm of one group, `_penalty` adds up all groups and the weight decay,
`_proximal` has the steps in the metrics of the solvers.
"""
