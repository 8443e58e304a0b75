"""The estimators that a file can hold, and what each of them has learned."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_agl import _attribute_checks as check, selection
from sklearn_agl.compiled._activations import ACTIVATIONS
from sklearn_agl.compiled._pair_terms import CORE, ROW_LENGTH, ZBL
from sklearn_agl.descriptors import SymmetryFunctionTransformer
from sklearn_agl.descriptors._definitions import expand_symmetry_functions
from sklearn_agl.descriptors.kernels._kernel_plan import Planner
from sklearn_agl.io._values import Codec, expect
from sklearn_agl.pooling import AtomPooler
from sklearn_agl.potentials import HDNNPCommittee, HDNNPRegressor
from sklearn_agl.potentials._potential import Potential
from sklearn_agl.potentials._regressor import make_regressor
from sklearn_agl.potentials._repulsion import Repulsion
from sklearn_agl.potentials.data._scaling import EnergyScaler, FeatureScaler
from sklearn_agl.potentials.networks._layout import NetworkLayout
from sklearn_agl.selection._base import AtomicSelector

PLACES = {"checkpoint", "memmap_folder", "memory"}
"""Parameters that name places on the disk of whoever saves; a file must not choose such a place."""

OPTIONAL = {"_sklearn_output_config", "feature_names_in_", "init_", "trained_on_", "repulsion"}
"""Attributes that not every fitted estimator has, or that older files lack."""

SMALLEST = float(np.nextafter(0.0, 1.0))


def _learned(estimator):
    """Everything that is no parameter, but for what only matters right after the fit."""
    left_out = {*estimator._get_param_names(), *getattr(estimator, "_not_saved", ())}
    return {name: value for name, value in vars(estimator).items() if name not in left_out}


def _give(estimator, state):
    vars(estimator).update(state)


@dataclass(frozen=True)
class Kind:
    """How the state of one class of estimators is stored.

    Parameters
    ----------
    estimator : type
        The class itself; derived ones are something else.
    checks : dict of str to callable, default={}
        For each attribute of the state.
    get : callable, default=_learned
        Takes the state of an estimator, as a dict; without any it is not fitted.
    give : callable, default=_give
        ``give(estimator, state)`` gives it back, when it has passed the checks.
    """

    estimator: type
    checks: dict = field(default_factory=dict)
    get: Callable = _learned
    give: Callable = _give

    def encode(self, estimator, store):
        """JSON of an estimator."""
        params = estimator.get_params(deep=False)
        kept = {name: value for name, value in params.items() if name not in PLACES}
        parts = {"params": store.encode_dict(kept), "state": store.encode_dict(self.get(estimator))}
        return {name: part for name, part in parts.items() if part}

    def decode(self, content, store):
        """The estimator, with everything about it checked."""
        if not expect(content, dict).keys() <= {"params", "state"}:
            raise ValueError(f"expected params and state, got {sorted(content)[:5]}")
        params = store.decode_dict(content.get("params", {}))
        unknown = params.keys() - (set(self.estimator._get_param_names()) - PLACES)
        if unknown:
            raise ValueError(f"unknown parameter {min(unknown)!r}")
        estimator = self.estimator(**params)
        estimator._validate_params()
        state = store.decode_dict(content.get("state", {}))
        if state:
            checks = OUTPUT | (self.checks if state.keys() - OUTPUT.keys() else {})
            check.check_attributes(state, checks, {}, optional=OPTIONAL)
            self.give(estimator, state)
        return estimator


class PipelineKind(Kind):
    """A pipeline has learned nothing, but its steps must fit together."""

    def decode(self, content, store):
        """The pipeline, with everything about it checked."""
        pipeline = super().decode(content, store)
        pipeline._validate_steps()
        return pipeline


def _transformer_state(transformer):
    names = ("elements_", "symmetry_functions_")
    state = {name: value for name, value in _learned(transformer).items() if name in names}
    return _output_of(transformer) | state


def _give_transformer(transformer, state):
    elements, functions = state["elements_"], state["symmetry_functions_"]
    if not (0 < elements[0] and (np.diff(elements) > 0).all()):
        raise ValueError(f"elements_: {elements.tolist()} are no ascending atomic numbers")
    # Complete definitions in the right order stay what they are.
    if expand_symmetry_functions(functions, elements, r_cut=1.0, cutoff="poly2") != functions:
        raise ValueError("symmetry_functions_: not complete, or not in order")
    _give(transformer, state)
    transformer.n_features_out_ = len(functions)
    transformer._planner = Planner(functions, elements)


def _output_of(estimator):
    return {name: vars(estimator)[name] for name in OUTPUT if name in vars(estimator)}


def _regressor_state(model):
    """What predictions need; the net, its history and its solver's memory stay behind."""
    state = _output_of(model)
    if not hasattr(model, "potential_"):
        return state
    potential = model.potential_
    layout, scaler = potential.layout, potential.feature_scaler
    state |= {
        name: getattr(model, name)
        for name in ("n_features_in_", "feature_names_in_", *FIGURES)
        if hasattr(model, name)
    }
    return state | {
        "activation": potential.activation,
        "columns": dict(zip(layout.elements, layout.columns, strict=True)),
        "hidden_layer_sizes": np.array(layout.hidden_layer_sizes, dtype=np.int64),
        "weights": potential.weights,
        "offset": scaler.offset_,
        "divisor": scaler.divisor_,
        "ranges": scaler.ranges_,
        "deviation": potential.energy_scaler.deviation_,
        "references": potential.energy_scaler.references_,
        "repulsion": potential.repulsion,
    }


