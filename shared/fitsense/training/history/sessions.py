"""Logged sets as sessions: which sets were work, and which entries cannot be right. Loads in kg.

A log is written by hand: kilograms without their decimal point, both dumbbells as one, warm-ups among
the work. What cannot be right is left out and named; it is never taken as strength.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from fitsense.training.catalog.exercises import Exercise, load_catalog
from fitsense.training.findings import Finding
from fitsense.training.week.volume import HARD_SET_RIR

if TYPE_CHECKING:
    from fitsense.training.case import CaseSet

JUMP = 1.5
"""A load this many times the heaviest of every other day, and seen on one day alone, is a slip (H)."""
JUMP_WITHIN_DAY = 2.5
"""The same for a log of one day, where warm-ups are all that there is to compare with (H)."""
MAX_KG = {"dumbbell": 100.0, "kettlebell": 100.0, "cable": 250.0, "machine": 600.0}
MAX_BAR_KG = 400.0
MAX_REPS = 60
MAX_RIR = 10.0
"""Nobody can tell so many repetitions in reserve: the number is dropped, the set stays."""
MAX_SETS = 10
"""Sets of one exercise a day, as ``records.PlannedExercise`` allows."""
LIGHT_SHARE = 0.75
"""Sets below this share of the day's heaviest load are no work at that load (W-01 ramps to 75 %)."""
RAMP_RIR = 4.0
_WARM_UP_WORDS = ("warm", "calent", "वार्म", "ramp")


class Row(NamedTuple):
    """One logged set. ``kg`` None is body weight or not logged."""

    date: dt.date
    kg: float | None
    reps: int
    rir: float | None
    warm_up: bool


class Session(NamedTuple):
    """One exercise on one day: the work sets at ``kg``; ``work`` also holds those at other loads."""

    date: dt.date
    kg: float | None
    reps: tuple[int, ...]
    rir: tuple[float | None, ...]
    work: tuple[tuple[float | None, int, float | None], ...]
    dropped: bool

    @property
    def hard_sets(self) -> int:
        """Sets that count for volume: RIR up to 4; one without an RIR counts, to be on the safe side."""
        return sum(1 for _, _, rir in self.work if rir is None or rir <= HARD_SET_RIR)


@dataclass(slots=True)
class Sessions:
    """Exercise id → sessions, oldest first, and what was left out."""

    by_exercise: Mapping[str, tuple[Session, ...]]
    findings: tuple[Finding, ...] = field(default=())


def sessions_of(sets: Iterable[CaseSet], as_of: dt.date | None) -> Sessions:
    """Sort sets into sessions. Unknown exercises, future dates, repeats and slips are named, not counted."""
    kept, counts, unknown = _sorted_out(sets, as_of)
    findings = (
        [Finding("E-01", "adapt.log_unknown", {"names": ", ".join(sorted(unknown))})] if unknown else []
    )
    findings += [Finding("P-01", f"adapt.log_{what}", {"count": count}) for what, count in counts.items()]
    by_exercise: dict[str, tuple[Session, ...]] = {}
    for exercise_id, rows in kept.items():
        plausible = _plausible(load_catalog()[exercise_id], rows)
        if odd := len(rows) - len(plausible):
            findings.append(Finding("P-01", "adapt.log_odd", {"exercise": exercise_id, "count": odd}))
        if sessions := _by_day(plausible):
            by_exercise[exercise_id] = sessions
    return Sessions(by_exercise, tuple(findings))


def _sorted_out(
    sets: Iterable[CaseSet], as_of: dt.date | None
) -> tuple[dict[str, list[Row]], Counter[str], set[str]]:
    kept: dict[str, list[Row]] = {}
    counts: Counter[str] = Counter()
    unknown: set[str] = set()
    seen: set[str] = set()
    for one in sets:
        exercise_id = exercise_named(one.exercise)
        if exercise_id is None:
            unknown.add(one.exercise)
        elif as_of is not None and one.date > as_of:
            counts["future"] += 1
        elif _repeated(one, seen):
            counts["repeated"] += 1
        else:
            kept.setdefault(exercise_id, []).append(_row(one))
    return kept, counts, unknown


def _repeated(one: CaseSet, seen: set[str]) -> bool:
    """Equal rows are ordinary straight sets, unless they carry a mark of their own, such as an id."""
    if not one.model_extra:
        return False
    text = one.model_dump_json()
    if text in seen:
        return True
    seen.add(text)
    return False


