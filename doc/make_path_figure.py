"""Draw `_static/path.svg` for the landing page: ``python doc/make_path_figure.py``.

It takes about a minute. The data are Lennard-Jones structures, as in
`examples/plot_lennard_jones.py`, but fewer of them.
"""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "path"

from sklearn_agl import SymmetryFunctionTransformer, group_lasso_path  # noqa: E402
from sklearn_agl.datasets import make_lennard_jones  # noqa: E402

structures, energies = make_lennard_jones(400, n_jobs=2, random_state=0)
X = SymmetryFunctionTransformer("lj-22", n_jobs=2).fit_transform(structures)
path = group_lasso_path(X, energies, n_jobs=2, random_state=0)

angular = [function.is_angular for function in X.symmetry_functions]
display = path.plot(angular=angular, energy_unit="ε/atom")
file = Path(__file__).parent / "_static" / "path.svg"
display.figure_.savefig(file, bbox_inches="tight", metadata={"Date": None})
