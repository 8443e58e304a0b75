"""Going along the regularisation path: one training that moves from penalty to penalty."""

import time
from copy import copy, deepcopy
from functools import partial

import numpy as np

from sklearn_agl.potentials._regressor import finish_regressor
from sklearn_agl.selection._base import EmptySupportError
from sklearn_agl.selection.path._path import PathPoint, PathRun, stack_points, unstack_points
from sklearn_agl.selection.runs._runner import Stage, raise_if_interrupted

INITIAL_ALPHA = 10.0
"""Strength of the first fit, in units of the squared error that is left without penalty."""
GENTLE_INITIAL_ALPHA = 0.1
"""The same where adaptive weights will follow the norms: of several functions that stand in for
each other, a stronger penalty would keep one by chance, before anything is known about them."""
SMALLEST_ALPHA = 0.25
"""Where the path starts, in the same units."""
SMALLEST_START = 1e-3
"""How far below that it may start, if too many features leave at once."""
UNCLEAR_NOISE = 0.02
"""If a short fit without penalty leaves more squared error than this, it goes on to its full
length, to tell noise from a fit that has not come far."""
LARGEST_NOISE = 0.1
"""Squared error beyond which those units do not grow: ten times as much would take out features
that are needed."""
REWEIGHT = 0.5
"""How far adaptive weights follow the norms, unless a strong first fit makes that needless."""
LEARNT = 0.05
"""Share of what a fit without penalty explains in training that the first fit has to explain, too,
for its norms to mean anything."""
TOLERATED = 1.1
"""By how much the error of a strong first fit may exceed that of a gentle one."""
RATIO = 1.6
"""Ratio of neighbouring alphas, unless the path adapts it."""
SAVED = ("reweight", "initial_group_norms", "smallest_alpha", "factors", "ratio")
"""What fits that go on in another process have to know, besides their training and points."""


def _by_norm(training, alive, gamma):
    """1 / ||w_i||**gamma, as published."""
    return training.group_norms[alive] ** -gamma


def _by_wald_statistic(training, alive, gamma):
    """1 / (||w_i|| s_i**(gamma / 4)), with s_i the Wald statistic in units of its median.

    Without the s_i, every feature's penalty would be the same after the first fit; with them, it is
    less the more the feature is needed, however the layers share the scale.
    """
    statistics = training.wald_statistics()[alive]
    relative = statistics / np.median(statistics)
    return relative ** (-gamma / 4.0) / training.group_norms[alive]


METRICS = {"euclidean": _by_norm, "wald": _by_wald_statistic}
"""How the adaptive weights follow from the first fit."""


