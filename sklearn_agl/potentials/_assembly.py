"""Fitted regressors from given numbers, without a training."""

from dataclasses import dataclass, field, replace

import numpy as np

from sklearn_agl.potentials._repulsion import Repulsion
from sklearn_agl.potentials.data._scaling import EnergyScaler, FeatureScaler
from sklearn_agl.potentials.networks._layout import NetworkLayout
from sklearn_agl.potentials.networks._module import HDNNP
from sklearn_agl.potentials.penalties._norm_penalties import Lasso
from sklearn_agl.potentials.penalties._penalty import GroupPenalty
from sklearn_agl.potentials.solvers._nets import HDNNPNet


@dataclass
class Assembly:
    """What a regressor takes over from a training that has ended, put together by hand."""

    net: HDNNPNet
    layout: NetworkLayout
    feature_scaler: FeatureScaler
    energy_scaler: EnergyScaler
    repulsion: Repulsion | None = None
    solver: None = None
    interrupted: bool = False
    trained_on: dict | None = None
    held_out_rows: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))

    @property
    def weights(self):
        """All parameters, flat."""
        return self.net.module_.get_weights()

    @property
    def group_norms(self):
        """Euclidean norm of each feature's first-layer weights."""
        return self.layout.group_norms(self.weights)


def assemble_regressor(
    regressor, *, layout, activation, weights, offset, divisor, ranges, deviation, references,
    feature_names=None, repulsion=None,
):  # fmt: skip
    """Give a regressor the state of a fitted one.

    The energy of a structure is then ``deviation`` times the sum of the networks' outputs, plus
    the `references` of its atoms.

    Parameters
    ----------
    regressor : HDNNPRegressor
        Its parameters matter in a later `fit`.
    layout : NetworkLayout
        Elements, columns and shapes of the networks.
    activation : str
        Activation of their hidden layers.
    weights : ndarray of shape (layout.n_weights,)
        All weights and biases in the order of the layout.
    offset, divisor : ndarray of shape (n_features,)
        A feature G enters the networks as ``(G - offset) / divisor``.
    ranges : ndarray of shape (n_features, 2)
        Smallest and largest values in training.
    deviation : float
        Unit of the networks' outputs.
    references : ndarray of shape (n_elements,)
        Energy of an atom of each element where its network gives 0.
    feature_names : sequence of str, default=None
        Names of the columns, where they have any.
    repulsion : Repulsion, default=None
        The pair term beside the networks.

    Returns
    -------
    HDNNPRegressor
        The same regressor, ready to predict. Its `validation_rmse_` is NaN and its `n_iter_` 0.
    """
    feature_scaler = FeatureScaler(regressor.scaling)
    feature_scaler.offset_, feature_scaler.divisor_ = offset, divisor
    feature_scaler.ranges_ = ranges
    energy_scaler = EnergyScaler()
    energy_scaler.deviation_, energy_scaler.references_ = float(deviation), references
    penalty = GroupPenalty(layout, np.zeros(layout.n_features), regressor.weight_decay, Lasso())
    module = HDNNP(layout, activation, weights)
    net = HDNNPNet(module, observations=None, penalty=penalty, verbose=0).initialize()
    regressor.n_features_in_ = layout.n_features
    if feature_names is not None:
        regressor.feature_names_in_ = np.array(feature_names, dtype=object)
    assembly = Assembly(net, layout, feature_scaler, energy_scaler, repulsion)
    regressor._note_errors(assembly)
    return regressor._take_over(assembly)


def assemble_on_columns(regressor, training, support, weights, feature_names):
    """Give a regressor the state of one that was fitted to some columns of a training's data.

    Parameters
    ----------
    regressor : HDNNPRegressor
        Its parameters matter in a later `fit`.
    training : Training
        Has the scales of the features and energies.
    support : ndarray of bool of shape (n_features,)
        The columns.
    weights : ndarray of shape (n_weights,)
        All weights of the networks on these columns.
    feature_names : ndarray of str of shape (n_features,) or None
        Names of all columns.

    Returns
    -------
    HDNNPRegressor
        The same regressor, which takes the chosen columns.
    """
    of_all, _, _ = training.first_layout.without(np.flatnonzero(~support))
    numbers = np.cumsum(support) - 1
    layout = replace(
        of_all,
        columns=tuple(numbers[columns] for columns in of_all.columns),
        n_features=int(support.sum()),
    )
    features, energies = training.feature_scaler, training.energy_scaler
    return assemble_regressor(
        regressor,
        layout=layout,
        activation=training.settings.activation,
        weights=weights,
        offset=features.offset_[support],
        divisor=features.divisor_[support],
        ranges=features.ranges_[support],
        deviation=energies.deviation_,
        references=energies.references_,
        feature_names=None if feature_names is None else feature_names[support],
        repulsion=training.repulsion,
    )
