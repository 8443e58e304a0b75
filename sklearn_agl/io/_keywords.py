"""What the keywords of input.nn mean, those of n2p2 and those of RuNNer, which has the same file.

n2p2's are the ones in its ``Settings.cpp`` (commit 61daa0d), RuNNer's those of its version 1.
"""

ALIASES = {
    "nnp_generation": "nnp_type",
    "nnp_type_gen": "nnp_type",
    "nnp_gen": "nnp_type",
    "nn_type": "nn_type_short",
    "symfunction": "symfunction_short",
    "global_nodes_short_atomic": "global_nodes_short",
    "scale_min_short_atomic": "scale_min_short",
    "scale_max_short_atomic": "scale_max_short",
}
"""Other names of keywords that are read."""

ONCE = frozenset(
    """
    number_of_elements elements cutoff_type scale_symmetry_functions scale_min_short scale_max_short
    center_symmetry_functions scale_symmetry_functions_sigma global_hidden_layers_short
    global_nodes_short global_activation_short mean_energy conv_energy conv_length nnp_type
    nn_type_short cutoff_alpha use_short_nn
    """.split()
)
"""Keywords that are read and may stand in a file once."""

REPEATED = frozenset(
    """
    symfunction_short atom_energy element_hidden_layers_short element_nodes_short
    element_activation_short
    """.split()
)
"""Keywords that are read and may stand in a file several times."""

CHARGES = frozenset(
    """
    global_hidden_layers_electrostatic global_nodes_electrostatic global_activation_electrostatic
    element_hidden_layers_electrostatic element_nodes_electrostatic
    element_activation_electrostatic conv_charge initial_hardness fixed_gausswidth
    ewald_truncation_error_method ewald_prec screen_electrostatics four_pi_epsilon

    electrostatic_type nn_type_elec ewald_alpha ewald_cutoff ewald_kmax fixed_charge
    symfunction_electrostatic global_symfunction_electrostatic global_symfunction_elec
    element_symfunction_electrostatic global_output_nodes_electrostatic enforce_totcharge
    """.split()
)
"""Keywords of charges, which count unless another line says that there are none."""

HARMLESS = frozenset(
    """
    random_seed test_fraction epochs normalize_data_set use_short_forces rmse_threshold
    rmse_threshold_energy rmse_threshold_force rmse_threshold_charge rmse_threshold_trials
    rmse_threshold_trials_energy rmse_threshold_trials_force rmse_threshold_trials_charge
    short_energy_error_threshold short_force_error_threshold energy_fraction force_fraction
    charge_fraction short_energy_fraction short_force_fraction force_energy_ratio
    use_old_weights_short use_old_weights_charge weights_min weights_max
    nguyen_widrow_weights_short nguyen_widrow_weights_charge precondition_weights
    main_error_metric write_trainpoints write_trainforces write_traincharges write_weights_epoch
    write_neuronstats write_trainlog repeated_energy_update updater_type parallel_mode
    jacobian_mode update_strategy selection_mode selection_mode_energy selection_mode_force
    selection_mode_charge task_batch_size_energy task_batch_size_force task_batch_size_charge
    gradient_type gradient_eta gradient_adam_eta gradient_adam_beta1 gradient_adam_beta2
    gradient_adam_epsilon kalman_type kalman_epsilon kalman_eta kalman_etatau kalman_etamax
    kalman_q0 kalman_qtau kalman_qmin kalman_lambda_short kalman_nue_short
    memorize_symfunc_results force_weight

    analyze_composition analyze_error analyze_error_charge_step analyze_error_energy_step
    analyze_error_force_step atom_mass biasweights_max biasweights_min bond_threshold
    calculate_final_force calculate_forces calculate_frequencies calculate_hessian
    calculate_normalmodes calculate_stress charge_error_threshold charge_group
    charge_grouping_by_structure charge_update_scaling check_forces check_input_forces
    data_clustering debug_mode detailed_timing detailed_timing_epoch detect_saturation
    dynamic_force_grouping element_decoupled_forces_v2 element_decoupled_kalman
    enable_on_the_fly_input energy_threshold enforce_max_num_neighbors_atomic
    environment_analysis find_contradictions fitmode fitting_unit fix_weights
    fixed_short_energy_error_threshold fixed_short_force_error_threshold
    force_grouping_by_structure force_threshold force_update_scaling global_output_nodes_short
    growth_mode initialization_only ion_forces_only joint_energy_force_update kalman_damp_charge
    kalman_damp_force kalman_damp_short kalman_lambda_charge kalman_lambda_charge_constraint
    kalman_nue_charge kalman_nue_charge_constraint max_energy max_force
    maxnum_extrapolation_warnings md_mode mix_all_points nguyen_widrow_weights_ewald noise_charge
    noise_energy noise_force optmode_charge optmode_short_energy optmode_short_force
    points_in_memory prepare_md print_all_deshortdw print_all_dfshortdw
    print_all_electrostatic_weights print_all_short_weights print_convergence_vector
    print_date_and_time print_force_components print_mad print_sensitivity random_number_type
    random_order_training read_kalman_matrices read_unformatted remove_atom_energies reset_kalman
    restrict_weights runner_mode save_kalman_matrices scale_max_elec scale_min_elec
    separate_bias_ini_short separate_kalman_short short_energy_group short_force_group
    shuffle_weights_short_atomic silent_mode steepest_descent_step_charge
    steepest_descent_step_energy_short steepest_descent_step_force_short symfunction_correlation
    total_charge_error_threshold update_single_element update_worst_charges
    update_worst_short_energies update_worst_short_forces use_atom_charges use_atom_energies
    use_charge_constraint use_damping use_noisematrix use_old_scaling use_omp_mkl use_sf_groups
    use_systematic_weights_electrostatic use_systematic_weights_short vdw_coefficient
    vdw_screening vdw_type weight_analysis weight_constraint weighte_constraint weightse_max
    weightse_min write_binding_energy_only write_fit_statistics write_pdb write_pov write_pwscf
    write_symfunctions write_temporary_weights write_unformatted write_xyz

    global_hidden_layers_pair global_nodes_pair global_nodes_short_pair global_activation_pair
    global_output_nodes_pair element_hidden_layers_pair element_nodes_pair element_activation_pair
    pairsymfunction_short element_pairsymfunction_short global_pairsymfunction_short
    global_symfunction_short_pair scale_min_short_pair scale_max_short_pair
    """.split()
)
"""Keywords that change no prediction: first n2p2's of the training, then RuNNer's of the training
and the output, then RuNNer's of networks of pairs, which `nn_type_short` switches on."""

