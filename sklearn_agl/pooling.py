"""From the features of atoms to those of structures, which any scikit-learn estimator takes."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_agl._ragged import cut, summing_matrix
from sklearn_agl._sklearn import Interval, RealNotInt, _check_feature_names_in, _fit_context
from sklearn_agl._validation import validate_features

CHUNK = 4096
"""Atoms looked at together: bounds the memory beside the result."""


class AtomPooler(TransformerMixin, BaseEstimator):
    """Condense the features of all atoms of a structure to one row of a table.

    Each column of the result is a statistic of one feature over those atoms of the structure that
    have it, which are the atoms of the element that it belongs to. Behind this step, any selector
    or regressor of scikit-learn works.

    Parameters
    ----------
    statistics : sequence of str, default=("sum",)
        Which ones, in the order of their columns:

        - "sum": with it, a linear model of total energies is a potential, a sum over atoms;
        - "mean";
        - "std": the standard deviation, with the number of atoms as divisor;
        - "min", "max";
        - "skewness", "kurtosis": the third and fourth central moment, in units of the standard
          deviation; 3 for a normal distribution of the latter; 0 where all atoms are equal.
    absent : float, default=0.0
        What stands for every statistic but the sum where a structure has no atom with the
        feature; NaN for estimators that take it.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    See Also
    --------
    sklearn_agl.AtomicFeatures : What it takes.
    sklearn_agl.CURSelector : Drops columns of the atoms' features themselves.

    Notes
    -----
    A 2-D table is a set of structures of one atom each, so that its sums, means and extremes are
    the table. Sums grow with the number of atoms, as total energies do; the other statistics do
    not, and ask for energies per atom as targets.

    To use a selection behind this step for a network potential, feature i of p makes the columns
    i, i + p, i + 2 p, ... of the table.

    Examples
    --------
    Two structures, of two atoms and of one atom, with two features:

    >>> from sklearn_agl import AtomicFeatures, AtomPooler
    >>> nan = float("nan")
    >>> X = AtomicFeatures([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [nan, nan]]])
    >>> pooler = AtomPooler(statistics=("mean", "max")).fit(X)
    >>> pooler.transform(X)
    array([[2., 3., 3., 4.],
           [5., 6., 5., 6.]])
    >>> pooler.get_feature_names_out()
    array(['mean x0', 'mean x1', 'max x0', 'max x1'], dtype=object)

    A linear model of the energy of structures, on ten symmetry functions:

    >>> from sklearn.feature_selection import SelectKBest, f_regression
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_agl import SymmetryFunctionTransformer
    >>> model = make_pipeline(
    ...     SymmetryFunctionTransformer(), AtomPooler(), SelectKBest(f_regression, k=10), RidgeCV()
    ... )
    """

    _parameter_constraints = {
        "statistics": ["array-like"],
        "absent": [Interval(RealNotInt, None, None, closed="both"), "nan"],
    }

    def __init__(self, statistics=("sum",), *, absent=0.0):
        self.statistics = statistics
        self.absent = absent

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Note the features.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features.
        y : Ignored
            Taken for the sake of pipelines.

        Returns
        -------
        AtomPooler
            The fitted transformer.

        Raises
        ------
        ValueError
            If a statistic is unknown, or none is given.
        """
        self._check_statistics()
        validate_features(self, X, reset=True)
        return self

    def _check_statistics(self):
        if isinstance(self.statistics, str) or not len(self.statistics):
            raise ValueError(
                f"statistics={self.statistics!r}; give a sequence of at least one, such as "
                "('sum',)."
            )
        for name in self.statistics:
            if name not in STATISTICS:
                raise ValueError(f"statistics has {name!r}; known are {list(STATISTICS)}.")

    def transform(self, X):
        """Condense the atoms.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features with the columns seen in fit.

        Returns
        -------
        ndarray of shape (n_structures, n_statistics * n_features)
            All features of the first statistic, then those of the second, and so on.

        Raises
        ------
        ValueError
            If the columns are not those of `fit`.
        """
        check_is_fitted(self)
        X = validate_features(self, X, reset=False)
        pooled = np.empty((len(X), len(self.statistics), X.n_features), dtype=X.dtype)
        for piece in cut(X.offsets, CHUNK):
            atoms = Atoms(X[piece])
            for i, name in enumerate(self.statistics):
                absent = 0.0 if name == "sum" else self.absent
                found = np.where(atoms.count > 0, STATISTICS[name](atoms), absent)
                pooled[piece, i] = found
        return pooled.reshape(len(X), -1)

    def get_feature_names_out(self, input_features=None):
        """Names of the columns, such as "mean G2(...)".

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the features; by default those seen in fit, or x0, x1, ...

        Returns
        -------
        ndarray of str
            A statistic and a feature each.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return np.array([f"{one} {name}" for one in self.statistics for name in names], object)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "n_features_in_")


class Atoms:
    """The atoms of some structures, with what several statistics need.

    Parameters
    ----------
    X : AtomicFeatures
        Features; NaN where an atom does not have one.
    """

    def __init__(self, X):
        self.offsets, self.n_atoms = X.offsets, X.n_atoms
        self._total = summing_matrix(X.offsets, X.dtype)
        self.there = ~np.isnan(X.atom_values)
        self.values = np.where(self.there, X.atom_values, 0.0)
        self.count = summing_matrix(X.offsets, np.int64) @ self.there

    def sum(self, values):
        """Sum over the atoms of a quantity that is 0 where there is none."""
        return self._total @ values

    def mean(self, values):
        """The same divided by the number of atoms that have it."""
        return self.sum(values) / np.maximum(self.count, 1)

    def moment(self, order):
        """Central moment, of shape (n_structures, n_features)."""
        deviations = self.values - np.repeat(self.mean(self.values), self.n_atoms, axis=0)
        return self.mean(np.where(self.there, deviations, 0.0) ** order)

    def extreme(self, reduce, neutral):
        """Smallest or largest value."""
        return reduce.reduceat(np.where(self.there, self.values, neutral), self.offsets[:-1])

    def standardised_moment(self, order):
        """Central moment in units of the standard deviation, 0 where that is 0."""
        variance = self.moment(2)
        # Deviations of equal values are rounding.
        rounding = (10 * np.finfo(self.values.dtype).eps) ** 2 * self.mean(self.values**2)
        varies = variance > rounding
        scale = np.where(varies, variance, 1.0) ** (order / 2)
        return np.where(varies, self.moment(order) / scale, 0.0)


STATISTICS = {
    "sum": lambda atoms: atoms.sum(atoms.values),
    "mean": lambda atoms: atoms.mean(atoms.values),
    "std": lambda atoms: np.sqrt(atoms.moment(2)),
    "min": lambda atoms: atoms.extreme(np.minimum, np.inf),
    "max": lambda atoms: atoms.extreme(np.maximum, -np.inf),
    "skewness": lambda atoms: atoms.standardised_moment(3),
    "kurtosis": lambda atoms: atoms.standardised_moment(4),
}
"""Name, and what is computed from `Atoms`, of shape (n_structures, n_features)."""
