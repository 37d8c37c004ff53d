"""A session and the days of a week: time, session volume, number and spacing of days (T-01, V-06, F-*)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from fitsense.training.verify.exercises import TOLERANCE
from fitsense.training.verify.ground import Ground
from fitsense.training.verify.sheet import Item, Sheet
from fitsense.training.verify.violation import WHOLE, Numbers, Violation
from fitsense.training.week.prescription import SESSION_START_MIN, exercise_minutes
from fitsense.training.week.split import MAX_DAYS, RESTED_DAYS, day_offsets, resistance_days
from fitsense.training.week.volume import HARD_SET_RIR, MAJOR, SESSION_CAP

LEAST_DAYS = {"novice": 2, "intermediate": 3, "advanced": 4}
"""F-01."""
MOST_DAYS = 6
"""F-03: one full day of rest a week."""
MOST_IN_A_ROW = 3
"""F-03."""
REST_BETWEEN_DAYS = 2
"""F-02: 48 hours between hard sessions of a muscle."""
HARD_SESSION_SETS = 3
"""House: fewer primary sets of a muscle than this are no hard session for it."""
Volume = dict[str, float]


def check_days(ground: Ground, sheet: Sheet) -> Iterator[Violation]:
    """Everything about days but the week's volume."""
    yield from _number(ground, sheet)
    yield from _in_a_row(sheet)
    yield from _apart(ground, sheet)
    yield from _spacing(sheet)
    yield from _frequency(ground, sheet)
    for number, items in enumerate(sheet.days):
        yield from _twice(items)
        yield from _minutes(ground, number, items)
        yield from _session_caps(ground, number, items)


def sets_of(items: Sequence[Item]) -> Volume:
    """Fractional sets per muscle of what can be read."""
    total: Volume = {}
    for item in items:
        if item.exercise is not None and item.sets is not None and item.sets > 0:
            for muscle, credit in item.exercise.credit:
                total[muscle] = total.get(muscle, 0.0) + credit * item.sets
    return total


def most_days(ground: Ground) -> tuple[int, str]:
    """F-01 with F-03, a condition's bound and a return's: most days, and the rule that says so."""
    context, limits, ready = ground.context, ground.limits, ground.ready
    most, rule = resistance_days(context, limits, ready), "F-01"
    if most == ready.max_days < min(context["days_per_week"], limits.max_days):
        rule = ground.eased_by(rule)
    elif most == limits.max_days < min(context["days_per_week"], MAX_DAYS[context["experience"]]):
        rule = ground.bound_by(lambda one: one.max_days == most, rule)
    careful = ground.novice or ground.senior or bool(context["conditions"])
    rested = RESTED_DAYS if careful else MOST_DAYS
    return (most, rule) if most <= rested else (rested, "F-03")


def _number(ground: Ground, sheet: Sheet) -> Iterator[Violation]:
    (most, rule), found = most_days(ground), sheet.written_days
    numbers: Numbers = {"found": found, "allowed": most}
    if found > most:
        yield Violation(rule, "verify.days_many", "days", numbers=numbers)
    elif not found:
        yield Violation("F-01", "verify.no_days", "days")
    elif found < min(LEAST_DAYS[ground.context["experience"]], most):
        numbers = {"found": found, "allowed": min(LEAST_DAYS[ground.context["experience"]], most)}
        yield Violation("F-01", "verify.days_few", "days", numbers=numbers, severity="warn")


def offsets_of(sheet: Sheet) -> Sequence[int]:
    """Days from the start of the week: as the plan says, or as the days are laid out where it does not."""
    if sheet.offsets is not None:
        return sheet.offsets
    number = len(sheet.days)
    return day_offsets(number) if 1 <= number <= 6 else range(number)


def _in_a_row(sheet: Sheet) -> Iterator[Violation]:
    offsets, run = offsets_of(sheet), 1
    for number, (before, after) in enumerate(pairwise(offsets), start=1):
        run = run + 1 if after == before + 1 else 1
        if run > MOST_IN_A_ROW:
            numbers: Numbers = {"found": run, "allowed": MOST_IN_A_ROW}
            yield Violation("F-03", "verify.days_in_a_row", "", number, numbers=numbers)


