"""Several potentials of the same features, whose disagreement tells where they guess."""

from numbers import Integral

import numpy as np
from scipy.linalg import block_diag
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from sklearn_agl._labels import AUTO
from sklearn_agl._sklearn import Interval, _fit_context
from sklearn_agl._validation import leave_out_negligible, validate_features
from sklearn_agl.descriptors._jacobian import JacobianProducts
from sklearn_agl.potentials._potential import Potential
from sklearn_agl.potentials._regressor import HDNNPRegressor, make_regressor
from sklearn_agl.potentials.data._scaling import EnergyScaler, FeatureScaler
from sklearn_agl.potentials.networks._layout import NetworkLayout


class HDNNPCommittee(RegressorMixin, BaseEstimator):
    """Potentials that differ by their random state: their mean, and how far they disagree.

    Where structures are like those of training, the members agree; where they extrapolate, each
    does so in its own way [1]_. The mean is one potential again, with networks that stand side by
    side, so that a pipeline with a committee at its end serves wherever one with a regressor does:
    in molecular dynamics it costs one evaluation of the symmetry functions and somewhat larger
    networks.

    Parameters
    ----------
    estimator : HDNNPRegressor, default=None
        Settings of the members; by default ``HDNNPRegressor()``.
    n_estimators : int, default=4
        Number of members, at least 2.
    n_jobs : int, default=None
        Members that are trained at the same time.
    random_state : int, RandomState or None, default=None
        Draws the random states of the members: their held-out structures, their first weights, and
        the order in which they see the structures.

    Attributes
    ----------
    estimators_ : list of HDNNPRegressor
        The members.
    potential_ : Potential
        The mean of the members.
    elements_ : tuple of int
        Atomic numbers that the members know.
    validation_rmse_ : float
        Root of the mean square of the members' errors per atom on held-out structures.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    See Also
    --------
    sklearn_agl.HDNNPRegressor : One member.
    HDNNPCalculator : Molecular dynamics with the mean.

    Notes
    -----
    Standard deviations are those of the sample of members, with ``n_estimators - 1`` in the
    denominator. They rank structures and atoms by doubt; as error bars they are too small where all
    members lack the same functions or data.

    References
    ----------
    .. [1] N. Artrith, J. Behler, Phys. Rev. B 85, 045439 (2012), sec. II E.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_agl.potentials import HDNNPCommittee
    >>> X = np.random.default_rng(0).uniform(-1, 1, size=(100, 1))
    >>> committee = HDNNPCommittee(n_estimators=3, random_state=0).fit(X, np.sin(3 * X[:, 0]))
    >>> _, doubt = committee.predict([[0.0], [4.0]], return_std=True)
    >>> bool(doubt[1] > 10 * doubt[0])
    True
    """

    # As splitters of groups do: who routes them wants them to stay together.
    __metadata_request__fit = {"groups": True}

    _parameter_constraints = {
        "estimator": [HDNNPRegressor, None],
        "n_estimators": [Interval(Integral, 2, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(self, estimator=None, *, n_estimators=4, n_jobs=None, random_state=None):
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, forces=AUTO, *, sample_weight=None, groups=None):
        """Train the members.

        Parameters
        ----------
        X, y, forces, sample_weight, groups
            As `HDNNPRegressor.fit` takes them.

        Returns
        -------
        HDNNPCommittee
            The fitted estimator.

        Raises
        ------
        ValueError
            As `HDNNPRegressor.fit` does.
        """
        X = leave_out_negligible(validate_features(self, X, reset=True, ensure_min_samples=2))
        rng = check_random_state(self.random_state)
        member = HDNNPRegressor() if self.estimator is None else self.estimator
        seeds = rng.randint(np.iinfo(np.int32).max, size=self.n_estimators)
        members = [clone(member).set_params(random_state=int(seed)) for seed in seeds]
        labels = {"forces": forces, "sample_weight": sample_weight, "groups": groups}
        fits = (delayed(one.fit)(X, y, **labels) for one in members)
        self._hold(Parallel(n_jobs=self.n_jobs)(fits))
        return self

    def _hold(self, members):
        """Predict with some fitted members from now on."""
        self.estimators_ = members
        mean = mean_potential([one.potential_ for one in members])
        self._mean = make_regressor(
            HDNNPRegressor(), mean, getattr(self, "feature_names_in_", None)
        )

    @property
    def potential_(self):
        """The mean of the members."""
        check_is_fitted(self, "estimators_")
        return self._mean.potential_

    @property
    def elements_(self):
        """Atomic numbers that the members know."""
        return self.potential_.elements

    @property
    def validation_rmse_(self):
        """Root of the mean square of the members' errors per atom on held-out structures."""
        check_is_fitted(self, "estimators_")
        return np.sqrt(np.mean([one.validation_rmse_**2 for one in self.estimators_]))

    def predict(self, X, return_std=False):
        """Predict total energies.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features of the atoms.
        return_std : bool, default=False
            Whether to return the standard deviation of the members, too.

        Returns
        -------
        energies : ndarray of shape (n_structures,)
            Mean of the members.
        std : ndarray of shape (n_structures,)
            Only if `return_std`.

        Raises
        ------
        ValueError
            As `HDNNPRegressor.predict` does.
        """
        X = self._check(X)
        energies = self._mean.predict(X)
        if not return_std:
            return energies
        return energies, np.std([one.predict(X) for one in self.estimators_], axis=0, ddof=1)

    def predict_atomic_std(self, X):
        """How far the members disagree about the energy of each atom.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features of the atoms.

        Returns
        -------
        list of ndarray of shape (n_atoms,)
            Standard deviations. Constants per element, which the members split up in their own
            ways where structures do not tell elements apart, do not count.
        """
        X = self._check(X)
        energies = np.array([one.potential_.atomic_energies(X)[0] for one in self.estimators_])
        for e, element in enumerate(self.elements_):
            atoms = X.atom_numbers == element
            references = [one.energy_references_[e] for one in self.estimators_]
            energies[:, atoms] -= np.reshape(references, (-1, 1))
        return np.split(np.std(energies, axis=0, ddof=1), X.offsets[1:-1])

    def predict_forces(self, X, return_std=False):
        """Predict the forces on all atoms.

        Parameters
        ----------
        X : AtomicFeatures
            Features that know their structures and symmetry functions.
        return_std : bool, default=False
            Whether to return the standard deviation of the members, too.

        Returns
        -------
        forces : list of ndarray of shape (n_atoms, 3)
            Mean of the members.
        std : list of ndarray of shape (n_atoms,)
            Only if `return_std`: root of the mean square distance of the members' forces from their
            mean, with ``n_estimators - 1`` in the denominator.

        Raises
        ------
        ValueError
            As `HDNNPRegressor.predict_forces` does.
        """
        X = self._check(X)
        forces = self._mean.predict_forces(X)
        if not return_std:
            return forces
        products = JacobianProducts.of_features(X)
        by_features = [one.potential_.atomic_energies(X)[1] for one in self.estimators_]
        of_members = [products.vjp_of_rows(own)[0] for own in by_features]
        deviations = [
            np.sqrt(np.var(own, axis=0, ddof=1).sum(axis=1))
            for own in zip(*of_members, strict=True)
        ]
        return forces, deviations

    def predict_stress(self, X):
        """Predict the stress of periodic structures: the mean of the members.

        Parameters
        ----------
        X : AtomicFeatures
            As in `predict_forces`.

        Returns
        -------
        ndarray of shape (n_structures, 3, 3)
            As `HDNNPRegressor.predict_stress` gives it.
        """
        return self._mean.predict_stress(self._check(X))

    def score(self, X, y=None, sample_weight=None):
        """R² of the energy per atom, see `HDNNPRegressor.score`.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features of the atoms.
        y : array-like of shape (n_structures,), default=None
            Total energies; None for those that the structures carry.
        sample_weight : array-like of shape (n_structures,), default=None
            How much each structure counts.

        Returns
        -------
        float
        """
        return self._mean.score(self._check(X), y, sample_weight)

    def _check(self, X):
        check_is_fitted(self, "estimators_")
        return validate_features(self, X, reset=False)


def mean_potential(potentials):
    """One potential whose energies are the mean of those of several on the same features.

    The hidden layers stand side by side, without weights in between, and the output is the sum.

    Parameters
    ----------
    potentials : list of Potential
        Of the same elements, columns and shapes.

    Returns
    -------
    Potential
        Its features are not scaled, and its networks give energies in the user's units.
    """
    first, n = potentials[0].layout, len(potentials)
    hidden = tuple(n * size for size in first.hidden_layer_sizes)
    layout = NetworkLayout(first.elements, first.columns, first.n_features, hidden)
    weights = [
        np.concatenate([weight.ravel(), bias])
        for of_element in zip(*map(_in_users_units, potentials), strict=True)
        for weight, bias in _side_by_side(of_element)
    ]
    ranges = np.array([own.ranges for own in potentials])
    scaler = FeatureScaler.from_numbers(
        np.zeros(first.n_features),
        np.ones(first.n_features),
        np.column_stack([ranges[..., 0].min(axis=0), ranges[..., 1].max(axis=0)]),
    )
    references = np.mean([own.energy_scaler.references_ for own in potentials], axis=0)
    energies = EnergyScaler.from_numbers(1.0, references)
    mean = Potential(layout, potentials[0].activation, np.concatenate(weights), scaler, energies)
    return mean.with_repulsion(potentials[0].repulsion)


def _in_users_units(potential):
    """Weights and biases of each element's layers, for features and energies as they are."""
    scaler, found = potential.feature_scaler, []
    for columns, layers in zip(potential.layout.columns, potential.layers, strict=True):
        offset, divisor = scaler.offset_[columns], scaler.divisor_[columns]
        (weight, bias), *others = layers
        layers = [(weight / divisor, bias - weight @ (offset / divisor)), *others]
        weight, bias = layers[-1]
        deviation = potential.energy_scaler.deviation_
        found.append([*layers[:-1], (weight * deviation, bias * deviation)])
    return found


def _side_by_side(members):
    """Layers of one network that gives the mean of several, from their layers."""
    n, depth = len(members), len(members[0])
    for number, layer in enumerate(zip(*members, strict=True)):
        weights, biases = zip(*layer, strict=True)
        if number == depth - 1:
            joined = sum(weights) if depth == 1 else np.hstack(weights)
            yield joined / n, sum(biases) / n
        elif number == 0:
            yield np.vstack(weights), np.concatenate(biases)
        else:
            yield block_diag(*weights), np.concatenate(biases)