class PenalisedFits(PathRun):
    """A training that goes from one penalty strength to the next.

    Parameters
    ----------
    settings : PathSettings
        What the fits need to know: the networks, which have noted the columns of `data` (their own
        `alpha` and `feature_weights` play no role), the adaptive weights, and the schedule of the
        strengths.
    data : TrainingSet
        What to train on.
    seed : int
        Fixes the held-out structures, the weights and the order of the structures.
    costs : ndarray of shape (n_features,), default=None
        What each feature costs; multiplies its penalty, relative to the mean of all.

    Attributes
    ----------
    reweight : float or None
        From 0 to 1: how far the adaptive weights follow the present norms where `follow_norms` is
        called; None until that is decided.
    points : list of PathPoint
        The short fit without penalty that everything starts from, and the steps that were kept.
    initial_group_norms : ndarray of shape (n_features,)
        Norms of the first fit with a penalty; until that is done, of the one without.
    factors : ndarray of shape (n_features,)
        The adaptive weights.
    smallest_alpha : float
        Where a path should start.
    alpha : float
        Strength of the last step, 0 before the first one.
    ratio : float
        Of the next alpha to the last one, where the path adapts it.
    training_before : Training or None
        As it was before a last step that has lost more features than it should have.
    """

    error = "penalised RMSE"
    dense_share = 8 / 30
    """Part of a full fit's epochs that is spent without penalty, before the first group lasso."""
    first_share = 12 / 30
    """The same for the non-adaptive fit."""
    step_share = 4 / 30
    """The same for each alpha: 30 alphas cost as much as four full fits."""
    follows_norms = True
    """Whether adaptive weights may change after the first fit."""

    def __init__(self, settings, data, seed, costs=None):
        self.regressor = settings.regressor
        self.n_features = data.X.n_features
        self.schedule = settings.schedule
        self.adaptive = settings.adaptive
        self.metric = settings.metric
        self.gamma = settings.gamma
        self.reweight = settings.reweight if self.adaptive and self.follows_norms else 0.0
        self.initial_alpha = settings.initial_alpha
        self.costs = costs
        self.seed = seed
        from sklearn_agl.potentials.training._training import Training  # with torch

        self.training = Training(self.regressor, data, np.random.RandomState(seed))
        self.alpha = 0.0
        self.points = []
        self.ratio = RATIO
        self.training_before = None

    def begin(self):
        """Train without penalty, then with the same one for every feature."""
        self.fit_first(self.fit_without_penalty())

    def fit_without_penalty(self):
        """Keep its point; returns the squared error that is left, as far as it is believed."""
        training = self.training
        training.start(np.zeros(self.n_features))
        start = time.perf_counter()
        training.run(training.epochs(self.dense_share))
        if training.robust_error(training.judged_on) > UNCLEAR_NOISE:
            training.run(training.epochs(1.0 - self.dense_share))
        # The first fit goes without prices: its norms are to say what is needed, at any price.
        self.initial_group_norms, self.factors = training.group_norms, self._relative_costs
        self.keep(PathPoint.of(training, 0.0, start))
        return min(training.robust_error(training.judged_on), LARGEST_NOISE)

    def fit_first(self, noise):
        """Fit with the same penalty for every feature, and find the adaptive weights.

        Parameters
        ----------
        noise : float
            What `fit_without_penalty` gave, from which all strengths follow.
        """
        self.smallest_alpha = SMALLEST_ALPHA * noise
        initial_alpha = self._fit_with_equal_penalties(noise)
        usual = self._usual_initial_alpha(noise)
        if self.adaptive:
            self._check_initial_norms(initial_alpha, min(initial_alpha, usual) / 10.0)
            self.factors = self._adaptive_factors()
            self._drop_zero_groups(self.initial_group_norms)
        raise_if_interrupted(self.training)

    def stages(self):
        """One: the fits that the schedule asks for."""
        yield Stage(self.schedule.steps(self), partial(self.schedule.work_left, self))

    def _fit_with_equal_penalties(self, noise):
        """Find the norms for the adaptive weights; returns the strength of that fit."""
        if self.reweight is None:
            n_structures, n_weights = len(self.training.train_rows), self.training.layout.n_weights
            if n_structures <= n_weights and self.initial_alpha is None:
                return self._fit_strongly_or_gently(noise)
            self.reweight = REWEIGHT
        return self._fit_at_equal_strengths(self._usual_initial_alpha(noise))

    def _usual_initial_alpha(self, noise):
        return noise * (GENTLE_INITIAL_ALPHA if self.reweight > 0.0 else INITIAL_ALPHA)

    def _fit_strongly_or_gently(self, noise):
        """Where structures are few, keep a strong first fit if it serves as well as a gentle one.

        A strong one keeps networks from overfitting, so that its norms can be believed, and sets
        depend less on the seed. But it may take out features that are needed, of several that stand
        in for each other; then its error on held-out structures says so.
        """
        training = self.training
        without_penalty, errors, fits = training.save_state(), {}, {}
        for reweight in (0.0, REWEIGHT):
            training.restore_state(without_penalty)
            self.reweight = reweight
            alpha = self._fit_at_equal_strengths(self._usual_initial_alpha(noise))
            errors[reweight] = training.rmse_per_atom(training.judged_on)
            fits[reweight] = alpha, self.initial_group_norms, training.save_state()
        self.reweight = REWEIGHT if errors[0.0] > TOLERATED * errors[REWEIGHT] else 0.0
        alpha, self.initial_group_norms, state = fits[self.reweight]
        training.restore_state(state)
        return alpha

    def _fit_at_equal_strengths(self, usual):
        """Fit with the same penalty for every feature; returns its strength.

        A strength that the user has not asked for falls where nothing would be learnt.
        """
        training = self.training
        state, most = training.save_state(), self._most_error()
        alpha = usual if self.initial_alpha is None else self.initial_alpha
        while True:
            self._set_strengths(np.full(self.n_features, alpha / self.n_features))
            training.run(training.epochs(self.first_share))
            self.initial_group_norms = training.group_norms
            weaker = self.initial_alpha is None and alpha > SMALLEST_START * usual
            learnt = training.squared_error(training.train_rows) <= most
            if not weaker or (learnt and self.initial_group_norms.any()):
                return alpha
            training.restore_state(state)
            alpha /= 10.0

    def _most_error(self):
        """Squared error in training at which the first fit has learnt something."""
        rows = self.training.train_rows
        mean = self.training.squared_error_of_mean(rows)
        return mean - LEARNT * (mean - self.training.squared_error(rows))

    def save_state(self):
        """What `restore_state` needs to go on in another process: dicts of arrays."""
        return {
            "training": self.training.to_arrays(),
            "points": stack_points(self.points),
            "walk": {name: np.asarray(getattr(self, name)) for name in SAVED},
            # Measured ones would come out differently another time.
            "costs": {} if self.costs is None else {"costs": self.costs},
            "before": {} if self.training_before is None else self.training_before.to_arrays(),
        }

    def restore_state(self, state):
        """Go on from what `save_state` gave, in the place of `begin`."""
        if state.get("before"):
            # While the training still has all columns.
            self.training_before = copy(self.training)
            self.training_before.rng = np.random.RandomState(self.seed)
            self.training_before.load_arrays(state["before"])
        self.training.load_arrays(state["training"])
        self.points = unstack_points(state["points"])
        self.alpha = self.points[-1].alpha
        for name in SAVED:
            # Of an array without dimensions, its number.
            setattr(self, name, state["walk"][name][()])
        self.costs = state.get("costs", {}).get("costs")

    @property
    def _relative_costs(self):
        """Costs divided by their mean; exactly 1 where all are equal."""
        if self.costs is None:
            return np.ones(self.n_features)
        costs = self.costs / self.costs.max()
        return costs / costs.mean()

    @property
    def last_alpha(self):
        """Strength of the last step that was kept, None before the first one."""
        return self.points[-1].alpha if len(self.points) > 1 else None

    @property
    def n_features_alive(self):
        """Features that the networks still see."""
        return len(np.unique(np.concatenate(self.training.layout.columns)))

    def go_to(self, alpha):
        """Train at strength `alpha` from where the last fit has come to.

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
        self._set_strengths(alpha / self.n_features * self.factors)
        training.run(training.epochs(self.step_share))
        point = PathPoint.of(training, alpha, start)
        self._drop_lost(point)
        return point

    def alphas_on_the_way_to(self, alpha):
        """Strengths on the way to `alpha`, without the last one."""
        first = self.smallest_alpha
        n_steps = np.log(alpha / first) / np.log(RATIO) if alpha > first else 0.0
        # A last step of next to nothing would be a fit for nothing.
        return first * RATIO ** np.arange(np.ceil(n_steps - 0.02))

    def follow_norms(self):
        """Renew the adaptive weights by the present norms, but do not forget the old ones.

        A feature that has shrunk is charged more, which brings the sum of norms nearer to a count
        of features: the multi-step adaptive lasso (Buehlmann & Meier 2008). Their geometric mean
        keeps noise of a single fit from deciding.
        """
        if self.reweight:
            kept = self.factors ** (1.0 - self.reweight)
            self.factors = kept * self._adaptive_factors() ** self.reweight

    def _set_strengths(self, strengths):
        """Get ready for a fit that goes on from the present weights."""
        self.training.set_strengths(strengths)

    def _drop_lost(self, point):
        """Take out for good the features that a fit has lost."""
        self._drop_zero_groups(point.group_norms)

    def save_step(self):
        """What `undo_to` needs to come back to this moment."""
        return self.training.save_state(), self.factors, self.alpha

    def undo_to(self, saved):
        """Be where `save_step` was called."""
        state, self.factors, self.alpha = saved
        self.training.restore_state(state)

    def keep_training_of(self, saved):
        """Keep what `save_step` gave, for features that a last step should not have lost."""
        state, _, _ = saved
        self.training_before = self.training.branch(self.seed)
        self.training_before.restore_state(state)

    def training_of(self, support):
        """A training that has weights for just these features or more; None if there is none."""
        for training in (self.training, self.training_before):
            if training is not None and (training.group_norms[support] > 0.0).all():
                return training
        return None

    def branch(self):
        """Fits of their own from here on, which do exactly what these ones would do."""
        return deepcopy(self)

    def fitted_regressor(self):
        """The regressor with the weights of the last step."""
        weights = np.where(self.factors > 0, self.factors, np.inf)
        self.regressor.set_params(alpha=self.alpha, feature_weights=weights)
        # Dropping features has set the penalty to zero.
        self.training.set_strengths(self.alpha / self.n_features * self.factors)
        return finish_regressor(self.regressor, self.training)

    def _check_initial_norms(self, initial_alpha, advice):
        if not self.initial_group_norms.any():
            raise EmptySupportError(
                f"The first fit, at initial_alpha={initial_alpha:.3g}, left none of the "
                f"{self.n_features} features. Try initial_alpha={advice:.3g}."
            )

    def _adaptive_factors(self):
        """c_i by the present norms, see `METRICS`, times the prices; 0 for features that left."""
        by_wald = self.reweight > 0.0 and self.training.solver.is_second_order
        metric = self.metric or ("wald" if by_wald else "euclidean")
        factors, alive = np.zeros(self.n_features), self.training.group_norms > 0
        factors[alive] = METRICS[metric](self.training, alive, self.gamma)
        return factors * self._relative_costs

    def _drop_zero_groups(self, norms):
        gone = np.intersect1d(
            np.concatenate(self.training.layout.columns), np.flatnonzero(norms == 0)
        )
        if len(gone) and norms.any():
            self.training.drop(gone)


class ColdFits(PenalisedFits):
    """Every fit starts from new random weights and may use every feature that the first one left.

    That is how the adaptive group lasso has been published. It takes a full fit at every alpha.
    """

    dense_share = first_share = step_share = 1.0
    follows_norms = False

    @property
    def n_features_alive(self):
        """Features that the last fit used."""
        return super().n_features_alive if self.last_alpha is None else self.points[-1].n_features

    def alphas_on_the_way_to(self, alpha):
        """No fit helps the next one."""
        return np.empty(0)

    def _set_strengths(self, strengths):
        self.training.start(strengths)

    def _drop_lost(self, point):
        """Nothing follows: features may return."""


FITS = {"warm": PenalisedFits, "cold": ColdFits}
"""By where each fit starts."""
