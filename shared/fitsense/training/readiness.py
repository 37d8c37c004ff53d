"""How much a person can take this week: sleep, breaks, illness, deload (rules §4, P-06, D-*, S-*, O-02)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fitsense.training.request import Request

FREE_STEP_PCT = 100.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """Factors on loads and sets, a bound on progress, and the rules that set them.

    ``step_pct`` bounds a load's rise beside P-02; ``compound_factor`` is for multi-joint lifts alone.
    """

    step_pct: float = FREE_STEP_PCT
    load_factor: float = 1.0
    compound_factor: float = 1.0
    set_factor: float = 1.0
    rir_extra: float = 0.0
    max_days: int = 7
    deload: bool = False
    rules: tuple[str, ...] = ()


def e1rm_drops(lifts: Sequence[Mapping[str, Any]], share: float) -> int:
    """D-01a: lifts whose last two weekly e1RMs both lie ``share`` or more below the best of three before."""
    count = 0
    for lift in lifts:
        values = lift["e1rm_kg"]
        if len(values) >= 3:
            best = max(values[-5:-2])
            count += max(values[-2:]) <= best * (1 - share)
    return count


def deload_reason(context: Mapping[str, Any]) -> str:
    """The letter of D-01 that asks for a deload, or nothing. Novices below 8 weeks have none (D-04)."""
    if context["experience"] == "novice" and context["week"] < 8:
        return ""
    if e1rm_drops(context["lifts"], 0.05) >= 2:
        return "a"
    if context["experience"] != "novice" and context["weeks_since_deload"] >= 8:
        return "c"
    sleep = context["sleep_h"]
    if sleep and sleep[-1] < 6 and e1rm_drops(context["lifts"], 0.025) >= 2:
        return "d"
    return ""


def _sleep(context: Mapping[str, Any]) -> Readiness | None:
    mean = context["sleep_h"][-1] if context["sleep_h"] else 8.0
    if mean < 5:
        return Readiness(step_pct=0, load_factor=0.9, set_factor=0.7, rir_extra=2, rules=("S-03",))
    if mean < 6:
        return Readiness(step_pct=0, set_factor=0.75, rules=("S-03",))
    return Readiness(step_pct=2.5, rules=("S-03",)) if mean < 7 else None


def _last_night(hours: float | None) -> Readiness | None:
    if hours is None or hours >= 6:
        return None
    if hours < 5:
        return Readiness(step_pct=0, compound_factor=0.9, rir_extra=2, rules=("S-02",))
    return Readiness(step_pct=0, compound_factor=0.95, rir_extra=1, rules=("S-02",))


def _break(days: int) -> Readiness | None:
    if days < 7:
        return None
    if days < 14:
        return Readiness(step_pct=0, load_factor=0.93, rules=("P-06",))
    if days < 28:
        return Readiness(step_pct=0, load_factor=0.9, set_factor=0.5, rules=("P-06",))
    return Readiness(step_pct=0, load_factor=0.8, set_factor=0.5, max_days=3, rules=("P-06",))


def _ill(kind: str) -> Readiness | None:
    return Readiness(step_pct=0, set_factor=0.5, rir_extra=1, rules=("O-02",)) if kind else None


def readiness(request: Request) -> Readiness:
    """All of it together; the strictest number wins."""
    context = request.context
    deload = (
        Readiness(
            step_pct=0, load_factor=0.9, set_factor=0.5, rir_extra=2, deload=True, rules=("D-01", "D-02")
        )
        if deload_reason(context)
        else None
    )
    found = (
        _sleep(context),
        _last_night(request.last_night_h),
        _break(request.break_days),
        _ill(request.ill),
        deload,
    )
    active = [one for one in found if one is not None]
    if not active:
        return Readiness()
    if len(active) == 1:
        return active[0]
    return Readiness(
        step_pct=min(one.step_pct for one in active),
        load_factor=min(one.load_factor for one in active),
        compound_factor=min(one.compound_factor for one in active),
        set_factor=min(one.set_factor for one in active),
        rir_extra=max(one.rir_extra for one in active),
        max_days=min(one.max_days for one in active),
        deload=any(one.deload for one in active),
        rules=tuple(dict.fromkeys(rule for one in active for rule in one.rules)),
    )
