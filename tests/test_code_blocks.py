"""Blocks of Python in README and pages that show no prompt: they run, with little data.

Blocks of a page run one after the other, and know what those before them have defined. Blocks with
prompts are doctests, see `test_documentation`.
"""

import ast
import re
import shlex
from doctest import script_from_examples
from pathlib import Path

import ase.io
import joblib
import pytest
from sklearn import model_selection
from sklearn.pipeline import make_pipeline

import sklearn_agl
from sklearn_agl import datasets
from sklearn_agl.cli._main import make_parser
from sklearn_agl.io import write_n2p2

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = {
    page: blocks
    for page in sorted((ROOT / "doc").rglob("*.rst"))
    if (blocks := re.findall(r"code-block:: python\n\n((?:   .*\n|\n)+)", page.read_text()))
}
FILE = re.compile(r"""["']([\w./-]+\.(?:extxyz|xyz|traj))["']""")
"""A file of structures that a block reads."""

ELSEWHERE = ("fetch_", "compiler=", "parser")
"""What blocks need that are looked at only: the network, a compiler, a program around them."""

make_structures = datasets.make_lennard_jones
"""The real one."""


class FirstOfGrid(model_selection.GridSearchCV):
    """Tries the first candidate of a grid only."""

    def _run_search(self, evaluate_candidates):
        evaluate_candidates(list(model_selection.ParameterGrid(self.param_grid))[:1])


def few_structures(n_structures=24, *args, random_state=None, **settings):
    """As many as are needed, of 32 atoms, in one liquid state."""
    small = {"n_atoms": 32, "r_cut": 1.5, "temperatures": [1.0], "densities": [1.0]}
    quick = {"sampling_interval": 20, "equilibration_steps": 100}
    return make_structures(min(n_structures, 24), **small, **quick, random_state=random_state)


@pytest.fixture(scope="module")
def names():
    """What the pages take for granted: structures, energies, and a fitted pipeline."""
    structures, energies = few_structures(random_state=0)
    functions = sklearn_agl.SymmetryFunctionTransformer("lj-22")
    network = sklearn_agl.HDNNPRegressor((3,), max_epochs=2, forces=None, random_state=0)
    pipe = make_pipeline(functions, network).fit(structures, energies)
    return {"structures": structures, "energies": energies, "atoms": structures[0], "pipe": pipe}


@pytest.fixture
def run(names, tmp_path, monkeypatch):
    """Run blocks one after the other in a folder that has the files they read."""
    monkeypatch.setattr(datasets, "make_lennard_jones", few_structures)
    monkeypatch.setattr(model_selection, "GridSearchCV", FirstOfGrid)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    write_n2p2(names["pipe"], tmp_path)

    def run(blocks, page):
        space = {"__name__": "block"} | vars(sklearn_agl) | names
        for name in FILE.findall("\n".join(blocks)):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            ase.io.write(name, names["structures"])
        with joblib.parallel_config("threading"):
            for block in blocks:
                if not any(word in block for word in ELSEWHERE):
                    exec(compile(block, page.name, "exec"), space)

    return run


def python_of(readme):
    """Its blocks of Python; of those with prompts, what stands behind these."""
    blocks = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    return [script_from_examples(block) if ">>>" in block else block for block in blocks]


@pytest.mark.skipif(not README.exists(), reason="no README beside the tests")
def test_the_readme_runs(run):
    text = README.read_text()
    assert "```python" in text or "\nsklearn-agl " in text
    run(python_of(text), README)


@pytest.mark.skipif(not README.exists(), reason="no README beside the tests")
def test_commands_of_the_readme_are_taken():
    for line in re.findall(r"^sklearn-agl (.+)$", README.read_text(), re.MULTILINE):
        assert make_parser().parse_args(shlex.split(line.split("  #")[0])).command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_blocks_of_a_page_run(page, run):
    run([re.sub("^   ", "", block, flags=re.MULTILINE) for block in PAGES[page]], page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_blocks_import_is_there(page):
    for block in PAGES[page]:
        tree = ast.parse(re.sub("^   ", "", block, flags=re.MULTILINE))
        imports = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom | ast.Import)]
        for statement in imports:
            exec(ast.unparse(statement), {})
