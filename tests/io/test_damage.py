"""Whatever happens to a file: a clear error, or a potential of finite numbers."""

import shutil
import warnings

import numpy as np
import pytest
from hypothesis import given, strategies as st

from sklearn_agl.io import read_input_data, read_n2p2, write_n2p2
from tests._fuzzing import fuzzing

from ._potentials import fitted_pipeline, make_transformer
from .test_input_data import GOOD

FUZZING = fuzzing(60)
WORDS = st.sampled_from(
    ["", "nan", "-inf", "1e999", "-1", "0", "3", "99999999999", "H", "Xx", "#", "!", "1 2", "\n",
     "t", "é", "1e308", "-1e308", "1e-308", "1e-320", "٣", "0x10", "a", "b"]
) | st.text(max_size=4)  # fmt: skip


@st.composite
def damages(draw):
    """A function that damages a text."""
    place, length = draw(st.floats(0, 1)), draw(st.integers(1, 30))
    word, kind = draw(WORDS), draw(st.sampled_from(["truncate", "cut", "insert", "word", "line"]))

    def damage(text):
        i = int(place * len(text))
        if kind == "truncate" or not text:
            return text[:i]
        if kind == "cut":
            return text[:i] + text[i + length :]
        if kind == "insert":
            return text[:i] + word + text[i:]
        if kind == "word":
            words = text.split(" ")
            words[int(place * (len(words) - 1))] = word
            return " ".join(words)
        lines = text.splitlines(keepends=True)
        del lines[int(place * (len(lines) - 1))]
        return "".join(lines)

    return damage


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("intact")
    write_n2p2(fitted_pipeline(make_transformer(elements=("H", "C", "O"))), folder)
    return folder


@pytest.mark.parametrize("name", ["input.nn", "scaling.data", "weights.006.data"])
@FUZZING
@given(damage=damages(), place=st.floats(0, 1), new=st.binary(max_size=2))
def test_damaged_potentials(intact, tmp_path, name, damage, place, new):
    folder = tmp_path / "damaged"
    shutil.copytree(intact, folder, dirs_exist_ok=True)
    text = damage((intact / name).read_text())
    content = text.encode("utf-8", errors="surrogatepass")
    (folder / name).write_bytes(damage_bytes(content, place, len(new) // 2, new))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* of neither n2p2 nor RuNNer")
        try:
            model = read_n2p2(folder)[-1]
        except ValueError as error:
            assert str(folder) in str(error)
            return
    features, energies = model.potential_.feature_scaler, model.potential_.energy_scaler
    for numbers in (model.weights_, features.offset_, features.divisor_,
                    model.energy_references_, energies.deviation_):  # fmt: skip
        assert np.isfinite(numbers).all()
    assert (features.divisor_ > 0).all()


def damage_bytes(content, place, length, new):
    """Bytes that need not be text any more."""
    i = int(place * len(content))
    return content[:i] + new + content[i + length :]


@FUZZING
@given(damage=damages(), more=damages(), place=st.floats(0, 1), new=st.binary(max_size=4))
def test_damaged_structures(tmp_path, damage, more, place, new):
    path = tmp_path / "input.data"
    content = more(damage(GOOD + GOOD)).encode("utf-8", errors="surrogatepass")
    path.write_bytes(damage_bytes(content, place, len(new) // 2, new))
    try:
        structures = read_input_data(path)
    except ValueError as error:
        assert str(path) in str(error)
        return
    for atoms in structures:
        assert np.isfinite(atoms.positions).all()
        assert np.isfinite(atoms.get_forces()).all()
