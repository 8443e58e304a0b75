"""Fitted pipelines as potentials of LAMMPS."""

import numbers

import numpy as np
from ase.data import chemical_symbols

from sklearn_agl._sklearn import Interval, StrOptions, validate_params
from sklearn_agl.descriptors.kernels._compile_cache import fingerprint
from sklearn_agl.descriptors.kernels._environment import allocate_arrays, write_environment_source
from sklearn_agl.descriptors.kernels._triplets import PADDING
from sklearn_agl.io._files import as_path, check_replaceable, write_files
from sklearn_agl.io._lammps._data_file import data_text
from sklearn_agl.io._lammps._object_code import LEVELS, compile_object
from sklearn_agl.io._lammps._plugin import PLUGIN, compile_plugin
from sklearn_agl.potentials.md._structure_potential import StructurePotential

DATA, COMMANDS = "potential.agl", "potential.in"
FILES = (PLUGIN, DATA, COMMANDS)
"""The last one is what makes the others count."""
POSITIVE = Interval(numbers.Real, 0.0, None, closed="neither")


@validate_params(
    {
        "units": [StrOptions({"metal", "real", "electron", "lj"})],
        "length_unit": [POSITIVE],
        "energy_unit": [POSITIVE],
        "cpu": [StrOptions({"native", *LEVELS})],
        "headers": ["array-like", None],
        "compiler": [str, None],
        "overwrite": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def write_lammps(
    pipeline,
    folder,
    *,
    units="metal",
    length_unit=1.0,
    energy_unit=1.0,
    cpu="native",
    headers=None,
    compiler=None,
    overwrite=False,
):
    """Write a potential for LAMMPS: a plugin with the compiled kernels, and its data.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        A SymmetryFunctionTransformer, any selectors, and an HDNNPRegressor, fitted.
    folder : str or path
        Where to write; made if it does not exist.
    units : {"metal", "real", "electron", "lj"}, default="metal"
        Units of the runs, which LAMMPS refuses to begin with others.
    length_unit, energy_unit : float, default=1.0
        The units that the potential was trained in, in those of LAMMPS: for a potential in Bohr and
        Hartree under ``metal``, `ase.units.Bohr` and `ase.units.Hartree`; for one in Å and eV under
        ``real``, 1.0 and 23.060549 (kcal/mol).
    cpu : {"native", "x86-64-v3", "x86-64-v4"}, default="native"
        Processors that the plugin runs on: those like this one, or all with AVX2, or with AVX-512.
    headers : list of str or path, default=None
        Folders of the headers of LAMMPS (``src`` of its source) and of the MPI that it was built
        with. By default those of the installed packages lammps and mpich.
    compiler : str, default=None
        A C++ compiler, with options if need be. By default ``$CXX``, else g++.
    overwrite : bool, default=False
        Whether to replace files of these names.

    Raises
    ------
    FileExistsError
        If one of the files exists and `overwrite` is false.
    ImportError, FileNotFoundError
        If LAMMPS's or MPI's headers or the compiler are missing: with what to install.
    RuntimeError
        If the compiler fails, with what it says.
    ValueError
        If `pipeline` is no such pipeline, or has weights that are not finite.

    See Also
    --------
    write_n2p2 : For ``pair_style hdnnp``, which runs n2p2's own code.
    sklearn_agl.potentials.HDNNPCalculator : The same kernels for ASE.

    Notes
    -----
    Three files are written: ``aglplugin.so``, which needs neither Python nor this package where it
    runs; ``potential.agl``, text with all numbers and a checksum; and ``potential.in``, three lines
    that a script for LAMMPS includes. They name the other two by `folder` as it was given, and the
    elements in the order of their atomic numbers, one for each atom type; with other types, write
    the line ``pair_coeff`` yourself.

    The kernels are those of `HDNNPCalculator`, compiled ahead of time for the functions that the
    potential depends on; LAMMPS hands them its own neighbour lists. Compiling takes some seconds,
    and is kept in the cache folder (see `SymmetryFunctionTransformer`).

    The short-range repulsion (`repulsion_` of the regressor) is part of it.

    Per atom, ``compute pe/atom`` has the energy of its network, ``compute stress/atom`` the virial
    of that energy, and ``compute centroid/stress/atom`` what the heat current of a many-body
    potential needs: the virial belongs to the atoms that the forces act on.

    The plugin is compiled against LAMMPS, which is under the GNU General Public License, version 2.
    It is yours to use; who hands on the compiled file has to keep to that licence.

    References
    ----------
    A. P. Thompson et al., Comput. Phys. Commun. 271, 108171 (2022).

    Examples
    --------
    >>> import numpy as np
    >>> from ase.build import bulk
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
    >>> from sklearn_agl.io import write_lammps
    >>> structures = [bulk("Al", cubic=True) for _ in range(20)]
    >>> for seed, atoms in enumerate(structures):
    ...     atoms.rattle(0.1, seed=seed)
    >>> pipe = make_pipeline(
    ...     SymmetryFunctionTransformer("al-22"), HDNNPRegressor(max_epochs=2, random_state=0)
    ... ).fit(structures, np.linspace(-1.0, 1.0, 20))
    >>> write_lammps(pipe, "potential")  # doctest: +SKIP
    >>> print(open("potential/potential.in").read())  # doctest: +SKIP
    plugin load potential/aglplugin.so
    pair_style agl
    pair_coeff * * potential/potential.agl Al
    """
    folder = as_path(folder, "folder")
    potential = StructurePotential(pipeline)
    _check_finite(potential.networks.weights)
    check_replaceable([folder / name for name in FILES], overwrite=overwrite)
    arrays = allocate_arrays(potential.plan, potential.networks, potential.pairs, PADDING, 1)
    source = write_environment_source(potential.plan.shapes, potential.plan.cutoffs, arrays)
    code, kernel = compile_object(source, cpu), fingerprint(source)
    symbols = " ".join(chemical_symbols[z] for z in potential.known_elements)
    commands = [
        f"plugin load {_word(folder / PLUGIN)}",
        "pair_style agl",
        f"pair_coeff * * {_word(folder / DATA)} {symbols}",
    ]
    if headers is not None:
        headers = [as_path(header, "headers") for header in headers]
    contents = (
        compile_plugin(code, kernel, cpu, headers, compiler),
        data_text(potential, kernel, units, float(length_unit), float(energy_unit)).encode(),
        ("\n".join(commands) + "\n").encode(),
    )
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in FILES]
    write_files(dict(zip(paths, contents, strict=True)), overwrite=overwrite)


def _check_finite(weights):
    if not np.isfinite(weights).all():
        raise ValueError("The potential has weights that are not finite; train it anew.")


def _word(path):
    """A path as one word of LAMMPS."""
    return f'"{path}"' if " " in str(path) else str(path)
