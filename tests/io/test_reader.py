"""Potentials of n2p2: its energies and forces, and what it says of files it cannot use."""

import pickle
import warnings

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.units import Bohr, Hartree
from sklearn.base import clone

from sklearn_agl import AtomicFeatures, SymmetryFunction, SymmetryFunctionTransformer
from sklearn_agl.io import load, read_input_data, read_n2p2, read_symmetry_functions, save
from sklearn_agl.io._keywords import find_unknown, group_by_keyword
from sklearn_agl.io._lines import Line
from sklearn_agl.potentials import predict_forces

from ._folders import (
    COMPLETE,
    SMALL,
    STRUCTURES,
    changed_copy,
    needs_complete_numbers,
    write_tiny,
)


def small_structure():
    data = np.load(SMALL / "prediction.npz")
    return Atoms("Ar256", data["positions"], cell=data["cell"], pbc=True), data


def test_energy_and_forces_equal_n2p2():
    atoms, expected = small_structure()
    pipeline = read_n2p2(SMALL)
    np.testing.assert_allclose(pipeline.predict([atoms]), expected["energy"], rtol=1e-12)
    forces = predict_forces(pipeline, [atoms])[0]
    np.testing.assert_allclose(forces, expected["forces"], rtol=0, atol=1e-11)


@needs_complete_numbers
def test_energy_and_forces_of_water_equal_n2p2():
    folder = COMPLETE / "h2o_rpbe_potential"
    expected = np.load(folder / "predictions.npz")
    structures = read_input_data(folder / "input.data")
    pipeline = read_n2p2(folder)
    np.testing.assert_allclose(pipeline.predict(structures), expected["energy"], rtol=1e-12)
    forces = predict_forces(pipeline, structures)[0]
    np.testing.assert_allclose(forces, expected["forces"], rtol=0, atol=1e-11)


def published(symbol, length=1.0, energy=1.0):
    """Pipeline, test structures, and n2p2's energies and forces in units of Bohr and Hartree."""
    folder = COMPLETE / f"zuo_{symbol.lower()}"
    expected = np.load(folder / "n2p2_predictions.npz")
    structures = [
        Atoms(a.numbers, a.positions / Bohr * length, cell=a.cell / Bohr * length, pbc=True)
        for a in ase.io.read(STRUCTURES / f"mlearn_{symbol}.extxyz.gz", ":")
        if a.info["split"] == "test"
    ]
    forces = np.split(expected["forces"], np.cumsum(expected["n_atoms"])[:-1])
    pipeline = read_n2p2(folder, length_unit=length, energy_unit=energy)
    return pipeline, structures, expected["energy"], forces


def sees_own_images(pipeline, atoms):
    r_cut = max(function.r_cut for function in pipeline[0].symmetry_functions_)
    return 1.0 / atoms.cell.reciprocal().lengths().max() < r_cut


@needs_complete_numbers
@pytest.mark.parametrize("units", [(1.0, 1.0), (Bohr, Hartree)])
@pytest.mark.parametrize("symbol", ["Cu", "Si"])
def test_published_potentials_equal_n2p2(symbol, units):
    length, energy = units
    pipeline, structures, energies, forces = published(symbol, length, energy)
    np.testing.assert_allclose(pipeline.predict(structures), energies * energy, rtol=1e-12)
    # Where an atom sees its own images, n2p2's forces are not the derivatives of its energies.
    large = [i for i, s in enumerate(structures) if not sees_own_images(pipeline, s)]
    assert len(large) > len(structures) / 2
    predicted = predict_forces(pipeline, [structures[i] for i in large])
    for i, own in zip(large, predicted, strict=True):
        np.testing.assert_allclose(own, forces[i] * energy / length, rtol=0, atol=1e-11)


@needs_complete_numbers
def test_forces_in_small_cells_are_derivatives():
    pipeline, structures, _, _ = published("Cu")
    atoms = next(s for s in structures if sees_own_images(pipeline, s))
    force, step, energies = predict_forces(pipeline, [atoms])[0][3, 1], 1e-4, []
    for sign in (1, -1):
        moved = atoms.copy()
        moved.positions[3, 1] += sign * step
        energies.append(pipeline.predict([moved])[0])
    assert force == pytest.approx((energies[1] - energies[0]) / (2 * step), abs=1e-8)