def _apart(ground: Ground, sheet: Sheet) -> Iterator[Violation]:
    """C-DM2: no two days in a row."""
    if not ground.limits.apart:
        return
    offsets = offsets_of(sheet)
    rule = ground.bound_by(lambda one: one.apart, "C-DM2")
    for number, (before, after) in enumerate(pairwise(offsets), start=1):
        if after == before + 1:
            yield Violation(rule, "verify.days_apart", "", number)


def hard_muscles(items: Sequence[Item]) -> set[str]:
    """Major muscles for which a day is a hard session."""
    sets: dict[str, int] = {}
    for item in items:
        exercise = item.exercise
        if exercise is None or item.sets is None or item.rir is None or item.rir > HARD_SET_RIR:
            continue
        if exercise.primary in MAJOR:
            sets[exercise.primary] = sets.get(exercise.primary, 0) + item.sets
    return {muscle for muscle, count in sets.items() if count >= HARD_SESSION_SETS}


def _spacing(sheet: Sheet) -> Iterator[Violation]:
    """F-02: no hard session of a muscle on the day after another one."""
    offsets = offsets_of(sheet)
    hard = [hard_muscles(items) for items in sheet.days[: len(offsets)]]
    for number in range(1, len(hard)):
        gap = offsets[number] - offsets[number - 1]
        if gap < REST_BETWEEN_DAYS:
            for muscle in sorted(hard[number] & hard[number - 1]):
                numbers: Numbers = {"muscle": muscle, "found": 24 * gap, "allowed": 24 * REST_BETWEEN_DAYS}
                yield Violation("F-02", "verify.spacing", "", number, numbers=numbers)


def _frequency(ground: Ground, sheet: Sheet) -> Iterator[Violation]:
    """F-02: a major muscle that is trained at all is trained twice, where there are two days."""
    if len(sheet.days) < 2:
        return
    days = [{muscle for muscle in sets_of(items) if muscle in MAJOR} for items in sheet.days]
    for muscle in MAJOR:
        if sum(muscle in day for day in days) == 1:
            numbers: Numbers = {"muscle": muscle, "found": 1, "allowed": 2}
            yield Violation("F-02", "verify.frequency", "days", numbers=numbers, severity="warn")


def _twice(items: Sequence[Item]) -> Iterator[Violation]:
    seen: set[str] = set()
    for item in items:
        if item.exercise is not None:
            if item.exercise.id in seen:
                numbers: Numbers = {"exercise": item.exercise.id}
                yield Violation("E-01", "verify.twice", "id", item.day, item.index, numbers)
            seen.add(item.exercise.id)


def minutes_of(items: Sequence[Item]) -> float:
    """T-01 of one session; what cannot be read takes no time."""
    total, patterns = SESSION_START_MIN, set[str]()
    for item in items:
        exercise = item.exercise
        if (
            exercise is None
            or item.sets is None
            or item.reps is None
            or item.rir is None
            or item.rest_s is None
        ):
            continue
        warm = exercise.pattern not in patterns
        patterns.add(exercise.pattern)
        total += exercise_minutes(exercise, item.sets, item.reps[1], item.rest_s, item.rir, warm=warm)
    return total


def _minutes(ground: Ground, number: int, items: Sequence[Item]) -> Iterator[Violation]:
    used, most = minutes_of(items), ground.context["minutes_per_session"]
    if used > most + TOLERANCE:
        numbers: Numbers = {"found": round(used, 1), "allowed": most}
        yield Violation("T-01", "verify.minutes", "", number, numbers=numbers)


def _session_caps(ground: Ground, number: int, items: Sequence[Item]) -> Iterator[Violation]:
    cap = SESSION_CAP[ground.context["experience"]]
    for muscle, sets in sets_of(items).items():
        if sets > cap + TOLERANCE:
            numbers: Numbers = {"muscle": muscle, "found": sets, "allowed": cap}
            yield Violation("V-06", "verify.session_sets", "", number, WHOLE, numbers)
