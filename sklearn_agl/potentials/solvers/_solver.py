"""What a solver declares: its defaults, its own settings, and what it can do."""

from sklearn.base import BaseEstimator

from sklearn_agl.potentials.solvers._net_params import Rule


class Solver(BaseEstimator):
    """Base class of the ways to train a potential.

    A solver of your own needs one method, `step`. Give an instance of it to `HDNNPRegressor` as
    `solver`. Early stopping, callbacks, the history and Ctrl-C work as with any other. As in any
    estimator, the constructor stores its arguments under their names.

    Attributes
    ----------
    max_epochs, batch_size, n_iter_no_change : int
        What the regressor's parameters of these names are by default.

    See Also
    --------
    sklearn_agl.HDNNPRegressor : Takes it as `solver`.

    Examples
    --------
    Proximal gradient descent with momentum:

    >>> import numpy as np
    >>> from sklearn_agl import HDNNPRegressor
    >>> from sklearn_agl.potentials import Solver
    >>> class Descent(Solver):
    ...     max_epochs = 60
    ...
    ...     def __init__(self, length=0.05, momentum=0.9):
    ...         self.length = length
    ...         self.momentum = momentum
    ...
    ...     def start(self, n_weights):
    ...         return {"velocity": np.zeros(n_weights)}
    ...
    ...     def step(self, batch, weights, state):
    ...         state["velocity"] *= self.momentum
    ...         state["velocity"] -= self.length * batch.gradient(weights)
    ...         weights += state["velocity"]
    ...         batch.shrink(weights, self.length)
    ...         return weights
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> model = HDNNPRegressor((4,), alpha=0.02, solver=Descent(), random_state=0).fit(X, X[:, 0])
    >>> bool(model.score(X, X[:, 0]) > 0.9)
    True
    """

    max_epochs, batch_size, n_iter_no_change = 1000, 32, 50

    # What follows is for the solvers of this package, whose nets are their own.
    name: str | None = None
    """By which users know it."""
    net: type | None = None
    """Class of its skorch nets."""
    force_net: type | None = None
    """The same with forces, where that is another one."""
    rules: dict[str, Rule] = {}
    """What its entries of `net_params` may be, see `check_net_params`."""
    judged_by = "valid_loss"
    """What early stopping watches, an entry of the history."""
    matrix: str | None = None
    """What it has with a row and a column for each weight."""
    is_second_order = False
    """Whether it knows how the weights depend on each other."""
    keeps_covariance = False
    """Whether its state has the "covariance" of the weights."""
    learns_noise = False
    """Whether it may go on over all structures at last, as its net knows how much to believe."""
    finds_minimum = False
    """Whether its net knows if the training has ended at a minimum."""
    has_torch_optimizer = False
    observes_on_device = False
    """Whether errors and their gradients shall be computed on the device."""

    def start(self, n_weights):
        """What the solver keeps from step to step: a dict of arrays and numbers.

        Every axis of an array must be one of weights: where features leave, their entries do.

        Parameters
        ----------
        n_weights : int

        Returns
        -------
        dict of str to ndarray or float
        """
        return {}

    def step(self, batch, weights, state):
        """Take in a batch of structures.

        Parameters
        ----------
        batch : Batch
            ``batch.gradient(weights)`` is the gradient of the smooth part of the objective;
            ``batch.errors_and_gradients(weights)`` are the errors (n,) whose squares it has, and
            their gradients (n, n_weights); ``batch.shrink(weights, length)`` is the proximal step
            of the penalty, in place; ``batch.rows`` are the structures.
        weights : ndarray of shape (n_weights,)
            May be overwritten.
        state : dict
            What `start` gave; change it in place.

        Returns
        -------
        ndarray of shape (n_weights,)
            The new weights.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method step.")

    def __str__(self):
        return repr(self) if self.name is None else repr(self.name)

    def default_settings(self, n_structures):
        """Settings for the parameters of `HDNNPRegressor` that are None.

        Parameters
        ----------
        n_structures : int
            Structures to train on.

        Returns
        -------
        dict of str to int
            `max_epochs`, `batch_size` and `n_iter_no_change`.
        """
        names = ("max_epochs", "batch_size", "n_iter_no_change")
        return {name: getattr(self, name) for name in names}

    def memory(self, layout, weight_decay):
        """Bytes that it takes at its peak for matrices with a row or a column for each weight."""
        return 0

    def check_device(self, device, on_forces):
        """Refuse a device other than the CPU where the solver would not use it.

        Parameters
        ----------
        device : str
            A device that torch can use.
        on_forces : bool
            Whether it trains on forces.

        Raises
        ------
        ValueError
            With the name of the device, and what to change.
        """
        if not is_cpu(device):
            raise ValueError(
                f"device={device!r} is of no use to solver={self}, which runs on the CPU only. "
                "Leave device='cpu', or take solver='lm' or 'adamw'."
            )

    def make_net(self, on_forces, module, **params):
        """A skorch net that trains a module.

        Parameters
        ----------
        on_forces : bool
            Whether there are any.
        module : HDNNP
        **params
            For the net.

        Returns
        -------
        HDNNPNet
        """
        if self.net is None:
            from sklearn_agl.potentials.solvers._step_net import StepNet  # with torch

            return StepNet(module, solver=self, **params)
        return (on_forces and self.force_net or self.net)(module, **params)


def is_cpu(device):
    """Whether torch means the CPU by a name."""
    import torch

    return torch.device(device).type == "cpu"