def test_columns_are_in_n2p2_order():
    functions = read_n2p2(SMALL)[0].symmetry_functions_
    angular = [(f.zeta, f.lambda_) for f in functions if f.is_angular]
    assert angular == [(zeta, lambda_) for zeta in (1, 2, 4, 8, 16) for lambda_ in (-1, 1)]


def test_the_unit_of_length_is_in_the_definitions(tmp_path):
    write_tiny(tmp_path, "symfunction_short H 3 H H 0.5 -1 2 4.0 0.2\n", "1 1 0 1 0\n1 2 0 1 0\n",
               "0.7\n0.1\n0.2\n-1.5\n0.3\n")  # fmt: skip
    (tmp_path / "input.nn").write_text(
        (tmp_path / "input.nn").read_text().replace("cutoff_type 1", "cutoff_type 7 0.25")
    )
    pipeline = read_n2p2(tmp_path, length_unit=2.0)
    about = {"eta": 0.125, "r_cut": 8.0, "r_inner": 2.0, "center": "H", "cutoff": "poly3"}
    assert pipeline[0].symmetry_functions_ == (
        SymmetryFunction("G2", r_s=0.2, neighbors="H", **about),
        SymmetryFunction("G4", r_s=0.4, neighbors=("H", "H"), lambda_=-1, zeta=2, **about),
    )


def predict_tiny(folder, value):
    return read_n2p2(folder)[-1].predict(AtomicFeatures([[[value]]], [[1]]))[0]


@pytest.mark.parametrize(
    ("settings", "scaled"),
    [
        ("", 1.5),
        ("center_symmetry_functions\n", 1.5 - 1.25),
        ("scale_symmetry_functions\n", (1.5 - 0.5) / 2.0),
        ("scale_symmetry_functions\ncenter_symmetry_functions\n", (1.5 - 1.25) / 2.0),
        ("scale_symmetry_functions_sigma\n", (1.5 - 1.25) / 0.4),
        (
            "scale_symmetry_functions\nscale_min_short -1\nscale_max_short 2\n",
            -1.0 + 3.0 * (1.5 - 0.5) / 2.0,
        ),
        (
            "scale_symmetry_functions_sigma\nscale_min_short -1\nscale_max_short 2\n",
            -1.0 + 3.0 * (1.5 - 1.25) / 0.4,
        ),
    ],
)
def test_every_way_of_scaling(tmp_path, settings, scaled):
    expected = -1.5 * np.tanh(0.7 * scaled + 0.2) + 0.3
    assert predict_tiny(write_tiny(tmp_path, settings), 1.5) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("letter", "activation"),
    [
        ("t", np.tanh),
        ("s", lambda z: 1.0 / (1.0 + np.exp(-z))),
        ("p", lambda z: np.log(1.0 + np.exp(z))),
        ("r", lambda z: np.maximum(z, 0.0)),
        ("l", lambda z: z),
    ],
)
def test_every_activation(tmp_path, letter, activation):
    write_tiny(tmp_path)
    path = tmp_path / "input.nn"
    path.write_text(path.read_text().replace("short t l", f"short {letter} l"))
    expected = -1.5 * activation(0.7 * 1.5 + 0.2) + 0.3
    assert predict_tiny(tmp_path, 1.5) == pytest.approx(expected, rel=1e-14)


def test_energies_are_in_the_data_sets_own_unit(tmp_path):
    output = -1.5 * np.tanh(0.7 * 1.5 + 0.2) + 0.3
    write_tiny(tmp_path, "mean_energy -3.0\nconv_energy 8.0\nconv_length 1.7\natom_energy H -0.5\n")
    assert predict_tiny(tmp_path, 1.5) == pytest.approx(output / 8.0 - 3.5, rel=1e-14)


TWO_ELEMENTS = """number_of_elements 2
elements O H  ! in any order
cutoff_type 2 0.3  # n2p2 ignores the inner radius here
symfunction_short O 12 0.2 0.1 5.0
symfunction_short H 13 0.3 0.2 -1 2.0 4.0
symfunction_short H 9 O H 0.3 -1 2.0 4.0
"""


def write_two_elements(folder, settings, oxygen, hydrogen):
    (folder / "input.nn").write_text(TWO_ELEMENTS + settings)
    (folder / "scaling.data").write_text("1 1 0 1 0\n1 2 0 1 0\n2 1 0 1 0\n-5.0 -1.0\n")
    rng = np.random.default_rng(0)
    for name, count in (("weights.008.data", oxygen), ("weights.001.data", hydrogen)):
        (folder / name).write_text("\n".join(map(repr, rng.normal(size=count).tolist())))


