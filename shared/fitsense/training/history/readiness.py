"""How much a person can take this week: sleep, breaks, illness, deload (rules §4, P-06, D-*, S-*, O-*)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from fitsense.training.findings import Finding
from fitsense.training.history import deload
from fitsense.training.history.log import Log
from fitsense.training.request import Request

FREE_STEP_PCT = 100.0
NEED_H = 7.0
"""S-01."""
JUDGED_NIGHTS = 3
"""S-03 speaks of a week's mean: one or two nights are none (H)."""
CLINICIAN_WEEKS = 2
DELOAD_SETS, DELOAD_LOAD = 0.55, 0.95
"""D-02 allows 0.4 to 0.6 and 0.8 to 1: the mild end loses least, and RIR 4 needs about 5 % less load."""
WEEK_DAYS = 7
BREAK_DAYS = 7
SHORT_BREAK_CAP = 0.95
"""P-06: a break of 7 to 13 days."""
Session = bool | Literal["easy_only"]
Level = Literal["none", "advise_clearance"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Factors on loads and sets, a bound on progress, and the findings that set them.

    ``step_pct`` bounds a load's rise beside P-02; ``compound_factor`` is for multi-joint lifts alone.
    Load factors are shares of the last load before the break or the deload (``anchor``), else of the last.
    """

    step_pct: float = FREE_STEP_PCT
    load_factor: float = 1.0
    """What the load aims at; ``load_cap`` is the most that it may be."""
    compound_factor: float = 1.0
    set_factor: float = 1.0
    rir_extra: float = 0.0
    max_days: int = 7
    deload: bool = False
    rules: tuple[str, ...] = ()
    load_cap: float = FREE_STEP_PCT
    sets_cap: float = FREE_STEP_PCT
    """Largest share of a muscle's weekly sets before (P-06, D-02, S-03)."""
    add_sets: bool = True
    """False: no muscle gets more sets than last week (S-03, D-*, P-06)."""
    session: Session = True
    """Whether there may be a session today (O-02, S-03)."""
    hiit: bool = True
    level: Level = "none"
    """``advise_clearance``: see a clinician before doing more (S-03, O-01)."""
    deload_suggested: bool = False
    novice_block: bool = False
    """P-06: 28 days and more restart as a novice."""
    restart: bool = False
    """D-03: the week after a deload; sets stay in the lower half of the band."""
    half_sessions: int = 0
    """O-02: so many sessions at half volume after an illness."""
    anchor: dt.date | None = None
    """Loads before this day are what a return goes by; None: the last ones."""
    findings: tuple[Finding, ...] = ()
    today: Readiness | None = None
    """What holds for the next session alone (S-02); never for a week."""

    def for_today(self) -> Readiness:
        """As one session: with what last night asks for."""
        return self if self.today is None else replace(_strictest((self, self.today)), today=None)


# ----------------------------------------------------------------------------------------------- sleep


def week_sleep(context: Mapping[str, Any], log: Log | None) -> float | None:
    """Mean hours of the last 7 nights (S-03); None without three nights or a weekly mean."""
    if log is not None and log.sleep_h:
        nights = log.sleep_h[-7:]
        return sum(nights) / len(nights) if len(nights) >= JUDGED_NIGHTS else None
    weeks: Sequence[float] = context["sleep_h"]
    return weeks[-1] if weeks else None


def _sleep(context: Mapping[str, Any], log: Log | None, mean: float | None) -> Readiness | None:
    """S-01 and S-03."""
    if mean is None or mean >= NEED_H:
        return None
    numbers = {"hours": round(mean, 2), "need": NEED_H}
    if mean >= 6:
        return _one("S-03", "adapt.sleep_low", numbers, step_pct=2.5, add_sets=False)
    if mean >= 5:
        return _one(
            "S-03", "adapt.sleep_short", numbers, step_pct=0, set_factor=0.75, sets_cap=0.8, add_sets=False
        )
    weeks = log.sleep_weeks_h if log is not None and log.sleep_weeks_h else context["sleep_h"]
    long = len(weeks) >= CLINICIAN_WEEKS and max(weeks[-CLINICIAN_WEEKS:]) < 5
    return _one(
        "S-03",
        "adapt.sleep_clinician" if long else "adapt.sleep_very_short",
        numbers,
        step_pct=0,
        load_factor=0.9,
        load_cap=1.0,
        set_factor=0.7,
        sets_cap=0.8,
        add_sets=False,
        rir_extra=2,
        session="easy_only",
        hiit=False,
        level="advise_clearance" if long else "none",
    )


def _last_night(request: Request) -> Readiness | None:
    """S-02: of the last night alone, for the next session alone."""
    hours = request.last_night_h
    if hours is None and request.today and request.log is not None and request.log.sleep_h:
        hours = request.log.sleep_h[-1]
    if hours is None or hours >= 6:
        return None
    very = hours < 5
    return _one(
        "S-02",
        "adapt.night_very_short" if very else "adapt.night_short",
        {"hours": hours},
        step_pct=0,
        compound_factor=0.9 if very else 0.95,
        rir_extra=2 if very else 1,
        hiit=not very,
    )


# ---------------------------------------------------------------------------------------------- breaks


def _break(request: Request) -> Readiness | None:
    """P-06: the first week back, or the second where the log shows that the first is done."""
    days = max(request.break_days, (request.log.days_since_last or 0) if request.log is not None else 0)
    # Who lifts once a week has no break after seven days.
    if days >= (BREAK_DAYS if request.context["days_per_week"] > 1 else BREAK_DAYS + 1):
        return _first_week_back(days)
    return _second_week_back(request.log, today=request.today) if request.log is not None else None


def _first_week_back(days: int) -> Readiness:
    numbers = {"days": days}
    if days < 14:
        return _one(
            "P-06",
            "adapt.break_week",
            numbers,
            step_pct=0,
            load_factor=SHORT_BREAK_CAP,
            load_cap=SHORT_BREAK_CAP,
            add_sets=False,
        )
    half: dict[str, Any] = {"step_pct": 0, "set_factor": 0.5, "sets_cap": 0.5, "add_sets": False}
    if days < 28:
        return _one("P-06", "adapt.break_weeks", numbers, load_factor=0.9, load_cap=0.9, **half)
    return _one(
        "P-06",
        "adapt.break_month",
        numbers,
        load_factor=0.8,
        load_cap=0.8,
        max_days=3,
        novice_block=True,
        **half,
    )


def _second_week_back(log: Log, *, today: bool) -> Readiness | None:
    """A pause of 14 to 27 days that ended in the last days, seen in the dates of the sessions."""
    dates = log.dates()
    gaps = [(after, (after - before).days) for before, after in pairwise(dates)]
    if not gaps or log.as_of is None:
        return None
    since, days = next(((day, gap) for day, gap in reversed(gaps) if gap >= 14), (None, 0))
    if since is None:
        return None
    week = (log.as_of - since).days // WEEK_DAYS + (0 if today else 1)
    if week == 0:
        return replace(_first_week_back(days), anchor=since)
    if week > 1:
        return None
    return _one(
        "P-06",
        "adapt.break_second_week",
        {"days": days, "percent": 70},
        set_factor=0.7,
        load_cap=0.9,
        anchor=since,
    )


# ------------------------------------------------------------------------------------ illness, deload


def _ill(kind: str) -> Readiness | None:
    """O-02: the neck check."""
    if not kind:
        return None
    half: dict[str, Any] = {"step_pct": 0, "set_factor": 0.5, "add_sets": False, "hiit": False}
    if kind == "cold":
        return _one("O-02", "adapt.ill_above_neck", {}, rir_extra=1, session="easy_only", **half)
    if kind == "recovered":
        return _one("O-02", "adapt.ill_after", {"sessions": 2}, rir_extra=1, half_sessions=2, **half)
    return _one("O-02", "adapt.ill_fever", {"hours": 24}, rir_extra=1, session=False, half_sessions=2, **half)


def deload_reason(context: Mapping[str, Any]) -> str:
    """The letter of D-01 that asks for a deload, or nothing, as far as a Context tells it."""
    found = deload.deload_finding(context, None, week_sleep(context, None))
    return deload.letters([found]) if found else ""


def _deload(context: Mapping[str, Any], log: Log | None, mean: float | None) -> Readiness | None:
    """D-01 and D-02, or a suggestion; nothing in the week after a deload (D-03)."""
    if found := deload.deload_finding(context, log, mean):
        return Readiness(
            step_pct=0,
            load_factor=DELOAD_LOAD,
            load_cap=1.0,
            set_factor=DELOAD_SETS,
            sets_cap=0.6,
            rir_extra=2,
            add_sets=False,
            deload=True,
            rules=("D-01", "D-02"),
            findings=(
                found,
                Finding("D-02", "adapt.deload_week", {"percent": round(100 * DELOAD_SETS), "rir": 4}),
            ),
        )
    if found := deload.suggestion(context, log):
        return Readiness(deload_suggested=True, findings=(found,))
    if deload.early_novice(context, log) and log is not None and len(log.sore_muscles) >= deload.SORE_MUSCLES:
        return _one("D-04", "adapt.novice_sore", {}, step_pct=0, add_sets=False)
    return None


def _restart(context: Mapping[str, Any], log: Log | None) -> Readiness | None:
    """D-03: back to the load before the deload, or up to 5 % less."""
    weeks = context["weeks_since_deload"] if log is None else log.weeks_since_deload
    if weeks != 0 or context["week"] == 0:
        return None
    dates = log.dates() if log is not None else []
    anchor = dates[-1] - dt.timedelta(days=WEEK_DAYS - 1) if dates else None
    return _one(
        "D-03", "adapt.after_deload", {"percent": 5}, load_cap=1.0, step_pct=0, restart=True, anchor=anchor
    )


def _overreached(context: Mapping[str, Any], log: Log | None, mean: float | None) -> Readiness | None:
    """O-01: stop progression, see a clinician."""
    found = deload.overreaching(context, log, mean)
    if found is None:
        return None
    return Readiness(
        step_pct=0, add_sets=False, hiit=False, level="advise_clearance", rules=("O-01",), findings=(found,)
    )


# ---------------------------------------------------------------------------------------- all together


def _one(rule: str, key: str, numbers: Mapping[str, Any], **bounds: Any) -> Readiness:
    return Readiness(rules=(rule,), findings=(Finding(rule, key, numbers),), **bounds)


def readiness(request: Request) -> Readiness:
    """All of it together; the strictest number wins. Last night is in ``today`` alone, unless a single
    session is asked for.
    """
    context, log = request.context, request.log
    mean = week_sleep(context, log)
    found = (
        _sleep(context, log, mean),
        _break(request),
        _ill(request.ill),
        _restart(context, log),
        _deload(context, log, mean),
        _overreached(context, log, mean),
    )
    active = [one for one in found if one is not None]
    week = _strictest(active) if active else _FREE
    tonight = _last_night(request)
    if tonight is None:
        return week
    ready = replace(week, today=tonight)
    return ready.for_today() if request.today else ready


_FREE = Readiness()


def _strictest(active: Sequence[Readiness]) -> Readiness:
    if len(active) == 1:
        return active[0]
    sessions = [one.session for one in active]
    return Readiness(
        step_pct=min(one.step_pct for one in active),
        load_factor=min(one.load_factor for one in active),
        compound_factor=min(one.compound_factor for one in active),
        set_factor=min(one.set_factor for one in active),
        rir_extra=max(one.rir_extra for one in active),
        max_days=min(one.max_days for one in active),
        deload=any(one.deload for one in active),
        rules=tuple(dict.fromkeys(rule for one in active for rule in one.rules)),
        load_cap=min(one.load_cap for one in active),
        sets_cap=min(one.sets_cap for one in active),
        add_sets=all(one.add_sets for one in active),
        session=False if False in sessions else "easy_only" if "easy_only" in sessions else True,
        hiit=all(one.hiit for one in active),
        level="advise_clearance" if any(one.level != "none" for one in active) else "none",
        deload_suggested=any(one.deload_suggested for one in active),
        novice_block=any(one.novice_block for one in active),
        restart=any(one.restart for one in active),
        half_sessions=max(one.half_sessions for one in active),
        anchor=next((one.anchor for one in active if one.anchor is not None), None),
        findings=tuple(finding for one in active for finding in one.findings),
    )
