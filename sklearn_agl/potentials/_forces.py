"""Forces and stress of a pipeline: what its last step predicts, from structures."""

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from sklearn.pipeline import Pipeline


def predict_forces(pipeline: Pipeline, structures: Sequence[Atoms]) -> list[np.ndarray]:
    """Predict the forces on the atoms of structures with a fitted pipeline.

    A Pipeline has no method for this: it hands on the methods only that scikit-learn knows.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        A SymmetryFunctionTransformer, any selectors, and an HDNNPRegressor, fitted.
    structures : sequence of ase.Atoms
        Any mix of sizes, cells and periodicity.

    Returns
    -------
    list of ndarray of shape (n_atoms, 3)
        In the energies' unit per unit of length of the structures.

    Raises
    ------
    ValueError
        If `pipeline` is not such a pipeline, or a structure is unsound or has an element that the
        potential does not know.

    See Also
    --------
    sklearn_agl.HDNNPRegressor.predict_forces : The same from features.
    HDNNPCalculator : For molecular dynamics and relaxations.

    Examples
    --------
    >>> import numpy as np
    >>> from ase.build import bulk
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
    >>> from sklearn_agl.potentials import predict_forces
    >>> structures = [bulk("Al", cubic=True) * (1, 1, 2) for _ in range(20)]
    >>> for seed, atoms in enumerate(structures):
    ...     atoms.rattle(0.1, seed=seed)
    >>> energies = np.linspace(-1.0, 1.0, 20)
    >>> pipe = make_pipeline(
    ...     SymmetryFunctionTransformer("al-22"), HDNNPRegressor(max_epochs=2, random_state=0)
    ... ).fit(structures, energies)
    >>> forces = predict_forces(pipe, structures[:2])
    >>> len(forces), forces[0].shape
    (2, (8, 3))
    """
    return _regressor(pipeline, "predict_forces")(pipeline[:-1].transform(structures))


def predict_stress(pipeline: Pipeline, structures: Sequence[Atoms]) -> np.ndarray:
    """Predict the stress of structures with a fitted pipeline.

    Parameters
    ----------
    pipeline, structures
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
    sklearn_agl.HDNNPRegressor.predict_stress : The same from features.

    Examples
    --------
    >>> import numpy as np
    >>> from ase.build import bulk
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
    >>> from sklearn_agl.potentials import predict_stress
    >>> structures = [bulk("Al", cubic=True) for _ in range(20)]
    >>> for seed, atoms in enumerate(structures):
    ...     atoms.rattle(0.1, seed=seed)
    >>> pipe = make_pipeline(
    ...     SymmetryFunctionTransformer("al-22"), HDNNPRegressor(max_epochs=2, random_state=0)
    ... ).fit(structures, np.linspace(-1.0, 1.0, 20))
    >>> stress = predict_stress(pipe, structures[:2])
    >>> stress.shape, np.allclose(stress, stress.transpose(0, 2, 1))
    ((2, 3, 3), True)
    """
    return _regressor(pipeline, "predict_stress")(pipeline[:-1].transform(structures))


def _regressor(pipeline, method):
    """A method of the last step."""
    if not isinstance(pipeline, Pipeline):
        raise ValueError(
            f"Expected a fitted Pipeline, got {type(pipeline).__name__}. Join a "
            "SymmetryFunctionTransformer and an HDNNPRegressor with make_pipeline, or call the "
            f"regressor's own {method} with features."
        )
    if not hasattr(pipeline[-1], method):
        raise ValueError(
            f"The last step, {type(pipeline[-1]).__name__}, cannot {method}; it must be an "
            "HDNNPRegressor."
        )
    return getattr(pipeline[-1], method)