def test_types_of_two_elements(tmp_path):
    settings = "global_hidden_layers_short 1\nglobal_nodes_short 2\nglobal_activation_short t l\n"
    write_two_elements(tmp_path, settings, 7, 9)
    about = {"eta": 0.3, "zeta": 2.0, "lambda_": -1, "r_cut": 4.0, "center": "H"}
    assert read_n2p2(tmp_path)[0].symmetry_functions_ == (
        SymmetryFunction("G5", neighbors=("H", "O"), cutoff="tanhu", **about),
        SymmetryFunction("G4", weighted=True, r_s=0.2, cutoff="tanhu", **about),
        SymmetryFunction(
            "G2", weighted=True, eta=0.2, r_s=0.1, r_cut=5.0, center="O", cutoff="tanhu"
        ),
    )


@pytest.mark.parametrize(
    "lines",
    [
        "element_nodes_short O 2 3\n",
        "element_nodes_short O 1 2\nelement_nodes_short O 2 3\n",
        "element_nodes_short O 1 2\nelement_nodes_short O 2 3\nelement_activation_short O t t l\n"
        "element_hidden_layers_short O 2\n",
    ],
)
def test_networks_of_different_width(tmp_path, lines):
    settings = "global_hidden_layers_short 2\nglobal_nodes_short 4 2\nglobal_activation_short t t l"
    write_two_elements(tmp_path, f"{settings}\n{lines}", 4 + 9 + 4, 12 + 10 + 3)
    pipeline = read_n2p2(tmp_path)
    X = AtomicFeatures([[[np.nan, np.nan, 0.6]]], [[8]])
    w = np.loadtxt(tmp_path / "weights.008.data")
    first = np.tanh(0.6 * w[:2] + w[2:4])
    second = np.tanh(first @ w[4:10].reshape(2, 3) + w[10:13])
    expected = second @ w[13:16] + w[16]
    np.testing.assert_allclose(pipeline[-1].predict(X), expected, rtol=1e-12)


def test_widths_that_could_be_meant_in_two_ways(tmp_path):
    settings = "global_hidden_layers_short 2\nglobal_nodes_short 1 3\nglobal_activation_short t t l"
    write_two_elements(tmp_path, f"{settings}\nelement_nodes_short O 1 3\n", 12, 13)
    read_n2p2(tmp_path)  # Both mean 1-3.
    path = tmp_path / "input.nn"
    path.write_text(path.read_text().replace("nodes_short O 1 3", "nodes_short O 2 4"))
    with pytest.raises(ValueError, match=r"needs .*1-2-4-1.* or .*1-1-4-1"):
        read_n2p2(tmp_path)


def test_the_pipeline_is_like_a_fitted_one():
    atoms, expected = small_structure()
    pipeline = read_n2p2(SMALL)
    again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_allclose(again.predict([atoms]), expected["energy"], rtol=1e-12)
    assert clone(pipeline)[0].get_params()["cutoff"] == "poly2"
    model = pipeline[-1]
    assert model.n_iter_ == 0
    assert np.isnan(model.validation_rmse_)
    np.testing.assert_array_less(model.feature_ranges_[:, 0], model.feature_ranges_[:, 1])


