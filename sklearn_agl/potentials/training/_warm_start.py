"""Where a fit may start other than at random: the weights that a selector has trained."""

import hashlib
from dataclasses import dataclass

import numpy as np

from sklearn_agl.potentials._elements import find_elements

AGREED = ("hidden_layer_sizes", "activation", "scaling", "early_stopping", "validation_fraction")
"""Settings without which weights or held-out structures would not fit."""


@dataclass(frozen=True)
class WarmStart:
    """Weights on some columns and what their solver knows, which travel with these columns.

    They have been trained on some structures while others were held out. So they may serve a fit
    on just the same structures that holds out the same ones, and no other.

    Attributes
    ----------
    settings : dict of str to object
        Those of the networks that have to agree.
    columns : tuple of tuple
        For each element, its atomic number and its columns, counted among the selected ones.
    fingerprint : str
        Of the structures: their features, weights, and energies without a pair term.
    held_out_rows : ndarray of int
        The structures that were held out.
    labels : tuple of str and bool
        The solver, and whether it has seen forces: another one takes the weights alone.
    state : dict of str to ndarray or float
        Weights, and what the solver has learned besides.
    seed : int
        Draws what the fit from here needs.
    """

    settings: dict
    columns: tuple
    fingerprint: str
    held_out_rows: np.ndarray
    labels: tuple
    state: dict
    seed: int

    @classmethod
    def at(cls, training, data, support, seed):
        """What a training has to hand on to a fit of a set.

        Parameters
        ----------
        training : Training
            Has weights for the selected columns; those for others are left out.
        data : TrainingSet
            What it is trained on, all columns.
        support : ndarray of bool of shape (n_features,)
            The selected columns.
        seed : int
            Of the run.

        Returns
        -------
        WarmStart
        """
        training, numbers = training.branch_on(support, seed), np.cumsum(support) - 1
        own = zip(training.layout.elements, training.layout.columns, strict=True)
        return cls(
            settings=_shared_settings(training.settings),
            columns=tuple((element, *numbers[columns].tolist()) for element, columns in own),
            fingerprint=_fingerprint(data.take_features(support)),
            held_out_rows=training.held_out_rows,
            labels=_solver_and_forces(training),
            state={"weights": training.weights, **training.net.solver_state()},
            seed=seed,
        )

    def suits(self, regressor, data):
        """Whether it may serve to fit a regressor, with all columns, to some data."""
        X, elements = data.X, find_elements(data.X, regressor.elements)
        return (
            self.settings == _shared_settings(regressor)
            and self.columns == tuple((z, *X.columns_of(z).tolist()) for z in elements)
            and self.fingerprint == _fingerprint(data)
        )

    def begin(self, training):
        """Put a training on the same columns and structures where this one was."""
        own = self.labels == _solver_and_forces(training)
        state = self.state if own else {"weights": self.state["weights"]}
        training.begin_at(state, np.random.RandomState(self.seed))


def _shared_settings(settings):
    values = {name: getattr(settings, name) for name in AGREED}
    return values | {"hidden_layer_sizes": tuple(settings.hidden_layer_sizes)}


def _solver_and_forces(training):
    return str(training.solver), training.has_slopes


def _fingerprint(data):
    X = data.X
    digest = hashlib.sha256(data.network_energies)
    weights = np.ones(len(data)) if data.weights is None else data.weights
    for array in (weights, X.n_atoms, X.atom_numbers, X.atom_values):
        digest.update(np.ascontiguousarray(array, dtype=np.float64))
    return digest.hexdigest()
