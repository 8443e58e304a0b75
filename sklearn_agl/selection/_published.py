"""The protocol that the adaptive group lasso for network potentials was published with."""

from sklearn_agl.potentials import HDNNPRegressor
from sklearn_agl.selection._group_lasso import AdaptiveGroupLassoSelector

FIRST_RESTART = 50
"""Epochs until the learning rate starts anew; each period is twice as long as the one before."""


def sandberg2024_selector(alpha=1e-2, *, max_epochs=10_000, random_state=None, **params):
    """Make a selector that trains as Sandberg et al. (2024) did.

    Adam with a proximal step of the plain learning rate after each update, a learning-rate finder,
    cosine annealing with warm restarts, early stopping on the penalised objective of held-out
    structures, and new random weights for each fit: one without adaptive weights, then one with
    them. It takes a day where the defaults of `AdaptiveGroupLassoSelector` take seconds, and ends
    at a higher objective: this is for comparisons.

    Parameters
    ----------
    alpha : float, default=0.01
        Strength of the penalty in both fits. The paper's λ is alpha times the variance of the
        energy per atom.
    max_epochs : int, default=10000
        Passes over the structures at most; the paper has 1,000 for the first fit and 10,000 for the
        second.
    random_state : int, RandomState or None, default=None
        Draws the held-out structures, the weights and the order of the structures.
    **params
        More parameters of the `HDNNPRegressor`.

    Returns
    -------
    AdaptiveGroupLassoSelector
        Not fitted yet.

    References
    ----------
    J. Sandberg, T. Voigtmann, E. Devijver, N. Jakse, Mach. Learn.: Sci. Technol. 5, 025043 (2024).

    Examples
    --------
    >>> from sklearn_agl.selection import sandberg2024_selector
    >>> selector = sandberg2024_selector(alpha=1e-3, hidden_layer_sizes=(20, 20))
    >>> selector.init, selector.estimator.solver
    ('cold', 'adamw')
    """
    # With torch, which the other selectors only need in `fit`.
    from skorch.callbacks import LRScheduler
    from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

    from sklearn_agl.potentials import LearningRateFinder

    schedule = LRScheduler(CosineAnnealingWarmRestarts, T_0=FIRST_RESTART, T_mult=2)
    settings = {
        "solver": "adamw",
        "max_epochs": max_epochs,
        "callbacks": [("learning_rate", LearningRateFinder()), ("schedule", schedule)],
        "net_params": {"proximal_metric": "euclidean"},
    }
    return AdaptiveGroupLassoSelector(
        HDNNPRegressor(**(settings | params)),
        alpha=alpha,
        metric="euclidean",
        initial_alpha=alpha,
        init="cold",
        random_state=random_state,
    )
