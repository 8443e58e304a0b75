"""Fitted pipelines as a pair style of LAMMPS."""

from sklearn_agl.io._lammps._writer import write_lammps

__all__ = ["write_lammps"]
