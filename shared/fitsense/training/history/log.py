"""A person's history as the engine needs it: sessions of each lift, sleep, weight, breaks. Loads in kg.

An RIR that was not logged is None, and None never counts as "at the target RIR" (P-01): whoever does not
say how hard a set was keeps the load. It is no evidence of failure either (P-04).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.findings import Finding
from fitsense.training.history.e1rm import e1rm
from fitsense.training.history.sessions import Session, sessions_of

if TYPE_CHECKING:
    from fitsense.training.case import Case, CaseHistory

WEEK = dt.timedelta(days=7)
RepRange = tuple[int, int]
SUMMARY_WEEKS = 12
"""Weeks of set counts that are looked at for a deload."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """One session of one exercise: its work sets at ``kg``, in the order in which they were done.

    ``rir`` holds None where none was logged; ``e1rm_kg`` is the session's best estimate (M-05), or None.
    Without a date it comes from a Context: ``reps`` is empty where only a week's e1RM is known.
    """

    date: dt.date | None
    kg: float | None
    reps: tuple[int, ...]
    rir: tuple[float | None, ...]
    e1rm_kg: float | None
    dropped: bool = False
    """A later set was lighter or failed outright: not all sets were done at ``kg``."""
    hard_sets: int = 0


@dataclass(frozen=True, slots=True)
class Log:
    """What was logged; None, or empty, is unknown. Sequences run from the oldest to the newest."""

    lifts: Mapping[str, tuple[Exposure, ...]] = field(default_factory=dict)
    """Exercise id → its sessions."""
    target_reps: Mapping[str, RepRange] = field(default_factory=dict)
    """Exercise id ("" for all) → the repetition range that the sets aimed at."""
    sleep_h: tuple[float, ...] = ()
    """The last nights, at most 7."""
    sleep_weeks_h: tuple[float, ...] = ()
    """Weekly means."""
    weights_kg: tuple[float, ...] = ()
    """Weekly means."""
    kcal_mean: float | None = None
    weekly_sets: Mapping[str, float] = field(default_factory=dict)
    """Muscle → fractional hard sets of last week."""
    weeks_since_deload: int | None = None
    days_since_last: int | None = None
    training_weeks: int | None = None
    sore_muscles: frozenset[str] = frozenset()
    """Muscles at 7/10 or more for 72 hours (D-01e)."""
    as_of: dt.date | None = None
    signs: frozenset[str] = frozenset()
    """Signs of O-01 from notes: see ``deload.SIGNS``."""
    pain_before: bool = False
    """A painful area of the last weeks has come good: the return is bound by P-02's 5 %."""
    week_sets: tuple[int, ...] = ()
    """Hard sets of the last 7-day blocks up to ``as_of``."""
    findings: tuple[Finding, ...] = ()
    """What in the log was not counted, and why."""

    def dates(self) -> list[dt.date]:
        """Days with a session, oldest first."""
        found = (one.date for exposures in self.lifts.values() for one in exposures)
        return sorted({date for date in found if date is not None})


# ----------------------------------------------------------------------------------------- from a case


def log_of_case(case: Case) -> Log:
    """The log of a case. What cannot be counted is left out and named in ``findings``."""
    history = case.history
    read = sessions_of(history.sets, history.as_of)
    lifts = {
        exercise: tuple(_exposure(session) for session in sessions)
        for exercise, sessions in read.by_exercise.items()
    }
    last = max((one.date for sessions in read.by_exercise.values() for one in sessions), default=None)
    as_of = history.as_of or last
    return Log(
        lifts=lifts,
        target_reps=_targets(case),
        sleep_h=tuple(history.sleep_h_last7[-7:]),
        weights_kg=tuple(history.weight_7d_means),
        kcal_mean=history.kcal_7d_mean,
        weekly_sets=_weekly_sets(history, read.by_exercise, last),
        weeks_since_deload=history.weeks_since_deload,
        days_since_last=_days_since(history, last),
        training_weeks=history.training_weeks,
        as_of=as_of,
        week_sets=_week_sets(read.by_exercise, as_of),
        findings=read.findings,
    )


def _exposure(session: Session) -> Exposure:
    estimates = [e1rm(kg, reps, rir) for kg, reps, rir in session.work if kg and rir is not None]
    best = max((one for one in estimates if one is not None), default=None)
    return Exposure(
        session.date, session.kg, session.reps, session.rir, best, session.dropped, session.hard_sets
    )


