"""What a simulated athlete logs, and the request that the engine makes its next plan from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fitsense.simulation.following import Week
from fitsense.simulation.moves import Moves
from fitsense.training.history.e1rm import e1rm
from fitsense.training.history.log import Exposure, Log, lifts_of_log
from fitsense.training.request import Request
from fitsense.training.week.continuity import usual_sets
from fitsense.training.week.volume import HARD_SET_RIR

START = dt.date(2026, 1, 5)
MOST_EXPOSURES = 12
WEEKS_SHOWN = 6
CURRENT_DAYS = 28
"""A lift that was not done for so long is no longer current."""
WEEKS_A_MONTH = 30.4 / 7
FROM_PROFILE = (
    "user_id", "age", "sex", "height_cm", "activity", "goal", "experience", "days_per_week",
    "minutes_per_session", "equipment", "conditions", "medical_clearance", "gestation_weeks",
    "postpartum_weeks", "units", "target_weight_kg", "kcal_target",
)  # fmt: skip
PAIN_NOTE = "My {} ached today."
TIRED_NOTE = "Slept badly this week, dragging."
TIRED_BELOW_H = 6.0


@dataclass
class Diary:
    """One person's log, oldest first."""

    profile: Mapping[str, Any]
    lifts: dict[str, list[Exposure]] = field(default_factory=dict)
    sleep: list[float] = field(default_factory=list)
    nights: tuple[float, ...] = ()
    kcal: list[float] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    planned: list[int] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    deloads: list[bool] = field(default_factory=list)
    last_session: dt.date | None = None
    pain_area: str | None = None
    pain: int = 0
    notes: list[str] = field(default_factory=list)


def request_of(diary: Diary, week: int) -> Request:
    """What the engine may know on the morning of ``week``."""
    monday = START + dt.timedelta(days=7 * week)
    away = (monday - diary.last_session).days if diary.last_session else 7 * week
    return Request(
        context=_context(diary, week, monday),
        break_days=away if away >= 7 else 0,
        log=_log(diary, week, monday, away),
    )


def _context(diary: Diary, week: int, monday: dt.date) -> dict[str, Any]:
    planned, done = sum(diary.planned[-4:]), sum(diary.done[-4:])
    context = {name: diary.profile[name] for name in FROM_PROFILE}
    return context | {
        "gestation_weeks": _later(context["gestation_weeks"], week, 40),
        "postpartum_weeks": _later(context["postpartum_weeks"], week, 10_000),
        "weight_kg": diary.weights[-1] if diary.weights else round(diary.profile["weight_kg"], 1),
        "week": week,
        "adherence": round(min(1.0, done / planned), 2) if planned else 1.0,
        "sleep_h": diary.sleep[-WEEKS_SHOWN:],
        "kcal": diary.kcal[-WEEKS_SHOWN:],
        "weights_kg": diary.weights[-WEEKS_SHOWN:],
        "lifts": lifts_of_log(_current(diary, monday)),
        "weekly_sets": usual_sets(diary.lifts),
        "weeks_since_deload": _since_deload(diary, week),
        "stalled": False,
        "pain_area": diary.pain_area,
        "pain": diary.pain,
        "notes": diary.notes,
    }


def _later(weeks: int | None, passed: int, most: int) -> int | None:
    return None if weeks is None else min(weeks + passed, most)


def _log(diary: Diary, week: int, monday: dt.date, away: int) -> Log:
    return Log(
        lifts={one: tuple(exposures) for one, exposures in diary.lifts.items()},
        sleep_h=diary.nights,
        sleep_weeks_h=tuple(diary.sleep[-WEEKS_SHOWN:]),
        weights_kg=tuple(diary.weights),
        kcal_mean=diary.kcal[-1] if diary.kcal else None,
        weekly_sets=usual_sets(diary.lifts),
        weeks_since_deload=_since_deload(diary, week),
        days_since_last=away if diary.last_session else None,
        as_of=monday,
        training_weeks=int(diary.profile["training_months"] * WEEKS_A_MONTH) + week,
    )


def _since_deload(diary: Diary, week: int) -> int:
    return next((back for back, deload in enumerate(reversed(diary.deloads)) if deload), week)


def _current(diary: Diary, monday: dt.date) -> Log:
    """The lifts of the last weeks."""
    oldest = monday - dt.timedelta(days=CURRENT_DAYS)
    return Log(lifts={one: tuple(found) for one, found in diary.lifts.items() if _date(found[-1]) >= oldest})


@dataclass(frozen=True)
class Days:
    """A week of what is logged beside the sets: (N,) means, NaN where nothing was; the worst pain."""

    nights: list[tuple[float, ...]]
    sleep: list[float]
    kcal: list[float]
    weight: list[float]
    pain: list[int]
    area: list[int]


def write(diaries: list[Diary], moves: Moves, week: Week, number: int, days: Days) -> None:
    """Everybody's log of week ``number``."""
    for person, diary in enumerate(diaries):
        _write_days(diary, moves, days, person)
        diary.planned.append(int(week.planned[person]))
        diary.done.append(int(week.done[person].sum()))
    _write_sets(diaries, moves, week, number)


def _write_days(diary: Diary, moves: Moves, days: Days, person: int) -> None:
    diary.nights = days.nights[person]
    for series, value in (
        (diary.sleep, days.sleep[person]),
        (diary.kcal, days.kcal[person]),
        (diary.weights, days.weight[person]),
    ):
        if value == value:  # NaN: nothing was logged
            series.append(round(value, 1))
    diary.pain = days.pain[person]
    diary.pain_area = moves.pain_areas[days.area[person] - 1] if diary.pain else None
    diary.notes = [PAIN_NOTE.format(diary.pain_area.replace("_", " "))] if diary.pain_area else []
    if days.sleep[person] < TIRED_BELOW_H:
        diary.notes.append(TIRED_NOTE)


def _write_sets(diaries: list[Diary], moves: Moves, week: Week, number: int) -> None:
    orders, sets = week.orders, week.sets
    days = week.weekday[orders.person, orders.session].tolist()
    monday = START + dt.timedelta(days=7 * number)
    rows = zip(
        orders.person.tolist(), orders.exercise.tolist(), orders.sets.tolist(), orders.kg.tolist(),
        days, sets.reps.tolist(), sets.rir.tolist(), strict=True,
    )  # fmt: skip
    for person, exercise, count, kg, day, reps, rir in rows:
        diary, name = diaries[person], moves.ids[exercise]
        date = monday + dt.timedelta(days=day)
        found = _exposure(date, None if kg != kg else kg, tuple(reps[:count]), tuple(rir[:count]))
        history = diary.lifts.setdefault(name, [])
        history.append(found)
        history.sort(key=_date)
        del history[:-MOST_EXPOSURES]
        diary.last_session = max(diary.last_session or date, date)


def _date(one: Exposure) -> dt.date:
    return one.date or START


def _exposure(date: dt.date, kg: float | None, reps: tuple[int, ...], rir: tuple[float, ...]) -> Exposure:
    values = [e1rm(kg, r, spare) for r, spare in zip(reps, rir, strict=True)] if kg else []
    best = max((one for one in values if one is not None), default=None)
    return Exposure(date, kg, reps, rir, best, hard_sets=sum(one <= HARD_SET_RIR for one in rir))
