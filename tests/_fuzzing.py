"""How many cases the tests with drawn input try."""

from hypothesis import HealthCheck, settings

USUAL = 100
"""Cases of hypothesis' own profiles."""


def fuzzing(cases):
    """Settings for some cases; with HYPOTHESIS_PROFILE=long, for a hundred times as many."""
    return settings(
        max_examples=cases * settings.default.max_examples // USUAL,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
