"""Files of estimators, and exchange with other programs: n2p2 and LAMMPS."""

from sklearn_agl.io._input_data import read_input_data, write_input_data
from sklearn_agl.io._lammps import write_lammps
from sklearn_agl.io._persistence import load, save
from sklearn_agl.io._reader import read_n2p2
from sklearn_agl.io._set_up import read_symmetry_functions
from sklearn_agl.io._writer import write_n2p2

__all__ = [
    "load",
    "read_input_data",
    "read_n2p2",
    "read_symmetry_functions",
    "save",
    "write_input_data",
    "write_lammps",
    "write_n2p2",
]
