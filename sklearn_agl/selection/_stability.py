"""Stability selection: how often a feature is chosen from random halves of the structures."""

import time
import warnings
from inspect import signature
from numbers import Integral, Real

import numpy as np
from joblib import delayed
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state, get_tags, indexable
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    get_routing_for_object,
    process_routing,
)

from sklearn_agl import _attribute_checks as check
from sklearn_agl._labels import AUTO, is_auto, name_of_energy, stored_energies
from sklearn_agl._sklearn import (
    HasMethods,
    Interval,
    _check_feature_names_in,
    _check_method_params,
    _fit_context,
    _raise_for_params,
    _routing_enabled,
    _safe_split,
    set_random_states,
)
from sklearn_agl._validation import validate_energies, validate_forces
from sklearn_agl._warnings import depth_of_caller
from sklearn_agl.selection._base import (
    N_FEATURES_CONSTRAINT,
    ORDER_CHECK,
    AtomicSelector,
    EmptySupportError,
    resolve_n_features,
    warn_of_early_end,
)
from sklearn_agl.selection._group_lasso import AdaptiveGroupLassoSelector
from sklearn_agl.selection.runs._checkpoint import NoCheckpoint
from sklearn_agl.selection.runs._parallel import in_threads
from sklearn_agl.selection.runs._runner import Run, Stage, follow, raise_if_interrupted

MAX_DRAWS = 100
"""How often to draw again where an element is missing in one half."""


