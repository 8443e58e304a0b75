"""Parameters that all share who fit a path."""

import re
from inspect import cleandoc, signature

import pytest

from sklearn_agl import AdaptiveGroupLassoSelector, AdaptiveGroupLassoSelectorCV, group_lasso_path
from sklearn_agl.selection.path._parameters import OF_PARAMETER

DOCUMENTED = [group_lasso_path, AdaptiveGroupLassoSelector, AdaptiveGroupLassoSelectorCV]


@pytest.mark.parametrize("documented", DOCUMENTED)
def test_every_parameter_is_documented_once(documented):
    section = cleandoc(documented.__doc__).split("Parameters\n----------\n")[1].split("\n\n")[0]
    names = re.findall(r"^(\w+) : ", section, flags=re.MULTILINE)
    assert sorted(names) == sorted(signature(documented).parameters)


def test_shared_parameters_have_the_same_defaults():
    for name in OF_PARAMETER:
        found = [signature(one).parameters.get(name) for one in DOCUMENTED]
        assert len({one.default for one in found if one is not None}) == 1
