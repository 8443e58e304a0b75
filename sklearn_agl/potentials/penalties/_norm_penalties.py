"""What the norm of a group of weights is charged: the lasso, a concave penalty, or your own."""

import numpy as np
from sklearn.base import BaseEstimator, clone

ITERATIONS = 100
"""Of the search for a proximal step that nobody has written down."""
CONCAVITY = 30.0
"""The default. 3 and 3.7, those of the literature, are for errors that curve as in regression."""


class Penalty(BaseEstimator):
    r"""Base class of what is charged for the norms of the groups of weights.

    A penalty is a function :math:`\rho(t; \lambda)` of the norm :math:`t \ge 0` of a group's
    weights and its strength :math:`\lambda \ge 0`. It must be zero at :math:`t = 0`, have the
    slope :math:`\lambda` there, and never become steeper than before. The solvers replace it by its
    tangent at the present weights, which such a function never exceeds.

    A penalty of your own needs `value` and `slope`. Give an instance of it to `HDNNPRegressor` as
    `penalty`. As in any estimator, the constructor stores its arguments under their names, so that
    a search over a grid finds them, such as ``penalty__width``.

    See Also
    --------
    sklearn_agl.HDNNPRegressor : Takes it as `penalty`.

    Examples
    --------
    The logarithm of E. J. Candès, M. B. Wakin and S. P. Boyd (J. Fourier Anal. Appl. 14, 877
    (2008)), whose slope falls without end:

    >>> import numpy as np
    >>> from sklearn_agl import HDNNPRegressor
    >>> from sklearn_agl.potentials import Penalty
    >>> class LogPenalty(Penalty):
    ...     def __init__(self, width=0.1):
    ...         self.width = width
    ...
    ...     def value(self, norms, strengths):
    ...         return strengths * self.width * np.log1p(norms / self.width)
    ...
    ...     def slope(self, norms, strengths):
    ...         return strengths / (1.0 + norms / self.width)
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> model = HDNNPRegressor((4,), alpha=0.2, penalty=LogPenalty(), random_state=0)
    >>> model.fit(X, X[:, 0]).group_norms_ > 0
    array([ True, False, False])
    """

    def check(self):
        """Raise ValueError if the parameters are none to work with; `fit` calls this."""

    def value(self, norms, strengths):
        """Charge of each group.

        Parameters
        ----------
        norms, strengths : ndarray of shape (n_groups,)

        Returns
        -------
        ndarray of shape (n_groups,)
        """
        raise NotImplementedError(f"{type(self).__name__} has no method value.")

    def slope(self, norms, strengths):
        """Derivative of the charge by each norm; at 0, that to the right.

        Parameters
        ----------
        norms, strengths : ndarray of shape (n_groups,)

        Returns
        -------
        ndarray of shape (n_groups,)
        """
        raise NotImplementedError(f"{type(self).__name__} has no method slope.")

    def shrink(self, norms, strengths, step):
        """Proximal operator: minimisers t of ``(t - norms)^2 / (2 step) + rho(t)``.

        By default the better of zero and the largest t at which the derivative is zero. That is the
        minimum unless the penalty has kinks, as those do that consist of pieces.

        Parameters
        ----------
        norms, strengths : ndarray of shape (n_groups,)
        step : float

        Returns
        -------
        ndarray of shape (n_groups,)
        """
        largest = np.array(norms, dtype=float)
        for _ in range(ITERATIONS):
            largest = np.maximum(norms - step * self.slope(largest, strengths), 0.0)
        cost = (largest - norms) ** 2 / (2.0 * step) + self.value(largest, strengths)
        return np.where(cost < norms**2 / (2.0 * step), largest, 0.0)


class Lasso(Penalty):
    """``rho(t) = strength t``."""

    def value(self, norms, strengths):
        """Charge of each group, (n_groups,)."""
        return strengths * norms

    def slope(self, norms, strengths):
        """Derivative by each norm; at 0, that to the right."""
        return np.broadcast_to(strengths, np.shape(norms))

    def shrink(self, norms, strengths, step):
        """Proximal operator: minimisers t of ``(t - norms)^2 / (2 step) + rho(t)``."""
        return np.maximum(norms - step * strengths, 0.0)


class ConcavePenalty(Penalty):
    """A penalty whose slope falls from the strength to zero, so that large norms are not shrunk.

    With the concavity a and the strength s, the slope is s up to the norm ``onset s``, falls
    linearly, and is zero from ``a s`` on: MCP (Zhang 2010) with onset 0, SCAD (Fan & Li 2001) with
    onset 1. As a grows, both become the lasso.

    Parameters
    ----------
    onset : {0, 1}
        Where the slope begins to fall, in units of the strength.
    concavity : float
        Where it has come to zero, in the same units.
    """

    def __init__(self, onset=0.0, concavity=CONCAVITY):
        self.onset = onset
        self.concavity = concavity

    @property
    def span(self):
        """Over how many strengths the slope falls."""
        return self.concavity - self.onset

    def check(self):
        """Refuse a slope that would have to fall before it has been anywhere."""
        smallest = 1.0 + self.onset
        if not smallest < self.concavity < np.inf:
            raise ValueError(
                f"give a finite number above {smallest:g}, or penalty='lasso', which is the limit "
                "of large ones."
            )

    def value(self, norms, strengths):
        """Charge of each group, (n_groups,)."""
        norms = np.minimum(norms, self.concavity * strengths)
        beyond = np.maximum(norms - self.onset * strengths, 0.0)
        return strengths * norms - beyond**2 / (2.0 * self.span)

    def slope(self, norms, strengths):
        """Derivative by each norm; at 0, that to the right."""
        beyond = np.maximum(norms - self.onset * strengths, 0.0)
        return np.maximum(strengths - beyond / self.span, 0.0)

    def shrink(self, norms, strengths, step):
        """Proximal operator: minimisers t of ``(t - norms)^2 / (2 step) + rho(t)``.

        The best of the minimisers over the three pieces of rho. Where the step is so long that the
        second piece is concave in all, it has its minimum at an end, which the others have, too.
        """
        onsets, knees = self.onset * strengths, self.concavity * strengths
        candidates = [np.clip(norms - step * strengths, 0.0, onsets), np.maximum(norms, knees)]
        if step < self.span:
            pull = step * strengths * self.concavity / self.span
            middle = (norms - pull) / (1.0 - step / self.span)
            candidates.insert(1, np.clip(middle, onsets, knees))
        values = [(t - norms) ** 2 / (2.0 * step) + self.value(t, strengths) for t in candidates]
        return np.choose(np.argmin(values, axis=0), candidates)


PENALTIES = {
    "lasso": Lasso(),
    "mcp": ConcavePenalty(onset=0.0),
    "scad": ConcavePenalty(onset=1.0),
}
"""By the names that users give."""


def make_norm_penalty(penalty, concavity):
    """The penalty of a name, or that of the user.

    Parameters
    ----------
    penalty : str or Penalty
        One of `PENALTIES`, or an own one.
    concavity : float or None
        Of the concave ones that have a name; None for the default.

    Returns
    -------
    Penalty

    Raises
    ------
    ValueError
        If its parameters are none to work with.
    """
    if isinstance(penalty, Penalty):
        penalty.check()
        return penalty
    named = clone(PENALTIES[penalty])
    if concavity is not None and "concavity" in named.get_params():
        named.set_params(concavity=concavity)
    try:
        named.check()
    except ValueError as error:
        raise ValueError(f"concavity={concavity} with penalty={penalty!r}: {error}") from error
    return named