def test_unknown_keywords_are_named_and_training_is_ignored(tmp_path):
    write_tiny(tmp_path, "epochs 10\nkalman_type 0\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_n2p2(tmp_path)
    write_tiny(tmp_path, "points_in_memory 200\nscale_symetry_functions\nepoch 3\n")
    expected = r"input.nn, line 9: keyword\(s\) scale_symetry_functions, epoch of neither n2p2 nor"
    with pytest.warns(UserWarning, match=expected):
        read_n2p2(tmp_path)
    write_tiny(tmp_path, "\n".join(f"keyword_{i}" for i in range(1000)))
    with pytest.warns(UserWarning, match="keyword_4 and 995 more of neither"):
        read_n2p2(tmp_path)


def test_every_keyword_of_n2p2_is_known():
    """The list is that of its Settings.cpp."""
    lines = [Line(SMALL, 1, (word,)) for word in N2P2_KEYWORDS]
    assert not [line for line in lines if find_unknown(group_by_keyword([line]))]


@pytest.mark.parametrize(
    ("name", "main"),
    [
        ("symfunction", "symfunction_short"),
        ("global_nodes_short_atomic", "global_nodes_short"),
        ("nnp_generation", "nnp_type"),
    ],
)
def test_other_names_of_keywords(tmp_path, name, main):
    write_tiny(tmp_path, "nnp_type 2\n")
    atoms = Atoms("H3", [[0, 0, 0], [0, 0, 1.1], [0, 1.3, 0.2]])
    expected = read_n2p2(tmp_path).predict([atoms])
    path = tmp_path / "input.nn"
    path.write_text(path.read_text().replace(main, name))
    np.testing.assert_array_equal(read_n2p2(tmp_path).predict([atoms]), expected)
    path.write_text(path.read_text() + f"{main} 3\n")
    with pytest.raises(ValueError, match=f"{main} is .*{name}.* on line"):
        read_n2p2(tmp_path)


CHARGES = "initial_hardness H 10.0\nfixed_gausswidth H 0.5\nconv_charge 2.0\newald_alpha 0.2\n"


@pytest.mark.parametrize("line", CHARGES.splitlines())
@pytest.mark.parametrize("says", ["nnp_generation 2\n", "use_short_nn\n"])
def test_charges_count_unless_the_file_says_otherwise(tmp_path, line, says):
    write_tiny(tmp_path, line + "\n")
    with pytest.raises(ValueError, match="line 8: .* belongs to potentials with charges.*nnp_type"):
        read_n2p2(tmp_path)
    write_tiny(tmp_path, says + line + "\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_n2p2(tmp_path)


SET_UP = """number_of_elements 2
elements O H
nnp_generation 4
fixed_gausswidth H 0.5
mean_energy -1.0
conv_energy 2.0
conv_length 3.0
cutoff_type 1 0.25
symfunction O 3 O H 0.1 -1.0 4.0 8.0
symfunction H 2 O 0.2 0.5 8.0
"""
"""Of an untrained potential, and one of the fourth generation."""


def test_functions_of_a_set_up(tmp_path):
    path = tmp_path / "input.nn"
    path.write_text(SET_UP)
    functions = read_symmetry_functions(path)
    settings = {"cutoff": "cosine", "r_inner": 2.0, "r_cut": 8.0}
    assert functions == [
        SymmetryFunction("G2", center="H", neighbors="O", eta=0.2, r_s=0.5, **settings),
        SymmetryFunction(
            "G4", center="O", neighbors=("O", "H"), eta=0.1, zeta=4.0, lambda_=-1, **settings
        ),
    ]
    assert read_symmetry_functions(tmp_path) == functions
    assert read_symmetry_functions(str(path), length_unit=0.5)[0].r_cut == 4.0
    water = [molecule("H2O")]
    expected = SymmetryFunctionTransformer(functions).fit_transform(water).values
    for name in (path, str(path)):
        transformer = SymmetryFunctionTransformer(name).fit(water)
        np.testing.assert_array_equal(transformer.transform(water).values, expected)
        save(transformer, tmp_path / "a.npz")
        assert load(tmp_path / "a.npz").symmetry_functions == str(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("global_symfunction_short 2 0.1 0.0 8.0", "line 11: global_symfunction_short is not supp"),
        ("fc_cosine 1 0.0 12.0", "line 11: fc_cosine is not supported.* RuNNer 2"),
        ("cutoff_alpha 0.3", "line 11: cutoff_alpha is RuNNer's.*: cutoff_type 1 0.3"),
        (
            "symfunction_short H 2 O 0.3 0.5 8.0",
            "line 11: symfunction_short is another name of sym",
        ),
        ("symfunction H 2 O 0.2 0.5 " + 10**6 * "8" + ".x", "line 11: r_cut must be a number"),
    ],
)
def test_functions_that_would_be_missed_are_named(tmp_path, line, message):
    path = tmp_path / "input.nn"
    path.write_text(SET_UP + line)
    with pytest.raises(ValueError, match=message) as caught:
        read_symmetry_functions(path)
    assert len(str(caught.value)) < 1000


def test_a_set_up_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="input.nn does not exist"):
        SymmetryFunctionTransformer(str(tmp_path / "input.nn")).fit([molecule("H2O")])
    with pytest.raises(NotADirectoryError, match="is a file; give the folder"):
        read_n2p2(write_tiny(tmp_path) / "input.nn")


