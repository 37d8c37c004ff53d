"""When a deload is due (D-01, D-04) and when strength is down for other reasons (O-01).

Estimates run from the oldest to the newest. A Context gives one e1RM a week and no dates; a Log gives
dated sessions with every set.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from fitsense.training.catalog.exercises import COMPOUND, load_catalog
from fitsense.training.findings import Finding
from fitsense.training.history.log import WEEK, Exposure, Log

DROP = 0.05
"""D-01a."""
RIR_DROP = 2.0
"""D-01b."""
RIR_EXPOSURES = 4
LEAST_ALIKE = 2
"""Sets at the same load and repetitions that two sessions must share."""
LIFTS = 2
REQUIRED_WEEKS = 8
SUGGESTED_WEEKS = 6
"""D-01c."""
SHORT_SLEEP_H = 6.0
"""D-01d: below it half the drop is enough."""
NOVICE_WEEKS = 8
"""D-04."""
SORE_MUSCLES = 2
"""D-01e."""
WINDOW_WEEKS = 3
LONG_WINDOW_WEEKS = 8
"""O-01 looks further back than D-01 (H)."""
BREAK_DAYS = 14
"""P-06: from here on a pause has been a rest of its own, and weeks are counted anew."""
LIGHT_WEEK = 0.6
"""A week with at most this share of the usual sets was a deload, whatever it was called (D-02)."""
OVERREACHED = 0.10
"""O-01."""
SIGNS = frozenset({
    "fatigue", "low_mood", "poor_sleep", "resting_hr", "frequent_illness", "appetite", "lost_periods",
    "low_libido",
})  # fmt: skip
NEEDED_SIGNS = 2
AFTER_DELOAD_WEEKS = (1, 2, 3)
NOVICE_MOST_RIR = 4.0
"""M-06: what a novice reports beyond it tells nothing."""

Estimates = Sequence[tuple[dt.date | None, float]]
"""(date or None, e1RM in kg) of one lift."""


class Drop(NamedTuple):
    """A main lift that is down: per cent in the milder of the two exposures."""

    exercise_id: str
    percent: float


def main_lift(exercise_id: str) -> bool:
    """Main lifts are the multi-joint ones; an id that the catalogue lacks is none."""
    exercise = load_catalog().by_id.get(exercise_id)
    return exercise is not None and exercise.pattern in COMPOUND


def estimates_of(context: Mapping[str, Any], log: Log | None) -> dict[str, Estimates]:
    """The e1RMs of every main lift."""
    if log is None:
        return {
            lift["exercise_id"]: [(None, value) for value in lift["e1rm_kg"]]
            for lift in context["lifts"]
            if len(lift["e1rm_kg"]) >= 2 and main_lift(lift["exercise_id"])
        }
    return {
        exercise: [(one.date, one.e1rm_kg) for one in exposures if one.e1rm_kg is not None]
        for exercise, exposures in log.lifts.items()
        if main_lift(exercise)
    }


def _share_down(series: Estimates, place: int, weeks: int = WINDOW_WEEKS) -> float:
    """How far the estimate at ``place`` lies below the best of the ``weeks`` up to it, 0 to 1."""
    date, value = series[place]
    if date is None:
        before = series[max(0, place - weeks) : place]
    else:
        since = date - weeks * WEEK
        before = [one for one in series[:place] if one[0] is not None and one[0] >= since]
    best = max((one[1] for one in before), default=value)
    return 1 - value / best if best > 0 else 0.0


def e1rm_drops(estimates: Mapping[str, Estimates], share: float) -> list[Drop]:
    """D-01a: main lifts at least ``share`` below their 3-week best in each of the last two exposures."""
    found = []
    for exercise, series in estimates.items():
        if len(series) < 3:
            continue
        down = min(_share_down(series, len(series) - 2), _share_down(series, len(series) - 1))
        if down >= share - 1e-9:
            found.append(Drop(exercise, 100 * down))
    return found


def rir_drops(log: Log | None, points: float, most_rir: float = math.inf) -> list[Drop]:
    """D-01b: main lifts whose mean RIR at the same load and repetitions fell by ``points`` or more.

    Reports above ``most_rir`` do not count (M-06), nor do a deload's sets: they were meant to be easy.
    ``Drop.percent`` is the fall in repetitions.
    """
    found = []
    easy = _deload_days(log)
    for exercise, exposures in log.lifts.items() if log is not None else ():
        if not main_lift(exercise):
            continue
        done = [one for one in exposures if one.reps and one.date not in easy][-RIR_EXPOSURES:]
        fall = _fall([_told(one, most_rir) for one in done]) if len(done) > 1 else 0.0
        if fall >= points - 1e-9:
            found.append(Drop(exercise, fall))
    return found


def _deload_days(log: Log | None) -> frozenset[dt.date]:
    """The days of the last deload week, as far as the log tells them."""
    if log is None or log.as_of is None or log.weeks_since_deload is None:
        return frozenset()
    end = log.as_of - dt.timedelta(weeks=log.weeks_since_deload)
    return frozenset(end - dt.timedelta(days=day) for day in range(8))


def _told(one: Exposure, most_rir: float) -> Exposure:
    if most_rir == math.inf:
        return one
    return replace(one, rir=tuple(None if rir is None or rir > most_rir else rir for rir in one.rir))


def _fall(recent: Sequence[Exposure]) -> float:
    """How far the RIR fell up to the last exposure, in the reading that shows most of it.

    From what was usual to the last one (one odd session before it is no usual one); over the last two
    together; or steadily over the last three. RIR is told with an error, so one high report is no base.
    """
    last = recent[-1]
    falls = [fall for one in recent[:-1] if (fall := _rir_fall(one, last)) is not None]
    if not falls:
        return 0.0
    found = [_mean(falls)]
    if len(recent) > 2 and (first := _rir_fall(recent[-3], last)) is not None:
        middle = _rir_fall(recent[-3], recent[-2])
        if middle is not None:
            found.append(min(first, middle))
            found += [first] if 0 < middle < first else []
    return max(found)


def _rir_fall(before: Exposure, after: Exposure) -> float | None:
    """By how much the mean RIR fell at the load and the repetitions that both have; None without any."""
    if before.kg != after.kg:
        return None
    old, new = _rir_by_reps(before), _rir_by_reps(after)
    common = old.keys() & new.keys()
    # One set alike of several tells little: a report is off by nearly one as often as not (M-06).
    alike = min(sum(len(rirs[reps]) for reps in common) for rirs in (old, new))
    if alike < min(LEAST_ALIKE, len(before.reps), len(after.reps)):
        return None
    return _mean([one for reps in common for one in old[reps]]) - _mean(
        [one for reps in common for one in new[reps]]
    )


def _rir_by_reps(exposure: Exposure) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for reps, rir in zip(exposure.reps, exposure.rir, strict=False):
        if rir is not None:
            found.setdefault(reps, []).append(rir)
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


# ------------------------------------------------------------------------------------------- decisions


def weeks_without_deload(context: Mapping[str, Any], log: Log | None) -> int:
    """As stated; else the weeks in a row, at least one, that the log shows without a lighter one or a gap."""
    if log is None:
        weeks: int = context["weeks_since_deload"]
        return weeks
    return (
        log.weeks_since_deload if log.weeks_since_deload is not None else max(1, _heavy_weeks(log.week_sets))
    )


def _heavy_weeks(week_sets: Sequence[int]) -> int:
    trained = sorted(sets for sets in week_sets if sets)
    usual = trained[len(trained) // 2] if trained else 0
    heavy = [sets > LIGHT_WEEK * usual for sets in reversed(week_sets)]
    return heavy.index(False) if False in heavy else len(heavy)


def deload_finding(context: Mapping[str, Any], log: Log | None, sleep_h: float | None) -> Finding | None:
    """The first of D-01 a to e that asks for a deload, with its numbers; None without one.

    ``sleep_h`` is the 7-day mean. Novices below 8 weeks of training have no deload (D-04).
    """
    if early_novice(context, log):
        return None
    weeks = weeks_without_deload(context, log)
    most_rir = NOVICE_MOST_RIR if context["experience"] == "novice" else math.inf
    if weeks and (found := _fatigue(estimates_of(context, log), log, sleep_h, most_rir)):
        return found
    if context["experience"] != "novice" and weeks >= REQUIRED_WEEKS and not _rested(log):
        return Finding("D-01", "adapt.deload_weeks", {"weeks": weeks})
    if log is not None and len(log.sore_muscles) >= SORE_MUSCLES:
        return Finding("D-01", "adapt.deload_sore", {"muscles": len(log.sore_muscles)})
    return None


def _fatigue(
    estimates: Mapping[str, Estimates], log: Log | None, sleep_h: float | None, most_rir: float
) -> Finding | None:
    """D-01 a, b and d. Not asked for right after a deload: what fell, fell before it."""
    if len(drops := e1rm_drops(estimates, DROP)) >= LIFTS:
        return _drop_finding("adapt.deload_strength", drops)
    if len(falls := rir_drops(log, RIR_DROP, most_rir)) >= LIFTS:
        return _fall_finding("adapt.deload_effort", falls)
    if sleep_h is None or sleep_h >= SHORT_SLEEP_H:
        return None
    if len(drops := e1rm_drops(estimates, DROP / 2)) >= LIFTS:
        return _drop_finding("adapt.deload_sleep_strength", drops, sleep=round(sleep_h, 1))
    if len(falls := rir_drops(log, RIR_DROP / 2, most_rir)) >= LIFTS:
        return _fall_finding("adapt.deload_sleep_effort", falls, sleep=round(sleep_h, 1))
    return None


def early_novice(context: Mapping[str, Any], log: Log | None) -> bool:
    """D-04: a novice below 8 weeks of training."""
    weeks = log.training_weeks if log is not None else None
    known: int = context["week"] if weeks is None else weeks
    return context["experience"] == "novice" and known < NOVICE_WEEKS


def _rested(log: Log | None) -> bool:
    return log is not None and (log.days_since_last or 0) >= BREAK_DAYS


def _drop_finding(key: str, drops: Sequence[Drop], **more: float) -> Finding:
    least = min(drop.percent for drop in drops)
    lifts = ", ".join(drop.exercise_id for drop in drops)
    return Finding("D-01", key, {"lifts": len(drops), "percent": round(least, 1), "ids": lifts, **more})


def _fall_finding(key: str, falls: Sequence[Drop], **more: float) -> Finding:
    least = min(fall.percent for fall in falls)
    lifts = ", ".join(fall.exercise_id for fall in falls)
    return Finding("D-01", key, {"lifts": len(falls), "reps": round(least, 1), "ids": lifts, **more})


def suggestion(context: Mapping[str, Any], log: Log | None) -> Finding | None:
    """D-01c: six or seven weeks without a deload suggest one."""
    weeks = weeks_without_deload(context, log)
    if context["experience"] == "novice" or not SUGGESTED_WEEKS <= weeks < REQUIRED_WEEKS or _rested(log):
        return None
    return Finding("D-01", "adapt.deload_soon", {"weeks": weeks})


def overreaching(context: Mapping[str, Any], log: Log | None, sleep_h: float | None) -> Finding | None:
    """O-01: strength down, and at least two signs of it in what the person says.

    Down is a main lift by 10 % or more, or two of them by 5 % although a deload lies one to three weeks back.
    """
    if log is None:
        return None
    signs = log.signs & SIGNS
    signs |= {"poor_sleep"} if sleep_h is not None and sleep_h < SHORT_SLEEP_H else set()
    if len(signs) < NEEDED_SIGNS:
        return None
    series = [one for one in estimates_of(context, log).values() if len(one) >= 2]
    down = sorted((_share_down(one, len(one) - 1, LONG_WINDOW_WEEKS) for one in series), reverse=True)
    unrecovered = (
        log.weeks_since_deload in AFTER_DELOAD_WEEKS and sum(one >= DROP - 1e-9 for one in down) >= LIFTS
    )
    if not down or (down[0] < OVERREACHED - 1e-9 and not unrecovered):
        return None
    return Finding("O-01", "adapt.overreaching", {"percent": round(100 * down[0], 1), "signs": len(signs)})


def letters(findings: Iterable[Finding]) -> str:
    """The letters of D-01 among ``findings``, in their order."""
    return "".join(_LETTERS.get(finding.key, "") for finding in findings)


_LETTERS = {
    "adapt.deload_strength": "a",
    "adapt.deload_effort": "b",
    "adapt.deload_weeks": "c",
    "adapt.deload_sleep_strength": "d",
    "adapt.deload_sleep_effort": "d",
    "adapt.deload_sore": "e",
}
