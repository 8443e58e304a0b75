"""LassoNet for network potentials and tables."""

from numbers import Integral, Real
from os import PathLike

import numpy as np

from sklearn_agl._sklearn import Interval, StrOptions, _fit_context
from sklearn_agl._threads import one_blas_thread
from sklearn_agl._validation import validate_energies
from sklearn_agl.compiled._activations import ACTIVATIONS
from sklearn_agl.potentials.data._training_set import TrainingSet
from sklearn_agl.potentials.networks._layout import check_hidden_layer_sizes
from sklearn_agl.selection._base import N_FEATURES_CONSTRAINT, AtomicSelector, resolve_n_features
from sklearn_agl.selection.lasso_net._penalised_fits import LassoNetFits
from sklearn_agl.selection.lasso_net._residual_training import ResidualTraining
from sklearn_agl.selection.path._path import PATH_CHECK
from sklearn_agl.selection.runs._runner import follow


class LassoNetSelector(AtomicSelector):
    r"""Select features with LassoNet: a linear model that says what a network may use.

    Each element's network gets a linear skip connection beside it: the energy of an atom with the
    features :math:`x` is

    .. math:: E(x) = \theta^\top x + g_W(x) ,

    with :math:`g_W` a network potential and :math:`W_i` its first-layer weights from feature i.
    LassoNet [1]_ minimises

    .. math::

        \frac{1}{S} \sum_s \left( \frac{E_s - \hat E_s}{n_s \sigma} \right)^2
        + \lambda \sum_i |\theta_i|
        \quad \text{subject to} \quad \lVert W_i \rVert_\infty \le M |\theta_i| ,

    over S structures of :math:`n_s` atoms, :math:`\sigma` being the standard deviation of the
    energies per atom. A feature without a skip weight is out of the network, too. The path
    begins with a fit at :math:`\lambda = 0`; then :math:`\lambda` rises by a constant factor, and
    each fit starts from the one before.

    Parameters
    ----------
    n_features_to_select : int or float, default=None
        Number or fraction of features to keep; None keeps half of them. The path ends there.
    hidden_layer_sizes : array-like of int, default=(10, 10)
        Nodes of the hidden layers of each element's network.
    activation : {"identity", "tanh", "softplus", "silu", "relu", "logistic"}, default="tanh"
        Activation of the hidden nodes; the published one is "relu".
    M : float, default=10.0
        How much larger than the skip weight the first-layer weights of a feature may be. 0 is a
        lasso, and a large one leaves the choice to the network.
    path_multiplier : float, default=0.05
        Each :math:`\lambda` is 1 + `path_multiplier` times the one before, from where features
        begin to leave.
    weight_decay : float, default=1e-6
        Strength of the squared weights behind the first layer, which also enter the objective.
    lr, path_lr : float, default=0.01, 0.003
        Learning rates of Adam in the first fit and on the path.
    max_epochs, path_max_epochs : int, default=1000, 100
        Most passes over the structures in the first fit and for each :math:`\lambda`.
    n_iter_no_change : int, default=50
        Passes after which the first fit ends if the held-out error has not fallen by a
        thousandth.
    batch_size : int, default=None
        Structures per step. By default a tenth of them, but at least 16 and at least 256 atoms.
    validation_fraction : float, default=0.1
        Part of the structures that is held out to end each fit in time. With 0, the training
        structures decide.
    checkpoint : str or path-like, default=None
        A folder that keeps the state of the run after every :math:`\lambda`. The same `fit` goes on
        from there, whatever has ended the last one, and finds what a run without a break would
        have.
    verbose : int, default=0
        1 prints a line per :math:`\lambda`, with an estimate of the time left.
    random_state : int, RandomState or None, default=None
        Draws the held-out structures, the weights and the order of the structures. Where it is
        None, a run that goes on keeps its first seed.

    Attributes
    ----------
    support_ : ndarray of bool of shape (n_features,)
        Selected features.
    n_features_ : int
        Their number.
    ranking_ : ndarray of int of shape (n_features,)
        1 for the selected features, 2 for the last one that left, and so on.
    path_ : SelectionPath
        The fits on the way: `alphas` are the :math:`\lambda`, `group_norms` the sizes of the skip
        weights, `penalised_rmse` the errors on held-out structures; there are no refits.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    Raises
    ------
    ValueError
        In fit, if `hidden_layer_sizes` is empty or holds something else than numbers of nodes, if
        no feature varies, or if `checkpoint` cannot be written to, is damaged or holds a run on
        other data or with other settings.

    See Also
    --------
    AdaptiveGroupLassoSelector : Penalises the first-layer weights themselves.
    WaldSelector : Needs no penalty.

    Notes
    -----
    The steps are those of proximal Adam. All first-layer weights of a feature share one step
    length, so that the hierarchical proximal operator (algorithm 2 of [1]_) stays exact in Adam's
    metric. A feature that is out after a fit of the path stays out. After Ctrl-C, `path_` holds the
    fits that were done, and the best features so far are selected.

    The method serves tables whose columns are not too correlated. Symmetry functions are, so that
    steps along the gradient come to the minimum slowly, and many features may leave together: on
    240 Lennard-Jones structures, potentials trained on its 7 functions had about twice the error
    of those on the set of `AdaptiveGroupLassoSelector`, and three times that of `WaldSelector`.

    References
    ----------
    .. [1] I. Lemhadri, F. Ruan, L. Abraham, R. Tibshirani, J. Mach. Learn. Res. 22, 127 (2021).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_agl import LassoNetSelector
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 6))
    >>> y = np.sin(X[:, 1]) + X[:, 1] * X[:, 4]
    >>> LassoNetSelector(2, random_state=0).fit(X, y).get_support(indices=True)
    array([1, 4])
    """

    _parameter_constraints = {
        "n_features_to_select": N_FEATURES_CONSTRAINT,
        "hidden_layer_sizes": ["array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "M": [Interval(Real, 0, None, closed="left")],
        "path_multiplier": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "path_lr": [Interval(Real, 0, None, closed="neither")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "path_max_epochs": [Interval(Integral, 1, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "checkpoint": [str, PathLike, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    _attribute_checks = AtomicSelector._attribute_checks | PATH_CHECK

    def __init__(
        self,
        n_features_to_select=None,
        *,
        hidden_layer_sizes=(10, 10),
        activation="tanh",
        M=10.0,
        path_multiplier=0.05,
        weight_decay=1e-6,
        lr=0.01,
        path_lr=0.003,
        max_epochs=1000,
        path_max_epochs=100,
        n_iter_no_change=50,
        batch_size=None,
        validation_fraction=0.1,
        checkpoint=None,
        verbose=0,
        random_state=None,
    ):
        self.n_features_to_select = n_features_to_select
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.M = M
        self.path_multiplier = path_multiplier
        self.weight_decay = weight_decay
        self.lr = lr
        self.path_lr = path_lr
        self.max_epochs = max_epochs
        self.path_max_epochs = path_max_epochs
        self.n_iter_no_change = n_iter_no_change
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.checkpoint = checkpoint
        self.verbose = verbose
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Find the features to keep.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features of the atoms.
        y : array-like of shape (n_structures,), default=None
            Total energies; None for those that the structures carry.

        Returns
        -------
        LassoNetSelector
            The fitted selector.
        """
        X = self._validate(X, ensure_min_samples=2)
        y = validate_energies(X, y)
        n_wanted = resolve_n_features(self.n_features_to_select, self.n_features_in_)
        checkpoint = self._open_checkpoint(self.random_state, TrainingSet(X, y))
        training = self._make_training(X, y, np.random.RandomState(checkpoint.seed))
        fits = LassoNetFits(self, training, n_wanted)
        with one_blas_thread():
            self._note_interruption(follow(fits, checkpoint, self.verbose))
        self.path_ = fits.selection_path()
        support = self.path_.support(n_wanted) & (fits.initial_group_norms > 0)
        self._select_ranked(self.path_.ranking(support))
        return self

    def _make_training(self, X, y, rng):
        sizes = check_hidden_layer_sizes(self.hidden_layer_sizes)
        if not sizes:
            raise ValueError(
                "hidden_layer_sizes is empty, but LassoNet is about networks with hidden layers; "
                "for a linear model, take scikit-learn's Lasso."
            )
        return ResidualTraining(
            X,
            y,
            hidden_layer_sizes=sizes,
            activation=self.activation,
            bound=float(self.M),
            weight_decay=float(self.weight_decay),
            batch_size=self.batch_size or _default_batch_size(X),
            validation_fraction=self.validation_fraction,
            rng=rng,
        )


def _default_batch_size(X):
    """A tenth of the structures, where steps on so few do not say more about noise than about `X`.

    Atoms are what a step costs, so that structures of many atoms allow smaller batches.
    """
    n_atoms = len(X.atom_numbers) / len(X)
    return max(len(X) // 10, 16, int(np.ceil(256 / n_atoms)))