N2P2_KEYWORDS = """
number_of_elements elements atom_energy cutoff_type symfunction_short scale_symmetry_functions
scale_min_short scale_max_short center_symmetry_functions scale_symmetry_functions_sigma
global_hidden_layers_short global_hidden_layers_electrostatic global_nodes_short
global_nodes_electrostatic global_activation_short global_activation_electrostatic
element_hidden_layers_short element_hidden_layers_electrostatic element_nodes_short
element_nodes_electrostatic element_activation_short element_activation_electrostatic
normalize_nodes mean_energy conv_length conv_energy conv_charge nnp_type fixed_gausswidth
ewald_truncation_error_method ewald_prec screen_electrostatics four_pi_epsilon random_seed
test_fraction epochs normalize_data_set use_short_forces rmse_threshold rmse_threshold_energy
rmse_threshold_force rmse_threshold_charge rmse_threshold_trials rmse_threshold_trials_energy
rmse_threshold_trials_force rmse_threshold_trials_charge energy_fraction force_fraction
force_energy_ratio charge_fraction use_old_weights_short use_old_weights_charge weights_min
weights_max initial_hardness nguyen_widrow_weights_short nguyen_widrow_weights_charge
precondition_weights main_error_metric write_trainpoints write_trainforces write_traincharges
write_weights_epoch write_neuronstats write_trainlog repeated_energy_update updater_type
parallel_mode jacobian_mode update_strategy selection_mode selection_mode_energy
selection_mode_force selection_mode_charge task_batch_size_energy task_batch_size_force
task_batch_size_charge gradient_type gradient_eta gradient_adam_eta gradient_adam_beta1
gradient_adam_beta2 gradient_adam_epsilon kalman_type kalman_epsilon kalman_eta kalman_etatau
kalman_etamax kalman_q0 kalman_qtau kalman_qmin kalman_lambda_short kalman_nue_short
memorize_symfunc_results force_weight
nnp_generation nnp_type_gen nnp_gen short_energy_error_threshold short_force_error_threshold
short_energy_fraction short_force_fraction symfunction
""".split()


BAD_SETTINGS = [
    ("normalize_nodes\n", r"line 8: normalize_nodes is not supported"),
    ("nnp_type 4G-HDNNP\n", r"line 8: nnp_type 4G-HDNNP"),
    ("nnp_generation 4\n", r"line 8: nnp_generation 4 is not supported"),
    ("nnp_gen 4\n", r"line 8: nnp_gen 4 is not supported"),
    ("nnp_type_gen 3\n", r"line 8: nnp_type_gen 3 is not supported"),
    ("nn_type_short 2\n", r"line 8: nn_type_short 2 is not supported"),
    ("nnp_type 2\nuse_electrostatics\n", r"line 9: use_electrostatics is not supported.*charges"),
    ("use_vdw\n", r"line 8: use_vdw is not supported.*dispersion"),
    ("scale_feature_maps\n", r"line 8: scale_feature_maps is not supported.*RuNNer 2"),
    ("cutoff_type 2\n", r"line 8: cutoff_type is given twice, first as cutoff_type on line 3"),
    ("mean_energy 2.0\n", r"line 8: mean_energy needs conv_energy"),
    ("mean_energy 2.0\nconv_energy 0\nconv_length 1\n", r"line 9: conv_energy must be positive"),
    ("mean_energy 2.0\nconv_energy 1e-320\nconv_length 1\n", r"line 9: conv_energy is too small"),
    ("atom_energy O -3\n", r"line 8: atom_energy names element 'O'"),
    ("atom_energy H -3\natom_energy H -3\n", r"line 9: atom_energy of H is given twice"),
    ("atom_energy H nan\n", r"line 8: .* must be a number, got 'nan'"),
    ("atom_energy H 1e999\n", r"line 8: .* too large"),
    ("atom_energy H 1_0\n", r"line 8: .* must be a number, got '1_0'"),
    ("scale_symmetry_functions false\n", r"line 8: scale_symmetry_functions needs 0 value"),
    (
        "scale_symmetry_functions_sigma\ncenter_symmetry_functions\n",
        r"line 8: scale_symmetry_functions_sigma contradicts",
    ),
    (
        "scale_symmetry_functions\nscale_min_short 2\n",
        r"line 9: scale_max_short \(1\) must be above scale_min_short \(2\)",
    ),
    ("symfunction_short H 4 H 0.5 0.1 4.0\n", r"line 8: .* type 4 are not supported"),
    ("symfunction_short H 2 O 0.5 0.1 4.0\n", r"line 8: symfunction_short names element 'O'"),
    ("symfunction_short H 2 H 0.5 0.1\n", r"line 8: symfunction_short needs 6 value"),
    ("symfunction_short H 3 H H 0.5 1 4.0\n", r"line 8: symfunction_short needs 8 or 9 value"),
    ("symfunction_short H 2 H -0.5 0.1 4.0\n", r"line 8: eta must be at least 0"),
    ("symfunction_short H 2 H 0.50 0.1 4.0\n", r"line 8: .* that of line 7 again"),
    ("symfunction_short H 3 H H 0.5 0.5 1 4.0\n", r"line 8: lambda_ must be one of"),
    ("symfunction_short H 9 H H 0.5 1 1 4.0 -1\n", r"line 8: r_s is -1: n2p2 takes"),
    ("element_nodes_short H 1 2 3\n", r"line 8: element_nodes_short needs"),
    ("element_activation_short H c l\n", r"line 8: Activation 'c' \(cosine\) .* t \(tanh\)"),
    ("element_activation_short H t\n", r"line 8: element_activation_short needs 2 letters"),
    ("element_activation_short H t t\n", r"line 8: The output layer must be linear"),
]


