"""The network potential as a scikit-learn regressor."""

import warnings
from numbers import Integral, Real

import numpy as np
from ase.data import chemical_symbols
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from sklearn_agl._labels import AUTO
from sklearn_agl._sklearn import Interval, StrOptions, _fit_context
from sklearn_agl._validation import leave_out_negligible, validate_energies, validate_features
from sklearn_agl.compiled._activations import ACTIVATIONS
from sklearn_agl.descriptors._jacobian import check_origin
from sklearn_agl.potentials.data._training_set import TrainingSet
from sklearn_agl.potentials.penalties._norm_penalties import PENALTIES, Penalty
from sklearn_agl.potentials.solvers._choice import SOLVERS
from sklearn_agl.potentials.solvers._solver import Solver
from sklearn_agl.potentials.training._doubts import describe_doubts


class HDNNPRegressor(RegressorMixin, BaseEstimator):
    r"""High-dimensional neural network potential with a group lasso on its inputs.

    One small network per element maps the features of an atom to its energy; the energy of a
    structure is the sum over its atoms. Training minimises

    .. math::

        \frac{1}{S} \sum_s \left( \hat\varepsilon_s - \varepsilon_s \right)^2
        + \frac{\alpha}{N} \sum_i c_i \lVert w_i \rVert_2
        + \beta \lVert W_\mathrm{inner} \rVert_2^2

    over S structures, with :math:`\varepsilon` the energy per atom less a reference energy per
    element (with one element: the mean) in units of its standard deviation, N the number of
    features, :math:`w_i` all first-layer weights that leave feature i, :math:`c_i` the
    `feature_weights`, :math:`\beta` the `weight_decay` and :math:`W_\mathrm{inner}` the weights
    behind the first layer. So `alpha` is a pure number.

    With another `penalty`, :math:`\rho(\lVert w_i \rVert; \lambda_i)` takes the place of
    :math:`\lambda_i \lVert w_i \rVert`, :math:`\lambda_i = \alpha c_i / N`, with the same slope
    :math:`\lambda_i` at zero, but none from :math:`a \lambda_i` on, a being the `concavity`:

    .. math::

        \rho'_\mathrm{MCP}(t; \lambda) = \left( \lambda - \frac{t}{a} \right)_+ , \qquad
        \rho'_\mathrm{SCAD}(t; \lambda)
        = \min \left( \lambda, \frac{(a \lambda - t)_+}{a - 1} \right) .

    With forces, the objective has one term more, `force_weight` times the mean squared error of the
    forces in units of their mean square. It is taken over random directions of each structure: a
    direction moves all atoms at once, and the force along it is one number. With stresses, there is
    another term, `stress_weight` times the mean squared error of the virial per atom in units of
    its mean square.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(10, 10)
        Nodes of each hidden layer, the same for every element; empty for a linear model.
    activation : {"tanh", "softplus", "silu", "relu", "logistic", "identity"}, default="tanh"
        Activation of the hidden layers.
    elements : sequence of str or int, default=None
        Chemical symbols or atomic numbers of elements that structures may have in predictions, also
        where none of those in `fit` has them, as in some splits of a cross-validation: atoms of
        these have the mean energy per atom, and no network. None: the elements seen in `fit`.
    atomic_energies : dict of str or int to float, default=None
        Energies of one atom of an element, by chemical symbol or atomic number, such as those of
        isolated atoms. The `energy_references_` of these elements then differ as the given ones
        do, and one constant per atom is fitted for all of them, since atoms gain energy by binding.
        That matters where the structures do not tell the elements apart, as in one compound. By
        default, and for elements that are not named, the references are fitted.
    alpha : float, default=0.0
        Strength of the group lasso (the paper's lambda).
    penalty : {"lasso", "mcp", "scad"} or Penalty, default="lasso"
        What the norms are charged: the group lasso, or a concave penalty that does not shrink large
        ones, the minimax concave penalty or that of smoothly clipped absolute deviation. Or one of
        your own, see `Penalty`.
    concavity : float, default=None
        Norm beyond which "mcp" (above 1) or "scad" (above 2) charges no more, in units of
        :math:`\lambda_i`; larger ones come nearer to the group lasso. By default 30.
    feature_weights : array-like of shape (n_features,), default=None
        Factors c_i; a feature of infinite weight is left out. By default all are 1.
    weight_decay : float, default=1e-7
        Strength of the ridge on the weights behind the first layer, without which they could
        grow and the group lasso lose its grip.
    solver : {"kalman", "lm", "adamw", "auto"} or Solver, default="kalman"
        Extended Kalman filter; Levenberg-Marquardt method over all structures at once, for small
        data, results that depend on no order of the structures, and weights polished until the
        optimality conditions hold; or Adam in mini-batches. All take proximal steps. "auto" is
        kalman up to 10,000 weights, beyond which its covariance takes a gigabyte, else adamw; on
        another `device` than the CPU it is adamw. Or one of your own, see `Solver`.
    scaling : {"standard", "minmax", "center", "sigma"} or None, default="standard"
        How features are shifted and divided. The group norms compare only if their scales do.
    early_stopping : bool, default=True
        Watch the objective on held-out structures, keep the best weights and stop when they no
        longer improve. The Kalman filter also learns from these structures how much noise to
        believe in, and at last trains on them as well.
    validation_fraction : float, default=0.1
        Fraction of the structures to hold out, from all over the range of energies.
    n_iter_no_change : int, default=None
        Epochs without improvement that end it; by default 15 (kalman), 40 (lm) or 50 (adamw).
    forces : {"auto"} or None, default="auto"
        Whether to train on the forces that the structures carry, where `fit` is given none: those
        which a calculator has left there, unconstrained. They are taken from structures that have
        any, as long as these carry the energies given, too, up to a constant per atom of each
        element. None trains on energies alone, as published.
    force_weight : float, default=0.3
        Weight of the forces in the objective, where there are any.
    stress : {"auto"} or None, default="auto"
        Whether to train on the stresses that the structures carry, where `fit` takes the forces
        from them: of structures that are periodic in three directions.
    stress_weight : float, default=0.3
        Weight of the stresses in the objective, where there are any.
    n_force_directions : int, default=None
        Directions per structure in which its forces are looked at. Where a structure has no more
        components (three per atom), all of them are taken. By default as many as fit into
        256 MiB of memory, at most 60.
    init : {"auto", "cold"}, default="auto"
        Where training starts. "cold" are random weights. "auto" also starts where a selector has
        come to, if `X` is what it has given in `transform` and it was fitted to just these
        structures and energies, with the same architecture and the same part of them held out:
        the selector's held-out structures are then those of this fit. Of all starts, the best on
        held-out structures is kept.
    n_init : int, default=1
        Number of random starts, of which the best on held-out structures is kept.
    max_epochs : int, default=None
        Passes over the structures, for lm each with one step; by default 30 (kalman; beyond 1,200
        structures fewer, by the root of their number), 200 (lm) or 1000 (adamw).
    lr : float, default=0.01
        Learning rate of adamw.
    batch_size : int, default=None
        Structures between two proximal steps; by default 128, or a tenth of all structures if that
        is more (kalman), or 32 (adamw). For lm, structures whose derivatives are in memory
        together, 256 by default, with no effect on the result but rounding.
    callbacks : list of skorch callbacks, default=None
        They work with every solver, but learning-rate schedules with adamw only.
    device : str, default="cpu"
        Where adamw trains, on energies, and lm computes errors, derivatives and their sums, in
        double precision; its steps, and predictions, are computed on the CPU. kalman is an error on
        any device but "cpu", and so is lm with forces.
    repulsion : {"auto", "zbl"} or None, default="auto"
        A pair term beside the networks that keeps atoms apart where no structure told the networks
        to. "auto": below the closest distance of two elements in training, a core takes over, and
        above it, nothing changes. "zbl": the universal potential of Ziegler, Biersack and Littmark
        [5]_, for energies in eV and lengths in Å; the networks learn what it leaves. Both need
        features that know their structures and symmetry functions, without which "auto" has none.
    net_params : dict, default=None
        More parameters for the skorch net, such as ``block_size``, ``prior_variance`` and
        ``process_noise`` of the Kalman filter, or ``damping`` (the initial one) and ``tol`` (the
        `optimality_violation_` at which to stop) of lm.
    verbose : int, default=0
        1 prints a line per epoch.
    random_state : int, RandomState or None, default=None
        Draws the held-out structures, the weights and the order of the structures. torch's own
        random state is not touched.

    Attributes
    ----------
    net_ : skorch.NeuralNetRegressor
        The trained net; ``net_.history`` has the losses of every epoch. Not there in a potential
        that was read from a file.
    potential_ : Potential
        The numbers that predictions need, frozen: layout and weights of the networks, scales, and
        the pair term.
    group_norms_ : ndarray of shape (n_features,)
        Euclidean norm of the first-layer weights that leave each feature; exactly 0 where the
        group lasso removed it.
    weights_ : ndarray of shape (n_weights,)
        All parameters in the order of torch's ``parameters_to_vector``.
    elements_ : tuple of int
        Atomic numbers seen in fit, and those named in `elements`, ascending.
    energy_references_ : ndarray of shape (n_elements,)
        Reference energy of an atom of each element.
    feature_ranges_ : ndarray of shape (n_features, 2)
        Smallest and largest value of each feature over the atoms of the training structures,
        without the held-out ones.
    trained_on_ : dict
        What it was trained on: ``energy``, which is "y" where energies were given, else ASE's name
        of those that the structures carry, "free_energy" or "energy"; ``n_energies``, the number of
        structures; ``n_forces``, the number of atoms with a force; ``n_stresses``, the number of
        structures with a stress. Held-out ones count.
    repulsion_ : Repulsion or None
        The pair term: its ``reach`` (n_elements, n_elements) is where it ends, and
        ``evaluate(first, second, distances)`` gives its energies and derivatives.
    validation_rmse_ : float
        Error per atom on the held-out structures, in the units of `y`, taken before the filter
        trains on them, too; NaN without them.
    validation_force_rmse_ : float
        Error of a force component on the held-out structures, estimated from the directions that
        were looked at; NaN without forces.
    optimality_violation_ : float
        With solver lm, the largest violation of the conditions for a minimum of the objective
        over the training structures, with :math:`g` the gradient of its smooth part:
        :math:`\max(\lVert g_i \rVert - \lambda_i, 0)` for a feature of zero weights,
        :math:`\lVert g_i + \rho'_i w_i / \lVert w_i \rVert \rVert` for any other, where
        :math:`\rho'_i = \lambda_i = \alpha c_i / N` with "lasso", and :math:`|g_k|` for a weight of
        no feature. It is not small where early stopping or `max_epochs` ended the training. NaN
        with the other solvers.
    n_iter_ : int
        Epochs run; from a selector's weights 0 where those could not be made better.
    init_ : {"warm", "cold"}
        The start that was kept: a selector's weights or random ones.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of str
        Names of the features, where they have any.

    See Also
    --------
    AdaptiveGroupLassoSelector : Chooses features with this model.

    Notes
    -----
    The Kalman filter is the multi-stream filter of Singraber et al. (2019, J. Chem. Theory
    Comput. 15, 3075), with a noise variance between the errors in training and on held-out
    structures, and a group-lasso step in the metric of its own covariance. Levenberg-Marquardt
    steps are damped by the rule of Nielsen (Madsen, Nielsen & Tingleff 2004, Methods for non-linear
    least squares problems); the user guide has the formulas. In the metrics of these two and of
    Adam, a concave penalty stands in as its tangent at the weights before the step, a group
    lasso [3]_.

    A core begins at the closest distance :math:`r_0` that training saw for a pair of elements, and
    is :math:`D [9 (r_0 / r - 1)]^6`, five times continuously differentiable, with D, its height at
    :math:`0.9 r_0`, the sum of what the energies of the two atoms can swing with the weights as
    they are: twice the sum of the absolute weights of the last layer, in the energies' units. A
    pair that training did not see begins at the sum of its covalent radii, scaled by the smallest
    such ratio of the others. "zbl" is switched off between half the sum of the covalent radii and
    that sum, just as ``pair_style zbl`` of LAMMPS does it.

    References
    ----------
    .. [1] J. Behler, M. Parrinello, Phys. Rev. Lett. 98, 146401 (2007).
    .. [2] J. Sandberg, T. Voigtmann, E. Devijver, N. Jakse, Mach. Learn.: Sci. Technol. 5, 025043
       (2024), eqs. 5 and 6.
    .. [3] H. Zou, R. Li, Ann. Stat. 36, 1509 (2008).
    .. [4] P. Breheny, J. Huang, Stat. Comput. 25, 173 (2015), group MCP and group SCAD.
    .. [5] J. F. Ziegler, J. P. Biersack, U. Littmark, The Stopping and Range of Ions in Solids
       (Pergamon, 1985).

    Examples
    --------
    On a plain table, a row is a structure of one atom:

    >>> import numpy as np
    >>> from sklearn_agl import HDNNPRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> y = np.sin(X[:, 0]) + X[:, 1]
    >>> model = HDNNPRegressor(alpha=0.01, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.95)
    True
    """

    # As splitters of groups do: who routes them wants them to stay together.
    __metadata_request__fit = {"groups": True}

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "elements": ["array-like", None],
        "atomic_energies": [dict, None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "penalty": [StrOptions(set(PENALTIES)), Penalty],
        "concavity": [Interval(Real, 1, None, closed="neither"), None],
        "feature_weights": ["array-like", None],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "solver": [StrOptions({*SOLVERS, "auto"}), Solver],
        "scaling": [StrOptions({"standard", "minmax", "center", "sigma"}), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "forces": [StrOptions({AUTO}), None],
        "force_weight": [Interval(Real, 0, None, closed="neither")],
        "stress": [StrOptions({AUTO}), None],
        "stress_weight": [Interval(Real, 0, None, closed="neither")],
        "n_force_directions": [Interval(Integral, 1, None, closed="left"), None],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
        "init": [StrOptions({"auto", "cold"})],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), None],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "callbacks": [list, None],
        "device": [str],
        "repulsion": [StrOptions({"auto", "zbl"}), None],
        "net_params": [dict, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        hidden_layer_sizes=(10, 10),
        activation="tanh",
        *,
        elements=None,
        atomic_energies=None,
        alpha=0.0,
        penalty="lasso",
        concavity=None,
        feature_weights=None,
        weight_decay=1e-7,
        solver="kalman",
        scaling="standard",
        early_stopping=True,
        validation_fraction=0.1,
        forces=AUTO,
        force_weight=0.3,
        stress=AUTO,
        stress_weight=0.3,
        n_force_directions=None,
        n_iter_no_change=None,
        init="auto",
        n_init=1,
        max_epochs=None,
        lr=0.01,
        batch_size=None,
        callbacks=None,
        device="cpu",
        repulsion="auto",
        net_params=None,
        verbose=0,
        random_state=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.elements = elements
        self.atomic_energies = atomic_energies
        self.alpha = alpha
        self.penalty = penalty
        self.concavity = concavity
        self.feature_weights = feature_weights
        self.weight_decay = weight_decay
        self.solver = solver
        self.scaling = scaling
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.forces = forces
        self.force_weight = force_weight
        self.stress = stress
        self.stress_weight = stress_weight
        self.n_force_directions = n_force_directions
        self.n_iter_no_change = n_iter_no_change
        self.init = init
        self.n_init = n_init
        self.max_epochs = max_epochs
        self.lr = lr
        self.batch_size = batch_size
        self.callbacks = callbacks
        self.device = device
        self.repulsion = repulsion
        self.net_params = net_params
        self.verbose = verbose
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, forces=AUTO, *, sample_weight=None, groups=None):
        """Train the potential.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features of the atoms. With forces, they have to know their structures and symmetry
            functions, as those of a SymmetryFunctionTransformer and of a selector behind it do.
        y : array-like of shape (n_structures,), default=None
            Total energies. None takes those that the structures carry: the free energies, to which
            the forces belong, where all structures have one, else the energies.
        forces : "auto", None or sequence of array-like of shape (n_atoms, 3), default="auto"
            Forces on all atoms of each structure, in the energies' unit per unit of length of the
            structures, to be trained on as well; without what constraints do to them
            (``atoms.get_forces(apply_constraint=False)``). None for a structure, or NaN for an
            atom, that has none. "auto" does what the parameter `forces` says, and None trains on
            energies alone.
        sample_weight : array-like of shape (n_structures,), default=None
            How much each structure counts in the objective, with its energy and its forces: a
            weight of 2 as if the structure were there twice, 0 as if it were not there. Also in the
            scales of features and energies, and among the held-out structures.
        groups : array-like of shape (n_structures,), default=None
            Labels of structures that belong together, such as the frames of one trajectory: either
            all of a group are held out, or none.

        Returns
        -------
        HDNNPRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If features, energies or forces are not finite, or their numbers differ. If forces are
            those of the structures as their constraints have changed them. If `solver` cannot train
            on `device`, a setting in `net_params` is none that it could work with, or the training
            diverges. If all structures are of one group, but some shall be held out.

        Warns
        -----
        ConvergenceWarning
            If `solver` is "lm", no early stopping is wanted, and `max_epochs` have ended it. If the
            potential hardly explains more than the mean energy per atom does. If the energies of
            single structures are beyond reason, with their numbers.
        UserWarning
            If the structures carry other energies than `y`, so that their forces are left out, if
            forces on constrained atoms are exactly zero, or if `elements` names some that no
            structure has. If columns carry nothing (`AtomicFeatures.negligible_features`) and are
            left out.
        """
        X = leave_out_negligible(validate_features(self, X, reset=True, ensure_min_samples=2))
        data = TrainingSet.from_user(self, X, y, forces, sample_weight, groups)
        if self.verbose:
            print(f"HDNNPRegressor trains on {data}")
        fit_regressor(self, data)
        for doubt in self._doubts:
            warnings.warn(doubt, ConvergenceWarning, stacklevel=3)
        untrained = [chemical_symbols[z] for z in self.elements_ if z not in X.elements]
        if untrained:
            warnings.warn(
                f"No structure has {', '.join(untrained)}, named in elements: such atoms have the "
                "mean energy per atom and no network.",
                stacklevel=3,
            )
        return self

    def _hold(self, potential):
        """Predict with a potential from now on."""
        self.potential_ = potential
        self.weights_ = potential.weights
        self.group_norms_ = potential.group_norms
        self.elements_ = potential.elements
        self.repulsion_ = potential.repulsion
        self.feature_ranges_ = potential.ranges
        self.energy_references_ = potential.energy_scaler.references_

    def predict(self, X):
        """Predict total energies.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features of the atoms.

        Returns
        -------
        ndarray of shape (n_structures,)
            Total energies.

        Raises
        ------
        ValueError
            If a structure has an element that fit has not seen and `elements` does not name, or a
            column is missing.
        """
        X = self._check_features(X)
        return self.potential_.energies(X)

    def predict_forces(self, X):
        r"""Predict the forces on all atoms.

        The force is :math:`-\sum_i (\partial E / \partial G_i) (\partial G_i / \partial r)`. Only
        the functions of the columns of `X` are evaluated; a new kind of set compiles a kernel
        first, see `SymmetryFunctionTransformer`.

        Parameters
        ----------
        X : AtomicFeatures
            Features that know their structures and symmetry functions, as those of a
            SymmetryFunctionTransformer and of a selector behind it do.

        Returns
        -------
        list of ndarray of shape (n_atoms, 3)
            In the energies' unit per unit of length of the structures.

        Raises
        ------
        ValueError
            If the features do not know their structures or functions, and as `predict` does.

        See Also
        --------
        sklearn_agl.potentials.predict_forces : From structures, with a pipeline.
        """
        gradients, _ = self._gradients(X)
        return [-gradient for gradient in gradients]

    def predict_stress(self, X):
        r"""Predict the stress of periodic structures.

        The stress is :math:`(\partial E / \partial \epsilon) / V`, where a strain
        :math:`\epsilon` moves positions and cell vectors r to r (1 + ε), and V is the volume.

        Parameters
        ----------
        X : AtomicFeatures
            As in `predict_forces`.

        Returns
        -------
        ndarray of shape (n_structures, 3, 3)
            In the energies' unit per volume, with ASE's sign: positive where the structure wants to
            shrink. NaN for structures that are not periodic in three directions.

        Raises
        ------
        ValueError
            As `predict_forces` does.

        See Also
        --------
        sklearn_agl.potentials.predict_stress : From structures, with a pipeline.
        """
        _, strain_gradients = self._gradients(X)
        volumes = [abs(s.cell.volume) if s.pbc.all() else np.nan for s in X.structures]
        return strain_gradients / np.reshape(volumes, (-1, 1, 1))

    def _gradients(self, X):
        """Derivatives of the energies by positions and strains."""
        check_is_fitted(self)
        check_origin(X)
        X = self._check_features(X)
        return self.potential_.gradients(X)

    def _check_features(self, X):
        check_is_fitted(self)
        X = validate_features(self, X, reset=False)
        self._check_elements(X)
        self._check_columns(X)
        return X

    def _check_elements(self, X):
        unknown = ~np.isin(X.atom_numbers, self.elements_)
        if unknown.any():
            atom = np.argmax(unknown)
            raise ValueError(
                f"Structure {X.locate(atom)[0]} has an atom of atomic number "
                f"{X.atom_numbers[atom]}, but fit saw "
                f"only {list(self.elements_)}. Add such structures to the training data, or, as "
                "for the splits of a cross-validation, name all elements in elements=."
            )

    def _check_columns(self, X):
        for element, columns in zip(self.elements_, self.potential_.layout.columns, strict=True):
            missing = np.setdiff1d(columns, X.columns_of(element))
            if element in X.elements and missing.size:
                raise ValueError(
                    f"Column {missing[0]} is NaN for atoms of atomic number {element}, but fit saw "
                    "values there. Compute the features with the same transformer."
                )

    def score(self, X, y=None, sample_weight=None):
        """R² of the energy per atom.

        Parameters
        ----------
        X : AtomicFeatures or array-like of shape (n_structures, [n_atoms_max,] n_features)
            Features of the atoms.
        y : array-like of shape (n_structures,), default=None
            Total energies; None for those that the structures carry, as in `fit`.
        sample_weight : array-like of shape (n_structures,), default=None
            How much each structure counts.

        Returns
        -------
        float
            1 for a perfect prediction, 0 for a constant energy per atom.
        """
        check_is_fitted(self)
        X = validate_features(self, X, reset=False)
        y = validate_energies(X, y)
        per_atom = y / X.n_atoms, self.predict(X) / X.n_atoms
        return r2_score(*per_atom, sample_weight=sample_weight)


