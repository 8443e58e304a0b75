"""AtomicFeatures against a plain model: a list of structures, each a list of its atoms."""

import pickle

import numpy as np
from hypothesis import given, strategies as st

from sklearn_agl import AtomicFeatures
from sklearn_agl.features import concatenate

from ._fuzzing import fuzzing

NAN = float("nan")


class Deferred:
    """Values that are there when they are asked for, in the manner of a transformer's."""

    def __init__(self, values):
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def take(self, columns):
        """The same of some columns."""
        return Deferred(self.values[:, columns])

    def compute(self):
        """The values."""
        return self.values


@st.composite
def features(draw, owners):
    """AtomicFeatures, and their model: of each structure pairs of an element and its features.

    The `owners` are the elements of the columns.
    """
    elements = st.lists(st.sampled_from([1, 8]), min_size=1, max_size=4)
    structures = draw(st.lists(elements, min_size=1, max_size=5))
    width = max(map(len, structures)) + draw(st.integers(0, 2))
    kind = draw(st.sampled_from(["tensor", "scattered", "rows", "deferred"]))
    values, numbers = (
        np.full((len(structures), width, len(owners)), NAN),
        np.zeros((len(structures), width), dtype=int),
    )
    counter, model = iter(range(10_000)), []
    for i, own in enumerate(structures):
        numbers[i, : len(own)] = own
        model.append([])
        slots = range(width)
        if kind == "scattered":
            slots = sorted(draw(st.permutations(slots))[: len(own)])
            numbers[i] = 0
            numbers[i, slots] = own
        for slot, z in zip(slots, own, strict=False):
            row = [float(next(counter)) if z == owner else NAN for owner in owners]
            values[i, slot] = row
            model[-1].append((z, row))
    about = {"structures": range(len(model))}
    if kind in ("tensor", "scattered"):
        X = AtomicFeatures(values, numbers, **about)
        assert np.array_equal(X.values, values, equal_nan=True)
        assert np.array_equal(X.numbers, numbers)
        return X, model
    rows, about["n_atoms"] = values[numbers > 0], list(map(len, structures))
    if kind == "rows":
        return AtomicFeatures.from_rows(rows, numbers[numbers > 0], **about), model
    return AtomicFeatures.deferred(Deferred(rows), numbers[numbers > 0], **about), model


def atoms_of(X):
    """What AtomicFeatures hold, in the form of the model."""
    return [
        [(int(z), row.tolist()) for z, row in zip(numbers, values, strict=True) if z]
        for numbers, values in zip(X.numbers, X.values, strict=True)
    ]


def assert_equal(X, model):
    assert repr(atoms_of(X)) == repr(model)  # NaN equals NaN as text
    assert X.n_atoms.tolist() == [len(atoms) for atoms in model]
    assert repr(X.atom_values.tolist()) == repr([row for atoms in model for _, row in atoms])
    assert X.atom_numbers.tolist() == [z for atoms in model for z, _ in atoms]
    assert X.offsets.tolist() == np.cumsum([0, *X.n_atoms]).tolist()
    for atom, where in enumerate(np.argwhere(X.numbers).tolist()):
        assert X.locate(atom) == tuple(where)
    assert X.composition([8, 1]).tolist() == [
        [sum(element == z for element, _ in atoms) for z in (8, 1)] for atoms in model
    ]
    assert len(X) == len(model)
    assert set(X.elements) == {z for atoms in model for z, _ in atoms}
    for z in X.elements:
        rows = np.array([row for atoms in model for element, row in atoms if element == z])
        assert X.columns_of(z).tolist() == np.flatnonzero(~np.isnan(rows).all(axis=0)).tolist()


@st.composite
def rows(draw, n):
    """A row index in one of the forms that numpy takes."""
    whole = st.integers(-n, n - 1)
    kind = draw(st.sampled_from(["slice", "list", "array", "mask", "integer", "dotted"]))
    if kind == "slice":
        return draw(st.slices(n))
    if kind == "integer":
        return draw(whole | st.builds(np.int64, whole))
    if kind == "mask":
        mask = draw(st.lists(st.booleans(), min_size=n, max_size=n))
        return draw(st.sampled_from([mask, np.array(mask)]))
    chosen = draw(st.lists(whole, max_size=6))
    if kind == "dotted":
        return chosen, Ellipsis
    return np.array(chosen, dtype=int) if kind == "array" else chosen


def model_rows(model, index):
    """The model's own answer to a row index."""
    if isinstance(index, slice):
        return model[index]
    if isinstance(index, tuple):
        index = index[0]
    if np.ndim(index) == 0:
        return [model[index]]
    if len(index) and isinstance(index[0], (bool, np.bool_)):
        return [atoms for atoms, kept in zip(model, index, strict=True) if kept]
    return [model[i] for i in index]


@fuzzing(100)
@given(data=st.data())
def test_any_sequence_of_operations(data):
    owners = data.draw(st.lists(st.sampled_from([1, 8]), min_size=1, max_size=4))
    X, model = data.draw(features(owners))
    for _ in range(data.draw(st.integers(1, 4))):
        step = data.draw(st.sampled_from(["rows", "columns", "join", "pickle"]))
        if step == "rows":
            index = data.draw(rows(len(model)))
            model = model_rows(model, index)
            X = X[index]
        elif step == "columns":
            chosen = data.draw(st.lists(st.integers(0, len(owners) - 1), min_size=1, max_size=4))
            mask = [i in chosen for i in range(len(owners))]
            X = X.take_features(mask if data.draw(st.booleans()) else np.flatnonzero(mask))
            model = [
                [(z, [row[i] for i in sorted(set(chosen))]) for z, row in atoms] for atoms in model
            ]
            owners = [owners[i] for i in sorted(set(chosen))]
        elif step == "pickle":
            X = pickle.loads(pickle.dumps(X))
        else:
            other, own = data.draw(features(owners))
            X, model = concatenate([X, other]), model + own
        if not model:
            assert X.shape == (0, X.shape[1], len(owners))
            return
    structures = X.structures
    assert len(structures) == len(model)
    assert_equal(X, model)
