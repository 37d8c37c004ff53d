"""Changes to what is placed already: a set more or fewer, an exercise out, and back again."""

from __future__ import annotations

from typing import NamedTuple

from fitsense.training.week.placing import SLIM_SETS, count, within_caps
from fitsense.training.week.prescription import SESSION_START_MIN
from fitsense.training.week.weeks import Placed, Session, Week


def add_set(week: Week, session: Session, index: int) -> bool:
    """One more set of a placed exercise, where time and caps allow it (V-01 to V-03)."""
    exercise, dose, sets, full = session.placed[index]
    seconds = week.work(exercise).set_s / 60
    # A lighter week takes back a set that an ordinary one has: its time is counted already.
    more = seconds if sets == full else 0.0
    if sets >= week.most_sets or session.full_minutes + more > week.minutes:
        return False
    if not within_caps(week, session, exercise, 1):
        return False
    session.full_minutes += more
    session.minutes += seconds
    session.placed[index] = Placed(exercise, dose, sets + 1, max(full, sets + 1))
    count(week, session, exercise, 1)
    return True


def drop_set(week: Week, session: Session) -> bool:
    """One set fewer of the exercise with most of them, the last one first; none falls below two."""
    if not session.placed:
        return False
    index = max(range(len(session.placed)), key=lambda one: (session.placed[one].sets, one))
    exercise, dose, sets, full = session.placed[index]
    if sets <= SLIM_SETS:
        return False
    seconds = week.work(exercise).set_s / 60
    session.full_minutes -= seconds
    session.minutes -= seconds
    session.placed[index] = Placed(exercise, dose, sets - 1, full - 1)
    count(week, session, exercise, -1)
    return True


class Mark(NamedTuple):
    """A session and the week's counts as they were, to go back to."""

    minutes: float
    full_minutes: float
    owed: float
    volume: dict[str, float]
    patterns: set[str]
    ids: set[str]
    main: set[str]
    placed: list[Placed]
    week_volume: dict[str, float]
    used: dict[str, int]


def mark(week: Week, session: Session) -> Mark:
    """Remember ``session`` before a change that may not work out."""
    return Mark(
        session.minutes,
        session.full_minutes,
        session.owed,
        dict(session.volume),
        set(session.patterns),
        set(session.ids),
        set(session.main),
        list(session.placed),
        dict(week.volume),
        dict(week.used),
    )


def back_to(week: Week, session: Session, before: Mark) -> None:
    """Undo everything since ``before``."""
    session.minutes, session.full_minutes, session.owed = before[:3]
    session.volume, session.patterns, session.ids, session.main, session.placed = before[3:8]
    week.volume, week.used = before[8:]


def take_out(week: Week, session: Session, index: int) -> None:
    """Leave a placed exercise out again."""
    exercise, _, sets, _ = session.placed.pop(index)
    session.ids.discard(exercise.id)
    session.main = {one.exercise.primary for one in session.placed if one.exercise.kind != "support"}
    session.patterns = {one.exercise.pattern for one in session.placed}
    week.used[exercise.id] -= 1
    count(week, session, exercise, -sets)
    _recount(week, session)


def _recount(week: Week, session: Session) -> None:
    """T-01 anew: what was first of its pattern, and so had ramp sets, may be gone."""
    warmed: set[str] = set()
    session.minutes = session.full_minutes = SESSION_START_MIN
    for exercise, _, sets, full in session.placed:
        work, warm = week.work(exercise), exercise.pattern not in warmed
        warmed.add(exercise.pattern)
        session.minutes += work.minutes(sets, warm=warm)
        session.full_minutes += work.minutes(full, warm=warm) + (work.spare_min if warm else 0.0)
