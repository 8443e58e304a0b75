"""Selection by the first-layer weights of one network potential."""

import numpy as np

from sklearn_agl import _attribute_checks as check
from sklearn_agl._labels import AUTO
from sklearn_agl._sklearn import _fit_context
from sklearn_agl.potentials import HDNNPRegressor
from sklearn_agl.potentials._regressor import fit_regressor
from sklearn_agl.selection._base import (
    N_FEATURES_CONSTRAINT,
    ORDER_CHECK,
    AtomicSelector,
    resolve_n_features,
)


class WeightNormSelector(AtomicSelector):
    r"""Choose the features with the largest first-layer weights in one fit without penalty.

    Features are ranked by the Euclidean norm :math:`\lVert w_i \rVert` of the weights that leave
    feature i, after training with all of them. It is what the group lasso starts from.

    Parameters
    ----------
    n_features_to_select : int or float, default=None
        Number or fraction of the features; by default half of them.
    estimator : HDNNPRegressor, default=None
        Settings of the networks, of which `alpha` and `feature_weights` play no role; by default
        those of ``HDNNPRegressor()``.
    random_state : int, RandomState or None, default=None
        Draws the held-out structures, the weights and the order of the structures. By default
        the estimator's own.

    Attributes
    ----------
    support_ : ndarray of bool of shape (n_features,)
        Mask of the selected features.
    selected_order_ : ndarray of int of shape (n_selected,)
        Selected features, that of the largest norm first.
    ranking_ : ndarray of int of shape (n_features,)
        1 for the selected features, 2 for the one with the next smaller norm, and so on.
    group_norms_ : ndarray of shape (n_features,)
        Norms of the first-layer weights.
    estimator_ : HDNNPRegressor
        The potential with all features.
    n_features_ : int
        Number of selected features.
    trained_on_ : dict
        The numbers of energies and forces, see `HDNNPRegressor`.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    See Also
    --------
    AdaptiveGroupLassoSelector : Shrinks these norms while the networks are trained.
    WaldSelector : Ranks by a statistic that does not depend on how scale is shared between layers.

    Notes
    -----
    Features that say the same share their weights, and a small norm in the first layer can be made
    up for in the next, so that this is a baseline rather than a method. On tables,
    ``SelectFromModel(HDNNPRegressor(), importance_getter="group_norms_")`` does the same.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_agl import WeightNormSelector
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 6))
    >>> y = np.sin(X[:, 1]) + X[:, 1] * X[:, 4]
    >>> WeightNormSelector(2, random_state=0).fit(X, y).get_support(indices=True)
    array([1, 4])
    """

    _parameter_constraints = {
        "n_features_to_select": N_FEATURES_CONSTRAINT,
        "estimator": [HDNNPRegressor, None],
        "random_state": ["random_state"],
    }

    _attribute_checks = {
        **AtomicSelector._attribute_checks,
        **ORDER_CHECK,
        "estimator_": check.instance(HDNNPRegressor),
        "trained_on_": check.trained_on(),
        "group_norms_": check.norms("n"),
    }

    # As splitters of groups do: who routes them wants them to stay together.
    __metadata_request__fit = {"groups": True}

    def __init__(self, n_features_to_select=None, *, estimator=None, random_state=None):
        self.n_features_to_select = n_features_to_select
        self.estimator = estimator
        self.random_state = random_state

    # The inner estimator validates its own parameters.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, forces=AUTO, *, sample_weight=None, groups=None):
        """Train the networks and choose features.

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
        WeightNormSelector
            The fitted selector.

        Raises
        ------
        ValueError
            If more features are requested than there are.
        """
        regressor, data = self._validate_for_training(X, y, forces, sample_weight, groups)
        wanted = resolve_n_features(self.n_features_to_select, self.n_features_in_)
        regressor.set_params(alpha=0.0, feature_weights=None)
        self.estimator_ = fit_regressor(regressor, data)
        self._interrupted = regressor._interrupted
        self.group_norms_ = regressor.group_norms_
        self._select_in_order(np.argsort(-self.group_norms_, kind="stable"), wanted)
        return self
