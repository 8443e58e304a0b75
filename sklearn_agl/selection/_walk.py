"""Going along the regularisation path: one training that moves from penalty to penalty."""

import time
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from sklearn_agl.potentials._training import Training, share_of_epochs

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

    def __str__(self):
        return (
            f"alpha {self.alpha:8.2e}   {self.n_features:4d} features   "
            f"penalised RMSE {self.rmse:.3e}   {self.fit_time:5.2f} s"
        )


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
    costs : ndarray of shape (n_features,), default=None
        What each feature costs; multiplies its penalty, relative to the mean of all.

    Attributes
    ----------
    interrupted : bool
        Whether Ctrl-C ended a fit.
    dense_point : PathPoint
        The short fit without penalty that everything starts from.
    initial_group_norms : ndarray of shape (n_features,)
        Norms of the first fit.
    smallest_alpha : float
        Where a path should start.
    alpha : float
        Strength of the last fit.
    """

    def __init__(self, regressor, X, y, *, adaptive, gamma, initial_alpha, seed, costs=None):
        self.regressor = regressor
        self.n_features = X.n_features
        self.training = Training(regressor, X, y, np.random.RandomState(seed))
        self.training.start(np.zeros(self.n_features))
        start = time.perf_counter()
        self.training.run(share_of_epochs(regressor, DENSE_SHARE))
        self.dense_point = look_around(self.training, 0.0, start)
        noise = min(self.training.squared_error(self.training.judged_on), LARGEST_NOISE)
        self.smallest_alpha = SMALLEST_ALPHA * noise
        usual = INITIAL_ALPHA * noise
        if initial_alpha is None:
            initial_alpha = usual
        self.training.set_strengths(np.full(self.n_features, initial_alpha / self.n_features))
        self.training.run(share_of_epochs(regressor, FIRST_FIT_SHARE))
        self.interrupted = self.training.interrupted
        self.initial_group_norms = self.training.group_norms
        if adaptive:
            self._check_initial_norms(initial_alpha, min(initial_alpha, usual) / 10.0)
            self.factors = _adaptive_factors(self.initial_group_norms, gamma)
            self._drop_zero_groups(self.initial_group_norms)
        else:
            self.factors = np.ones(self.n_features)
        # The first fit goes without: its norms are to say what is needed, whatever the price.
        if costs is not None:
            self.factors *= _relative(costs)

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
            raise ValueError(
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
        Strengths, ascending.

    Yields
    ------
    PathPoint
        One for each alpha.
    """
    for alpha in alphas:
        point = walk.go_to(alpha)
        yield point
        if point.n_features == 0 or walk.interrupted:
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
    point, n_done = walk.dense_point, 0
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
        Where to start.
    n_features : int
        When to stop.
    finest : float, default=1.05
        Smallest ratio of two alphas.

    Yields
    ------
    PathPoint
        The accepted points, alphas ascending.
    """
    alpha, ratio, left = walk.smallest_alpha, RATIO, walk.n_features_alive
    reached = None
    while alpha < LARGEST_ALPHA:
        state = walk.training.save_state()
        point = walk.go_to(alpha)
        lost = left - point.n_features
        if lost > max(1, left // 10) and not walk.interrupted:
            if reached is None and alpha > SMALLEST_START * walk.smallest_alpha:
                walk.training.restore_state(state)
                alpha /= 10.0
                continue
            if reached is not None and ratio > finest:
                walk.training.restore_state(state)
                ratio = max(np.sqrt(ratio), finest)
                alpha = reached * ratio
                continue
        yield point
        if point.n_features <= n_features or walk.interrupted:
            return
        reached, left = alpha, point.n_features
        if lost == 0:
            ratio = min(ratio**1.5, RATIO)
        alpha = reached * ratio


def _adaptive_factors(norms, gamma):
    """c_i = 1 / norm_i**gamma; features of norm zero have left, so theirs does not matter."""
    factors = np.zeros(len(norms))
    alive = norms > 0
    factors[alive] = norms[alive] ** -gamma
    return factors


def _relative(costs):
    """Costs divided by their mean; exactly 1 where all are equal."""
    costs = costs / costs.max()
    return costs / costs.mean()
