"""The splits of a cross-validation: what each selects at each alpha, and how good that is."""

from dataclasses import replace

import numpy as np
from joblib import delayed
from sklearn.base import clone

from sklearn_agl.selection._splits import score_support
from sklearn_agl.selection.path._alpha_schedules import DownTo, UpToEach
from sklearn_agl.selection.path._feature_costs import resolve_costs
from sklearn_agl.selection.path._fit_path import fit_path
from sklearn_agl.selection.runs._parallel import as_they_end
from sklearn_agl.selection.runs._runner import Run, Stage


class CrossValidation(Run):
    """Supports and scores of all splits; half a comparison is no result.

    Parameters
    ----------
    settings : PathSettings
        How to fit the paths, with an integer for the networks' random state. The schedule does
        not matter.
    alphas : ndarray of shape (n_alphas,) or None
        Strengths of the penalty, ascending; None proposes some.
    data : TrainingSet
        What to train on and to judge by.
    splits : list of (ndarray, ndarray)
        Rows for training and for testing.
    n_jobs : int or None
        Threads.

    Attributes
    ----------
    alphas : ndarray of shape (n_alphas,) or None
        Strengths of the penalty, None until they are known.
    costs : ndarray of shape (n_features,) or None
        What each feature costs.
    supports : dict of int to ndarray of bool of shape (n_alphas, n_features)
        By the number of the split.
    scores : dict of (int, tuple of int) to float
        By the number of the split and the columns.
    """

    def __init__(self, settings, alphas, data, splits, n_jobs):
        self._settings = settings
        self._data = data
        self._splits = splits
        self._n_jobs = n_jobs
        self.alphas, self.costs, self.supports, self.scores = alphas, None, {}, {}

    def begin(self):
        """Find the strengths, and the costs, which the splits have to share."""
        self.costs = resolve_costs(self._settings.feature_costs, self._data.X)
        if self.alphas is None:
            self.alphas = propose_alphas(self._fit(DownTo(1), self._data).points[1:])

    def stages(self):
        """The paths of the splits, then fits of the sets found on them."""
        yield Stage(self._find_supports(), lambda: len(self._splits) - len(self.supports))
        yield Stage(self._score_supports(), lambda: len(self._unscored()))

    def results(self):
        """Scores and numbers of features, both of shape (n_splits, n_alphas)."""
        rows = [self.supports[k] for k in range(len(self._splits))]
        scores = [[self.scores[k, _columns(one)] for one in row] for k, row in enumerate(rows)]
        return np.array(scores), np.sum(rows, axis=2)

    def _fit(self, schedule, data):
        """A path that has come to its end."""
        regressor, costs = clone(self._settings.regressor), self.costs
        own = {"regressor": regressor, "schedule": schedule, "feature_costs": costs, "verbose": 0}
        fits = fit_path(replace(self._settings, **own), data)
        if not fits.complete:
            raise KeyboardInterrupt
        return fits

    def _find_supports(self):
        missing = [k for k in range(len(self._splits)) if k not in self.supports]
        calls = (delayed(self._select)(k) for k in missing)
        for k, supports in as_they_end(calls, self._n_jobs):
            self.supports[k] = supports
            sizes = supports.sum(axis=1)
            yield f"split {k}   {sizes.max()} to {sizes.min()} features"

    def _select(self, k):
        """The number of a split, and what the selector would select at each alpha there."""
        train, _ = self._splits[k]
        ways = UpToEach(self.alphas)
        self._fit(ways, self._data.take(train))
        return k, np.array([end.group_norms > 0 for end in ways.ends])

    def _unscored(self):
        """Splits and sets found there that have no score."""
        found = {(k, _columns(one)) for k, supports in self.supports.items() for one in supports}
        return sorted(found - self.scores.keys())

    def _score_supports(self):
        calls = (delayed(self._score)(k, columns) for k, columns in self._unscored())
        for k, columns, score in as_they_end(calls, self._n_jobs):
            self.scores[k, columns] = score
            yield f"split {k}   {len(columns):4d} features   RMSE {-score:.3e}"

    def _score(self, k, columns):
        support = np.zeros(self._data.X.n_features, dtype=bool)
        support[list(columns)] = True
        split = self._splits[k]
        return k, columns, score_support(self._settings.regressor, self._data, split, support)

    def save_state(self):
        """What `restore_state` needs to go on in another process: dicts of arrays."""
        state = {
            "alphas": {"alphas": self.alphas},
            "costs": {} if self.costs is None else {"costs": self.costs},
            "supports": {str(k): supports for k, supports in self.supports.items()},
        }
        if self.scores:
            masks = np.zeros((len(self.scores), self._data.X.n_features), dtype=bool)
            for mask, (_, columns) in zip(masks, self.scores, strict=True):
                mask[list(columns)] = True
            state["scores"] = {
                "splits": np.array([k for k, _ in self.scores]),
                "supports": masks,
                "scores": np.array(list(self.scores.values())),
            }
        return state

    def restore_state(self, state):
        """Go on from what `save_state` gave, in the place of `begin`."""
        self.alphas = state["alphas"]["alphas"]
        self.costs = state.get("costs", {}).get("costs")
        self.supports = {int(k): supports for k, supports in state.get("supports", {}).items()}
        for k, mask, score in zip(*state.get("scores", {}).values(), strict=True):
            self.scores[int(k), _columns(mask)] = float(score)

    def progress(self):
        """What has been done."""
        n_done = f"{len(self.supports)} of {len(self._splits)} splits"
        return f"with {n_done} and {len(self.scores)} fits"

    def table(self):
        """Rows for people to read."""
        yield "split", "n_features", "score", "columns"
        for (k, columns), score in self.scores.items():
            yield k, len(columns), score, " ".join(map(str, columns))


def propose_alphas(points):
    """Strengths around which a path on all structures loses features, until it has none.

    Of several that leave equally many, and so the same ones, the smallest and the largest, and some
    between, at least one per decade: in a part of the structures, other features may leave there.

    Parameters
    ----------
    points : list of PathPoint
        The path, without its fit of all features.

    Returns
    -------
    ndarray of shape (n_alphas,)
        The strengths, ascending.
    """
    alphas = np.array([point.alpha for point in points])
    n_features = np.array([point.n_features for point in points])
    changes = np.diff(n_features) != 0
    kept = np.append(True, changes) | np.append(changes, True)
    for i in range(1, len(alphas)):
        kept[i] |= alphas[i] >= 10.0 * alphas[:i][kept[:i]][-1]
    return alphas[kept & (n_features > 0)]


def summarise(alphas, scores, n_features):
    """Put the results of all splits into a table.

    Parameters
    ----------
    alphas : ndarray of shape (n_alphas,)
        Strengths of the penalty.
    scores : ndarray of shape (n_splits, n_alphas)
        Test scores.
    n_features : ndarray of int of shape (n_splits, n_alphas)
        Numbers of selected features.

    Returns
    -------
    dict of str to ndarray of shape (n_alphas,)
        Its columns.
    """
    results = {
        "alpha": alphas,
        "mean_test_score": scores.mean(axis=0),
        "std_test_score": scores.std(axis=0),
        "mean_n_features": n_features.mean(axis=0),
    }
    for k in range(len(scores)):
        results[f"split{k}_test_score"] = scores[k]
        results[f"split{k}_n_features"] = n_features[k]
    return results


def _columns(support):
    return tuple(np.flatnonzero(support).tolist())