def fit_regressor(regressor, data):
    """Train a regressor on a TrainingSet, whose columns the caller has noted.

    Parameters
    ----------
    regressor : HDNNPRegressor
    data : TrainingSet

    Returns
    -------
    HDNNPRegressor
        The same regressor.

    Warns
    -----
    ConvergenceWarning
        If `max_epochs` have ended a training that knows its minimum.
    """
    from sklearn_agl.potentials.training._starts import train  # with torch

    training, regressor.init_ = train(regressor, data)
    regressor._doubts = describe_doubts(training)
    errors = _held_out_errors(training)
    training.learn_held_out()
    _take_over(regressor, training, errors)
    watched = not training.solver.finds_minimum or regressor.early_stopping
    if not (watched or regressor.net_.has_ended):
        warnings.warn(
            f"After {regressor.n_iter_} epochs, the optimality conditions are still violated by "
            f"{regressor.optimality_violation_:.1e}. Raise max_epochs.",
            ConvergenceWarning,
            stacklevel=4,
        )
    return regressor


def finish_regressor(regressor, training):
    """Give a regressor the weights and errors of a training that has ended.

    Parameters
    ----------
    regressor : HDNNPRegressor
    training : Training

    Returns
    -------
    HDNNPRegressor
        The same regressor, fitted.
    """
    return _take_over(regressor, training, _held_out_errors(training))


