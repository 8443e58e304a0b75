"""Bad input for every public object: what is called, and which words the error must have."""

from tests.bad_input._of_estimators import (
    rows_after_fit,
    rows_of_features,
    rows_of_fit,
    rows_of_parameters,
    rows_of_the_path,
)
from tests.bad_input._of_functions import (
    rows_of_comparisons,
    rows_of_data_sets,
    rows_of_figures,
    rows_of_files,
    rows_of_metrics,
    rows_of_paths,
    rows_of_potentials,
)
from tests.bad_input._of_structures import rows_of_definitions, rows_of_structures

SOURCES = [
    rows_of_fit, rows_of_the_path, rows_of_parameters, rows_of_features, rows_after_fit,
    rows_of_structures, rows_of_definitions, rows_of_potentials, rows_of_files, rows_of_data_sets,
    rows_of_metrics, rows_of_comparisons, rows_of_figures, rows_of_paths,
]  # fmt: skip
