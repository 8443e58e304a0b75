"""Going along the regularisation path: one training that moves from penalty to penalty."""

import time
from copy import deepcopy
from dataclasses import dataclass, fields

import numpy as np

from sklearn_agl.potentials._training import Training, share_of_epochs
from sklearn_agl.selection._base import EmptySupportError

DENSE_SHARE = 8 / 30
"""Part of a full fit's epochs that is spent without penalty, before the first group lasso."""
FIRST_FIT_SHARE = 12 / 30
"""The same for the non-adaptive fit."""
STEP_SHARE = 4 / 30
"""The same for each alpha of a warm path: 30 alphas cost as much as four full fits."""
INITIAL_ALPHA = 10.0
"""Strength of the first fit, in units of the squared error that is left without penalty."""
SMALLEST_ALPHA = 0.25
"""Where the path starts, in the same units."""
SMALLEST_START = 1e-3
"""How far below that it may start, if too many features leave at once."""
LARGEST_NOISE = 0.02
"""Squared error beyond which those units do not grow: the short fit without penalty leaves more
where it has not come far, and five times that much would take all features out at once."""
LARGEST_ALPHA = 1e6
RATIO = 1.6
"""Ratio of neighbouring alphas, unless the path adapts it."""
SAVED = ("initial_group_norms", "smallest_alpha", "factors", "ratio")
"""What a walk that goes on in another process has to know, besides its training and points."""


@dataclass(frozen=True)
class PathPoint:
    """One penalised fit of a path."""

    alpha: float
    group_norms: np.ndarray
    objective: float
    rmse: float
    fit_time: float

    @property
    def n_features(self):
        """Features with a norm above zero."""
        return int(np.count_nonzero(self.group_norms))


def stack_points(points):
    """Some PathPoints as one array per field, which a file can hold."""
    names = [field.name for field in fields(PathPoint)]
    return {name: np.array([getattr(point, name) for point in points]) for name in names}


def unstack_points(arrays):
    """The PathPoints that `stack_points` was given."""
    rows = zip(*arrays.values(), strict=True)
    return [PathPoint(**dict(zip(arrays, row, strict=True))) for row in rows]


def look_around(training, alpha, start):
    """What a training has come to, as a PathPoint; `start` is when it began."""
    return PathPoint(
        alpha=alpha,
        group_norms=training.group_norms,
        objective=training.objective(training.train_rows),
        rmse=training.rmse_per_atom(training.judged_on),
        fit_time=time.perf_counter() - start,
    )


class Walk:
    """A training that goes from one penalty strength to the next.

    Parameters
    ----------
    regressor : HDNNPRegressor
        Settings of the networks, validated, that have noted the columns of `X`; its own `alpha`
        and `feature_weights` play no role.
    X : AtomicFeatures
        Features, checked.
    y : ndarray of shape (n_structures,)
        Total energies, checked.
    adaptive : bool
        Divide each feature's penalty by its norm in a first, non-adaptive fit.
    gamma : float
        Power of that norm.
    initial_alpha : float or None
        Strength of the first fit; None chooses it by the error left without penalty.
    seed : int
        Fixes the held-out structures, the weights and the order of the structures.

    Attributes
    ----------
    interrupted : bool
        Whether Ctrl-C ended a fit.
    points : list of PathPoint
        The short fit without penalty that everything starts from, and the steps that were kept.
    initial_group_norms : ndarray of shape (n_features,)
        Norms of the first fit.
    smallest_alpha : float
        Where a path should start.
    alpha : float
        Strength of the last fit.
    ratio : float
        Of the next alpha to the last one, where the path adapts it.
    """

    def __init__(self, regressor, X, y, *, adaptive, gamma, initial_alpha, seed):
        self.regressor = regressor
        self.n_features = X.n_features
        self.adaptive = adaptive
        self.gamma = gamma
        self.initial_alpha = initial_alpha
        self.training = Training(regressor, X, y, np.random.RandomState(seed))
        self.interrupted = False
        self.points = []
        self.ratio = RATIO

    def begin(self):
        """Train without penalty, then with the same one for every feature. Returns self."""
        self.training.start(np.zeros(self.n_features))
        start = time.perf_counter()
        self.training.run(share_of_epochs(self.regressor, DENSE_SHARE))
        self.keep(look_around(self.training, 0.0, start))
        noise = min(self.training.squared_error(self.training.judged_on), LARGEST_NOISE)
        self.smallest_alpha = SMALLEST_ALPHA * noise
        usual = INITIAL_ALPHA * noise
        initial_alpha = usual if self.initial_alpha is None else self.initial_alpha
        self.training.set_strengths(np.full(self.n_features, initial_alpha / self.n_features))
        self.training.run(share_of_epochs(self.regressor, FIRST_FIT_SHARE))
        self.interrupted = self.training.interrupted
        self.initial_group_norms = self.training.group_norms
        if self.adaptive:
            self._check_initial_norms(initial_alpha, min(initial_alpha, usual) / 10.0)
            self.factors = _adaptive_factors(self.initial_group_norms, self.gamma)
            self._drop_zero_groups(self.initial_group_norms)
        else:
            self.factors = np.ones(self.n_features)
        return self

    def save_state(self):
        """What `load_state` needs to go on from here in another process: dicts of arrays."""
        return {
            "training": self.training.to_arrays(),
            "points": stack_points(self.points),
            "walk": {name: np.asarray(getattr(self, name)) for name in SAVED},
        }

    def load_state(self, state):
        """Go on from what `save_state` gave, in the place of `begin`."""
        self.training.load_arrays(state["training"])
        self.points = unstack_points(state["points"])
        self.alpha = self.points[-1].alpha
        for name in SAVED:
            # Of an array without dimensions, its number.
            setattr(self, name, state["walk"][name][()])

    @property
    def reached(self):
        """Strength of the last step that was kept, None before the first one."""
        return self.points[-1].alpha if len(self.points) > 1 else None

    @property
    def n_features_alive(self):
        """Features that the networks still see."""
        return len(np.unique(np.concatenate(self.training.layout.columns)))

    def go_to(self, alpha):
        """Train at strength `alpha` from where the walk is.

        Parameters
        ----------
        alpha : float
            Strength of the penalty.

        Returns
        -------
        PathPoint
            What was found. Features whose norm became zero leave for good, unless all did.
        """
        start = time.perf_counter()
        self.alpha = alpha
        training = self.training
        training.set_strengths(alpha / self.n_features * self.factors)
        training.run(share_of_epochs(self.regressor, STEP_SHARE))
        point = look_around(training, alpha, start)
        self.interrupted = training.interrupted
        self._drop_zero_groups(point.group_norms)
        return point

    def keep(self, point):
        """Count a fit among the points of the path; returns its point."""
        self.points.append(point)
        return point

    def branch(self):
        """A walk of its own from here on, which does exactly what this one would do."""
        return deepcopy(self)

    def fitted_regressor(self):
        """The regressor with the weights of the last step."""
        weights = np.where(self.factors > 0, self.factors, np.inf)
        self.regressor.set_params(alpha=self.alpha, feature_weights=weights)
        # Dropping features has set the penalty to zero.
        self.training.set_strengths(self.alpha / self.n_features * self.factors)
        return self.regressor._take_over(self.training)

    def _check_initial_norms(self, initial_alpha, advice):
        if not self.initial_group_norms.any():
            raise EmptySupportError(
                f"The first fit, at initial_alpha={initial_alpha:.3g}, left none of the "
                f"{self.n_features} features. Try initial_alpha={advice:.3g}."
            )

    def _drop_zero_groups(self, norms):
        gone = np.intersect1d(
            np.concatenate(self.training.layout.columns), np.flatnonzero(norms == 0)
        )
        if len(gone) and norms.any():
            self.training.drop(gone)


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
    return walk_through(walk, np.append(_ladder(walk, alpha), alpha))


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
        ladder = _ladder(walk, alpha)
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


