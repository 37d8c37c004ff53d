"""Aerobic minutes of a week, of moderate effort (rules §6, A-01 to A-05)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from fitsense.training.findings import Finding

WEEKLY_MINUTES = 150
"""A-01: the lower end for adults; any amount counts."""
MOST_MINUTES = 300
SMALL_BASE, SMALL_RISE, RISE_SHARE = 100.0, 15.0, 0.10
HIIT_BASE_WEEKS = 4
EARLY_BIRTH_WEEKS = 6
WALKING_MINUTES = 60
"""C-PP: in the first six weeks short walks, not a target to reach."""


class Aerobic(NamedTuple):
    """Moderate minutes of the week, most sessions of intervals, and why."""

    minutes: int
    hiit: int
    findings: tuple[Finding, ...]


def next_minutes(last_week: float, target: float = WEEKLY_MINUTES) -> float:
    """A-03: +10 %, or +15 minutes below 100; no rise where the target is reached."""
    rise = SMALL_RISE if last_week < SMALL_BASE else RISE_SHARE * last_week
    return min(max(target, last_week), last_week + rise)


def aerobic(
    person: Mapping[str, Any], *, last_week: float | None = None, hiit: bool = True, extra: bool = True
) -> Aerobic:
    """Minutes for a Context as a dict.

    ``last_week`` is what was done, where known (A-03); ``hiit`` is False where sleep or a condition forbids
    intervals; ``extra`` is False where no cardio may be asked for at all (X-ED).
    """
    if not extra:
        return Aerobic(0, 0, ())
    weeks = person.get("postpartum_weeks")
    target = WALKING_MINUTES if weeks is not None and weeks < EARLY_BIRTH_WEEKS else WEEKLY_MINUTES
    minutes = target if last_week is None else int(min(next_minutes(last_week, target), MOST_MINUTES))
    findings = [Finding("A-01", "plan.aerobic", {"minutes": minutes})]
    if last_week is not None and minutes < target:
        findings.append(Finding("A-03", "plan.aerobic_step", {"before": last_week, "minutes": minutes}))
    if person["age"] >= 65:
        findings.append(Finding("A-02", "plan.balance", {"times": 3}))
    if person["conditions"]:
        findings.append(Finding("A-04", "plan.aerobic_as_able", {}))
    return Aerobic(minutes, _hiit(person) if hiit else 0, tuple(findings))


def _hiit(person: Mapping[str, Any]) -> int:
    """A-03: at most twice a week, novices once after a base of 4 weeks, none with a condition."""
    if person["conditions"] or person["age"] >= 65 or person.get("gestation_weeks") is not None:
        return 0
    if person["experience"] == "novice":
        return 1 if person["week"] >= HIIT_BASE_WEEKS else 0
    return 2
