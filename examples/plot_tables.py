"""
Ordinary tables
===============

The selectors take any table of numbers: a row is then a structure of one atom, and what is learned
is any target, not an energy. Beside scikit-learn's own selectors they do what linear ones cannot:
see a feature whose effect is not a straight line.
"""

# %%
# A table whose answer is known
# -----------------------------
# Friedman's first function of ten columns needs five of them,
#
# .. math:: y = 10 \sin(\pi x_0 x_1) + 20 (x_2 - 1/2)^2 + 10 x_3 + 5 x_4 + \text{noise} .
#
# As :math:`x_2` is spread evenly around 1/2, its parabola has no slope in the mean: the correlation
# of y with :math:`x_2` is zero.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.linear_model import LassoCV, LinearRegression
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_agl import AdaptiveGroupLassoSelector, HDNNPRegressor, WaldSelector
from sklearn_agl.inspection import SupportMatrixDisplay

X, y = make_friedman1(500, 10, noise=1.0, random_state=0)

# %%
# Five of ten
# -----------
# All four selectors are asked for five columns, and none is told which.

selectors = {
    "AGL": AdaptiveGroupLassoSelector(n_features_to_select=5, random_state=0),
    "Wald": WaldSelector(5, random_state=0),
    "LassoCV": SelectFromModel(LassoCV(), max_features=5, threshold=-np.inf),
    "RFE, linear": RFE(LinearRegression(), n_features_to_select=5),
}
for selector in selectors.values():
    selector.fit(X, y)
columns = [f"x{i}" for i in range(10)]
display = SupportMatrixDisplay.from_selectors(selectors, column_names=columns)
display.ax_.set_xlabel("column")

# %%
# The linear ones take a column of noise in the place of :math:`x_2`. What that costs shows when the
# same network is trained behind each of them. Selection is a step of the pipeline, so it sees the
# training part of each fold only.

folds = KFold(5, shuffle=True, random_state=0)
scores = {
    name: cross_val_score(
        make_pipeline(StandardScaler(), selector, HDNNPRegressor(random_state=0)), X, y, cv=folds
    )
    for name, selector in selectors.items()
}
figure, axes = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
axes.boxplot(
    list(scores.values()),
    tick_labels=list(scores),
    whis=(0, 100),
    widths=0.5,
    patch_artist=True,
    boxprops={"facecolor": "0.9"},
    medianprops={"color": "black"},
)
axes.set(ylabel="R² on the test folds", title="A network on the five columns of each selector")

# %%
# Names of columns
# ----------------
# Ten measurements of 442 patients with diabetes, and how the disease progressed in a year. A table
# with names gives the names of what was selected. The effects are nearly straight lines here, and
# the table is small: a linear selector does as well as a network, or better.

X, y = load_diabetes(return_X_y=True, as_frame=True)
selectors = {
    "AGL": AdaptiveGroupLassoSelector(n_features_to_select=4, random_state=0),
    "Wald": WaldSelector(4, random_state=0),
    "LassoCV": SelectFromModel(LassoCV(), max_features=4, threshold=-np.inf),
    "RFE, linear": RFE(LinearRegression(), n_features_to_select=4),
}
for name, selector in selectors.items():
    pipe = make_pipeline(
        StandardScaler().set_output(transform="pandas"), selector, LinearRegression()
    )
    names = ", ".join(pipe.fit(X, y)[:-1].get_feature_names_out())
    print(f"{name:>12}: {names:<24} R² {cross_val_score(pipe, X, y, cv=folds).mean():.2f}")

plt.show()
