"""Every public object refuses bad input at once, in words that name what is wrong."""

import importlib
import inspect
import linecache
import traceback
import warnings

import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from sklearn_agl.potentials.training._training import Training
from tests.bad_input._rows import ALUMINIUM, ATOMIC
from tests.bad_input._table import SOURCES

MODULES = ("", ".datasets", ".descriptors", ".inspection", ".io", ".potentials", ".selection")
NO_INPUT = {"ExtrapolationError", "ExtrapolationWarning"}
"""Public classes that take nothing."""
AFTER_FIT = ("predict", "transform", "inverse_transform", "predict_forces", "predict_stress")


def public_objects():
    modules = [importlib.import_module(f"sklearn_agl{name}") for name in MODULES]
    offered = {name: getattr(module, name) for module in modules for name in module.__all__}
    names = {name for name, one in offered.items() if callable(one)} - NO_INPUT
    return sorted(names | {"rmse_per_atom", "neg_rmse_per_atom"})


@pytest.fixture(scope="module")
def rows():
    return {source: list(source()) for source in SOURCES}


@pytest.fixture
def no_training(monkeypatch):
    def run(*args):
        pytest.fail("There was a training before the error.")

    monkeypatch.setattr(Training, "run", run)


def caught(row):
    """The error of a row, raised on purpose; warnings count as errors of the wrong kind."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((ValueError, TypeError)) as error:
            row.call()
    return error.value


def is_on_purpose(error):
    """Whether a statement `raise` of this package or of scikit-learn is behind an error."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno).strip()
    owners = ("sklearn_agl", "sklearn/", "joblib")
    return line.startswith("raise") and any(owner in last.filename for owner in owners)


def test_every_public_object_has_rows(rows):
    about = {row.about for own in rows.values() for row in own}
    assert set(public_objects()) - about == set()


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_errors_name_the_culprit(rows, source, no_training):
    problems = []
    for row in rows[source]:
        try:
            error = caught(row)
        except (Exception, pytest.fail.Exception) as other:
            problems.append(f"{row}: {type(other).__name__}: {other}")
            continue
        missing = [word for word in row.words if word not in str(error)]
        if missing or not row.words:
            problems.append(f"{row}: {missing} not in {error}")
        if not is_on_purpose(error):
            problems.append(f"{row}: not raised on purpose: {error}")
    assert not problems, "\n".join(problems)


def estimators():
    for name in public_objects():
        kind = getattr(importlib.import_module("sklearn_agl"), name, None)
        if inspect.isclass(kind) and issubclass(kind, BaseEstimator):
            yield kind


@pytest.mark.parametrize("estimator", list(estimators()))
def test_use_before_fit(estimator):
    methods = [name for name in AFTER_FIT if hasattr(estimator, name)]
    assert methods
    X = ALUMINIUM if "SymmetryFunction" in estimator.__name__ else ATOMIC
    for name in methods:
        with pytest.raises(NotFittedError, match=f"{estimator.__name__}.*not fitted.*'fit'"):
            getattr(estimator(), name)(X)
