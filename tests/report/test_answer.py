"""What a report says, of findings that are made up."""

from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_agl import SymmetryFunction
from sklearn_agl.inspection import PotentialEvaluation
from sklearn_agl.report._answer import answer, cautions
from sklearn_agl.report._findings import Findings

FUNCTIONS = tuple(
    SymmetryFunction("G2", eta=eta, r_cut=6.0, center="Al", neighbors="Al")
    for eta in (0.1, 0.2, 0.3)
)


def an_evaluation(error, n_structures=30, n_functions=2, outside=0, groups=None, forces=True):
    """Energies are wrong by `error` per atom, and components of forces by ten times that."""
    n_atoms = np.full(n_structures, 2)
    energies = np.linspace(-4.0, -3.0, n_structures)
    errors = np.broadcast_to(error, n_structures)
    given = np.zeros((2 * n_structures, 3)) if forces else np.full((2 * n_structures, 3), np.nan)
    atom_extrapolations = np.zeros(2 * n_structures, dtype=int)
    atom_extrapolations[:outside] = 1
    return PotentialEvaluation(
        n_atoms=n_atoms,
        atom_numbers=np.full(2 * n_structures, 13),
        groups=np.array(groups or ["all"] * n_structures),
        energies=energies,
        predicted_energies=energies + errors * n_atoms,
        forces=given,
        predicted_forces=given + 10 * np.max(errors),
        stresses=np.full((n_structures, 3, 3), np.nan),
        predicted_stresses=np.zeros((n_structures, 3, 3)),
        atom_extrapolations=atom_extrapolations,
        symmetry_functions=FUNCTIONS[:n_functions],
        training_ranges=np.array([[0.0, 1.0]] * n_functions),
        ranges=np.array([[0.0, 1.0]] * n_functions),
        n_outside=np.array([outside] + [0] * (n_functions - 1)),
    )


def findings(evaluation, *, n_forces=60, **more):
    model = SimpleNamespace(
        trained_on_={"n_forces": n_forces, "n_energies": 30, "energy": "energy"}
    )
    return Findings([None, model], evaluation, **more)


def test_the_answer():
    text = " ".join(
        answer(
            findings(
                an_evaluation(0.004),
                candidates=FUNCTIONS,
                costs=(10.0, 4.0),
                reference=an_evaluation(0.003, n_functions=3),
            )
        )
    )
    assert text.startswith("2 of 3 symmetry functions are enough: 2 radial and 0 angular.")
    assert "on 30 structures is 4 meV per atom in the energy and 40 meV/Å in a component" in text
    assert "With all 3 functions that carry something, it is 3 meV per atom and 30 meV/Å" in text
    assert text.endswith("4 µs per atom for these functions and 10 µs for all: 2.5 times as fast.")


def test_what_is_not_known_is_not_said():
    text = " ".join(answer(findings(an_evaluation(0.004, forces=False))))
    assert text.startswith("The potential uses 2 symmetry functions")
    assert "force" not in text
    assert "µs" not in text


def test_a_good_potential_needs_no_caution():
    assert cautions(findings(an_evaluation(0.004))) == []


@pytest.mark.parametrize(
    ("evaluation", "more", "words"),
    [
        (an_evaluation(0.004, n_structures=9), {}, "9 structures only"),
        (an_evaluation(0.004), {"n_forces": 0}, "trained on energies alone"),
        (an_evaluation(0.004, outside=30), {}, "50 % of the atoms are outside"),
        (an_evaluation(0.004), {"reference": an_evaluation(0.002)}, "100 % above"),
        (an_evaluation(0.004), {"notes": ("No plugin.",)}, "No plugin."),
        (an_evaluation(0.5), {}, "The error of the energy is 335 % of what there is to predict"),
    ],
)
def test_cautions(evaluation, more, words):
    assert words in " ".join(cautions(findings(evaluation, **more)))


def test_a_bad_group_is_named():
    errors = np.array([0.001] * 25 + [0.01] * 5)
    groups = ["crystal"] * 25 + ["liquid"] * 5
    (text,) = cautions(findings(an_evaluation(errors, groups=groups)))
    assert "Structures of liquid have an error of 10 meV per atom" in text


@pytest.mark.parametrize(("last", "words"), [(0.005, "more data would help"), (0.0099, "hardly")])
def test_whether_more_data_helps(last, words):
    learning = (np.array([10, 20]), None, -np.array([[0.01], [last]]))
    assert words in cautions(findings(an_evaluation(0.004), learning=learning))[-1]