def _targets(case: Case) -> dict[str, RepRange]:
    """Ranges by exercise id; a history's own go before the profile's."""
    found: dict[str, RepRange] = {}
    for target in (case.profile.target_range, case.history.target_range):
        if isinstance(target, Mapping):
            found |= {exercise: _ordered(reps) for exercise, reps in target.items()}
        elif target is not None:
            found[""] = _ordered(target)
    return found


def _ordered(reps: RepRange) -> RepRange:
    return (min(reps), max(reps))


def _days_since(history: CaseHistory, last: dt.date | None) -> int | None:
    """As stated, else from the dates: a log may hold only some of the sessions."""
    if history.days_since_last_session is not None:
        return history.days_since_last_session
    return (history.as_of - last).days if history.as_of and last else None


_MUSCLE_NAMES = {
    "back": ("lats", "upper_back"), "hams": ("hamstrings",), "delts": ("side_delt",),
    "shoulders": ("side_delt",), "side_delts": ("side_delt",), "rear_delts": ("rear_delt",),
    "front_delts": ("front_delt",), "quadriceps": ("quads",), "abdominals": ("abs",), "core": ("abs",),
    "calf": ("calves",), "glute": ("glutes",),
}  # fmt: skip


def _weekly_sets(
    history: CaseHistory, lifts: Mapping[str, Iterable[Session]], last: dt.date | None
) -> dict[str, float]:
    """As stated, else the fractional hard sets of the 7 days up to the last session."""
    total: dict[str, float] = {}
    for muscle, sets in history.prior_week_sets.items():
        name = muscle.strip().lower().replace(" ", "_")
        total |= dict.fromkeys(_MUSCLE_NAMES.get(name, (name,)), sets)
    if total or last is None:
        return total
    catalog = load_catalog().by_id
    for exercise, sessions in lifts.items():
        hard = sum(session.hard_sets for session in sessions if session.date > last - WEEK)
        for muscle, credit in catalog[exercise].credit if hard else ():
            total[muscle] = total.get(muscle, 0.0) + credit * hard
    return total


def _week_sets(lifts: Mapping[str, Iterable[Session]], as_of: dt.date | None) -> tuple[int, ...]:
    if as_of is None:
        return ()
    blocks = [0] * SUMMARY_WEEKS
    for sessions in lifts.values():
        for session in sessions:
            back = (as_of - session.date).days // 7
            if 0 <= back < SUMMARY_WEEKS:
                blocks[SUMMARY_WEEKS - 1 - back] += session.hard_sets
    first = next((place for place, sets in enumerate(blocks) if sets), SUMMARY_WEEKS)
    return tuple(blocks[first:])


# -------------------------------------------------------------------------------------- from a context


def exposures_of(lift: Mapping[str, Any]) -> tuple[Exposure, ...]:
    """A Context's lift: one exposure a week with its e1RM alone, the last with its sets."""
    values = lift["e1rm_kg"]
    before = [Exposure(None, None, (), (), value) for value in values[:-1]]
    last = Exposure(
        None,
        lift["weight_kg"],
        tuple(lift["reps"]),
        tuple(lift["rir"]),
        values[-1] if values else None,
        hard_sets=len(lift["reps"]),
    )
    return (*before, last)


def log_of_context(context: Mapping[str, Any]) -> Log:
    """The log as far as a Context tells it: last sessions, weekly means, no dates and no single nights."""
    return Log(
        lifts={lift["exercise_id"]: exposures_of(lift) for lift in reversed(context["lifts"])},
        sleep_weeks_h=tuple(context["sleep_h"]),
        weights_kg=tuple(context["weights_kg"]),
        kcal_mean=context["kcal"][-1] if context["kcal"] else None,
        weekly_sets=context["weekly_sets"],
        weeks_since_deload=context["weeks_since_deload"],
        training_weeks=context["week"],
    )


LIFT_ESTIMATES = 6


def lifts_of_log(log: Log) -> list[dict[str, Any]]:
    """The ``lifts`` of a Context (``records.Lift``), the most recent first; unlogged RIR is left out."""
    order = sorted(log.lifts, key=lambda one: log.lifts[one][-1].date or dt.date.min, reverse=True)
    return [_lift(exercise, log.lifts[exercise]) for exercise in order]


def _lift(exercise: str, exposures: tuple[Exposure, ...]) -> dict[str, Any]:
    last = exposures[-1]
    estimates = [round(one.e1rm_kg, 1) for one in exposures if one.e1rm_kg is not None]
    return {
        "exercise_id": exercise,
        "weight_kg": last.kg,
        "reps": list(last.reps),
        "rir": [rir for rir in last.rir if rir is not None],
        "e1rm_kg": estimates[-LIFT_ESTIMATES:],
    }
