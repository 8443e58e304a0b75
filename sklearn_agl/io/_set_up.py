"""The symmetry functions of an input.nn, before there is any potential."""

from sklearn_agl.io._definitions import convert_length, read_functions
from sklearn_agl.io._files import as_path
from sklearn_agl.io._reader import check_unit
from sklearn_agl.io._settings import read_settings


def read_symmetry_functions(path, *, length_unit=None):
    """Read the symmetry functions of a set-up of n2p2 or RuNNer, trained or not.

    With them, the functions that somebody else has chosen are where a selection starts from;
    ``SymmetryFunctionTransformer("input.nn")`` calls this function.

    Parameters
    ----------
    path : str or path
        An ``input.nn``, or the folder with it.
    length_unit : float, default=None
        The file's unit of length in that of the structures to come, for example
        ``ase.units.Bohr`` for structures in Å. None: structures in the file's own unit.

    Returns
    -------
    list of SymmetryFunction
        Complete definitions in n2p2's order: by atomic number of the central element, then by type
        and parameters.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        With file, line and cure, if the file is damaged or has functions that this package does not
        have.

    See Also
    --------
    read_n2p2 : For the potential after the training.
    sklearn_agl.SymmetryFunctionTransformer : Takes the functions, or the name of the file.

    Notes
    -----
    Lines about networks, scaling and training do not matter here, so that the functions of a
    potential with charges (4G) can be read, too.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_agl.io import read_symmetry_functions
    >>> text = '''number_of_elements 1
    ... elements Cu
    ... cutoff_type 1
    ... symfunction_short Cu 2 Cu 0.01 0.0 12.0
    ... symfunction_short Cu 3 Cu Cu 0.01 -1.0 1.0 12.0'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "input.nn"
    ...     _ = file.write_text(text)
    ...     functions = read_symmetry_functions(file)
    >>> functions[0].name
    'Cu|G2(Cu, eta=0.01, r_s=0, r_cut=12, cutoff=cosine)'
    """
    path, unit = as_path(path, "path"), check_unit(length_unit, "length")
    settings = read_settings(path / "input.nn" if path.is_dir() else path)
    functions = read_functions(settings)
    return [convert_length(function, unit) for own in functions.values() for function in own]