class StabilitySelector(MetaEstimatorMixin, AtomicSelector):
    r"""Select the features that a selector chooses again and again from random halves of the data.

    Each draw divides the structures into two disjoint halves [2]_, and a clone of `selector` is
    fitted on each. The frequency of feature i among the supports :math:`\hat S_k` that the B
    halves lead to is

    .. math::

        \hat\pi_i = \frac{1}{B} \sum_{k=1}^{B} [\, i \in \hat S_k \,] ,

    and the features with :math:`\hat\pi_i` of at least `threshold` are selected [1]_, or the
    `n_features_to_select` most frequent ones.

    Parameters
    ----------
    selector : selector with `fit` and `get_support`, default=None
        Chooses on each half: any of this package, or on 2-D tables of scikit-learn. By default an
        `AdaptiveGroupLassoSelector` that keeps `n_features_to_select` features, or a quarter of
        them if that is None.
    n_features_to_select : int or float, default=None
        Number or fraction of features to keep, the most frequent ones. Of equally frequent ones,
        those come first that were chosen in smaller sets, then those of lower index. None keeps
        what reaches the `threshold`.
    threshold : float, default=0.6
        Lowest frequency of a selected feature; ignored if `n_features_to_select` is given.
    n_resamples : int, default=50
        Number of halves to fit on, an even one.
    n_jobs : int, default=None
        Threads for the fits, or processes where ``joblib.parallel_config`` asks for them. The
        result does not depend on it.
    verbose : int, default=0
        1 prints a line per half.
    random_state : int, RandomState or None, default=None
        Draws the halves, and an integer for every `random_state` in `selector` for each of them.

    Attributes
    ----------
    selection_frequencies_ : ndarray of shape (n_features,)
        Part of the halves on which each feature was chosen, between 0 and 1.
    supports_ : ndarray of bool of shape (n_resamples, n_features)
        What was chosen on each half. Rows 0 and 1 come from the first draw, 2 and 3 from the
        second, and so on.
    support_ : ndarray of bool of shape (n_features,)
        Selected features.
    selected_order_ : ndarray of int of shape (n_selected,)
        Selected features, the most frequent one first.
    ranking_ : ndarray of int of shape (n_features,)
        1 for the selected features, 2 for the most frequent other one, and so on; those that no
        half led to share the last rank.
    n_features_ : int
        Number of selected features.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    Raises
    ------
    ValueError
        In fit, if there are too few structures or groups to halve, or no feature reaches the
        threshold; the message says which threshold to try. If there are forces, but the inner
        selector takes none.

    Warns
    -----
    ConvergenceWarning
        After Ctrl-C, if at least two halves are done: the frequencies are those of these.
    UserWarning
        If `threshold` has been set beside `n_features_to_select`, where it has no effect.

    See Also
    --------
    AdaptiveGroupLassoSelectorCV : Chooses the strength of the penalty by the error.

    Notes
    -----
    Let q be the mean size of the supports and p the number of features, and call a feature
    undeserving if half of the structures lead to it with a probability of at most q / p, that of
    a random choice. For independent structures (or groups) and a threshold above 1/2, the
    expected number of undeserving features that are selected is at most [2]_

    .. math:: \frac{q^2}{(2 \, \text{threshold} - 1) \, p} ,

    whatever the selector does. So small supports are the ones that tell something.

    Functions that can stand in for each other share the frequency that one of them alone would
    have, and all of them may miss the threshold. `supports_` shows which came together.

    A half on which the selector finds nothing to keep counts as an empty set. Where a half lacks
    an element, whose features could not be chosen, the draw is repeated. With an odd number of
    structures, or of groups, each draw leaves one out.

    With few groups there are few ways to halve them, and the same halves come again.

    References
    ----------
    .. [1] N. Meinshausen, P. Bühlmann, J. R. Stat. Soc. B 72, 417 (2010).
    .. [2] R. D. Shah, R. J. Samworth, J. R. Stat. Soc. B 75, 55 (2013).

    Examples
    --------
    Two columns make up the target:

    >>> import numpy as np
    >>> from sklearn_agl import AdaptiveGroupLassoSelector, HDNNPRegressor, StabilitySelector
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 6))
    >>> y = np.sin(X[:, 1]) + X[:, 1] * X[:, 4]
    >>> once = AdaptiveGroupLassoSelector(HDNNPRegressor((5,)), n_features_to_select=2)
    >>> selector = StabilitySelector(once, n_resamples=6, random_state=0).fit(X, y)
    >>> selector.get_support(indices=True)
    array([1, 4])
    >>> selector.supports_.shape
    (6, 6)
    """

    _parameter_constraints = {
        "selector": [HasMethods(["fit", "get_support"]), None],
        "n_features_to_select": N_FEATURES_CONSTRAINT,
        "threshold": [Interval(Real, 0, 1, closed="right")],
        "n_resamples": [Interval(Integral, 2, None, closed="left")],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    # As the splitters that keep groups together do; the inner selector has the say on forces.
    __metadata_request__fit = {"groups": True, "forces": True, "sample_weight": True}

    _attribute_checks = {
        **AtomicSelector._attribute_checks,
        **ORDER_CHECK,
        "supports_": check.array("b", "resamples", "n"),
        "selection_frequencies_": check.norms("n"),
    }

    def __init__(
        self,
        selector=None,
        *,
        n_features_to_select=None,
        threshold=0.6,
        n_resamples=50,
        n_jobs=None,
        verbose=0,
        random_state=None,
    ):
        self.selector = selector
        self.n_features_to_select = n_features_to_select
        self.threshold = threshold
        self.n_resamples = n_resamples
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    # The inner selector validates its own parameters.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, forces=AUTO, *, groups=None, **params):
        """Fit on all halves and find the features to keep.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features.
        y : array-like of shape (n_structures,), default=None
            Total energies, or whatever the inner selector takes; None for energies that the
            structures carry, if they do.
        forces : "auto", None or sequence of array-like of shape (n_atoms, 3), default="auto"
            Forces on all atoms of each structure, for an inner selector that trains on them. "auto"
            leaves them to that selector, and None tells it to train on energies alone.
        groups : array-like of shape (n_structures,), default=None
            Which structures stay together in one half, say those of one trajectory. An inner
            selector that takes groups gets those of its half.
        **params : dict of str to object
            ``sample_weight``, array-like of shape (n_structures,): how much each structure counts,
            for an inner selector that knows of weights.
            With ``sklearn.set_config(enable_metadata_routing=True)``, whatever the inner selector
            requests.

        Returns
        -------
        StabilitySelector
            The fitted selector.
        """
        _raise_for_params(params, self, "fit", allow=["sample_weight"])
        features = self._validate(X)
        wanted = self._check_numbers(features)
        if y is None and name_of_energy(features) is not None:
            # Here, as for some of the structures another energy might be the one to take.
            y = stored_energies(features)
        if y is not None and isinstance(self._inner_selector(), AtomicSelector):
            # Here an error can still name a structure by the index that the caller knows.
            y = validate_energies(features, y)
        if not is_auto(forces):
            params["forces"] = None if forces is None else validate_forces(features, forces)
        X, y, groups = indexable(X, y, groups)
        self.supports_ = self._run(self._draw_fits(X, y, groups, params, features))
        self.selection_frequencies_ = self.supports_.mean(axis=0)
        order = sort_by_stability(self.supports_)
        if wanted is None:
            wanted = np.count_nonzero(self.selection_frequencies_ >= self.threshold)
        elif len(order) < wanted:
            warn_of_early_end(self, len(order), wanted, "no half led to another feature")
        self._select_in_order(order, wanted)
        return self

    def _check_numbers(self, X):
        """The number of features to select, or None, once all numbers are possible."""
        if self.n_resamples % 2:
            raise ValueError(
                f"n_resamples={self.n_resamples} is odd, but every draw gives two halves: try "
                f"{self.n_resamples + 1}."
            )
        if len(X) < 4:
            raise ValueError(
                f"{type(self).__name__} needs two halves of at least 2 structures, but X has "
                f"{len(X)} sample(s)."
            )
        if self.n_features_to_select is None:
            return None
        self._warn_of_unused(
            ["threshold"],
            f"n_features_to_select={self.n_features_to_select} decides. Set that to None to keep "
            "what reaches the threshold",
        )
        return resolve_n_features(self.n_features_to_select, X.n_features)

    def _inner_selector(self):
        if self.selector is not None:
            return self.selector
        n_features = self.n_features_to_select
        selector = AdaptiveGroupLassoSelector(
            n_features_to_select=0.25 if n_features is None else n_features
        )
        return (
            selector.set_fit_request(forces=True, sample_weight=True)
            if _routing_enabled()
            else selector
        )

    def _draw_fits(self, X, y, groups, params, features):
        """The fits to run, one after the other; all that is random is drawn before the first."""
        rng = check_random_state(self.random_state)
        units = number_groups(groups, len(features))
        presence = features.composition().T > 0
        selector = self._inner_selector()
        plan = []
        for _ in range(self.n_resamples // 2):
            for rows in draw_halves(units, presence, rng):
                plan.append((rows, clone(selector)))
                set_random_states(plan[-1][1], rng)
        params = self._route(selector, groups, params)
        return (
            delayed(_select_from)(
                one, *_safe_split(one, X, y, rows), _check_method_params(X, params, rows)
            )
            for rows, one in plan
        )

    def _route(self, selector, groups, params):
        """What the inner selector gets beside `X` and `y`."""
        if _routing_enabled():
            return process_routing(self, "fit", groups=groups, **params).selector.fit
        if groups is not None and get_routing_for_object(selector).consumes("fit", ["groups"]):
            params["groups"] = groups
        taken = {name: value for name, value in params.items() if _accepts(selector, name)}
        for name in params.keys() - taken.keys():
            if params[name] is not None:
                what = "train on forces" if name == "forces" else f"know of {name}"
                raise ValueError(
                    f"{type(selector).__name__} does not {what}. Leave them out, or take an inner "
                    "selector that does."
                )
        return taken

    def _run(self, calls):
        """The supports of all halves, or after Ctrl-C of those that are done."""
        halves = Halves(calls, self.n_resamples, self.n_jobs)
        self._note_interruption(follow(halves, NoCheckpoint(), self.verbose))
        if not halves.complete:
            warnings.warn(
                f"Interrupted: the frequencies are those of {len(halves.supports)} of "
                f"{self.n_resamples} halves.",
                ConvergenceWarning,
                stacklevel=depth_of_caller(),
            )
        return np.array(halves.supports)

    def _empty_support_advice(self):
        best = np.argmax(self.selection_frequencies_)
        highest = self.selection_frequencies_[best]
        if highest == 0.0:
            kind = type(self._inner_selector()).__name__
            return (
                f"{kind} kept none in any half of the structures. Fit {kind} alone to all of them: "
                "its error message says what to change."
            )
        return (
            f"The highest frequency is {highest:.3g}, that of "
            f"{_check_feature_names_in(self)[best]}. Try threshold={np.floor(1e3 * highest) / 1e3}"
            ", or n_features_to_select."
        )

    def get_metadata_routing(self):
        """Say where metadata go.

        `groups` and `forces` to this selector, and to the inner one what it requests.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
            The routing.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        # This is what a pipeline calls.
        mapping.add(caller="fit_transform", callee="fit")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(selector=self._inner_selector(), method_mapping=mapping)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = get_tags(self._inner_selector()).target_tags.required
        return tags


class Halves(Run):
    """The fits on all halves, of which two are a result.

    Parameters
    ----------
    calls : iterable
        Of ``joblib.delayed`` calls of `_select_from`.
    n_halves : int
        How many they are.
    n_jobs : int or None
        How many at a time.

    Attributes
    ----------
    supports : list of ndarray of bool of shape (n_features,)
        What has been chosen, half by half.
    """

    def __init__(self, calls, n_halves, n_jobs):
        self._calls, self._n_halves, self._n_jobs = calls, n_halves, n_jobs
        self.supports = []

    def stages(self):
        """One: all halves."""
        yield Stage(self._fit_all(), lambda: self._n_halves - len(self.supports))

    def _fit_all(self):
        for support, seconds in in_threads(self._calls, self._n_jobs):
            self.supports.append(support)
            number = f"half {len(self.supports):4d} of {self._n_halves}"
            yield f"{number}   {support.sum():4d} features   {seconds:6.2f} s"

    def is_usable(self):
        """Two halves are compared already."""
        return len(self.supports) >= 2


def number_groups(groups, n_structures):
    """Which structures stay together, as numbers from 0.

    Parameters
    ----------
    groups : array-like of shape (n_structures,) or None
        Labels of the groups; None if every structure is its own.
    n_structures : int
        Number of structures.

    Returns
    -------
    ndarray of int of shape (n_structures,)
        The unit that each structure belongs to.

    Raises
    ------
    ValueError
        If there is one group only.
    """
    if groups is None:
        return np.arange(n_structures)
    groups = check_array(groups, input_name="groups", ensure_2d=False, dtype=None)
    labels, units = np.unique(groups, return_inverse=True)
    if len(labels) < 2:
        raise ValueError(
            f"All structures are of group {labels[0]}, which cannot be halved: give smaller "
            "groups, or none."
        )
    return units


def draw_halves(units, presence, rng):
    """Divide the structures at random into two halves that have all elements.

    Parameters
    ----------
    units : ndarray of int of shape (n_structures,)
        Structures of the same number stay together.
    presence : ndarray of bool of shape (n_elements, n_structures)
        Whether a structure has atoms of an element.
    rng : RandomState
        Draws.

    Returns
    -------
    list of two ndarrays of int
        Indices of the structures in each half, ascending.

    Raises
    ------
    ValueError
        If one half lacks an element in all of many draws.
    """
    n_units = units.max() + 1
    half = n_units // 2
    for _ in range(MAX_DRAWS):
        order = rng.permutation(n_units)
        halves = [
            np.flatnonzero(np.isin(units, part)) for part in (order[:half], order[half : 2 * half])
        ]
        if all(presence[:, rows].any(axis=1).all() for rows in halves):
            return halves
    rarest = presence[np.argmin(presence.sum(axis=1))]
    raise ValueError(
        f"In {MAX_DRAWS} draws, one half always lacked an element. The rarest one is in structure "
        f"{np.argmax(rarest)} and {rarest.sum() - 1} others: leave them out, or add more."
    )


def sort_by_stability(supports):
    """All features that were ever chosen, the most frequent one first.

    Parameters
    ----------
    supports : ndarray of bool of shape (n_resamples, n_features)
        What was chosen.

    Returns
    -------
    ndarray of int
        Their indices. Of equally frequent ones, those come first that were chosen in smaller
        sets, which tell more, then those of lower index.
    """
    counts = supports.sum(axis=0)
    company = supports.sum(axis=1) @ supports
    order = np.lexsort((company, -counts))
    return order[counts[order] > 0]


def _accepts(selector, name):
    """Whether the `fit` of a selector has an argument, or hands on whatever it gets."""
    parameters = signature(selector.fit).parameters.values()
    return name in [one.name for one in parameters] or any(
        one.kind is one.VAR_KEYWORD and name != "forces" for one in parameters
    )


def _select_from(selector, X, y, params):
    """What a selector chooses, as a mask, and the seconds it takes."""
    start = time.perf_counter()
    try:
        support = selector.fit(X, y, **params).get_support()
    except EmptySupportError:
        support = np.zeros(selector.n_features_in_)
    raise_if_interrupted(selector)
    return np.asarray(support, dtype=bool), time.perf_counter() - start
