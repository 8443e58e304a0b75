"""Potentials of n2p2 as fitted pipelines."""

from numbers import Real

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from sklearn.pipeline import Pipeline

from sklearn_agl.descriptors import SymmetryFunctionTransformer
from sklearn_agl.io._definitions import convert_length, read_functions
from sklearn_agl.io._files import as_path
from sklearn_agl.io._networks import read_topology, read_weights, weights_path
from sklearn_agl.io._scaling import read_scaling
from sklearn_agl.io._settings import check_potential, read_settings
from sklearn_agl.potentials import HDNNPRegressor
from sklearn_agl.potentials._potential import Potential
from sklearn_agl.potentials._regressor import make_regressor
from sklearn_agl.potentials.data._scaling import EnergyScaler, FeatureScaler
from sklearn_agl.potentials.networks._layout import NetworkLayout


def read_n2p2(folder, *, length_unit=None, energy_unit=None):
    """Read a potential of n2p2, of LAMMPS' ``pair_style hdnnp``, or written by `write_n2p2`.

    Parameters
    ----------
    folder : str or path
        With ``input.nn``, ``scaling.data`` and one ``weights.ZZZ.data`` per element.
    length_unit : float, default=None
        The potential's unit of length in that of the structures to come, for example
        ``ase.units.Bohr`` for structures in Å. None: structures in the potential's own unit.
    energy_unit : float, default=None
        The potential's unit of energy in that of the energies to predict, for example
        ``ase.units.Hartree`` for energies in eV. None: the potential's own unit.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Fitted; the steps are ``"features"``, a SymmetryFunctionTransformer, and ``"model"``, an
        HDNNPRegressor. ``predict(structures)`` gives the total energies that n2p2 gives.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        With file, line and cure, if a file is damaged, the files contradict each other, or the
        potential needs something that this package does not have.

    Warns
    -----
    UserWarning
        Of keywords that neither n2p2 nor RuNNer has; they are ignored, as n2p2 does it.

    See Also
    --------
    write_n2p2 : The way back.
    read_symmetry_functions : For a set-up before the training.
    read_input_data : Structures of n2p2.

    Notes
    -----
    Symmetry functions of types 2, 3 and 9 (G2, G4 and G5), 12 and 13 (weighted G2 and G4) are
    supported, with every cutoff function; activations t, s, p, r and l, the same in all hidden
    layers; every way of scaling; normalisation (``mean_energy``, ``conv_energy``,
    ``conv_length``) and ``atom_energy``. Networks of different width become equally wide by nodes
    of zero weights. All other keywords of n2p2's ``Settings.cpp``, its alternative names included,
    and of RuNNer 1 are known for what they are: those of the training (such as ``epochs`` and all
    that begin with ``kalman_`` or ``gradient_``) and of the output do not matter; what would change
    a prediction is an error: ``normalize_nodes``, committees, networks of pairs, dispersion, and
    charges (third and fourth generation, by whatever name).

    A repulsion that `write_n2p2` has written for LAMMPS is not read.

    The parameter `scaling` of the regressor, which matters if the pipeline is fitted anew, is the
    kind that comes closest: n2p2's scaling with centering has none of its own and becomes "minmax".

    References
    ----------
    A. Singraber, J. Behler, C. Dellago, J. Chem. Theory Comput. 15, 1827 (2019); n2p2's source,
    version 2.3, for the order of functions and weights.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from ase.build import bulk
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
    >>> from sklearn_agl.io import read_n2p2, write_n2p2
    >>> structures = [bulk("Al", cubic=True) for _ in range(20)]
    >>> for seed, atoms in enumerate(structures):
    ...     atoms.rattle(0.1, seed=seed)
    >>> energies = np.linspace(-1.0, 1.0, 20)
    >>> pipe = make_pipeline(
    ...     SymmetryFunctionTransformer("al-22"), HDNNPRegressor(max_epochs=2, random_state=0)
    ... ).fit(structures, energies)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_n2p2(pipe, folder)
    ...     again = read_n2p2(folder)
    >>> np.allclose(again.predict(structures), pipe.predict(structures), rtol=1e-12)
    True
    """
    folder = as_path(folder, "folder")
    length_unit, energy_unit = check_unit(length_unit, "length"), check_unit(energy_unit, "energy")
    settings = read_settings(folder / "input.nn")
    check_potential(settings)
    own_functions = read_functions(settings)
    counts = [len(functions) for functions in own_functions.values()]
    scaling = read_scaling(folder / "scaling.data", settings, counts)
    topology = read_topology(settings)
    numbers = [atomic_numbers[symbol] for symbol in settings.elements]
    networks = [
        read_weights(weights_path(folder, number), count, hidden)
        for number, count, hidden in zip(numbers, counts, topology.hidden, strict=True)
    ]
    functions = [
        convert_length(function, length_unit) for own in own_functions.values() for function in own
    ]
    transformer = _fitted_transformer(functions, settings.elements)
    layout, weights = _join(numbers, counts, networks)
    deviation, references = settings.energy_scales()
    potential = Potential(
        layout,
        topology.activation,
        weights,
        FeatureScaler.from_numbers(scaling.offset, scaling.divisor, scaling.ranges),
        EnergyScaler.from_numbers(deviation * energy_unit, references * energy_unit),
    )
    model = HDNNPRegressor(
        layout.hidden_layer_sizes, activation=topology.activation, scaling=scaling.kind
    )
    model = make_regressor(model, potential, transformer.get_feature_names_out())
    return Pipeline([("features", transformer), ("model", model)])


def check_unit(unit, name):
    """A unit as a float, 1 for None."""
    if unit is None:
        return 1.0
    if not isinstance(unit, Real) or isinstance(unit, bool) or not 0.0 < unit < np.inf:
        raise ValueError(f"{name}_unit must be a positive number, got {unit!r}.")
    return float(unit)


def _fitted_transformer(functions, elements):
    transformer = SymmetryFunctionTransformer(
        functions,
        r_cut=max(function.r_cut for function in functions),
        cutoff=functions[0].cutoff,
        elements=list(elements),
    )
    # All definitions are complete, so that any structure will do.
    return transformer.fit([Atoms(elements[0])])


def _join(numbers, counts, networks):
    """Layout and flat weights of the elements' networks, equally wide in the hidden layers."""
    widths = [[len(bias) for _, bias in layers[:-1]] for layers in networks]
    hidden = tuple(int(width) for width in np.max(widths, axis=0))
    ends = np.cumsum(counts)
    columns = tuple(np.arange(end - n, end) for end, n in zip(ends, counts, strict=True))
    layout = NetworkLayout(tuple(numbers), columns, int(ends[-1]), hidden)
    parts = []
    for sizes, layers in zip(layout.sizes, networks, strict=True):
        for n_in, n_out, (matrix, bias) in zip(sizes[:-1], sizes[1:], layers, strict=True):
            rows, cols = n_out - len(bias), n_in - matrix.shape[1]
            parts += [np.pad(matrix, ((0, rows), (0, cols))).ravel(), np.pad(bias, (0, rows))]
    return layout, np.concatenate(parts)
