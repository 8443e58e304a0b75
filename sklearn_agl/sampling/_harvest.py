"""Structures that a running simulation meets and the potential does not know, kept on disk."""

import os
from io import StringIO
from numbers import Integral
from pathlib import Path

import ase.io

from sklearn_agl.potentials import HDNNPCalculator, HDNNPCommittee


class Harvest:
    """Keeps the structures of a simulation where its potential guesses, to be labelled.

    It is an observer: attach it to a run of ASE. At each call it looks whether functions have left
    their ranges since the last call, or how far a committee disagrees about the forces. What it
    keeps, it appends to a file at once.

    Parameters
    ----------
    atoms : ase.Atoms
        The atoms that move, with an HDNNPCalculator.
    file : str or path
        Extended XYZ, to which structures are appended: those that are there count.
    max_doubt : float, default=None
        Also keep structures in which the members of a committee differ by more about the force on
        an atom (the standard deviation of `HDNNPCommittee.predict_forces`).
    max_structures : int, default=100
        After so many in the file, no more are kept.
    spacing : int, default=1
        After a structure that was kept, so many calls go by before the next one may be, so that it
        is another one.

    Attributes
    ----------
    n_structures : int
        Structures in the file.

    Raises
    ------
    ValueError
        If the atoms have another calculator, a parameter is impossible, or `max_doubt` is given and
        the potential is no committee.

    See Also
    --------
    choose_structures : Thins them out before they are labelled.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ase.build import bulk
    >>> from ase.calculators.emt import EMT
    >>> from ase.md.verlet import VelocityVerlet
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer
    >>> from sklearn_agl.potentials import HDNNPCalculator
    >>> from sklearn_agl.sampling import Harvest
    >>> structures = []
    >>> for seed in range(20):
    ...     atoms = bulk("Cu", cubic=True)
    ...     atoms.rattle(0.02, seed=seed)
    ...     atoms.calc = EMT()
    ...     energy = atoms.get_potential_energy()
    ...     structures.append(atoms)
    >>> pipe = make_pipeline(
    ...     SymmetryFunctionTransformer(r_cut=4.0), HDNNPRegressor(max_epochs=5, random_state=0)
    ... ).fit(structures)
    >>> atoms = bulk("Cu", cubic=True)
    >>> atoms.rattle(0.1, seed=0)  # which is more than the potential has seen
    >>> atoms.calc = HDNNPCalculator(pipe)
    >>> run = VelocityVerlet(atoms, timestep=1.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     harvest = Harvest(atoms, Path(folder) / "harvest.xyz", max_structures=2)
    ...     run.attach(harvest, interval=5)
    ...     finished = run.run(20)
    >>> harvest.n_structures
    2
    """

    def __init__(self, atoms, file, *, max_doubt=None, max_structures=100, spacing=1):
        if not isinstance(atoms.calc, HDNNPCalculator):
            raise ValueError(
                f"The calculator of the atoms is {type(atoms.calc).__name__}; a harvest needs an "
                "HDNNPCalculator, which knows the ranges of its functions."
            )
        for name, value in {"max_structures": max_structures, "spacing": spacing}.items():
            if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name}={value!r} must be a whole number above 0.")
        if max_doubt is not None and not isinstance(atoms.calc.potential[-1], HDNNPCommittee):
            raise ValueError(
                "max_doubt needs members that can disagree: the last step of the pipeline must be "
                f"an HDNNPCommittee, but it is {type(atoms.calc.potential[-1]).__name__}."
            )
        self.atoms = atoms
        self.file = Path(file)
        self.max_doubt = max_doubt
        self.max_structures = max_structures
        self.spacing = spacing
        self.n_structures = len(ase.io.read(self.file, ":")) if self.file.exists() else 0
        self._n_calls = self._n_extrapolations = 0
        self._rest = 0

    def __call__(self):
        """Look at the atoms as they are now, and keep them if there is a reason."""
        self._n_calls += 1
        reason = self._reason()
        self._n_extrapolations = self.atoms.calc.n_extrapolations_
        if self._rest:
            self._rest -= 1
        elif reason and self.n_structures < self.max_structures:
            self._keep(reason)
            self._rest = self.spacing - 1

    def _reason(self):
        n_new = self.atoms.calc.n_extrapolations_ - self._n_extrapolations
        if n_new > 0:
            return f"{n_new} extrapolations"
        if self.max_doubt is None or self._rest or self.n_structures >= self.max_structures:
            return None
        pipe = self.atoms.calc.potential
        _, (doubts,) = pipe[-1].predict_forces(pipe[:-1].transform([self.atoms]), return_std=True)
        if doubts.max() > self.max_doubt:
            return f"forces on atom {doubts.argmax()} differ by {doubts.max():.3g}"
        return None

    def _keep(self, reason):
        kept = self.atoms.copy()
        kept.info = {"reason": reason, "call": self._n_calls}
        text = StringIO()
        ase.io.write(text, kept, format="extxyz")
        with open(self.file, "a", encoding="utf-8") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())
        self.n_structures += 1
