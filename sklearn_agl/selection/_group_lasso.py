"""The adaptive group lasso as a selector."""

from numbers import Real

from sklearn_agl import _attribute_checks as check
from sklearn_agl._labels import AUTO
from sklearn_agl._sklearn import Interval, _fit_context
from sklearn_agl.potentials import HDNNPRegressor
from sklearn_agl.selection._base import N_FEATURES_CONSTRAINT, AtomicSelector, resolve_n_features
from sklearn_agl.selection.path._alpha_schedules import DownTo, UpTo
from sklearn_agl.selection.path._fit_path import PathSettings, fit_path
from sklearn_agl.selection.path._parameters import (
    CONSTRAINTS,
    REWEIGHT_CONSTRAINT,
    describe_parameters,
)
from sklearn_agl.selection.path._path import PATH_CHECK


@describe_parameters
class AdaptiveGroupLassoSelector(AtomicSelector):
    r"""Select the features that a network potential needs while it is trained.

    A first fit with the group lasso, see `HDNNPRegressor` for the objective, gives every feature
    the weight :math:`c_i = 1 / \lVert \hat w_i \rVert^\gamma`. Then the penalty rises in small
    steps, each of which starts from the weights of the last, until it reaches `alpha` or until
    `n_features_to_select` are left. Features whose first-layer weights have become exactly zero
    are dropped.

    Parameters
    ----------
    |estimator|
    alpha : float, default=0.01
        Strength of the penalty; ignored if `n_features_to_select` is given.
    n_features_to_select : int or float, default=None
        Number or fraction of features to keep.
    |penalty, concavity, adaptive, metric, gamma, reweight, feature_costs, init, initial_alpha|
    checkpoint : str or path-like, default=None
        A folder that keeps the state of the run after every step. The same `fit` goes on from
        there, whatever has ended the last one, and finds what a run without a break would have.
    verbose : int, default=0
        1 prints a line per step, with an estimate of the time left.
    |random_state|

    Attributes
    ----------
    support_ : ndarray of bool of shape (n_features,)
        Selected features.
    n_features_ : int
        Their number.
    ranking_ : ndarray of int of shape (n_features,)
        1 for the selected features, 2 for the last one that left, and so on; of several that left
        in one step, those with the larger norms before come first.
    path_ : SelectionPath
        All steps, without refits.
    initial_group_norms_, group_norms_ : ndarray of shape (n_features,)
        Norms of the first fit and of the last.
    feature_costs_ : ndarray of shape (n_features,) or None
        The costs that were used, as given or in microseconds per atom; None if there were none.
    estimator_ : HDNNPRegressor
        The penalised potential of the last step. Its errors are biased by the penalty: train a new
        one on the selected features, as the last step of a pipeline does.
    trained_on_ : dict
        The numbers of energies and forces, see `HDNNPRegressor`.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    Raises
    ------
    ValueError
        In fit, if `alpha` leaves no feature; the message says which alpha to try. If a cost is not
        positive, or `X` does not know what to measure. If `checkpoint` cannot be written to, is
        damaged or holds a run on other data or with other settings.

    Warns
    -----
    UserWarning
        In fit, if a parameter has been set that can have no effect, such as `alpha` beside
        `n_features_to_select`.

    See Also
    --------
    AdaptiveGroupLassoSelectorCV : Chooses `alpha` by cross-validation.
    group_lasso_path : The path with refits, to choose from.
    sklearn_agl.descriptors.measure_costs : What "measured" means.
    WaldSelector : Eliminates features one after the other.
    CURSelector, PearsonSelector : Filters, which do not look at energies.

    References
    ----------
    .. [1] J. Sandberg, T. Voigtmann, E. Devijver, N. Jakse, Mach. Learn.: Sci. Technol. 5, 025043
       (2024).
    .. [2] V. Dinh, L. S. T. Ho, NeurIPS 33 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_agl import AdaptiveGroupLassoSelector
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 6))
    >>> y = np.sin(X[:, 1]) + X[:, 1] * X[:, 4]
    >>> selector = AdaptiveGroupLassoSelector(n_features_to_select=2, random_state=0).fit(X, y)
    >>> selector.get_support(indices=True)
    array([1, 4])
    >>> selector.transform(X).shape
    (300, 2)
    """

    _parameter_constraints = {
        **CONSTRAINTS,
        **REWEIGHT_CONSTRAINT,
        "alpha": [Interval(Real, 0, None, closed="left")],
        "n_features_to_select": N_FEATURES_CONSTRAINT,
    }

    _attribute_checks = {
        **AtomicSelector._attribute_checks,
        **PATH_CHECK,
        "estimator_": check.instance(HDNNPRegressor),
        "trained_on_": check.trained_on(),
        "group_norms_": check.norms("n"),
        "initial_group_norms_": check.norms("n"),
        "feature_costs_": check.optional(check.array("f", "n")),
    }

    # As splitters of groups do: who routes them wants them to stay together.
    __metadata_request__fit = {"groups": True}

    def __init__(
        self,
        estimator=None,
        *,
        alpha=1e-2,
        n_features_to_select=None,
        penalty=None,
        concavity=None,
        adaptive=True,
        metric=None,
        gamma=1.0,
        reweight=None,
        feature_costs=None,
        init="warm",
        initial_alpha=None,
        checkpoint=None,
        verbose=0,
        random_state=None,
    ):
        self.estimator = estimator
        self.alpha = alpha
        self.n_features_to_select = n_features_to_select
        self.penalty = penalty
        self.concavity = concavity
        self.adaptive = adaptive
        self.metric = metric
        self.gamma = gamma
        self.reweight = reweight
        self.feature_costs = feature_costs
        self.init = init
        self.initial_alpha = initial_alpha
        self.checkpoint = checkpoint
        self.verbose = verbose
        self.random_state = random_state

    # The inner estimator validates its own parameters.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, forces=AUTO, *, sample_weight=None, groups=None):
        """Find the features to keep.

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
        groups : array-like of shape (n_structures,), default=None
            Labels of structures that are held out together, see `HDNNPRegressor`.

        Returns
        -------
        AdaptiveGroupLassoSelector
            The fitted selector.
        """
        regressor, data = self._validate_for_training(X, y, forces, sample_weight, groups)
        self._warn_of_unused_parameters()
        schedule, n_wanted = UpTo(self.alpha), None
        if self.n_features_to_select is not None:
            n_wanted = resolve_n_features(self.n_features_to_select, self.n_features_in_)
            schedule = DownTo(n_wanted)
        fits = self._note_interruption(fit_path(self._path_settings(regressor, schedule), data))
        self.path_ = fits.selection_path()
        support = self.path_.supports[-1] if n_wanted is None else self.path_.support(n_wanted)
        self.feature_costs_ = fits.costs
        self.initial_group_norms_ = fits.initial_group_norms
        self.group_norms_ = self.path_.group_norms[-1]
        self.estimator_ = fits.fitted_regressor()
        self._select_ranked(self.path_.ranking(support))
        self._keep_warm_start(fits.training_of(self.support_), data, fits.seed)
        return self

    def _warn_of_unused_parameters(self):
        if self.n_features_to_select is not None:
            self._warn_of_unused(
                ["alpha"],
                f"n_features_to_select={self.n_features_to_select} ends the path. Set that to None "
                "to go to alpha, or search over n_features_to_select",
            )
        else:
            self._warn_of_unused(["reweight"], "it acts on the way to n_features_to_select only")
        if self.n_features_to_select is not None and self.init == "cold":
            self._warn_of_unused(["reweight"], "cold starts keep the weights of the first fit")

    def _path_settings(self, regressor, schedule):
        """How to fit a path by the parameters of this selector."""
        return PathSettings(
            regressor,
            schedule,
            penalty=self.penalty,
            concavity=self.concavity,
            adaptive=self.adaptive,
            metric=self.metric,
            gamma=self.gamma,
            # Equal alphas shall mean the same whatever the number of structures.
            reweight=0.0 if self.n_features_to_select is None else self.reweight,
            feature_costs=self.feature_costs,
            init=self.init,
            initial_alpha=self.initial_alpha,
            checkpoint=self.checkpoint,
            identity=self._run_settings(),
            verbose=self.verbose,
        )

    def _empty_support_advice(self):
        alphas = self.path_.alphas[self.path_.n_features > 0]
        if not alphas.any():
            return f"Try an alpha below {self.path_.alphas[-1]:.3g}, or a smaller gamma."
        return f"Try alpha={alphas[-1]:.3g}, the largest that left some."
