"""The networks: where their weights lie, their energies, and the derivatives of these.

`_layout` orders the weights; `_gradient` and `_slope_gradient` are the compiled passes over many
structures, `_device_gradient` those on a torch device, and `_atomic_networks` evaluates one atom
after the other.
"""
