"""The strength of the adaptive group lasso, chosen by cross-validation."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from sklearn_agl import _attribute_checks as check
from sklearn_agl._labels import AUTO
from sklearn_agl._sklearn import StrOptions, _fit_context, _raise_for_params, _routing_enabled
from sklearn_agl.selection._base import AtomicSelector
from sklearn_agl.selection._group_lasso import AdaptiveGroupLassoSelector
from sklearn_agl.selection._splits import check_split, describe_splits
from sklearn_agl.selection.path._cross_validation import CrossValidation, summarise
from sklearn_agl.selection.path._fit_path import check_alphas
from sklearn_agl.selection.path._parameters import CONSTRAINTS, describe_parameters
from sklearn_agl.selection.runs._runner import follow, raise_if_interrupted

SELECTION = "selection"
"""Of a checkpoint's folder, the one where the last selection has its own."""


@describe_parameters
class AdaptiveGroupLassoSelectorCV(AtomicSelector):
    r"""Select features by the adaptive group lasso at a strength chosen by cross-validation.

    In every split, the penalty rises through `alphas` on the training structures. Each set of
    features found on the way is fitted anew, without penalty, and scored by the error per atom on
    the test structures: the errors of penalised fits are biased and must not choose. The features
    are those that `AdaptiveGroupLassoSelector` then selects on all structures at the best alpha.

    Parameters
    ----------
    |estimator|
    alphas : array-like of float, default=None
        Strengths of the penalty to compare. By default those around which a path on all
        structures, from all features down to one, loses some.
    cv : int, cross-validation generator or iterable, default=None
        How to split the structures: None for 5 folds that are not shuffled, an integer for so
        many, or a splitter such as `GroupKFold`, or pairs of train and test indices.
    rule : {"best", "one_standard_error"}, default="best"
        "best" takes the alpha of the lowest mean error, the smallest one if several have it;
        "one_standard_error" takes the largest alpha, with the fewest features, whose mean error
        is within one standard error of the lowest one.
    |penalty, concavity, adaptive, metric, gamma, feature_costs, init, initial_alpha|
    n_jobs : int, default=None
        Threads for the splits and the refits, or processes where ``joblib.parallel_config`` asks
        for them. The result does not depend on it.
    checkpoint : str or path-like, default=None
        A folder that keeps what is found, split by split and fit by fit. The same `fit` goes on
        from there, whatever has ended the last one, and finds what a run without a break would
        have.
    verbose : int, default=0
        1 prints a line per split and fit, with an estimate of the time left, and one per alpha with
        its error, 2 also the steps of the last selection.
    random_state : int, RandomState or None, default=None
        Draws the held-out structures, the weights and the order of the structures. By default
        the estimator's own. An integer serves every fit; otherwise one is drawn that does.

    Attributes
    ----------
    alpha_ : float
        The chosen strength.
    alphas_ : ndarray of shape (n_alphas,)
        The strengths that were compared, ascending.
    cv_results_ : dict of str to ndarray of shape (n_alphas,)
        One entry per alpha, NaN where nothing was left to refit:

        alpha
            `alphas_`.
        split(k)_test_score
            Negative error per atom on the test structures of split k, in the unit of the energies.
        mean_test_score, std_test_score
            Its mean and standard deviation over the splits.
        split(k)_n_features
            Number of features selected on the training structures of split k.
        mean_n_features
            Its mean.
    support_ : ndarray of bool of shape (n_features,)
        Features selected on all structures at `alpha_`.
    n_features_ : int
        Their number.
    ranking_ : ndarray of int of shape (n_features,)
        1 for the selected features, 2 for the last one that left on the way to `alpha_`, and so on;
        of several that left in one step, those with the larger norms before come first.
    path_ : SelectionPath
        All steps to `alpha_` on all structures, without refits.
    initial_group_norms_, group_norms_ : ndarray of shape (n_features,)
        Norms of the first fit and of the last.
    feature_costs_ : ndarray of shape (n_features,) or None
        The costs that were used, as given or in microseconds per atom; None if there were none.
    estimator_ : HDNNPRegressor
        The penalised potential at `alpha_`. Its errors are biased by the penalty: train a new one
        on the selected features, as the last step of a pipeline does.
    trained_on_ : dict
        The numbers of energies and forces, see `HDNNPRegressor`.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    Raises
    ------
    ValueError
        In fit, if a split has too few structures or an element to test that it has not for
        training, or if every alpha left nothing in some split. If a cost is not positive, or `X`
        does not know what to measure. If `checkpoint` cannot be written to, is damaged or holds a
        run on other data or with other settings.

    See Also
    --------
    AdaptiveGroupLassoSelector : The selector at a given strength.
    group_lasso_path : One path with refits, judged on one set of held-out structures.

    Notes
    -----
    The standard error is that of the scores :math:`s_k` of the K splits at the best alpha,

    .. math::

        \sqrt{\frac{1}{K (K - 1)} \sum_{k=1}^{K} (s_k - \bar s)^2} .

    The scores are those of a `GridSearchCV` over ``select__alpha`` with `neg_rmse_per_atom`, on a
    pipeline of an `AdaptiveGroupLassoSelector` (``select``) and an `HDNNPRegressor`, to the last
    digit if both have the settings and the integer `random_state` given here, and the regressor
    ``init="cold"``: sets are judged by fits from random weights. The search trains
    from the beginning for every alpha. Here, all alphas of a split share the first fits and the
    steps of the penalty up to the last, which ends at alpha itself, and equal sets of features
    share a refit. Where nothing is left, the search warns of a failed fit. Costs that are
    "measured" are measured anew in each fit of a search, so that its scores differ a little.

    Frames of one trajectory resemble each other: give their trajectory as `groups` to `fit` and
    `cv` a splitter that keeps groups together.

    The scores have chosen `alpha_`, so that the best of them is a little optimistic. To estimate
    the error of the whole procedure, cross-validate the pipeline that holds this selector.

    References
    ----------
    .. [1] J. Sandberg, T. Voigtmann, E. Devijver, N. Jakse, Mach. Learn.: Sci. Technol. 5, 025043
       (2024).
    .. [2] T. Hastie, R. Tibshirani, J. Friedman, The Elements of Statistical Learning, 2nd ed.,
       Springer (2009), section 7.10.

    Examples
    --------
    Twenty trajectories of ten frames each, which no split takes apart:

    >>> import numpy as np
    >>> from sklearn.model_selection import GroupKFold
    >>> from sklearn_agl import AdaptiveGroupLassoSelectorCV, HDNNPRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 6))
    >>> y = np.sin(X[:, 1]) + X[:, 1] * X[:, 4]
    >>> trajectory = np.repeat(np.arange(20), 10)
    >>> selector = AdaptiveGroupLassoSelectorCV(
    ...     HDNNPRegressor((5,)),
    ...     alphas=[0.1, 1.0],
    ...     cv=GroupKFold(3),
    ...     rule="one_standard_error",
    ...     random_state=0,
    ... )
    >>> selector = selector.fit(X, y, groups=trajectory)
    >>> selector.get_support(indices=True)
    array([1, 4])
    >>> selector.cv_results_["mean_test_score"].shape
    (2,)
    """

    _parameter_constraints = {
        **CONSTRAINTS,
        "alphas": ["array-like", None],
        "cv": ["cv_object"],
        "rule": [StrOptions({"best", "one_standard_error"})],
        "n_jobs": [Integral, None],
    }

    _attribute_checks = AdaptiveGroupLassoSelector._attribute_checks | {
        "alpha_": check.number(0.0),
        "alphas_": check.norms("alphas"),
        "cv_results_": check.table("alphas"),
    }

    def __init__(
        self,
        estimator=None,
        *,
        alphas=None,
        cv=None,
        rule="best",
        penalty=None,
        concavity=None,
        adaptive=True,
        metric=None,
        gamma=1.0,
        feature_costs=None,
        init="warm",
        initial_alpha=None,
        n_jobs=None,
        checkpoint=None,
        verbose=0,
        random_state=None,
    ):
        self.estimator = estimator
        self.alphas = alphas
        self.cv = cv
        self.rule = rule
        self.penalty = penalty
        self.concavity = concavity
        self.adaptive = adaptive
        self.metric = metric
        self.gamma = gamma
        self.feature_costs = feature_costs
        self.init = init
        self.initial_alpha = initial_alpha
        self.n_jobs = n_jobs
        self.checkpoint = checkpoint
        self.verbose = verbose
        self.random_state = random_state

    # The inner estimator validates its own parameters.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, forces=AUTO, *, sample_weight=None, **params):
        """Choose the strength of the penalty and find the features to keep.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features of the atoms.
        y : array-like of shape (n_structures,), default=None
            Total energies; None for those that the structures carry, see `HDNNPRegressor`.
        forces : "auto", None or sequence of array-like of shape (n_atoms, 3), default="auto"
            Forces on all atoms of each structure, to be trained on as well. "auto" takes those that
            the structures carry, if the estimator's parameter `forces` says so, and None trains on
            energies alone, see `HDNNPRegressor`.
        sample_weight : array-like of shape (n_structures,), default=None
            How much each structure counts, see `HDNNPRegressor`.
        **params : dict of str to object
            ``groups``, array-like of shape (n_structures,): which structures the splitter has to
            keep together, and which are held out together to judge a training. With
            ``sklearn.set_config(enable_metadata_routing=True)``, whatever the splitter requests.

        Returns
        -------
        AdaptiveGroupLassoSelectorCV
            The fitted selector.
        """
        _raise_for_params(params, self, "fit", allow=["groups"])
        self._validate(X, ensure_min_samples=2)
        selector = self._selector()
        labels = {"sample_weight": sample_weight, "groups": params.get("groups")}
        regressor, data = selector._validate_for_training(X, y, forces, **labels)
        if self.verbose:
            print(f"{type(self).__name__} trains on {data}")
        alphas = None if self.alphas is None else np.unique(check_alphas(self.alphas))
        splits = self._split(data, regressor, params)
        given, described = regressor.random_state, describe_splits(splits)
        checkpoint = self._open_checkpoint(
            given, data, regressor, metric=selector.metric, **described
        )
        seed = given if isinstance(given, Integral) else checkpoint.seed
        for model in (selector, regressor):
            model.set_params(random_state=seed)
        data = data.observe_slopes(regressor.n_force_directions, seed)
        settings = selector._path_settings(regressor, schedule=None)
        run = CrossValidation(settings, alphas, data, splits, self.n_jobs)
        self._take_results(follow(run, checkpoint, self.verbose))
        folder = checkpoint.folder and checkpoint.folder / SELECTION
        selector.set_params(alpha=self.alpha_, checkpoint=folder, feature_costs=run.costs)
        # With the names of the columns, which `data` may have lost.
        return self._take_over(selector.fit(X, y, forces, **labels))

    def _take_results(self, run):
        """Keep the scores of a cross-validation, and choose by them."""
        self.alphas_ = run.alphas
        scores, n_features = run.results()
        self.cv_results_ = summarise(self.alphas_, scores, n_features)
        if self.verbose:
            self._print_results()
        self.alpha_ = float(self.alphas_[self._choose_alpha(scores)])

    def _selector(self):
        """The selector that stands for all splits."""
        return AdaptiveGroupLassoSelector(
            self.estimator,
            penalty=self.penalty,
            concavity=self.concavity,
            adaptive=self.adaptive,
            # What None means where the weights do not follow the norms.
            metric=self.metric or "euclidean",
            gamma=self.gamma,
            feature_costs=self.feature_costs,
            init=self.init,
            initial_alpha=self.initial_alpha,
            verbose=max(0, int(self.verbose) - 1),
            random_state=self.random_state,
        )

    def _split(self, data, regressor, params):
        """The pairs of train and test indices, checked."""
        if _routing_enabled():
            split_params = process_routing(self, "fit", **params).splitter.split
        else:
            split_params = params
        splits = list(check_cv(self.cv, data.energies).split(data.X, data.energies, **split_params))
        if self.rule == "one_standard_error" and len(splits) < 2:
            raise ValueError(
                "rule='one_standard_error' needs at least 2 splits to see how errors scatter; "
                f"cv gives {len(splits)}."
            )
        for k, (train, test) in enumerate(splits):
            check_split(data.X, k, train, test, regressor)
        return splits

    def _choose_alpha(self, scores):
        """Index of the alpha that the rule prefers."""
        means = scores.mean(axis=0)
        if np.isnan(means).all():
            raise ValueError(
                f"Every alpha left no feature in at least one split. Try alphas below "
                f"{self.alphas_[0]:.3g}."
            )
        best = np.nanargmax(means)
        if self.rule == "best":
            return best
        standard_error = scores[:, best].std(ddof=1) / np.sqrt(len(scores))
        return np.flatnonzero(means >= means[best] - standard_error)[-1]

    def _print_results(self):
        results = self.cv_results_
        for alpha, score, n_features in zip(
            self.alphas_, results["mean_test_score"], results["mean_n_features"], strict=True
        ):
            print(f"alpha {alpha:8.2e}   {n_features:6.1f} features   RMSE {-score:.3e}")

    def _take_over(self, selector):
        """Be what the selector on all structures is."""
        raise_if_interrupted(selector)
        self.path_ = selector.path_
        self.trained_on_ = selector.trained_on_
        self.feature_costs_ = selector.feature_costs_
        self.initial_group_norms_ = selector.initial_group_norms_
        self.group_norms_ = selector.group_norms_
        self.estimator_ = selector.estimator_
        self._select_ranked(selector.ranking_)
        self._warm_start = selector._warm_start
        return self

    def get_metadata_routing(self):
        """Say where metadata go: to the splitter.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
            The routing.
        """
        mapping = MethodMapping().add(caller="fit", callee="split")
        # This is what a pipeline calls.
        mapping.add(caller="fit_transform", callee="split")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(splitter=check_cv(self.cv), method_mapping=mapping)
