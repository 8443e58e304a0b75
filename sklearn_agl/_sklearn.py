"""What this package takes from scikit-learn's private modules, in one place.

scikit-learn may change any of it in a new version; pyproject.toml bounds the version.
"""

from sklearn.base import _fit_context
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    validate_params,
)
from sklearn.utils.metadata_routing import _raise_for_params, _routing_enabled
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_method_params,
    _check_sample_weight,
    _get_feature_names,
    _num_samples,
)

__all__ = [
    "HasMethods",
    "Interval",
    "RealNotInt",
    "StrOptions",
    "_check_feature_names_in",
    "_check_method_params",
    "_check_sample_weight",
    "_fit_context",
    "_get_feature_names",
    "_num_samples",
    "_raise_for_params",
    "_routing_enabled",
    "_safe_split",
    "set_random_states",
    "validate_params",
]


def set_random_states(estimator, random_state):
    """Set every parameter `random_state` of an estimator and of those within it."""
    # With the ensembles come the trees, which most users do not need.
    from sklearn.ensemble._base import _set_random_states

    _set_random_states(estimator, random_state)
