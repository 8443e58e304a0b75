"""What is imported when; every case in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_agl
import sklearn_agl.potentials
import sklearn_agl.selection

LAZY_PACKAGES = [sklearn_agl, sklearn_agl.potentials, sklearn_agl.selection]

FIT_FILTERS = """
import numpy as np
from sklearn_agl import CURSelector, FPSSelector, PCovCURSelector, PearsonSelector
X = np.random.default_rng(0).normal(size=(20, 4))
for selector in (CURSelector(2), FPSSelector(2), PCovCURSelector(2), PearsonSelector(2)):
    assert selector.fit(X, X[:, 0]).n_features_ == 2
"""


def modules_after(code):
    """Top-level names in `sys.modules` after `code` has run."""
    report = "\nimport json, sys\nprint(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    run = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout))


def test_the_package_imports_next_to_nothing():
    heavy = {"torch", "skorch", "numba", "matplotlib", "ase", "dask", "sklearn", "numpy"}
    assert not modules_after("import sklearn_agl") & heavy


def test_filters_do_without_torch_and_compiled_loops():
    assert not modules_after(FIT_FILTERS) & {"torch", "skorch", "numba", "matplotlib", "dask"}


def test_symmetry_functions_do_without_torch():
    code = "from sklearn_agl import SymmetryFunctionTransformer, AtomicFeatures, metrics"
    assert not modules_after(code) & {"torch", "skorch", "matplotlib", "dask"}


def test_fitted_potentials_do_without_torch():
    data = Path(__file__).parent / "data"
    code = (
        "from ase.build import bulk\n"
        "from sklearn_agl.io import load, write_lammps, write_n2p2\n"
        "from sklearn_agl import AdaptiveGroupLassoSelector, group_lasso_path\n"
        "from sklearn_agl.potentials import HDNNPCalculator, HDNNPCommittee, predict_forces\n"
        f"pipe = load({str(data / 'format_1.npz')!r})\n"
        "atoms = bulk('HO', 'rocksalt', a=4.0, cubic=True)\n"
        "assert len(predict_forces(pipe, [atoms])) == len(pipe.predict([atoms]))\n"
        "atoms.calc = HDNNPCalculator(pipe)\n"
        "assert atoms.get_forces().shape == (8, 3)\n"
    )
    assert not modules_after(code) & {"torch", "skorch", "matplotlib", "dask"}


def test_submodules_are_attributes():
    code = "import sklearn_agl\nsklearn_agl.metrics.rmse_per_atom, sklearn_agl.descriptors"
    assert "numba" in modules_after(code)


@pytest.mark.parametrize("package", LAZY_PACKAGES)
def test_every_public_name_is_there(package):
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="sklearn_agl attribute CUR"):
        sklearn_agl.CUR  # noqa: B018


def test_nothing_need_be_writable():
    """Numba has no folder for its cache then, which is when functions are defined."""
    code = (
        "from numba.core.caching import CacheImpl\n"
        "CacheImpl._locator_classes = []\n"
        "import sklearn_agl.datasets\n"
        "from sklearn_agl import HDNNPRegressor, SymmetryFunctionTransformer, WaldSelector\n"
        "import sklearn_agl.potentials.training._training\n"
    )
    assert "torch" in modules_after(code)


def test_all_machine_code_is_checked_and_need_not_be_kept():
    """`kept` does what numba's own cache does, and more."""
    sources = Path(sklearn_agl.__file__).parent.rglob("*.py")
    assert not [source.name for source in sources if "cache=True" in source.read_text()]
