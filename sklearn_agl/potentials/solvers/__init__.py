"""The solvers: what each can do, its settings, and its skorch net.

`_solver` is the base class, `_choice` the list. `_net` is what all nets share, `_step_net` the net
of solvers that consist of a step. `_nets` has the Kalman filter and AdamW, `_levenberg_marquardt`
the method over all structures at once.
"""