_BY_ELEMENT = "symmetry functions defined for several elements by one line"
_RUNNER_2 = "set-ups of RuNNer 2"
OTHER_FUNCTIONS = {
    **dict.fromkeys(
        (
            "global_symfunction_short",
            "global_symfunction_short_atomic",
            "element_symfunction_short",
        ),
        _BY_ELEMENT,
    ),
    **dict.fromkeys(
        (
            *("fc_hard", "fc_cosine", "fc_tanhu", "fc_tanh", "fc_exp"),
            *("fc_poly1", "fc_poly2", "fc_poly3", "fc_poly4"),
        ),
        _RUNNER_2,
    ),
}
"""Keywords that define symmetry functions in ways that are not read, and what these are."""

OTHER_POTENTIALS = {
    "normalize_nodes": "networks that divide each sum by the number of its terms",
    "committee_mode": "committees of networks",
    "committee_dir_prefix": "committees of networks",
    "node_activation_short": "layers of nodes with different activations",
    "use_electrostatics": "charges",
    "use_electrostatic_nn": "charges",
    "use_fixed_charges": "charges",
    "use_vdw": "dispersion beside the networks",
    **dict.fromkeys(
        (
            *("default_nodes", "default_activation_nn", "model_type_short"),
            *("feature_map_default", "scale_feature_maps", "center_feature_maps"),
        ),
        _RUNNER_2,
    ),
}
"""Keywords of potentials that would be something else without them, and what they stand for."""

GENERATIONS = {"nnp_type": ("2G-HDNNP", "2G", "2"), "nn_type_short": ("1",)}
"""Values of short-range potentials with one network per element; n2p2 takes others for "2", too."""


def group_by_keyword(lines):
    """Lines of an input.nn by keyword, those of other names under the one that is read.

    Parameters
    ----------
    lines : list of Line

    Returns
    -------
    dict of str to list of Line

    Raises
    ------
    ValueError
        With file and line, if one keyword has two names, or is repeated and must not be.
    """
    groups = {}
    for line in lines:
        groups.setdefault(ALIASES.get(line.words[0], line.words[0]), []).append(line)
    for keyword, found in groups.items():
        first = found[0]
        for other in found[1:]:
            if keyword in ONCE:
                raise other.error(
                    f"{other.words[0]} is given twice, first as {first.words[0]} on line "
                    f"{first.number}."
                )
            if other.words[0] != first.words[0] and keyword in REPEATED:
                raise other.error(
                    f"{other.words[0]} is another name of {first.words[0]}, which is on line "
                    f"{first.number}; n2p2 refuses files with both. Keep one name."
                )
    return groups


def find_unknown(groups):
    """Lines of keywords that neither n2p2 nor RuNNer has, one of each keyword."""
    known = ONCE | REPEATED | CHARGES | HARMLESS | OTHER_FUNCTIONS.keys() | OTHER_POTENTIALS.keys()
    return [found[0] for keyword, found in groups.items() if keyword not in known]


def refuse_other_functions(groups):
    """Refuse definitions of symmetry functions that would be missed.

    Raises
    ------
    ValueError
        With file and line.
    """
    _refuse(groups, OTHER_FUNCTIONS)
    for line in groups.get("cutoff_alpha", []):
        line.check_length(1)
        if line.real(1, "cutoff_alpha") != 0.0:
            raise line.error(
                "cutoff_alpha is RuNNer's, and n2p2 would ignore it. Write the fraction as the "
                f"second number behind cutoff_type, as in: cutoff_type 1 {line.words[1]}"
            )


def refuse_other_potentials(groups):
    """Refuse potentials whose energies are not sums of one network per atom.

    Raises
    ------
    ValueError
        With file and line.
    """
    _refuse(groups, OTHER_POTENTIALS)
    for keyword, values in GENERATIONS.items():
        for line in groups.get(keyword, []):
            line.check_length(1)
            if line.words[1] not in values:
                raise line.error(
                    f"{line.words[0]} {line.words[1]} is not supported; only short-range "
                    f"potentials with one network per element ({line.words[0]} {values[-1]}) are."
                )
    if groups.keys() & {"nnp_type", "use_short_nn"}:
        return
    for keyword in groups:
        if keyword in CHARGES:
            raise groups[keyword][0].error(
                f"{keyword} belongs to potentials with charges, which are not supported, and the "
                "file does not say that it is another one. If it is short-ranged, as n2p2 would "
                "take it, add the line: nnp_type 2"
            )


def _refuse(groups, meanings):
    for keyword, meaning in meanings.items():
        if keyword in groups:
            raise groups[keyword][0].error(
                f"{keyword} is not supported: this package has no {meaning}."
            )
