"""The solvers, each as a skorch net, and their settings.

`_kalman` is the filter itself, `_levenberg_marquardt` the method over all structures at once;
`_nets` holds what the nets share, and AdamW.
"""
