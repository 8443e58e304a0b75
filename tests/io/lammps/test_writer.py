"""What is written, and what is missing when it cannot be."""

import subprocess

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sklearn_agl import HDNNPRegressor, SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.io import write_lammps
from sklearn_agl.io._lammps import _plugin
from sklearn_agl.io._lammps._data_file import data_text
from sklearn_agl.potentials.md._structure_potential import StructurePotential
from tests.io._potentials import fitted_pipeline
from tests.io.lammps._lammps import LMP, needs_lammps
from tests.potentials._fitted import some_structures

NAMES = ["aglplugin.so", "potential.agl", "potential.in"]


@pytest.fixture(autouse=True)
def code(monkeypatch):
    """Nothing is compiled here."""
    monkeypatch.setattr("sklearn_agl.io._lammps._writer.compile_object", lambda *of: b"code")


@pytest.fixture
def no_compiler(monkeypatch):
    monkeypatch.setattr("sklearn_agl.io._lammps._writer.compile_plugin", lambda *of: b"plugin")


@pytest.fixture(scope="module")
def pipeline():
    return fitted_pipeline()


def test_three_files(pipeline, tmp_path, no_compiler):
    write_lammps(pipeline, tmp_path / "new folder")
    assert sorted(file.name for file in (tmp_path / "new folder").iterdir()) == NAMES
    plugin, data, commands = [tmp_path / "new folder" / name for name in NAMES]
    assert plugin.read_bytes() == b"plugin"
    assert commands.read_text() == (
        f'plugin load "{plugin}"\npair_style agl\npair_coeff * * "{data}" H O\n'
    )
    assert data.read_text().splitlines()[-1].startswith("checksum ")


def test_paths_are_as_given(pipeline, tmp_path, no_compiler, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_lammps(pipeline, "potential")
    assert "plugin load potential/aglplugin.so" in (tmp_path / "potential/potential.in").read_text()


def test_files_are_replaced_when_asked_only(pipeline, tmp_path, no_compiler):
    write_lammps(pipeline, tmp_path)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        write_lammps(pipeline, tmp_path)
    write_lammps(pipeline, tmp_path, units="lj", overwrite=True)
    assert "units lj" in (tmp_path / "potential.agl").read_text()


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("units", "si"),
        ("length_unit", 0.0),
        ("energy_unit", "eV"),
        ("cpu", "pentium"),
        ("compiler", 3),
        ("headers", 1),
        ("overwrite", "yes"),
    ],
)
def test_parameters_are_checked(pipeline, tmp_path, parameter, value):
    with pytest.raises(ValueError, match=parameter):
        write_lammps(pipeline, tmp_path, **{parameter: value})
    assert not list(tmp_path.iterdir())


def test_only_fitted_pipelines_of_the_right_kind(tmp_path):
    with pytest.raises(ValueError, match="must be a fitted Pipeline"):
        write_lammps(SymmetryFunctionTransformer("lj-22"), tmp_path)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    pipeline = fitted_pipeline()
    pipeline[-1].weights_[0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        write_lammps(pipeline, tmp_path)


def test_an_element_without_a_network_is_not_offered():
    transformer = SymmetryFunctionTransformer(
        [SymmetryFunction("G2", eta=0.3)], r_cut=4.0, elements=["H", "C", "O"]
    )
    model = HDNNPRegressor(hidden_layer_sizes=(2,), max_epochs=1, random_state=0)
    pipeline = make_pipeline(transformer, model).fit(some_structures(6), np.arange(6.0))
    text = data_text(StructurePotential(pipeline), "kernel", "metal", 1.0, 1.0)
    assert "elements 3 H - O" in text


@needs_lammps
def test_a_missing_compiler_is_named(pipeline, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no compiler 'c\+\+-of-2050'.*apt install g\+\+"):
        write_lammps(pipeline, tmp_path, compiler="c++-of-2050 -O2")


@needs_lammps
def test_what_the_compiler_says_is_told(pipeline, tmp_path):
    with pytest.raises(RuntimeError, match="(?s)could not compile the plugin.*unrecognized"):
        write_lammps(pipeline, tmp_path, compiler="g++ --no-such-option")


def test_lammps_has_to_be_installed(pipeline, tmp_path, monkeypatch):
    monkeypatch.setattr(_plugin.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"sklearn-agl\[lammps\]"):
        write_lammps(pipeline, tmp_path)


@needs_lammps
def test_headers_of_mpi_have_to_be_there(pipeline, tmp_path, monkeypatch):
    monkeypatch.setattr(_plugin.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(_plugin, "MPICH", ())
    with pytest.raises(FileNotFoundError, match=r"mpi.h.*lammps\[mpi\].*libmpich-dev"):
        write_lammps(pipeline, tmp_path)


def test_headers_are_those_of_lammps(pipeline, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"version\.h"):
        write_lammps(pipeline, tmp_path, headers=[tmp_path])


def test_a_source_tree_tells_its_version(tmp_path):
    (tmp_path / "version.h").write_text('#define LAMMPS_VERSION "2 Aug 2023"\n')
    assert _plugin._headers([tmp_path]) == ([tmp_path], "2 Aug 2023")


@needs_lammps
def test_the_version_of_the_package_is_that_of_its_program():
    said = subprocess.run([LMP, "-h"], capture_output=True, text=True).stdout
    assert f"Simulator - {_plugin._packaged_version()}" in said
