"""Whatever happens to a file of an estimator: a clear error, or an estimator of finite numbers."""

import io
import json
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.base import clone
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_agl import (
    AdaptiveGroupLassoSelector,
    AtomicFeatures,
    CURSelector,
    HDNNPRegressor,
    SymmetryFunction,
)
from sklearn_agl.io import load, save
from sklearn_agl.io._states import KINDS
from sklearn_agl.io._values import CODECS
from tests._fuzzing import fuzzing

from ._equality import assert_same
from ._potentials import FUNCTIONS, fitted_pipeline, make_transformer

TINY = HDNNPRegressor((2,), max_epochs=1, random_state=0)
TAGS = [*KINDS, *CODECS, "params", "state", "estimator", "array", "strings", "text", "weights"]
NUMBERS = st.sampled_from([0, -1, 1, 2, 2**31, 2**63, 10**30, 0.5, -1e308, 5e-324])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats() | st.sampled_from(TAGS) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(TAGS), inner, max_size=2)
    ),
    max_leaves=5,
)
SHAPES = st.sampled_from([(), (0,), (1,), (3,), (13,), (13, 2), (2, 13), (0, 2**40), (1, 1, 1)])
DTYPES = st.sampled_from(["<f8", ">f8", "<f4", "<i8", "<i4", "|u1", "|b1", "<c16", "<U3", "<M8[s]"])


def atomic_pipeline():
    functions = [*FUNCTIONS[:2], SymmetryFunction("G3", kappa=1.5)]
    selector = AdaptiveGroupLassoSelector(TINY, alpha=1e-4, initial_alpha=1e-5)
    transformer = make_transformer(functions)
    return fitted_pipeline(transformer, selector=selector, hidden_layer_sizes=(2,))


def table_pipeline():
    X = np.random.default_rng(0).normal(size=(30, 13))
    steps = StandardScaler(), SelectKBest(f_regression, k=9), CURSelector(3), clone(TINY)
    return make_pipeline(*steps).fit(X, X[:, 0])


@pytest.fixture(scope="module", params=[atomic_pipeline, table_pipeline])
def intact(request):
    return request.param()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("saved") / "a.npz"


@pytest.fixture(scope="module")
def content(intact, path):
    save(intact, path)
    return path.read_bytes()


def members_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def load_changed(path, members):
    """The estimator in an archive, or None where that is refused."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore", UserWarning)
        for name, member in members:
            archive.writestr(name, member)
    return load_or_refuse(path)


def load_or_refuse(path):
    try:
        return load(path)
    except ValueError as error:
        assert str(error).startswith(f"{path} cannot be loaded: ")
        return None


def assert_sound(estimator, path):
    """It can be saved, and its numbers are finite; predictions exist, or are refused."""
    if estimator is None:
        return
    save(estimator, path)
    model = getattr(estimator, "steps", [(None, estimator)])[-1][1]
    if not isinstance(model, HDNNPRegressor) or not hasattr(model, "weights_"):
        return
    features, energies = model.potential_.feature_scaler, model.potential_.energy_scaler
    for numbers in (model.weights_, features.offset_, features.divisor_,
                    model.feature_ranges_, model.energy_references_, model.group_norms_,
                    energies.deviation_):  # fmt: skip
        assert np.isfinite(numbers).all()
    atoms = np.resize(model.elements_, (2, 3))
    values = np.zeros((2, 3, model.n_features_in_))
    with np.errstate(all="ignore"):
        assert model.predict(AtomicFeatures(values, atoms)).shape == (2,)


@fuzzing(40)
@given(data=st.data())
def test_bytes(path, content, intact, data):
    place = data.draw(st.integers(0, len(content) - 1))
    length = data.draw(st.integers(0, 40))
    new = data.draw(
        st.sampled_from([b"", bytes([content[place] ^ 1 << (length % 8)])]) | st.binary(max_size=9)
    )
    kind = data.draw(st.sampled_from(["truncate", "flip", "cut", "insert", "move"]))
    end = {"truncate": len(content), "flip": place + len(new), "insert": place}.get(
        kind, place + length
    )
    damaged = content[:place] + new + content[end:]
    path.write_bytes(content[place:] + content[:place] if kind == "move" else damaged)
    again = load_or_refuse(path)
    if again is not None:
        # What is neither an array nor the description, such as the time of a member.
        assert_same(again, intact)


@st.composite
def arrays(draw):
    """The bytes of an array, whose header may lie."""
    shape, dtype = draw(SHAPES), np.dtype(draw(DTYPES))
    file = io.BytesIO()
    header = {"descr": dtype.str, "fortran_order": draw(st.booleans()), "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    size = min(int(np.prod(shape, dtype=object)) * dtype.itemsize, 300)
    body = draw(st.sampled_from([b"\0", b"\xff", b"?\xf0\0\0\0\0\0\0", b"\xf0?\0\0\0\0\0\0"]))
    return file.getvalue() + (body * size)[: max(0, size + draw(st.sampled_from([0, 0, 0, -1, 8])))]


@fuzzing(40)
@given(data=st.data())
def test_members(path, content, data):
    members = list(members_of(content).items())
    i, j = (data.draw(st.integers(0, len(members) - 1)) for _ in range(2))
    (name, member), (other, another) = members[i], members[j]
    kind = data.draw(st.sampled_from(["remove", "rename", "swap", "repeat", "bytes", "array"]))
    if kind == "remove":
        del members[i]
    elif kind == "rename":
        members[i] = (data.draw(st.sampled_from([*"a0/.é", "../"])) + name, member)
    elif kind == "swap":
        members[i], members[j] = (name, another), (other, member)
    elif kind == "repeat":
        members.append((name, another))
    elif kind == "bytes":
        place = data.draw(st.integers(0, len(member)))
        members[i] = (name, member[:place] + data.draw(st.binary(max_size=3)) + member[place + 1 :])
    else:
        members[i] = (name, data.draw(arrays()))
    assert_sound(load_changed(path, members), path)


def places_of(described, place=()):
    """The path to every value in JSON."""
    inner = described.items() if isinstance(described, dict) else enumerate(described)
    for key, value in inner:
        yield (*place, key)
        if isinstance(value, (dict, list)):
            yield from places_of(value, (*place, key))


@fuzzing(60)
@given(data=st.data())
def test_description(path, content, data):
    members = members_of(content)
    described = json.loads(members["estimator.json"])
    places = list(places_of(described))
    for _ in range(data.draw(st.integers(1, 2))):
        *way, last = places[data.draw(st.integers(0, len(places) - 1))]
        *other_way, other = places[data.draw(st.integers(0, len(places) - 1))]
        try:
            inner, source = described, described
            for key in way:
                inner = inner[key]
            for key in other_way:
                source = source[key]
            kind = data.draw(st.sampled_from(["value", "value", "delete", "rename", "copy"]))
            if kind == "value":
                inner[last] = data.draw(JSON)
            elif kind == "copy":
                inner[last] = json.loads(json.dumps(source[other]))
            elif kind == "delete":
                del inner[last]
            else:
                inner[data.draw(st.sampled_from(TAGS))] = inner.pop(last)
        except (KeyError, IndexError, TypeError):
            continue  # the first change has taken this place away, or it is in a list
    members["estimator.json"] = json.dumps(described).encode()
    assert_sound(load_changed(path, members.items()), path)
