"""Inner selectors for stability selection, some of which note what they are given."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin

from sklearn_agl import AdaptiveGroupLassoSelector, HDNNPRegressor, StabilitySelector

NETWORK = HDNNPRegressor((4,))
ONCE = AdaptiveGroupLassoSelector(NETWORK, alpha=0.3)


class Log(SelectorMixin, BaseEstimator):
    """Notes what it is given in `fit`, over all clones, and chooses by its random state."""

    fits = []

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None):
        Log.fits.append({"X": X, "y": y, "weight": sample_weight, "seed": self.random_state})
        self.support_ = np.random.RandomState(self.random_state).rand(X.shape[-1]) < 0.5
        return self

    def _get_support_mask(self):
        return self.support_


def log_of(X, y=None, *, selector=None, n_resamples=10, **fit_params):
    """What `Log` notes while a stability selection runs; column 0 of `X` numbers the rows."""
    Log.fits = []
    stability = StabilitySelector(selector or Log(), n_resamples=n_resamples, random_state=0)
    stability.set_params(threshold=0.1).fit(X, y, **fit_params)
    return Log.fits


def numbered(n_rows):
    return np.column_stack([np.arange(n_rows), np.random.default_rng(0).normal(size=(n_rows, 4))])
