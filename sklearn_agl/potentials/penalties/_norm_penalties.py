"""What the norm of a group of weights is charged: the lasso, or a concave penalty."""

import numpy as np


class Lasso:
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


class ConcavePenalty:
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

    def __init__(self, onset, concavity):
        self.onset = onset
        self.concavity = concavity
        self.span = concavity - onset

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


ONSETS = {"mcp": 0.0, "scad": 1.0}
CONCAVITY = 30.0
"""The default. 3 and 3.7, those of the literature, are for errors that curve as in regression."""
PENALTIES = ("lasso", *ONSETS)


def make_norm_penalty(penalty, concavity):
    """The penalty of a name.

    Parameters
    ----------
    penalty : {"lasso", "mcp", "scad"}
        Which one.
    concavity : float or None
        Of the concave ones; None for the default.

    Returns
    -------
    Lasso or ConcavePenalty
        The penalty.

    Raises
    ------
    ValueError
        If the slope would have to fall before it has been anywhere.
    """
    if penalty == "lasso":
        return Lasso()
    concavity = CONCAVITY if concavity is None else concavity
    smallest = 1.0 + ONSETS[penalty]
    if not smallest < concavity < np.inf:
        raise ValueError(
            f"concavity={concavity} with penalty={penalty!r}: give a finite number above "
            f"{smallest:g}, or penalty='lasso', which is the limit of large ones."
        )
    return ConcavePenalty(ONSETS[penalty], concavity)
