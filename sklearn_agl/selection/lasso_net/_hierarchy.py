"""The hierarchical proximal operator of LassoNet: a skip weight bounds the weights beside it."""

from sklearn_agl.compiled._machine_code import kept

compiled = kept(error_model="numpy", nogil=True)


@compiled
def hierarchical_step(skip, weights, strength, bound, skip_metric=1.0, weight_metric=1.0):
    """Minimise over one feature's skip weight and first-layer weights.

    Solves ``min a/2 (t - skip)^2 + b/2 ||w - weights||^2 + strength |t|`` with
    ``|w_k| <= bound |t|``, where a is `skip_metric` and b `weight_metric`; with a = b = 1 it is
    algorithm 2 of the paper [1]_. For a given size of t, the weights are clipped, and what is left
    is convex in that size. Its derivative is concave and piecewise linear, so that Newton's method
    from 0 ends at the root after a few steps, and no sorting is needed.

    Parameters
    ----------
    skip : float
        The skip weight. Where it is 0, the sign of t is open, and plus is taken.
    weights : ndarray of shape (n_hidden,)
        First-layer weights of the same feature; overwritten by the solution.
    strength : float
        Penalty of the skip weight.
    bound : float
        M, the hierarchy coefficient.
    skip_metric, weight_metric : float
        Positive weights of the squared distances.

    Returns
    -------
    float
        The skip weight of the solution.

    References
    ----------
    .. [1] I. Lemhadri, F. Ruan, L. Abraham, R. Tibshirani, J. Mach. Learn. Res. 22, 127 (2021).
    """
    pull = skip_metric * abs(skip) - strength
    size, n_before = 0.0, -1
    while True:
        n_clipped, total = 0, 0.0
        for k in range(weights.size):
            if abs(weights[k]) > bound * size:
                n_clipped += 1
                total += abs(weights[k])
        if n_clipped == n_before:
            break
        slope = skip_metric + weight_metric * n_clipped * bound**2
        size = max((pull + weight_metric * bound * total) / slope, size)
        n_before = n_clipped
    for k in range(weights.size):
        weights[k] = min(max(weights[k], -bound * size), bound * size)
    return size if skip >= 0.0 else -size


@compiled
def hierarchical_proximal_step(skip, weights, strength, bound):
    """`hierarchical_step` for many features at once, in place.

    Parameters
    ----------
    skip : ndarray of shape (n_features,)
        Skip weights; overwritten.
    weights : ndarray of shape (n_hidden, n_features)
        First-layer weights; overwritten.
    strength : float
        Penalty of each skip weight.
    bound : float
        M, the hierarchy coefficient.
    """
    for i in range(skip.size):
        skip[i] = hierarchical_step(skip[i], weights[:, i], strength, bound)