@cache
def _ids_by_name() -> dict[str, str]:
    catalog = load_catalog()
    names = {name.casefold(): one for table in catalog.names.values() for one, name in table.items()}
    return names | {one.name.casefold(): one.id for one in catalog.by_id.values()}


def exercise_named(text: str) -> str | None:
    """The id that ``text`` is or names, in any language of the catalogue; None for an unknown one."""
    word = text.strip()
    return word.lower() if word.lower() in load_catalog() else _ids_by_name().get(word.casefold())


def _row(one: CaseSet) -> Row:
    note = (one.note or "").casefold()
    rir = one.rir if one.rir is None or one.rir <= MAX_RIR else None
    return Row(one.date, one.weight_kg or None, one.reps, rir, any(word in note for word in _WARM_UP_WORDS))


# ------------------------------------------------------------------------------------ what can be right


def _plausible(exercise: Exercise, rows: Sequence[Row]) -> list[Row]:
    """Rows whose load fits the implement and the rest of the log."""
    most = min((MAX_KG[one] for one in exercise.equipment if one in MAX_KG), default=MAX_BAR_KG)
    # Without a load the number may be seconds held, as of a plank.
    kept = [row for row in rows if (row.kg or 0.0) <= most and (row.reps <= MAX_REPS or not exercise.loaded)]
    while (ceiling := _ceiling(kept)) is not None:
        kept = [row for row in kept if (row.kg or 0.0) <= ceiling]
    return kept


def _ceiling(rows: Iterable[Row]) -> float | None:
    """The load above which the heaviest day of the log is a slip, or None if it is none."""
    best: dict[dt.date, float] = {}
    loads = []
    for row in rows:
        if row.kg is not None:
            best[row.date] = max(best.get(row.date, 0.0), row.kg)
            loads.append(row.kg)
    if len(best) > 1:
        second, first = sorted(best.values())[-2:]
        return JUMP * second if first > JUMP * second else None
    lighter = sorted({*loads})[-2:]
    if len(lighter) == 2 and lighter[1] > JUMP_WITHIN_DAY * lighter[0] and loads.count(lighter[1]) == 1:
        return JUMP_WITHIN_DAY * lighter[0]
    return None


# --------------------------------------------------------------------------------------------- sessions


def _by_day(rows: Iterable[Row]) -> tuple[Session, ...]:
    days: dict[dt.date, list[Row]] = {}
    for row in rows:
        days.setdefault(row.date, []).append(row)
    sessions = (_session(date, days[date]) for date in sorted(days))
    return tuple(session for session in sessions if session is not None)


def _session(date: dt.date, rows: Sequence[Row]) -> Session | None:
    """The day's work; None if not one repetition was done."""
    work = _work(rows)[:MAX_SETS]
    done = [row for row in work if row.reps]
    if not done:
        return None
    counts = Counter(row.kg for row in done)
    # The load with the most sets; of equals the heavier one. A single try above it is no work load.
    kg = max(counts, key=lambda load: (counts[load], load or 0.0))
    own = [row for row in done if row.kg == kg]
    after = work[work.index(own[0]) :]
    return Session(
        date,
        kg,
        tuple(row.reps for row in own),
        tuple(row.rir for row in own),
        tuple((row.kg, row.reps, row.rir) for row in done),
        dropped=any(not row.reps or (row.kg or 0.0) < (kg or 0.0) for row in after),
    )


def _work(rows: Sequence[Row]) -> list[Row]:
    """Without warm-ups: noted as such, far lighter than the heaviest, or a ramp that leads up to it."""
    rows = [row for row in rows if not row.warm_up]
    heaviest = max((row.kg for row in rows if row.kg is not None and row.reps), default=0.0)
    top = next((place for place, row in enumerate(rows) if (row.kg or 0.0) >= heaviest), 0)
    return [
        row
        for place, row in enumerate(rows)
        if (row.kg or 0.0) >= LIGHT_SHARE * heaviest and not (place < top and _is_ramp(row, heaviest))
    ]


def _is_ramp(row: Row, heaviest: float) -> bool:
    return (row.kg or 0.0) < heaviest and (row.rir is None or row.rir >= RAMP_RIR)
