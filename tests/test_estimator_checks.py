"""Common tests of every public estimator that takes a table."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import (
    InvalidParameterError,
    generate_invalid_param_val,
    make_constraint,
)
from sklearn.utils.estimator_checks import parametrize_with_checks

import sklearn_agl
from sklearn_agl import AdaptiveGroupLassoSelector, HDNNPRegressor

NOT_ON_TABLES = {"SymmetryFunctionTransformer"}
"""Estimators whose input is structures; they have common tests of their own."""

QUICK = {
    "AdaptiveGroupLassoSelectorCV": {
        "estimator": HDNNPRegressor((3,), max_epochs=5),
        "alphas": [1e-9, 1e-8],
        "initial_alpha": 1e-9,
        # Some checks have five zeros and five ones: halves of equal energies would teach nothing.
        "cv": 3,
    },
    "BackwardEliminationSelector": {
        "estimator": HDNNPRegressor((3,), max_epochs=2),
        "n_features_to_select": 0.8,
        "tol": 0.1,
    },
    "HDNNPCommittee": {"estimator": HDNNPRegressor((3,), max_epochs=5), "n_estimators": 2},
    "HDNNPRegressor": {"max_epochs": 5},
    "StabilitySelector": {
        "selector": AdaptiveGroupLassoSelector(
            HDNNPRegressor((3,), max_epochs=5), n_features_to_select=0.5, initial_alpha=1e-5
        ),
        "threshold": 0.5,
        "n_resamples": 2,
    },
}
"""Parameters that make the checks fast."""

EXACT = HDNNPRegressor((3,), solver="lm", early_stopping=False, max_epochs=5)
FOR_CHECKS = {
    "check_sample_weight_equivalence_on_dense_data": {
        "HDNNPCommittee": {"estimator": EXACT},
        "HDNNPRegressor": EXACT.get_params(),
        "AdaptiveGroupLassoSelector": {"estimator": EXACT, "n_features_to_select": 5},
        "AdaptiveGroupLassoSelectorCV": {"estimator": EXACT},
        "BackwardEliminationSelector": {"estimator": EXACT},
        "WeightNormSelector": {"estimator": EXACT},
    },
    "check_sample_weights_not_overwritten": {
        "AdaptiveGroupLassoSelectorCV": {"alphas": [1e-9], "initial_alpha": 1e-9},
    },
}
"""Parameters for single checks. A weight of 2 is a row twice where the order of rows plays no part,
and none is held out at random. And four different rows take a weak penalty."""

VARIANTS = [sklearn_agl.HDNNPRegressor(solver="lm", max_epochs=5)]
"""Settings to be checked beside the defaults."""


def public_estimators():
    """Classes of all estimators that a public module offers."""
    modules = [sklearn_agl]
    for found in pkgutil.walk_packages(sklearn_agl.__path__, "sklearn_agl."):
        if "._" not in found.name:
            modules.append(importlib.import_module(found.name))
    offered = (
        getattr(module, name) for module in modules for name in getattr(module, "__all__", ())
    )
    classes = {one for one in offered if inspect.isclass(one) and issubclass(one, BaseEstimator)}
    # Penalties have parameters as estimators do, but nothing to fit.
    classes = {one for one in classes if hasattr(one, "fit")}
    return sorted(classes, key=lambda one: one.__name__)


def instances():
    classes = [one for one in public_estimators() if one.__name__ not in NOT_ON_TABLES]
    return [one(**QUICK.get(one.__name__, {})) for one in classes] + VARIANTS


def constrained_parameters():
    return [
        pytest.param(one, name, id=f"{one.__name__}-{name}")
        for one in public_estimators()
        for name in one._parameter_constraints
    ]


def impossible_values(constraints):
    """A value of no type at all, and one just outside each constraint that has an outside."""
    constraints = [make_constraint(constraint) for constraint in constraints]
    yield type("BadType", (), {})()
    for constraint in constraints:
        try:
            value = generate_invalid_param_val(constraint)
        except NotImplementedError:
            continue
        if not any(other.is_satisfied_by(value) for other in constraints):
            yield value


def test_estimators_are_found():
    names = {one.__name__ for one in public_estimators()}
    assert {"HDNNPRegressor", "CURSelector", "PearsonSelector"} <= names


@parametrize_with_checks(instances())
def test_scikit_learn(estimator, check):
    params = FOR_CHECKS.get(check.func.__name__, {}).get(type(estimator).__name__, {})
    # Checks share their estimators.
    check(clone(estimator).set_params(**params))


@pytest.mark.parametrize("estimator", public_estimators())
def test_every_parameter_is_constrained(estimator):
    assert set(estimator._parameter_constraints) == set(estimator().get_params(deep=False))


@pytest.mark.parametrize(("estimator", "name"), constrained_parameters())
def test_bad_values_are_named(estimator, name):
    X, y = np.random.default_rng(0).normal(size=(20, 5)), np.arange(20.0)
    for value in impossible_values(estimator._parameter_constraints[name]):
        with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter"):
            estimator().set_params(**{name: value}).fit(X, y)