def _held_out_errors(training):
    """Errors of energies and forces on held-out structures, before these are trained on as well."""
    rows = training.held_out_rows
    if not len(rows):
        return np.nan, np.nan
    return training.rmse_per_atom(rows), training.force_rmse(rows)


def _take_over(regressor, training, errors):
    """Keep what prediction needs of a training that has ended, and what tells of it."""
    regressor.validation_rmse_, regressor.validation_force_rmse_ = errors
    regressor.net_ = training.net
    finds_minimum = training.solver.finds_minimum
    violation = training.optimality_violation() if finds_minimum else np.nan
    regressor.net_.forget_data()
    regressor._hold(training.potential())
    regressor.optimality_violation_ = violation
    regressor.n_iter_ = len(regressor.net_.history)
    regressor.trained_on_ = training.trained_on
    regressor._interrupted = training.interrupted
    return regressor


def make_regressor(regressor, potential, feature_names=None):
    """Give a regressor the state of a fitted one, without a training.

    Parameters
    ----------
    regressor : HDNNPRegressor
        Its parameters matter in a later `fit`.
    potential : Potential
        What it is to predict with.
    feature_names : sequence of str, default=None
        Names of the columns, where they have any.

    Returns
    -------
    HDNNPRegressor
        The same regressor, ready to predict. It has no `net_`, its errors are NaN and its `n_iter_`
        is 0.
    """
    regressor.n_features_in_ = potential.layout.n_features
    if feature_names is not None:
        regressor.feature_names_in_ = np.array(feature_names, dtype=object)
    regressor._hold(potential)
    regressor.validation_rmse_ = regressor.validation_force_rmse_ = np.nan
    regressor.optimality_violation_ = np.nan
    regressor.n_iter_, regressor.trained_on_, regressor._interrupted = 0, None, False
    return regressor