def _give_regressor(model, state):
    columns, weights = state["columns"], state["weights"]
    hidden = tuple(state["hidden_layer_sizes"].tolist())
    # Before anything is computed from them that might not fit into memory, or into an integer.
    if sum(hidden) > len(weights):
        raise ValueError(f"hidden_layer_sizes: {sum(hidden)} nodes, but {len(weights)} weights")
    layout = NetworkLayout(tuple(columns), tuple(columns.values()), state["n_features_in_"], hidden)
    if layout.n_weights != len(weights):
        raise ValueError(f"weights: must have size {layout.n_weights}, got {len(weights)}")
    repulsion = state.get("repulsion")
    if repulsion is not None and repulsion.elements != layout.elements:
        raise ValueError(f"repulsion: must be of the elements {layout.elements}")
    features = FeatureScaler.from_numbers(state["offset"], state["divisor"], state["ranges"])
    energies = EnergyScaler.from_numbers(state["deviation"], state["references"])
    potential = Potential(layout, state["activation"], weights, features, energies)
    make_regressor(model, potential.with_repulsion(repulsion), state.get("feature_names_in_"))
    _give(model, {name: state[name] for name in state.keys() & {*FIGURES, *OUTPUT}})


def _committee_state(committee):
    state = _learned(committee)
    state.pop("_mean", None)
    return state


def _give_committee(committee, state):
    layouts = {_shape_of(member) for member in state["estimators_"]}
    if len(state["estimators_"]) < 2 or len(layouts) > 1 or None in layouts:
        raise ValueError("estimators_: must be at least two fitted regressors of the same shape")
    _give(committee, state)
    committee._hold(state["estimators_"])


def _shape_of(member):
    """What members of a committee have in common; None where one is not fitted."""
    if not hasattr(member, "potential_"):
        return None
    potential, layout = member.potential_, member.potential_.layout
    columns = tuple(tuple(own.tolist()) for own in layout.columns)
    return (
        layout.elements,
        columns,
        layout.n_features,
        layout.hidden_layer_sizes,
        potential.activation,
    )


OUTPUT = {
    "_sklearn_output_config": check.dictionary(
        {"transform": check.one_of("default", "pandas", "polars")}
    )
}
"""What `set_output` leaves behind, on estimators that are not fitted, too."""

FIGURES = {
    "trained_on_": check.trained_on(),
    "validation_rmse_": check.number(0.0, missing=True),
    "validation_force_rmse_": check.number(0.0, missing=True),
    "optimality_violation_": check.number(0.0, missing=True),
    "n_iter_": check.integer(0),
    "init_": check.one_of("warm", "cold"),
}
"""How the training went."""

INPUT = {"n_features_in_": check.count("n"), "feature_names_in_": check.names("n")}

REGRESSOR = {
    **INPUT,
    "columns": check.columns_by_element("n", "elements"),
    "activation": check.one_of(*ACTIVATIONS),
    "hidden_layer_sizes": check.array("i", "layers", low=1),
    "weights": check.array("f", "weights"),
    "offset": check.array("f", "n"),
    "divisor": check.array("f", "n", low=SMALLEST),
    "ranges": check.array("f", "n", 2),
    "deviation": check.number(SMALLEST),
    "references": check.array("f", "elements"),
    "repulsion": check.optional(
        check.record(
            Repulsion,
            {
                "kind": check.one_of(CORE, ZBL),
                "elements": check.instance(tuple),
                "rows": check.array("f", "elements", "elements", ROW_LENGTH),
            },
        )
    ),
    **FIGURES,
}

TRANSFORMER = {
    "elements_": check.array("i", "elements", low=1),
    "symmetry_functions_": check.functions("n"),
}

COMMITTEE = INPUT | {"estimators_": check.sequence(check.instance(HDNNPRegressor))}
"""Of a committee: its members; their mean is made anew."""

STATISTIC = check.optional(check.array("f", "n", finite=False))

OF_SCIKIT_LEARN = {
    MinMaxScaler: {
        "n_samples_seen_": check.integer(1),
        **dict.fromkeys(("scale_", "min_", "data_min_", "data_max_", "data_range_"), STATISTIC),
    },
    StandardScaler: {
        # One number for each column, where a column has missing values.
        "n_samples_seen_": check.either(check.number(0.0), check.array("f", "n", low=0.0)),
        **dict.fromkeys(("mean_", "var_", "scale_"), STATISTIC),
    },
    SelectKBest: {"scores_": STATISTIC, "pvalues_": STATISTIC},
    VarianceThreshold: {"variances_": STATISTIC},
}
"""Classes of scikit-learn for tables; no other ones are ever made from a file."""


def _selectors():
    """All of this package, each of which says what it has learned."""
    # Other names are functions, some of which would import torch.
    public = [getattr(selection, name) for name in selection.__all__ if name[0].isupper()]
    return [one for one in public if isinstance(one, type) and issubclass(one, AtomicSelector)]


KINDS = {
    kind.estimator.__name__: kind
    for kind in (
        PipelineKind(Pipeline),
        Kind(SymmetryFunctionTransformer, TRANSFORMER, _transformer_state, _give_transformer),
        Kind(HDNNPRegressor, REGRESSOR, _regressor_state, _give_regressor),
        Kind(HDNNPCommittee, COMMITTEE, _committee_state, _give_committee),
        Kind(AtomPooler, INPUT),
        *(Kind(one, one._attribute_checks) for one in _selectors()),
        *(Kind(one, INPUT | checks) for one, checks in OF_SCIKIT_LEARN.items()),
    )
}
"""By the name in the file."""

ESTIMATORS = {name: Codec(kind.estimator, kind.encode, kind.decode) for name, kind in KINDS.items()}
