"""How much is tried: little and always the same in the default run, thousands in ``-m slow``."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


def tried(times: int) -> settings:
    """The same examples in every run; what fails is made small, within reason."""
    return settings(
        max_examples=times,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=_CHECKS,
        report_multiple_bugs=False,
    )


def widely(times: int) -> settings:
    """Thousands of other examples: what fails is shown as it was found, since making it small takes hours."""
    return settings(tried(times), derandomize=False, phases=[Phase.generate])
