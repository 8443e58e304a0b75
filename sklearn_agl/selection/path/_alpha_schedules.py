"""Schedules: with which strengths of the penalty to fit, and when to stop."""

import numpy as np

from sklearn_agl.selection.path._penalised_fits import RATIO, SMALLEST_START
from sklearn_agl.selection.runs._runner import raise_if_interrupted

LARGEST_ALPHA = 1e6
"""Where a path gives up that waits for features to leave."""
LARGEST_RATIO = RATIO**2
"""Longest step in a stretch of the path where nothing leaves."""
SHORTEST_RATIO = 1.1
"""Features that would leave within such a step are let go together."""
LAST_RATIO = 1.01
"""The same where fewer would be left than asked for."""


class GivenAlphas:
    """Fit at given strengths in turn, until nothing is left.

    Parameters
    ----------
    alphas : array-like of float
        Strengths, ascending.
    """

    def __init__(self, alphas):
        self._alphas = alphas

    def alphas(self, fits):
        """All strengths, also those of fits that have been done."""
        return self._alphas

    def steps(self, fits):
        """Do the fits that are missing.

        Parameters
        ----------
        fits : PenalisedFits
            Does them and keeps the points.

        Yields
        ------
        str
            A line about each.
        """
        for alpha in self.alphas(fits)[len(fits.points) - 1 :]:
            if fits.points[-1].n_features == 0:
                return
            yield fits.keep(fits.go_to(alpha))

    def work_left(self, fits):
        """How many fits are left at most."""
        return len(self.alphas(fits)) + 1 - len(fits.points)


class UpTo(GivenAlphas):
    """Go up to a strength in small steps, the last of which ends there.

    Parameters
    ----------
    alpha : float
        Strength of the last fit.
    """

    def __init__(self, alpha):
        self._alpha = alpha

    def alphas(self, fits):
        """All strengths, also those of fits that have been done."""
        return np.append(fits.alphas_on_the_way_to(self._alpha), self._alpha)


class UpToEach:
    """Find where `UpTo` would end at each of several strengths, with the way there in common.

    The last step to each of them branches off. No fit is kept as a point of the path.

    Parameters
    ----------
    alphas : array-like of float
        Strengths, ascending.

    Attributes
    ----------
    ends : list of PathPoint
        For each strength, the point with which a path to it alone would end.
    """

    def __init__(self, alphas):
        self._alphas = alphas
        self.ends = []

    def steps(self, fits):
        """Do the fits; yields a line for each strength."""
        point, n_done = fits.points[0], 0
        for alpha in self._alphas:
            on_the_way = fits.alphas_on_the_way_to(alpha)
            for step in on_the_way[n_done:]:
                # Nothing comes back after a step that left nothing.
                if point.n_features:
                    point = _fit_whole(fits, step)
            n_done = len(on_the_way)
            self.ends.append(_fit_whole(fits.branch(), alpha) if point.n_features else point)
            yield fits.describe(self.ends[-1])

    def work_left(self, fits):
        """How many strengths are left."""
        return len(self._alphas) - len(self.ends)


def _fit_whole(fits, alpha):
    point = fits.go_to(alpha)
    raise_if_interrupted(fits.training)
    return point


class DownTo:
    """Raise alpha until at most `n_features` are left, in steps that suit what happens.

    A step that loses too many features is undone and halved (on the logarithmic scale), the first
    one made ten times smaller. Steps without a loss grow, beyond `RATIO` only until the next loss:
    over long ones the order in which features leave would depend on the seed.

    Parameters
    ----------
    n_features : int
        When to stop.
    """

    def __init__(self, n_features):
        self._n_features = n_features

    def steps(self, fits):
        """Do the fits; yields a line for each that is kept, alphas ascending."""
        alpha = fits.smallest_alpha if fits.last_alpha is None else fits.last_alpha * fits.ratio
        while alpha < LARGEST_ALPHA and not self._has_arrived(fits):
            saved, left = fits.save_step(), fits.n_features_alive
            if fits.last_alpha is not None:
                fits.follow_norms()
            point = fits.go_to(alpha)
            nearer = self._shorten(fits, alpha, left, point.n_features)
            if nearer is not None:
                # After Ctrl-C, the same without training, which loses nothing.
                fits.undo_to(saved)
                alpha = nearer
                continue
            self._lengthen(fits, lossless=point.n_features == left)
            if point.n_features < self._n_features:
                fits.keep_training_of(saved)
            yield fits.keep(point)
            alpha = fits.last_alpha * fits.ratio

    def work_left(self, fits):
        """About how many steps that lose features are left."""
        return n_steps_down(fits.points[-1].n_features, self._n_features, 0.1)

    def _has_arrived(self, fits):
        """Whether few enough features are left; before the first step, that is not asked."""
        return fits.last_alpha is not None and fits.points[-1].n_features <= self._n_features

    def _shorten(self, fits, alpha, before, after):
        """Where to go instead, if a step has lost too many and can be shorter; else None."""
        if before - after <= max(1, before // 10):
            return None
        if fits.last_alpha is None:
            return alpha / 10.0 if alpha > SMALLEST_START * fits.smallest_alpha else None
        shortest = SHORTEST_RATIO if after >= self._n_features else LAST_RATIO
        if fits.ratio <= shortest:
            return None
        fits.ratio = max(np.sqrt(fits.ratio), shortest)
        return fits.last_alpha * fits.ratio

    def _lengthen(self, fits, lossless):
        """Choose how far to go after a step that is kept."""
        fits.ratio = min(fits.ratio**1.5, LARGEST_RATIO) if lossless else min(fits.ratio, RATIO)


def n_steps_down(n_features, n_wanted, share):
    """How many steps lead from some features to fewer, if each takes a share, at least one."""
    return sum(1.0 / max(1.0, share * n) for n in range(n_wanted + 1, n_features + 1))