def _ladder(walk, alpha):
    """Strengths on the way to `alpha`, without the last one."""
    first = walk.smallest_alpha
    n_steps = np.log(alpha / first) / np.log(RATIO) if alpha > first else 0.0
    # A last step of next to nothing would be a fit for nothing.
    return first * RATIO ** np.arange(np.ceil(n_steps - 0.02))


def walk_down(walk, n_features, *, finest=1.05):
    """Raise alpha until at most `n_features` are left, in steps that suit what happens.

    A step that loses too many features is taken back and halved (on the logarithmic scale), the
    first one made ten times smaller; steps without a loss grow again, though not beyond `RATIO`:
    over longer ones the order in which features leave depends on the seed.

    Parameters
    ----------
    walk : Walk
        Where to start, or to go on.
    n_features : int
        When to stop.
    finest : float, default=1.05
        Smallest ratio of two alphas.

    Yields
    ------
    PathPoint
        The accepted points, alphas ascending.
    """
    alpha = walk.smallest_alpha if walk.reached is None else walk.reached * walk.ratio
    while alpha < LARGEST_ALPHA and not _has_arrived(walk, n_features):
        state, left = walk.training.save_state(), walk.n_features_alive
        point = walk.go_to(alpha)
        lost = left - point.n_features
        if lost > max(1, left // 10) and not walk.interrupted:
            if walk.reached is None and alpha > SMALLEST_START * walk.smallest_alpha:
                walk.training.restore_state(state)
                alpha /= 10.0
                continue
            if walk.reached is not None and walk.ratio > finest:
                walk.training.restore_state(state)
                walk.ratio = max(np.sqrt(walk.ratio), finest)
                alpha = walk.reached * walk.ratio
                continue
        if lost == 0:
            walk.ratio = min(walk.ratio**1.5, RATIO)
        yield walk.keep(point)
        if walk.interrupted:
            return
        alpha = walk.reached * walk.ratio


def work_through(alphas, walk):
    """How many steps a `walk_through` has left at most."""
    return len(alphas) + 1 - len(walk.points)


def work_to(alpha, walk):
    """How many steps a `walk_to` has left at most."""
    return len(_ladder(walk, alpha)) + 2 - len(walk.points)


def work_down(n_features, walk):
    """About how many steps that lose features a `walk_down` has left."""
    return n_steps_down(walk.points[-1].n_features, n_features, 0.1)


def n_steps_down(n_features, n_wanted, share):
    """How many steps lead from some features to fewer, if each takes a share, at least one."""
    return sum(1.0 / max(1.0, share * n) for n in range(n_wanted + 1, n_features + 1))


def _has_arrived(walk, n_features):
    """Whether at most `n_features` are left; before the first step, that is not asked."""
    return walk.reached is not None and walk.points[-1].n_features <= n_features


def _adaptive_factors(norms, gamma):
    """c_i = 1 / norm_i**gamma; features of norm zero have left, so theirs does not matter."""
    factors = np.zeros(len(norms))
    alive = norms > 0
    factors[alive] = norms[alive] ** -gamma
    return factors
