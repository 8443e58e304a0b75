"""Ways to walk along the regularisation path: by given strengths, up to one, down to a number."""

import numpy as np

from sklearn_agl.selection.path._penalised_fits import RATIO, SMALLEST_START

LARGEST_ALPHA = 1e6
"""Where a walk gives up that waits for features to leave."""
LARGEST_RATIO = RATIO**2
"""Longest step in a stretch of the path where nothing leaves."""
SHORTEST_RATIO = 1.1
"""Features that would leave within such a step are let go together."""
LAST_RATIO = 1.01
"""The same where fewer would be left than asked for."""


def walk_through(walk, alphas):
    """Go to the given alphas in turn, until nothing is left or Ctrl-C.

    Parameters
    ----------
    walk : Walk
        Where to start.
    alphas : array-like of float
        Strengths, ascending; the walk may have been to the first ones already.

    Yields
    ------
    PathPoint
        One for each alpha.
    """
    for alpha in alphas[len(walk.points) - 1 :]:
        if walk.points[-1].n_features == 0:
            return
        yield walk.keep(walk.go_to(alpha))
        if walk.interrupted:
            return


def walk_to(walk, alpha):
    """Go up to `alpha` in small steps, the last of which ends there.

    Parameters
    ----------
    walk : Walk
        Where to start.
    alpha : float
        Strength of the last fit.

    Returns
    -------
    iterator of PathPoint
        One for each step.
    """
    return walk_through(walk, np.append(walk.ladder(alpha), alpha))


def walk_to_each(walk, alphas):
    """Find where `walk_to` would end at each of several alphas, with the way there in common.

    Each last step, which leaves the common ladder, is a branch of the walk.

    Parameters
    ----------
    walk : Walk
        Where to start.
    alphas : array-like of float
        Strengths, ascending.

    Yields
    ------
    PathPoint
        One for each alpha, the same that a walk to this alpha alone ends with.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C: half a comparison is none.
    """
    point, n_done = walk.points[0], 0
    for alpha in alphas:
        ladder = walk.ladder(alpha)
        for step in ladder[n_done:]:
            # Nothing comes back after a step that left nothing.
            if point.n_features:
                point = _step(walk, step)
        n_done = len(ladder)
        yield _step(walk.branch(), alpha) if point.n_features else point


def _step(walk, alpha):
    point = walk.go_to(alpha)
    if walk.interrupted:
        raise KeyboardInterrupt
    return point


def walk_down(walk, n_features):
    """Raise alpha until at most `n_features` are left, in steps that suit what happens.

    A step that loses too many features is taken back and halved (on the logarithmic scale), the
    first one made ten times smaller. Steps without a loss grow, beyond `RATIO` only until the next
    loss: over long ones the order in which features leave would depend on the seed.

    Parameters
    ----------
    walk : Walk
        Where to start, or to go on.
    n_features : int
        When to stop.

    Yields
    ------
    PathPoint
        The accepted points, alphas ascending.
    """
    alpha = walk.smallest_alpha if walk.reached is None else walk.reached * walk.ratio
    while alpha < LARGEST_ALPHA and not _has_arrived(walk, n_features):
        memory, left = walk.remember(), walk.n_features_alive
        if walk.reached is not None:
            walk.follow_norms()
        point = walk.go_to(alpha)
        nearer = _shorten(walk, alpha, left, point.n_features, n_features)
        if nearer is not None and not walk.interrupted:
            walk.go_back(memory)
            alpha = nearer
            continue
        lossless = point.n_features == left
        walk.ratio = min(walk.ratio**1.5, LARGEST_RATIO) if lossless else min(walk.ratio, RATIO)
        if point.n_features < n_features:
            walk.remember_before(memory)
        yield walk.keep(point)
        if walk.interrupted:
            return
        alpha = walk.reached * walk.ratio


def _shorten(walk, alpha, before, after, wanted):
    """Where to go instead, if a step has lost too many features and can be shorter; else None."""
    if before - after <= max(1, before // 10):
        return None
    if walk.reached is None:
        return alpha / 10.0 if alpha > SMALLEST_START * walk.smallest_alpha else None
    shortest = SHORTEST_RATIO if after >= wanted else LAST_RATIO
    if walk.ratio <= shortest:
        return None
    walk.ratio = max(np.sqrt(walk.ratio), shortest)
    return walk.reached * walk.ratio


def work_through(alphas, walk):
    """How many steps a `walk_through` has left at most."""
    return len(alphas) + 1 - len(walk.points)


def work_to(alpha, walk):
    """How many steps a `walk_to` has left at most."""
    return len(walk.ladder(alpha)) + 2 - len(walk.points)


def work_down(n_features, walk):
    """About how many steps that lose features a `walk_down` has left."""
    return n_steps_down(walk.points[-1].n_features, n_features, 0.1)


def n_steps_down(n_features, n_wanted, share):
    """How many steps lead from some features to fewer, if each takes a share, at least one."""
    return sum(1.0 / max(1.0, share * n) for n in range(n_wanted + 1, n_features + 1))


def _has_arrived(walk, n_features):
    """Whether at most `n_features` are left; before the first step, that is not asked."""
    return walk.reached is not None and walk.points[-1].n_features <= n_features