@pytest.mark.parametrize(("settings", "message"), BAD_SETTINGS)
def test_bad_settings_are_named(tmp_path, settings, message):
    write_tiny(tmp_path, settings)
    with pytest.raises(ValueError, match=f"input.nn, {message}"):
        read_n2p2(tmp_path)


CONTRADICTIONS = [
    ("input", ("elements Ar", "elements Ar Ne"), r"number_of_elements is 1, but elements"),
    ("input", ("elements Ar", "elements Xx"), r"line 3: Unknown chemical symbol 'Xx'"),
    ("input", ("elements Ar", ""), r"input.nn: the keyword elements is missing"),
    ("input", ("symfunction_short Ar 2 Ar 1.6751 0 2.8", ""), r"scaling.data has 22 .* has 21"),
    ("input", ("global_nodes_short 10 10", "global_nodes_short 10 9"), r"weights.*\(22-10-9-1\)"),
    ("input", ("global_nodes_short 10 10", "global_nodes_short 10"), r"needs 2 value"),
    ("input", ("short t t l", "short t s l"), r"different activations, t s"),
    ("scaling", ("        2   8.0782", "        3   8.0782"), r"line 17: Expected function 2"),
    ("scaling", ("1          2   8.0782", "2          2   8.0782"), r"line 17: Element 2 does not"),
    ("scaling", ("1.2776990482555355E+01", "1.2x"), r"line 16: The maximum must be a number"),
    ("scaling", ("1.2776990482555355E+01", "1.0517601022271492E+01"), r"line 16: The range"),
    ("scaling", "# nothing\n", r"scaling.data has 0 symmetry functions, .* has 22"),
    ("weights", ("3.6904600724477226E-04 a", "zero a"), r"line 1: A weight must be a number"),
    ("weights", ("3.6904600724477226E-04 a", "1.0 b"), r"line 1: Expected a weight"),
    ("weights", ("E-04 a         1     0     1     1     1", ""), r"line 1: The line ends"),
    ("weights", "1.0\n2.0\n", r"weights.018.data has 2 weights .* 22 .* needs 351 \(22-10-10-1\)"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "change", "message"), CONTRADICTIONS)
def test_damaged_and_contradicting_files_are_named(tmp_path, file, change, message):
    folder = changed_copy(tmp_path / "potential", **{file: change})
    with pytest.raises(ValueError, match=message):
        read_n2p2(folder)


@pytest.mark.parametrize("name", ["input.nn", "scaling.data", "weights.018.data"])
def test_missing_files_are_named(tmp_path, name):
    folder = changed_copy(tmp_path / "potential")
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} does not exist"):
        read_n2p2(folder)


@pytest.mark.parametrize("unit", [0.0, -1.0, np.nan, "Bohr", True])
def test_units_must_be_positive_numbers(unit):
    with pytest.raises(ValueError, match="length_unit must be a positive number"):
        read_n2p2(SMALL, length_unit=unit)
