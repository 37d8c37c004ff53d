"""The week's sets per muscle: caps, what last week allows, deload, minima (V-*, P-05, P-06, D-*, S-03)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fitsense.training.verify.days import sets_of
from fitsense.training.verify.exercises import GRID_TOLERANCE_KG, TOLERANCE
from fitsense.training.verify.ground import Ground, logged_kg
from fitsense.training.verify.sheet import Sheet
from fitsense.training.verify.violation import Numbers, Violation
from fitsense.training.week.balance import GROUPS
from fitsense.training.week.bands import CAP_RULE, CONTINUITY_ADHERENCE, FEWEST_SETS, KEPT_SHARE, least_sets
from fitsense.training.week.volume import weekly_cap

DELOAD_SHARE = (0.4, 0.6)
"""D-02: 40 to 60 % of the sets are cut."""
ONE_SET = 1.0
"""Slack of a sum of sets, which come whole."""


def check_week(ground: Ground, sheet: Sheet) -> Iterator[Violation]:
    """Everything about the week's volume and what it does to the loads."""
    week = sets_of([item for items in sheet.days for item in items])
    level = level_cap(ground)
    for muscle, sets in week.items():
        if sets > level[0] + TOLERANCE:
            yield _above(ground, muscle, sets, level)
        own = ground.caps.get(muscle, level)
        if own != level and sets > own[0] + TOLERANCE:
            yield _above(ground, muscle, sets, own)
    yield from _total(ground, sheet, week)
    yield from _both(ground, sheet, week)
    yield from _deload(ground, sheet)
    yield from _minima(ground, sheet, week)


def level_cap(ground: Ground) -> tuple[float, str]:
    """V-01 to V-03 with V-05: the same for every muscle."""
    experience, own = ground.context["experience"], ground.limits.volume_cap
    cap = weekly_cap(experience, own)
    return cap, "V-05" if own == cap else CAP_RULE[experience]


_CAP_KEY = {
    "P-05": "verify.week_rise",
    "D-03": "verify.week_after_deload",
    "V-04": "verify.week_deficit",
    "S-03": "verify.week_sleep",
    "P-06": "verify.week_break",
    "D-01": "verify.week_deload",
    "D-02": "verify.week_deload",
    "O-02": "verify.week_eased",
    "O-01": "verify.week_eased",
    "D-04": "verify.week_eased",
}


def _above(ground: Ground, muscle: str, found: float, cap: tuple[float, str]) -> Violation:
    allowed, rule = cap
    numbers: Numbers = {"muscle": muscle, "found": round(found, 1), "allowed": round(allowed, 1)}
    if key := _CAP_KEY.get(rule):
        numbers["before"] = round(ground.prior.get(muscle, 0.0), 1)
    return Violation(rule, key or "verify.week_sets", "days", numbers=numbers)


def chosen_deload(ground: Ground, sheet: Sheet) -> bool:
    """A deload that no rule asked for is held to its word, too, if last week was an ordinary one."""
    steady = ground.context["adherence"] >= CONTINUITY_ADHERENCE
    return sheet.deload and not ground.ready.deload and steady


def known_total(ground: Ground, week: Mapping[str, float]) -> tuple[float, float]:
    """Sets of the muscles that were trained last week: this week's and last week's."""
    return sum(week.get(muscle, 0.0) for muscle in ground.prior), sum(ground.prior.values())


def _total(ground: Ground, sheet: Sheet, week: Mapping[str, float]) -> Iterator[Violation]:
    """D-02: what a deload cuts, in all; the muscles' own caps hold what a required one leaves to each."""
    now, before = known_total(ground, week)
    if not sheet.deload or not before:
        return
    low, high = (share * before for share in DELOAD_SHARE)
    if chosen_deload(ground, sheet) and now > high + ONE_SET + TOLERANCE:
        numbers: Numbers = {"found": round(now, 1), "allowed": round(high, 1), "before": round(before, 1)}
        yield Violation("D-02", "verify.total_deload", "days", numbers=numbers)
    elif now < low - ONE_SET:
        numbers = {"found": round(now, 1), "allowed": round(low, 1)}
        yield Violation("D-02", "verify.deload_little", "days", numbers=numbers, severity="warn")


def _both(ground: Ground, sheet: Sheet, week: Mapping[str, float]) -> Iterator[Violation]:
    """P-05: a muscle whose sets rise keeps its loads."""
    for item in (item for items in sheet.days for item in items):
        if item.exercise is None or item.kg is None:
            continue
        muscle, before = item.exercise.primary, logged_kg(ground, item.exercise)
        prior = ground.prior.get(muscle)
        if prior is None or before is None or item.kg <= before + GRID_TOLERANCE_KG:
            continue
        if week[muscle] > prior + TOLERANCE if muscle in week else False:
            numbers: Numbers = {
                "exercise": item.exercise.id,
                "muscle": muscle,
                "found": item.kg,
                "allowed": before,
            }
            yield Violation("P-05", "verify.load_and_sets", "kg", item.day, item.index, numbers)


def _deload(ground: Ground, sheet: Sheet) -> Iterator[Violation]:
    if ground.ready.deload and not sheet.deload:
        yield Violation("D-01", "verify.deload_skipped", "deload")


# -------------------------------------------------------------------------------------------------- minima


def _minima(ground: Ground, sheet: Sheet, week: Mapping[str, float]) -> Iterator[Violation]:
    """What a plan should at least have; a lighter week is meant to have less."""
    if ground.ready.set_factor < 1 or sheet.deload or not sheet.days:
        return
    if ground.goal == "fat_loss" and ground.prior:
        yield from _kept(ground, week)
    if ground.senior and not _balance(sheet):
        yield Violation("C-65", "verify.balance", "days", severity="warn")
    least, rule = _least(ground, sheet)
    for muscles in GROUPS:
        found = max(week.get(muscle, 0.0) for muscle in muscles)
        if found < least - TOLERANCE:
            numbers: Numbers = {"muscle": muscles[0], "found": round(found, 1), "allowed": least}
            yield Violation(rule, "verify.week_little", "days", numbers=numbers, severity="warn")


def _balance(sheet: Sheet) -> bool:
    """Whether any exercise of the week trains balance."""
    exercises = (item.exercise for items in sheet.days for item in items)
    return any(one is not None and one.pattern == "balance" for one in exercises)


def _least(ground: Ground, sheet: Sheet) -> tuple[float, str]:
    context, limits = ground.context, ground.limits
    least = least_sets(context, limits, len(sheet.days))
    if least == FEWEST_SETS:
        return least, "V-07"
    if limits.volume_cap:
        return least, "V-05"
    return least, "V-04" if ground.goal == "strength" else CAP_RULE[context["experience"]]


def _kept(ground: Ground, week: Mapping[str, float]) -> Iterator[Violation]:
    now, before = known_total(ground, week)
    if now < KEPT_SHARE * before - ONE_SET:
        numbers: Numbers = {"found": round(now, 1), "allowed": round(KEPT_SHARE * before, 1)}
        yield Violation("V-04", "verify.kept_little", "days", numbers=numbers, severity="warn")
