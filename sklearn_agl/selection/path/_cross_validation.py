"""The splits of a cross-validation: what each selects at each alpha, and how good that is."""

import numpy as np
from joblib import delayed
from sklearn.base import clone

from sklearn_agl.selection._splits import score_support
from sklearn_agl.selection.path._alpha_schedules import walk_down, walk_to_each
from sklearn_agl.selection.path._feature_costs import resolve_costs
from sklearn_agl.selection.runs._findings import TimeLeft
from sklearn_agl.selection.runs._parallel import as_they_end


class CrossValidation:
    """Supports and scores of all splits; whatever is found is kept in a checkpoint at once.

    Parameters
    ----------
    selector : AdaptiveGroupLassoSelector
        Stands for all splits, with an integer for its random state.
    regressor : HDNNPRegressor
        Settings of the networks, validated.
    data : TrainingSet
        What to train on and to judge by.
    splits : list of (ndarray, ndarray)
        Rows for training and for testing.
    checkpoint : Checkpoint or NoCheckpoint
        Where the parts are kept.
    n_jobs : int or None
        Threads.
    verbose : int
        Whether to print a line for each part.

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

    def __init__(self, selector, regressor, data, splits, checkpoint, n_jobs, verbose):
        self._selector, self._regressor = selector, regressor
        self._data = data
        self._splits = splits
        self._checkpoint = checkpoint
        self._n_jobs = n_jobs
        self._verbose = verbose
        self.alphas, self.costs, self.supports, self.scores = None, None, {}, {}
        if checkpoint.state is not None:
            self._load(checkpoint.state)

    def run(self, alphas, feature_costs):
        """Do what is missing.

        Parameters
        ----------
        alphas : ndarray of shape (n_alphas,) or None
            Strengths of the penalty, ascending; None proposes some.
        feature_costs : array-like, "measured" or None
            See `AdaptiveGroupLassoSelector`.

        Returns
        -------
        CrossValidation
            Itself.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C: half a comparison is none, but its parts are kept.
        """
        if self.alphas is None:
            # Measured once, else the splits would differ in the objective.
            self.costs = resolve_costs(feature_costs, self._data.X)
        self._selector.set_params(feature_costs=self.costs)
        if self.alphas is None:
            self.alphas = self._propose_alphas() if alphas is None else alphas
            self._save()
        self._find_supports()
        self._score_supports()
        return self

    def table(self):
        """Scores and numbers of features, both of shape (n_splits, n_alphas)."""
        rows = [self.supports[k] for k in range(len(self._splits))]
        scores = [[self.scores[k, _columns(one)] for one in row] for k, row in enumerate(rows)]
        return np.array(scores), np.sum(rows, axis=2)

    def _propose_alphas(self):
        return propose_alphas(self._selector._start_walk(self._regressor, self._data))

    def _find_supports(self):
        missing = [k for k in range(len(self._splits)) if k not in self.supports]
        calls = (delayed(self._walk)(k) for k in missing)
        time_left = TimeLeft(len(missing))
        for n_done, (k, supports) in enumerate(as_they_end(calls, self._n_jobs), 1):
            self.supports[k] = supports
            self._save()
            self._print(
                f"split {k}   {supports.sum(axis=1).max()} to {supports.sum(axis=1).min()} "
                f"features{time_left(len(missing) - n_done)}"
            )

    def _walk(self, k):
        """The number of a split, and what the selector would select at each alpha there."""
        train, _ = self._splits[k]
        walk = self._selector._start_walk(clone(self._regressor), self._data.take(train))
        return k, np.array([p.group_norms > 0 for p in walk_to_each(walk, self.alphas)])

    def _score_supports(self):
        wanted = [(k, _columns(one)) for k, found in self.supports.items() for one in found]
        missing = sorted(set(wanted) - self.scores.keys())
        calls = (delayed(self._score)(k, columns) for k, columns in missing)
        time_left = TimeLeft(len(missing))
        for n_done, (k, columns, score) in enumerate(as_they_end(calls, self._n_jobs), 1):
            self.scores[k, columns] = score
            self._save()
            self._print(
                f"split {k}   {len(columns):4d} features   RMSE {-score:.3e}"
                f"{time_left(len(missing) - n_done)}"
            )

    def _score(self, k, columns):
        support = np.zeros(self._data.X.n_features, dtype=bool)
        support[list(columns)] = True
        split = self._splits[k]
        return k, columns, score_support(self._regressor, self._data, split, support)

    def _save(self):
        self._checkpoint.save(self._state, self._rows)

    def _state(self):
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

    def _load(self, state):
        self.alphas = state["alphas"]["alphas"]
        self.costs = state.get("costs", {}).get("costs")
        self.supports = {int(k): supports for k, supports in state.get("supports", {}).items()}
        for k, mask, score in zip(*state.get("scores", {}).values(), strict=True):
            self.scores[int(k), _columns(mask)] = float(score)
        self._print(
            f"resumed from {self._checkpoint.folder} with {len(self.supports)} of "
            f"{len(self._splits)} splits and {len(self.scores)} fits"
        )

    def _rows(self):
        """A table for people to read."""
        yield "split", "n_features", "score", "columns"
        for (k, columns), score in self.scores.items():
            yield k, len(columns), score, " ".join(map(str, columns))

    def _print(self, line):
        if self._verbose:
            print(line, flush=True)


def propose_alphas(walk):
    """Strengths around which a path on all structures loses features, until it has none.

    Of several that leave equally many, and so the same ones, the smallest and the largest, and some
    between, at least one per decade: in a part of the structures, other features may leave there.

    Parameters
    ----------
    walk : Walk
        Where the path starts.

    Returns
    -------
    ndarray of shape (n_alphas,)
        The strengths, ascending.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    """
    points = list(walk_down(walk, 1))
    if walk.interrupted:
        raise KeyboardInterrupt
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
